"""The question of how fast a scenario is asks what it says it asks."""

import json
from pathlib import Path

import pytest

from bench import __main__ as commands
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
