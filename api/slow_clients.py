"""Clients that take an answer more slowly than it is made: so many of them and no more, the slowest is let go first.

An answer that comes in parts keeps its place among the requests under way until its last byte is taken, and one that
is made at once lies in memory. A client that takes a little for ever is as slow as it may be; several hundred of them
would keep everybody else out, at the cost of some hundred kilobytes a second. As long as there are few, all may stay.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MOST_SLOW = 100
"""Connections with a request under way whose client is waited for; half of the requests that may be under way."""

MOST_SLOW_BYTES = 256_000_000
"""Of answers that lie in memory until they are taken."""

TOO_MANY, TOO_MUCH = "too many", "too much"
"""Why one is let go: more than `MOST_SLOW` are waited for, or more than `MOST_SLOW_BYTES` lie in memory for them."""

PATIENCE_S = 2.0
"""Nobody is let go for being slow who was not waited for so long: by then it shows who is."""


class Connection(Protocol):
    """What is told of a connection, and asked of it."""

    def untaken(self) -> int:
        """Return how many bytes wait for the client."""

    def is_busy(self) -> bool:
        """Return whether a request of it is under way."""

    def let_go(self, why: str) -> None:
        """End it at once, and say why."""


@dataclass(frozen=True)
class _Since:
    at: float
    untaken: int


class SlowClients:
    """The connections of one server whose clients are waited for.

    Args:
        loop: of the server; nothing here is for other threads.
        most: of them with a request under way.
        most_bytes: that wait for all of them together.
        patience_s: how long each is waited for in any case.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int, most_bytes: int, patience_s: float) -> None:
        self._loop = loop
        self._most, self._most_bytes, self._patience_s = most, most_bytes, patience_s
        self._since: dict[Connection, _Since] = {}
        self._bytes = 0  # when each began to be waited for: no less than now
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._since)

    def wait_for(self, connection: Connection) -> None:
        """A connection has more to send than its client takes: wait for it, and let others go if these are too many."""
        self.taken(connection)
        self._since[connection] = _Since(self._loop.time(), connection.untaken())
        self._bytes += self._since[connection].untaken
        self._relieve()

    def taken(self, connection: Connection) -> None:
        """A client took what waited for it, or left."""
        since = self._since.pop(connection, None)
        if since is not None:
            self._bytes -= since.untaken

    def _relieve(self) -> None:
        """Let the slowest go until no more are left than may be; if all have just come, look again later."""
        if len(self._since) <= self._most and self._bytes <= self._most_bytes:
            return
        now = self._loop.time()
        while (crowd := self._crowd()) is not None:
            why, among, merit = crowd
            waited = [one for one in among if now - self._since[one].at >= self._patience_s]
            if not waited:
                if self._timer is None:
                    self._timer = self._loop.call_later(self._patience_s, self._look_again)
                return
            slowest = min(waited, key=lambda one: merit(one, now))
            self.taken(slowest)
            slowest.let_go(why)

    def _look_again(self) -> None:
        self._timer = None
        self._relieve()

    def _crowd(self) -> tuple[str, list[Connection], Callable[[Connection, float], float]] | None:
        """Why one must go and of whom, and by which measure the least of them; none if all may stay."""
        busy = [one for one in self._since if one.is_busy()]
        if len(busy) > self._most:
            return TOO_MANY, busy, self._rate
        if sum(one.untaken() for one in self._since) > self._most_bytes:
            # Not who takes little of little: who will need memory for longest.
            everybody = list(self._since)
            return TOO_MUCH, everybody, lambda one, now: self._rate(one, now) / max(one.untaken(), 1)
        return None

    def _rate(self, connection: Connection, now: float) -> float:
        """Bytes a second that a client took since it was waited for."""
        since = self._since[connection]
        return (since.untaken - connection.untaken()) / max(now - since.at, 1e-9)
