"""A summary is plain JSON, says what the result says, and bears its labels."""

import json
from types import ModuleType

import pytest

from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario
from scenarios.summary import summary


def test_a_summary_is_json_and_agrees_with_the_result(cities: ModuleType) -> None:
    measures = [
        {"id": "compact", "kind": "growth", "form": "compact", "people": 1000},
        {"id": "retrofit", "kind": "retrofit", "level": 0.5, "costs": {"capital_per_unit": 200}},
    ]
    document = {"year": 2035, "measures": measures, "target": {"reduction": 0.3}}
    result = run(baseline_of(cities.city(8, 8)), read_scenario(document), samples=100)
    told = json.loads(json.dumps(summary(result), allow_nan=False))
    assert told["change_tco2e"]["net"] == pytest.approx(result.first.total_tco2e)
    assert told["illustrative"] is True
    assert [measure["id"] for measure in told["measures"]] == ["compact", "retrofit"]
    assert told["measures"][1]["cost_per_tco2e"] > 0
    assert told["interval"]["tco2e"] == list(result.samples.interval_tco2e())  # type: ignore[union-attr]
    assert len(told["sets"]["stevens_2017"]["path_tco2e"]) == len(told["years"]) == 12
    ids = {parameter["id"] for parameter in told["parameters"]}
    assert {"retrofit.saving", "state.resident_share"} <= ids
    assert all(parameter["source"] and parameter["unit"] for parameter in told["parameters"])


def test_a_summary_without_people_has_no_indicators(cities: ModuleType) -> None:
    import numpy as np

    empty = cities.city(4, 4, population=np.zeros((4, 4)), jobs=np.zeros((4, 4)))
    told = json.dumps(summary(run(baseline_of(empty), read_scenario({"year": 2030}))), allow_nan=False)
    assert json.loads(told)["indicators"]["before"]["mean_trip_length_km"] is None
