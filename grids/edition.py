"""Reading editions: a store of regions, and the edition that each one serves."""

import os
import stat
import threading
from collections import OrderedDict
from pathlib import Path

from grids.edition_tables import MOST_INDEX_BYTES, Edition, Page
from grids.identity import code_digest, edition_id, file_digest
from grids.manifest import (
    Bbox,
    Collection,
    CollectionInfo,
    Manifest,
    checked_edition,
    checked_region,
    manifest_bytes,
    read_manifest,
)
from grids.publish import CURRENT, EditionWriter
from grids.recent import Recent, Sized
from grids.store_errors import EditionBroken, EditionNotFound, InvalidName, RegionNotFound, StoreLost

__all__ = [
    "Bbox",
    "Collection",
    "CollectionInfo",
    "Edition",
    "EditionWriter",
    "Manifest",
    "Page",
    "Store",
    "code_digest",
    "edition_id",
    "file_digest",
]

_EDITIONS_KEPT = 32
_MANIFESTS_KEPT = 64
_MANIFEST_BYTES = 64_000_000
"""Of manifests in memory, roughly: so much of open editions, and so much of those that were only listed."""


class Store:
    """A folder of regions with their editions, as `EditionWriter` leaves it; `current` is read each time.

    Args:
        path: the folder.
        index_bytes: what is kept in memory of footers of tables and of indexes, of all editions together.
    """

    def __init__(self, path: Path, index_bytes: int = MOST_INDEX_BYTES) -> None:
        self.path = Path(path)
        self.indexes: Recent[Sized] = Recent(index_bytes, latest=True)
        self._editions: OrderedDict[tuple[str, str], Edition] = OrderedDict()
        self._manifests: OrderedDict[tuple[str, str], tuple[Manifest, int]] = OrderedDict()
        self._guard = threading.Lock()

    def regions(self) -> list[str]:
        """Return the ids of all regions that have a `current`, sorted; opening one shows whether it is whole.

        Raises:
            StoreLost: the store's folder cannot be read.
        """
        try:
            # Whatever stands there: what is no file, or a link in circles, is damage, which opening tells.
            folders = sorted(entry.name for entry in self.path.iterdir() if os.path.lexists(entry / CURRENT))
        except FileNotFoundError as error:
            raise StoreLost(
                f"there is no store at {self.path}: name the folder it is in with --store or CARBONMAP_STORE (that of "
                "`carbonmap demo` is carbonmap-demo/store), or mount it or put it back"
            ) from error
        except OSError as error:
            raise StoreLost(
                f"the store {self.path} cannot be read ({error.strerror or error}): mount it or put it back, or name "
                "the folder it is in now"
            ) from error
        return [name for name in folders if _is_region(name)]

    def current(self, region: str) -> str:
        """Return the id of the edition that a region serves now.

        Raises:
            InvalidName: an id that no region can have.
            RegionNotFound: nothing is published for it.
            StoreLost: nothing can be said of it, since the store's folder cannot be read.
            EditionBroken: `current` does not name an edition.
        """
        path = self.path / checked_region(region) / CURRENT
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # to read a pipe would wait for ever
                raise EditionBroken(f"`current` of region {region!r} is no file: build the region again")
            text = path.read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RegionNotFound(
                f"this store has no region {region!r}; it has {', '.join(self.regions()) or 'none'}"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise EditionBroken(f"`current` of region {region!r} cannot be read: {error}") from error
        try:
            return checked_edition(text)
        except InvalidName as error:
            raise EditionBroken(
                f"`current` of region {region!r} says {text[:40]!r}, which is no edition: build the region again"
            ) from error

    def has(self, region: str, edition: str) -> bool:
        """Return whether an edition stands in the store, whole or not."""
        return (self.path / checked_region(region) / checked_edition(edition)).is_dir()

    def open(self, region: str, edition: str | None = None) -> Edition:
        """Open the edition a region serves now, or the one named.

        Raises:
            InvalidName: ids that cannot be.
            RegionNotFound, EditionNotFound: nothing of that id is published.
            StoreLost: the store's folder cannot be read.
            EditionBroken: its manifest is missing or not as declared; other regions are not touched by that.
        """
        name = self.current(region) if edition is None else checked_edition(edition)
        key = (checked_region(region), name)
        folder = self.path / region / name
        is_there = folder.is_dir()  # each time: one that was deleted is gone, also for who has read of it
        with self._guard:
            if not is_there:
                self._editions.pop(key, None)
                self._manifests.pop(key, None)
            elif key in self._editions:
                self._editions.move_to_end(key)
                return self._editions[key]
        if not is_there:
            self.current(region)
            if edition is None:
                raise EditionBroken(
                    f"region {region!r} points to edition {name}, which is not in the store: build the region again"
                )
            raise EditionNotFound(f"region {region!r} has no edition {name}")
        opened = Edition(folder, self.indexes)
        with self._guard:
            opened = self._editions.setdefault(key, opened)
            self._make_room(key)
        return opened

    def _make_room(self, new: tuple[str, str]) -> None:
        """Let go of editions opened longest ago; a request that has one goes on with it."""

        def held() -> int:
            return sum(edition.nbytes for edition in self._editions.values())

        others = [key for key in self._editions if key != new]
        # What a region serves now is asked for again at once: it goes only if there is no room for all of these.
        for served in (False, True):
            for key in others:
                many = not served and len(self._editions) > _EDITIONS_KEPT
                if not many and held() <= _MANIFEST_BYTES:
                    break
                if key in self._editions and self._is_current(key) == served:
                    del self._editions[key]

    def manifest(self, region: str, edition: str) -> Manifest:
        """Return what an edition says of itself without opening it: a list of many pushes out none that is served.

        Raises:
            InvalidName: ids that cannot be.
            EditionBroken: its manifest is missing or not as declared.
        """
        key = (checked_region(region), checked_edition(edition))
        with self._guard:
            if key in self._editions:
                return self._editions[key].manifest
            if key in self._manifests:
                self._manifests.move_to_end(key)
                return self._manifests[key][0]
        folder = self.path / region / edition
        read, size = read_manifest(folder), manifest_bytes(folder)
        with self._guard:
            self._manifests[key] = read, size
            while len(self._manifests) > 1 and (
                len(self._manifests) > _MANIFESTS_KEPT
                or sum(each for _, each in self._manifests.values()) > _MANIFEST_BYTES
            ):
                self._manifests.popitem(last=False)
        return read

    def _is_current(self, key: tuple[str, str]) -> bool:
        region, edition = key
        try:
            return self.current(region) == edition
        except (RegionNotFound, StoreLost, EditionBroken):
            return False


def _is_region(name: str) -> bool:
    try:
        checked_region(name)
    except InvalidName:
        return False
    return True
