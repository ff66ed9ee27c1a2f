"""One city of the mosaic, drawn from its tile: land, streets, buildings, traffic, zones and forest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from carbonmap.synthetic.blocks import Blocks, make_blocks, superblocks_on_map
from carbonmap.synthetic.buildings import Buildings, make_buildings, road_surface
from carbonmap.synthetic.districts import (
    VILLAGE_FRACTION,
    Centres,
    Superblocks,
    Villages,
    make_centres,
    make_lattice,
    make_superblocks,
    make_villages,
)
from carbonmap.synthetic.forest import Stands, make_stands
from carbonmap.synthetic.lanes import make_lanes
from carbonmap.synthetic.lots import make_sites
from carbonmap.synthetic.noise import FloatArray
from carbonmap.synthetic.parks import make_lake, make_parks
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.streets import CLASS_HALF_WIDTH_M, Network, make_network, motorway_line
from carbonmap.synthetic.terrain import Land, make_land
from carbonmap.synthetic.traffic import daily_traffic
from carbonmap.synthetic.zones import ZoneTable, make_dongs, make_zoning

__all__ = ["City", "make_city"]

_MOTORWAY_STRIP_M = 45.0
_TRIES = 12


@dataclass(frozen=True)
class City:
    """Everything that stands on a tile."""

    tile: Tile
    centres: Centres
    land: Land
    superblocks: Superblocks
    on_map: npt.NDArray[np.object_]
    villages: Villages
    blocks: Blocks
    network: Network
    traffic: FloatArray
    lanes: npt.NDArray[np.object_]
    lane_class: npt.NDArray[np.str_]
    lake: npt.NDArray[np.object_]
    parks: npt.NDArray[np.object_]
    buildings: Buildings
    stands: Stands
    districts: ZoneTable
    dongs: ZoneTable
    zoning: ZoneTable

    @property
    def water(self) -> npt.NDArray[np.object_]:
        """River, creeks and lake on the map."""
        creeks = self.land.creeks[~shapely.is_empty(self.land.creeks)]
        return np.concatenate([np.array([self.land.river], dtype=object), creeks, self.lake])


def make_city(tile: Tile) -> City:
    """Draw one city with exactly `tile.buildings` buildings.

    Towns are opened for the expected density first; where hills, water and roads took too much of the ground, more
    superblocks are opened until all buildings find room.

    Raises:
        RuntimeError: no room even in all usable superblocks; a flaw of the generator for this seed and size.
    """
    centres = make_centres(tile)
    land = make_land(tile, centres.uv)
    stands = make_stands(tile, land)
    lattice = make_lattice(tile, land)
    motorway = shapely.LineString(tile.plan.bend(motorway_line(tile))).buffer(_MOTORWAY_STRIP_M * tile.plan.scale**0.5)
    creeks = shapely.buffer(land.creeks[~shapely.is_empty(land.creeks)], 6.0)
    strips = np.concatenate([creeks, np.array([motorway, land.river], dtype=object)])
    rural = round(VILLAGE_FRACTION * tile.buildings)
    wanted = 1.02 * (tile.buildings - rural)
    for _ in range(_TRIES):
        superblocks = make_superblocks(tile, land, centres, lattice, wanted)
        villages = make_villages(tile, land, superblocks, rural)
        on_map = superblocks_on_map(tile, land, superblocks, strips)
        blocks = make_blocks(tile, superblocks, on_map, lattice)
        sites = make_sites(tile, blocks, superblocks.pull)
        lake = make_lake(tile, superblocks)
        network = make_network(tile, land, centres, lattice, superblocks, villages)
        water = np.concatenate([np.array([land.river], dtype=object), land.creeks, lake])
        lanes, lane_class = make_lanes(tile, land, villages, np.concatenate([on_map, water[~shapely.is_empty(water)]]))
        lane_surface = shapely.buffer(lanes, np.array([CLASS_HALF_WIDTH_M[c] + 1.0 for c in lane_class]), quad_segs=2)
        obstacles = np.concatenate([road_surface(network), lane_surface, water, stands.polygon])
        buildings = make_buildings(
            tile, blocks, sites, superblocks, on_map, villages, obstacles[~shapely.is_empty(obstacles)], tile.buildings
        )
        missing = tile.buildings - len(buildings.polygon)
        if missing <= 0:
            break
        wanted += 1.15 * missing + 10.0
        rural = round(rural * 1.1) + 2
    else:
        raise RuntimeError(
            f"tile {tile.index}: {len(buildings.polygon):,} of {tile.buildings:,} buildings found room "
            f"(seed {tile.plan.seed}); another seed will do"
        )
    districts, dongs, district_raster = make_dongs(tile, land, centres, superblocks, villages)
    return City(
        tile=tile,
        centres=centres,
        land=land,
        superblocks=superblocks,
        on_map=on_map,
        villages=villages,
        blocks=blocks,
        network=network,
        traffic=daily_traffic(tile, network, superblocks, villages),
        lanes=lanes,
        lane_class=lane_class,
        lake=lake,
        parks=make_parks(tile, land, superblocks, on_map, blocks, lake),
        buildings=buildings,
        stands=stands,
        districts=districts,
        dongs=dongs,
        zoning=make_zoning(tile, land, superblocks, district_raster, districts),
    )
