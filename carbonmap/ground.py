"""Where a region is: its zones, its boundary, and the part of it that each source speaks for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from carbonmap.errors import RegionError
from carbonmap.region import Region
from gis.crs import LONLAT, moved_bounds
from gis.layers import ZoneLayer
from gis.readers import read_coverage
from gis.sources import Source
from gis.whereabouts import whereabouts
from gis.zones import read_zones
from grids.zones import dissolve

Bbox = tuple[float, float, float, float]

MARGIN_M = 1000.0
"""Features this near the boundary are still read: what crosses it must be seen to be counted as outside."""

MOST_CELLS = 20_000_000
"""Cells of the finest grid that one machine's memory is asked to hold; a nation of 100,000 km2 at 100 m has half."""


@dataclass(frozen=True)
class Ground:
    """The ground of a region.

    Attributes:
        zones: the zone sets in the region file's order, by id.
        boundary: what the region is; a valid polygon or multipolygon in the region's CRS.
        bbox: its west, south, east, north in degrees.
    """

    zones: dict[str, ZoneLayer]
    boundary: BaseGeometry
    bbox: Bbox

    @property
    def reading_bbox(self) -> Bbox:
        """The bbox with a margin, in degrees: what readers need not look at lies outside of it."""
        west, south, east, north = self.bbox
        margin = MARGIN_M / 111_000.0
        wide = margin / max(np.cos(np.radians(max(abs(south), abs(north)))), 0.01)
        return west - wide, south - margin, east + wide, north + margin


def read_ground(region: Region, inputs: Path) -> Ground:
    """Read the zone sets and make the boundary.

    Raises:
        GisError: a zone set that cannot be read, or whose zones overlap.
        RegionError: a boundary that encloses nothing.
    """
    zones = {spec.id: read_zones(spec, inputs, region.crs) for spec in region.zone_sets}
    if region.boundary.bounds is not None:
        boundary: BaseGeometry = shapely.box(*region.boundary.bounds)
    else:
        boundary = dissolve(zones[str(region.boundary.zone_set)].features.geometry.to_numpy())
    if not boundary.area > 0:
        raise RegionError(
            f"region {region.id}: the boundary has no area; expected polygons or bounds that enclose something"
        )
    finest = min(region.grid.sizes_m)
    if boundary.area / finest**2 > MOST_CELLS:
        raise RegionError(
            f"region {region.id}: cells of {finest} m on {boundary.area / 1e6:,.0f} km2 are "
            f"{boundary.area / finest**2:,.0f} cells; {MOST_CELLS:,} are the most. Choose coarser grid.sizes_m, "
            "or a smaller boundary"
        )
    if region.boundary.bounds is not None and max(map(abs, region.boundary.bounds)) <= 180:
        moved = moved_bounds(region.boundary.bounds, LONLAT, pyproj.CRS.from_user_input(region.crs))
        metres = [round(value) for value in moved]
        raise RegionError(
            f"region {region.id}: boundary.bounds {list(region.boundary.bounds)} look like degrees; metres of "
            f"{region.crs} were expected (west, south, east, north), which would be {metres}"
        )
    to_lonlat = pyproj.Transformer.from_crs(region.crs, "EPSG:4326", always_xy=True)
    bbox = to_lonlat.transform_bounds(*boundary.bounds, densify_pts=51)
    if not np.isfinite(bbox).all() or bbox[0] >= bbox[2]:
        raise RegionError(
            f"region {region.id}: its boundary {_bounds(boundary)} cannot be placed on the globe with "
            f" {region.crs}; are the coordinates in that CRS, and does the region avoid the 180th meridian?"
        )
    for name, layer in zones.items():
        _refuse_elsewhere(name, layer, boundary, bbox)
    return Ground(zones, boundary, bbox)


def _refuse_elsewhere(name: str, layer: ZoneLayer, boundary: BaseGeometry, bbox: Bbox) -> None:
    """Refuse a zone set of which nothing lies in the boundary.

    Raises:
        RegionError: says where it lies, and which mistake of its CRS that looks like.
    """
    west, south, east, north = layer.features.total_bounds.tolist()
    if shapely.box(west, south, east, north).intersects(boundary):
        return
    own = pyproj.CRS.from_user_input(layer.features.crs)
    given = pyproj.CRS.from_user_input(layer.report.crs)
    extent = moved_bounds((west, south, east, north), own, given)
    raise RegionError(
        f"zone set {name} ({layer.report.file}) lies wholly outside the region's boundary. "
        f"{whereabouts(extent, given, bbox, own)}"
    )


def domain_of(source: Source, region: Region, ground: Ground, inputs: Path) -> BaseGeometry:
    """The ground a source speaks for: boundary and coverage together. Inside it, nothing found means zero.

    Raises:
        RegionError: the coverage and the boundary do not meet.
        GisError: a coverage file that cannot be read.
    """
    if isinstance(source.coverage, str):
        return ground.boundary
    if source.coverage.zone_set is not None:
        covered: BaseGeometry = dissolve(ground.zones[source.coverage.zone_set].features.geometry.to_numpy())
    elif source.coverage.bounds is not None:
        covered = shapely.box(*source.coverage.bounds)
    else:
        covered, _ = read_coverage(source.coverage, inputs, region.crs)
    domain = polygonal(shapely.intersection(ground.boundary, covered))
    if domain.is_empty:
        degrees = max(map(abs, covered.bounds)) <= 180
        raise RegionError(
            f"source {source.id}: its coverage {_bounds(covered)} and the region's boundary "
            f"{_bounds(ground.boundary)} do not meet; give both in {region.crs} (west, south, east, north)"
            + ("; the coverage looks like degrees" if degrees else "")
        )
    return domain


def polygonal(geometry: BaseGeometry) -> BaseGeometry:
    """Only the areas of a geometry; where two areas merely touch, an intersection holds lines and points too."""
    parts = shapely.get_parts(geometry)
    areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    nested = [polygonal(part) for part in parts if shapely.get_type_id(part) >= shapely.GeometryType.MULTIPOINT]
    return shapely.union_all([*areas, *nested])


def _bounds(geometry: BaseGeometry) -> tuple[int, ...]:
    return tuple(round(value) for value in geometry.bounds)
