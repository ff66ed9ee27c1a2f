"""A lock on a file that one process holds and that the operating system releases when the process dies."""

import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from grids.store_errors import BuildLocked

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# POSIX record locks belong to the process: two threads of one process would both get them, hence the list of our own.
_held: set[str] = set()
_held_guard = threading.Lock()


class ProcessLock:
    """Exclusive lock on `path`; refuses at once instead of waiting. Forked workers do not inherit it."""

    def __init__(self, path: Path, purpose: str) -> None:
        self._path = path
        self._purpose = purpose
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            BuildLocked: another process, or another thread of this one, holds it.
        """
        key = str(self._path.resolve())
        with _held_guard:
            if key in _held:
                raise BuildLocked(f"{self._purpose} is already under way in this process: wait until it has finished")
            self._descriptor = self._take()
            _held.add(key)
        return self

    def _take(self) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if sys.platform == "win32":
                # The lock must not cover the text that says who holds it: Windows forbids reading locked bytes.
                os.lseek(descriptor, 1 << 20, os.SEEK_SET)
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.lseek(descriptor, 0, os.SEEK_SET)
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            by = f" by process {holder}" if holder else ""
            raise BuildLocked(
                f"{self._purpose} is already under way{by}: wait until it has finished, or stop it"
            ) from error
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return descriptor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock. The file stays: deleting it would let two processes lock two files of one name."""
        with _held_guard:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            _held.discard(str(self._path.resolve()))
