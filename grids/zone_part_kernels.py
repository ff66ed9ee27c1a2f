"""Compiled: what features, given by their parts in cells and their bytes, have in zones.

A part in a cell wholly inside one zone goes to it as it is; so does a part that no border comes near. Only for the
others are a feature's bytes read again and held against the borders (`grids.border_kernels`).
"""

import math
from typing import Any

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
    ring_crosses,
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
Frame = tuple[int, int, int]
Place = tuple[int, int, int]


@inner
def _label(labels: Labels, frame: Frame, row: int, col: int) -> Any:
    low_row, low_col, beyond = frame
    j, i = row - low_row, col - low_col
    if j < 0 or i < 0 or j >= labels.shape[0] or i >= labels.shape[1]:
        return beyond
    return np.int64(labels[j, i])


@inner
def _add_points(
    xs: FloatArray,
    ys: FloatArray,
    n_points: int,
    labels: Labels,
    frame: Frame,
    borders: IntArray,
    entries: IntArray,
    pieces: FloatArray,
    place: Place,
    totals: FloatArray,
    zones: IntArray,
) -> Any:
    """Add points one by one."""
    east, north, size = place
    n = 0
    for v in range(n_points):
        if math.isnan(xs[v]) and math.isnan(ys[v]):
            continue
        row, col = cell_of(ys[v], north, size), cell_of(xs[v], east, size)
        label = _label(labels, frame, row, col)
        if label >= 0:
            n = add_to_zone(totals, zones, n, label, 1.0)
        elif label < -1:
            x, y = xs[v] - (east + col * size), ys[v] - (north + row * size)
            zone = first_zone_at(borders, entries, pieces, -2 - label, x, y)
            if zone >= 0:
                n = add_to_zone(totals, zones, n, zone, 1.0)
    return n


@inner
def _surveyed(
    xs: FloatArray, ys: FloatArray, starts: IntArray, shells: IntArray, n_rings: int, turns: FloatArray, edges: IntArray
) -> Any:
    """List the first vertex of each edge and, by vertex, its ring's turn as in `cell_kernels`.

    Returns how many edges, whether all rings are closed, and the bounds.
    """
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
    areal: bool,
    n_rings: int,
    xs: FloatArray,
    ys: FloatArray,
    starts: IntArray,
    shells: IntArray,
    first: int,
    last: int,
    rows: IntArray,
    cols: IntArray,
    amounts: FloatArray,
    labels: Labels,
    frame: Frame,
    borders: IntArray,
    entries: IntArray,
    pieces: FloatArray,
    place: Place,
    scratch: Any,
    totals: FloatArray,
    zones: IntArray,
) -> Any:
    """Add what a polygon or a line, with its parts `first` to `last`, has; and is it better left to an overlay."""
    east, north, size = place
    turns, edges, local = scratch
    n_edges, closed, west_x, south_y, east_x, north_y = _surveyed(xs, ys, starts, shells, n_rings, turns, edges)
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
    # Whether rings cross was asked before where there are several, or several cells.
    checked = not areal or last - first > 1 or n_rings > 1
    for p in range(first, last):
        label = _label(labels, frame, rows[p], cols[p])
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
        if not checked and (n_edges >= MANY_EDGES or ring_crosses(xs, ys, n_edges + 1)):
            return n, True
        checked = True
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


@compiled
def features_in_zones(
    base: int,
    begins: IntArray,
    ends: IntArray,
    part_starts: IntArray,
    rows: IntArray,
    cols: IntArray,
    amounts: FloatArray,
    kinds: IntArray,
    measures: FloatArray,
    by_overlay: NDArray[np.bool_],
    labels: Labels,
    frame: Frame,
    borders: IntArray,
    entries: IntArray,
    pieces: FloatArray,
    place: Place,
    n_zones: int,
    first: int,
    last: int,
) -> Any:
    """Share out features `first` to `last` to zones.

    The bytes of each lie between its `begins` and `ends` behind address `base`, its parts in cells between
    `part_starts`; `kinds` and `measures` say by what and how much each is measured, `by_overlay` which are not
    described by their edges and are left to an overlay where they come near a border. `frame` is the first row and
    column of the labels and the label beyond them; `borders`, `entries` and `pieces` are the border cells; `place` is
    the grid's (east, north, size) in whole metres. Returns owner, zone and amount of each part, ordered by owner and
    zone, and the features left to an overlay.
    """
    totals, zones = np.full(n_zones, np.nan), np.empty(n_zones, np.int64)
    room = 2 * (last - first) + 16
    owners, found, found_amounts = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    n_found, n_left, left = 0, 0, np.empty(16, np.int64)
    xs, ys = np.empty(0), np.empty(0)
    starts, shells = np.empty(0, np.int64), np.empty(0, np.int64)
    scratch = _new_scratch(0)
    for f in range(first, last):
        a, b = part_starts[f], part_starts[f + 1]
        if b - a == 1:
            label = _label(labels, frame, rows[a], cols[a])
            if label >= 0:
                owners[n_found], found[n_found], found_amounts[n_found] = f, label, amounts[a]
                n_found += 1
            if label >= -1:
                continue
        meets_border = False
        for p in range(a, b):
            meets_border = meets_border or _label(labels, frame, rows[p], cols[p]) < -1
        n, doubtful = 0, False
        if not meets_border:
            for p in range(a, b):
                label = _label(labels, frame, rows[p], cols[p])
                if label >= 0:
                    n = add_to_zone(totals, zones, n, label, amounts[p])
        elif by_overlay[f]:
            doubtful = True
        else:
            size = ends[f] - begins[f]
            # As many vertices as bytes may hold, and as many rings: an empty one has four bytes and no vertex.
            if size // 16 + 1 > xs.size or size // 4 + 2 > starts.size:
                xs, ys = np.empty(size // 8 + 64), np.empty(size // 8 + 64)
                starts, shells = np.empty(size // 2 + 64, np.int64), np.empty(size // 2 + 64, np.int64)
                scratch = _new_scratch(xs.size)
            code, n_points, n_rings = decode_wkb(base + begins[f], base + ends[f], xs, ys, starts, shells)
            if code != kinds[f] + 1:  # what has no extent, and what only GEOS reads
                doubtful = True
            elif kinds[f] == POINTS:
                n = _add_points(xs, ys, n_points, labels, frame, borders, entries, pieces, place, totals, zones)
            else:
                n, doubtful = _add_extended(
                    kinds[f] == AREAS,
                    n_rings,
                    xs,
                    ys,
                    starts,
                    shells,
                    a,
                    b,
                    rows,
                    cols,
                    amounts,
                    labels,
                    frame,
                    borders,
                    entries,
                    pieces,
                    place,
                    scratch,
                    totals,
                    zones,
                )
        room = n_found + n + last - f  # for this feature, and one part of each to come
        if room > owners.size:
            owners, found, found_amounts = longer(owners, room), longer(found, room), longer(found_amounts, room)
        for k in range(n):
            zone = zones[k]
            if not doubtful and totals[zone] > NEGLIGIBLE * measures[f]:
                owners[n_found], found[n_found], found_amounts[n_found] = f, zone, totals[zone]
                n_found += 1
            totals[zone] = np.nan
        if doubtful:
            left = longer(left, n_left + 1)
            left[n_left] = f
            n_left += 1
    return owners[:n_found], found[:n_found], found_amounts[:n_found], left[:n_left]
