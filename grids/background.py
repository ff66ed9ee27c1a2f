"""One thread that does what it is given while whoever gives it computes: encoding tables, flushing files."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore


class Background:
    """Does tasks one after the other, in the order in which they come, beside the thread that brings them.

    After a task that failed no other one is begun; its error is raised to whoever brings the next one or waits.

    Args:
        most_waiting: how many tasks may be unfinished before bringing another one waits, which bounds what they hold in
            memory; None for any number.
    """

    def __init__(self, most_waiting: int | None = None) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._room = None if most_waiting is None else Semaphore(most_waiting)
        self._error: BaseException | None = None
        self._is_stopped = False

    @property
    def is_stopped(self) -> bool:
        """Whether a task that is under way should be left half done: nobody wants it any more."""
        return self._is_stopped

    def add(self, task: Callable[[], object]) -> None:
        """Bring a task, once there is room.

        Raises:
            BaseException: what an earlier task failed of.
        """
        if self._room is not None:
            self._room.acquire()
        if self._error is not None:
            self._leave()
            raise self._error
        self._pool.submit(self._do, task)

    def finish(self) -> None:
        """Wait until everything is done.

        Raises:
            BaseException: what a task failed of.
        """
        self._pool.submit(lambda: None).result()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Forget what waits, wait for what is under way, and end the thread; errors are of no interest any more."""
        self._is_stopped = True
        self._pool.shutdown(cancel_futures=True)

    def _do(self, task: Callable[[], object]) -> None:
        try:
            if self._error is None and not self._is_stopped:
                task()
        except BaseException as error:  # noqa: BLE001 - raised to whoever brought the task
            self._error = error
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._room is not None:
            self._room.release()
