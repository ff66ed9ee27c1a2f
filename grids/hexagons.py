"""H3 hexagons over a domain, as polygons in the region's CRS that tile it without gap or overlap.

An H3 cell is used with straight edges between its projected corners (H3's own are arcs; at resolution 8 they part by
less than a centimetre). Corners are shared by neighbours to the last bit, so that the hexagons' shares add up. H3's
own `cell_area` is the area on a sphere, up to half a per cent from the ellipsoid's: use
`grids.areas.geodesic_area_ha`, as for every other target.
"""

import h3
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from grids.errors import GridError
from grids.zone_parts import check_polygons

FloatArray = NDArray[np.float64]
GeometryArray = NDArray[np.object_]

MOST_CELLS = 500_000
_SAME_CORNER_M = 1e-4  # H3 gives a corner from each of its cells, apart by rounding only; the finest edges are 0.5 m


def hexagons(domain: BaseGeometry, crs: str, resolution: int) -> tuple[NDArray[np.str_], GeometryArray]:
    """All H3 cells whose interior meets the domain.

    Args:
        domain: valid polygon or multipolygon in `crs`; may be smaller than one cell.
        crs: projected CRS of the region.
        resolution: H3 resolution, 0 to 15.

    Returns:
        (n,) H3 indexes in order, and (n,) their polygons in `crs`; whole cells, not clipped.

    Raises:
        GridError: no such resolution, more cells than `MOST_CELLS`, or a domain across the 180th meridian.
        GeometryError: a domain that is no valid polygon.
    """
    if isinstance(resolution, bool) or resolution not in range(16):
        raise GridError(f"H3 resolution {resolution!r} was asked for; a whole number from 0 to 15 was expected.")
    check_polygons(np.array([domain], dtype=np.object_), "The domain")
    expected = domain.area / h3.average_hexagon_area(resolution, unit="m^2")
    if expected > MOST_CELLS:
        raise GridError(
            f"H3 resolution {resolution} would need about {expected:,.0f} cells for this region; {MOST_CELLS:,} are "
            "the most. Choose a coarser resolution."
        )
    ids = _candidates(domain, crs, resolution)
    polygons = _polygons(ids, crs)
    shapely.prepare(domain)
    near = np.flatnonzero(shapely.intersects(domain, polygons))
    sure = shapely.contains_properly(domain, polygons[near])
    doubtful = near[~sure]
    sure_or_meeting = sure.copy()
    sure_or_meeting[~sure] = shapely.relate_pattern(domain, polygons[doubtful], "T********")
    kept = near[sure_or_meeting]
    return ids[kept], polygons[kept]


def _candidates(domain: BaseGeometry, crs: str, resolution: int) -> NDArray[np.str_]:
    """Cells that meet the domain on H3's longitude-latitude plane, and their neighbours: edges bend in between."""
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    step = h3.average_hexagon_edge_length(resolution, unit="m") / 2
    extent = max(domain.bounds[2] - domain.bounds[0], domain.bounds[3] - domain.bounds[1])
    dense = shapely.segmentize(shapely.force_2d(domain), max(step, extent / 200))
    found: set[str] = set()
    for part in shapely.get_parts(dense):
        rings = []
        for ring in shapely.get_rings(part):
            lon, lat = to_degrees.transform(*shapely.get_coordinates(ring).T)
            if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
                raise GridError(f"The domain leaves the area in which {crs} has longitudes; check its CRS.")
            if np.abs(np.diff(lon)).max() > 180:
                raise GridError(
                    "The domain crosses the 180th meridian, where hexagons are not supported; leave out "
                    "h3_resolutions for this region, or split it there."
                )
            rings.append(list(zip(lat.tolist(), lon.tolist(), strict=True)))
        shape = h3.LatLngPoly(rings[0], *rings[1:])
        found.update(h3.h3shape_to_cells_experimental(shape, resolution, contain="overlap"))
        found.update(h3.latlng_to_cell(lat, lon, resolution) for lat, lon in rings[0])
    border = {neighbour for cell in found for neighbour in h3.grid_disk(cell, 1)}
    return np.array(sorted(found | border), dtype=np.str_)


def _polygons(ids: NDArray[np.str_], crs: str) -> GeometryArray:
    """Polygons of cells with corners that neighbours share to the last bit."""
    boundaries = [h3.cell_to_boundary(cell) for cell in ids.tolist()]
    corners = np.array([corner for boundary in boundaries for corner in boundary])
    counts = np.array([len(boundary) for boundary in boundaries])
    owner = np.repeat(np.arange(ids.size), counts)
    lon = corners[:, 1]
    start = np.cumsum(counts) - counts
    if (np.maximum.reduceat(lon, start) - np.minimum.reduceat(lon, start) > 180).any():
        raise GridError(
            "A hexagon of this region crosses the 180th meridian, which is not supported; leave out h3_resolutions."
        )
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = to_plane.transform(lon, corners[:, 0])
    places = _shared(np.column_stack((x, y)))
    rings = shapely.linearrings(places, indices=owner)
    return np.asarray(shapely.polygons(rings), dtype=np.object_)


def _shared(places: FloatArray) -> FloatArray:
    """Places that are the same corner, as the first of them."""
    pairs = cKDTree(places).query_pairs(_SAME_CORNER_M, output_type="ndarray")
    links = coo_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(places), len(places))
    )
    _, label = connected_components(links, directed=False)
    _, first = np.unique(label, return_index=True)
    return places[first[label]]
