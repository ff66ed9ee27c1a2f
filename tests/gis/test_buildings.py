from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely

from accounting.assumptions import Assumptions
from accounting.emissions import LINE_COLUMNS
from accounting.errors import AssumptionNotFound, FactorNotFound
from accounting.factors import FactorTable
from accounting.sector import SectorEmissions
from gis.buildings import building_emissions
from gis.errors import BadValue
from gis.uses import USES, read_uses, use_codes

KR = ("KR 수도권", "KR 중부", "KR", "world")
CRS = "EPSG:5179"
X, Y = 950_000, 1_950_000


def assumed(value: Any, unit: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    entry = {"value": value, "unit": unit, "author": "test", "reason": "test"}
    return entry if isinstance(value, dict) else entry | {"low": low or value, "high": high or value}


def layer(columns: dict[str, list[Any]], *, points: bool = False, n: int | None = None) -> gpd.GeoDataFrame:
    """Buildings of 10 x 10 m side by side."""
    size = n or len(next(iter(columns.values())))
    x = X + 20.0 * np.arange(size)
    geometry = shapely.points(x, np.full(size, Y)) if points else shapely.box(x, Y, x + 10, Y + 10)
    return gpd.GeoDataFrame({"id": [f"b{i}" for i in range(size)], **columns}, geometry=geometry, crs=CRS)


@pytest.fixture(scope="module")
def data(project: Path) -> Path:
    return project / "data"


@pytest.fixture(scope="module")
def factors(data: Path) -> FactorTable:
    return FactorTable.load(data / "factors")


@pytest.fixture
def run(data: Path, factors: FactorTable) -> Any:
    def emissions(features: gpd.GeoDataFrame, **given: Any) -> SectorEmissions:
        assumptions = Assumptions.load(given.pop("assumptions", {}), data / "schema" / "assumptions.csv")
        overrides = given.pop("factors", {})
        return building_emissions(
            features,
            years=given.pop("years", [2023]),
            factors=FactorTable.load(data / "factors", overrides) if overrides else factors,
            assumptions=assumptions,
            factor_regions=given.pop("regions", KR),
            uses=given.pop("uses", {}),
        )

    return emissions


def test_meters_become_metered_lines(run: Any) -> None:
    """10 MWh x 0.4173, 1,000 Nm3 x 2.176 kg, 100 GJ x the capital's district heat of 2021."""
    made = run(layer({"electricity_kwh_2023": [10_000.0], "gas_nm3_2023": [1000.0], "heat_gj_2023": [100.0]}))
    lines = made.lines.set_index("carrier")
    assert lines["emissions_tco2e"].to_dict() == pytest.approx({"electricity": 4.173, "gas": 2.176, "heat": 3.59718117})
    assert lines["basis"].to_dict() == {"electricity": "indirect", "gas": "direct", "heat": "indirect"}
    assert set(lines["method"]) == {"metered"}
    assert lines.loc["electricity", ["activity", "activity_unit", "factor_id"]].tolist() == [1e4, "kWh", "kr_elec_2023"]
    assert lines["u_own"].tolist() == pytest.approx([0.02 / 1.96] * 3)
    assert lines.loc["gas", "u_factor"] == pytest.approx(0.035 / 1.96)
    assert set(lines["assumptions"]) == {""}
    assert {name: str(dtype) for name, dtype in made.lines.dtypes.items()} == LINE_COLUMNS
    assert made.lookups["kr_elec_2023"].chosen.startswith("exact year 2023")


def test_each_year_takes_its_own_factor_and_meters(run: Any) -> None:
    features = layer({"electricity_mwh_2022": [10.0], "electricity_mwh_2023": [10.0], "electricity_mwh_2019": [9.0]})
    made = run(features, years=[2022, 2023])
    assert made.lines["emissions_tco2e"].tolist() == pytest.approx([4.312, 4.173])
    assert made.lines["year"].tolist() == [2022, 2023]


def test_steam_counts_as_heat_and_therms_convert(run: Any) -> None:
    features = layer({"steam_kbtu_2016": [1e6], "gas_therm_2016": [1000.0], "electricity_kwh_2016": [1e6]})
    lines = run(features, years=[2016], regions=["US Seattle"]).lines.set_index("carrier")
    assert lines["emissions_tco2e"].to_dict() == pytest.approx({"heat": 77.1879, "gas": 5.311, "electricity": 23.7864})


def test_null_is_not_metered_and_zero_is_a_reading(run: Any) -> None:
    features = layer({"electricity_kwh_2023": [0.0, np.nan], "use": ["unheated"] * 2})
    lines = run(features).lines
    assert lines["feature"].tolist() == [0]
    assert lines["emissions_tco2e"].tolist() == [0.0]


def test_negative_readings_keep_their_sign_and_are_told(run: Any) -> None:
    made = run(layer({"electricity_kwh_2023": [-1000.0]}))
    assert made.lines["emissions_tco2e"].tolist() == pytest.approx([-0.4173])
    assert "1 readings are negative" in made.warnings[0]


def test_a_carrier_without_meter_stays_missing_unless_the_region_says_so(run: Any) -> None:
    features = layer({"use": ["apartment"], "floor_area_m2": [100.0], "electricity_kwh_2023": [3000.0]})
    assert run(features).lines["carrier"].tolist() == ["electricity"]
    lines = run(features, assumptions={"buildings.model_missing.gas": assumed(1, "1")}).lines
    assert lines["carrier"].tolist() == ["electricity", "gas"]
    assert lines["method"].tolist() == ["metered", "modelled"]
    assert lines["assumptions"].tolist() == ["", "buildings.model_missing.gas"]


def test_unmetered_buildings_are_modelled_by_use_area_and_shares(run: Any) -> None:
    """Apartments, central region: median 136 kWh/m2, as mean; dwellings take .53 gas, .37 electricity, .1 heat."""
    made = run(layer({"use": ["apartment"], "floor_area_m2": [1000.0]}))
    mean = 136 * np.sqrt(1 + (50 / 196) ** 2)
    lines = made.lines.set_index("carrier")
    assert lines["activity"].to_dict() == pytest.approx(
        {"electricity": 370 * mean, "gas": 530 * mean, "heat": 100 * mean}, rel=1e-12
    )
    assert lines.loc["gas", "emissions_tco2e"] == pytest.approx(530 * mean * 3.6e-6 * 56.2665)
    assert set(lines["method"]) == {"modelled"}
    assert set(lines["group"]) == {"eui:apartment"}
    assert lines["u_group"].tolist() == pytest.approx([0.2 / 1.96] * 3)
    assert lines["u_own"].tolist() == pytest.approx([np.hypot(0.5, 0.05) / 1.96] * 3)
    assert made.features["modelled_tco2e_2023"].tolist() == pytest.approx([lines["emissions_tco2e"].sum()])


def test_vintages_of_dwellings(run: Any) -> None:
    features = layer({"use": ["residential"] * 3, "floor_area_m2": [1.0] * 3, "year_built": [1970.0, 2015.0, 1990.0]})
    lines = run(features, years=[2021]).lines.groupby("feature")
    assert lines["activity"].sum().tolist() == pytest.approx([215, 166, 119])
    assert lines["method"].first().tolist() == ["modelled", "modelled", "default"]
    assert lines["group"].first().tolist() == ["eui:residential", "eui:residential", "eui:all"]


def test_other_uses_fall_back_and_become_defaults(run: Any) -> None:
    features = layer(
        {"use": ["hotel", "hotel", "other"], "floor_area_m2": [1.0] * 3, "year_built": [1970.0, 1990.0, 1970.0]}
    )
    lines = run(features, years=[2023]).lines.groupby("feature")
    assert lines["activity"].sum().tolist() == pytest.approx([225, 117, 117])
    assert set(lines["method"].first()) == {"default"}
    assert lines["group"].first().tolist() == ["eui:nonresidential", "eui:all", "eui:all"]


def test_assumptions_of_the_region_come_first_and_mark_their_lines(run: Any) -> None:
    made = run(
        layer({"use": ["hotel"], "floor_area_m2": [100.0]}),
        assumptions={
            "buildings.eui.hotel": assumed(300, "kWh/m2", 200, 400),
            "buildings.carrier_shares.hotel": assumed({"electricity": 0.5, "oil": 0.5}, "1"),
            "buildings.occupancy.hotel": assumed(0.5, "1"),
            "buildings.climate_correction": assumed(1.2, "1", 1.0, 1.4),
        },
    )
    lines = made.lines.set_index("carrier")
    assert lines["activity"].to_dict() == pytest.approx({"electricity": 9000, "oil": 9000})
    assert lines.loc["oil", "factor_id"] == "ipcc_diesel"
    assert lines["u_group"].tolist() == pytest.approx([np.hypot(100 / 300, 0.2 / 1.2) / 1.96] * 2)
    assert set(lines["method"]) == {"modelled"}
    assert set(lines["assumptions"]) == {
        "buildings.carrier_shares.hotel buildings.climate_correction buildings.eui.hotel buildings.occupancy.hotel"
    }


def test_floor_area_comes_from_the_best_source(run: Any) -> None:
    nan = np.nan
    features = layer(
        {
            "use": ["apartment"] * 5,
            "floor_area_m2": [500.0, nan, nan, nan, 0.0],
            "levels": [9.0, 4.0, nan, nan, 0.0],
            "height_m": [30.0, 30.0, 15.0, nan, 2.0],
        }
    )
    made = run(
        features,
        assumptions={
            "buildings.levels": assumed(2, "1", 1, 3),
            "buildings.storey_height": assumed(3, "m", 2.5, 4),
        },
    )
    scale = 100 / made.features["floor_area_m2"][1] * 4
    assert scale == pytest.approx(1, abs=2e-3)
    assert made.features["floor_area_source"].tolist() == ["register", "levels", "height", "assumed", "height"]
    areas = made.features["floor_area_m2"].to_numpy()
    assert areas == pytest.approx([500, 400 / scale, 500 / scale, 200 / scale, 100 / scale])
    first = made.lines.drop_duplicates("feature").set_index("feature")
    assert first["method"].tolist() == ["modelled", "modelled", "default", "default", "default"]
    assert first["assumptions"].tolist() == [
        "", "", "buildings.storey_height", "buildings.levels", "buildings.storey_height",
    ]  # fmt: skip
    assert first["u_group"][3] == pytest.approx(np.hypot(0.2, 0.5) / 1.96)
    assert made.counts["floor_area_height"] == 2


def test_storeys_that_nobody_knows_are_asked_for(run: Any) -> None:
    with pytest.raises(AssumptionNotFound, match=r"neither floor area, storeys.*office \(2\).*buildings.levels"):
        run(layer({"use": ["office", "office"], "levels": [np.nan, -1.0]}))
    # A metered building needs no floor area, and garages take no energy.
    assert len(run(layer({"use": ["office"], "electricity_kwh_2023": [1.0]})).lines) == 1
    assert len(run(layer({"use": ["unheated"]})).lines) == 0


def test_points_without_floor_area_are_missing_and_counted(run: Any) -> None:
    made = run(layer({"use": ["office"]}, points=True))
    assert len(made.lines) == 0
    assert made.features["modelled_tco2e_2023"].isna().all()
    assert made.counts["not_estimated"] == 1
    assert "b0" in made.warnings[0]
    assert len(run(layer({"use": ["office"]}, points=True), regions=["nowhere"]).lines) == 0
    made = run(
        layer({"use": ["office"]}, points=True), assumptions={"buildings.floor_area": assumed(250, "m2", 100, 900)}
    )
    assert made.features["floor_area_m2"].tolist() == [250]


def test_gaps_stop_only_where_they_are_needed(run: Any) -> None:
    unmetered = layer({"use": ["office"], "floor_area_m2": [100.0]})
    with pytest.raises(
        FactorNotFound, match=r"No shares of energy carriers for use 'office'.*buildings.carrier_shares"
    ):
        run(unmetered, regions=["LI", "world"])
    shares = {"buildings.carrier_shares": assumed({"electricity": 0.5, "gas": 0.5}, "1")}
    with pytest.raises(FactorNotFound, match=r"No energy use intensity for use 'office'.*buildings.eui.office"):
        run(unmetered, regions=["LI", "world"], assumptions=shares)
    eui = shares | {"buildings.eui.office": assumed(100, "kWh/m2", 80, 120)}
    with pytest.raises(FactorNotFound, match=r"No factor for 'electricity'.*factor.electricity"):
        run(unmetered, regions=["LI", "world"], assumptions=eui)
    metered = layer({"use": ["office"], "floor_area_m2": [100.0], "gas_kwh_2023": [1000.0]})
    made = run(metered, regions=["LI", "world"])
    assert made.features["modelled_tco2e_2023"].isna().all()
    assert made.lines["emissions_tco2e"].tolist() == pytest.approx([0.2025594])


def test_a_factor_may_be_assumed(run: Any) -> None:
    given = {"factor.electricity": assumed(0.1, "kgCO2e/kWh", 0.05, 0.15)}
    made = run(layer({"electricity_kwh_2023": [1000.0]}), regions=["LI"], assumptions=given)
    (line,) = made.lines.to_dict("records")
    assert (line["factor_id"], line["assumptions"]) == ("factor.electricity", "factor.electricity")
    assert line["emissions_tco2e"] == pytest.approx(0.1)
    assert line["u_factor"] == pytest.approx(0.5 / 1.96)
    assert "assumption factor.electricity" in made.lookups["factor.electricity"].chosen
    assert made.lookups["factor.electricity"].factor.record()["status"] == "assumed"


def test_gas_billed_gross_can_be_turned_net(run: Any) -> None:
    features = layer({"gas_kwh_2023": [1000.0]})
    silent = run(features, regions=["world"])
    assert "gas.net_to_gross" in silent.warnings[0]
    plain = silent.lines["emissions_tco2e"][0]
    net = run(features, regions=["world"], assumptions={"gas.net_to_gross": assumed(0.9, "1", 0.88, 0.92)}).lines
    assert net["emissions_tco2e"].tolist() == pytest.approx([0.9 * plain])
    assert net["activity"].tolist() == [1000.0]
    assert net["assumptions"].tolist() == ["gas.net_to_gross"]
    assert net["group"].tolist() == ["gas.net_to_gross"]
    assert run(layer({"gas_nm3_2023": [1000.0]})).warnings == ()
    assert net["u_group"].tolist() == pytest.approx([0.02 / 0.9 / 1.96])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("electricity_furlong_2023", "Unit 'furlong' is not known"),
        ("electricity_nm3_2023", "no amount of electricity|metered as energy"),
        ("gas_m3_2023", "Nm3"),
        ("heat_kg_2023", "metered as energy"),
    ],
)
def test_meters_in_wrong_units_are_refused(run: Any, column: str, message: str) -> None:
    with pytest.raises(BadValue, match=message):
        run(layer({column: [1.0]}))


