"""Which rows of a table a question is about, and in which order; found once and kept for the pages that follow."""

import hashlib
from collections.abc import Callable
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

ROWS_AT_ONCE = 1 << 18
"""Rows of which a condition is looked at together: 64 row groups."""


class Condition(Protocol):
    """What rows must meet."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it looks at."""

    @property
    def said(self) -> bytes:
        """The whole of it as a text: conditions that say the same hold for the same rows."""

    def holds(self, rows: pa.Table, related: Related) -> NDArray[np.bool_]:
        """Return (n,) whether each of n rows with these columns meets it."""


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

    def digest(self, collection: str, year: int) -> bytes:
        """Return the 32 bytes that stand for this question to the table of a collection and year.

        A condition as it is compiled takes a hundred times the memory of its text, so nothing of it is kept.
        """
        said = None if self.where is None else hashlib.sha256(self.where.said).digest()
        return hashlib.sha256(repr((collection, year, self.bbox, self.bbox_crs, said, self.order)).encode()).digest()

    def positions(self, places: Places) -> NDArray[np.int32]:
        """Return the positions of the rows meant, in the order asked for, otherwise ascending.

        Conditions are looked at some rows at a time, so that those about many columns of a nation's table fit into
        memory.

        Raises:
            QueryTooLarge: the condition has a geometry close to too many rows.
        """
        file = places.file
        chosen = np.arange(file.rows) if self.bbox is None else places.meeting(self.bbox, self.bbox_crs)
        if self.where is not None and len(chosen):
            names, near = list(self.where.columns) or ["id"], _Near(places)
            pieces = np.split(chosen, range(ROWS_AT_ONCE, len(chosen), ROWS_AT_ONCE))
            chosen = np.concatenate(
                [rows[self.where.holds(file.take(rows, names), near.asked_of(rows))] for rows in pieces]
            )
        if self.order:
            rows = file.take(chosen, list(dict.fromkeys(name for name, _ in self.order)))
            keys = [(name, "descending" if falling else "ascending") for name, falling in self.order]
            # Arrow's sort is stable and leaves nulls to the end in either direction.
            chosen = chosen[pc.sort_indices(rows, sort_keys=keys).to_numpy()]
        return chosen.astype(np.int32)


class _Near:
    """Which rows of a table stand in a relation to a shape: found once for all pieces of it."""

    def __init__(self, places: Places) -> None:
        self._places = places
        # With the shapes, so that no other one can be taken for one that is gone.
        self._known: dict[tuple[Relation, int, str], tuple[shapely.Geometry, NDArray[np.bool_]]] = {}

    def asked_of(self, rows: NDArray[np.int64]) -> Related:
        """Return the function that says it of the rows at some positions."""

        def related(relation: Relation, shape: shapely.Geometry, crs: str) -> NDArray[np.bool_]:
            key = (relation, id(shape), crs)
            if key not in self._known:
                found = np.zeros(self._places.file.rows, dtype=np.bool_)
                found[self._places.related(relation, shape, crs)] = True
                self._known[key] = shape, found
            return self._known[key][1][rows]

        return related


EVERYTHING = Selection()


def taken(file: TableFile, positions: NDArray[np.int64], columns: list[str]) -> pa.Table:
    """Return rows by position in any order, each at most once."""
    if not len(positions) or (np.diff(positions) > 0).all():
        return file.take(positions, columns)
    rank = np.argsort(np.argsort(positions, kind="stable"), kind="stable")
    return file.take(np.sort(positions), columns).take(pa.array(rank))
