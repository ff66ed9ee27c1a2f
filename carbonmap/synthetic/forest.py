"""The forest map: stands without overlap over the hills, with species and age class."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from carbonmap.synthetic.noise import FloatArray, fractal, value_noise
from carbonmap.synthetic.partition import label_polygons
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.terrain import Land

__all__ = ["SPECIES", "Stands", "make_stands"]

# Species as the Korean forest map names them; the last is a mixed oak stand.
SPECIES = ("소나무", "잣나무", "낙엽송", "리기다소나무", "신갈나무", "굴참나무", "상수리나무", "참나무류")
_PLANTED = (1, 2, 3)
_STAND_M = 330.0  # usual distance between the middles of stands


@dataclass(frozen=True)
class Stands:
    """Forest stands: `polygon` (n,) on the map, `species` (n,), `age_class` (n,) 1 to 7, decades from 1-10 years."""

    polygon: npt.NDArray[np.object_]
    species: npt.NDArray[np.str_]
    age_class: npt.NDArray[np.int64]


def make_stands(tile: Tile, land: Land) -> Stands:
    """Divide the hill forest into stands of about ten hectares, their borders following the ground."""
    plan = tile.plan
    rng = tile.generator(15)
    pitch = max(2.5 * plan.cell_m, _STAND_M * plan.scale**0.5)
    rows, cols = round(plan.height_m / pitch), round(plan.width_m / pitch)
    i, j = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    seeds = np.column_stack([tile.u0 + i.ravel() * pitch, tile.v0 + j.ravel() * pitch])
    seeds += rng.uniform(-0.48, 0.48, seeds.shape) * pitch
    u, v = tile.cell_centres()
    wander = 0.8 * pitch
    place = np.column_stack(
        [
            (u + wander * fractal(u, v, 2.2 * pitch, plan.seed + 51, 3))[land.forest],
            (v + wander * fractal(u, v, 2.2 * pitch, plan.seed + 52, 3))[land.forest],
        ]
    )
    labels = np.zeros(tile.shape, dtype=np.int32)
    if len(place):
        labels[land.forest] = cKDTree(seeds).query(place)[1].astype(np.int32) + 1
    label, polygon = label_polygons(tile, labels, 1.4, fill=False, crinkled=True)
    height = _height_at(tile, land, seeds)[label - 1]
    species = _species(tile, rng, seeds[label - 1], height, len(seeds), label)
    planted = np.isin(species, [SPECIES[k] for k in _PLANTED])
    # The reforestation of the 1970s left most stands in the fourth to sixth decade.
    age = np.round(rng.normal(np.where(planted, 4.3, 4.9), 1.15, len(label)))
    felled = rng.random(len(label)) < 0.05
    age_class = np.where(felled, rng.integers(1, 3, len(label)), np.clip(age, 1, 7)).astype(np.int64)
    return Stands(polygon, species, age_class)


def _height_at(tile: Tile, land: Land, uv: FloatArray) -> FloatArray:
    return np.asarray(land.height_m[tile.cell_of(uv)] / tile.plan.scale)


def _species(
    tile: Tile, rng: np.random.Generator, uv: FloatArray, height: FloatArray, count: int, label: npt.NDArray[np.int64]
) -> npt.NDArray[np.str_]:
    """Pine on low dry ground, oak by height, plantations in patches; patches of one stand agree."""
    s = tile.plan.scale
    moist = value_noise(uv[:, 0], uv[:, 1], 1_600.0 * s, tile.plan.seed + 53)
    planting = value_noise(uv[:, 0], uv[:, 1], 1_100.0 * s, tile.plan.seed + 54)
    chance = rng.random(count)[label - 1]
    code = np.full(len(label), 7)
    code[height < 400.0] = np.where(moist < 0.0, 5, 6)[height < 400.0]
    code[(height > 210.0) & (moist > -0.25)] = 4
    code[(moist < 0.12) & (height < 290.0) & (chance < 0.72)] = 0
    plantation = planting > 0.30
    code[plantation] = np.select([moist > 0.25, moist > -0.15], [2, 1], 3)[plantation]
    code[(chance > 0.93) & ~plantation] = 7
    return np.asarray(np.array(SPECIES, dtype="<U8")[code])