def test_a_meter_of_text_is_refused(run: Any) -> None:
    with pytest.raises(BadValue, match="must hold numbers"):
        run(layer({"gas_kwh_2023": ["much"]}))


def test_a_meter_without_year_serves_one_year_only(run: Any) -> None:
    features = layer({"electricity_kwh": [1000.0]})
    assert run(features).lines["emissions_tco2e"].tolist() == pytest.approx([0.4173])
    with pytest.raises(BadValue, match="electricity_kwh_<year>"):
        run(features, years=[2022, 2023])


def test_uses_are_mapped_and_unknown_words_are_told(run: Any, data: Path) -> None:
    osm = read_uses("osm", data / "schema")
    given = ["yes", "Apartments", "yes;apartments", "garage", None, "spaceport", "office"]
    features = layer({"use": given, "floor_area_m2": [1.0] * len(given)})
    made = run(features, uses=osm)
    assert made.features["use"].tolist() == ["other", "apartment", "apartment", "unheated", "other", "other", "office"]
    assert made.counts["use_unknown_word"] == 1
    assert "spaceport (1)" in made.warnings[0]
    with pytest.raises(BadValue, match=r"'villa' -> 'housing' is not one of our uses"):
        run(features, uses={"villa": "housing"})


@pytest.mark.parametrize("name", ["osm", "korea", "seattle"])
def test_tables_of_uses_hold_our_words_only(data: Path, name: str) -> None:
    assert set(read_uses(name, data / "schema").values()) <= set(USES)


