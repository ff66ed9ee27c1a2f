"""Which rows of a table a question is about, and in which order; found once and kept for the pages that follow."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from grids.manifest import Bbox
from grids.places import Places, Relation
from grids.projections import LONLAT
from grids.table_files import TableFile

Key = tuple[str, bool]
"""A column to sort by, and whether its greatest values come first."""

Related = Callable[[Relation, shapely.Geometry, str], NDArray[np.bool_]]
"""Which of the rows asked about stand in a relation to a shape, given in that CRS."""

MOST_KEPT = 8_000_000  # positions kept for pages that follow, per edition: 32 MB


class Condition(Protocol):
    """What rows must meet; equal conditions are equal and hash alike."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it looks at."""

    def holds(self, rows: pa.Table, related: Related) -> NDArray[np.bool_]:
        """Return (n,) whether each of n rows with these columns meets it."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class Selection:
    """A question to a table: `bbox` in `bbox_crs` (lon/lat or the region's), a condition, columns to sort by."""

    bbox: Bbox | None = None
    bbox_crs: str = LONLAT
    where: Condition | None = None
    order: tuple[Key, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Names of the columns it looks at, each once."""
        looked_at = () if self.where is None else self.where.columns
        return list(dict.fromkeys([*looked_at, *(name for name, _ in self.order)]))

    def positions(self, places: Places) -> NDArray[np.int32]:
        """Return the positions of the rows meant, in the order asked for, otherwise ascending.

        Raises:
            QueryTooLarge: the condition has a geometry close to too many rows.
        """
        file = places.file
        chosen = np.arange(file.rows) if self.bbox is None else places.meeting(self.bbox, self.bbox_crs)
        if self.where is not None:

            def related(relation: Relation, shape: shapely.Geometry, crs: str) -> NDArray[np.bool_]:
                found = np.zeros(file.rows, dtype=np.bool_)
                found[places.related(relation, shape, crs)] = True
                return found[chosen]

            rows = file.take(chosen, list(self.where.columns) or ["id"])
            chosen = chosen[self.where.holds(rows, related)]
        if self.order:
            rows = file.take(chosen, list(dict.fromkeys(name for name, _ in self.order)))
            keys = [(name, "descending" if falling else "ascending") for name, falling in self.order]
            # Arrow's sort is stable and leaves nulls to the end in either direction.
            chosen = chosen[pc.sort_indices(rows, sort_keys=keys).to_numpy()]
        return chosen.astype(np.int32)


EVERYTHING = Selection()


def taken(file: TableFile, positions: NDArray[np.int64], columns: list[str]) -> pa.Table:
    """Return rows by position in any order, each at most once."""
    if not len(positions) or (np.diff(positions) > 0).all():
        return file.take(positions, columns)
    rank = np.argsort(np.argsort(positions, kind="stable"), kind="stable")
    return file.take(np.sort(positions), columns).take(pa.array(rank))


class Recent:
    """Positions of questions asked lately; those not asked for longest go first."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._held = 0
        self._kept: OrderedDict[Hashable, NDArray[np.int32]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: Hashable) -> NDArray[np.int32] | None:
        """Return what is kept for a question, if anything is."""
        with self._guard:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Hashable, positions: NDArray[np.int32]) -> None:
        """Keep the positions of a question, unless they alone are too many."""
        size = len(positions) + 64  # an empty answer takes some memory too
        if size > self._most:
            return
        with self._guard:
            if key in self._kept:
                return
            self._kept[key] = positions
            self._held += size
            while self._held > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._held -= len(dropped) + 64
