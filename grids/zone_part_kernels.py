"""Compiled: what features, given by their parts in cells and their bytes, have in zones.

A part in a cell wholly inside one zone goes to it as it is; so does a part that no border comes near. Only for the
others are a feature's bytes read again and held against the borders (`grids.border_kernels`).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grids.border_kernels import (
    MANY_EDGES,
    add_areas,
    add_to_zone,
    add_where,
    border_near,
    edges_by_row,
    first_zone_at,
    local_edges,
)
from grids.border_line_kernels import add_lengths
from grids.cell_kernels import AREAS, POINTS, cell_of
from grids.compiled import compiled, inner
from grids.tolerances import NEGLIGIBLE
from grids.wkb_kernels import decode_wkb
from grids.zone_kernels import longer

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Labels = NDArray[np.int32]


class Features(NamedTuple):
    """Features as they lie in memory: (n,) each but for `base`.

    Attributes:
        base: address of the bytes.
        begins, ends: where each feature's lie behind it.
        kinds, measures: by what and how much each is measured.
        by_overlay: which are not described by their edges and are left to an overlay where they come near a border.
    """

    base: int
    begins: IntArray
    ends: IntArray
    kinds: IntArray
    measures: FloatArray
    by_overlay: NDArray[np.bool_]


class Parts(NamedTuple):
    """What features have in cells: those of feature f from `starts[f]` up to `starts[f + 1]`."""

    starts: IntArray
    rows: IntArray
    cols: IntArray
    amounts: FloatArray


class SeenZones(NamedTuple):
    """Zones as a grid sees them (`grids.zone_index.ZoneIndex`).

    Attributes:
        labels: (rows, columns) of the frame: the zone a cell wholly lies in, -1, or -2 - k for border cell k.
        frame: its first row and column, and the label beyond it.
        borders, entries, pieces: the border cells.
        place: the grid's (east, north, size) in whole metres.
        n_zones: how many zones, the gap among them.
    """

    labels: Labels
    frame: tuple[int, int, int]
    borders: IntArray
    entries: IntArray
    pieces: FloatArray
    place: tuple[int, int, int]
    n_zones: int


class Rings(NamedTuple):
    """One feature's vertices, where each of its rings (lines) begins, and whether it is a shell."""

    xs: FloatArray
    ys: FloatArray
    starts: IntArray
    shells: IntArray


class Tally(NamedTuple):
    """What one feature has by zone (NaN: nothing yet), and the zones it has something in."""

    totals: FloatArray
    zones: IntArray


@inner
def _label(seen: SeenZones, row: int, col: int) -> Any:
    low_row, low_col, beyond = seen.frame
    j, i = row - low_row, col - low_col
    if j < 0 or i < 0 or j >= seen.labels.shape[0] or i >= seen.labels.shape[1]:
        return beyond
    return np.int64(seen.labels[j, i])


@inner
def _add_points(rings: Rings, n_points: int, seen: SeenZones, tally: Tally) -> Any:
    """Add points one by one."""
    xs, ys, (totals, zones) = rings.xs, rings.ys, tally
    east, north, size = seen.place
    n = 0
    for v in range(n_points):
        if math.isnan(xs[v]) and math.isnan(ys[v]):
            continue
        row, col = cell_of(ys[v], north, size), cell_of(xs[v], east, size)
        label = _label(seen, row, col)
        if label >= 0:
            n = add_to_zone(totals, zones, n, label, 1.0)
        elif label < -1:
            x, y = xs[v] - (east + col * size), ys[v] - (north + row * size)
            zone = first_zone_at(seen.borders, seen.entries, seen.pieces, -2 - label, x, y)
            if zone >= 0:
                n = add_to_zone(totals, zones, n, zone, 1.0)
    return n


@inner
def _surveyed(rings: Rings, n_rings: int, turns: FloatArray, edges: IntArray) -> Any:
    """List the first vertex of each edge and, by vertex, its ring's turn as in `cell_kernels`.

    Returns how many edges, whether all rings are closed, and the bounds.
    """
    xs, ys, starts, shells = rings
    n, closed = 0, True
    west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
    for r in range(n_rings):
        start, stop = starts[r], starts[r + 1]
        if start == stop:
            continue
        base_x, base_y, doubled = xs[start], ys[start], 0.0
        px, py = 0.0, 0.0
        for v in range(start, stop):
            x, y = xs[v], ys[v]
            west, south, east, north = min(west, x), min(south, y), max(east, x), max(north, y)
            qx, qy = x - base_x, y - base_y
            doubled += px * qy - qx * py
            px, py = qx, qy
            edges[n] = v
            n += 1
        n -= 1  # no edge begins at the last vertex
        closed = closed and px == 0 and py == 0
        turn = -1.0 if (doubled > 0) == (shells[r] != 0) else 1.0
        for v in range(start, stop):
            turns[v] = turn
    return n, closed, west, south, east, north


