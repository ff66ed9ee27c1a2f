"""One thread that does what it is given while whoever gives it computes: encoding tables, flushing files."""

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread


class Background:
    """Does tasks in the order in which they come, beside the thread that brings them; and while none waits, others.

    After something failed nothing else is begun; the error is raised to whoever brings the next task or waits.

    Args:
        most_waiting: how many tasks may be unfinished before bringing another one waits, which bounds what they hold in
            memory; None for any number.
    """

    def __init__(self, most_waiting: int | None = None) -> None:
        self._most = most_waiting
        self._tasks: deque[Callable[[], object]] = deque()
        self._leisure: deque[Iterator[object]] = deque()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._is_busy = self._is_stopped = False
        self._error: BaseException | None = None

    def add(self, task: Callable[[], object]) -> None:
        """Bring a task, once there is room.

        Raises:
            BaseException: what something brought earlier failed of.
        """
        with self._changed:
            self._changed.wait_for(self._has_room)
            self._raise()
            self._tasks.append(task)
            self._wake()

    def add_at_leisure(self, steps: Iterator[object]) -> None:
        """Bring what has time until no task waits; it is done step by step, and tasks that come meanwhile go first.

        Raises:
            BaseException: what something brought earlier failed of.
        """
        with self._changed:
            self._raise()
            self._leisure.append(steps)
            self._wake()

    def finish(self) -> None:
        """Wait until everything is done.

        Raises:
            BaseException: what something failed of.
        """
        with self._changed:
            self._changed.wait_for(self._is_done)
            self._raise()

    def stop(self) -> None:
        """Forget what waits, wait for the step under way, and end the thread; errors are of no interest any more."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _has_room(self) -> bool:
        return self._most is None or self._error is not None or len(self._tasks) + self._is_busy < self._most

    def _is_done(self) -> bool:
        return not (self._tasks or self._leisure or self._is_busy)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, name="background")
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        while (step := self._next()) is not None:
            try:
                step()
            except BaseException as error:  # noqa: BLE001 - raised to whoever brings or waits
                with self._changed:
                    self._error = error
                    self._tasks.clear()
                    self._leisure.clear()

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_stopped or self._tasks or self._leisure)
            if self._is_stopped:
                return None
            self._is_busy = True
            return self._tasks.popleft() if self._tasks else self._step

    def _step(self) -> None:
        """A step of what is done at leisure; the end of it is one, too."""
        for _ in self._leisure[0]:
            return
        self._leisure.popleft()
