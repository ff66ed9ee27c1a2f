"""Where people settle: centres, superblocks between main streets, what each is used for, and villages."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from carbonmap.synthetic.noise import FloatArray, value_noise
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.terrain import Land

__all__ = [
    "BUILDINGS_PER_HA",
    "Centres",
    "Lattice",
    "Superblocks",
    "Villages",
    "make_centres",
    "make_lattice",
    "make_superblocks",
    "make_villages",
]

VILLAGE_FRACTION = 0.09  # of a tile's buildings
# Buildings per hectare of superblock, measured on the generator's own output; decides how many superblocks are opened.
BUILDINGS_PER_HA = {
    "core": 5.4,
    "mixed": 9.5,
    "detached": 24.5,
    "villa": 17.5,
    "apartment": 2.2,
    "industrial": 1.4,
    "campus": 0.8,
    "park": 0.0,
    "lake": 0.0,
}


@dataclass(frozen=True)
class Centres:
    """Town centres on the plane.

    Attributes:
        uv: (4, 2) main centre, old town quarter, station quarter, new town.
        reach_m: (4,) distance at which each centre's pull has fallen to 1/e.
        industry_uv: (2,) middle of the industrial district.
    """

    uv: FloatArray
    reach_m: FloatArray
    industry_uv: FloatArray


@dataclass(frozen=True)
class Lattice:
    """Main streets on the plane: `nodes[i, j]` at column i, row j; rows `bank` and `bank + 1` follow the river."""

    nodes: FloatArray  # (nx + 1, ny + 1, 2)
    bank: int
    spacing_m: float


@dataclass(frozen=True)
class Superblocks:
    """Built-up superblocks, most central first.

    Attributes:
        column, row: (n,) lattice position.
        kind: (n,) what stands there, a key of `BUILDINGS_PER_HA`.
        polygon: (n,) quadrilaterals on the plane.
        pull: (n,) urbanity, 0 to about 1.
        centre: (n,) which centre it belongs to.
    """

    column: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    kind: npt.NDArray[np.str_]
    polygon: npt.NDArray[np.object_]
    pull: FloatArray
    centre: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Villages:
    """Villages in the valleys: `uv` (n, 2) on the plane, `houses` (n,) how many buildings each."""

    uv: FloatArray
    houses: npt.NDArray[np.int64]


def make_centres(tile: Tile) -> Centres:
    """Place the centres of a tile: a pattern that every city shares, mirrored and shifted by its own chance."""
    rng = tile.generator(1)
    plan = tile.plan
    pattern = np.array([[0.45, 0.615], [0.235, 0.335], [0.735, 0.70], [0.62, 0.325]])
    industry = np.array([0.835, 0.455])
    if rng.random() < 0.5 and tile.index > 0:
        pattern[:, 0], industry[0] = 1.0 - pattern[:, 0], 1.0 - industry[0]
    reach = 0.02 if tile.index == 0 else 0.04
    pattern = pattern + rng.uniform(-reach, reach, pattern.shape)
    size = np.array([plan.width_m, plan.height_m])
    corner = np.array([tile.u0, tile.v0])
    return Centres(
        uv=corner + pattern * size,
        reach_m=plan.scale * np.array([2_050.0, 1_050.0, 1_000.0, 1_350.0]),
        industry_uv=corner + industry * size,
    )


def make_lattice(tile: Tile, land: Land) -> Lattice:
    """Lay the net of main streets along and across the river."""
    plan = tile.plan
    rng = tile.generator(3)
    spacing = max(250.0, 610.0 * plan.scale)
    columns = round(plan.width_m / spacing)
    side_rows = round((0.5 * plan.height_m - land.terrace_m) / spacing)
    step = (0.5 * plan.height_m - land.terrace_m) / side_rows
    north = tile.river_v + land.terrace_m + step * np.arange(side_rows + 1)
    south = tile.river_v - land.terrace_m - step * np.arange(side_rows, -1, -1)
    v = np.concatenate([south, north])
    u = tile.u0 + np.linspace(0.0, plan.width_m, columns + 1)
    nodes = np.stack(np.meshgrid(u, v, indexing="ij"), axis=-1)
    jitter = rng.uniform(-0.17, 0.17, nodes.shape) * spacing
    # Whole streets shift too, so that blocks differ in width from one quarter to the next.
    jitter[:, :, 0] += (rng.uniform(-0.17, 0.17, columns + 1) * spacing)[:, None]
    jitter[:, :, 1] += (rng.uniform(-0.15, 0.15, len(v)) * spacing)[None, :]
    jitter[[0, -1]] = 0.0
    jitter[:, [0, -1]] = 0.0
    jitter[:, [side_rows, side_rows + 1], 1] = 0.0
    return Lattice(nodes=nodes + jitter, bank=side_rows, spacing_m=spacing)


def make_superblocks(tile: Tile, land: Land, centres: Centres, lattice: Lattice, wanted: float) -> Superblocks:
    """Open superblocks from the centres outward until about `wanted` buildings find room.

    Args:
        tile: which.
        land: its natural fields.
        centres: where the pull comes from.
        lattice: the net of main streets.
        wanted: number of buildings to house in superblocks.
    """
    nodes = lattice.nodes
    nx, ny = nodes.shape[0] - 1, nodes.shape[1] - 1
    column, row = (a.ravel() for a in np.meshgrid(np.arange(nx), np.arange(ny), indexing="ij"))
    inner = (column > 0) & (column < nx - 1) & (row > 0) & (row < ny - 1) & (row != lattice.bank)
    column, row = column[inner], row[inner]
    corners = np.stack(
        [nodes[column, row], nodes[column + 1, row], nodes[column + 1, row + 1], nodes[column, row + 1]], axis=1
    )
    weights = np.linspace(0.08, 0.92, 7)
    a, b = (w.ravel() for w in np.meshgrid(weights, weights, indexing="ij"))
    bilinear = np.stack([(1 - a) * (1 - b), a * (1 - b), a * b, (1 - a) * b])
    samples = np.einsum("nkd,kp->npd", corners, bilinear)
    cells = tile.cell_of(samples.reshape(-1, 2))
    open_fraction = land.open_land[cells].reshape(len(column), -1).mean(axis=1)

    middle = corners.mean(axis=1)
    distance = np.hypot(middle[:, None, 0] - centres.uv[:, 0], (middle[:, None, 1] - centres.uv[:, 1]) * 1.15)
    pulls = np.exp(-((distance / centres.reach_m) ** 1.6)) * np.array([1.0, 0.72, 0.68, 0.85])
    roughness = value_noise(middle[:, 0], middle[:, 1], 1_400.0 * tile.plan.scale, tile.plan.seed + 31)
    to_industry = np.hypot(middle[:, 0] - centres.industry_uv[0], middle[:, 1] - centres.industry_uv[1])
    industrial_pull = 0.8 * np.exp(-((to_industry / (1_050.0 * tile.plan.scale)) ** 2))
    pull = np.maximum(pulls.max(axis=1), industrial_pull) + 0.05 * roughness
    area_ha = shapely.area(shapely.polygons(corners)) / 1e4

    usable = open_fraction > 0.45
    order = np.flatnonzero(usable)[np.argsort(-pull[usable], kind="stable")]
    nearest = pulls.argmax(axis=1)
    kind = _kinds(tile, order, distance, nearest, industrial_pull, pulls.max(axis=1), tile.plan.scale)
    density = np.array([BUILDINGS_PER_HA[k] for k in kind])
    expected = np.cumsum(density * np.asarray(area_ha)[order] * open_fraction[order])
    count = min(len(order), int(np.searchsorted(expected, wanted)) + 1)
    taken = order[:count]
    return Superblocks(
        column=column[taken],
        row=row[taken],
        kind=kind[:count],
        polygon=np.asarray(shapely.polygons(corners[taken]), dtype=object),
        pull=pull[taken],
        centre=nearest[taken],
    )


def _kinds(
    tile: Tile,
    order: npt.NDArray[np.int64],
    distance: FloatArray,
    nearest: npt.NDArray[np.int64],
    industrial_pull: FloatArray,
    town_pull: FloatArray,
    scale: float,
) -> npt.NDArray[np.str_]:
    """Land use of superblocks in order of centrality: business in the middle, then flats and houses by quarter."""
    rng = tile.generator(4)
    draws = rng.random(len(order))
    kinds = np.full(len(order), "detached", dtype="<U10")
    # The old quarter is houses, the new town and the station quarter mostly flats.
    flats = np.array([0.18, 0.06, 0.26, 0.36])
    villas = np.array([0.24, 0.26, 0.22, 0.18])
    centre = nearest[order]
    kinds[draws < (flats + villas)[centre]] = "villa"
    kinds[draws < flats[centre]] = "apartment"
    own = distance[order, centre]
    kinds[(centre == 0) & (own < 1_000.0 * scale)] = "mixed"
    kinds[(centre == 0) & (own < 700.0 * scale)] = "core"
    for k in (1, 2, 3):
        members = np.flatnonzero(centre == k)
        if len(members):
            kinds[members[np.argsort(own[members], kind="stable")[: 2 if k == 3 else 1]]] = "mixed"
    kinds[industrial_pull[order] > town_pull[order]] = "industrial"
    # One lake park in the new town, one university and one large park, a little way out.
    for special, k, rank in (("lake", 3, 3), ("campus", 0, 14), ("park", 0, 7)):
        members = np.flatnonzero((centre == k) & np.isin(kinds, ["detached", "villa", "apartment"]))
        if len(members) > rank + 2:
            kinds[members[rank]] = special
    return kinds


def make_villages(tile: Tile, land: Land, superblocks: Superblocks, wanted: int) -> Villages:
    """Scatter villages over the open valleys away from town, 15 to about 110 buildings each, `wanted` in all."""
    plan = tile.plan
    s = plan.scale
    rng = tile.generator(5)
    town = np.zeros(tile.shape, dtype=np.bool_)
    for polygon in superblocks.polygon:
        west, south, east, north = polygon.bounds
        rows, cols = tile.cell_of(np.array([[west, south], [east, north]]))
        town[rows[0] : rows[1] + 1, cols[0] : cols[1] + 1] = True
    from_town = ndimage.distance_transform_edt(~town) * plan.cell_m
    from_edge = np.zeros(tile.shape)
    margin = max(3, round(350.0 * s / plan.cell_m))
    from_edge[margin:-margin, margin:-margin] = 1.0
    room = ndimage.uniform_filter(land.open_land.astype(np.float64), max(3, round(260.0 * s**0.5 / plan.cell_m)))
    score = room * from_edge * (from_town > 380.0 * s**0.5) * land.open_land
    score = score * (1.0 + 0.25 * rng.random(tile.shape))
    count = max(2, round(wanted / 62))
    apart = max(5, round(820.0 * s / plan.cell_m))
    u, v = tile.cell_centres()
    places: list[tuple[float, float]] = []
    for _ in range(count):
        best = int(score.argmax())
        row, col = divmod(best, tile.shape[1])
        if score[row, col] <= 0.0:
            break
        places.append((float(u[row, col]), float(v[row, col])))
        score[max(0, row - apart) : row + apart + 1, max(0, col - apart) : col + apart + 1] *= 0.02
    sizes = rng.lognormal(0.0, 0.55, max(1, len(places)))
    houses = np.maximum(12, np.round(wanted * sizes / sizes.sum())).astype(np.int64)
    return Villages(uv=np.array(places).reshape(-1, 2), houses=houses[: len(places)])
