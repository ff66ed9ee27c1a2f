"""The process `best-mix`: the optimiser on the places of an edition, and what it says as a document."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from api.answers import labels
from api.errors import InvalidParameter
from api.mix_inputs import MOST_ZONES, MixInputs
from api.process_inputs import Work
from api.scenario_answers import known_list, place_features
from api.scenario_runs import grid_to_start_from
from grids.edition import Edition
from scenarios.combinations import Combinations, combinations
from scenarios.contributions import contributions
from scenarios.frontier import cost_reduction_frontier
from scenarios.limits import Fairness, Limits
from scenarios.marginal_curve import marginal_curve
from scenarios.mix import Mix
from scenarios.options import FloatArray, IntArray, Options
from scenarios.portfolio import Portfolio, best_portfolio
from scenarios.robust import RobustPortfolio, robust_portfolio
from scenarios.scenario import Area, Scenario
from scenarios.shares import area_shares
from scenarios.solver import Progress, Settings
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
}


def best_mix(inputs: MixInputs, work: Work) -> dict[str, Any]:
    """Choose measures, levels and places.

    Raises:
        InvalidParameter, ScenarioError: inputs that cannot be used; TargetOutOfReach says what can be reached.
        Stopped: the job was dismissed.
    """
    edition = work.edition
    work.progress(0.02, "reads the baseline")
    grid = grid_to_start_from(edition, inputs.collection)
    year = edition.year(grid, inputs.baseline_year)
    baseline = work.places.runs.baseline(edition, grid, year)
    names, polygons, told = _zones(edition, inputs, grid, year)
    mix = Mix(
        baseline, inputs.year, inputs.made_candidates(), area_shares(baseline.state, polygons), names,
        inputs.parameters,
    )  # fmt: skip
    work.progress(0.1, "works out what each measure does in each place")
    everything = mix.options
    allowed, still = inputs.allowed(everything.allowed, names, edition, polygons)
    options = replace(everything, allowed=allowed)
    limits = inputs.made_limits(names)
    heads = np.asarray(mix.zones @ baseline.state.over(baseline.state.population))
    fairness = inputs.made_fairness(names, heads)
    before = mix.simulate(np.zeros(options.shape[:2], np.int64))
    target = inputs.target_tco2e
    if inputs.target_share is not None:
        if before.sum() <= 0:
            raise InvalidParameter(
                f"inputs.target_share: the places take up {-before.sum():,.1f} tCO2e a year net, of which no share can "
                "be saved: give target_tco2e"
            )
        target = inputs.target_share * float(before.sum())
    choosing = _settings(inputs, work, 0.4, 0.55, "chooses")
    best = best_portfolio(
        options, target_tco2e=target, budget=inputs.budget, limits=limits, fairness=fairness, simulate=mix.simulate,
        settings=choosing,
    )  # fmt: skip
    found = combinations(options)
    work.progress(0.6, "draws the frontier" if inputs.frontier else "tells what it found")
    line = _frontier(inputs, work, options, mix, limits, fairness)
    sure = None
    if inputs.robust is not None and target is not None:
        sure = _robust(inputs, work, options, mix, target, limits, fairness)
    work.progress(0.97, "tells what it found")
    return {
        **labels(edition.manifest),
        "region": edition.region.id,
        "collection": grid,
        "baseline_year": year,
        "year": inputs.year,
        "zones": inputs.zones,
        "notes": NOTES,
        "result_illustrative": any(note.illustrative for note in baseline.state.notes),
        "goal": {"budget": inputs.budget} if target is None else {"target_tco2e": target},
        "baseline_tco2e": float(before.sum()),
        "baseline_sectors_tco2e": {
            name: float((mix.zones @ baseline.state.sector_tco2e(name)).sum()) for name in SECTORS
        },
        "portfolio": _portfolio(best),
        "measures": _measures(options, mix, best),
        "places": {
            "type": "FeatureCollection",
            "features": place_features(
                names, polygons, edition.crs, {**told, **_places(options, mix, best, before, still)}
            ),
        },
        **_curve(found, mix),
        "frontier": [_point(one) for one in line],
        "robust": None if sure is None else _sure(sure, mix),
        "scenario": _document(mix.scenario(best.levels), inputs.zones),
    }


def _zones(
    edition: Edition, inputs: MixInputs, grid: str, year: int
) -> tuple[list[str], list[Any], dict[str, list[Any]]]:
    """Ids, polygons and names of the places that choose."""
    info = edition.collection(inputs.zones)
    size = edition.collection(grid).cell_size_m or 0
    if info.kind == "grid" and (info.cell_size_m or 0) <= size:
        raise InvalidParameter(
            f"inputs.zones: {info.id!r} is no coarser than {grid!r}, on which effects are worked out"
        )
    year = edition.year(info.id, year)
    if inputs.zone_ids is None:
        if info.count > MOST_ZONES:
            raise InvalidParameter(
                f"inputs.zones: {info.id!r} has {info.count} places, at most {MOST_ZONES} can choose: name some in "
                "zone_ids"
            )
        rows = edition.page(info.id, year).rows
    else:
        positions = edition.positions(info.id, year, list(inputs.zone_ids))
        if (positions < 0).any():
            missing = inputs.zone_ids[int(np.flatnonzero(positions < 0)[0])]
            raise InvalidParameter(f"inputs.zone_ids: collection {info.id!r} has no item {missing[:80]!r}")
        rows = edition.rows(info.id, year, np.unique(positions))
    told = {name: rows[name].to_pylist() for name in info.columns if name.startswith("name_")}
    return rows["id"].to_pylist(), list(edition.polygons(info.id, rows)), told


def _settings(
    inputs: MixInputs, work: Work, first: float, last: float, message: str, seconds: float | None = None
) -> Settings:
    limit = inputs.seconds if seconds is None else seconds
    return Settings(inputs.gap, limit, _now_and_then(work, first, last, message, limit), work.cancelled)


def _now_and_then(work: Work, first: float, last: float, message: str, limit: float) -> Callable[[Progress], None]:
    """Tell how far the solver is, twice a second: it asks for much more often."""
    told = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > 0.5 and not work.cancelled():  # a cancelled one returns by itself
            told = now
            known = f", gap {progress.gap:.2%}" if np.isfinite(progress.gap) else ""
            work.progress(first + (last - first) * min(progress.seconds / limit, 1.0), f"{message}{known}")

    return tell


def _frontier(
    inputs: MixInputs, work: Work, options: Options, mix: Mix, limits: Limits, fairness: Fairness | None
) -> list[Portfolio]:
    if inputs.frontier < 2:
        return []
    seconds = max(1.0, inputs.seconds / inputs.frontier)
    return cost_reduction_frontier(
        options, points=inputs.frontier, limits=limits, fairness=fairness, simulate=mix.simulate,
        settings=_settings(inputs, work, 0.6, 0.75, "draws the frontier", seconds),
    )  # fmt: skip


def _robust(
    inputs: MixInputs, work: Work, options: Options, mix: Mix, target: float, limits: Limits,
    fairness: Fairness | None,
) -> RobustPortfolio:  # fmt: skip
    assert inputs.robust is not None
    work.progress(0.75, "draws samples to choose by")
    train = mix.samples(inputs.robust.samples, 1)
    work.progress(0.82, "draws samples to check with")
    held_out = mix.samples(inputs.robust.samples, 2)
    return robust_portfolio(
        options, train, held_out, target_tco2e=target, share=inputs.robust.share, limits=limits, fairness=fairness,
        settings=_settings(inputs, work, 0.88, 0.97, "chooses what is sure"),
    )  # fmt: skip


def _portfolio(best: Portfolio) -> dict[str, Any]:
    return {
        "saved_tco2e": best.total_tco2e,
        "cost": best.total_cost,
        "cost_unit": best.cost_unit,
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


def _measures(options: Options, mix: Mix, best: Portfolio) -> list[dict[str, Any]]:
    each = contributions(options, best.levels)
    quantities = mix.quantities(best.levels)
    picked = np.take_along_axis(options.costs, best.levels[:, :, None], axis=2)[:, :, 0]
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
            "zones": int((best.levels[:, place] > 0).sum()),
        }
        for place, candidate in enumerate(mix.candidates)
    ]


def _places(
    options: Options, mix: Mix, best: Portfolio, before: FloatArray, still: np.ndarray[Any, np.dtype[np.bool_]]
) -> dict[str, list[Any]]:
    quantities = mix.quantities(best.levels)
    return {
        "baseline_tco2e": known_list(before),
        "saved_tco2e": known_list(best.saved_tco2e),
        "cost": known_list(best.cost),
        "levels": [_levels(row, mix) for row in best.levels],
        "quantities": [
            {mix.candidates[k].measure.id: float(quantities[zone, k]) for k in np.flatnonzero(row).tolist()}
            for zone, row in enumerate(best.levels)
        ],
        "measures": (best.levels > 0).sum(axis=1).tolist(),
        "unchanged": still.tolist(),
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
        "safe_tco2e": sure.safe_tco2e,
        "shortfall_tco2e": sure.shortfall_tco2e,
        "kept": sure.kept,
        "gap": sure.gap,
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
