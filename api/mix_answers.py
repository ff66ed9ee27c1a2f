"""What the process `best-mix` answers: the choice, what each measure adds, places, curve, frontier, and a scenario."""

from typing import Any

import numpy as np

from api.answers import labels
from api.mix_inputs import MixInputs
from api.mix_runs import MixFound, found_mix
from api.process_inputs import Work
from api.scenario_answers import known_list, place_features
from scenarios.combinations import Combinations, combinations
from scenarios.contributions import contributions
from scenarios.marginal_curve import marginal_curve
from scenarios.mix import Mix
from scenarios.options import IntArray
from scenarios.portfolio import Portfolio
from scenarios.robust import RobustPortfolio
from scenarios.scenario import Area, Scenario
from scenarios.state import SECTORS

MOST_STEPS = 10_000
NOTES = {
    "source": "what if, not a forecast: published values of the edition, changed by measures whose costs and levels "
    "whoever asked gave",
    "effects": "tCO2e a year in the year asked for, by the first set of elasticities; measures that work on the same "
    "emissions count once",
    "gap": "no choice within the limits is better by more than the gap, by the corrected estimate; difference is "
    "between that estimate and the full simulation of the choice",
    "curve": "each step replaces what a place does by the next cheaper per tonne; limits, fairness and what the "
    "simulation corrects are not in it",
    "places": "what a cell at a border changes goes to the places that took the measure",
    "robust": "held_out_share is by what each measure saves in samples that played no part in choosing, "
    "simulated_share by the whole choice run in them, by which kept, safe_tco2e and shortfall_tco2e are told; it is a "
    "search, and gap is proven among the combinations of its last linear program only; stopped tells time that was up",
}


def best_mix(inputs: MixInputs, work: Work) -> dict[str, Any]:
    """Choose measures, levels and places, and say so.

    Raises:
        InvalidParameter, ScenarioError: inputs that cannot be used; TargetOutOfReach says what can be reached.
        Stopped: the job was dismissed.
    """
    return mix_answer(found_mix(inputs, work))


def mix_answer(found: MixFound) -> dict[str, Any]:
    """What was found, as a document."""
    edition, mix, target = found.edition, found.mix, found.target_tco2e
    return {
        **labels(edition.manifest),
        "region": edition.region.id,
        "collection": found.grid,
        "baseline_year": found.year,
        "year": mix.year,
        "zones": found.inputs.zones,
        "notes": NOTES,
        "result_illustrative": mix.illustrative,
        "goal": {"budget": found.inputs.budget} if target is None else {"target_tco2e": target},
        "baseline_tco2e": found.before_all["net"],
        "baseline_sectors_tco2e": {name: found.before_all[name] for name in SECTORS},
        "portfolio": _portfolio(found.best),
        "measures": _measures(found),
        "places": {
            "type": "FeatureCollection",
            "features": place_features(mix.names, found.polygons, edition.crs, {**found.names, **_places(found)}),
        },
        **_curve(combinations(found.options), mix),
        "frontier": [_point(one) for one in found.line],
        "robust": None if found.robust is None else _sure(found.robust, mix),
        "scenario": _document(mix.scenario(found.best.levels), found.inputs.zones),
    }


def _portfolio(best: Portfolio) -> dict[str, Any]:
    return {
        "saved_tco2e": best.total_tco2e,
        "cost": best.total_cost,
        "cost_unit": best.cost_unit,
        "currency": best.cost_unit.removesuffix(" a year"),
        "estimated_tco2e": float(best.estimated_tco2e.sum()),
        "difference": best.difference,
        "first_difference": best.first_difference,
        "agrees": best.agrees,
        "bound": best.bound,
        "gap": best.gap,
        "rounds": best.rounds,
        "stopped": best.stopped,
    }


def _point(one: Portfolio) -> dict[str, Any]:
    return {"cost": one.total_cost, "saved_tco2e": one.total_tco2e, "gap": one.gap, "difference": one.difference}


def _measures(found: MixFound) -> list[dict[str, Any]]:
    options, mix, levels = found.options, found.mix, found.best.levels
    each = contributions(options, levels)
    quantities = mix.quantities(levels)
    picked = np.take_along_axis(options.costs, levels[:, :, None], axis=2)[:, :, 0]
    return [
        {
            "id": candidate.measure.id,
            "kind": candidate.measure.kind,
            "saved_tco2e": float(each.in_order[:, place].sum()),
            "first_in_tco2e": float(each.first_in[:, place].sum()),
            "last_in_tco2e": float(each.last_in[:, place].sum()),
            "cost": float(picked[:, place].sum()),
            "quantity": float(quantities[:, place].sum()),
            "unit": mix.units[place],
            "zones": int((levels[:, place] > 0).sum()),
        }
        for place, candidate in enumerate(mix.candidates)
    ]


def _places(found: MixFound) -> dict[str, list[Any]]:
    mix, best = found.mix, found.best
    quantities = mix.quantities(best.levels)
    return {
        "baseline_tco2e": list(found.before["net"]),
        "saved_tco2e": known_list(best.saved_tco2e),
        "cost": known_list(best.cost),
        "levels": [_levels(row, mix) for row in best.levels],
        "quantities": [
            {mix.candidates[k].measure.id: float(quantities[zone, k]) for k in np.flatnonzero(row).tolist()}
            for zone, row in enumerate(best.levels)
        ],
        "measures": (best.levels > 0).sum(axis=1).tolist(),
        "unchanged": found.unchanged.tolist(),
    }


def _levels(row: IntArray, mix: Mix) -> dict[str, float]:
    """Levels above none of one place by measure."""
    return {mix.candidates[k].measure.id: mix.candidates[k].levels[row[k] - 1] for k in np.flatnonzero(row).tolist()}


def _curve(found: Combinations, mix: Mix) -> dict[str, Any]:
    curve = marginal_curve(found)
    saved, cost = np.cumsum(curve.saved_tco2e), np.cumsum(curve.cost)
    shown = slice(0, MOST_STEPS)
    steps = [
        {
            "zone": mix.names[zone],
            "measures": _levels(found.levels[after], mix),
            "saved_tco2e": float(curve.saved_tco2e[place]),
            "cost": float(curve.cost[place]),
            "cost_per_tco2e": float(curve.unit_cost[place]),
            "cumulative_tco2e": float(saved[place]),
            "cumulative_cost": float(cost[place]),
        }
        for place, (zone, after) in enumerate(zip(curve.zone[shown], curve.after[shown], strict=True))
    ]
    return {"curve": steps, "curve_steps": len(curve.zone)}


def _sure(sure: RobustPortfolio, mix: Mix) -> dict[str, Any]:
    return {
        "cost": sure.total_cost,
        "target_tco2e": sure.target_tco2e,
        "share": sure.train_share,
        "held_out_share": sure.held_out_share,
        "simulated_share": sure.simulated_share,
        "safe_tco2e": sure.safe_tco2e,
        "shortfall_tco2e": sure.shortfall_tco2e,
        "kept": sure.kept,
        "gap": sure.gap,
        "stopped": sure.stopped,
        "levels": {
            name: _levels(row, mix) for name, row in zip(mix.names, sure.levels, strict=True) if (row > 0).any()
        },
    }


def _document(scenario: Scenario, zones: str) -> dict[str, Any]:
    """A choice as a scenario whose areas are items of the collection."""
    measures = tuple(
        measure.model_copy(update={"area": Area(collection=zones, ids=measure.area.ids)})
        for measure in scenario.measures
        if measure.area is not None
    )
    named = scenario.model_copy(update={"measures": measures})
    return named.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
