"""An oracle without rounding: what rings and paths have in cells, in rational arithmetic."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import pairwise

Place = tuple[Fraction, Fraction]
Cell = tuple[int, int]

getcontext().prec = 50


def exact_areas(
    shells: Iterable[Sequence[Sequence[float]]], holes: Iterable[Sequence[Sequence[float]]], size: int
) -> dict[Cell, Fraction]:
    """m2 by (row, column) of rings of which none crosses, whichever way they turn; cells count from (0, 0)."""
    found: dict[Cell, Fraction] = {}
    for sign, rings in ((1, shells), (-1, holes)):
        for ring in rings:
            whole = [(Fraction(x), Fraction(y)) for x, y in ring]
            turned = sign if _area(whole) > 0 else -sign
            for row in _indices((y for _, y in whole), size):
                band = _cut(_cut(whole, 1, row * size, above=True), 1, (row + 1) * size, above=False)
                for col in _indices((x for x, _ in band), size):
                    part = _cut(_cut(band, 0, col * size, above=True), 0, (col + 1) * size, above=False)
                    found[row, col] = found.get((row, col), Fraction(0)) + turned * _area(part)
    return {cell: area for cell, area in found.items() if area}


def exact_lengths(paths: Iterable[Sequence[Sequence[float]]], size: int) -> dict[Cell, Decimal]:
    """m by (row, column) of paths; what runs along a border is the cell's above, or right of it."""
    found: dict[Cell, Decimal] = {}
    for path in paths:
        for (ax, ay), (bx, by) in pairwise([(Fraction(x), Fraction(y)) for x, y in path]):
            dx, dy = bx - ax, by - ay
            length = (_decimal(dx) ** 2 + _decimal(dy) ** 2).sqrt()
            places = {Fraction(0), Fraction(1)}
            for a, d in ((ax, dx), (ay, dy)):
                if d:
                    low, high = sorted((a, a + d))
                    lines = range(-(-low // size), high // size + 1)
                    places |= {(line * size - a) / d for line in lines}
            for start, end in pairwise(sorted(places)):
                middle = (start + end) / 2
                cell = int((ay + middle * dy) // size), int((ax + middle * dx) // size)
                found[cell] = found.get(cell, Decimal(0)) + _decimal(end - start) * length
    return {cell: length for cell, length in found.items() if length}


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def _indices(values: Iterable[Fraction], size: int) -> range:
    known = list(values)
    return range(int(min(known) // size), int(max(known) // size) + 1) if known else range(0)


def _area(ring: Sequence[Place]) -> Fraction:
    """Signed area; the last vertex may be the first again or not."""
    return sum((ax * by - ay * bx for (ax, ay), (bx, by) in pairwise([*ring, *ring[:1]])), Fraction(0)) / 2


def _cut(ring: Sequence[Place], axis: int, line: int, *, above: bool) -> list[Place]:
    """What a ring has on one side of a line, as far as areas go (I. E. Sutherland and G. W. Hodgman, 1974)."""
    kept: list[Place] = []
    for a, b in pairwise([*ring, *ring[:1]]):
        a_in, b_in = ((p[axis] >= line) if above else (p[axis] <= line) for p in (a, b))
        if a_in:
            kept.append(a)
        if a_in != b_in:
            t = (line - a[axis]) / (b[axis] - a[axis])
            kept.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
    return kept
