"""Progress of long work on the terminal: a bar for people, plain lines for logs, nothing when asked."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """What long work tells about itself."""

    def plan(self, steps: int) -> None:
        """Say how many steps are still to come; may be called again when more is known."""

    def step(self, what: str) -> None:
        """Begin the next step."""


class Silent:
    """Says nothing."""

    def plan(self, steps: int) -> None:
        """Ignore the plan."""

    def step(self, what: str) -> None:
        """Ignore the step."""


class Terminal:
    """A bar with the current step on a terminal; one line per step when the output is a file or a pipe.

    Ctrl-C that is raised where no one hears it, as in what a compiled library calls back, is raised again by the next
    step.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = Console(stderr=True)
        self._steps = 0
        self._done = 0
        self._stopped = False
        self._listens = False
        self._bar: RichProgress | None = None
        if self._console.is_terminal:
            self._bar = RichProgress(
                TextColumn("[bold]{task.fields[title]}"),
                BarColumn(bar_width=28),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("starting", total=None, title=title)

    def __enter__(self) -> Self:
        is_main = threading.current_thread() is threading.main_thread()
        self._listens = is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._listens:
            signal.signal(signal.SIGINT, self._stop)
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._bar is not None:
            self._bar.stop()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped = True
        signal.default_int_handler(number, frame)

    def plan(self, steps: int) -> None:
        """Set the number of steps to come; with those that were begun before it is what the bar counts to."""
        self._steps = self._done + steps
        if self._bar is not None:
            self._bar.update(self._task, total=self._steps)

    def step(self, what: str) -> None:
        """Show the step; the one before it is done.

        Raises:
            KeyboardInterrupt: Ctrl-C was lost on the way.
        """
        if self._stopped:
            raise KeyboardInterrupt
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, description=what, completed=self._done - 1)
        else:
            of = f"/{max(self._steps, self._done)}" if self._steps else ""  # nobody knows before the plan is made
            sys.stderr.write(f"[{self._done}{of}] {what}\n")
            sys.stderr.flush()
