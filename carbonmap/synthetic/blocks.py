"""Blocks and local streets inside the superblocks: a grid per superblock, turned with its main street."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from rasterio import features
from rasterio.transform import Affine

from carbonmap.synthetic.districts import Lattice, Superblocks
from carbonmap.synthetic.noise import FloatArray
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.terrain import Land

__all__ = ["Blocks", "Frames", "make_blocks", "superblocks_on_map"]

MAIN_STREET_HALF_M = 15.0  # carriageway and pavement kept free on each side of a main street's axis


@dataclass(frozen=True)
class _Pattern:
    """How a superblock of one kind is cut: depth of a row, length of a block, half width and class of its streets."""

    depth: tuple[float, float]
    length: tuple[float, float]
    street_half: float
    street_class: str


_PATTERNS = {
    "core": _Pattern((66.0, 92.0), (62.0, 105.0), 6.0, "tertiary"),
    "mixed": _Pattern((50.0, 70.0), (66.0, 110.0), 4.5, "residential"),
    "detached": _Pattern((36.0, 45.0), (70.0, 135.0), 3.4, "residential"),
    "villa": _Pattern((40.0, 50.0), (75.0, 125.0), 3.6, "residential"),
    "apartment": _Pattern((235.0, 330.0), (240.0, 340.0), 6.0, "tertiary"),
    "industrial": _Pattern((125.0, 185.0), (170.0, 270.0), 6.0, "unclassified"),
    "campus": _Pattern((1e6, 1e6), (1e6, 1e6), 6.0, "service"),
    "park": _Pattern((1e6, 1e6), (1e6, 1e6), 6.0, "footway"),
    "lake": _Pattern((1e6, 1e6), (1e6, 1e6), 6.0, "footway"),
}
_HOUSES = ("detached", "villa")


@dataclass(frozen=True)
class Frames:
    """Each superblock's own axes on the map: `x = cx + a cos - b sin`, `y = cy + a sin + b cos`."""

    centre: FloatArray  # (n, 2)
    angle: FloatArray  # (n,) radians

    def to_map(self, which: npt.NDArray[np.int64], ab: FloatArray) -> FloatArray:
        """Points in the frames of superblocks to the map: `which` (m,), `ab` (m, 2) -> (m, 2)."""
        cos, sin = np.cos(self.angle[which]), np.sin(self.angle[which])
        x = self.centre[which, 0] + ab[:, 0] * cos - ab[:, 1] * sin
        y = self.centre[which, 1] + ab[:, 0] * sin + ab[:, 1] * cos
        return np.column_stack([x, y])

    def to_frame(self, which: npt.NDArray[np.int64], xy: FloatArray) -> FloatArray:
        """Points of the map to the frames of superblocks: the inverse of `to_map`."""
        cos, sin = np.cos(self.angle[which]), np.sin(self.angle[which])
        dx, dy = xy[:, 0] - self.centre[which, 0], xy[:, 1] - self.centre[which, 1]
        return np.column_stack([dx * cos + dy * sin, dy * cos - dx * sin])


@dataclass(frozen=True)
class Blocks:
    """Blocks ready to build on, and the local streets between them.

    Attributes:
        superblock: (n,) index.
        kind: (n,) `core` ... `industrial`, or `school`, `green`, `public` for a block set apart.
        box: (n, 4) a0, b0, a1, b1 in the superblock's frame, before clipping.
        polygon: (n,) on the map, clipped to the superblock.
        frames: one per superblock.
        streets: (m,) lines on the map.
        street_class: (m,) OpenStreetMap-like class.
    """

    superblock: npt.NDArray[np.int64]
    kind: npt.NDArray[np.str_]
    box: FloatArray
    polygon: npt.NDArray[np.object_]
    frames: Frames
    streets: npt.NDArray[np.object_]
    street_class: npt.NDArray[np.str_]


def superblocks_on_map(
    tile: Tile, land: Land, superblocks: Superblocks, obstacles: npt.NDArray[np.object_]
) -> npt.NDArray[np.object_]:
    """Superblocks on the map, without forest, water and other obstacles.

    Args:
        tile: which.
        land: its natural fields.
        superblocks: on the plane.
        obstacles: (k,) areas on the map that nothing is built on, e.g. creeks and the motorway's strip.
    """
    dense = shapely.segmentize(superblocks.polygon, 60.0)
    on_map = tile.plan.bend_all(dense)
    open_parts = _mask_polygons(tile, land)
    fraction = np.zeros(len(on_map))
    tree = shapely.STRtree(open_parts)
    for k, polygon in enumerate(on_map):
        near = open_parts[np.sort(tree.query(polygon, predicate="intersects"))]
        inside = shapely.intersection(shapely.union_all(near), polygon) if len(near) else shapely.Polygon()
        fraction[k] = inside.area / polygon.area
        if fraction[k] < 0.995:
            on_map[k] = inside
    if len(obstacles):
        blocked = shapely.STRtree(obstacles)
        for k, polygon in enumerate(on_map):
            near = obstacles[np.sort(blocked.query(polygon, predicate="intersects"))]
            if len(near):
                on_map[k] = shapely.difference(polygon, shapely.union_all(near))
    return on_map


