"""From a raster of labels to polygons that share their borders exactly."""

import numpy as np
import numpy.typing as npt
import shapely
from rasterio import features
from rasterio.transform import Affine

from carbonmap.synthetic.plan import Tile

__all__ = ["label_polygons"]


def label_polygons(
    tile: Tile, labels: npt.NDArray[np.int32], smoothing: float, fill: bool, crinkled: bool = False
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]:
    """Outline every connected patch of one label, smooth the stairs without opening gaps, and carry it to the map.

    Args:
        tile: whose raster it is.
        labels: (rows, cols), 0 for nothing.
        smoothing: in raster cells; larger removes larger corners (Visvalingam and Whyatt 1993, on the whole coverage).
        fill: the labels fill the tile, whose edge must then stay as it is.
        crinkled: wiggle the edges.

    Returns:
        (n,) labels and (n,) polygons on the map, ordered by label, then by place. Neighbours have the same vertices
        along a shared border, and along the tile's edge every raster corner is a vertex, so that tiles meet too.
    """
    step = tile.plan.cell_m
    transform = Affine(step, 0.0, tile.u0, 0.0, step, tile.v0)
    found = [
        (int(value), shapely.geometry.shape(geometry))
        for geometry, value in features.shapes(labels, mask=labels > 0, transform=transform, connectivity=4)
    ]
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    value = np.array([v for v, _ in found], dtype=np.int64)
    # A corner where three patches meet must be a vertex of all three before a coverage can be simplified.
    stairs = shapely.segmentize(np.array([g for _, g in found], dtype=object), step)
    smooth = shapely.coverage_simplify(stairs, smoothing * step, simplify_boundary=not fill)
    if crinkled:
        fine = shapely.segmentize(smooth, 0.5 * step)
        on_map = np.asarray(shapely.transform(fine, tile.plan.crinkle), dtype=object)
    else:
        on_map = tile.plan.bend_all(shapely.segmentize(smooth, step))
    west_south = shapely.bounds(on_map)[:, :2]
    order = np.lexsort((west_south[:, 0], west_south[:, 1], value))
    return value[order], on_map[order]
