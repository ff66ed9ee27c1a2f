"""Where files are made on demand: one at a time, in a process of their own, so that maps are served meanwhile."""

import math
import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from api.errors import MadeTooLong, NotKept, NotMade, WorkshopFull, log
from grids.edition import Edition
from grids.exports.shelf import Kept, Shelf
from grids.store_errors import EditionBroken

MOST_WAITING = 16
"""Files that may wait to be made; more are refused for the time being."""

AGAIN_S = 86_400.0
"""So long a file that took too long is not tried again: meanwhile others are made, also where many ask for it."""

_BROKEN, _FULL, _BUSY = 65, 73, 75
"""What the maker ends with, as `grids.exports.__main__` says it."""


@dataclass(frozen=True)
class _Order:
    edition: Edition
    name: str
    done: "Future[Kept]" = field(default_factory=Future)


class Workshop:
    """Makes files of a store's editions and keeps them on a shelf that other processes of the server share.

    Args:
        store: the store's folder.
        shelf: where what is made is kept.
        seconds: what making one may take.
        again_s: how long one that took longer is refused at once; a process started anew knows nothing of it.
    """

    def __init__(self, store: Path, shelf: Shelf, seconds: float = 3600.0, again_s: float = AGAIN_S) -> None:
        self.shelf = shelf
        self._seconds = seconds
        self._again_s = again_s
        self._late: dict[tuple[str, str, str], float] = {}  # until when, by the clock that is never set
        self._store = Path(store)
        self._orders: dict[tuple[str, str, str], _Order] = {}
        self._queue: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._worker: threading.Thread | None = None

    def order(self, edition: Edition, name: str) -> "Future[Kept]":
        """Have a file made, if nobody has ordered it yet; the future holds it, `NotMade` or `EditionBroken`.

        Raises:
            WorkshopFull: too many are waiting.
            MadeTooLong: it took too long not long ago.
        """
        key = (edition.region.id, edition.id, name)
        with self._guard:
            now = time.monotonic()
            self._late = {late: until for late, until in self._late.items() if until > now}
            if key in self._late:
                raise self._too_long(edition, name, self._late[key] - now)
            if key not in self._orders:
                if len(self._orders) >= MOST_WAITING:
                    raise WorkshopFull(f"{MOST_WAITING} files are waiting to be made; ask for this one again later")
                self._orders[key] = _Order(edition, name)
                self._queue.put(self._orders[key])
                if self._worker is None:
                    self._worker = threading.Thread(target=self._work, name="workshop", daemon=True)
                    self._worker.start()
            return self._orders[key].done

    def _work(self) -> None:
        while True:
            order = self._queue.get()
            try:
                order.done.set_result(self._made(order.edition, order.name))
            except Exception as error:  # noqa: BLE001  # whoever waits for the file is told, and the next one is made
                order.done.set_exception(error)
            finally:
                with self._guard:
                    del self._orders[(order.edition.region.id, order.edition.id, order.name)]

    def _too_long(self, edition: Edition, name: str, retry_s: float) -> MadeTooLong:
        return MadeTooLong(
            f"{name} of edition {edition.id} took longer than {self._seconds:g} s to make, the most that a file may: "
            "ask for a smaller collection or another form, or whoever runs the server for more time",
            retry_s=math.ceil(retry_s),
        )

    def _found(self, edition: Edition, name: str) -> Kept | None:
        """A file from the shelf, once nobody else makes one there: a maker could only start, be refused and end."""
        kept = self.shelf.find(edition, name)
        if kept is not None:
            return kept
        try:
            self.shelf.wait_for_maker()
        except OSError:  # the maker says what is wrong with the folder
            return None
        return self.shelf.find(edition, name)

    def _made(self, edition: Edition, name: str) -> Kept:
        while True:
            kept = self._found(edition, name)
            if kept is not None:
                return kept
            # -P: the folder the server was started in must not offer modules of our names.
            command = [sys.executable, "-P", "-m", "grids.exports", str(self._store), edition.region.id, edition.id]
            command += [name, str(self.shelf.folder), str(self.shelf.most_bytes)]
            # The maker ends when its input does: with this process, however that ends.
            with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as maker:
                assert maker.stderr is not None
                late = threading.Event()
                # One that hangs, as on a mount that is gone, would hold up all files after it.
                deadline = threading.Timer(self._seconds, lambda maker=maker, late=late: (late.set(), maker.kill()))
                deadline.daemon = True
                deadline.start()
                said = maker.stderr.read().decode("utf-8", "replace").strip()
                code = maker.wait()
                deadline.cancel()
            if code < 0 and late.is_set():
                log.error(
                    "%s of edition %s took longer than %g s to make and was ended", name, edition.id, self._seconds
                )
                with self._guard:
                    self._late[edition.region.id, edition.id, name] = time.monotonic() + self._again_s
                raise self._too_long(edition, name, self._again_s)
            if code and code != _BUSY:  # busy: another process was quicker, and is waited for
                log.error("%s of edition %s could not be made (%d): %s", name, edition.id, code, said[-4000:])
                if code == _BROKEN:
                    raise EditionBroken(f"{name} of edition {edition.id} could not be made: its table is damaged")
                raise (NotKept if code == _FULL else NotMade)(f"{name} of edition {edition.id} could not be made")
