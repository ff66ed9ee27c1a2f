"""Clients that are waited for: which of them go when they are too many, or when too much lies in memory for them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from api.slow_clients import TOO_MANY, TOO_MUCH, SlowClients


@dataclass(eq=False)
class Line:
    """A connection for which so many bytes wait."""

    waits: int
    busy: bool = True
    gone: bool = False
    why: str = ""

    def untaken(self) -> int:
        return self.waits

    def is_busy(self) -> bool:
        return self.busy

    def let_go(self, why: str) -> None:
        self.gone, self.why = True, why


def crowd(most: int, most_bytes: int, patience_s: float, told: Callable[[SlowClients], None]) -> None:
    async def run() -> None:
        told(SlowClients(asyncio.get_running_loop(), most, most_bytes, patience_s))

    asyncio.run(run())


def test_the_slowest_of_too_many_goes() -> None:
    lines = [Line(1_000_000) for _ in range(4)]

    def told(slow: SlowClients) -> None:
        for line, taken in zip(lines[:3], (900_000, 1_000, 500_000), strict=True):
            slow.wait_for(line)
            line.waits -= taken
        assert not any(line.gone for line in lines)
        time.sleep(0.05)
        slow.wait_for(lines[3])

    crowd(3, 10**9, 0.04, told)
    assert [line.gone for line in lines] == [False, True, False, False]
    assert lines[1].why == TOO_MANY


def test_whoever_has_no_request_under_way_takes_nobodys_place() -> None:
    lines = [Line(1_000, busy=False) for _ in range(20)]

    def told(slow: SlowClients) -> None:
        for line in lines:
            slow.wait_for(line)
        assert len(slow) == 20

    crowd(3, 10**9, 0.0, told)
    assert not any(line.gone for line in lines)


def test_whoever_took_all_or_left_counts_no_more() -> None:
    lines = [Line(600) for _ in range(20)]

    def told(slow: SlowClients) -> None:
        for line in lines:
            slow.wait_for(line)
            slow.taken(line)
            slow.taken(line)
        assert len(slow) == 0

    crowd(1, 1_000, 0.0, told)
    assert not any(line.gone for line in lines)


def test_of_too_many_bytes_those_go_that_would_lie_there_longest() -> None:
    large, small = Line(900_000, busy=False), Line(2_000, busy=False)

    def told(slow: SlowClients) -> None:
        slow.wait_for(large)
        slow.wait_for(small)
        large.waits -= 5_000  # faster than the small one, with far more to take
        small.waits -= 1_000
        time.sleep(0.05)
        slow.wait_for(Line(200_000, busy=False))

    crowd(3, 1_000_000, 0.04, told)
    assert (large.gone, small.gone) == (True, False)
    assert large.why == TOO_MUCH


def test_nobody_goes_at_once_and_somebody_does_in_the_end() -> None:
    lines = [Line(1_000) for _ in range(3)]

    async def run() -> None:
        slow = SlowClients(asyncio.get_running_loop(), 1, 10**9, 0.05)
        for line in lines:
            slow.wait_for(line)
        assert not any(line.gone for line in lines)
        while len(slow) > 1:  # nobody else comes
            await asyncio.sleep(0.01)

    asyncio.run(run())
    assert sum(line.gone for line in lines) == 2