def test_an_unknown_table_of_uses_lists_the_tables(data: Path) -> None:
    with pytest.raises(BadValue, match="'mars' is no table of building uses; there are korea, osm, seattle"):
        read_uses("mars", data / "schema")


def test_an_empty_layer_gives_no_lines(run: Any) -> None:
    features = layer({"use": ["office"], "gas_kwh_2023": [1.0]}).iloc[:0]
    made = run(features)
    assert len(made.lines) == len(made.features) == 0


def test_results_do_not_depend_on_the_order_of_features(run: Any) -> None:
    rng = np.random.default_rng(3)
    features = layer(
        {
            "use": rng.choice(USES, 200).tolist(),
            "floor_area_m2": rng.uniform(50, 5000, 200).tolist(),
            "year_built": rng.integers(1950, 2024, 200).astype(float).tolist(),
            "electricity_kwh_2023": np.where(rng.random(200) < 0.5, rng.uniform(1e3, 1e5, 200), np.nan).tolist(),
        }
    )
    ahead = run(features)
    back = run(features.iloc[::-1].reset_index(drop=True))
    total = ahead.lines.groupby("feature")["emissions_tco2e"].sum().reindex(range(200))
    turned = back.lines.groupby("feature")["emissions_tco2e"].sum().reindex(range(200))[::-1].reset_index(drop=True)
    pd.testing.assert_series_equal(total, turned, check_names=False, check_index_type=False)


