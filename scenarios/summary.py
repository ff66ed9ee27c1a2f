"""A result in words and numbers that go into JSON: what an answer, an export or a report says of it."""

import math
from typing import Any

import numpy as np

from scenarios.costs import total_costs
from scenarios.frame import FloatArray
from scenarios.result import Indicators, MeasureEffect, Outcome, Result
from scenarios.road_steps import RoadReport
from scenarios.state import SECTORS
from scenarios.target import TargetReached, target_reached


def summary(result: Result) -> dict[str, Any]:
    """Totals, range, interval, measures, path, indicators, parameters and notes of a result; tCO2e a year, signed.

    Single numbers are by the first set of elasticities, named in `elasticities`; `range_tco2e` is over all sets, and so
    are `low_tco2e` and `high_tco2e` of the path. Intervals are of the change, as samples tell it, by the first set, but
    each of `sets` has one of its own. A sector that the edition tells nowhere is None before, and net with it, on the
    path too; `known_share` says of how much of the ground each sector is known.
    """
    state, first = result.state, next(iter(result.outcomes))
    before = {name: None if name in state.untold else float(state.sector_tco2e(name).sum()) for name in SECTORS}
    net = None if state.untold else result.baseline_tco2e
    area = state.over(state.area_ha)
    ground = float(area.sum())
    known = {name: float(area[state.tells(name)].sum()) / ground if ground else None for name in SECTORS}
    samples = result.samples
    interval = None
    if samples is not None:
        interval = {
            "level": 0.9,
            "tco2e": list(samples.interval_tco2e()),
            "sectors_tco2e": {
                sector: np.quantile(values, [0.05, 0.95]).tolist()
                for sector, values in zip(SECTORS, samples.sectors_tco2e, strict=True)
            },
            "sampled": list(samples.sampled),
        }
    return {
        "region": state.region,
        "edition": state.edition,
        "collection": state.collection,
        "baseline_year": state.year,
        "year": result.scenario.year,
        "illustrative": result.illustrative,
        "elasticities": first,
        "baseline_tco2e": before | {"net": net},
        "known_share": known,
        "change_tco2e": _sectors(result.outcomes[first]),
        "range_tco2e": list(result.range_tco2e()),
        "interval": interval,
        "sets": {
            name: {
                "change_tco2e": _sectors(outcome),
                "interval_tco2e": None if samples is None else list(samples.interval_tco2e(name)),
                "leaves_tco2e": outcome.leaves_tco2e,
                "path_tco2e": _net(result, outcome.path_tco2e),
            }
            for name, outcome in result.outcomes.items()
        },
        "years": result.years.tolist(),
        "path": _path(result),
        "target_tco2e": result.target_tco2e,
        "target": _target(target_reached(result)),
        "costs": [dict(cost.__dict__) for cost in total_costs(result.measures)],
        "measures": [_effect(effect) for effect in result.measures],
        "indicators": {"before": _indicators(result.before), "after": _indicators(result.then)},
        "roads": None if result.roads is None else _roads(result.roads),
        "parameters": [parameter.record() for parameter in result.used],
        "notes": [note.record() for note in result.notes],
    }


def _path(result: Result) -> dict[str, Any]:
    """Net emissions by year: the range over the sets of elasticities, and in the years drawn the interval."""
    paths = np.stack([outcome.path_tco2e for outcome in result.outcomes.values()])
    interval = None
    if result.samples is not None:
        low, high = result.baseline_tco2e + result.samples.path_interval_tco2e()
        interval = {
            "level": 0.9,
            "years": result.samples.path_years.tolist(),
            "low_tco2e": _net(result, low),
            "high_tco2e": _net(result, high),
        }
    return {
        "years": result.years.tolist(),
        "low_tco2e": _net(result, paths.min(axis=0)),
        "high_tco2e": _net(result, paths.max(axis=0)),
        "interval": interval,
    }


def _net(result: Result, values: FloatArray) -> list[float | None]:
    return [None] * len(values) if result.state.untold else values.tolist()


def _target(found: TargetReached | None) -> dict[str, Any] | None:
    return None if found is None else {**found.__dict__, "reached": found.reached}


def _sectors(outcome: Outcome) -> dict[str, float]:
    sums = {sector: float(row.sum()) for sector, row in zip(SECTORS, outcome.change_tco2e, strict=True)}
    return sums | {"net": sum(sums.values())}


def _roads(report: RoadReport) -> dict[str, Any]:
    """Residents' car trips on the roads, [before, after]; minutes are null where no trip arrives."""
    return {
        "links": report.connectivity.links,
        "parts": report.connectivity.parts,
        "main_share": report.connectivity.main_share,
        "zones": report.zones,
        "minutes": [None if math.isnan(value) else value for value in report.minutes],
        "vehicle_km": report.vehicle_km.sum(axis=1).tolist(),
        "cut_off": list(report.cut_off),
        "unlaid_tco2e": report.unlaid_tco2e,
    }


def _effect(effect: MeasureEffect) -> dict[str, Any]:
    return {**effect.__dict__, "cost_per_tco2e": effect.cost_per_tco2e}


def _indicators(found: Indicators) -> dict[str, float | None]:
    values: dict[str, float | None] = dict(found.__dict__)
    return {name: None if value is None or math.isnan(value) else value for name, value in values.items()}
