"""The question of how fast a scenario is asks what it says it asks."""

import json
from pathlib import Path

import pytest

from bench import __main__ as commands
from bench.mixes import made_options
from bench.scenarios import MEASURES, region


def test_every_request_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "scenario.json"
    monkeypatch.setattr(
        "sys.argv", ["bench", "scenario", "--side", "12", "--samples", "20", "--repeat", "1", "--json", str(file)]
    )
    with pytest.raises(SystemExit) as ended:
        commands.app()
    assert ended.value.code == 0
    told = json.loads(file.read_text("utf-8"))
    assert told["settings"] == {"cells": 144, "measures": 10, "samples": 20, "repeat": 1}
    assert [row["request"] for row in told["rows"]] == [
        "baseline, once",
        "point",
        "point, sector measures only",
        "20 samples",
    ]


def test_the_region_is_the_same_each_time() -> None:
    one, two = region(10), region(10)
    assert (one.buildings_tco2e == two.buildings_tco2e).all()
    assert len(MEASURES) == 10


def test_every_mix_is_chosen_with_a_proven_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mix.json"
    asked = ["bench", "mix", "--zones", "12", "--measures", "5", "--repeat", "1", "--json", str(file)]
    monkeypatch.setattr("sys.argv", asked)
    with pytest.raises(SystemExit) as ended:
        commands.app()
    assert ended.value.code == 0
    told = json.loads(file.read_text("utf-8"))
    assert told["settings"] == {"zones": 12, "measures": 5, "levels": 3, "repeat": 1}
    assert len(told["rows"]) == 5
    for row in told["rows"]:
        assert row["gap_percent"] < row["aim_gap_percent"], row["request"]
        assert 0 < row["saved_percent"] <= 100
    target, budget = told["rows"][:2]
    assert target["saved_percent"] >= 50
    assert budget["saved_percent"] >= target["saved_percent"] * (1 - 1e-9)
    assert (made_options(6, 4).costs == made_options(6, 4).costs).all()
