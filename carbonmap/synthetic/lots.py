"""Building sites: rectangles on the lots of each block, in its superblock's frame, one rule per kind of quarter."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonmap.synthetic.blocks import Blocks
from carbonmap.synthetic.noise import FloatArray
from carbonmap.synthetic.plan import Tile

__all__ = ["Sites", "make_sites"]

IntArray = npt.NDArray[np.int64]
StrArray = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Sites:
    """Rectangles to build on; lots do not overlap, so neither do these.

    Attributes:
        block: (n,) index of the block.
        box: (n, 4) a0, b0, a1, b1 in the frame of the block's superblock, metres.
        use: (n,) main use in the words of the Korean building register.
        levels: (n,) storeys above ground.
        bent: (n,) whether the building is L-shaped within its rectangle.
        estate: (n,) housing estates and campuses: buildings put up together share a number; -1 for the rest.
    """

    block: IntArray
    box: FloatArray
    use: StrArray
    levels: IntArray
    bent: npt.NDArray[np.bool_]
    estate: IntArray


_Rule = Callable[[np.random.Generator, IntArray, FloatArray, FloatArray], Sites]


def make_sites(tile: Tile, blocks: Blocks, pull: FloatArray) -> Sites:
    """Lay out the building sites of all blocks.

    Args:
        tile: which.
        blocks: with their kinds and boxes.
        pull: (superblocks,) urbanity: how high one builds.
    """
    parts = []
    for salt, (kind, rule) in enumerate(_RULES.items()):
        members = np.flatnonzero(blocks.kind == kind)
        if len(members):
            parts.append(rule(tile.generator(9, salt), members, blocks.box[members], pull[blocks.superblock[members]]))
    return Sites(*(np.concatenate([getattr(part, name) for part in parts]) for name in Sites.__dataclass_fields__))


@dataclass(frozen=True)
class _Lots:
    owner: IntArray  # (n,) position among the blocks given
    a0: FloatArray
    a1: FloatArray
    front: FloatArray  # (n,) b of the street side
    inward: FloatArray  # (n,) +1 or -1: from the street into the block
    depth: FloatArray


def _lots(rng: np.random.Generator, box: FloatArray, width: tuple[float, float], single_below: float) -> _Lots:
    """Divide blocks into lots along their long sides, back to back where a block is deep enough."""
    depth = box[:, 3] - box[:, 1]
    sides = np.where(depth < single_below, 1, 2)
    row_of = np.repeat(np.arange(len(box)), sides)
    is_back = np.concatenate([np.arange(s) for s in sides]) == 1
    length = box[row_of, 2] - box[row_of, 0]
    count = np.maximum(1, np.round(length / rng.uniform(width[0], width[1], len(row_of)))).astype(np.int64)
    lot_row = np.repeat(np.arange(len(row_of)), count)
    relative = rng.uniform(0.8, 1.25, len(lot_row))
    starts = np.concatenate([[0], np.cumsum(count)[:-1]])
    total = np.add.reduceat(relative, starts)
    ahead = np.cumsum(relative) - np.repeat(np.cumsum(relative)[starts] - relative[starts], count)
    scale = (length / total)[lot_row]
    owner = row_of[lot_row]
    a1 = box[owner, 0] + ahead * scale
    back = is_back[lot_row]
    return _Lots(
        owner=owner,
        a0=a1 - relative * scale,
        a1=a1,
        front=np.where(back, box[owner, 3], box[owner, 1]),
        inward=np.where(back, -1.0, 1.0),
        depth=(depth / sides)[owner],
    )


def _on_lots(
    rng: np.random.Generator,
    lots: _Lots,
    fill: tuple[float, float],
    depth: tuple[float, float],
    setback: tuple[float, float],
) -> FloatArray:
    """One rectangle per lot: `fill` of its width, `depth` m deep where the lot allows, `setback` m from the street."""
    n = len(lots.owner)
    width = lots.a1 - lots.a0
    built = width * rng.uniform(fill[0], fill[1], n)
    a0 = lots.a0 + (width - built) * rng.uniform(0.25, 0.75, n)
    back = rng.uniform(setback[0], setback[1], n)
    deep = np.minimum(rng.uniform(depth[0], depth[1], n), lots.depth - back - 1.4)
    near = lots.front + lots.inward * back
    far = near + lots.inward * deep
    return np.column_stack([a0, np.minimum(near, far), a0 + built, np.maximum(near, far)])


def _sites(
    block: IntArray, box: FloatArray, use: StrArray, levels: npt.NDArray[Any], bent: npt.NDArray[np.bool_]
) -> Sites:
    large = ((box[:, 2] - box[:, 0]) > 5.0) & ((box[:, 3] - box[:, 1]) > 5.0)
    none = np.full(len(block), -1, dtype=np.int64)
    whole = Sites(block, box, use.astype("<U14"), levels.astype(np.int64), bent, none)
    return Sites(*(getattr(whole, name)[large] for name in Sites.__dataclass_fields__))


def _choose(rng: np.random.Generator, n: int, chances: dict[str, float]) -> StrArray:
    names = np.array(list(chances), dtype="<U14")
    weights = np.array(list(chances.values()))
    return names[np.searchsorted(np.cumsum(weights / weights.sum())[:-1], rng.random(n), side="right")]


def _detached(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    lots = _lots(rng, box, (11.5, 16.0), 21.0)
    n = len(lots.owner)
    built = _on_lots(rng, lots, (0.66, 0.86), (8.5, 12.5), (1.0, 3.2))
    use = _choose(rng, n, {"단독주택": 0.87, "공동주택": 0.08, "제1종근린생활시설": 0.04, "종교시설": 0.01})
    levels = np.where(use == "공동주택", rng.integers(3, 5, n), rng.choice([1, 2, 3], n, p=[0.38, 0.44, 0.18]))
    kept = rng.random(n) < 0.955
    return _sites(block[lots.owner][kept], built[kept], use[kept], levels[kept], (rng.random(n) < 0.22)[kept])


def _villa(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    lots = _lots(rng, box, (15.0, 21.0), 24.0)
    n = len(lots.owner)
    built = _on_lots(rng, lots, (0.70, 0.88), (11.0, 15.5), (1.2, 3.0))
    use = _choose(rng, n, {"공동주택": 0.72, "단독주택": 0.20, "제2종근린생활시설": 0.08})
    levels = np.where(use == "단독주택", rng.integers(2, 4, n), rng.integers(2, 5, n))
    kept = rng.random(n) < 0.96
    return _sites(block[lots.owner][kept], built[kept], use[kept], levels[kept], (rng.random(n) < 0.15)[kept])


def _mixed(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    lots = _lots(rng, box, (17.0, 27.0), 30.0)
    n = len(lots.owner)
    built = _on_lots(rng, lots, (0.76, 0.92), (14.0, 22.0), (1.0, 3.0))
    use = _choose(
        rng, n,
        {"제2종근린생활시설": 0.36, "제1종근린생활시설": 0.20, "업무시설": 0.12, "공동주택": 0.14, "판매시설": 0.03,
         "숙박시설": 0.05, "교육연구시설": 0.06, "의료시설": 0.03, "종교시설": 0.01},
    )  # fmt: skip
    levels = 2 + rng.poisson(1.6 + 2.2 * np.clip(pull[lots.owner], 0.0, 1.0), n)
    kept = rng.random(n) < 0.95
    return _sites(block[lots.owner][kept], built[kept], use[kept], levels[kept], (rng.random(n) < 0.12)[kept])


def _core(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    lots = _lots(rng, box, (23.0, 40.0), 36.0)
    n = len(lots.owner)
    built = _on_lots(rng, lots, (0.76, 0.92), (20.0, 33.0), (1.5, 4.0))
    use = _choose(
        rng, n,
        {"업무시설": 0.44, "제2종근린생활시설": 0.22, "판매시설": 0.09, "숙박시설": 0.09, "의료시설": 0.04,
         "문화및집회시설": 0.02, "공동주택": 0.10},
    )  # fmt: skip
    levels = np.clip(np.round(rng.lognormal(1.55 + 0.75 * np.clip(pull[lots.owner], 0.0, 1.0), 0.48, n)), 3, 42)
    kept = rng.random(n) < 0.94
    return _sites(block[lots.owner][kept], built[kept], use[kept], levels[kept], (rng.random(n) < 0.10)[kept])


def _industrial(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    lots = _lots(rng, box, (42.0, 78.0), 70.0)
    n = len(lots.owner)
    built = _on_lots(rng, lots, (0.55, 0.84), (28.0, 62.0), (6.0, 13.0))
    use = _choose(rng, n, {"공장": 0.66, "창고시설": 0.27, "업무시설": 0.05, "자동차관련시설": 0.02})
    levels = np.where(use == "업무시설", rng.integers(3, 7, n), rng.choice([1, 2, 3], n, p=[0.66, 0.24, 0.10]))
    kept = rng.random(n) < 0.93
    return _sites(block[lots.owner][kept], built[kept], use[kept], levels[kept], (rng.random(n) < 0.28)[kept])


def _public(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    a, b = 0.5 * (box[:, 0] + box[:, 2]), 0.5 * (box[:, 1] + box[:, 3])
    width = np.minimum((box[:, 2] - box[:, 0]) * rng.uniform(0.40, 0.64, len(box)), 62.0)
    depth = np.minimum((box[:, 3] - box[:, 1]) * rng.uniform(0.48, 0.66, len(box)), 34.0)
    built = np.column_stack([a - width / 2, b - depth / 2, a + width / 2, b + depth / 2])
    use = _choose(
        rng, len(box),
        {"공공용시설": 0.30, "노유자시설": 0.24, "문화및집회시설": 0.14, "운동시설": 0.10, "종교시설": 0.16,
         "의료시설": 0.06},
    )  # fmt: skip
    return _sites(block, built, use, rng.integers(2, 6, len(box)), rng.random(len(box)) < 0.35)


def _school(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    """A long teaching wing on the north side of the yard and a hall beside it."""
    parts = []
    wide, deep = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
    wing = np.column_stack(
        [box[:, 0] + 0.08 * wide, box[:, 3] - 9.0 - 0.24 * deep, box[:, 0] + 0.66 * wide, box[:, 3] - 9.0]
    )
    hall = np.column_stack(
        [box[:, 0] + 0.74 * wide, box[:, 3] - 8.0 - 0.30 * deep, box[:, 0] + 0.94 * wide, box[:, 3] - 8.0]
    )
    for built, levels, bent in ((wing, 4, True), (hall, 2, False)):
        use = np.full(len(box), "교육연구시설")
        parts.append(_sites(block, built, use, np.full(len(box), levels), np.full(len(box), bent)))
    return _joined(parts)


def _campus(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    parts = []
    for k in range(len(block)):
        a, b = np.meshgrid(
            np.arange(box[k, 0] + 50, box[k, 2] - 40, 92.0), np.arange(box[k, 1] + 50, box[k, 3] - 40, 84.0)
        )
        n = a.size
        width, depth = rng.uniform(34.0, 66.0, n), rng.uniform(18.0, 34.0, n)
        a0, b0 = a.ravel() + rng.uniform(-9, 9, n) - width / 2, b.ravel() + rng.uniform(-9, 9, n) - depth / 2
        kept = rng.random(n) < 0.7
        built = np.column_stack([a0, b0, a0 + width, b0 + depth])[kept]
        use = np.full(len(built), "교육연구시설")
        parts.append(
            _sites(
                np.full(len(built), block[k]), built, use, rng.integers(3, 9, len(built)), rng.random(len(built)) < 0.4
            )
        )
    return _joined(parts)


def _apartment(rng: np.random.Generator, block: IntArray, box: FloatArray, pull: FloatArray) -> Sites:
    """Estates: rows of slabs facing south, spaced by their height, with a shop, a nursery and an office."""
    parts = []
    for k in range(len(block)):
        storeys = int(rng.choice([5, 8, 12, 15, 18, 20, 25], p=[0.14, 0.12, 0.22, 0.22, 0.15, 0.10, 0.05]))
        spacing = max(26.0, 0.86 * storeys * 2.85) + 13.0
        depth = rng.uniform(11.5, 14.0)
        towers = storeys >= 18 and rng.random() < 0.35
        built, levels, use = [], [], []
        b = box[k, 1] + 15.0
        while b + depth < box[k, 3] - 10.0:
            a = box[k, 0] + rng.uniform(8.0, 20.0)
            while True:
                length = rng.uniform(25.0, 29.0) if towers else rng.uniform(36.0, 64.0)
                if a + length > box[k, 2] - 8.0:
                    break
                shift = rng.uniform(-4.0, 4.0)
                thick = 25.0 if towers else depth
                built.append((a, b + shift, a + length, b + shift + thick))
                levels.append(max(3, storeys + int(rng.integers(-3, 2))))
                use.append("공동주택")
                if rng.random() < 0.15 and spacing > 34.0:
                    built.append((a + 4.0, b + thick + 8.0, a + 4.0 + 15.0, b + thick + 17.0))
                    levels.append(int(rng.integers(1, 3)))
                    use.append(str(rng.choice(["노유자시설", "제1종근린생활시설", "운동시설"])))
                a += length + rng.uniform(11.0, 19.0) + (16.0 if towers else 0.0)
            b += spacing + (12.0 if towers else 0.0)
        if built:
            n = len(built)
            estate = _sites(
                np.full(n, block[k]), np.array(built), np.array(use), np.array(levels), rng.random(n) < 0.3 * towers
            )
            parts.append(replace(estate, estate=estate.block))
    return _joined(parts) if parts else _sites(block[:0], box[:0], np.array([], dtype="<U14"), block[:0], block[:0] > 0)


def _joined(parts: list[Sites]) -> Sites:
    return Sites(*(np.concatenate([getattr(part, name) for part in parts]) for name in Sites.__dataclass_fields__))


_RULES: dict[str, _Rule] = {
    "core": _core,
    "mixed": _mixed,
    "villa": _villa,
    "detached": _detached,
    "apartment": _apartment,
    "industrial": _industrial,
    "public": _public,
    "school": _school,
    "campus": _campus,
}
