"""Sharing an amount out to cells with limits, so that totals hold to the last bit."""

from collections.abc import Iterator

import numpy as np

from scenarios.errors import InvalidScenario
from scenarios.exact_sums import exact_sum
from scenarios.frame import FloatArray


def filled(amount: float, weights: FloatArray, room: FloatArray) -> FloatArray:
    """Share an amount out in proportion to weights, no cell beyond its room: `min(level * w, room)` with one level.

    Args:
        amount: 0 or more, what there is to place.
        weights: (n,) 0 or more; a cell of weight 0 gets nothing.
        room: (n,) 0 or more, may be infinite.

    Returns:
        (n,) whose exact sum, rounded once, is the amount.

    Raises:
        InvalidScenario: there is not room enough; says how much fits.
    """
    open_to = (weights > 0) & (room > 0)
    if amount == 0:
        return np.zeros_like(weights)
    fits = float(room[open_to].sum())
    if fits < amount * (1 - 1e-12):
        raise InvalidScenario(
            f"{amount:,.0f} are to be placed, and only {fits:,.0f} fit. Raise the density limit, name more centres or "
            "a larger destination, or place fewer."
        )
    weight, limit = weights[open_to], room[open_to]
    # Cells are full in the order of room over weight; between two of these levels what is placed grows evenly.
    full_at = limit / weight
    order = np.argsort(full_at, kind="stable")
    with np.errstate(invalid="ignore"):
        placed_before = np.concatenate([[0.0], np.cumsum(limit[order])[:-1]])
        still_open = np.cumsum(weight[order][::-1])[::-1]
        reached = placed_before + full_at[order] * still_open
    step = min(int(np.searchsorted(reached, amount)), len(order) - 1)
    level = (amount - placed_before[step]) / still_open[step]
    found = np.zeros_like(weights)
    found[open_to] = np.minimum(level * weight, limit)
    return settled(found, amount)


def settled(values: FloatArray, total: float) -> FloatArray:
    """The values with the rounding of their sum put right in the largest ones, so that they add up to a total exactly.

    Args:
        values: (n,) 0 or more, which add up to the total but for rounding.
        total: what their exact sum, rounded once to float64, has to be.

    Raises:
        InvalidScenario: the sum is off by more than rounding (1e-9 of the total).
    """
    out = values.copy()
    # Large values take the rounding; where one is too coarse for the last half bit, a smaller one is fine enough.
    for position in _largest_first(out):
        if exact_sum(out) == total:
            return out
        rest = exact_sum(np.append(-out, total))
        if abs(rest) > 1e-9 * abs(total):
            break
        if out[position] + rest >= 0:
            out[position] += rest
    found = exact_sum(out)
    if found != total:
        raise InvalidScenario(f"Cells add up to {found!r} where {total!r} was expected.")
    return out


def _largest_first(values: FloatArray) -> Iterator[int]:
    """Positions from the largest value on; few are ever asked for, so only the first few are looked for at once."""
    few = min(16, values.size)
    top = np.argpartition(values, values.size - few)[values.size - few :]
    top = top[np.lexsort((top, -values[top]))]
    yield from (int(position) for position in top)
    if few < values.size:
        yield from (int(position) for position in np.argsort(-values, kind="stable")[few:])
