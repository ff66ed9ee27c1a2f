"""First-in and last-in of every measure against runs of it alone and of all others, whatever their ramps."""

from types import ModuleType
from typing import Any

import pytest

from scenarios.result import Result
from scenarios.run import Baseline, baseline_of, run
from scenarios.scenario import read_scenario

GROWTH = {"id": "growth", "kind": "growth", "form": "compact", "people_growth": 0.1, "jobs_growth": 0.1}
LOSS = {"id": "loss", "kind": "green_loss", "level": 0.5}
CHANGE = {"id": "change", "kind": "use_change", "source": "nonresidential", "target": "residential", "level": 0.3}
STREETS = {"id": "streets", "kind": "streets", "change": 0.3}
RETROFIT = {"id": "retrofit", "kind": "retrofit", "level": 0.5, "start": 2035, "ramp_years": 10}
EV = {"id": "ev", "kind": "electric_vehicles", "level": 0.6, "ramp_years": 30}
SPEED = {"id": "speed", "kind": "speed", "before_kmh": 25, "after_kmh": 40, "start": 2036, "ramp_years": 8}
GRID = {"id": "grid", "kind": "electricity_factor", "parameters": {"electricity.target_factor": 0.2}, "ramp_years": 40}
PARK = {"id": "park", "kind": "park", "hectares": 20, "start": 2030, "ramp_years": 12}


def late(measure: dict[str, Any], start: int, ramp: int) -> dict[str, Any]:
    return measure | {"start": start, "ramp_years": ramp}


def ran(baseline: Baseline, measures: list[dict[str, Any]]) -> Result:
    return run(baseline, read_scenario({"year": 2040, "measures": measures}))


@pytest.mark.parametrize(
    "measures",
    [
        [late(GROWTH, 2030, 20), LOSS],
        [LOSS, late(GROWTH, 2030, 20)],
        [late(LOSS, 2038, 8), CHANGE, late(GROWTH, 2030, 20), STREETS, late(CHANGE, 2040, 2) | {"id": "never"}],
        [late(GROWTH, 2030, 20), late(STREETS, 2030, 20), LOSS, RETROFIT, EV, SPEED, GRID, PARK],
    ],
    ids=["growth first", "growth last", "five forms", "with sector measures"],
)
def test_first_in_and_last_in_are_what_runs_say(cities: ModuleType, measures: list[dict[str, Any]]) -> None:
    baseline = baseline_of(cities.city(12, 12))
    result = ran(baseline, measures)
    whole = result.first.total_tco2e
    for effect in result.measures:
        [alone] = [measure for measure in measures if measure["id"] == effect.id]
        others = [measure for measure in measures if measure is not alone]
        assert effect.first_in_tco2e == pytest.approx(ran(baseline, [alone]).first.total_tco2e, rel=1e-9, abs=1e-7)
        last = whole - ran(baseline, others).first.total_tco2e
        assert effect.last_in_tco2e == pytest.approx(last, rel=1e-9, abs=1e-7)
