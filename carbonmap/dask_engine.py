"""Parts worked on by Dask workers: processes on this machine, or on any number of machines around one scheduler.

Dask carries the orders and knows who is alive; who gets which part is decided here, one part at a time to each worker.
So a worker that dies costs one part, a worker that is refused gets no more, and nothing depends on how a scheduler that
somebody else has set up is tuned.
"""

import contextlib
import logging
import os
import pickle
import re
import signal
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import resource_tracker
from queue import Empty, SimpleQueue
from typing import Any

import distributed

from carbonmap.dask_worker import Outcome, Terms, work_order
from carbonmap.errors import EngineError, RegionError
from carbonmap.parts import Part, WorkFolder
from carbonmap.plan import Plan
from carbonmap.progress import Progress
from grids.blocks import threads_here

CONNECT_S = 10
"""How long a scheduler may take to answer."""

LOOK_AGAIN_S = 0.5
"""How often is looked who is there, at least."""

UNSEEN_S = 90
"""How long a file that another machine wrote may stay unseen: network file systems remember that it was not there."""

MOST_LOSSES = 3
"""Workers that may die of one part."""

WORKER_BYTES = 1536 << 20
"""Memory that a worker of this machine should have for itself: a part, the plan, and the program."""

_LONGEST_GREETING = 1 << 20

LOOPBACK = "127.0.0.1"

_ADDRESS = re.compile(
    r"(?P<protocol>tcp|tls)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(?P<port>\d{1,5})"
)

_log = logging.getLogger(__name__)
_dask: Any = distributed  # which declares the types of some of its functions, and not of others


class DaskEngine:
    """Workers of a scheduler that is running, or processes of this machine.

    Args:
        scheduler: `tcp://HOST:PORT` or `tls://HOST:PORT` of a running one; None: processes of this machine, for the
            time of the build.
        processes: how many of them; default: as many as there are processors, and memory for.
        patience_s: how long to wait, in seconds, while there is no worker.

    Raises:
        RegionError: no such address.
    """

    def __init__(self, scheduler: str | None = None, *, processes: int | None = None, patience_s: float = 60.0) -> None:
        self._scheduler = None if scheduler is None else checked_address(scheduler)
        self._processes = processes
        self._patience_s = patience_s

    def reach(self) -> None:
        """Ask whether the scheduler answers, before anything that takes long.

        Raises:
            EngineError: nothing listens there, or something else.
        """
        if self._scheduler is not None:
            with _quiet(), _client_of(self._scheduler):
                pass

    def work(
        self, parts: list[Part], plan: Plan, work: WorkFolder, identity: Mapping[str, Any], progress: Progress
    ) -> None:
        """Give parts to workers until all are kept.

        Raises:
            GisError, AccountingError, GridError: as `work_part`, from whichever worker; the other parts are cancelled.
            EngineError: no worker, none that may work on this build, or a part that kills them; parts done are kept.
        """
        if not parts:
            return
        terms = Terms.of(plan, work, identity)
        with _quiet(), self._connected() as client:
            shift = _Shift(client, terms, parts, progress, self._where, self._patience_s)
            shift.run()
        _wait_until_seen(parts, work)
        terms.sign.unlink(missing_ok=True)

    @property
    def _where(self) -> str:
        return self._scheduler or "this machine"

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        if self._scheduler is not None:
            with _client_of(self._scheduler) as client:
                yield client
            return
        with (
            local_cluster(self._processes or _processes_here()) as cluster,
            _dask.Client(cluster, set_as_default=False) as client,
        ):
            yield client


