"""Buildings of a tile: footprints on their sites and in villages, none on another, in water, in forest or on a road."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from carbonmap.synthetic.blocks import Blocks
from carbonmap.synthetic.districts import Superblocks, Villages
from carbonmap.synthetic.lots import Sites
from carbonmap.synthetic.noise import FloatArray
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.streets import CLASS_HALF_WIDTH_M, Network

__all__ = ["Buildings", "make_buildings", "road_surface"]

IntArray = npt.NDArray[np.int64]

_STOREY_M = {"공동주택": 2.85, "단독주택": 3.0, "업무시설": 3.9, "판매시설": 4.8, "공장": 6.5, "창고시설": 7.5}
_SHOPFRONT_M = 36.0  # houses this near to the axis of a main street are mostly shops
# Mean and spread of the year of completion around each centre: main, old quarter, station quarter, new town.
_BUILT = np.array([[1997.0, 11.0], [1986.0, 9.0], [2005.0, 9.0], [2011.0, 5.0]])


@dataclass(frozen=True)
class Buildings:
    """Buildings on the map with what the register says of them.

    Attributes:
        polygon: (n,) footprints.
        use: (n,) main use, Korean register words.
        levels: (n,) storeys above ground.
        height_m: (n,).
        year_built: (n,).
        gross_m2: (n,) true gross floor area; the register may not know it.
        superblock: (n,) index, -1 in villages.
        estate: (n,) number of the housing estate, -1 outside.
    """

    polygon: npt.NDArray[np.object_]
    use: npt.NDArray[np.str_]
    levels: IntArray
    height_m: FloatArray
    year_built: IntArray
    gross_m2: FloatArray
    superblock: IntArray
    estate: IntArray


def road_surface(network: Network) -> npt.NDArray[np.object_]:
    """The main roads as areas on the map, a verge of 2 m on each side included."""
    half = np.array([CLASS_HALF_WIDTH_M[c] + 2.0 for c in network.road_class])
    return np.asarray(shapely.buffer(network.line, half, quad_segs=2, cap_style="round"), dtype=object)


def make_buildings(
    tile: Tile,
    blocks: Blocks,
    sites: Sites,
    superblocks: Superblocks,
    on_map: npt.NDArray[np.object_],
    villages: Villages,
    obstacles: npt.NDArray[np.object_],
    limit: int,
) -> Buildings:
    """Put up at most `limit` buildings.

    Args:
        tile: which.
        blocks: where the sites lie.
        sites: rectangles to build on.
        superblocks: their centrality and which centre they belong to.
        on_map: (superblocks,) polygons on the map.
        villages: places and sizes.
        obstacles: (k,) areas on the map nothing may touch: roads, water, forest.
        limit: how many to keep; what is left out lies furthest out.
    """
    town = _town(tile, blocks, sites, superblocks, on_map)
    country = _country(tile, villages, on_map)
    both = Buildings(*(np.concatenate([getattr(town, f), getattr(country, f)]) for f in Buildings.__dataclass_fields__))
    tree = shapely.STRtree(obstacles)
    free = np.ones(len(both.polygon), dtype=np.bool_)
    free[tree.query(both.polygon, predicate="intersects")[0]] = False
    found = np.flatnonzero(free)
    if len(found) > limit:
        rank = np.where(both.superblock[found] < 0, 0.55 * len(superblocks.kind), both.superblock[found].astype(float))
        common = np.isin(both.use[found], ["단독주택", "공동주택", "동물및식물관련시설"]) & (both.estate[found] < 0)
        order = np.where(common, rank + 20.0 * tile.generator(12).random(len(found)), -1.0)
        found = np.sort(found[np.argsort(order, kind="stable")[:limit]])
    return Buildings(*(getattr(both, f)[found] for f in Buildings.__dataclass_fields__))


def _town(
    tile: Tile, blocks: Blocks, sites: Sites, superblocks: Superblocks, on_map: npt.NDArray[np.object_]
) -> Buildings:
    rng = tile.generator(10)
    which = blocks.superblock[sites.block]
    lot = shapely.buffer(blocks.polygon, np.where(blocks.kind == "apartment", -8.0, -0.6), join_style="mitre")
    box = sites.box
    polygon = _footprints(blocks, which, box, sites.bent)
    fits = shapely.covers(lot[sites.block], polygon)
    # On a cut-off corner a smaller house may still stand.
    shrunk = np.flatnonzero(~fits)
    middle = 0.5 * (box[shrunk, :2] + box[shrunk, 2:])
    half = 0.31 * (box[shrunk, 2:] - box[shrunk, :2])
    smaller = np.hstack([middle - half, middle + half])
    retry = _footprints(blocks, which[shrunk], smaller, np.zeros(len(shrunk), dtype=np.bool_))
    again = shapely.covers(lot[sites.block[shrunk]], retry) & (shapely.area(retry) > 45.0)
    polygon[shrunk[again]] = retry[again]
    fits[shrunk[again]] = True

    use, levels = sites.use.copy(), sites.levels.copy()
    n = len(use)
    middle_points = shapely.centroid(polygon)
    edge = shapely.boundary(on_map)
    to_street = shapely.distance(middle_points, edge[which])
    houses = np.isin(blocks.kind[sites.block], ["detached", "villa"])
    shop = houses & (to_street < _SHOPFRONT_M) & (rng.random(n) < 0.62)
    use[shop] = np.where(rng.random(int(shop.sum())) < 0.45, "제1종근린생활시설", "제2종근린생활시설")
    levels[shop] = rng.integers(2, 6, int(shop.sum()))

    era = _BUILT[superblocks.centre[which]]
    year = rng.normal(era[:, 0], era[:, 1])
    estate_year = rng.normal(0.0, 1.0, len(blocks.kind))
    of_estate = sites.estate >= 0
    estate_era = np.maximum(era[:, 0], 1996.0) + 6.5 * estate_year[np.maximum(sites.estate, 0)]
    year = np.where(of_estate, estate_era, year)
    return _kept(rng, fits, polygon, use, levels, year, which, sites.estate)


def _footprints(
    blocks: Blocks, which: IntArray, box: FloatArray, bent: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    """Rectangles, or L-shapes of the same bounds, in the frames of superblocks -> polygons on the map."""
    polygon = np.empty(len(box), dtype=object)
    a0, b0, a1, b1 = box.T
    am, bm = a0 + 0.52 * (a1 - a0), b0 + 0.46 * (b1 - b0)
    for mask, corners in (
        (~bent, ((a0, b0), (a1, b0), (a1, b1), (a0, b1))),
        (bent, ((a0, b0), (a1, b0), (a1, bm), (am, bm), (am, b1), (a0, b1))),
    ):
        ab = np.stack([np.column_stack(corner)[mask] for corner in corners], axis=1)
        k = len(corners)
        xy = blocks.frames.to_map(np.repeat(which[mask], k), ab.reshape(-1, 2))
        polygon[mask] = shapely.polygons(np.round(xy, 2).reshape(-1, k, 2))
    return polygon


def _country(tile: Tile, villages: Villages, on_map: npt.NDArray[np.object_]) -> Buildings:
    """Village houses, sheds and greenhouses, loosely turned, on one jittered lattice so that none touch."""
    rng = tile.generator(11)
    pitch = 29.0
    spots: dict[tuple[int, int], None] = {}
    centres = tile.plan.bend(villages.uv)
    for (x, y), houses in zip(centres.tolist(), villages.houses.tolist(), strict=True):
        reach = int(np.ceil((houses * 2.4) ** 0.5)) + 3
        i, j = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
        # Houses thin out from the square, along one axis more than along the other.
        turn, stretch = rng.uniform(0.0, np.pi), rng.uniform(1.0, 2.1)
        along, across = i * np.cos(turn) + j * np.sin(turn), j * np.cos(turn) - i * np.sin(turn)
        away = np.hypot(along / stretch, across) + rng.gamma(1.3, 1.25, i.shape)
        chosen = np.argsort(away.ravel(), kind="stable")[: round(1.25 * houses)]
        column, row = round(x / pitch), round(y / pitch)
        for k in chosen.tolist():
            spots[(column + int(i.ravel()[k]), row + int(j.ravel()[k]))] = None
    place = np.array(list(spots), dtype=np.float64).reshape(-1, 2) * pitch
    n = len(place)
    place = place + rng.uniform(-4.0, 4.0, place.shape)
    use_draw = rng.random(n)
    use = np.full(n, "단독주택", dtype="<U14")
    use[use_draw < 0.20] = "동물및식물관련시설"
    use[use_draw < 0.08] = "창고시설"
    use[use_draw < 0.04] = "제1종근린생활시설"
    use[use_draw < 0.012] = "노유자시설"
    width, depth = rng.uniform(8.0, 14.5, n), rng.uniform(6.5, 10.0, n)
    greenhouse = use == "동물및식물관련시설"
    width[greenhouse] = rng.uniform(14.0, 17.0, int(greenhouse.sum()))
    angle = rng.normal(0.0, 0.35, n)
    cos, sin = np.cos(angle), np.sin(angle)
    corner = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    a, b = corner[:, 0] * width[:, None], corner[:, 1] * depth[:, None]
    xy = np.stack([a * cos[:, None] - b * sin[:, None], a * sin[:, None] + b * cos[:, None]], axis=-1)
    polygon = np.asarray(shapely.polygons(np.round(place[:, None, :] + xy, 2)), dtype=object)
    outside_town = np.ones(n, dtype=np.bool_)
    outside_town[shapely.STRtree(on_map).query(polygon, predicate="intersects")[0]] = False
    outside_town &= shapely.covers(shapely.buffer(tile.outline(), -30.0), polygon)
    levels = rng.choice([1, 2], n, p=[0.84, 0.16])
    levels[greenhouse] = 1
    nowhere = np.full(n, -1, dtype=np.int64)
    return _kept(rng, outside_town, polygon, use, levels, rng.normal(1984.0, 15.0, n), nowhere, nowhere)


def _kept(
    rng: np.random.Generator,
    keep: npt.NDArray[np.bool_],
    polygon: npt.NDArray[np.object_],
    use: npt.NDArray[np.str_],
    levels: IntArray,
    year: FloatArray,
    superblock: IntArray,
    estate: IntArray,
) -> Buildings:
    storey = np.array([_STOREY_M.get(str(name), 3.5) for name in use])
    height = np.round(levels * storey + rng.uniform(0.3, 2.2, len(use)), 1)
    gross = shapely.area(polygon) * levels * rng.uniform(0.90, 1.0, len(use))
    years = np.clip(np.round(year), 1952, 2022).astype(np.int64)
    return Buildings(
        polygon[keep], use[keep], levels[keep], height[keep], years[keep], gross[keep], superblock[keep], estate[keep]
    )
