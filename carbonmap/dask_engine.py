"""Parts worked on by Dask workers: processes on this machine, or on any number of machines around one scheduler.

Dask carries the orders and knows who is alive; who gets which part is decided here, one part at a time to each worker.
So a worker that dies costs one part, a worker that is refused gets no more, and nothing depends on how a scheduler that
somebody else has set up is tuned.
"""

import contextlib
import logging
import pickle
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from typing import Any

from carbonmap.dask_cluster import checked_address, client_of, local_client, quiet
from carbonmap.dask_worker import Outcome, Terms, work_order
from carbonmap.errors import EngineError
from carbonmap.parts import Part, WorkFolder
from carbonmap.plan import Plan
from carbonmap.progress import Progress
from gis.sources import Source

LOOK_AGAIN_S = 0.5
"""How often is looked who is there, at least."""

UNSEEN_S = 90
"""How long a file that another machine wrote may stay unseen: network file systems remember that it was not there."""

ANSWER_S = 2
"""How long to wait for what an order that has ended gave back, before looking whether its worker is still there."""

MOST_LOSSES = 3
"""Workers that may die of one part."""

_GONE = (OSError, TimeoutError, ValueError, RuntimeError)
"""What Dask's client raises when its scheduler has gone, at one moment or another."""

_KEPT = "The parts that are done are kept, and the same command goes on from them"

_log = logging.getLogger(__name__)


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
            with quiet(), client_of(self._scheduler):
                pass

    def get_ready(self, sources: list[Source], plan: Plan) -> None:
        """Do nothing: each worker sees the zones through the grid by itself."""

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
        terms = Terms.of(plan, work, identity, far=self._scheduler is not None)
        try:
            with quiet(), self._connected() as client:
                shift = _Shift(client, terms, parts, progress, self._where, self._patience_s)
                shift.run()
            _wait_until_seen(parts, work)
        finally:  # however it ends, nobody waits for what is still under way
            terms.sign.unlink(missing_ok=True)

    @property
    def _where(self) -> str:
        return self._scheduler or "this machine"

    def _connected(self) -> contextlib.AbstractContextManager[Any]:
        return local_client(self._processes) if self._scheduler is None else client_of(self._scheduler)


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
        self._accepted = False
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
                with contextlib.suppress(*_GONE):  # the scheduler may be what was lost
                    self._client.cancel(orders, force=True)

    def _look_who_is_there(self) -> None:
        try:
            self._present = sorted(self._client.nthreads())
        except _GONE as problem:
            raise self._scheduler_lost() from problem
        for address in [address for address in self._under_way if address not in self._present]:
            part, future = self._under_way.pop(address)
            future.cancel()
            self._lost(part, address)
        if any(address not in self._refused for address in self._present):
            self._last_seen = time.monotonic()
            return
        refused = "; ".join(f"worker {address}: {why}" for address, why in sorted(self._refused.items()))
        if self._present and not self._accepted:
            raise EngineError(f"no worker of {self._where} may work on this build; {refused}")
        if time.monotonic() - self._last_seen > self._patience_s:  # one that died is often started again by its nanny
            raise EngineError(
                f"the scheduler at {self._where} has had no worker for {self._patience_s:.0f} s: start some with "
                f"`dask worker {self._where}`. {_KEPT}" + (f". Refused were {refused}" if refused else "")
            )

    def _lost(self, part: Part, address: str) -> None:
        self._losses[part] += 1
        if self._losses[part] >= MOST_LOSSES:
            raise EngineError(
                f"{part} was given to {MOST_LOSSES} workers, and each died of it or was stopped, the last one "
                f"{address}; if their memory is the reason, start fewer workers per machine. {_KEPT}"
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
        try:
            ended = [self._ended.get(timeout=LOOK_AGAIN_S)]
        except Empty:
            return
        ended += [self._ended.get() for _ in range(self._ended.qsize())]
        for address, future in ended:
            part, current = self._under_way.get(address, (None, None))
            if part is not None and current is future:
                self._settle(part, address, future)

    def _settle(self, part: Part, address: str, future: Any) -> None:
        if future.status == "cancelled":
            raise self._scheduler_lost()
        if future.status == "error":
            problem = future.exception()
            if type(problem).__name__ == "KilledWorker":
                del self._under_way[address]
                self._lost(part, address)
                return
            raise _explained(problem, address) from problem
        # A worker may die between the end of an order and here, and the outcome with it. Dask would then wait for ever
        # for the same worker to do it again; who is there is looked at before the outcome is asked for once more.
        try:
            outcome: Outcome = future.result(timeout=ANSWER_S)
        except TimeoutError:
            self._ended.put((address, future))
            return
        except (OSError, CancelledError) as problem:
            raise self._scheduler_lost() from problem
        del self._under_way[address]
        if outcome.error is not None:
            raise outcome.error
        if outcome.refused is not None:
            _log.warning("worker %s is not used: %s", address, outcome.refused)
            self._refused[address] = outcome.refused
            self._waiting.appendleft(part)
            return
        self._accepted = True
        workers = sum(address not in self._refused for address in self._present)
        self._progress.step(f"{part}: done by {address} ({workers} worker{'s' * (workers != 1)})")

    def _scheduler_lost(self) -> EngineError:
        return EngineError(
            f"the scheduler at {self._where} is not there any more; start it and its workers again. {_KEPT}"
        )


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