class _Shift:
    """Parts and who works on them, until all are done."""

    def __init__(
        self, client: Any, terms: Terms, parts: Sequence[Part], progress: Progress, where: str, patience_s: float
    ) -> None:
        self._client, self._terms, self._progress = client, terms, progress
        self._where, self._patience_s = where, patience_s
        self._waiting = deque(parts)
        self._under_way: dict[str, tuple[Part, Any]] = {}
        self._ended: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._refused: dict[str, str] = {}
        self._losses: Counter[Part] = Counter()
        self._present: list[str] = []
        self._last_seen = time.monotonic()

    def run(self) -> None:
        """Work until nothing is left; whatever stops it, no order stays behind."""
        try:
            while self._waiting or self._under_way:
                self._look_who_is_there()
                self._hand_out()
                self._take_in()
        finally:
            orders = [future for _, future in self._under_way.values()]
            if orders:
                with contextlib.suppress(OSError, TimeoutError, ValueError):  # the scheduler may be what was lost
                    self._client.cancel(orders, force=True)

    def _look_who_is_there(self) -> None:
        try:
            self._present = sorted(self._client.nthreads())
        except (OSError, TimeoutError, ValueError) as problem:
            raise self._scheduler_lost() from problem
        for address in [address for address in self._under_way if address not in self._present]:
            part, future = self._under_way.pop(address)
            future.cancel()
            self._lost(part, address)
        fit = [address for address in self._present if address not in self._refused]
        if fit:
            self._last_seen = time.monotonic()
        elif self._refused and self._present:
            raise EngineError(
                f"no worker of {self._where} may work on this build. "
                + "; ".join(f"Worker {address}: {why}" for address, why in sorted(self._refused.items()))
            )
        elif time.monotonic() - self._last_seen > self._patience_s:
            raise EngineError(
                f"the scheduler at {self._where} has had no worker for {self._patience_s:.0f} s: start some with "
                f"`dask worker {self._where}`. The parts that are done are kept, and the same command goes on from them"
            )

    def _lost(self, part: Part, address: str) -> None:
        self._losses[part] += 1
        if self._losses[part] >= MOST_LOSSES:
            raise EngineError(
                f"{part} was given to {MOST_LOSSES} workers, and each died of it or was stopped, the last one "
                f"{address}; if their memory is the reason, start fewer workers per machine. The parts that are done "
                "are kept, and the same command goes on from them"
            )
        _log.warning("worker %s is lost; %s is given to another one", address, part)
        self._waiting.appendleft(part)

    def _hand_out(self) -> None:
        for address in self._present:
            if self._waiting and address not in self._under_way and address not in self._refused:
                part = self._waiting.popleft()
                future = self._client.submit(
                    work_order, self._terms, pickle.dumps(part), workers=[address], pure=False, retries=0
                )
                self._under_way[address] = (part, future)
                future.add_done_callback(lambda ended, by=address: self._ended.put((by, ended)))

    def _take_in(self) -> None:
        """Wait a moment for an order to end, then take in all that have."""
        wait = LOOK_AGAIN_S
        while True:
            try:
                address, future = self._ended.get(timeout=wait)
            except Empty:
                return
            wait = 0
            part, current = self._under_way.get(address, (None, None))
            if part is not None and current is future:
                del self._under_way[address]
                self._settle(part, address, future)

    def _settle(self, part: Part, address: str, future: Any) -> None:
        if future.status == "cancelled" or future.status == "lost":
            raise self._scheduler_lost()
        if future.status == "error":
            problem = future.exception()
            if type(problem).__name__ == "KilledWorker":
                self._lost(part, address)
                return
            raise _explained(problem, address) from problem
        outcome: Outcome = future.result()
        if outcome.error is not None:
            raise outcome.error
        if outcome.refused is not None:
            _log.warning("worker %s is not used: %s", address, outcome.refused)
            self._refused[address] = outcome.refused
            self._waiting.appendleft(part)
            return
        workers = sum(address not in self._refused for address in self._present)
        self._progress.step(f"{part}: done by {address} ({workers} worker{'s' * (workers != 1)})")

    def _scheduler_lost(self) -> EngineError:
        return EngineError(
            f"the scheduler at {self._where} is not there any more. The parts that are done are kept: start it and its "
            "workers again, and the same command goes on from them"
        )


