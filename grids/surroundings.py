"""Polygons as one feature sees them: from its own middle, and only around it, for overlays that must not round.

An overlay rounds in proportion to the largest coordinate it meets: GEOS, where it fails to cut as the numbers are,
snaps to a millionth of a millionth of it, which at Korean northings is two micrometres, and of a building's wall on a
border a square centimetre. Seen from the middle of the feature both are a thousand times smaller and more.
"""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.measures import AREAS, overlay

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_MARGIN_M = 1.0  # around a feature, so that what GEOS rounds at a rim does not come near it
_SMALLEST_TILE_M = 4096.0  # features within one share what is left of a polygon there
_WEST, _EAST, _SOUTH, _NORTH = 1, 2, 3, 4


def middles_of(geometries: GeometryArray) -> FloatArray:
    """(n, 2) whole metres near the middle of each geometry; 0 of what is nowhere."""
    west, south, east, north = shapely.bounds(geometries).T
    middles: FloatArray = np.rint(np.stack(((west + east) / 2, (south + north) / 2), axis=1))
    return np.where(np.isnan(middles), 0.0, middles)


def seen_from(geometries: GeometryArray, middles: FloatArray) -> GeometryArray:
    """(n,) geometries in two dimensions with each its own place (n, 2) as the origin.

    With places of whole metres that is exact for what lies nearer to the place than to the origin it came from, and
    so is the way back (`-middles`) for vertices that were not made anew.
    """
    coordinates, owner = shapely.get_coordinates(geometries, return_index=True)
    given = np.array(geometries, dtype=np.object_)
    return np.asarray(shapely.set_coordinates(given, coordinates - middles[owner]), dtype=np.object_)


class Surroundings:
    """Polygons, to be seen from features."""

    def __init__(self, polygons: GeometryArray) -> None:
        """Take (m,) valid polygons in two dimensions."""
        self._polygons = polygons
        self._bounds = shapely.bounds(polygons)
        self._tiles: dict[tuple[int, float, int, int], BaseGeometry | None] = {}

    def around(self, which: IntArray, bounds: FloatArray, middles: FloatArray) -> GeometryArray:
        """What of polygons lies around features, one to one, with each feature's middle as the origin.

        Vertices are left out, none are moved: an edge that passes the feature is the polygon's own. Only where that
        makes rings cross far from the feature, the polygon is cut to a box.

        Args:
            which: (n,) positions of polygons.
            bounds: (n, 4) of the features.
            middles: (n, 2) of the features, whole metres.

        Returns:
            (n,) valid polygons, empty where nothing is near; a metre beyond the feature they mean nothing.

        Raises:
            UncutGeometry: what lies around a feature cannot be cut to it.
        """
        pieces = np.full(which.size, shapely.MultiPolygon(), dtype=np.object_)
        crossed: list[tuple[int, FloatArray]] = []
        for k, (polygon, box) in enumerate(zip(which.tolist(), bounds, strict=True)):
            window = box + _MARGIN_M * np.array([-1, -1, 1, 1])
            tile = self._tile(polygon, window)
            piece = without_far(tile, window)
            pieces[k] = tile if piece is None else piece
            if piece is None:
                crossed.append((k, window - np.tile(middles[k], 2)))
        pieces = seen_from(pieces, middles)
        if crossed:
            places = np.array([k for k, _ in crossed])
            windows = np.asarray(shapely.box(*np.array([window for _, window in crossed]).T), dtype=np.object_)
            pieces[places] = overlay(shapely.intersection, pieces[places], windows, np.full(places.size, AREAS), places)
        return pieces

    def _tile(self, polygon: int, window: FloatArray) -> BaseGeometry:
        """A polygon without what is far from a square in which the window lies; many windows share it."""
        whole: BaseGeometry = self._polygons[polygon]
        side = max(_SMALLEST_TILE_M, 2.0 ** np.ceil(np.log2(max(np.ptp(window[[0, 2]]), np.ptp(window[[1, 3]])))))
        west, south, east, north = self._bounds[polygon]
        if max(east - west, north - south) <= 2 * side:
            return whole
        col, row = (int(np.floor(low / side)) for low in window[:2])
        key = (polygon, side, col, row)
        if key not in self._tiles:
            square = np.array([col, row, col + 2, row + 2]) * side
            self._tiles[key] = without_far(whole, square)
        tile = self._tiles[key]
        return whole if tile is None else tile


def without_far(polygon: BaseGeometry, box: FloatArray) -> BaseGeometry | None:
    """A polygon without vertices that make no difference in a box; None if what is left is no valid polygon.

    Of vertices that follow each other on one side of the box, the first and the last are enough: the edge between them
    stays on that side. What a place in the box lies in is the same, since no edge was drawn across it.

    Args:
        polygon: a valid polygon or multipolygon.
        box: (4,) west, south, east, north.
    """
    parts = shapely.get_parts([polygon])
    rings, part = shapely.get_rings(parts, return_index=True)
    vertices, ring = shapely.get_coordinates(rings, return_index=True)
    x, y = vertices.T
    side = np.where(x < box[0], _WEST, np.where(x > box[2], _EAST, 0))
    side = np.where(side > 0, side, np.where(y < box[1], _SOUTH, np.where(y > box[3], _NORTH, 0)))
    same = (side[1:] == side[:-1]) & (side[1:] > 0) & (ring[1:] == ring[:-1])
    needed = np.ones(side.size, dtype=np.bool_)
    needed[1:-1] = ~(same[1:] & same[:-1])
    kept = np.bincount(ring[needed], minlength=len(rings))
    # Of a ring on one side alone its ends are left; a shell that goes takes its holes with it.
    far = kept < 4
    shell = np.r_[True, part[1:] != part[:-1]]
    far |= far[shell][part]
    if far.all():
        return shapely.MultiPolygon()
    needed &= ~far[ring]
    ring_ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(kept[~far])))
    of_part = np.bincount(part[~far], minlength=len(parts))
    part_ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(of_part[of_part > 0])))
    found: BaseGeometry = shapely.from_ragged_array(
        shapely.GeometryType.MULTIPOLYGON,
        np.ascontiguousarray(vertices[needed]),
        (ring_ends, part_ends, np.array([0, part_ends.size - 1])),
    )[0]
    return found if found.is_valid else None
