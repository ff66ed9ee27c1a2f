"""A feature whose parts do not add up to it is refused by id, and the build goes on without it."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from carbonmap.build import Built, build_region
from carbonmap.progress import Silent
from grids import sharing
from grids.zone_index import ZoneParts, parts_in_zones


def build(tiny: Any, store: Path | None = None) -> Built:
    return build_region(tiny.write(), None, store or tiny.store, progress=Silent())


def tables(built: Built) -> dict[str, pd.DataFrame]:
    folder = built.store / built.region / built.edition / "tables"
    return {str(path.relative_to(folder)): pq.read_table(path).to_pandas() for path in folder.rglob("*.parquet")}


def losing(monkeypatch: pytest.MonkeyPatch, feature: int, of: int) -> None:
    """Let a feature of the layer of so many lose a hundredth of what it has in zones, as an overlay that fails does."""

    def fewer(*given: Any, **how: Any) -> ZoneParts:
        parts = parts_in_zones(*given, **how)
        if "rest" in how and given[0].size == of:
            parts.amount[parts.owner == feature] *= 0.99
        return parts

    monkeypatch.setattr(sharing, "parts_in_zones", fewer)


def test_a_feature_that_does_not_add_up_is_counted_with_its_amount_and_the_rest_is_built(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, command: Any, tmp_path: Path
) -> None:
    whole = build(tiny, tmp_path / "whole")
    lines = pq.read_table(whole.store / "tiny" / whole.edition / "private" / "lines-buildings.parquet").to_pandas()
    of_b4 = float(lines.loc[lines["feature"] == 3, "emissions_tco2e"].sum())
    assert of_b4 > 0
    losing(monkeypatch, feature=3, of=4)
    built = build(tiny)
    report: dict[str, Any]
    [report] = [layer.report for layer in built.manifest.layers if layer.id == "buildings"]
    assert (report["read"], report["kept"]) == (4, 3)
    assert report["refused"] == [
        {"id": "b4", "reason": "its parts and what lies outside do not add up to it [0.99 of it]"}
    ]
    assert report["left_out"]["count"] == 1
    assert report["left_out"]["amounts"]["emissions_tco2e_2023"] == pytest.approx(of_b4, rel=1e-12)
    assert report["left_out"]["amounts"]["area_ha"] == pytest.approx(0.04, rel=1e-3)
    told = " ".join(built.summary())
    assert "refused 1: its parts and what lies outside do not add up to it" in told
    assert "in no total, since they were refused when they were cut: 1 (area_ha 0.04" in told
    assert "left_out 1" in command("info", "tiny", "--store", tiny.store)[1]
    public = json.dumps(built.manifest.public())
    assert '"b4"' not in public  # buildings are private
    assert "emissions_tco2e_2023" not in public

    monkeypatch.undo()
    tiny.layers["buildings.geojson"]["features"].pop(3)
    expected = tables(build(tiny, tmp_path / "never-there"))
    found = tables(built)
    assert found.keys() == expected.keys()
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table, obj=name)


def test_a_layer_of_which_nothing_adds_up_is_empty(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    losing(monkeypatch, feature=0, of=1)
    with pytest.raises(Exception, match=r"forest.*1 refused.*do not add up"):
        build(tiny)
