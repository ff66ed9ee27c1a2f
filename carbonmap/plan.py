"""What all parts of a build have in common: the region, its accounts, its ground and the targets on it."""

from functools import cached_property
from pathlib import Path
from threading import Lock

import shapely
from shapely.geometry.base import BaseGeometry

from accounting.likeness import Likeness, likeness_of
from carbonmap.ground import Ground, domain_of, read_ground
from carbonmap.region import Region, RegionFile
from carbonmap.sectors import Accounts
from carbonmap.targets import Targets, grids_of, hexagon_targets, zone_targets
from gis.raw import Opened
from gis.sources import Source
from grids.errors import GridError
from grids.grid import Grid
from grids.sharing import Division
from grids.zone_index import ZoneIndex
from grids.zones import Gap, gap_between


class Plan:
    """A region file with everything that follows from it before the first source is read.

    Each process that works on parts makes its own from the same files; nothing in it depends on who made it.
    """

    def __init__(self, file: RegionFile, opened: Opened | None = None) -> None:
        """Take a region file.

        Args:
            file: read and validated.
            opened: opens GeoParquet where it is kept, if it is not to be read from the inputs folder.
        """
        self.file = file
        self.opened = opened
        self.region: Region = file.region
        self.inputs: Path = file.inputs
        self._domains: dict[str, BaseGeometry] = {}
        self._divisions: dict[int, Division] = {}
        self._indexes: dict[tuple[str, bytes], ZoneIndex] = {}
        self._gaps: dict[tuple[str, int], Gap] = {}
        self._making = Lock()

    @cached_property
    def accounts(self) -> Accounts:
        """Factors and assumptions."""
        return Accounts.of(self.region)

    @cached_property
    def ground(self) -> Ground:
        """Zone sets and boundary."""
        return read_ground(self.region, self.inputs)

    @cached_property
    def grid(self) -> Grid:
        """The finest grid, on which features are shared out."""
        return grids_of(self.region)[-1]

    @cached_property
    def zones(self) -> list[Targets]:
        """Zone sets, then hexagons."""
        return [*zone_targets(self.region, self.ground), *hexagon_targets(self.region, self.ground)]

    def likeness(self, source: Source) -> Likeness | None:
        """What neighbours among the features of a source have in common beyond what shared errors say."""
        accounts, regions = self.accounts, self.region.factor_regions
        return likeness_of(source.sector, factors=accounts.factors, assumptions=accounts.assumptions, regions=regions)

    def source(self, name: str) -> Source:
        """The source of an id."""
        return next(source for source in self.region.sources if source.id == name)

    def domain(self, source: Source) -> BaseGeometry:
        """The ground a source speaks for; the same object for sources that speak for the same ground."""
        key = source.coverage if isinstance(source.coverage, str) else source.coverage.model_dump_json()
        if key not in self._domains:
            domain = domain_of(source, self.region, self.ground, self.inputs)
            shapely.prepare(domain)
            self._domains[key] = domain
        return self._domains[key]

    def division(self, source: Source) -> Division:
        """What the features of a source are shared out to, made once for sources that speak for the same ground.

        Raises:
            GridError: zones that overlap, or more borders or cells than fit in memory; names the collection.
        """
        with self._making:
            domain = self.domain(source)
            if id(domain) not in self._divisions:
                zones = {targets.info.id: self._index(targets, domain) for targets in self.zones}
                self._divisions[id(domain)] = Division(domain, self.grid, zones)
            return self._divisions[id(domain)]

    def forget_divisions(self) -> None:
        """Let go of what only sharing out needs; of a nation it is most of a gigabyte."""
        self._divisions.clear()
        self._indexes.clear()

    def gap(self, targets: Targets, domain: BaseGeometry) -> Gap:
        """What lies in a domain but in none of the zones, found once."""
        key = (targets.info.id, id(domain))
        if key not in self._gaps:
            self._gaps[key] = gap_between(targets.polygons, domain)
        return self._gaps[key]

    def _index(self, targets: Targets, domain: BaseGeometry) -> ZoneIndex:
        """Zones seen through the grid, with their gap in a domain; one for all domains in which the gap is the same."""
        gap = self.gap(targets, domain).ground
        key = (targets.info.id, b"" if gap is None else gap.wkb)
        if key not in self._indexes:
            ids = [str(name) for name in targets.ids]
            try:
                self._indexes[key] = ZoneIndex.of(targets.polygons, self.grid, gap=gap, ids=ids)
            except GridError as error:
                raise type(error)(f"zone set {targets.info.id}: {error}") from error
        return self._indexes[key]

    def in_order(self) -> list[Source]:
        """Sources as the region file lists them, rasters last: where a forest map is, it wins."""
        return sorted(self.region.sources, key=lambda source: source.is_raster)
