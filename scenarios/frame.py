"""The ground a scenario works on: rows and columns of one grid as a dense rectangle, and which cells of it count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.errors import InvalidState

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_LARGEST = 1_000_000  # cells: dense arrays and their Fourier transforms stay below a few hundred megabytes


@dataclass(frozen=True)
class Frame:
    """A rectangle of square cells; arrays over it are (rows, cols), northward and eastward.

    Attributes:
        crs: the region's metric CRS.
        size_m: side of a cell, metres.
        x_m, y_m: lower left corner of the first row and column, metres.
        rows, cols: how many.
        first_row, first_col: what the collection calls the first row and column.

    Raises:
        InvalidState: no cells, or more than a million.
    """

    crs: str
    size_m: float
    x_m: float
    y_m: float
    rows: int
    cols: int
    first_row: int = 0
    first_col: int = 0

    def __post_init__(self) -> None:
        if self.rows < 1 or self.cols < 1 or self.rows * self.cols > _LARGEST or not self.size_m > 0:
            raise InvalidState(
                f"A frame of {self.rows} x {self.cols} cells of {self.size_m} m was given; 1 to {_LARGEST:,} cells "
                "were expected. Take a coarser grid, or a smaller part of the region."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.rows, self.cols

    def centres(self) -> tuple[FloatArray, FloatArray]:
        """Coordinates of the cells' centres: x (cols,) and y (rows,), metres."""
        x = self.x_m + (np.arange(self.cols, dtype=np.float64) + 0.5) * self.size_m
        y = self.y_m + (np.arange(self.rows, dtype=np.float64) + 0.5) * self.size_m
        return x, y

    def distances_km(self, x: float, y: float) -> FloatArray:
        """Distance of every cell's centre from a place, (rows, cols) km.

        A cell's people are spread over it, so none is nearer than the mean distance between two of its places.
        """
        along_x, along_y = self.centres()
        apart = np.asarray(np.hypot(along_x[None, :] - x, along_y[:, None] - y) / 1000, np.float64)
        return np.maximum(apart, own_distance_km(self.size_m))

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column (of this frame) of the cell that holds a place; None outside."""
        row, col = int((y - self.y_m) // self.size_m), int((x - self.x_m) // self.size_m)
        return (row, col) if 0 <= row < self.rows and 0 <= col < self.cols else None


def own_distance_km(size_m: float) -> float:
    """Mean distance between two places of one square cell: 0.5214 of its side."""
    return 0.5214054331647207 * size_m / 1000