@pytest.mark.shared
def test_all_uses_of_the_sejong_register_are_mapped(shared: Path, data: Path) -> None:
    path = shared / "data" / "sejong-building-register-2017" / "sejong_floor_use_201701_cp949.csv"
    rows = pd.read_csv(path, sep="|", encoding="cp949", dtype=str)
    known = read_uses("korea", data / "schema")
    assert set(rows["MAIN_PURPS_CD"].dropna()) <= set(known)
    named = rows["FLR_MAIN_PURPS_CD_NM"].isin(set(known))
    assert named.mean() > 0.97


@pytest.mark.shared
def test_seattle_is_reproduced_building_by_building(run: Any, shared: Path, data: Path) -> None:
    path = shared / "data" / "seattle-energy-traffic-2016" / "2016_Building_Energy_Benchmarking.csv"
    rows = pd.read_csv(path, encoding="utf-8-sig", thousands=",")
    features = gpd.GeoDataFrame(
        {
            "id": rows["OSEBuildingID"].astype(str),
            "use": rows["LargestPropertyUseType"].fillna(rows["PrimaryPropertyType"]),
            "floor_area_m2": rows["PropertyGFABuilding(s)"] * 0.09290304,
            "electricity_kwh_2016": rows["Electricity(kWh)"],
            "gas_therm_2016": rows["NaturalGas(therms)"],
            "steam_kbtu_2016": rows["SteamUse(kBtu)"],
        },
        geometry=gpd.points_from_xy(rows["Longitude"], rows["Latitude"], crs="EPSG:4326"),
    ).to_crs("EPSG:32610")
    made = run(
        features,
        years=[2016],
        regions=["US Seattle", "US"],
        uses=read_uses("seattle", data / "schema"),
        assumptions={
            f"buildings.eui.{use}": assumed(150, "kWh/m2", 75, 300) for use in USES if use not in ("unheated",)
        }
        | {"buildings.carrier_shares": assumed({"electricity": 0.7, "gas": 0.3}, "1")},
    )
    ours = made.lines[made.lines["method"] == "metered"].groupby("feature")["emissions_tco2e"].sum()
    published = rows["TotalGHGEmissions"].dropna()
    assert ours.sum() == pytest.approx(published.sum(), rel=1e-4)
    error = (ours.reindex(published.index) - published).abs()
    assert (error <= np.maximum(0.01 * published.abs(), 0.01)).all()
    assert made.counts["use_unknown_word"] == 0
    assert made.counts["unmetered_2016"] == 9


