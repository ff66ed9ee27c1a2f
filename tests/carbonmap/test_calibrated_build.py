"""Calibration in a whole build: totals of published tables, what stays, errors, refusals, and private meters."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from accounting.errors import AccountingError
from carbonmap.build import build_region
from carbonmap.check import check_region
from carbonmap.errors import RegionError
from carbonmap.progress import Silent
from grids.edition import Edition, Store

HEAD = "year,zone,sector,carrier,basis,tco2e,uncertainty_percent,source\n"
METERED_KWH = {"b1": 12_000, "b2": 24_000, "b4": 3_600}
ELECTRICITY_2023 = 0.4173e-3


def build(tiny: Any) -> Edition:
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    return Store(tiny.store).open("tiny")


def calibrated(tiny: Any, rows: str, *, is_open: bool = True, **settings: Any) -> Edition:
    tiny.source("buildings")["open"] = is_open
    tiny.region["calibration"] = {"totals": "totals.csv", "zone_set": "district", **settings}
    tiny.folder.mkdir(parents=True, exist_ok=True)
    (tiny.folder / "totals.csv").write_text(HEAD + rows, encoding="utf-8")
    return build(tiny)


def table(edition: Edition, collection: str) -> pd.DataFrame:
    return edition.table(collection).to_pandas().set_index("id")


def lines(edition: Edition, layer: str) -> pd.DataFrame:
    return pd.read_parquet(edition.private("lines", layer))


@pytest.fixture
def plain(tiny: Any, tmp_path: Path) -> pd.DataFrame:
    """Districts without calibration."""
    other = type(tiny)(tmp_path / "plain")
    other.source("buildings")["open"] = True
    return table(build(other), "district")


def test_ratio_meets_the_totals_of_zones_that_share_features(tiny: Any, plain: pd.DataFrame):
    """The primary road lies in both districts, and the border goes through building b4."""
    wanted = {zone: float(plain.loc[zone, "transport_tco2e"]) for zone in ("west", "east")}
    # Half of the counted road is measured; only the street in the west is modelled.
    edition = calibrated(tiny, f"2023,west,transport,,,{wanted['west'] * 1.05!r},10,inventory\n")
    after = table(edition, "district")
    assert after.loc["west", "transport_tco2e"] == pytest.approx(wanted["west"] * 1.05, rel=1e-12)
    assert after.loc["east", "transport_tco2e"] == pytest.approx(wanted["east"], rel=1e-12)
    for grid in ("grid-1km", "grid-500m", "grid-100m"):
        assert table(edition, grid)["transport_tco2e"].sum() == pytest.approx(after["transport_tco2e"].sum(), rel=1e-9)


def test_measured_lines_stay_and_activity_goes_with_emissions(tiny: Any, plain: pd.DataFrame):
    gas = float(plain.loc["east", "buildings_gas_direct_tco2e"])
    before = lines(build(type(tiny)(tiny.folder / "before")), "buildings")
    edition = calibrated(tiny, f"2023,east,buildings,gas,direct,{gas * 2.5!r},,inventory\n")
    after = lines(edition, "buildings")
    metered = after.query("method == 'metered'")
    assert metered["emissions_tco2e"].sum() == pytest.approx(sum(METERED_KWH.values()) * ELECTRICITY_2023, rel=1e-12)
    for column in ("emissions_tco2e", "activity"):
        scaled = (
            after.query("carrier == 'gas'")[column].to_numpy() / before.query("carrier == 'gas'")[column].to_numpy()
        )
        assert scaled.tolist() == pytest.approx([2.5], rel=1e-12)
    features = pd.read_parquet(edition.private("features", "buildings"))
    assert features["calibration_gas_direct_2023"].tolist() == pytest.approx(
        [1, 1, 2.5, 1.75]
    )  # b4: half in each district
    assert table(edition, "district").loc["east", "buildings_gas_direct_tco2e"] == pytest.approx(gas * 2.5, rel=1e-12)


def test_the_manifest_says_totals_before_and_after(tiny: Any, plain: pd.DataFrame):
    gas = float(plain.loc["east", "buildings_gas_direct_tco2e"])
    record = calibrated(tiny, f"2023,east,buildings,gas,,{gas * 3!r},8,agency\n").manifest.calibration
    assert isinstance(record, dict)
    (total,) = record["totals"]
    assert (total["zone"], total["source"], total["uncertainty_percent"]) == ("east", "agency", 8)
    assert (total["before"], total["after"], total["difference"]) == pytest.approx((gas, gas * 3, 0), rel=1e-12)
    (factor,) = record["factors"]
    assert (factor["zone"], factor["carrier"]) == ("east", "gas")
    assert factor["factor"] == pytest.approx(3, rel=1e-12)
    assert record["unusual"] == ["gas (direct) of buildings in zone 'east', 2023 was multiplied by 3"]


def test_a_total_takes_the_shared_error_away_and_brings_its_own(tiny: Any, plain: pd.DataFrame):
    gas = float(plain.loc["east", "buildings_gas_direct_tco2e"])
    edition = calibrated(tiny, f"2023,east,buildings,gas,,{gas!r},19.6,agency\n")
    line = lines(edition, "buildings").query("carrier == 'gas'").iloc[0]
    assert (line["group"], line["u_factor"]) == ("total:buildings:gas:east", 0)
    assert line["u_group"] == pytest.approx(0.1)
    unsure = calibrated(type(tiny)(tiny.folder / "unsure"), f"2023,east,buildings,gas,,{gas!r},,agency\n")
    plain_line = lines(unsure, "buildings").query("carrier == 'gas'").iloc[0]
    # The one building under the total has nothing left to share with others; its own error stays, see the documents.
    assert line["u_own"] == pytest.approx(plain_line["u_own"])
    assert plain_line["u_group"] > 0.1


def test_ipf_meets_zones_and_carriers_at_once(tiny: Any):
    """Another unmetered house in the west, so that gas and electricity cross both districts."""
    house = {"bid": "b5", "kind": "office", "floors": 2, "area": 900.0}
    ring = [
        [540_300, 5_220_300],
        [540_330, 5_220_300],
        [540_330, 5_220_330],
        [540_300, 5_220_330],
        [540_300, 5_220_300],
    ]
    tiny.layers["buildings.geojson"]["features"].append(
        {"type": "Feature", "properties": house, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    )
    other = type(tiny)(tiny.folder / "before")
    other.layers = tiny.layers
    other.source("buildings")["open"] = True
    before = table(build(other), "district")
    columns = {"gas": "buildings_gas_direct_tco2e", "electricity": "buildings_electricity_indirect_tco2e"}
    heat = float(before["buildings_tco2e"].sum() - sum(before[name].sum() for name in columns.values()))
    wanted = {
        "west": float(before.loc["west", "buildings_tco2e"]) * 1.1,
        "east": float(before.loc["east", "buildings_tco2e"]),
    }
    gas = float(before[columns["gas"]].sum()) * 1.2
    rest = sum(wanted.values()) - gas
    rows = [f"2023,{zone},buildings,,,{value!r},,x" for zone, value in wanted.items()]
    rows += [f"2023,,buildings,gas,,{gas!r},,x"]
    edition = calibrated(tiny, "\n".join(rows) + "\n", method="ipf")
    after = table(edition, "district")
    for zone, value in wanted.items():
        assert after.loc[zone, "buildings_tco2e"] == pytest.approx(value, rel=1e-12)
    assert after[columns["gas"]].sum() == pytest.approx(gas, rel=1e-12)
    assert after["buildings_tco2e"].sum() - after[columns["gas"]].sum() == pytest.approx(rest, rel=1e-12)
    assert heat >= 0


def test_least_squares_says_by_how_much_it_misses(tiny: Any, plain: pd.DataFrame):
    gas = float(plain.loc["east", "buildings_gas_direct_tco2e"])
    edition = calibrated(tiny, f"2023,east,buildings,gas,,{gas * 1.5!r},20,x\n", method="least_squares")
    assert isinstance(edition.manifest.calibration, dict)
    (total,) = edition.manifest.calibration["totals"]
    assert gas < total["after"] < gas * 1.5
    assert total["difference"] == pytest.approx(total["after"] - gas * 1.5)
    published = table(edition, "district").loc["east", "buildings_gas_direct_tco2e"]
    assert published == pytest.approx(total["after"], rel=1e-9)


def test_an_implausible_total_stops_the_build_and_publishes_nothing(tiny: Any, plain: pd.DataFrame):
    gas = float(plain.loc["east", "buildings_gas_direct_tco2e"])
    with pytest.raises(AccountingError, match=r"totals\.csv, row 2.*zone 'east'|zone 'east'.*totals\.csv, row 2"):
        calibrated(tiny, f"2023,east,buildings,gas,,{gas * 50!r},,x\n")
    assert not (tiny.store / "tiny" / "current").exists()


def test_a_total_that_would_give_a_closed_meter_away_is_refused(tiny: Any, plain: pd.DataFrame):
    """Half of b4 is all that is metered in the east: total less what is modelled would be its reading."""
    electricity = float(plain.loc["east", "buildings_electricity_indirect_tco2e"])
    with pytest.raises(RegionError, match="would tell what a few meters read"):
        calibrated(tiny, f"2023,east,buildings,electricity,,{electricity * 1.2!r},,x\n", is_open=False)


def test_a_total_of_what_nobody_meters_tells_nothing(tiny: Any, plain: pd.DataFrame):
    gas = float(plain.loc["east", "buildings_gas_direct_tco2e"])
    edition = calibrated(tiny, f"2023,east,buildings,gas,,{gas * 2!r},,x\n", is_open=False)
    assert table(edition, "district").loc["east", "buildings_gas_direct_tco2e"] == pytest.approx(gas * 2, rel=1e-12)


def test_another_total_is_another_edition(tiny: Any, plain: pd.DataFrame):
    gas = float(plain.loc["east", "buildings_gas_direct_tco2e"])
    first = calibrated(tiny, f"2023,east,buildings,gas,,{gas!r},,x\n").manifest.edition
    assert calibrated(tiny, f"2023,east,buildings,gas,,{gas * 2!r},,x\n").manifest.edition != first


@pytest.mark.parametrize(
    ("rows", "settings", "said"),
    [
        ("2023,north,buildings,,,5,,x\n", {}, "zone 'north' is not known; expected one of west, east|expected one of"),
        ("2021,east,buildings,,,5,,x\n", {}, "nothing would be calibrated"),
        ("2023,east,buildings,,,5,,x\n", {"zone_set": None}, "say under calibration.zone_set"),
    ],
)
def test_totals_that_fit_nothing_are_refused_by_check_and_build(
    tiny: Any, rows: str, settings: dict[str, Any], said: str
):
    with pytest.raises(RegionError, match=said):
        calibrated(tiny, rows, **settings)
    found = check_region(tiny.file).parts["calibration"]
    assert [finding.level for finding in found] == ["error"]


def test_bounds_that_do_not_hold_one_are_refused(tiny: Any):
    with pytest.raises(RegionError, match="do not enclose 1"):
        calibrated(tiny, "2023,east,buildings,,,5,,x\n", bounds=[2, 3])


def test_the_interval_of_a_zone_of_many_features_is_that_of_its_total(tiny: Any):
    """200 streets of the west share the error of their class, until their total is known to 10 % (95 %)."""
    for number in range(200):
        street = {"rid": f"s{number}", "class": "residential", "count": None, "speed": 30}
        x = 540_100 + 4 * number
        line = {"type": "LineString", "coordinates": [[x, 5_220_200], [x, 5_220_900]]}
        tiny.layers["roads.geojson"]["features"].append({"type": "Feature", "properties": street, "geometry": line})
    other = type(tiny)(tiny.folder / "before")
    other.layers = tiny.layers
    before = table(build(other), "district").loc["west"]
    counted = lines(Store(other.store).open("tiny"), "roads").query("method == 'metered'")["emissions_tco2e"].sum() / 2
    west = float(before["transport_tco2e"])
    after = table(calibrated(tiny, f"2023,west,transport,,,{west!r},10,x\n"), "district").loc["west"]
    total, counts = 0.1 / 1.96 * west, 0.25 * counted  # errors of single streets and counts come on top
    assert before["transport_sd_tco2e"] > 4 * total
    assert total < after["transport_sd_tco2e"] < np.hypot(total, counts) + 0.05 * west


def test_a_total_alone_is_spread_by_relative_weights(tiny: Any):
    """Nobody counts cars here: length times a class's weight says where, the total how much."""

    def spread(folder: str, level: float) -> pd.DataFrame:
        place = type(tiny)(tiny.folder / folder)
        place.layers["roads.geojson"]["features"][0]["properties"]["count"] = None
        aadt = place.region["assumptions"]["transport.aadt.residential"]
        for road_class, weight in (("residential", 1.0), ("primary", 12.0)):
            numbers = {name: weight * level * number for name, number in (("value", 1), ("low", 0.3), ("high", 3))}
            place.region["assumptions"][f"transport.aadt.{road_class}"] = aadt | numbers
        return table(calibrated(place, "2023,,transport,,,5000,10,sales of fuel\n", bounds=[1e-3, 1e3]), "grid-500m")

    low, high = spread("low", 40.0), spread("high", 4_000.0)
    assert low["transport_tco2e"].sum() == pytest.approx(5000, rel=1e-12)
    np.testing.assert_allclose(low["transport_tco2e"], high["transport_tco2e"], rtol=1e-11)
    assert low["transport_default_share"].dropna().eq(1).all()


def test_the_same_totals_make_the_same_bytes(tiny: Any, plain: pd.DataFrame):
    """Least squares solve equations with the machine's own library; what they leave in the last digits is cut off."""
    gas = float(plain.loc["east", "buildings_gas_direct_tco2e"])
    rows = f"2023,east,buildings,gas,,{gas * 2!r},5,x\n2023,west,transport,,,900,20,x\n"
    first = calibrated(tiny, rows, method="least_squares", bounds=[0.01, 100])
    again = calibrated(type(tiny)(tiny.folder / "again"), rows, method="least_squares", bounds=[0.01, 100])
    assert first.manifest.edition == again.manifest.edition
    assert first.manifest.calibration == again.manifest.calibration
    digests = [{info.id: info.tables for info in each.manifest.collections} for each in (first, again)]
    assert digests[0] == digests[1]
