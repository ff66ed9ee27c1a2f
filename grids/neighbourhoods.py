"""Neighbourhoods: a part of what modelled features err by, they have in common with the features around them.

    e(f)    = s(t,f) x own error of the modelled and default lines of f
    near(t) = p sum over scales k of w_k sum over squares q of side 2^k r of ( sum over f in q of e(f) )^2

with the part p of the own variance that is shared, and the range r in metres. Squares of three sizes inside one another
stand for a likeness that fades: over all places that a lattice may have, two features at a distance d share what
exp(-d / r) says, within 0.04 of it, and as much in sum over a plane (2 pi r^2, within 2 %).

What is shared adds up with its sign within a square, so it is made anew of each level's own shares, like all own
errors; a feature that lies whole in a target has the same error there as in any other.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from grids.errors import GridError

FloatArray = NDArray[np.float64]
PlaceArray = NDArray[np.int32]

WEIGHTS = (0.4, 0.3, 0.3)
"""Of what is shared, how much within squares of each size; each is twice as wide as the one before."""

SQUARE_COLUMNS = ("neighbourhood_row", "neighbourhood_col")
"""Columns of private features: row and column of the smallest square, null for who lies in none."""

NOWHERE = -(2**31)
"""Row and column of a feature that lies in no square: it errs by itself."""


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """Squares in which features err alike; squares of all sizes are numbered through, smallest first.

    Attributes:
        square: (features,) number of the smallest square; -1 for a feature that errs by itself.
        above: (squares,) number of the next larger square around each; -1 for the largest.
        part: (squares,) part of the own variance of its features that they share in it.
        alone: part of the own variance that a feature in a square has to itself.
    """

    square: PlaceArray
    above: PlaceArray
    part: FloatArray
    alone: float

    @classmethod
    def of(cls, row: PlaceArray, col: PlaceArray, part: float) -> Self:
        """Number the squares that hold features.

        Args:
            row: (features,) row of the smallest square that holds each; `NOWHERE` if none.
            col: (features,) its column.
            part: of the own variance that neighbours share, above 0, at most 1.

        Raises:
            GridError: a part that is none, or rows and columns of different numbers of features.
        """
        if not 0 < part <= 1:
            raise GridError(f"Neighbours share {part} of their variance; a part above 0 and at most 1 was expected.")
        if row.shape != col.shape:
            raise GridError(f"{row.size} rows and {col.size} columns of squares were given; one each was expected.")
        known = np.flatnonzero(row != NOWHERE)
        square = np.full(row.size, -1, dtype=np.int32)
        rows, cols, number = _numbered(row[known].astype(np.int64), col[known].astype(np.int64))
        square[known] = number
        above, parts, count = [], [], 0
        for scale, weight in enumerate(WEIGHTS):
            parts.append(np.full(rows.size, part * weight))
            count += rows.size
            if scale == len(WEIGHTS) - 1:
                above.append(np.full(rows.size, -1))
            else:
                rows, cols, number = _numbered(rows >> 1, cols >> 1)
                above.append(count + number)
        return cls(square, np.concatenate(above).astype(np.int32), np.concatenate(parts), 1.0 - part)

    @classmethod
    def nobody(cls) -> Self:
        """Every feature errs by itself, however many there are."""
        none = np.zeros(0, dtype=np.int32)
        return cls(none, none, np.zeros(0), 1.0)

    def variance(self, features: NDArray[np.integer], errors: FloatArray) -> float:
        """Own variance of a sum of features.

        Args:
            features: (n,) positions, each once.
            errors: (n,) signed own error of each in the sum, tCO2e.

        Returns:
            tCO2e squared: what each has to itself, and what is shared within squares.
        """
        number = self.square[features] if self.square.size else np.full(len(features), -1)
        known = number >= 0
        found = float(np.sum(np.where(known, self.alone, 1.0) * errors * errors))
        number, sums = number[known], errors[known]
        while number.size and number[0] >= 0:  # all are of one size
            number, place = np.unique(number, return_inverse=True)
            sums = np.bincount(place, sums)
            found += float(np.sum(self.part[number] * sums * sums))
            number = self.above[number]
        return found


def squares_of(
    feature: PlaceArray,
    share: FloatArray,
    rows: PlaceArray,
    cols: PlaceArray,
    *,
    n_features: int,
    cell_m: float,
    range_m: float,
) -> tuple[PlaceArray, PlaceArray]:
    """Rows and columns of the squares of side `range_m` that hold the middle of each feature's main cell.

    Args:
        feature: (entries,) positions.
        share: (entries,) fraction of each feature in each cell.
        rows: (entries,) rows of the cells, which count from the grid's origin; so do squares.
        cols: (entries,) their columns.
        n_features: how many.
        cell_m: side of the cells.
        range_m: side of the squares.

    Returns:
        (n_features,) rows and columns; `NOWHERE` for features in no cell. Of cells with equal shares the first counts.
    """
    order = np.lexsort((cols, rows, -share, feature))
    first = order[np.flatnonzero(np.diff(feature[order], prepend=-1))]
    row, col = np.full(n_features, NOWHERE, np.int32), np.full(n_features, NOWHERE, np.int32)
    for into, cells in ((row, rows), (col, cols)):
        into[feature[first]] = np.floor((cells[first] + 0.5) * (cell_m / range_m)).astype(np.int32)
    return row, col


def _numbered(
    rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the distinct squares, in one order, and which of them each is."""
    _, first, number = np.unique((rows << 32) + cols, return_index=True, return_inverse=True)
    return rows[first], cols[first], number
