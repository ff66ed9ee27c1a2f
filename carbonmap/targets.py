"""The collections of a region as targets of sharing: cells, zones and hexagons, with their names and parents."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonmap.errors import RegionError
from carbonmap.ground import Ground
from carbonmap.region import Region
from gis.errors import listed
from grids.areas import geodesic_area_ha
from grids.cell_index import CellIndex
from grids.edition import CollectionInfo
from grids.grid import Grid
from grids.hexagons import hexagons
from grids.zones import NO_PARENT, parents_by_overlap

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Geometries = NDArray[np.object_]

GRID_TITLES = {"en": "Grid {}", "ko": "격자 {}", "uz": "To‘r {}", "ru": "Сетка {}"}
CYRILLIC_UNITS = {"m": "м", "km": "км"}
HEXAGON_TITLES = {
    "en": "Hexagons (H3 {})",
    "ko": "육각형 (H3 {})",
    "uz": "Oltiburchaklar (H3 {})",
    "ru": "Шестиугольники (H3 {})",
}


DRAWN_TWICE = 0.02
"""Fraction of a zone that may lie beyond its parent: borders of two sets are seldom drawn from the same survey."""


@dataclass(frozen=True)
class Targets:
    """The targets of one collection.

    Attributes:
        info: what the edition says of the collection.
        ids: (n,) zone ids or H3 indexes; cells get their codes when they are written.
        area_ha: (n,) geodesic.
        polygons: (n,) in the region's CRS; none are kept for cells, whose rows and columns say it.
        parent: (n,) position in the parent collection's targets; None at the top.
        columns: id, names and parent_id, or row and col, as published before the numbers.
        cells: where each cell of a grid stands; None for zones and hexagons.
    """

    info: CollectionInfo
    ids: NDArray[np.str_]
    area_ha: FloatArray
    polygons: Geometries
    parent: IntArray | None
    columns: pd.DataFrame = field(repr=False)
    cells: CellIndex | None = field(default=None, repr=False)

    @property
    def count(self) -> int:
        """How many targets."""
        return int(self.area_ha.size)


def grid_name(size_m: int) -> str:
    """Collection id of a grid: grid-1km, grid-500m, grid-100m."""
    return f"grid-{size_m // 1000}km" if size_m % 1000 == 0 else f"grid-{size_m}m"


def grids_of(region: Region) -> list[Grid]:
    """The region's grids, coarsest first; each nests in the one before."""
    return [Grid(region.crs, region.grid.origin_m, size, region.grid.codes) for size in region.grid.sizes_m]


def grid_of(region: Region, targets: Targets) -> Grid:
    """The grid whose cells these targets are."""
    return next(grid for grid in grids_of(region) if grid.size_m == targets.info.cell_size_m)


def grid_targets(region: Region, finest: CellIndex) -> list[Targets]:
    """Cells that hold something, for every grid of the region, coarsest first.

    Args:
        region: the region.
        finest: cells of its finest grid.
    """
    grids = grids_of(region)
    found = [finest]
    parent_of: list[IntArray | None] = []
    for finer, coarser in zip(grids[:0:-1], grids[-2::-1], strict=True):
        up = finer.parent(*found[0].cells(), coarser)
        found.insert(0, CellIndex([up]))  # the coarse cells are those that hold fine ones
        parent_of.insert(0, found[0].places(*up))
    parent_of.insert(0, None)
    targets: list[Targets] = []
    for level, (grid, cells, parent) in enumerate(zip(grids, found, parent_of, strict=True)):
        row, col = cells.cells()
        info = CollectionInfo(
            id=grid_name(grid.size_m),
            title=_grid_titles(grid.size_m),
            kind="grid",
            level=level,
            parent=targets[-1].info.id if targets else None,
            cell_size_m=grid.size_m,
            origin_m=grid.origin_m,
            codes=region.grid.codes,
        )
        columns = pd.DataFrame({"row": row, "col": col}, copy=False)
        area = grid.geodesic_area_ha(row, col)
        none = np.empty(0, dtype=object)
        targets.append(Targets(info, none.astype(np.str_), area, none, parent, columns, cells))
    return targets


