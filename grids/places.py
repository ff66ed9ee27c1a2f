"""Where the rows of a public table lie: their polygons, and which of them meet a box or are related to a shape.

A question comes in lon/lat or in the region's CRS; a row's polygon is compared as it is drawn in that CRS, with
straight edges between its corners.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from grids.manifest import Bbox, Collection, CollectionInfo
from grids.projections import LONLAT, reproject, transformer
from grids.store_errors import ColumnNotFound, QueryTooLarge
from grids.table_files import TableFile
from grids.tables import GEOMETRY, Geometries

Relation = Literal["intersects", "equals", "touches", "crosses", "overlaps", "within", "contains"]
"""How a row's polygon stands to a shape: the row is `within` it, the row `contains` it."""

MOST_LOOKED_AT = 500_000  # polygons compared with the shapes of one question: some seconds

_ALONG_EDGE = np.linspace(0, 1, 21)
_COLUMN_BIAS = 1 << 31  # columns may be negative; a corner's key has 32 bits for each
_PREDICATES: dict[Relation, Callable[..., Any]] = {
    # Called with the shape first, which is prepared once.
    "intersects": shapely.intersects,
    "equals": shapely.equals,
    "touches": shapely.touches,
    "crosses": shapely.crosses,
    "overlaps": shapely.overlaps,
    "within": shapely.contains,
    "contains": shapely.within,
}


def row_polygons(info: CollectionInfo, rows: pa.Table) -> Geometries:
    """Return the polygons of rows (a grid's need `row` and `col`, others `geometry`) in the region's CRS."""
    if info.kind != "grid":
        return np.asarray(shapely.from_wkb(rows[GEOMETRY].to_numpy()), dtype=object)
    return _squares(*cell_corners(info, rows))


def _squares(corners: NDArray[np.float64], where: NDArray[np.int64]) -> Geometries:
    return np.asarray(shapely.polygons(corners[where[:, [0, 1, 2, 3, 0]]]), dtype=object)