def _mask_polygons(tile: Tile, land: Land) -> npt.NDArray[np.object_]:
    """Open land as polygons on the map, corners of raster cells rounded off."""
    step = tile.plan.cell_m
    transform = Affine(step, 0.0, tile.u0, 0.0, step, tile.v0)
    shapes = features.shapes(land.open_land.astype(np.uint8), mask=land.open_land, transform=transform)
    polygons = np.array([shapely.geometry.shape(geometry) for geometry, _ in shapes], dtype=object)
    smooth = shapely.simplify(polygons, 0.8 * step)
    return tile.plan.bend_all(shapely.make_valid(shapely.segmentize(smooth, 60.0)))


def make_blocks(tile: Tile, superblocks: Superblocks, on_map: npt.NDArray[np.object_], lattice: Lattice) -> Blocks:
    """Cut superblocks into blocks and draw their local streets.

    Args:
        tile: which.
        superblocks: kinds and order.
        on_map: (n,) their polygons on the map, as from `superblocks_on_map`.
        lattice: the main streets; its first edge of a superblock gives the direction of the local grid.
    """
    count = len(superblocks.kind)
    south_west = tile.plan.bend(lattice.nodes[superblocks.column, superblocks.row])
    south_east = tile.plan.bend(lattice.nodes[superblocks.column + 1, superblocks.row])
    north_west = tile.plan.bend(lattice.nodes[superblocks.column, superblocks.row + 1])
    along, across = south_east - south_west, north_west - south_west
    angle = 0.5 * (np.arctan2(along[:, 1], along[:, 0]) + np.arctan2(-across[:, 0], across[:, 1]))
    centre = 0.5 * (south_east + north_west)
    turned = np.array([tile.generator(6, k).uniform(-0.45, 0.45) for k in range(count)])
    old_town = (superblocks.centre == 1) & np.isin(superblocks.kind, _HOUSES)
    angle = angle + np.where(old_town, turned, 0.12 * turned)
    frames = Frames(centre, angle)

    inner = shapely.buffer(on_map, -MAIN_STREET_HALF_M, join_style="mitre")
    owner, kinds, boxes, line_owner, line_ends, line_classes = [], [], [], [], [], []
    for k in range(count):
        if inner[k].is_empty or inner[k].area < 2_500.0:
            continue
        points = shapely.get_coordinates(inner[k])
        ab = frames.to_frame(np.full(len(points), k), points)
        extent = (*ab.min(axis=0), *ab.max(axis=0))
        box_k, block_kind, ends, ways = _cut(tile.generator(7, k), str(superblocks.kind[k]), extent)
        owner.append(np.full(len(box_k), k))
        boxes.append(box_k)
        kinds.append(block_kind)
        line_owner.append(np.full(len(ends), k))
        line_ends.append(ends)
        line_classes.append(ways)
    superblock = np.concatenate(owner).astype(np.int64)
    box = np.concatenate(boxes)
    polygon = shapely.intersection(_box_polygons(frames, superblock, box), inner[superblock])
    kind = np.concatenate(kinds)
    usable = shapely.area(polygon) > 160.0
    streets, classes = _clip_lines(
        frames,
        on_map,
        np.concatenate(line_owner).astype(np.int64),
        np.concatenate(line_ends),
        np.concatenate(line_classes),
    )
    loops = _estate_loops(polygon[usable & (kind == "apartment")])
    streets = np.concatenate([streets, loops])
    classes = np.concatenate([classes, np.full(len(loops), "service")])
    return Blocks(
        superblock=superblock[usable],
        kind=kind[usable],
        box=box[usable],
        polygon=np.asarray(polygon[usable], dtype=object),
        frames=frames,
        streets=streets,
        street_class=classes,
    )


