"""Turns of what takes a while: a few at a time, a few that wait, and none once nobody waits for its answer."""

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from api.errors import RunsBusy

MOST_WAITING = 12
"""Runs that wait; each is done within a second or two, and nobody waits longer than an answer may take."""
THREADS = 2
"""Runs at a time of one process; others wait, so that they take no thread from what is read."""
DRAWN_THREADS = 2
"""Drawn polygons that are added up at a time, beside the runs; as many more may wait as runs may."""
READ_THREADS = 4
"""Answers at a time for which whole columns are read: rankings, distributions, differences of editions, styles and
STAC items; the rest has other threads."""
MOST_READS_WAITING = 64
"""Such answers that wait; most take a small part of a second, and a map asks for some at once."""
FILTER_THREADS = 2
"""Long filters that are read at a time: what is counted on their text holds the interpreter, and one is parsed at a
time."""
CHOICE_THREADS = 4
"""Pages of filtered or sorted items at a time, for which columns are read whole too; as many may wait as for those."""

Made = TypeVar("Made")

_GIVEN_UP: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)


def given_up() -> bool:
    """Whether the client of the run in this thread left, or was told that its time is over; never in a job."""
    event = _GIVEN_UP.get()
    return event is not None and event.is_set()


async def running(request: Request, made: Callable[[], Made]) -> Made:
    """Run a scenario, or whatever else is asked of one, when its turn comes: see `in_turn`."""
    busy = (
        f"{MOST_WAITING} runs of scenarios wait for their turn, the most that may: ask again in a few seconds, or "
        "execute the process 'scenario' as a job"
    )
    return await in_turn(request, request.app.state.run_threads, busy, made)


async def adding_up(request: Request, made: Callable[[], Made]) -> Made:
    """Add up what lies in a drawn polygon when its turn comes: see `in_turn`."""
    busy = (
        f"{DRAWN_THREADS} drawn polygons are added up and {MOST_WAITING} wait for their turn, the most that may: "
        "ask again in a few seconds"
    )
    return await in_turn(request, request.app.state.drawn_threads, busy, made)


async def reading(request: Request, made: Callable[[], Made]) -> Made:
    """Answer from whole columns when its turn comes: see `in_turn`."""
    busy = (
        f"{READ_THREADS} answers are read from whole columns and {MOST_READS_WAITING} wait for their turn, the most "
        "that may: ask again in a few seconds"
    )
    return await in_turn(request, request.app.state.read_threads, busy, made, most_waiting=MOST_READS_WAITING)


async def choosing(request: Request, made: Callable[[], Made]) -> Made:
    """Filter or sort all items of a collection for a page of them when its turn comes: see `in_turn`."""
    busy = (
        f"{CHOICE_THREADS} pages of items are filtered or sorted and {MOST_READS_WAITING} wait for their turn, the "
        "most that may: ask again in a few seconds, or for a page without filter and sortby"
    )
    return await in_turn(request, request.app.state.choice_threads, busy, made, most_waiting=MOST_READS_WAITING)


async def reading_filter(request: Request, made: Callable[[], Made]) -> Made:
    """Read a long filter when its turn comes: see `in_turn`."""
    busy = (
        f"filter: {FILTER_THREADS} long ones or ones with many brackets are read and {MOST_WAITING} wait for their "
        "turn, the most that may: ask again in a few seconds, or with a shorter one"
    )
    return await in_turn(request, request.app.state.filter_threads, busy, made)


async def in_turn(
    request: Request,
    limiter: CapacityLimiter,
    busy: str,
    made: Callable[[], Made],
    most_waiting: int = MOST_WAITING,
) -> Made:
    """Do what takes a while on threads of its own, a few at a time.

    Who waits for a turn is dropped when the client leaves or the time limit is over. What runs by then goes on until it
    asks `given_up`: a thread cannot be stopped, and counts as taken until it ends.

    Args:
        request: whose body was read.
        limiter: of the threads for work of its kind.
        busy: what is said to those who are refused.
        made: makes the answer.
        most_waiting: how many may wait for their turn.

    Raises:
        RunsBusy: so many wait that this one would be late.
        ClientDisconnect: nobody waits for the answer any more.
    """
    if limiter.statistics().tasks_waiting >= most_waiting:
        raise RunsBusy(busy)
    gone = threading.Event()
    done: list[Made] = []

    def run() -> None:
        _GIVEN_UP.set(gone)  # the thread has a copy of the context: no other run sees it
        if not gone.is_set():
            done.append(made())

    try:
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                # The server says that the client left, and says the same once the limit of time answered in our place.
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                gone.set()
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await to_thread.run_sync(run, limiter=limiter)
            group.cancel_scope.cancel()
    except ExceptionGroup as errors:
        if not gone.is_set():
            raise errors.exceptions[0] from None
    if gone.is_set():
        raise ClientDisconnect
    return done[0]
