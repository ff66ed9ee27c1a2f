"""Residents on a 500 m grid, from the dwellings."""

import numpy as np
import shapely

from carbonmap.synthetic.buildings import Buildings

__all__ = ["CELL_M", "PopulationGrid"]

CELL_M = 500
_M2_PER_PERSON = {"공동주택": 46.0, "단독주택": 62.0}


class PopulationGrid:
    """Residents per cell of the whole region, gathered tile by tile."""

    def __init__(self) -> None:
        self._people: dict[tuple[int, int], float] = {}

    def add(self, buildings: Buildings) -> None:
        """Count the residents of a tile's dwellings into the cells of their centroids."""
        area = np.array([_M2_PER_PERSON.get(str(use), np.inf) for use in buildings.use])
        people = buildings.gross_m2 / area
        lived_in = people > 0
        xy = shapely.get_coordinates(shapely.centroid(buildings.polygon[lived_in]))
        cells = np.floor(xy / CELL_M).astype(np.int64)
        unique, index = np.unique(cells, axis=0, return_inverse=True)
        sums = np.bincount(index.reshape(-1), weights=people[lived_in], minlength=len(unique))
        for (col, row), count in zip(unique.tolist(), sums.tolist(), strict=True):
            self._people[(col, row)] = self._people.get((col, row), 0.0) + count

    def cells(self) -> tuple[list[str], list[int], list[shapely.Polygon]]:
        """Ids, whole numbers of residents, and squares, northward and eastward."""
        keys = sorted(self._people, key=lambda key: (key[1], key[0]))
        keys = [key for key in keys if round(self._people[key]) > 0]
        squares = [shapely.box(col * CELL_M, row * CELL_M, (col + 1) * CELL_M, (row + 1) * CELL_M) for col, row in keys]
        return [f"{col * CELL_M}-{row * CELL_M}" for col, row in keys], [round(self._people[k]) for k in keys], squares
