"""What there is only once: ground to plant, ground under crowns, and roofs; measures share it and take it no twice."""

from collections.abc import Sequence

import numpy as np

from scenarios.effects import Action
from scenarios.errors import InvalidScenario
from scenarios.frame import FloatArray
from scenarios.state import State

RESOURCES = {
    "ground": "ground that is neither green nor built on",
    "crowns": "ground that crowns may cover",
    "roofs": "roofs that can bear modules",
}
"""What measures may take together no more than once."""
_ROUNDING = 1e-9


def check_taken(state: State, actions: Sequence[Action], areas: Sequence[FloatArray]) -> None:
    """See that measures together take nothing twice.

    Of two areas that share a cell nobody knows how they lie in it: they may take as much as if they lay beside each
    other. Measures of one and the same area share what is in it.

    Args:
        state: the baseline.
        actions: in the order in which they may take.
        areas: (n,) the share of each cell in the area of each action.

    Raises:
        InvalidScenario: naming the measure that finds too little left, where, and how much of it fits.
    """
    for resource, words in RESOURCES.items():
        mine = [place for place, action in enumerate(actions) if action.takes == resource]
        before: list[int] = []
        for place in mine:
            if before:
                _check(state, [actions[k] for k in (*before, place)], [areas[k] for k in (*before, place)], words)
            before.append(place)


def _check(state: State, actions: Sequence[Action], areas: Sequence[FloatArray], words: str) -> None:
    """Whether the last of some measures finds enough left."""
    last = actions[-1]
    here = (last.quantity > 0) & (last.coverage > 0)
    same = [place for place, area in enumerate(areas) if np.array_equal(area, areas[-1])]
    different = list({area.tobytes(): area for area in areas}.values())
    left = np.full(state.cells, np.inf)
    for places, room in ((same, areas[-1]), (range(len(areas)), np.minimum(np.sum(different, axis=0), 1.0))):
        taken = np.sum([np.where(actions[k].quantity > 0, actions[k].coverage, 0.0) for k in places[:-1]], axis=0)
        left = np.minimum(left, room - taken)
    if not (last.coverage[here] > left[here] * (1 + _ROUNDING) + _ROUNDING).any():
        return
    part = np.divide(np.maximum(left, 0.0), last.coverage, out=np.full(state.cells, np.inf), where=here)
    worst = int(part.argmin())
    row, col = (int(ids[worst]) for ids in state.ids())
    others = ", ".join(action.measure for action in actions[:-1])
    fits = float(part[worst] * last.quantity.sum())
    raise InvalidScenario(
        f"{last.measure}: in the cell of row {row} and column {col} it takes {last.coverage[worst]:.1%} of the "
        f"{words}, of which {others} left {max(float(left[worst]), 0.0):.1%}: of its {last.quantity.sum():,.1f} "
        f"{last.unit} {fits:,.1f} fit. Choose less of either, or areas that do not share cells."
    )
