"""Stopping work for which nobody waits any more."""

from collections.abc import Callable

from scenarios.errors import Stopped

Cancelled = Callable[[], bool]
"""Asked now and then while work goes on: whether it is to end."""


def stop_if(cancelled: Cancelled | None) -> None:
    """Go on, unless whoever asked for the work gave it up.

    Raises:
        Stopped: it was cancelled.
    """
    if cancelled is not None and cancelled():
        raise Stopped("The run was cancelled before it was done; nothing came of it.")
