"""Which editions of a region a store keeps, and how two of them differ: what changed, and why."""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from grids.edition import Edition, Store
from grids.manifest import MANIFEST_FILE, Manifest, checked_edition, checked_region
from grids.store_errors import ColumnNotFound, EditionBroken, InvalidName, YearNotFound

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """One edition of a store, and when it was published there (UTC, to the second)."""

    manifest: Manifest
    published: str


@dataclass(frozen=True)
class Changes:
    """What the later of two lists has more, less, and otherwise: `{name, before, after}`."""

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[dict[str, Any]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Difference:
    """One value in two editions; a difference only where both are known."""

    id: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class Largest:
    """The items of a collection whose values differ most; those known in one edition only come last.

    Attributes:
        compared: ids that either of the tables has.
        changed: how many of them differ.
        items: the first of these, the greatest absolute difference first.
    """

    compared: int
    changed: int
    items: list[Difference]


def kept_editions(store: Store, region: str) -> tuple[list[Kept], list[str]]:
    """Return the whole editions of a region, the one published last first, and the ids of damaged ones.

    Raises:
        RegionNotFound: nothing is published for the region.
    """
    store.current(region)
    whole, broken = [], []
    for folder in sorted((store.path / checked_region(region)).iterdir()):
        try:
            identity = checked_edition(folder.name)
        except InvalidName:
            continue
        try:
            at = (folder / MANIFEST_FILE).stat().st_mtime
            whole.append((at, identity, store.manifest(region, identity)))
        except (EditionBroken, OSError):
            broken.append(identity)
    newest_first = sorted(whole, key=lambda one: (-one[0], one[1]))
    return [
        Kept(manifest, datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        for at, _, manifest in newest_first
    ], broken


def changes(before: Iterable[Entry], after: Iterable[Entry], key: str) -> Changes:
    """Compare two lists of entries that `key` names; of entries of one name, the first is compared with the first."""
    old, new = _by_name(before, key), _by_name(after, key)
    return Changes(
        added=[dict(entry) for name, entry in new.items() if name not in old],
        removed=[dict(entry) for name, entry in old.items() if name not in new],
        changed=[
            {"name": name[0], "before": dict(entry), "after": dict(new[name])}
            for name, entry in old.items()
            if name in new and dict(new[name]) != dict(entry)
        ],
    )


def total_changes(before: Edition, after: Edition) -> list[tuple[int, Difference]]:
    """Return the published totals of sectors (as ids) by year in both editions, tCO2e."""
    old, new = before.manifest.totals, after.manifest.totals
    return [
        (year, Difference(sector, old.get(year, {}).get(sector), new.get(year, {}).get(sector)))
        for year in sorted(set(old) | set(new))
        for sector in dict.fromkeys((*old.get(year, {}), *new.get(year, {})))
    ]


def largest_changes(before: Edition, after: Edition, collection: str, year: int, column: str, most: int) -> Largest:
    """Return the items of a collection that both editions have whose published values differ most.

    Raises:
        CollectionNotFound, YearNotFound, ColumnNotFound: one of the editions does not have it, or it holds no numbers.
    """
    tables = []
    for edition in (before, after):
        if year not in edition.collection(collection).years:
            raise YearNotFound(f"collection {collection!r} of edition {edition.id} has no year {year}")
        types = edition.types(collection, year)
        if types.get(column) in (None, "string", "bool"):
            raise ColumnNotFound(f"collection {collection!r} of edition {edition.id} has no numbers in {column[:80]!r}")
        rows = edition.table(collection, year, ["id", column])
        tables.append((rows["id"].combine_chunks(), rows[column].to_numpy().astype(np.float64)))
    (old_ids, old), (new_ids, new) = tables
    place = pc.index_in(old_ids, value_set=new_ids)
    there = place.is_valid().to_numpy(zero_copy_only=False)
    fresh = np.ones(len(new), dtype=np.bool_)
    fresh[place.drop_null().to_numpy()] = False
    beside = np.full(len(old), np.nan)
    beside[there] = new[place.drop_null().to_numpy()]
    values = np.column_stack(
        [
            np.concatenate([old, np.full(int(fresh.sum()), np.nan)]),
            np.concatenate([beside, new[fresh]]),
        ]
    )
    one_sided = np.isnan(values).sum(axis=1) == 1
    size = np.abs(values[:, 1] - values[:, 0])
    differs = one_sided | (size > 0)
    # Largest first; what only one edition knows has no difference and comes last, in the order of the tables.
    order = np.argsort(np.where(np.isnan(size), 1.0, -size), kind="stable")
    order = order[differs[order]][:most]
    ids = [*old_ids.to_pylist(), *new_ids.to_numpy(zero_copy_only=False)[fresh].tolist()]
    items = [Difference(ids[k], _known(values[k, 0]), _known(values[k, 1])) for k in order.tolist()]
    return Largest(len(values), int(differs.sum()), items)


def _by_name(entries: Iterable[Entry], key: str) -> dict[tuple[str, int], Entry]:
    seen: Counter[str] = Counter()
    found: dict[tuple[str, int], Entry] = {}
    for entry in entries:
        name = str(entry.get(key))
        found[name, seen[name]] = entry
        seen[name] += 1
    return found


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
