"""Small roads of the country: lanes of the villages and tracks up into the hills."""

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from carbonmap.synthetic.districts import Villages
from carbonmap.synthetic.noise import FloatArray, value_noise
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.terrain import Land

__all__ = ["make_lanes"]

_STEP_M = 55.0


def make_lanes(
    tile: Tile, land: Land, villages: Villages, barriers: npt.NDArray[np.object_]
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.str_]]:
    """Draw lanes and tracks.

    Args:
        tile: which.
        land: tracks climb its slopes.
        villages: where lanes and tracks start.
        barriers: (k,) areas on the map they end at: superblocks, the river.

    Returns:
        (n,) lines on the map and (n,) classes, `residential` or `track`.
    """
    if not len(villages.uv):
        return np.zeros(0, dtype=object), np.zeros(0, dtype="<U12")
    rng = tile.generator(16)
    lines: list[FloatArray] = []
    classes: list[str] = []
    for place, houses in zip(villages.uv, villages.houses.tolist(), strict=True):
        first = rng.uniform(0.0, np.pi)
        for turn in (0.0, 0.5 * np.pi, np.pi, 1.5 * np.pi)[: 2 + int(rng.integers(0, 3))]:
            reach = 13.0 * houses**0.5 * rng.uniform(0.8, 1.5)
            t = np.linspace(0.0, 1.0, 7)[:, None]
            heading = first + turn + rng.uniform(-0.3, 0.3)
            bow = rng.uniform(-0.18, 0.18) * reach
            away = np.array([np.cos(heading), np.sin(heading)])
            aside = np.array([-away[1], away[0]])
            lines.append(place + t * reach * away + np.sin(np.pi * t) * bow * aside)
            classes.append("residential")
    for line in _tracks(tile, land, villages.uv):
        lines.append(line)
        classes.append("track")
    on_map = np.array([shapely.LineString(tile.plan.bend(line)) for line in lines], dtype=object)
    tree = shapely.STRtree(barriers)
    for k, line in enumerate(on_map):
        near = barriers[np.sort(tree.query(line, predicate="intersects"))]
        if len(near):
            on_map[k] = shapely.difference(line, shapely.union_all(near))
    parts, index = shapely.get_parts(on_map, return_index=True)
    keep = shapely.length(parts) > 25.0
    return np.asarray(parts[keep], dtype=object), np.array(classes, dtype="<U12")[index[keep]]


def _tracks(tile: Tile, land: Land, start: FloatArray) -> list[FloatArray]:
    """Ways uphill from each village, wandering, until they reach a height or the edge."""
    plan = tile.plan
    smooth = ndimage.gaussian_filter(land.height_m, 3.0)
    slope_v = np.asarray(np.gradient(smooth, plan.cell_m, axis=0))
    slope_u = np.asarray(np.gradient(smooth, plan.cell_m, axis=1))
    margin = 4.0 * plan.cell_m
    place = start.copy()
    trail = [place.copy()]
    inside = np.ones(len(place), dtype=np.bool_)
    steps = np.zeros(len(place), dtype=np.int64)
    step = _STEP_M * max(0.2, plan.scale)
    for _ in range(36):
        cells = tile.cell_of(place)
        uphill = np.arctan2(slope_v[cells], slope_u[cells])
        wander = 1.3 * value_noise(place[:, 0], place[:, 1], 420.0 * plan.scale, plan.seed + 61)
        move = step * np.column_stack([np.cos(uphill + wander), np.sin(uphill + wander)])
        after = place + move
        inside &= (after[:, 0] > tile.u0 + margin) & (after[:, 0] < tile.u0 + plan.width_m - margin)
        inside &= (after[:, 1] > tile.v0 + margin) & (after[:, 1] < tile.v0 + plan.height_m - margin)
        inside &= smooth[tile.cell_of(after)] >= smooth[cells]  # a track ends at the top
        place = np.where(inside[:, None], after, place)
        steps += inside
        trail.append(place.copy())
    ways = np.stack(trail, axis=1)
    return [way[: count + 1] for way, count in zip(ways, steps.tolist(), strict=True) if count >= 8]
