"""Open space in town: the lake, parks and the river's banks."""

import numpy as np
import numpy.typing as npt
import shapely

from carbonmap.synthetic.blocks import Blocks
from carbonmap.synthetic.districts import Superblocks
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.terrain import Land, river_half_width_m

__all__ = ["make_lake", "make_parks"]


def make_lake(tile: Tile, superblocks: Superblocks) -> npt.NDArray[np.object_]:
    """The lake of the new town's park, (0 or 1,) polygon on the map."""
    places = superblocks.polygon[superblocks.kind == "lake"]
    if not len(places):
        return np.zeros(0, dtype=object)
    rng = tile.generator(17)
    middle = shapely.get_coordinates(shapely.centroid(places[0]))[0]
    size = 0.31 * float(np.sqrt(places[0].area))
    angle = np.linspace(0.0, 2.0 * np.pi, 72, endpoint=False)
    phase = rng.uniform(0.0, 2.0 * np.pi, 3)
    waves = ((2, 0.14), (3, 0.10), (5, 0.05))
    shore = 1.0 + sum(high * np.sin(k * angle + turn) for (k, high), turn in zip(waves, phase, strict=True))
    ring = middle + size * shore[:, None] * np.column_stack([1.05 * np.cos(angle), 0.85 * np.sin(angle)])
    return np.array([shapely.Polygon(tile.plan.bend(ring))], dtype=object)


def make_parks(
    tile: Tile,
    land: Land,
    superblocks: Superblocks,
    on_map: npt.NDArray[np.object_],
    blocks: Blocks,
    lake: npt.NDArray[np.object_],
) -> npt.NDArray[np.object_]:
    """Parks on the map: neighbourhood greens, park superblocks around their lake, banks along the town's reach."""
    greens = blocks.polygon[(blocks.kind == "green") | np.isin(superblocks.kind[blocks.superblock], ["park", "lake"])]
    parts = [greens[shapely.area(greens) > 200.0]]
    if len(superblocks.kind):
        bounds = shapely.bounds(superblocks.polygon)
        u = np.arange(bounds[:, 0].min(), bounds[:, 2].max(), tile.plan.cell_m)
        half = river_half_width_m(tile, u)
        outer = np.full(len(u), land.terrace_m - 0.35 * (land.terrace_m - float(half.max())) - 12.0 * tile.plan.scale)
        for side in (1.0, -1.0):
            inner_bank = np.column_stack([u, tile.river_v + side * half])
            outer_bank = np.column_stack([u, tile.river_v + side * np.maximum(outer, half + 4.0)])
            strip = shapely.Polygon(tile.plan.bend(np.concatenate([inner_bank, outer_bank[::-1]])))
            parts.append(np.array([shapely.make_valid(strip)], dtype=object))
    parks = np.concatenate(parts)
    water = np.concatenate([[land.river], land.creeks, lake])
    dry = shapely.difference(parks, shapely.union_all(water))
    return np.asarray(dry[shapely.area(dry) > 100.0], dtype=object)
