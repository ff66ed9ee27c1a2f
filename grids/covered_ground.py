"""How much ground of the region lies in a drawn polygon, and how much of it each sector's sources know.

Tables of grids leave out cells that hold nothing, so what a polygon's rows cover is no measure of its ground: a wood of
ten cells in a bare district is not as dense as those ten cells. Zones have a row each, whatever they hold.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.aggregate import FULLY_COVERED
from grids.areas import geodesic_area_ha
from grids.columns import total_column
from grids.edition import Edition
from grids.effort import cutting_effort
from grids.manifest import Collection
from grids.projections import LONLAT, reproject
from grids.recent import while_it_lives
from grids.store_errors import QueryTooLarge

MOST_MEETINGS = 1 << 21
"""Pairs of the polygon's edges, of all zones that it cuts, whose boxes meet: GEOS takes some 0.4 s for as many."""

_OUTSIDE = 1e-3  # of a polygon's area: so little outside all zones is how a border was drawn, and no ground of its own
_SAME = 1e-6  # of the area: so little is rounding of borders, of zones of two levels or of a polygon drawn along them


@dataclass(frozen=True)
class Ground:
    """Ground within a polygon that belongs to zones of the region.

    Attributes:
        zones: id of the collection whose zones were asked.
        area_ha: of the polygon within them, on the ellipsoid.
        known_ha: by sector, and `net`: of it, what lies in zones with a published value.
        coverage: by sector: fraction of `area_ha` that its sources cover; None where nobody knows. Within a zone that
            the polygon cuts, its coverage counts as evenly spread.
        whole: sectors, and `net`, that are known on all of the polygon: all of it lies in zones, and every zone that it
            meets has a published value and is covered as a whole (`grids.aggregate.FULLY_COVERED`).
    """

    zones: str
    area_ha: float
    known_ha: dict[str, float]
    coverage: dict[str, float | None]
    whole: frozenset[str] = frozenset()


def ground_of(edition: Edition, year: int, polygon: shapely.Geometry) -> Ground | None:
    """Return the ground of a polygon by the finest zones that leave out least of the region.

    Args:
        edition: whose zones are asked.
        year: of the zones' table.
        polygon: valid polygon or multipolygon in the region's CRS, possibly empty; its edges are straight there.

    Returns:
        None where no collection of zones has a table of the year.

    Raises:
        QueryTooLarge: its edges wind so closely beside each other that cutting it at the zones' borders takes long.
    """
    info = _finest_whole(edition, year)
    if info is None:
        return None
    sectors = [*edition.manifest.sectors, "net"]
    totals = {sector: name for sector in sectors if (name := total_column(sector)) in info.columns}
    reach = {sector: name for sector in sectors if (name := f"{sector}_coverage") in info.columns}
    if shapely.is_empty(polygon):
        return Ground(info.id, 0.0, dict.fromkeys(totals, 0.0), dict.fromkeys(reach))
    around = shapely.segmentize(shapely.envelope(np.array([polygon], dtype=np.object_)), 1_000.0)
    west, south, east, north = shapely.total_bounds(reproject(around, edition.crs, LONLAT)).tolist()
    names = ["area_ha", *totals.values(), *reach.values()]
    rows = edition.near(info.id, year, (west, south, east, north), names).rows
    values = {name: rows[name].to_numpy().astype(np.float64) for name in names}
    area = _areas_within(polygon, edition.polygons(info.id, rows), values["area_ha"], edition.crs)
    known = {sector: float(area[~np.isnan(values[name])].sum()) for sector, name in totals.items()}
    coverage: dict[str, float | None] = {}
    for sector, name in reach.items():
        told = ~np.isnan(values[name]) & (area > 0)
        whole = float(area[told].sum())
        coverage[sector] = float((values[name][told] * area[told]).sum()) / whole if whole else None
    met = area > _SAME * area.sum()
    covered = {sector for sector, name in reach.items() if (values[name][met] >= FULLY_COVERED).all()}
    covered |= {"net"} if covered == totals.keys() - {"net"} else set()
    everywhere = {sector for sector in covered & totals.keys() if not np.isnan(values[totals[sector]][met]).any()}
    drawn = float(geodesic_area_ha(np.array([polygon], dtype=np.object_), edition.crs)[0])
    is_within = met.any() and area.sum() >= (1 - _OUTSIDE) * drawn
    return Ground(info.id, float(area.sum()), known, coverage, frozenset(everywhere if is_within else ()))


def _areas_within(
    polygon: shapely.Geometry, zones: NDArray[np.object_], area_ha: NDArray[np.float64], crs: str
) -> NDArray[np.float64]:
    """(n,) hectares of each zone within the polygon; only those on its edge are cut."""
    shapely.prepare(polygon)
    inside = shapely.covers(polygon, zones)
    area = np.where(inside, area_ha, 0.0)
    crossed = np.flatnonzero(~inside & shapely.intersects(polygon, zones))
    if len(crossed):
        if cutting_effort(polygon, zones[crossed], MOST_MEETINGS) > MOST_MEETINGS:
            raise QueryTooLarge(
                "the polygon's outline folds too often beside itself to be cut at the borders of "
                f"{len(crossed)} zones: more than {MOST_MEETINGS} pairs of its edges lie across each other's boxes "
                "there. Ask for a simpler outline or a smaller place"
            )
        area[crossed] = geodesic_area_ha(shapely.intersection(zones[crossed], polygon), crs)
    return area


@while_it_lives  # geometry comes along with the areas
def _finest_whole(edition: Edition, year: int) -> Collection | None:
    sized = [
        (_whole_area(edition, info, year), info)
        for info in edition.manifest.collections
        if info.kind == "zones" and year in info.years and "area_ha" in info.columns
    ]
    if not sized:
        return None
    most = max(area for area, _ in sized)
    return max((info for area, info in sized if area >= most * (1 - _SAME)), key=lambda info: (info.level, info.count))


def _whole_area(edition: Edition, info: Collection, year: int) -> float:
    return float(np.nansum(edition.table(info.id, year, ["area_ha"])["area_ha"].to_numpy()))
