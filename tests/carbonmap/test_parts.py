"""Parts of a build: together they are the whole, to the last bit; what is half done is never taken for done."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from carbonmap.build import Built, build_region
from carbonmap.parts import Part, PartRecord, WorkFolder
from carbonmap.progress import Silent
from gis.layers import ReadReport

EAST, NORTH = 540_000, 5_220_000
COUNT = 230


def many_buildings(tiny) -> None:
    """Buildings all over the region and beyond its border, two in three metered, as GeoParquet in small row groups."""
    rng = np.random.default_rng(11)
    places = rng.uniform(-100, 2100, (COUNT, 2)) + np.array([EAST, NORTH])
    shapes = shapely.box(*places.T, *(places + rng.uniform(5, 150, (COUNT, 2))).T)
    frame = gpd.GeoDataFrame(
        {
            "bid": [f"b{k}" for k in range(COUNT)],
            "kind": rng.choice(["apartment", "office", "retail", "observatory"], COUNT),
            "floors": rng.integers(1, 12, COUNT),
            "area": rng.uniform(100, 4000, COUNT),
        },
        geometry=shapes,
        crs="EPSG:32632",
    )
    tiny.folder.mkdir(exist_ok=True)
    frame.to_parquet(tiny.folder / "buildings.parquet", row_group_size=16)
    tiny.source("buildings")["file"] = "buildings.parquet"
    rows = [
        f"b{k};2023{month:02d};{carrier};{rng.integers(1, 3000)}\n"
        for k in range(0, COUNT, 3)
        for carrier in ("electricity", "gas")
        for month in range(1, 13)
    ]
    tiny.meters = "building;month;carrier;amount\n" + "".join(rows)


def many_stands(tiny) -> None:
    """Stands that overlap each other, and others far away in the file, some up to nothing, in one row group."""
    rng = np.random.default_rng(12)
    corners = rng.integers(0, 190, (COUNT, 2)) * 10 + np.array([EAST, NORTH])
    shapes = shapely.box(*corners.T, *(corners + rng.integers(1, 16, (COUNT, 2)) * 10).T)
    shapes[[170, 220]] = shapes[[20, 60]]
    columns = {"sid": [f"s{k}" for k in range(COUNT)], "cover": rng.choice(["tree_needleleaf", "grassland"], COUNT)}
    gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:32632").to_parquet(tiny.folder / "forest.parquet")
    tiny.source("forest")["file"] = "forest.parquet"


class Counting(Silent):
    """Notes how many of the steps that were planned are still to come."""

    left = 0

    def plan(self, steps: int) -> None:
        self.left = steps

    def step(self, what: str) -> None:
        self.left -= 1


def build(tiny, store: Path) -> Built:
    steps = Counting()
    built = build_region(tiny.write(), None, store, progress=steps)
    assert steps.left == 0, "as many steps as planned"
    return built


def test_a_build_in_parts_is_the_build_at_once_to_the_last_bit(tiny, tmp_path, monkeypatch) -> None:
    many_buildings(tiny)
    many_stands(tiny)
    whole = build(tiny, tmp_path / "whole")
    monkeypatch.setattr("gis.spans.ROWS_AT_ONCE", 40)
    parts = build(tiny, tmp_path / "parts")
    assert parts.edition == whole.edition
    folders = [built.store / built.region / built.edition for built in (whole, parts)]
    tables = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("tables/*/*.parquet"))
    assert len(tables) == 5
    for name in tables:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    for name in sorted(path.name for path in (folders[0] / "private").glob("*.parquet")):
        one, other = (pq.read_table(folder / "private" / name).to_pandas() for folder in folders)
        pd.testing.assert_frame_equal(one.astype(object), other.astype(object), obj=name)
    reports = [{layer.id: layer.report for layer in built.manifest.layers} for built in (whole, parts)]
    assert reports[0] == reports[1]
    forest = reports[0]["forest"]
    assert forest["ground"]["stands"] > 50
    assert {entry["reason"] for entry in forest["refused"]} == {"all of its ground lies in smaller stands"}
    assert whole.manifest.totals == parts.manifest.totals


def test_a_part_that_is_not_whole_is_not_done(tmp_path) -> None:
    work, part = WorkFolder(tmp_path / "work"), Part("register", 3, 9)
    report = ReadReport("register", "register.parquet", read=1, filtered=1)
    assert work.record(part) is None
    work.keep(part, PartRecord(0, report), None)
    assert work.record(part) == PartRecord(0, report)
    record = work.path(part) / "record.json"
    record.write_bytes(record.read_bytes()[:-7])
    work = WorkFolder(tmp_path / "work")  # as the next build looks at it
    assert work.record(part) is None
    work.keep(part, PartRecord(0, report, counts={"time": 2}), None)
    kept = work.record(part)
    assert kept is not None
    assert kept.counts == {"time": 2}
    work.keep(part, PartRecord(0, report, counts={"time": 3}), None)
    assert work.record(part) == kept
    assert sorted(path.name for path in work.path(part).parent.iterdir()) == ["00003"]
    work.remove()
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("name", ["lines.arrow", "shares-district.arrow", "record.json"])
def test_a_damaged_part_is_worked_on_again(tiny, tmp_path, monkeypatch, name) -> None:
    many_buildings(tiny)
    monkeypatch.setattr("gis.spans.ROWS_AT_ONCE", 40)
    expected = build(tiny, tmp_path / "expected").manifest.totals

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("carbonmap.build.manifest_of", stopped)
        with pytest.raises(KeyboardInterrupt):
            build(tiny, tmp_path / "store")
    (damaged,) = (tmp_path / "store").rglob(f"buildings/00002/{name}")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    assert build(tiny, tmp_path / "store").manifest.totals == expected
    assert not list((tmp_path / "store" / ".incoming").glob("*.work"))