def test_an_intensity_assumed_for_unknown_uses_stays_a_default(run: Any) -> None:
    features = layer({"use": ["other"], "floor_area_m2": [100.0]})
    lines = run(features, assumptions={"buildings.eui.other": assumed(120, "kWh/m2", 60, 240)}).lines
    assert set(lines["method"]) == {"default"}
    assert set(lines["group"]) == {"eui:other"}


@pytest.mark.shared
@pytest.mark.parametrize(
    "extract",
    [
        "liechtenstein-osm-2024/liechtenstein-2024-03-04.osm.pbf",
        "helsinki-combined/Helsinki.osm.pbf",
        "seoul-songpa-osm-2024/songpa.clean.osm.pbf",
        "monaco-osm-2023/monaco.osm.pbf",
    ],
)
def test_all_words_of_the_extracts_are_known(shared: Path, data: Path, factors: FactorTable, extract: str) -> None:
    objects = osmium.FileProcessor(str(shared / "data" / extract)).with_filter(
        osmium.filter.KeyFilter("building", "highway")
    )
    buildings: set[str] = set()
    roads: set[str] = set()
    for item in objects:
        buildings.add(item.tags.get("building", "yes"))
        if item.is_way():
            roads.add(item.tags.get("highway", "service"))
    _, unknown = use_codes(pd.Series(sorted(buildings), dtype=object), read_uses("osm", data / "schema"))
    assert unknown == {}
    assert roads <= set(factors.words.road_classes)
