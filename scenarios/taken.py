"""What there is only once: ground to plant, ground under crowns, and roofs; measures share it and take it no twice."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scenarios.effects import Action
from scenarios.errors import InvalidScenario
from scenarios.frame import BoolArray, FloatArray
from scenarios.scenario import Area
from scenarios.state import State

RESOURCES = {
    "ground": "ground that is neither green nor built on",
    "crowns": "ground that crowns may cover",
    "roofs": "roofs that can bear modules",
}
"""What measures may take together no more than once."""
MOST_TOGETHER = 6
"""Of so many areas in a cell every selection is looked at, of more of them only such selections, and all of them."""
_ROUNDING = 1e-9
_DRAWN_TWICE = 1e-3  # of a cell that areas may share and yet lie beside each other: borders drawn twice seldom meet

Union = Callable[[Sequence[Area | None]], FloatArray]
"""Areas -> (n,) share of each cell in any of them; None stands for all ground."""


@dataclass(frozen=True, eq=False)
class _Place:
    """One area, and the share of each cell that measures take in it."""

    area: Area | None
    share: FloatArray
    taken: FloatArray


def check_taken(
    state: State, actions: Sequence[Action], areas: Sequence[Area | None], shares: Sequence[FloatArray], union: Union
) -> None:
    """See that measures together take nothing twice, in any cell.

    Where in its area of a cell a measure takes its part is open. What some areas have for their measures is what lies
    in any of them; there is enough for all if there is enough for every selection of them (Hall's theorem).

    Args:
        state: the baseline.
        actions: in the order in which they may take.
        areas: of each action.
        shares: (n,) the share of each cell in the area of each action.
        union: asked only for areas of which shares alone do not tell whether they give enough.

    Raises:
        InvalidScenario: naming the measure that finds too little left, where, and how much of it fits.
    """
    for resource, words in RESOURCES.items():
        before: list[str] = []
        places: list[_Place] = []
        for action, area, share in zip(actions, areas, shares, strict=True):
            if action.takes != resource:
                continue
            takes = np.where(action.quantity > 0, action.coverage, 0.0)
            same = next((k for k, place in enumerate(places) if place.area == area), None)
            if before:
                others = [place for k, place in enumerate(places) if k != same]
                own = np.zeros(state.cells) if same is None else places[same].taken
                left = _left(_Place(area, share, own), others, takes, union)
                _refuse_more(state, action, takes, left, words, before)
            before.append(action.measure)
            if same is None:
                places.append(_Place(area, share, takes))
            else:
                places[same] = _Place(area, share, places[same].taken + takes)
    _check_open_ground(state, actions)


def _check_open_ground(state: State, actions: Sequence[Action]) -> None:
    """See that new woods or parks and the crowns of other trees find open ground in each cell, wherever in it they are.

    Woods and parks take ground that is not built on, crowns may hang over streets and roofs, too.
    """
    not_green = state.over(np.maximum(state.area_ha - state.green_ha, 0.0))
    planted = [action for action in actions if action.takes in ("ground", "crowns")]
    if len({action.takes for action in planted}) < 2:
        return
    left = np.ones(state.cells)
    for place, action in enumerate(planted):
        hectares = action.quantity if action.takes == "ground" else action.coverage * not_green
        takes = np.divide(hectares, not_green, out=np.zeros(state.cells), where=not_green > 0)
        _refuse_more(state, action, takes, left, "ground that is not green", [one.measure for one in planted[:place]])
        left = left - takes


def _left(own: _Place, others: Sequence[_Place], takes: FloatArray, union: Union) -> FloatArray:
    """(n,) what others leave of each cell to a measure in its area, which is as much as the barest selection does."""
    left = own.share - own.taken
    for chosen, cells in _selections(others, takes > 0):
        together = [own, *(others[k] for k in chosen)]
        taken = np.sum([place.taken for place in together], axis=0)
        # All of them lie at least where the largest does: where that is enough nothing has to be drawn.
        enough = np.max([place.share for place in together], axis=0) - taken
        if (takes[cells] <= enough[cells] * (1 + _ROUNDING) + _ROUNDING).all():
            continue
        united = union([place.area for place in together])
        beside = np.sum([place.share for place in together], axis=0)
        united = np.where(beside - united <= _DRAWN_TWICE, np.minimum(beside, 1.0), united)
        left = np.where(cells, np.minimum(left, united - taken), left)
    return left


def _selections(places: Sequence[_Place], within: BoolArray) -> Iterator[tuple[tuple[int, ...], BoolArray]]:
    """Areas that all give to a measure in some cell, and these cells (n,); one by one, by two, and so on."""
    ahead: list[tuple[tuple[int, ...], BoolArray]] = [((), within)]
    while ahead:
        wider = []
        for chosen, cells in ahead:
            for k in range(chosen[-1] + 1 if chosen else 0, len(places)):
                common = cells & (places[k].taken > 0)
                if common.any():
                    wider.append(((*chosen, k), common))
        yield from wider
        ahead = wider if wider and len(wider[0][0]) < MOST_TOGETHER - 1 else []
    if len(places) >= MOST_TOGETHER:
        yield tuple(range(len(places))), within


def _refuse_more(
    state: State, action: Action, takes: FloatArray, left: FloatArray, words: str, before: Sequence[str]
) -> None:
    """Refuse a measure that takes more than is left."""
    if not (takes > left * (1 + _ROUNDING) + _ROUNDING).any():
        return
    part = np.divide(np.maximum(left, 0.0), takes, out=np.full(state.cells, np.inf), where=takes > 0)
    worst = int(part.argmin())
    row, col = (int(ids[worst]) for ids in state.ids())
    fits = float(part[worst] * action.quantity.sum())
    raise InvalidScenario(
        f"{action.measure}: in the cell of row {row} and column {col} it takes {takes[worst]:.1%} of the {words}, of "
        f"which {', '.join(before)} left {max(float(left[worst]), 0.0):.1%}: of its {action.quantity.sum():,.1f} "
        f"{action.unit} {fits:,.1f} fit. Choose less of either, or areas that do not overlap."
    )
