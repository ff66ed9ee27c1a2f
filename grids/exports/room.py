"""Whether a file could not be made because there is no room for it: the libraries that write them often do not say."""

import errno
import os
from pathlib import Path

from grids.store_errors import EditionError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_PROBE = 16 << 20
_PIECE = bytes(1 << 20)


class NoRoom(EditionError):
    """The disk has no room for another file."""


def no_room(path: Path, error: BaseException, draft: Path | None = None) -> NoRoom | None:
    """What to raise instead of an error if there was no room to write a file; None if the error is another one.

    Args:
        path: the file that could not be made, as far as it was.
        error: what the library raised: GDAL, SQLite and HDF tell neither the system's number nor its words.
        draft: what was being written on the way to it, if that is another file.
    """
    told = error.errno if isinstance(error, OSError) else None
    if told is None:
        told = _why_not_larger(path if draft is None else draft)
    if told not in _FULL:
        return None
    return NoRoom(
        f"{path.name} cannot be written in {path.parent}: {os.strerror(told)}. What was there before still is. "
        "Make room there, or give another folder"
    )


def _why_not_larger(path: Path) -> int | None:
    """The system's number of why a file cannot grow by some megabytes; None if it can. It is left as it was."""
    before = path.stat().st_size if path.exists() else None
    try:
        with path.open("ab", buffering=0) as stream:
            for _ in range(_PROBE // len(_PIECE)):
                if stream.write(_PIECE) < len(_PIECE):
                    stream.write(_PIECE)  # a write that is cut short gives no reason; the next one does
            os.fsync(stream.fileno())
    except OSError as refused:
        return refused.errno
    finally:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            os.truncate(path, before)
    return None
