"""Files already made of editions, kept in a folder that several processes share, up to a number of bytes."""

import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from grids.edition import Edition
from grids.exports.files import ExportFile, write_file
from grids.exports.room import NoRoom
from grids.identity import code_digest, file_digest
from grids.locks import ProcessLock
from grids.shipped import shipped_digest
from grids.store_errors import BuildLocked

MOST_BYTES = 20_000_000_000
_SUM = ".sha256"
_MAKING = ".making"
_LOCK = ".lock"
_LOOK_S = 0.2


@dataclass(frozen=True)
class Kept:
    """A file that has been made.

    Attributes:
        path: where it is; it never changes, but may be removed to make room (whoever reads it reads on).
        bytes: its size.
        sha256: of its bytes.
    """

    path: Path
    bytes: int
    sha256: str


@lru_cache(maxsize=1)
def export_code() -> str:
    """Return a digest of what makes files: our code, and the tables and scripts that are put into them."""
    return hashlib.sha256((code_digest(["grids"]) + shipped_digest()).encode()).hexdigest()


def shelf_beside(store: Path) -> Path:
    """Return the folder beside a store where its files are kept unless said otherwise."""
    store = Path(store).resolve()
    return store.with_name(f"{store.name}.exports")


class Shelf:
    """Keeps files: `<folder>/<region>/<edition>-<code>/<name>`, each with its SHA-256 beside it.

    A file is written beside its place and renamed; its digest follows, and only then is it there. One process makes one
    file at a time; what a maker that died left is removed by the next. When there are too many bytes, the files that
    nobody asked for longest go first.

    Args:
        folder: made when the first file is.
        most_bytes: how many bytes to keep; the file just made stays in any case.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = Path(folder)
        self.most_bytes = most_bytes

    def place(self, edition: Edition) -> Path:
        """Return the folder of an edition's files; other code may make other bytes, so it has its own."""
        return self.folder / edition.region.id / f"{edition.id}-{export_code()[:8]}"

    def find(self, edition: Edition, name: str) -> Kept | None:
        """Return a file if it is there, whole."""
        path = self.place(edition) / name
        try:
            return Kept(path, path.stat().st_size, path.with_name(name + _SUM).read_text(encoding="ascii").strip())
        except OSError:
            return None

    def touch(self, kept: Kept) -> None:
        """Note that somebody asked for a file."""
        try:
            os.utime(kept.path.with_name(kept.path.name + _SUM))
        except OSError:  # a folder that may only be read, or the file has just gone
            return

    def kept(self, edition: Edition) -> dict[str, Kept]:
        """Return all files of an edition that are there, by name."""
        names = sorted(path.name.removesuffix(_SUM) for path in self.place(edition).glob(f"*{_SUM}"))
        found = ((name, self.find(edition, name)) for name in names)
        return {name: kept for name, kept in found if kept is not None}

    def wait_for_maker(self) -> None:
        """Return as soon as no process makes a file here; another may begin before this one does.

        Raises:
            OSError: the folder cannot be written to.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                with ProcessLock(self.folder / _LOCK, f"making files in {self.folder}"):
                    return
            except BuildLocked:
                time.sleep(_LOOK_S)

    def make(self, edition: Edition, file: ExportFile) -> Kept:
        """Make a file, unless it is there.

        Raises:
            BuildLocked: another process is making some file here; ask again.
            NoRoom: the disk is full, or the folder cannot be written to.
            InvalidTable: it cannot be made.
            EditionBroken: a table it is made of is damaged.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with ProcessLock(self.folder / _LOCK, f"making files in {self.folder}"):
                found = self.find(edition, file.name)
                return self._made(edition, file) if found is None else found
        except OSError as error:
            raise NoRoom(
                f"{file.name} cannot be kept in {self.folder}: {error.strerror or error}. Make room there, or give "
                "another folder"
            ) from error

    def _made(self, edition: Edition, file: ExportFile) -> Kept:
        # Whoever holds the lock is the only maker: what another one left half done is nobody's.
        drafts = self.folder / _MAKING
        shutil.rmtree(drafts, ignore_errors=True)
        drafts.mkdir()
        place = self.place(edition)
        place.mkdir(parents=True, exist_ok=True)
        try:
            draft = drafts / file.name
            write_file(edition, file, draft)
            kept = Kept(place / file.name, draft.stat().st_size, file_digest(draft))
            self._make_room(kept.bytes)
            digest = drafts / (file.name + _SUM)
            digest.write_text(kept.sha256 + "\n", encoding="ascii")
            draft.replace(kept.path)
            digest.replace(place / digest.name)
        finally:
            shutil.rmtree(drafts, ignore_errors=True)
        return kept

    def _make_room(self, coming: int) -> None:
        """Remove the files asked for longest ago until there is room for another."""
        files = []
        for digest in self.folder.glob(f"*/*/*{_SUM}"):
            path = digest.with_name(digest.name.removesuffix(_SUM))
            try:
                files.append((digest.stat().st_mtime_ns, path, path.stat().st_size))
            except OSError:
                digest.unlink(missing_ok=True)
        total = coming + sum(size for _, _, size in files)
        for _, path, size in sorted(files):
            if total <= self.most_bytes:
                return
            path.with_name(path.name + _SUM).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            total -= size
