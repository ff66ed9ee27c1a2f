"""Writing that outlives a power cut: files and folders are flushed to the disk before anything points to them."""

import os
from pathlib import Path


def write_durably(path: Path, text: str) -> None:
    """Write a text (UTF-8, LF) and flush it and its folder."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below a folder, and the folder itself."""
    for parent, _, files in os.walk(folder):
        for name in files:
            sync_file(Path(parent) / name)
        sync_folder(Path(parent))


def sync_file(path: Path) -> None:
    """Flush a file."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names: without it a rename may be forgotten."""
    if os.name == "nt":  # Windows has no folder handles to flush; its file system journals renames.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
