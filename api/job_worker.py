"""What works out jobs: a process that reads their ids and writes how far they are, a JSON object a line.

It ends when its input does: with the server that started it, however that ends.
"""

import os
import queue
import sys
import threading
from typing import IO, Any

import orjson

from api.errors import log, said_of
from api.job_files import JobFiles
from api.kept_results import KeptResults
from api.process_runs import PROCESSES, Work
from api.result_places import ResultPlaces
from api.scenario_runs import Runs
from api.settings import Settings, jobs_folder
from api.watch import configure_logs
from grids.edition import Store
from scenarios.errors import Stopped

_NICE = 5
"""What is served goes first."""


class JobWorker:
    """Works out jobs of a store.

    Args:
        settings: say where store and jobs are.
        said: what it says goes there.
    """

    def __init__(self, settings: Settings, said: IO[bytes]) -> None:
        folder = jobs_folder(settings)
        self._store = Store(settings.store, settings.index_bytes)
        self._files = JobFiles(folder / "jobs")
        self._places = ResultPlaces(Runs(most_work=None), KeptResults(folder / "results"))
        self._said = said
        self._stop = threading.Event()

    def listen(self, orders: IO[bytes]) -> None:
        """Take orders until there are no more."""
        names: queue.SimpleQueue[str] = queue.SimpleQueue()

        def read() -> None:
            for line in orders:
                order = orjson.loads(line)
                if "job" in order:
                    self._stop.clear()
                    names.put(order["job"])
                else:
                    self._stop.set()
            # The server is gone: nobody waits for what is being worked out.
            os._exit(0)

        threading.Thread(target=read, name="orders", daemon=True).start()
        while True:
            self._work(names.get())

    def _work(self, name: str) -> None:
        try:
            self._files.keep_result(name, self._result(name))
        except Stopped as error:
            self._say(problem={"status": 503, "detail": str(error)})
        except MemoryError:
            detail = "it needs more memory than a job may use: ask for less, such as a coarser grid or fewer samples"
            self._say(problem={"status": 503, "detail": detail}, spent=True)
        except Exception as error:  # noqa: BLE001 - whoever asked is told what may be told, and the next job is taken
            status, detail, more = said_of(error)
            if status >= 500:
                log.error("job %s failed: %s", name[:6], error, exc_info=error)
            self._say(problem={"status": status, "detail": detail, **more})
        else:
            self._say(done=True)

    def _result(self, name: str) -> bytes:
        request = self._files.request(name)
        process = PROCESSES[request["process"]]
        edition = self._store.open(request["region"], request["edition"])
        work = Work(edition, self._places, self._progress, self._stop.is_set)
        found = process.run(process.inputs.model_validate(request["inputs"]), work)
        return orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)

    def _progress(self, share: float, message: str) -> None:
        if self._stop.is_set():
            raise Stopped("the job was dismissed")
        self._say(progress=round(100 * share), message=message)

    def _say(self, **words: Any) -> None:
        self._said.write(orjson.dumps(words) + b"\n")
        self._said.flush()


def limit_memory(most_bytes: int) -> None:
    """Let this process hold at most so many bytes of its own, where the system can be told so."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
        os.nice(_NICE)


def main() -> None:
    """Take orders from standard input; what libraries print goes to standard error."""
    said = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    settings = Settings.load()
    configure_logs(settings.log_format)
    limit_memory(settings.job_bytes)
    JobWorker(settings, said).listen(sys.stdin.buffer)


if __name__ == "__main__":
    main()
