"""Land before people: river, creeks, hills and the forest that covers them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from carbonmap.synthetic.noise import FloatArray, fractal, value_noise
from carbonmap.synthetic.plan import Tile

__all__ = ["Land", "creek_lines", "make_land", "river_half_width_m"]

BoolArray = npt.NDArray[np.bool_]

FOREST_FRACTION = 0.50  # of a tile; Korea as a whole has 0.63, its city territories less
_RELIEF_M = 380.0


@dataclass(frozen=True)
class Land:
    """Natural fields on a tile's raster and the water on the map.

    Attributes:
        height_m: (rows, cols) metres above the river.
        forest: (rows, cols) hill forest.
        open_land: (rows, cols) neither forest nor water nor right beside them: where people may build.
        valley_m: (rows, cols) distance to the nearest river or creek on the plane, creeks counted further.
        river: polygon on the map, river bed within the tile.
        creeks: (n,) polygons on the map.
        terrace_m: half width of the river corridor on the plane, flood terraces included.
    """

    height_m: FloatArray
    forest: BoolArray
    open_land: BoolArray
    valley_m: FloatArray
    river: shapely.Geometry
    creeks: npt.NDArray[np.object_]
    terrace_m: float


def river_half_width_m(tile: Tile, u: FloatArray) -> FloatArray:
    """Half the width of the river on the plane at `u`, the same from both sides of a tile edge."""
    breadth = max(0.22, float(np.sqrt(tile.plan.scale)))
    return breadth * (92.0 + 44.0 * value_noise(u, np.full_like(u, tile.row * 1e6), 1_900.0, tile.plan.seed + 11))


def creek_lines(tile: Tile) -> list[FloatArray]:
    """Creeks from the hills to the river: (n, 2) lines on the plane."""
    rng = tile.generator(2)
    plan = tile.plan
    lines = []
    for side, across in ((1.0, 0.24), (1.0, 0.76), (-1.0, 0.40), (-1.0, 0.86)):
        u_mouth = tile.u0 + plan.width_m * (across + rng.uniform(-0.05, 0.05))
        length = plan.height_m * rng.uniform(0.30, 0.42)
        t = np.linspace(0.0, 1.0, 60)
        v = tile.river_v + side * t * length
        sway = value_noise(v, np.full_like(v, u_mouth), 1_500.0 * plan.scale, plan.seed + 13)
        u = u_mouth + 620.0 * plan.scale * sway * np.minimum(1.0, t * 3.0) + rng.uniform(-0.12, 0.12) * length * t
        lines.append(np.column_stack([u, v]))
    return lines


def make_land(tile: Tile, centre_uv: FloatArray) -> Land:
    """Draw the land of a tile.

    Args:
        tile: which.
        centre_uv: (n, 2) future town centres on the plane: people settled in basins, so hills keep away from them.
    """
    plan = tile.plan
    s = plan.scale
    u, v = tile.cell_centres()
    creeks = creek_lines(tile)
    from_river = np.abs(v - tile.river_v)
    valley = from_river.copy()
    for line in creeks:
        mouth_side = np.sign(line[-1, 1] - tile.river_v)
        reach = np.abs(line[-1, 1] - tile.river_v)
        along = np.clip((v - tile.river_v) * mouth_side, 0.0, reach)
        line_u = np.interp(along, np.abs(line[:, 1] - tile.river_v), line[:, 0])
        beyond = np.maximum(0.0, (v - tile.river_v) * mouth_side - reach) + np.maximum(
            0.0, -(v - tile.river_v) * mouth_side
        )
        valley = np.minimum(valley, 1.5 * np.hypot(u - line_u, beyond) + 0.22 * from_river)

    ridged = 1.0 - np.abs(fractal(u, v, 2_900.0 * s, plan.seed + 21, 4))
    rolling = 0.5 + 0.5 * fractal(u, v, 1_700.0 * s, plan.seed + 22, 4)
    rugged = 1.0 + 0.55 * fractal(u, v, 1_300.0 * s, plan.seed + 23, 4)
    ramp = np.clip((valley * rugged - 350.0 * s) / (3_000.0 * s), 0.0, 1.0)
    ramp = ramp * ramp * (3.0 - 2.0 * ramp)
    basin = np.ones_like(u)
    for weight, (cu, cv) in zip((1.0, *([0.55] * (len(centre_uv) - 1))), centre_uv, strict=True):
        distance = np.hypot(u - cu, (v - cv) * 1.25) / (s * (1_500.0 + 1_500.0 * weight))
        basin = np.minimum(basin, 0.10 + 0.9 * np.clip(distance - 0.25, 0.0, 1.0) ** 1.5)
    # Side valleys wind along the zero lines of a noise; knolls stand in the plain where another one peaks.
    incised = 0.22 + 0.78 * np.clip(np.abs(fractal(u, v, 3_300.0 * s, plan.seed + 24, 2)) / 0.13, 0.0, 1.0)
    knolls = np.clip(rolling - 0.59, 0.0, 1.0)
    hills = ramp * basin * (0.25 + 0.95 * ridged**2) * incised
    height = _RELIEF_M * s * (hills + 3.0 * basin**0.3 * knolls)
    height += 0.004 * from_river

    flood = plan.cell_m + 60.0 * max(0.22, s**0.5)
    corridor = from_river < river_half_width_m(tile, u) + flood
    threshold = float(np.quantile(height, 1.0 - FOREST_FRACTION))
    forest = ndimage.binary_opening(height > threshold, iterations=2)
    forest = _without_specks(forest, round(12_000.0 * s**0.5 / plan.cell_m**2) + 2)
    forest = ~_without_specks(~forest, round(60_000.0 * s**0.5 / plan.cell_m**2) + 2)
    forest &= ~corridor
    near_forest = ndimage.binary_dilation(forest, iterations=1)

    river = _river(tile)
    widths = [max(5.0, 17.0 * s**0.5 * (1.0 if k < 2 else 0.7)) for k in range(len(creeks))]
    creek_polygons = [
        shapely.LineString(plan.bend(line)).buffer(w, quad_segs=2) for line, w in zip(creeks, widths, strict=True)
    ]
    outline = tile.outline()
    clipped = [shapely.intersection(shapely.difference(c, river), outline) for c in creek_polygons]
    widest = river_half_width_m(tile, u[0]).max()
    return Land(
        height_m=height,
        forest=forest,
        open_land=~near_forest & ~corridor,
        valley_m=valley,
        river=river,
        creeks=np.array(clipped, dtype=object),
        terrace_m=float(widest) + flood,
    )


def _river(tile: Tile) -> shapely.Polygon:
    """The river bed on the map, banks a vertex per raster cell."""
    cols = tile.shape[1]
    u: FloatArray = tile.u0 + np.arange(cols + 1, dtype=np.float64) * tile.plan.cell_m
    half = river_half_width_m(tile, u)
    north = np.column_stack([u, tile.river_v + half])
    south = np.column_stack([u, tile.river_v - half])
    # Along the tile's edge it has the edge's own vertices, so that the neighbour's river joins without a sliver.
    v = tile.v0 + np.arange(tile.shape[0] + 1) * tile.plan.cell_m
    mouths = [np.column_stack([np.full(len(v), u[k]), v])[np.abs(v - tile.river_v) < half[k]] for k in (-1, 0)]
    return shapely.Polygon(tile.plan.bend(np.concatenate([south, mouths[0], north[::-1], mouths[1][::-1]])))


def _without_specks(mask: BoolArray, smallest: int) -> BoolArray:
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.asarray(sizes[labels] >= smallest, dtype=np.bool_)
