"""Shapes put on a tile's lattice of integers: clipped, valid, and turned as the format wants rings turned."""

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.measures import repaired
from grids.mvt import EXTENT, LINE, POINT, POLYGON, TileGeometry
from grids.tables import Geometries
from grids.tile_squares import BUFFER, Tile


def quantise(tile: Tile, shapes: Geometries, kind: int) -> TileGeometry:
    """Clip (n,) mercator shapes to the tile with its buffer and put them on its integer lattice, valid and oriented.

    Missing shapes, shapes outside and those that shrink to nothing have no part in the result.
    """
    box = (-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    local = np.asarray(shapely.transform(shapes, tile.units), dtype=object)
    rows = np.flatnonzero(~(shapely.is_missing(local) | shapely.is_empty(local)))
    rows = rows[np.isfinite(shapely.bounds(local[rows])).all(axis=1)]
    clipped = np.asarray(shapely.clip_by_rect(local[rows], *box), dtype=object)
    if kind == POLYGON:
        return _polygons(clipped, rows)
    parts, owner = shapely.get_parts(clipped, return_index=True)
    own = shapely.get_type_id(parts) == (1 if kind == LINE else 0)
    points, part = shapely.get_coordinates(parts[own], return_index=True)
    lattice = np.floor(points + 0.5).astype(np.int64)
    features = rows[owner[own]]
    if kind == POINT:
        order = np.lexsort((part, features[part]))
        lattice, feature = lattice[order], features[part][order]
        distinct, sizes = np.unique(feature, return_counts=True)
        return TileGeometry(POINT, lattice, sizes, distinct)
    fresh = (
        np.r_[True, (part[1:] != part[:-1]) | (lattice[1:] != lattice[:-1]).any(axis=1)]
        if len(part)
        else np.zeros(0, bool)
    )
    lattice, part = lattice[fresh], part[fresh]
    sizes = np.bincount(part, minlength=len(features))
    long_enough = sizes >= 2
    return TileGeometry(LINE, lattice[long_enough[part]], sizes[long_enough], features[long_enough])


def _polygons(clipped: Geometries, rows: NDArray[np.int64]) -> TileGeometry:
    areas = np.asarray(shapely.get_dimensions(clipped)) == 2
    clipped, rows = clipped[areas], rows[areas]
    broken = ~np.asarray(shapely.is_valid(clipped), dtype=np.bool_)
    if broken.any():
        clipped = clipped.copy()
        clipped[broken] = repaired(clipped[broken])
    # Snapping vertices one by one could make rings cross; this keeps the result valid.
    snapped = shapely.set_precision(clipped, 1.0)
    parts, owner = shapely.get_parts(snapped, return_index=True)
    own = (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    parts, owner = parts[own], owner[own]
    rings, polygon = shapely.get_rings(parts, return_index=True)
    if not len(rings):
        return no_polygons()
    points, ring = shapely.get_coordinates(rings, return_index=True)
    exterior = np.r_[True, polygon[1:] != polygon[:-1]]
    last = np.r_[ring[1:] != ring[:-1], True]
    lattice, ring = np.rint(points[~last]).astype(np.int64), ring[~last]
    sizes = np.bincount(ring)
    return TileGeometry(POLYGON, oriented(lattice, sizes, exterior), sizes, rows[owner[polygon]])


def oriented(points: NDArray[np.int64], sizes: NDArray[np.int64], exterior: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Turn rings (points one after the other, unclosed) so that exteriors have positive area and holes negative."""
    ends = np.cumsum(sizes)
    starts = ends - sizes
    following = np.arange(1, len(points) + 1)
    following[ends - 1] = starts
    cross = points[:, 0] * points[following, 1] - points[following, 0] * points[:, 1]
    area = np.add.reduceat(cross, starts) if len(starts) else np.zeros(0, dtype=np.int64)
    turn = np.repeat((area > 0) != exterior, sizes)
    index = np.arange(len(points))
    return points[np.where(turn, np.repeat(starts + ends - 1, sizes) - index, index)]


def no_polygons() -> TileGeometry:
    """Return polygons of no row."""
    none = np.empty(0, dtype=np.int64)
    return TileGeometry(POLYGON, np.empty((0, 2), dtype=np.int64), none, none)
