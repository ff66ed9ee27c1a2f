"""`carbonmap receipt`, and receipts of whole builds: they add up to the tables, and the operator can read them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import grids.large_targets
from carbonmap.build import build_region
from carbonmap.progress import Silent
from carbonmap.synthetic.write import write_city
from grids.edition import Edition, Store
from grids.receipt import Receipt
from grids.receipts import Receipts

SECTORS = ("buildings", "transport", "forest")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The demo city at its smallest, with private meters; targets of more than 20 features count as large."""
    folder = tmp_path_factory.mktemp("city")
    region = write_city(folder / "inputs", buildings=200, seed=7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grids.large_targets, "LARGE", 20)
        built = build_region(region, None, folder / "store", progress=Silent())
    return Store(folder / "store").open(built.region)


def some_receipts(edition: Edition, most: int) -> Iterator[tuple[dict[str, Any], Receipt]]:
    """Rows of every collection in the latest year, evenly chosen, with their receipts."""
    read = Receipts(edition)
    for name in edition.collections:
        rows = edition.table(name)
        for place in np.unique(np.linspace(0, rows.num_rows - 1, most).astype(int)).tolist():
            row = rows.slice(place, 1).to_pylist()[0]
            yield row, read.receipt(name, row["id"])


def test_receipts_of_the_demo_city_add_up_to_its_tables(city):
    seen = held = 0
    for row, found in some_receipts(city, 15):
        assert found.held == row["held"]
        for sector in SECTORS:
            part, kinds = (
                found.sectors[sector],
                [k for each in found.layers if each.sector == sector for k in each.kinds],
            )
            scale = sum(abs(kind.emissions_tco2e) for kind in kinds) + 1e-9
            if row[f"{sector}_tco2e"] is None or (found.held and sector == "buildings"):
                continue
            assert abs(part.sums.emissions_tco2e - row[f"{sector}_tco2e"]) <= 1e-12 * scale
            if sector != "buildings":  # the deviations of private meters are published spread evenly
                assert part.sums.sd_tco2e == pytest.approx(row[f"{sector}_sd_tco2e"], rel=1e-11)
            for (carrier, basis), value in found.totals_by(sector, "carrier", "basis").items():
                public = row[f"{sector}_{carrier}_{basis}_tco2e"]
                assert public is None or abs(value - public) <= 1e-12 * scale
        seen, held = seen + 1, held + bool(found.held)
    assert seen > 50
    assert 0 < held < seen


def test_the_build_keeps_what_large_targets_need(city):
    kept = sorted(path.name for path in (city.folder / "private").glob("largest-register.*"))
    assert "largest-register.sigungu.parquet" in kept
    sums = pd.read_parquet(city.private("sums", "register.sigungu"))
    table = city.table("sigungu").to_pandas().set_index("id")
    ids = pd.read_parquet(city.private("targets", "sigungu"))["id"]
    latest = sums[sums["year"] == sums["year"].max()].groupby("target")["emissions_tco2e"].sum()
    for target, total in latest.items():
        if not table.loc[ids[target], "held"]:
            assert total == pytest.approx(table.loc[ids[target], "buildings_tco2e"], rel=1e-12)


def test_lines_stand_by_year_and_feature_and_shares_by_target(city):
    for layer in ("register", "roads", "forest_map"):
        lines = pd.read_parquet(city.private("lines", layer))
        assert lines[["year", "feature"]].apply(tuple, axis=1).is_monotonic_increasing
        shares = pd.read_parquet(city.private("shares", f"{layer}.legal_dong"))
        assert shares[["target", "feature"]].apply(tuple, axis=1).is_monotonic_increasing


def test_a_raster_class_names_its_source_and_hectares(city):
    found = next(found for row, found in some_receipts(city, 15) if row["id"] and _classes(found))
    part = _classes(found)[0]
    (line,) = part.lines
    assert part.id.startswith("class-")
    assert line["activity_unit"] == "ha"
    layer = next(each for each in found.layers if each.layer == "land_cover")
    assert layer.inputs == ("land_cover.tif",)
    assert "land_cover.tif" in {entry.file for entry in found.inputs}


def _classes(found: Receipt) -> list[Any]:
    return [part for part in found.features if part.layer == "land_cover"]


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def built(tiny) -> Path:
    """The tiny region, built; its district `east` is held."""
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    return tiny.store


def test_prints_what_stands_behind_a_number(built, command):
    code, out, err = command("receipt", "tiny", "district", "west", "--store", built)
    assert (code, err) == (0, "")
    assert out.startswith("district west, 2023: region tiny, edition ")
    assert "private: true numbers" in out
    for words in (
        "electricity indirect, metered: 12,000 kWh by kr_elec_2023",
        "buildings b1: 1 of it here",
        "transport.fleet",
    ):
        assert words in out
    assert "meters.csv" in out
    assert "sha256" in out


def test_says_that_a_number_is_held(built, command):
    code, out, _ = command("receipt", "tiny", "district", "east", "--store", built)
    assert code == 0
    assert "held: the public table shows other numbers here" in out


def test_gives_everything_as_json(built, command):
    code, out, _ = command("receipt", "tiny", "district", "east", "--store", built, "--json", "--top", 1)
    assert code == 0
    document = json.loads(out)
    assert document["private"] is True
    assert document["held"] is True
    assert len(document["features"]) == 1 < document["n_features"]
    true, public = (document["sectors"]["buildings"][key] for key in ("sums", "published_tco2e"))
    assert true["emissions_tco2e"] != public
    by_carrier = document["sectors"]["buildings"]["by"]["carrier"]
    assert sum(by_carrier.values()) == pytest.approx(true["emissions_tco2e"])
    assert all(len(entry["sha256"]) == 64 for entry in document["inputs"])
    assert document["factors"][0]["chosen"]


def test_explains_what_it_does_not_find(built, command):
    for arguments, says in (
        (["nowhere", "district", "west"], "no region 'nowhere'"),
        (["tiny", "streets", "west"], "no collection 'streets'"),
        (["tiny", "district", "north"], "no item 'north'"),
        (["tiny", "district", "west", "--year", "1999"], "no year 1999"),
        (["tiny", "grid-1km", "somewhere"], "'somewhere' cannot be read"),
    ):
        code, out, err = command("receipt", *arguments, "--store", built)
        assert (code, out) == (2, "")
        assert says in err
        assert "Traceback" not in err
