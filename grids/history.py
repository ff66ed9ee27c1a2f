"""Which editions of a region a store keeps, and how two of them differ: what changed, and why."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from grids.edition import Edition, Store
from grids.manifest import MANIFEST_FILE, Manifest, checked_edition, checked_region
from grids.store_errors import ColumnNotFound, EditionBroken, InvalidName, YearNotFound

Entry = Mapping[str, Any]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


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

    Of an edition beside itself nothing is read. Tables of the same items are read side by side, some rows at a time; of
    others one column and where its items stand are held: a nation has ten million cells.

    Raises:
        CollectionNotFound, YearNotFound, ColumnNotFound: one of the editions does not have it, or it holds no numbers.
    """
    for edition in (before, after):
        if year not in edition.collection(collection).years:
            raise YearNotFound(f"collection {collection!r} of edition {edition.id} has no year {year}")
        types = edition.types(collection, year)
        if types.get(column) in (None, "string", "bool"):
            raise ColumnNotFound(f"collection {collection!r} of edition {edition.id} has no numbers in {column[:80]!r}")
    old, new = (_Values(edition, collection, year, column) for edition in (before, after))
    if before.folder == after.folder:
        return Largest(old.rows, 0, [])
    found = _Greatest(most)
    if not _side_by_side(old, new, found):
        found = _Greatest(most)
        _joined(old, new, found)
    return Largest(found.compared, found.changed, found.items(old, new))


@dataclass(frozen=True)
class _Values:
    """A column of numbers of an edition's table."""

    edition: Edition
    collection: str
    year: int
    column: str

    @property
    def rows(self) -> int:
        return self.edition.collection(self.collection).tables[self.year].rows

    def pieces(self, *beside: str) -> Iterator[tuple[int, pa.Table, FloatArray]]:
        """First position, further columns and values of some rows after the other; of an empty table nothing."""
        first = 0
        for rows in self.edition.walk(self.collection, self.year, [*beside, self.column]):
            yield first, rows, rows[self.column].to_numpy().astype(np.float64, copy=False)
            first += rows.num_rows

    def whole(self) -> FloatArray:
        """(rows,) all values."""
        values = np.empty(self.rows)
        for first, _, some in self.pieces():
            values[first : first + len(some)] = some
        return values

    def ids(self, positions: IntArray) -> list[str]:
        """The ids of rows, in the order in which these are named."""
        order = np.argsort(positions, kind="stable")
        rows = self.edition.rows(self.collection, self.year, positions[order], ["id"])
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        found: list[str] = rows["id"].take(pa.array(back)).to_pylist()
        return found

    def places(self) -> "_Places":
        """Where cells stand, by their rows and columns."""
        keys = np.empty(self.rows, dtype=np.int64)
        for first, rows, _ in self.pieces("row", "col"):
            keys[first : first + rows.num_rows] = _keys(rows)
        order = np.argsort(keys, kind="stable")
        return _Places(keys[order], order)


@dataclass(frozen=True)
class _Places:
    """Keys of a table's cells in rising order, and where the cell of each stands."""

    keys: IntArray
    position: IntArray

    def of(self, keys: IntArray) -> IntArray:
        """(n,) where the cells of n keys stand, -1 where there is none."""
        at = np.minimum(np.searchsorted(self.keys, keys), max(len(self.keys) - 1, 0))
        found = self.keys[at] == keys if len(self.keys) else np.zeros(len(keys), dtype=np.bool_)
        where = np.full(len(keys), -1, dtype=np.int64)
        where[found] = self.position[at[found]]
        return where


def _keys(rows: pa.Table) -> IntArray:
    return np.asarray((rows["row"].to_numpy().astype(np.int64) << 32) + rows["col"].to_numpy())


