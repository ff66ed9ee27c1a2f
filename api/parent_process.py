"""What a worker process owes to the one that started it."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def leave_with_parent() -> None:
    """Let this process end when the one that started it has ended, however it did; workers would keep the port else."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="leave with parent", daemon=True).start()
