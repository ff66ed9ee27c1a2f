"""A result in finer cells: what changes in a cell of 500 m, laid on the cells of 100 m that it consists of.

Urban form, access and travel are matters of kilometres and are worked out city-wide on coarse cells. Where a planner
draws an area, its border and what stands beside it matter: so each coarse cell's change is laid on its fine cells by
the pattern that the same measures make there, with the area's own border. The sums of the coarse cells stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenarios.action_setting import Setting
from scenarios.effects import Action, groups_of
from scenarios.errors import InvalidScenario, InvalidState
from scenarios.evaluation import Evaluation
from scenarios.flows import flow_labels, flows_of
from scenarios.frame import FloatArray, IntArray
from scenarios.measures import action_of, in_order
from scenarios.path_samples import measured_change
from scenarios.result import Result
from scenarios.run import Baseline, Coverage, actions_of, road_curves
from scenarios.state import SECTORS, State

_AMOUNTS = {"afforestation": "hectares", "park": "hectares", "street_trees": "trees"}
"""Kinds that say how much in all: fine cells get their coarse cells' part."""
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Detail:
    """A result in fine cells, by the first set of elasticities.

    Attributes:
        state: of the fine cells.
        change_tco2e: (sectors, n) in the scenario's year; those of a coarse cell add up to its change.
        outside_tco2e: change of coarse cells in which no fine cell lies.
    """

    state: State
    change_tco2e: FloatArray
    outside_tco2e: float


def detailed(
    result: Result, baseline: Baseline, fine: State, coverage: Coverage | None = None, on_fine: Coverage | None = None
) -> Detail:
    """Lay a result on finer cells.

    Args:
        result: of a run on coarse cells.
        baseline: that it was run on.
        fine: state of cells that nest in the coarse ones, of the whole region or of a part of it, in the same year;
            of coarse cells at the part's edge it lacks some, and the others get their change: look inside it.
        coverage: tells the share of each coarse cell in an area, as the run was given it.
        on_fine: the same of each fine cell.

    Raises:
        InvalidState: cells that do not nest, or another year. InvalidScenario: an area that nothing tells of.
    """
    coarse = result.state
    parent = _parents(coarse, fine)
    inside = parent >= 0
    on_coarse = actions_of(baseline, result.scenario, coverage)
    actions = _actions(on_coarse, result, baseline, fine, parent, on_fine)
    groups = groups_of(actions, fine.cells)
    evaluation = Evaluation(
        fine, flow_labels(fine), flows_of(fine).tco2e, (), actions, groups, result.scenario.year, ""
    )
    pattern = np.abs(measured_change(evaluation))
    stands = np.stack([np.abs(fine.sector_tco2e(sector)) for sector in SECTORS])
    formed = result.first.formed_tco2e
    measured = result.first.change_tco2e - formed
    laid = np.zeros((len(SECTORS), fine.cells))
    area = fine.over(fine.area_ha)
    for sector in range(len(SECTORS)):
        laid[sector] += _laid(measured[sector], parent, [pattern[sector], stands[sector], area])
        laid[sector] += _laid(formed[sector], parent, [stands[sector], area])
    held = np.zeros(coarse.cells, dtype=bool)
    held[parent[inside]] = True
    return Detail(fine, laid, float(result.first.change_tco2e[:, ~held].sum()))


def _parents(coarse: State, fine: State) -> IntArray:
    """Position of the coarse cell in which each fine cell lies, (n,); -1 for none."""
    times = coarse.frame.size_m / fine.frame.size_m
    apart = [(getattr(fine.frame, axis) - getattr(coarse.frame, axis)) / fine.frame.size_m for axis in ("x_m", "y_m")]
    if times != round(times) or times < 2 or any(each != round(each) for each in apart):
        raise InvalidState(
            f"Cells of {fine.frame.size_m:g} m were given for a result in cells of {coarse.frame.size_m:g} m; finer "
            "ones that nest in them were expected, of the same edition."
        )
    if fine.year != coarse.year or fine.frame.crs != coarse.frame.crs:
        raise InvalidState(f"The fine cells are of {fine.year}, the result's of {coarse.year}; one year was expected.")
    rows, cols = np.nonzero(fine.inside)
    row = np.floor_divide(rows + round(apart[1]), round(times))
    col = np.floor_divide(cols + round(apart[0]), round(times))
    number = np.full(coarse.frame.shape, -1, dtype=np.int64)
    number[coarse.inside] = np.arange(coarse.cells)
    within = (row >= 0) & (row < coarse.frame.rows) & (col >= 0) & (col < coarse.frame.cols)
    found = np.full(fine.cells, -1, dtype=np.int64)
    found[within] = number[row[within], col[within]]
    return found


def _actions(
    on_coarse: Sequence[Action], result: Result, baseline: Baseline, fine: State, parent: IntArray,
    on_fine: Coverage | None,
) -> list[Action]:  # fmt: skip
    """The sector measures as they act on the fine cells; those that act nowhere there are left out."""
    parameters = baseline.parameters.given(result.scenario.parameters, "scenario")
    here = np.unique(parent[parent >= 0])
    measures = {measure.id: measure for measure in result.scenario.measures}
    found = []
    for action in on_coarse:
        measure = measures[action.measure]
        share = np.ones(fine.cells)
        if measure.area is not None:
            if on_fine is None:
                raise InvalidScenario(
                    f"{measure.id}: it has an area, and nothing was given that tells which fine cells lie in it."
                )
            share = fine.over(np.clip(on_fine(measure.area), 0.0, 1.0))
        amount = _AMOUNTS.get(action.kind)
        if amount is not None:
            part = float(action.quantity[here].sum() / action.quantity.sum())
            measure = measure.model_copy(update={amount: part * getattr(measure, amount)})
        if not share.any() or (amount is not None and not getattr(measure, amount) > _LEAST):
            continue
        found.append(action_of(measure, Setting(fine, parameters, share, road_curves())))
    return in_order(found)


def _laid(change: FloatArray, parent: IntArray, weights: Sequence[FloatArray]) -> FloatArray:
    """A change of coarse cells (n,) on fine ones, by the first of some weights that a coarse cell has any of."""
    inside = np.flatnonzero(parent >= 0)
    of = parent[inside]
    laid = np.zeros(len(parent))
    left = np.ones(len(change), dtype=bool)
    for weight in weights:
        total = np.bincount(of, weight[inside], minlength=len(change))
        usable = left & (total > 0)
        mine = usable[of]
        laid[inside[mine]] = change[of[mine]] * weight[inside[mine]] / total[of[mine]]
        left &= ~usable
    return laid