def cell_corners(info: CollectionInfo, rows: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the corners of cells in the region's CRS, each once although neighbours share it.

    Args:
        info: a grid.
        rows: n rows with `row` and `col`.

    Returns:
        (m, 2) corners, and (n, 4) which of them each cell has, counter-clockwise from the lower left.

    Raises:
        ColumnNotFound: it is no grid.
    """
    if info.cell_size_m is None or info.origin_m is None:
        raise ColumnNotFound(f"collection {info.id!r} is no grid, its rows have no cells")
    row, col = (rows[name].to_numpy().astype(np.int64)[:, None] for name in ("row", "col"))
    keys = ((row + np.array([0, 0, 1, 1])) << 32) + (col + np.array([0, 1, 1, 0]) + _COLUMN_BIAS)
    shared, where = np.unique(keys, return_inverse=True)
    steps = np.column_stack([(shared & 0xFFFFFFFF) - _COLUMN_BIAS, shared >> 32])
    return np.asarray(info.origin_m) + steps * float(info.cell_size_m), where.reshape(keys.shape)


class Places:
    """The places of one table's rows, for one question.

    Args:
        info: the table's collection.
        file: the table.
        crs: the region's CRS.
    """

    def __init__(self, info: Collection, file: TableFile, crs: str) -> None:
        self.info = info
        self.file = file
        self.crs = crs
        self._looked_at = 0

    def polygons(self, positions: NDArray[np.int64], crs: str) -> Geometries:
        """Return the polygons of rows by ascending position, in lon/lat or the region's CRS."""
        if self.info.kind != "grid":
            shapes = row_polygons(self.info, self.file.take(positions, [GEOMETRY]))
            return shapes if crs == self.crs else reproject(shapes, self.crs, crs)
        corners, where = cell_corners(self.info, self.file.take(positions, ["row", "col"]))
        if crs != self.crs:  # each corner once, which four cells share
            corners = np.column_stack(transformer(self.crs, crs).transform(corners[:, 0], corners[:, 1]))
        return _squares(corners, where)

    def near(self, bbox: Bbox, crs: str = LONLAT) -> NDArray[np.int64]:
        """Return ascending positions of rows that may meet a box: all that do and some close by."""
        if crs == self.crs:
            return self.file.meeting(bbox)[0]
        box = self.around(bbox)
        return np.empty(0, dtype=np.int64) if box is None else self.file.meeting(box)[0]

    def around(self, bbox: Bbox) -> Bbox | None:
        """Return a box in the region's CRS around a lon/lat one; none where the collection has nothing."""
        boxes = self._boxes(bbox)
        return None if boxes is None else boxes[0]

    def meeting(self, bbox: Bbox, crs: str = LONLAT) -> NDArray[np.int64]:
        """Return ascending positions of the rows whose polygons meet a box, edges included."""
        if crs == self.crs:
            return self._meeting_metric(bbox)
        boxes = self._boxes(bbox)
        if boxes is None:
            return np.empty(0, dtype=np.int64)
        # Sure well inside the box, looked at exactly near its edges.
        outer, inner = boxes
        positions, bounds = self.file.meeting(outer)
        well_inside = np.column_stack([bounds[:, :2] >= inner[:2], bounds[:, 2:] <= inner[2:]]).all(axis=1)
        close = np.flatnonzero(~well_inside)
        meets = np.ones(len(positions), dtype=np.bool_)
        meets[close] = self._meet_lonlat(positions[close], bbox)
        return np.asarray(positions[meets])

    def related(self, relation: Relation, shape: shapely.Geometry, crs: str = LONLAT) -> NDArray[np.int64]:
        """Return ascending positions of the rows whose polygons stand in a relation to a shape.

        Args:
            relation: see `Relation`; every one of them needs bounds that meet.
            shape: valid and finite, x before y.
            crs: of the shape: lon/lat or the region's.

        Raises:
            QueryTooLarge: more than `MOST_LOOKED_AT` rows are close to this shape and those asked about before.
        """
        if shapely.is_empty(shape):
            return np.empty(0, dtype=np.int64)
        bounds: Bbox = tuple(shapely.bounds(shape).tolist())
        if relation == "intersects" and shapely.equals_exact(shape, shapely.box(*bounds), normalize=True):
            return self.meeting(bounds, crs)
        positions = self.near(bounds, crs)
        self._looked_at += len(positions)
        if self._looked_at > MOST_LOOKED_AT:
            raise QueryTooLarge(
                f"{self._looked_at} rows of collection {self.info.id!r} lie close to the geometries of the filter, "
                f"added up; at most {MOST_LOOKED_AT} are compared: ask for a smaller place, a coarser collection, or a "
                "box (bbox)"
            )
        shapely.prepare(shape)
        holds = _PREDICATES[relation](shape, self.polygons(positions, crs))
        return np.asarray(positions[np.asarray(holds, dtype=np.bool_)])

    def _meeting_metric(self, bbox: Bbox) -> NDArray[np.int64]:
        positions, bounds = self.file.meeting(bbox)
        if self.info.kind == "grid":  # a cell is its bounds
            return positions
        within = np.column_stack([bounds[:, :2] >= bbox[:2], bounds[:, 2:] <= bbox[2:]]).all(axis=1)
        close = np.flatnonzero(~within)
        meets = np.ones(len(positions), dtype=np.bool_)
        meets[close] = shapely.intersects(self.polygons(positions[close], self.crs), shapely.box(*bbox))
        return np.asarray(positions[meets])

    def _meet_lonlat(self, positions: NDArray[np.int64], bbox: Bbox) -> NDArray[np.bool_]:
        """Whether the lon/lat polygons of rows meet a lon/lat box, exactly."""
        if self.info.kind != "grid":
            return np.asarray(shapely.intersects(self.polygons(positions, LONLAT), shapely.box(*bbox)), dtype=np.bool_)
        corners, where = cell_corners(self.info, self.file.take(positions, ["row", "col"]))
        lonlat = np.column_stack(transformer(self.crs, LONLAT).transform(corners[:, 0], corners[:, 1]))
        after, before = lonlat >= bbox[:2], lonlat <= bbox[2:]
        inside = np.logical_and.reduce(after & before, axis=1)
        meets: NDArray[np.bool_] = np.logical_or.reduce(inside[where], axis=1)
        straddles = np.logical_or.reduce(after[where], axis=1) & np.logical_or.reduce(before[where], axis=1)
        beside = ~np.logical_and.reduce(straddles, axis=1)
        # Cells with a corner in the box meet it, cells all on one side of it do not; the few others need geometry.
        open_ = np.flatnonzero(~meets & ~beside)
        shapes = np.asarray(shapely.polygons(lonlat[where[open_]]), dtype=object)
        meets[open_] = shapely.intersects(shapes, shapely.box(*bbox))
        return meets

    def _boxes(self, bbox: Bbox) -> tuple[Bbox, Bbox] | None:
        """Boxes in the region's CRS, one around a lon/lat box and one within it; none where nothing is."""
        info = self.info
        if info.bbox is None:
            return None
        # Only the part of the box where the collection is: far from the region its projection gives nonsense.
        margin = 0.01 * max(info.bbox[2] - info.bbox[0], info.bbox[3] - info.bbox[1])
        west, south = max(bbox[0], info.bbox[0] - margin), max(bbox[1], info.bbox[1] - margin)
        east, north = min(bbox[2], info.bbox[2] + margin), min(bbox[3], info.bbox[3] + margin)
        if west > east or south > north:
            return None
        lons, lats = west + (east - west) * _ALONG_EDGE, south + (north - south) * _ALONG_EDGE
        points = len(_ALONG_EDGE)
        x, y = transformer(LONLAT, self.crs).transform(
            np.concatenate([np.repeat([west, east], points), lons, lons]),
            np.concatenate([lats, lats, np.repeat([south, north], points)]),
        )
        sides = np.concatenate([x[: 2 * points], y[2 * points :]]).reshape(4, points)  # west, east, south, north
        least, most = sides.min(axis=1).tolist(), sides.max(axis=1).tolist()
        # Between two of 21 points an edge bends away by far less than this.
        slack = 0.001 * max(most[1] - least[0], most[3] - least[2]) + 1.0
        outer = (least[0] - slack, least[2] - slack, most[1] + slack, most[3] + slack)
        inner = (most[0] + slack, most[2] + slack, least[1] - slack, least[3] - slack)
        return outer, inner