class _Greatest:
    """Rows that differ: how many, and the first of them, the greatest difference first.

    What only one edition knows has no difference and comes last, in the order of the tables.
    """

    def __init__(self, most: int) -> None:
        self.compared = self.changed = 0
        self._most = most
        none = np.empty(0)
        self._differ = _Rows(none.astype(np.int64), none, none)
        self._one_sided, self._added = self._differ, self._differ

    def add(self, first: int, old: FloatArray, new: FloatArray) -> None:
        """Take rows of the earlier table from a position on, with the values of both."""
        rows = _Rows(np.arange(first, first + len(old)), old, new)
        differ = rows.where(np.abs(new - old) > 0)
        one_sided = rows.where(np.isnan(old) != np.isnan(new))
        self.compared += len(old)
        self.changed += len(differ.position) + len(one_sided.position)
        known = self._differ.then(differ)
        order = np.argsort(-np.abs(known.new - known.old), kind="stable")
        self._differ = known.where(order[: self._most])
        self._one_sided = self._one_sided.then(one_sided).where(slice(self._most))

    def add_new(self, positions: IntArray, new: FloatArray) -> None:
        """Take rows that only the later table has."""
        known = ~np.isnan(new)
        self.compared += len(new)
        self.changed += int(known.sum())
        added = _Rows(positions, np.full(len(new), np.nan), new).where(known)
        self._added = added.where(slice(self._most))

    def items(self, before: _Values, after: _Values) -> list[Difference]:
        """The first of them, with their ids."""
        old = self._differ.then(self._one_sided)
        listed = [*old.told(before), *self._added.told(after)]
        return listed[: self._most]


@dataclass(frozen=True)
class _Rows:
    """Positions in one of the tables, and the values of both."""

    position: IntArray
    old: FloatArray
    new: FloatArray

    def where(self, chosen: Any) -> "_Rows":
        return _Rows(self.position[chosen], self.old[chosen], self.new[chosen])

    def then(self, other: "_Rows") -> "_Rows":
        return _Rows(
            np.concatenate([self.position, other.position]),
            np.concatenate([self.old, other.old]),
            np.concatenate([self.new, other.new]),
        )

    def told(self, of: _Values) -> list[Difference]:
        values = zip(of.ids(self.position), self.old.tolist(), self.new.tolist(), strict=True)
        return [Difference(item, _known(old), _known(new)) for item, old, new in values]


def _side_by_side(old: _Values, new: _Values, found: _Greatest) -> bool:
    """Compare two tables of the same ids in the same order; whether they are that."""
    if old.rows != new.rows:
        return False
    for (first, before, values), (_, after, others) in zip(old.pieces("id"), new.pieces("id"), strict=True):
        if not before["id"].equals(after["id"]):
            return False
        found.add(first, values, others)
    return True


def _joined(old: _Values, new: _Values, found: _Greatest) -> None:
    """Compare two tables item by item: cells of the same grid by their places, all else by ids."""
    one, other = (values.edition.collection(values.collection) for values in (old, new))
    by_place = one.codes is not None and (one.codes, one.cell_size_m, one.origin_m) == (
        other.codes,
        other.cell_size_m,
        other.origin_m,
    )
    places = new.places() if by_place else None
    ids = None if by_place else new.edition.table(new.collection, new.year, ["id"])["id"].combine_chunks()
    later = new.whole()
    alone = np.ones(len(later), dtype=np.bool_)
    rows_of = old.pieces("row", "col") if by_place else [_all_ids(old)]
    for first, rows, values in rows_of:
        if places is None:
            place = pc.index_in(rows["id"].combine_chunks(), value_set=ids).fill_null(-1).to_numpy().astype(np.int64)
        else:
            place = places.of(_keys(rows))
        there = place >= 0
        beside = np.full(len(values), np.nan)
        beside[there] = later[place[there]]
        alone[place[there]] = False
        found.add(first, values, beside)
    fresh = np.flatnonzero(alone)
    found.add_new(fresh, later[fresh])


def _all_ids(values: _Values) -> tuple[int, pa.Table, FloatArray]:
    """The whole table as one piece: to look ids up is quick only of all of them at once."""
    rows = values.edition.table(values.collection, values.year, ["id", values.column])
    return 0, rows, rows[values.column].to_numpy().astype(np.float64, copy=False)


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
