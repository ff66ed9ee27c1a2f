"""Files that later parts of a build rest on: whole to the last bit, or made anew."""

import os
from collections.abc import Callable
from pathlib import Path

from grids.identity import file_digest


def write_sealed(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside and rename it, then its SHA-256 beside it; killed between the two, it is not whole.

    Args:
        path: where it is wanted; its folder is made.
        write: writes the path it is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        write(fresh)
        digest = file_digest(fresh)
        fresh.replace(path)
        fresh.write_text(digest, "ascii")
        fresh.replace(_seal(path))
    finally:
        fresh.unlink(missing_ok=True)


def is_sealed(path: Path) -> bool:
    """Whether a file is there and has the digest that it was written with."""
    try:
        return _seal(path).read_text("ascii") == file_digest(path)
    except (OSError, UnicodeDecodeError):
        return False


def _seal(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
