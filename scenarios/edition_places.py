"""Places of an edition for scenarios: the grid to start from, and polygons of zones by name."""

from collections.abc import Sequence

import numpy as np
from shapely.geometry.base import BaseGeometry

from grids.edition import Edition
from grids.store_errors import ItemNotFound
from scenarios.errors import InvalidState
from scenarios.places import ZonePolygons

LIKED_M = 500


def grid_to_start_from(edition: Edition, collection: str | None = None, most_cells: int | None = None) -> str:
    """Id of the grid asked for, or of the one nearest to 500 m.

    Args:
        edition: which.
        collection: the one asked for.
        most_cells: of a grid that nobody asked for by name.

    Raises:
        InvalidState: what was asked for is no grid, or the edition has none that is small enough.
        CollectionNotFound: no such collection.
    """
    grids = [info for info in edition.manifest.collections if info.kind == "grid" and info.years]
    if collection is not None:
        if edition.collection(collection).kind != "grid":
            raise InvalidState(
                f"{collection!r} is no grid; scenarios start from the cells of a grid: "
                f"{', '.join(info.id for info in grids) or 'this edition has none'}."
            )
        return collection
    small = [info for info in grids if most_cells is None or info.count <= most_cells]
    if not small:
        size = "" if most_cells is None else f" of at most {most_cells:,} cells"
        raise InvalidState(f"The edition of {edition.region.id!r} has no grid{size} to start from.")
    return min(small, key=lambda info: (abs((info.cell_size_m or 0) - LIKED_M), info.id)).id


def zones_by_name(edition: Edition, year: int) -> ZonePolygons:
    """What looks up the polygons of a collection's zones or cells, in the region's CRS, for areas of measures.

    Args:
        edition: which.
        year: of the collections' tables.
    """

    def polygons(collection: str, ids: Sequence[str]) -> Sequence[BaseGeometry]:
        info, known = edition.collection(collection), edition.year(collection, year)
        positions = edition.positions(collection, known, list(ids))
        if (positions < 0).any():
            missing = ids[int(np.flatnonzero(positions < 0)[0])]
            raise ItemNotFound(
                f"Collection {collection!r} of region {edition.region.id!r} has no item {missing[:80]!r}."
            )
        columns = ["row", "col"] if info.kind == "grid" else ["id"]
        return list(edition.polygons(collection, edition.rows(collection, known, np.unique(positions), columns)))

    return polygons
