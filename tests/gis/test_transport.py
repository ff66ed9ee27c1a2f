from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from accounting.assumptions import Assumptions
from accounting.errors import AssumptionNotFound, FactorNotFound, InvalidAssumption
from accounting.factors import FactorTable
from accounting.sector import SectorEmissions
from gis.errors import BadValue, CrsError
from gis.measure import geodesic_length_km
from gis.traffic import road_classes, speeds_kmh
from gis.transport import road_emissions

LENGTH_M = 1000.0


def assumed(value: Any, unit: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    entry = {"value": value, "unit": unit, "author": "test", "reason": "test"}
    return entry if isinstance(value, dict) else entry | {"low": low or value, "high": high or value}


FLEET = {"transport.fleet": assumed({"car_petrol": 0.6, "car_diesel": 0.3, "bus_diesel": 0.1}, "1")}
SPEED = {"transport.speed": assumed(50, "km/h", 40, 60)}


def roads(columns: dict[str, list[Any]]) -> gpd.GeoDataFrame:
    """Straight segments of 1 km in the grid of Korea."""
    size = len(next(iter(columns.values())))
    y = 1_950_000 + 10.0 * np.arange(size)
    ends = np.stack([np.column_stack([np.full(size, 950_000.0), y]), np.column_stack([np.full(size, 951_000.0), y])], 1)
    ids = [f"w{i}" for i in range(size)]
    return gpd.GeoDataFrame({"id": ids, **columns}, geometry=shapely.linestrings(ends), crs="EPSG:5179")


@pytest.fixture
def run(project: Path) -> Any:
    factors = FactorTable.load(project / "data" / "factors")

    def emissions(
        features: gpd.GeoDataFrame, assumptions: dict[str, Any] | None = None, **given: Any
    ) -> SectorEmissions:
        schema = project / "data" / "schema" / "assumptions.csv"
        return road_emissions(
            features,
            years=given.pop("years", [2023]),
            factors=given.pop("factors", factors),
            assumptions=Assumptions.load(FLEET | SPEED if assumptions is None else assumptions, schema),
            factor_regions=given.pop("regions", ("KR", "world")),
        )

    return emissions


def test_counted_traffic_by_hand(run: Any) -> None:
    """B1: 365 x 1 km x 10,000 vehicles, petrol cars .06204 L/km at 60 km/h, 2.0998 kgCO2/L and its CH4 and N2O."""
    features = roads({"road_class": ["primary"], "aadt": [10_000.0], "speed_kmh": [60.0]})
    made = run(features, FLEET)
    km = made.features["length_km"][0]
    lines = made.lines.set_index("carrier")
    litres = 365 * km * 10_000 * 0.6 * 0.06204
    assert lines.loc["petrol", "activity"] == pytest.approx(litres, rel=2e-4)
    per_litre = 2.0998 + 30.3e-6 * (25 * 28 + 8 * 265)
    assert lines.loc["petrol", "emissions_tco2e"] == pytest.approx(litres * per_litre / 1000, rel=2e-4)
    assert lines.loc["petrol", ["basis", "method", "factor_id", "activity_unit"]].tolist() == [
        "direct", "metered", "kr_gasoline_l", "L",
    ]  # fmt: skip
    assert lines["u_own"].tolist() == pytest.approx([0.1 / 1.96] * 2)
    assert lines["group"].tolist() == ["", ""]
    assert lines.loc["petrol", "u_factor"] == pytest.approx(np.hypot(0.04, 0.15) / 1.96)
    assert set(lines["assumptions"]) == {"transport.fleet"}


def test_assumed_traffic_is_a_default_with_a_shared_error(run: Any) -> None:
    given = FLEET | SPEED | {"transport.aadt.residential": assumed(500, "vehicles/day", 200, 800)}
    made = run(roads({"road_class": ["residential", "residential"]}), given)
    lines = made.lines
    assert set(lines["method"]) == {"default"}
    assert set(lines["group"]) == {"aadt:residential"}
    assert lines["u_group"].tolist() == pytest.approx([300 / 500 / 1.96] * len(lines))
    assert lines["u_own"].tolist() == pytest.approx([1 / 1.96] * len(lines))
    assert set(lines["assumptions"]) == {"transport.aadt.residential transport.fleet transport.speed"}
    assert made.counts == {
        "segments": 2,
        "counted_2023": 0,
        "estimated_2023": 0,
        "assumed_2023": 2,
        "speed_assumed": 2,
        "no_traffic": 0,
    }


def test_an_estimate_of_the_source_is_modelled_and_gives_way_to_a_count(run: Any) -> None:
    counts = {"road_class": ["primary"] * 2, "aadt": [100.0, np.nan], "aadt_estimated": [900.0, 500.0]}
    made = run(roads(counts), FLEET | SPEED)
    methods = made.lines.groupby("feature")["method"].unique()
    assert [list(each) for each in methods] == [["metered"], ["modelled"]]
    assert made.features["aadt_2023"].tolist() == pytest.approx([100.0, 500.0])
    assert made.counts["estimated_2023"] == 1


def test_paths_carry_no_traffic_unless_counted(run: Any) -> None:
    classes = ["footway", "steps", "path", "cycleway", "track", "pedestrian"]
    made = run(roads({"road_class": [*classes, "path"], "aadt": [np.nan] * 6 + [10.0]}))
    assert set(made.lines["feature"]) == {6}
    assert made.counts["no_traffic"] == 6
    assert made.features["aadt_2023"].isna().sum() == 6


def test_all_classes_without_counts_are_named_at_once(run: Any) -> None:
    with pytest.raises(AssumptionNotFound) as raised:
        run(roads({"road_class": ["tertiary", "service", "service", None]}))
    message = str(raised.value)
    for part in ("service (2, 2.0 km)", "tertiary (1, 1.0 km)", "unknown (1", "transport.aadt.service", "illustrative"):
        assert part in message


def test_speeds_and_the_fleet_are_asked_for(run: Any) -> None:
    counted = roads({"road_class": ["primary"], "aadt": [100.0]})
    with pytest.raises(AssumptionNotFound, match=r"without a speed: primary \(1, 1.0 km\)"):
        run(counted, FLEET)
    with pytest.raises(AssumptionNotFound, match=r"give transport\.fleet"):
        run(counted, SPEED)


def test_a_class_that_is_no_word_of_ours_takes_what_is_assumed_of_unknown_ones(run: Any) -> None:
    """As in OpenStreetMap's `unclassified_tertiary` of Porto: the region file may not name it, nor is asked to."""
    counts = roads({"road_class": ["unclassified_tertiary", "primary"], "aadt": [np.nan, 10.0]})
    with pytest.raises(
        AssumptionNotFound, match=r"unclassified_tertiary \(1, 1\.0 km\).*give transport\.aadt\.unknown in"
    ):
        run(counts)
    given = FLEET | SPEED | {"transport.aadt.unknown": assumed(300, "vehicles/day")}
    assert run(counts, given).features["aadt_2023"].tolist() == pytest.approx([300.0, 10.0])


def test_a_ramp_takes_what_is_assumed_for_its_road(run: Any) -> None:
    given = FLEET | {
        "transport.aadt.primary": assumed(8000, "vehicles/day"),
        "transport.speed.primary": assumed(60, "km/h"),
    }
    made = run(roads({"road_class": ["primary_link"]}), given)
    assert made.features["aadt_2023"].tolist() == pytest.approx([8000])
    assert made.features["speed_kmh"].tolist() == [60]


def test_one_carriageway_of_two_takes_half_of_what_is_assumed(run: Any) -> None:
    given = FLEET | SPEED | {f"transport.aadt.{c}": assumed(1000, "vehicles/day") for c in ("motorway", "primary")}
    columns = {"road_class": ["primary", "primary", "motorway", "motorway"], "oneway": ["yes", "no", None, "no"]}
    assert run(roads(columns), given).features["aadt_2023"].tolist() == pytest.approx([500, 1000, 500, 1000])
    # A narrow bridge where the directions take turns carries both.
    turns = run(roads({"road_class": ["primary"], "oneway": ["alternating"]}), given)
    assert turns.features["aadt_2023"].tolist() == pytest.approx([1000])
    counted = run(roads(columns | {"aadt": [300.0] * 4}), given)
    assert counted.features["aadt_2023"].tolist() == pytest.approx([300] * 4)


def test_counts_by_vehicle_class_are_split_by_fuel(run: Any) -> None:
    features = roads({"road_class": ["primary"], "aadt_car": [900.0], "aadt_bus": [50.0], "speed_kmh": [50.0]})
    lines = run(features).lines.set_index("carrier")
    km = 365 * geodesic_length_km(features)[0]
    petrol = km * 900 * 2 / 3
    assert lines.loc["petrol", "activity"] == pytest.approx(petrol * litres("car_petrol", 50), rel=1e-9)
    diesel = km * (900 / 3 * litres("car_diesel", 50) + 50 * litres("bus_diesel", 50))
    assert lines.loc["diesel", "activity"] == pytest.approx(diesel, rel=1e-9)


def test_a_count_in_all_beside_counts_by_class_is_not_lost(run: Any) -> None:
    """10,000 vehicles of which 400 were counted as buses: the other 9,600 are the rest of the fleet."""
    nan = np.nan
    columns = {"aadt": [10_000.0, nan, 300.0, 500.0], "aadt_bus": [400.0, 400.0, 400.0, nan]}
    made = run(roads(columns | {"road_class": ["primary"] * 4, "speed_kmh": [50.0] * 4}), FLEET)
    assert made.features["aadt_2023"].tolist() == pytest.approx([10_000, 400, 400, 500])
    km = 365 * geodesic_length_km(roads({"id": [1]}))[0]
    lines = made.lines[made.lines["feature"] == 0].set_index("carrier")
    assert lines.loc["petrol", "activity"] == pytest.approx(km * 9_600 * 2 / 3 * litres("car_petrol", 50), rel=1e-9)
    diesel = km * (9_600 / 3 * litres("car_diesel", 50) + 400 * litres("bus_diesel", 50))
    assert lines.loc["diesel", "activity"] == pytest.approx(diesel, rel=1e-9)
    both = run(roads({"aadt": [1000.0], "aadt_bus": [50.0], "aadt_car": [900.0], "speed_kmh": [50.0]}))
    assert both.features["aadt_2023"].tolist() == pytest.approx([1000])


def litres(curve: str, speed: float) -> float:
    coefficients = {
        "car_petrol": (0.964022581, 0.041448033, -4.54163e-05, 2.01346e-06),
        "car_diesel": (0.437094041, 0.058616489, -0.00052488, 4.12709e-06),
        "bus_diesel": (4.115603124, 0.306464813, -0.00420643, 3.65263e-05),
    }
    a, b, c, d = coefficients[curve]
    return (a + b * speed + c * speed**2 + d * speed**3) / speed


def test_vehicles_counted_but_not_in_the_fleet_are_refused(run: Any) -> None:
    features = roads({"road_class": ["primary"], "aadt_lgv": [100.0], "speed_kmh": [50.0]})
    with pytest.raises(InvalidAssumption, match=r"class 'lgv' were counted.*lgv_diesel"):
        run(features)


def test_electric_vehicles_are_indirect(run: Any) -> None:
    fleet = {"transport.fleet": assumed({"car_petrol": 0.8, "car_electric": 0.2}, "1")}
    features = roads({"road_class": ["primary"], "aadt": [1000.0], "speed_kmh": [50.0]})
    line = run(features, fleet).lines.set_index("carrier").loc["electricity"]
    km = 365 * geodesic_length_km(features)[0] * 200
    assert line["activity"] == pytest.approx(km * 0.245)
    assert (line["basis"], line["factor_id"], line["activity_unit"]) == ("indirect", "kr_elec_2023", "kWh")
    assert line["emissions_tco2e"] == pytest.approx(km * 0.245 * 0.4173 / 1000)
    own = fleet | {
        "transport.ev.consumption": assumed(0.18, "kWh/km", 0.16, 0.2),
        "transport.ev.charge_loss": assumed(0.1, "1"),
    }
    line = run(features, own).lines.set_index("carrier").loc["electricity"]
    assert line["activity"] == pytest.approx(km * 0.2)
    assert line["assumptions"] == "transport.ev.charge_loss transport.ev.consumption transport.fleet"
    buses = {"transport.fleet": assumed({"bus_electric": 1.0}, "1")}
    with pytest.raises(AssumptionNotFound, match=r"transport\.ev\.consumption\.bus"):
        run(features, buses)


@pytest.mark.parametrize(
    ("fleet", "error", "message"),
    [
        ({"cars": 1.0}, InvalidAssumption, "'cars' is no vehicle and fuel"),
        ({"hovercraft_diesel": 1.0}, FactorNotFound, "No fuel curve for vehicle 'hovercraft'"),
        ({"bus_petrol": 1.0}, FactorNotFound, "there are bus_diesel, car_diesel"),
    ],
)
def test_a_fleet_nobody_has_curves_for_is_refused(
    run: Any, fleet: dict[str, float], error: type[ValueError], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(roads({"aadt": [1.0], "speed_kmh": [50.0]}), {"transport.fleet": assumed(fleet, "1")})


def test_fuel_has_no_factor_everywhere(run: Any) -> None:
    with pytest.raises(FactorNotFound, match=r"No factor for 'petrol.volume'.*kr_gasoline_l \(KR\)"):
        run(roads({"aadt": [1.0], "speed_kmh": [50.0]}), regions=("LI", "world"))


def test_negative_counts_are_refused(run: Any) -> None:
    with pytest.raises(BadValue, match="'aadt': 1 counts are negative"):
        run(roads({"aadt": [-1.0, 5.0], "speed_kmh": [50.0, 50.0]}))


def test_years_have_their_own_counts(run: Any) -> None:
    features = roads({"aadt_2022": [100.0], "aadt_2023": [200.0], "speed_kmh": [50.0]})
    lines = run(features, years=[2022, 2023]).lines
    totals = lines.groupby("year")["emissions_tco2e"].sum()
    assert totals[2023] == pytest.approx(2 * totals[2022])


def test_speeds_of_openstreetmap() -> None:
    given = pd.Series(["50", "30 mph", "30mph", "none", "walk", "50;30", "AT:urban", None, "0", "80 km/h", 70])
    nan = np.nan
    expected = [50, 48.28032, 48.28032, nan, nan, nan, nan, nan, nan, 80, 70]
    assert speeds_kmh(given) == pytest.approx(expected, nan_ok=True)
    assert speeds_kmh(pd.Series([50.0, 0.0, np.nan])) == pytest.approx([50, nan, nan], nan_ok=True)
    assert speeds_kmh(pd.Series([None, None])) == pytest.approx([nan, nan], nan_ok=True)


def test_road_classes_are_words() -> None:
    def words(features: pd.DataFrame) -> list[str]:
        classes = road_classes(features)
        return [classes.names[code] for code in classes.of]

    frame = pd.DataFrame({"road_class": ["Principal Arterial", "고속국도", None, "", "primary_link"]})
    assert words(frame) == ["principal_arterial", "고속국도", "unknown", "unknown", "primary_link"]
    assert words(pd.DataFrame({"id": ["a"]})) == ["unknown"]


def test_lengths_are_geodesic_not_those_of_the_projection() -> None:
    """UTM 32N in Liechtenstein: 1 km of the grid is not 1 km on the ground; a multiline adds its parts."""
    line = shapely.LineString([(540_000, 5_220_000), (541_000, 5_220_000)])
    parts = shapely.MultiLineString(
        [[(540_000, 5_220_000), (540_500, 5_220_000)], [(540_500, 5_220_000), (541_000, 5_220_000)]]
    )
    lengths = geodesic_length_km(gpd.GeoSeries([line, parts], crs="EPSG:32632").to_frame("geometry"))
    # 40 km east of the central meridian the scale of UTM is 0.9996 x 1.00002.
    assert lengths[0] == pytest.approx(1.00038, abs=2e-5)
    assert lengths[1] == pytest.approx(lengths[0], rel=1e-9)
    with pytest.raises(CrsError, match="projected CRS"):
        geodesic_length_km(gpd.GeoSeries([line], crs="EPSG:4326").to_frame("geometry"))
