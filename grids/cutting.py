"""Features cut at the grid, block by block: what compiled code finds, and what of it only geometries settle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.cell_kernels import DOUBTFUL, NOT_METRES, NOWHERE, TOO_LARGE, Written
from grids.crossings import MOST_CELLS, CellParts, refuse_too_large
from grids.doubtful import doubtful_parts, name_of
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.ring_kernels import MAX_COORDINATE_M
from grids.wkb_kernels import DAMAGED
from grids.workspace import Found, Workspace, addresses_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Place = tuple[int, int, int]
BlockWork = Callable[[int, int, int, int, Written], tuple[int, int]]

_BYTES_AT_ONCE = 1 << 20  # of a block of features, which one thread works on
_NONE = np.zeros(0, np.int64)
_NO_PARTS = CellParts(_NONE, _NONE, _NONE, np.zeros(0))


class FeatureColumn(Protocol):
    """Features that can be shared out: `grids.wkb.WkbColumn`, `grids.ragged.RaggedColumn`."""

    @property
    def size(self) -> int:
        """How many features."""

    def blocks(self, weight: int) -> IntArray:
        """Positions where blocks of features of about so many bytes begin, and the end."""

    def share_out(self, grid: Place, measured: bool, most: int) -> BlockWork:
        """Compiled work on features from the next to the last, each in so many cells at most.

        It is given these, how many parts are found, the workspace and what is written of features; it returns the
        feature that needs more room than there is, or the last, and how many parts are found by then.
        """

    def geometry(self, position: int) -> BaseGeometry:
        """One feature as a geometry object."""

    def described(self, position: int) -> str:
        """What is there, for a message about bytes that are no geometry."""


@dataclass(frozen=True)
class Block:
    """What a block of (m,) features has in cells; the arrays lie in a workspace, until that is used again.

    Attributes:
        first: position of the first.
        found: by compiled code.
        extra: of those that were doubtful, in m2, m or points.
        repaired: positions of the polygons that were made valid.
        kinds: (m,) what each is measured by, or NOWHERE.
        measures: (m,) of the whole; of what lies in one cell and is not to be measured, 1.
    """

    first: int
    found: Found
    extra: CellParts
    repaired: IntArray
    kinds: IntArray
    measures: FloatArray

    def copied(self) -> "Block":
        """The same in memory of its own."""
        cells, amounts = self.found
        kinds, measures = self.kinds.copy(), self.measures.copy()
        return replace(self, found=(cells.copy(), amounts.copy()), kinds=kinds, measures=measures)

    @property
    def nowhere(self) -> IntArray:
        """Positions of features without any place."""
        some = self.kinds.size > 0 and self.kinds.min() == NOWHERE  # the least of them
        return self.first + np.flatnonzero(self.kinds == NOWHERE) if some else _NONE


class Cutting:
    """A column that is cut at a grid.

    Attributes:
        column: the features.
        blocks: positions where blocks begin, and the end; of nothing but the features.
    """

    def __init__(
        self,
        column: FeatureColumn,
        grid: Grid,
        *,
        measured: bool,
        ids: Sequence[object] | None,
        most_cells: int = MOST_CELLS,
    ) -> None:
        """Get ready.

        Args:
            column: features in the grid's CRS.
            grid: the grid.
            measured: whether parts are m2, m, or points; else shares.
            ids: (n,) what to call features in messages; else their positions.
            most_cells: that one feature may lie in.

        Raises:
            GridError: ids that are not one per feature, or a grid that begins too far away.
        """
        if ids is not None and len(ids) != column.size:
            raise GridError(f"{column.size} features and {len(ids)} ids were given; one each was expected.")
        place = (int(grid.origin_m[0]), int(grid.origin_m[1]), int(grid.size_m))
        if max(abs(place[0]), abs(place[1])) > MAX_COORDINATE_M:
            raise GridError(f"The grid's origin {grid.origin_m} was expected within {MAX_COORDINATE_M:g} m.")
        self.column, self._grid, self._ids, self._most = column, grid, ids, most_cells
        self.blocks = column.blocks(_BYTES_AT_ONCE)
        self._share = column.share_out(place, measured, most_cells)

    def block(self, first: int, last: int, mine: Workspace) -> Block:
        """Cut the features from `first` to `last`.

        Raises:
            GeometryError: bytes that are no geometry, coordinates that are not finite metres, or a feature in too many
                cells; names the first.
        """
        kinds, measures = mine.notes(last - first)
        written = Written(*(address - 8 * first for address in addresses_of(kinds, measures)))  # by position
        found = mine.find(lambda f, n, address: self._share(f, last, n, address, written), first, last)
        if kinds.size == 0 or kinds.max() < DOUBTFUL:
            return Block(first, found, _NO_PARTS, _NONE, kinds, measures)
        wrong = np.flatnonzero((kinds == NOT_METRES) | (kinds == DAMAGED) | (kinds == TOO_LARGE))
        if wrong.size:
            self._refuse(first + int(wrong[0]), int(kinds[wrong[0]]), float(measures[wrong[0]]))
        which = np.flatnonzero(kinds == DOUBTFUL)
        settled = doubtful_parts(self.column.geometry, first + which, self._grid, self._ids, self._most)
        kinds[which], measures[which] = settled.kinds, settled.measures
        return Block(first, found, settled.parts, settled.repaired, kinds, measures)

    def _refuse(self, position: int, kind: int, measure: float) -> None:
        name = name_of(position, self._ids)
        if kind == TOO_LARGE:
            refuse_too_large(name, measure, self._grid.size_m, self._most)
        if kind == NOT_METRES:
            raise GeometryError(
                f"Feature {name} has a coordinate that is no finite number of metres below {MAX_COORDINATE_M:g}. "
                "Check its coordinates and the layer's CRS."
            )
        raise GeometryError(f"Feature {name} {self.column.described(position)}")