def _cut(
    rng: np.random.Generator, kind: str, extent: tuple[float, ...]
) -> tuple[FloatArray, npt.NDArray[np.str_], FloatArray, npt.NDArray[np.str_]]:
    """Cut one superblock's bounding box, in its own frame.

    Returns:
        Blocks `(n, 4)` with kinds `(n,)`, and street ends `(m, 4)` with classes `(m,)`.
    """
    pattern = _PATTERNS[kind]
    a0, b0, a1, b1 = extent
    half = pattern.street_half
    b = _cuts(rng, b0, b1, pattern.depth)
    boxes: list[tuple[float, float, float, float]] = []
    kinds: list[str] = []
    ends: list[tuple[float, float, float, float]] = []
    ways: list[str] = []
    school_row = int(rng.integers(0, max(1, (len(b) - 1) // 2))) * 2 if kind in _HOUSES and rng.random() < 0.62 else -1
    for row in range(0, len(b) - 1, 2):
        pair = [row] if row + 2 >= len(b) else [row, row + 1]
        a = _cuts(rng, a0, a1, pattern.length)
        school = len(a) // 2 - 1 if row == school_row and len(pair) == 2 and len(a) > 2 else -1
        for col in range(len(a) - 1):
            left, right = a[col] + half, a[col + 1] - half
            if col == school:
                boxes.append((left, b[row] + half, right, b[row + 2] - half))
                kinds.append("school")
                continue
            for r in pair:
                boxes.append((left, b[r] + half, right, b[r + 1] - half))
                kinds.append(_set_apart(rng, kind))
        for cut in a[1:-1]:
            ends.append((cut, b[row], cut, b[pair[-1] + 1]))
            ways.append(pattern.street_class)
        if len(pair) == 2:
            for start, stop in [(a0, a1)] if school < 0 else [(a0, a[school]), (a[school + 1], a1)]:
                ends.append((start, b[row + 1], stop, b[row + 1]))
                ways.append(pattern.street_class)
        if row > 0:
            ends.append((a0, b[row], a1, b[row]))
            collector = kind in _HOUSES and row == 2 * ((len(b) - 1) // 4)
            ways.append("tertiary" if collector else pattern.street_class)
    return np.array(boxes), np.array(kinds, dtype="<U10"), np.array(ends).reshape(-1, 4), np.array(ways, dtype="<U12")


def _cuts(rng: np.random.Generator, start: float, stop: float, step: tuple[float, float]) -> FloatArray:
    """Positions of streets from `start` to `stop`, steps varying within the range and stretched to fit."""
    span = stop - start
    count = max(1, round(span / (0.5 * (step[0] + step[1]))))
    widths = rng.uniform(step[0], step[1], count)
    return np.asarray(start + span * np.concatenate([[0.0], np.cumsum(widths) / widths.sum()]))


def _set_apart(rng: np.random.Generator, kind: str) -> str:
    draw = rng.random()
    if kind in _HOUSES:
        return "green" if draw < 0.028 else "public" if draw < 0.048 else kind
    if kind in ("core", "mixed"):
        return "green" if draw < 0.05 else "public" if draw < 0.11 else kind
    return kind


def _box_polygons(frames: Frames, which: npt.NDArray[np.int64], box: FloatArray) -> npt.NDArray[np.object_]:
    corners = box[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    return np.asarray(shapely.polygons(frames.to_map(np.repeat(which, 4), corners).reshape(-1, 4, 2)), dtype=object)


def _estate_loops(polygon: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """The drive around each housing estate, inside its edge."""
    inset = shapely.buffer(polygon, -4.5, join_style="mitre")
    whole = (shapely.get_type_id(inset) == 3) & (shapely.area(inset) > 4_000.0)
    rings = shapely.get_exterior_ring(inset[whole])
    lines = [shapely.LineString(np.round(shapely.get_coordinates(ring), 2)) for ring in rings]
    loops = np.empty(len(lines), dtype=object)
    loops[:] = lines
    return loops


def _clip_lines(
    frames: Frames,
    on_map: npt.NDArray[np.object_],
    owner: npt.NDArray[np.int64],
    ends: FloatArray,
    classes: npt.NDArray[np.str_],
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.str_]]:
    """Local streets on the map, prolonged to the main streets around and cut at the superblock's edge."""
    direction = ends[:, 2:] - ends[:, :2]
    length = np.maximum(np.hypot(*direction.T), 1e-9)
    reach = direction / length[:, None] * (MAIN_STREET_HALF_M * 1.8)
    horizontal = np.abs(direction[:, 0]) > np.abs(direction[:, 1])
    longer = ends + np.where(horizontal[:, None], np.hstack([-reach, reach]), 0.0)
    xy = frames.to_map(np.repeat(owner, 2), longer.reshape(-1, 2)).reshape(-1, 2, 2)
    lines = shapely.intersection(shapely.linestrings(np.round(xy, 2)), on_map[owner])
    parts, index = shapely.get_parts(lines, return_index=True)
    keep = (shapely.get_type_id(parts) == 1) & (shapely.length(parts) > 30.0)
    return np.asarray(parts[keep], dtype=object), classes[index[keep]]