def zone_targets(region: Region, ground: Ground) -> list[Targets]:
    """The zone sets, parents before children; `parent_id` from the file where it says it, else by largest overlap."""
    targets: dict[str, Targets] = {}
    for spec in region.zone_sets:
        zones = ground.zones[spec.id].features
        ids = zones["id"].to_numpy(dtype=str)
        polygons = zones.geometry.to_numpy()
        parent: IntArray | None = None
        level = 0
        columns = pd.DataFrame({"id": zones["id"].astype(object)})
        for language in region.languages:
            columns[f"name_{language}"] = _names(zones, language)
        if spec.parent is not None:
            above = targets[spec.parent]
            level = above.info.level + 1
            parent = _parents(spec.id, zones, above)
            columns["parent_id"] = above.ids[parent].astype(object)
        else:
            columns["parent_id"] = None
        info = CollectionInfo(
            id=spec.id, title=spec.title, kind="zones", level=level, parent=spec.parent, zone_kind=spec.kind
        )
        area = geodesic_area_ha(polygons, region.crs)
        targets[spec.id] = Targets(info, ids, area, polygons, parent, columns)
    return list(targets.values())


def hexagon_targets(region: Region, ground: Ground) -> list[Targets]:
    """H3 cells over the boundary, for each resolution of the region."""
    targets = []
    for level, resolution in enumerate(sorted(region.h3_resolutions)):
        ids, polygons = hexagons(ground.boundary, region.crs, resolution)
        info = CollectionInfo(
            id=f"h3-{resolution}",
            title=_titles(HEXAGON_TITLES, str(resolution)),
            kind="hexagons",
            level=level,
            resolution=resolution,
        )
        columns = pd.DataFrame({"id": ids.astype(object)})
        targets.append(Targets(info, ids, geodesic_area_ha(polygons, region.crs), polygons, None, columns))
    return targets


def _parents(zone_set: str, zones: pd.DataFrame, above: Targets) -> IntArray:
    """Positions of parents: as the file says, else the zone above that holds most of each.

    Raises:
        RegionError: a parent id that the set above does not have, or a zone that lies in none of its zones.
    """
    place = {name: position for position, name in enumerate(above.ids)}
    said = zones["parent_id"]
    unknown = sorted({str(name) for name in said.dropna() if str(name) not in place})
    if unknown:
        raise RegionError(
            f"zone set {zone_set}: its parent_id names {listed(unknown)}, which {above.info.id} does not have; it has "
            f"{listed(above.ids)}"
        )
    found, held = parents_by_overlap(zones.geometry.to_numpy(), above.polygons)
    parent = np.array(
        [place[str(name)] if name is not None else lies for name, lies in zip(said, found, strict=True)], dtype=np.int64
    )
    orphans = zones["id"][parent == NO_PARENT]
    if len(orphans):
        raise RegionError(
            f"zone set {zone_set}: {listed(orphans)} lie in no zone of their parent set {above.info.id}; check both "
            "files' CRS and extent, or give a parent_id column"
        )
    # Parents are the sums of their children only if children do not reach beyond them.
    beyond = zones["id"][held < 1 - DRAWN_TWICE]
    if len(beyond):
        raise RegionError(
            f"zone set {zone_set}: {listed(beyond)} lie in more than one zone of their parent set {above.info.id}, or "
            f"beyond it, by over {DRAWN_TWICE:.0%} of their area; parents would not be the sums of their children. "
            "Leave parent out, or give zones that nest"
        )
    return parent


def _grid_titles(size_m: int) -> dict[str, str]:
    """Titles such as `Grid 500 m`; Russian writes units in its own letters."""
    size, unit = (size_m // 1000, "km") if size_m % 1000 == 0 else (size_m, "m")
    units = {language: CYRILLIC_UNITS[unit] if language == "ru" else unit for language in GRID_TITLES}
    return {language: text.format(f"{size} {units[language]}") for language, text in GRID_TITLES.items()}


def _titles(texts: dict[str, str], what: str) -> dict[str, str]:
    return {language: text.format(what) for language, text in texts.items()}


def _names(zones: pd.DataFrame, language: str) -> pd.Series:
    """A zone's name in a language, else its name in any language, else its id: a zone is never nameless."""
    wanted = [f"name_{language}", "name", *sorted(column for column in zones.columns if column.startswith("name_"))]
    name = pd.Series([None] * len(zones), index=zones.index, dtype=object)
    for column in dict.fromkeys(wanted):
        if column in zones.columns:
            name = name.where(name.notna(), zones[column])
    return name.where(name.notna(), zones["id"])