def checked_address(text: str) -> str:
    """A scheduler's address as it was given.

    Raises:
        RegionError: it is none.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise RegionError(
            f"--scheduler {text!r} is no address of a scheduler; expected tcp://HOST:PORT or tls://HOST:PORT, as "
            "`dask scheduler` prints it, e.g. tcp://10.0.0.5:8786"
        )
    return text


@contextlib.contextmanager
def local_cluster(processes: int) -> Iterator[Any]:
    """A scheduler and workers, each a process, which listen on loopback only and end with the `with` statement.

    Args:
        processes: how many workers.
    """
    threads = max(1, threads_here() // max(processes, 1))
    environment = {"CARBONMAP_THREADS": os.environ.get("CARBONMAP_THREADS", str(threads))}
    if not os.environ.get("CARBONMAP_DEBUG"):
        environment["PYTHONWARNINGS"] = "ignore"  # as the command line does
    with _without_ctrl_c():
        cluster = _dask.LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            processes=True,
            host=LOOPBACK,
            # Without one it would still answer /health, on port 8787 if it can.
            scheduler_kwargs={"dashboard": False, "dashboard_address": f"{LOOPBACK}:0"},
            silence_logs=logging.CRITICAL,
            env=environment,
        )
    with cluster:
        yield cluster


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let what is started here, and what that starts later, not see Ctrl-C, which a terminal sends to all of them.

    It is for this process to end the others. One that comes meanwhile is seen when this is left.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which lets Ctrl-C through again when it has to start its own process first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _processes_here() -> int:
    memory: int = _dask.system.MEMORY_LIMIT
    return max(1, min(threads_here(), memory // WORKER_BYTES))


@contextlib.contextmanager
def _client_of(scheduler: str) -> Iterator[Any]:
    _knock(scheduler)
    try:
        client = _dask.Client(scheduler, timeout=CONNECT_S, set_as_default=False, name="carbonmap")
    except (OSError, TimeoutError) as problem:
        raise EngineError(
            f"what listens at {scheduler} does not answer as a Dask scheduler does: {problem}. Is the address the one "
            "that `dask scheduler` prints?"
        ) from problem
    with client:
        yield client


def _knock(scheduler: str) -> None:
    """See whether anything listens, and can be spoken to: Dask itself would try for long, and not say what is wrong."""
    match = _ADDRESS.fullmatch(scheduler)
    assert match is not None  # checked when the engine was made
    if match["protocol"] == "tls":
        try:
            ready = _dask.Security().get_connection_args("client").get("ssl_context") is not None
        except OSError as problem:  # errors of TLS among them
            raise EngineError(f"{scheduler}: Dask's certificates cannot be read: {problem}") from problem
        if not ready:
            raise EngineError(
                f"{scheduler}: for tls Dask needs certificates; its configuration names them under "
                "distributed.comm.tls (docs/scale.md)"
            )
    try:
        with socket.create_connection((match["host"].strip("[]"), int(match["port"])), CONNECT_S) as knocked:
            # A scheduler speaks first; Dask's client may wait for ever for what does not, or speaks otherwise.
            if match["protocol"] == "tcp" and not 0 < _first_number(knocked) < _LONGEST_GREETING:
                raise EngineError(
                    f"what listens at {scheduler} is no Dask scheduler, or one that wants tls://; is the address the "
                    "one that `dask scheduler` prints?"
                )
    except OSError as problem:
        raise EngineError(
            f"no Dask scheduler answers at {scheduler}: {problem.strerror or problem}. Is it running "
            "(`dask scheduler`), is the address the one it prints, and may this machine reach it?"
        ) from problem


def _first_number(connection: socket.socket) -> int:
    """What a Dask process says first: how many bytes follow; 0 when nothing is said."""
    try:
        return int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "little")
    except TimeoutError:
        return 0


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own log, which tells of every worker that goes, off the terminal; what matters is said here."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    levels = {name: logging.getLogger(name).level for name in ("distributed", "tornado", *names)}
    if os.environ.get("CARBONMAP_DEBUG"):
        levels = {}
    for name in levels:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _explained(problem: BaseException, address: str) -> BaseException:
    """What an order failed of before our code began, in our words; an error in our code as it is."""
    text = str(problem)
    if "deserialization of the task graph" in text:
        return EngineError(
            "the scheduler cannot import carbonmap: install the same carbonmap[dask] where `dask scheduler` runs, as "
            "on every worker, and start it again"
        )
    if isinstance(problem, ImportError) or (isinstance(problem, AttributeError) and "Can't get attribute" in text):
        return EngineError(
            f"worker {address} cannot import this carbonmap ({text}): install the same carbonmap[dask] there, and "
            "start the worker again"
        )
    return problem


def _wait_until_seen(parts: Sequence[Part], work: WorkFolder) -> None:
    """Wait for files of other machines to show here; on one machine, and mostly elsewhere, they do at once."""
    until = time.monotonic() + UNSEEN_S
    for part in parts:
        while work.record(part) is None:
            if time.monotonic() > until:
                raise EngineError(
                    f"{part} is done, and its files do not show in {work.path(part)} after {UNSEEN_S} s; is the store "
                    "of all machines the same folder of the same server?"
                )
            with contextlib.suppress(OSError):
                list(work.path(part).parent.iterdir())  # looking into a folder makes NFS ask its server anew
            time.sleep(LOOK_AGAIN_S)