@inner
def _add_extended(
    areal: bool, rings: Rings, n_rings: int, parts: Parts, f: int, seen: SeenZones, scratch: Any, tally: Tally
) -> Any:
    """Add what a polygon or a line, feature `f` of the parts, has; and is it better left to an overlay."""
    first, last, rows, cols, amounts = parts.starts[f], parts.starts[f + 1], parts.rows, parts.cols, parts.amounts
    borders, entries, pieces, (totals, zones) = seen.borders, seen.entries, seen.pieces, tally
    xs, ys, (east, north, size) = rings.xs, rings.ys, seen.place
    turns, edges, local = scratch
    n_edges, closed, west_x, south_y, east_x, north_y = _surveyed(rings, n_rings, turns, edges)
    if areal and not closed:
        return 0, True
    by_row, low = False, np.int64(0)
    row_ends, listed = edges[:0], edges[:n_edges]
    if n_edges >= MANY_EDGES:
        low, high = rows[first], rows[first]
        for p in range(first, last):
            low, high = min(low, rows[p]), max(high, rows[p])
        row_ends, listed, by_row = edges_by_row(ys, edges[:n_edges], north, size, low, high)
    n, n_local, east_most = 0, 0, 0.0
    for p in range(first, last):
        label = _label(seen, rows[p], cols[p])
        if label >= 0:
            n = add_to_zone(totals, zones, n, label, amounts[p])
        if label >= -1:
            continue
        cell = -2 - label
        west, south = float(east + cols[p] * size), float(north + rows[p] * size)
        x0, y0 = max(west_x - west, 0.0), max(south_y - south, 0.0)
        x1, y1 = min(east_x - west, float(size)), min(north_y - south, float(size))
        if not border_near(borders, entries, pieces, cell, x0, y0, x1, y1):
            n = add_where(borders, entries, pieces, cell, x0, y0, amounts[p], totals, zones, n)
            continue
        which = listed[row_ends[rows[p] - low] : row_ends[rows[p] - low + 1]] if by_row else listed
        if areal:
            n_local, east_most = local_edges(xs, ys, turns, which, west, south, float(size), local)
            n = add_areas(borders, entries, pieces, cell, local, n_local, east_most, totals, zones, n)
        else:
            n = add_lengths(xs, ys, which, borders, entries, pieces, cell, west, south, float(size), totals, zones, n)
    return n, False


@inner
def _new_scratch(n_points: int) -> Any:
    return np.empty(n_points), np.empty(n_points, np.int64), np.empty((2 * n_points + 2, 5))


@inner
def _room_for_rings(size: int) -> Any:
    """Room for what so many bytes may hold, and more."""
    starts, shells = np.empty(size // 2 + 64, np.int64), np.empty(size // 2 + 64, np.int64)
    return Rings(np.empty(size // 8 + 64), np.empty(size // 8 + 64), starts, shells)


@compiled
def features_in_zones(features: Features, parts: Parts, seen: SeenZones, first: int, last: int) -> Any:
    """Share out features `first` to `last` to zones.

    Returns owner, zone and amount of each part, ordered by owner and zone, and the features left to an overlay.
    """
    tally = Tally(np.full(seen.n_zones, np.nan), np.empty(seen.n_zones, np.int64))
    totals, zones = tally
    begins, ends, kinds = features.begins, features.ends, features.kinds
    rows, cols, amounts = parts.rows, parts.cols, parts.amounts
    room = 2 * (last - first) + 16
    owners, found, found_amounts = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    n_found, n_left, left = 0, 0, np.empty(16, np.int64)
    rings = _room_for_rings(0)
    scratch = _new_scratch(rings.xs.size)
    for f in range(first, last):
        a, b = parts.starts[f], parts.starts[f + 1]
        if b - a == 1:
            label = _label(seen, rows[a], cols[a])
            if label >= 0:
                owners[n_found], found[n_found], found_amounts[n_found] = f, label, amounts[a]
                n_found += 1
            if label >= -1:
                continue
        meets_border = False
        for p in range(a, b):
            meets_border = meets_border or _label(seen, rows[p], cols[p]) < -1
        n, doubtful = 0, False
        if not meets_border:
            for p in range(a, b):
                label = _label(seen, rows[p], cols[p])
                if label >= 0:
                    n = add_to_zone(totals, zones, n, label, amounts[p])
        elif features.by_overlay[f]:
            doubtful = True
        else:
            size = ends[f] - begins[f]
            # As many vertices as bytes may hold, and as many rings: an empty one has four bytes and no vertex.
            if size // 16 + 1 > rings.xs.size or size // 4 + 2 > rings.starts.size:
                rings = _room_for_rings(size)
                scratch = _new_scratch(rings.xs.size)
            code, n_points, n_rings = decode_wkb(
                features.base + begins[f], features.base + ends[f], rings.xs, rings.ys, rings.starts, rings.shells
            )
            if code != kinds[f] + 1:  # what has no extent, and what only GEOS reads
                doubtful = True
            elif kinds[f] == POINTS:
                n = _add_points(rings, n_points, seen, tally)
            else:
                n, doubtful = _add_extended(kinds[f] == AREAS, rings, n_rings, parts, f, seen, scratch, tally)
        room = n_found + n + last - f  # for this feature, and one part of each to come
        if room > owners.size:
            owners, found, found_amounts = longer(owners, room), longer(found, room), longer(found_amounts, room)
        for k in range(n):
            zone = zones[k]
            if not doubtful and totals[zone] > NEGLIGIBLE * features.measures[f]:
                owners[n_found], found[n_found], found_amounts[n_found] = f, zone, totals[zone]
                n_found += 1
            totals[zone] = np.nan
        if doubtful:
            left = longer(left, n_left + 1)
            left[n_left] = f
            n_left += 1
    return owners[:n_found], found[:n_found], found_amounts[:n_found], left[:n_left]
