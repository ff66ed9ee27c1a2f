"""Zone sets of a tile: districts, legal dongs nested in them, and land-use zoning. Each tiles the land without gaps."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from rasterio import features
from rasterio.transform import Affine
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from carbonmap.synthetic.districts import Centres, Superblocks, Villages
from carbonmap.synthetic.names import DISTRICTS, DONGS, Name, city_name
from carbonmap.synthetic.noise import FloatArray, fractal
from carbonmap.synthetic.partition import label_polygons
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.terrain import Land

__all__ = ["ZONING", "ZoneTable", "make_dongs", "make_zoning"]

IntArray = npt.NDArray[np.int64]

# Class of the National Land Planning Act -> English; the four families are residential, commercial, industrial, green.
ZONING: dict[str, str] = {
    "제1종일반주거지역": "Residential, class 1",
    "제2종일반주거지역": "Residential, class 2",
    "제3종일반주거지역": "Residential, class 3",
    "준주거지역": "Semi-residential",
    "일반상업지역": "Commercial",
    "일반공업지역": "Industrial",
    "자연녹지지역": "Natural green",
    "생산녹지지역": "Agricultural green",
    "보전녹지지역": "Conserved green",
}
_ZONING_OF_KIND = {
    "detached": 1, "villa": 2, "apartment": 3, "mixed": 4, "core": 5, "industrial": 6,
    "campus": 7, "park": 7, "lake": 7,
}  # fmt: skip
_MOST_DONGS = 36


@dataclass(frozen=True)
class ZoneTable:
    """Zones of one set: `code` and `parent` (n,), names in both languages, `polygon` (n,) on the map."""

    code: npt.NDArray[np.str_]
    parent: npt.NDArray[np.str_]
    name_ko: npt.NDArray[np.str_]
    name_en: npt.NDArray[np.str_]
    polygon: npt.NDArray[np.object_]


def district_code(tile: Tile, district: int) -> str:
    """Five digits in the shape of a Korean district code; no real province has a code from 90."""
    return f"{90_000 + 10 * tile.index + district:05d}"


def make_dongs(
    tile: Tile, land: Land, centres: Centres, superblocks: Superblocks, villages: Villages
) -> tuple[ZoneTable, ZoneTable, npt.NDArray[np.int32]]:
    """Divide a tile into districts and legal dongs, grown from their middles; rivers and ridges hold growth up.

    Returns:
        Districts, dongs (parents are districts) and the raster of district numbers from 1.
    """
    growth = _growth_cost(tile, land)
    seeds = centres.uv[[0, 2, 1, 3]].copy()
    seeds[1, 0] += 0.06 * tile.plan.width_m
    district = _grow(tile, growth, seeds, None) + 1
    places = _dong_seeds(tile, land, superblocks, villages, len(seeds))
    places = np.concatenate([seeds, places])
    dong = _grow(tile, growth, places, district) + 1

    rng = tile.generator(14)
    names = [DONGS[k] for k in rng.permutation(len(DONGS))[: len(places)].tolist()]
    home = district[tile.cell_of(places)]
    labels, polygons = label_polygons(tile, dong.astype(np.int32), 2.4, fill=True)
    codes, parents, korean, english = [], [], [], []
    serial: dict[int, int] = {}
    city_ko, city_en = city_name(tile.index)
    for label in labels.tolist():
        of = int(home[label - 1])
        serial[of] = serial.get(of, 0) + 1
        codes.append(f"{district_code(tile, of)}{100 + serial[of]:03d}00")
        parents.append(district_code(tile, of))
        korean.append(names[label - 1][0])
        english.append(names[label - 1][1])
    table = ZoneTable(np.array(codes), np.array(parents), np.array(korean), np.array(english), polygons)
    district_polygons = [
        shapely.coverage_union_all(polygons[table.parent == district_code(tile, k + 1)]) for k in range(len(seeds))
    ]
    several = tile.plan.rows * tile.plan.cols > 1
    full: list[Name] = [
        (f"{city_ko} {ko}" if several else ko, f"{en}, {city_en}" if several else en) for ko, en in DISTRICTS
    ]
    districts = ZoneTable(
        code=np.array([district_code(tile, k + 1) for k in range(len(seeds))]),
        parent=np.array([""] * len(seeds)),
        name_ko=np.array([ko for ko, _ in full]),
        name_en=np.array([en for _, en in full]),
        polygon=np.array([shapely.normalize(p) for p in district_polygons], dtype=object),
    )
    return districts, table, district.astype(np.int32)


def make_zoning(
    tile: Tile, land: Land, superblocks: Superblocks, district: npt.NDArray[np.int32], districts: ZoneTable
) -> ZoneTable:
    """Land-use zoning: one zone for each class within each district, of as many patches as it takes."""
    step = tile.plan.cell_m
    transform = Affine(step, 0.0, tile.u0, 0.0, step, tile.v0)
    classes = np.where(land.forest, 9, np.where(land.valley_m < 900.0 * tile.plan.scale, 8, 7)).astype(np.uint8)
    classes[~land.forest & ~land.open_land] = 7
    if len(superblocks.kind):
        burnt = features.rasterize(
            [(p, _ZONING_OF_KIND[str(k)]) for p, k in zip(superblocks.polygon, superblocks.kind, strict=True)],
            out_shape=tile.shape, transform=transform, fill=0, dtype="uint8",
        )  # fmt: skip
        classes = np.where((burnt > 0) & ~land.forest, burnt, classes).astype(np.uint8)
    labels, polygons = label_polygons(tile, (district * 10 + classes).astype(np.int32), 1.2, fill=True)
    korean, english = list(ZONING), list(ZONING.values())
    rows = []
    for label in np.unique(labels).tolist():
        of, kind = divmod(label, 10)
        parts = polygons[labels == label]
        geometry = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
        code = f"{districts.code[of - 1]}-UQA{kind:02d}"
        rows.append((code, f"{korean[kind - 1]} ({districts.name_ko[of - 1]})",
                     f"{english[kind - 1]} ({districts.name_en[of - 1]})", geometry))  # fmt: skip
    return ZoneTable(
        code=np.array([r[0] for r in rows]),
        parent=np.array([""] * len(rows)),
        name_ko=np.array([r[1] for r in rows]),
        name_en=np.array([r[2] for r in rows]),
        polygon=np.array([r[3] for r in rows], dtype=object),
    )


def _growth_cost(tile: Tile, land: Land) -> FloatArray:
    """What it costs a zone to grow into a cell: much across the river, more uphill, a little at random."""
    u, v = tile.cell_centres()
    s = tile.plan.scale
    rough = 1.0 + 9.0 * (0.5 + 0.5 * fractal(u, v, 2_400.0 * s, tile.plan.seed + 41, 5)) ** 2
    cost = rough + 0.045 * land.height_m / s
    cost[np.abs(v - tile.river_v) < max(1.5 * tile.plan.cell_m, 0.5 * land.terrace_m)] = 60.0
    return np.asarray(cost)


def _grow(tile: Tile, cost: FloatArray, seeds: FloatArray, within: IntArray | None) -> IntArray:
    """Give every cell to the seed that reaches it first over its four sides, not crossing borders of `within`."""
    index = np.arange(cost.size).reshape(cost.shape)
    a = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    b = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    if within is not None:
        inside = within.ravel()[a] == within.ravel()[b]
        a, b = a[inside], b[inside]
    flat = cost.ravel()
    graph = coo_array((0.5 * (flat[a] + flat[b]), (a, b)), shape=(flat.size, flat.size)).tocsr()
    rows, cols = tile.cell_of(seeds)
    cells = rows * cost.shape[1] + cols
    owner = dict(zip(cells[::-1].tolist(), range(len(seeds) - 1, -1, -1), strict=True))
    start = np.array(sorted(owner), dtype=np.int64)
    _, _, source = dijkstra(graph, directed=False, indices=start, return_predecessors=True, min_only=True)
    number = np.zeros(flat.size, dtype=np.int64)
    number[start] = [owner[cell] for cell in start.tolist()]
    return np.asarray(number[source].reshape(cost.shape))


def _dong_seeds(tile: Tile, land: Land, superblocks: Superblocks, villages: Villages, taken: int) -> FloatArray:
    """Middles of dongs: quarters of the towns, larger villages and a few places in the hills, well apart."""
    middles = shapely.get_coordinates(shapely.centroid(superblocks.polygon))
    order = np.argsort(-villages.houses, kind="stable")
    most = min(_MOST_DONGS, 6 + tile.buildings // 300)
    chosen: list[FloatArray] = []
    u, v = tile.cell_centres()
    hills = np.column_stack([u[land.forest], v[land.forest]])
    hills = tile.generator(18).permutation(hills)[:60]
    for places, apart in ((middles, 950.0), (villages.uv[order], 1_900.0), (hills, 2_300.0)):
        for place in places:
            if len(chosen) + taken >= most:
                break
            if all(np.hypot(*(place - other)) > apart * tile.plan.scale for other in chosen):
                chosen.append(place)
    return np.array(chosen).reshape(-1, 2)
