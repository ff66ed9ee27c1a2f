"""What a worker process owes to the one that started it, and how that one sees that a worker has ended."""

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from multiprocessing.connection import wait

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

_log = logging.getLogger("carbonmap.api")


def leave_with_parent() -> None:
    """Let this process end when the one that started it has ended, however it did; workers would keep the port else."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="leave with parent", daemon=True).start()


class Watching(Multiprocess):
    """Starts workers anew as soon as they have ended, or when they do not answer.

    uvicorn alone asks each by a pipe, and waits out its patience with one that is killed meanwhile: both ends of the
    pipe are open in the process that asks, so that nothing tells it of the other's end.
    """

    def keep_subprocess_alive(self) -> None:
        """Put another worker in the place of each that has ended or does not answer."""
        for place, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if _answers(worker, self.config.timeout_worker_healthcheck):
                continue
            worker.kill()  # it may hang
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                _log.error("worker %s could not start, and others could not either: the server stops", worker.pid)
                self.should_exit.set()
                return
            _log.warning("worker %s ended (%s): another one is started", worker.pid, worker.exitcode)
            self.processes[place] = Process(self.config, self.sockets)
            self.processes[place].start()


def _answers(worker: Process, patience_s: float) -> bool:
    """Whether a worker answers before it ends and before patience does."""
    try:
        worker.parent_conn.send(b"ping")
        if worker.parent_conn not in wait([worker.parent_conn, worker.process.sentinel], patience_s):
            return False
        worker.parent_conn.recv()
    except (OSError, EOFError, pickle.UnpicklingError):
        return False
    return worker.process.is_alive()
