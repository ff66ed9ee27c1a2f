from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from accounting.assumptions import Assumptions
from accounting.errors import AssumptionNotFound
from accounting.factors import FactorTable
from accounting.sector import SectorEmissions
from gis.forest import forest_emissions
from gis.measure import geodesic_area_m2
from gis.stands import stand_ages

REGIONS = ("KR", "temperate continental", "world")


def assumed(value: float, unit: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {
        "value": value,
        "unit": unit,
        "low": value if low is None else low,
        "high": value if high is None else high,
        "author": "test",
        "reason": "test",
    }


def stands(columns: dict[str, list[Any]]) -> gpd.GeoDataFrame:
    """Stands of 100 x 100 m, whose area is given, so that numbers can be checked by hand."""
    size = len(next(iter(columns.values())))
    x = 950_000 + 200.0 * np.arange(size)
    boxes = shapely.box(x, 1_950_000, x + 100, 1_950_100)
    ids = [f"s{i}" for i in range(size)]
    columns = {"area_ha": [1.0] * size} | columns
    return gpd.GeoDataFrame({"id": ids, **columns}, geometry=boxes, crs="EPSG:5179")


@pytest.fixture
def run(project: Path) -> Any:
    factors = FactorTable.load(project / "data" / "factors")

    def emissions(features: pd.DataFrame, assumptions: dict[str, Any] | None = None, **given: Any) -> SectorEmissions:
        return forest_emissions(
            features,
            years=given.pop("years", [2023]),
            factors=factors,
            assumptions=Assumptions.load(assumptions or {}, project / "data" / "schema" / "assumptions.csv"),
            factor_regions=given.pop("regions", REGIONS),
        )

    return emissions


def by_feature(made: SectorEmissions, column: str = "emissions_tco2e") -> dict[int, Any]:
    return dict(made.lines.set_index("feature")[column])


def test_increment_of_a_known_wood(run: Any) -> None:
    """Oracle: central pine with 5 m3/ha takes up 7.7453 t, Quercus mongolica with 4 m3/ha 10.3336 t."""
    made = run(
        stands({"species": ["중부지방소나무", "신갈나무"], "increment_m3_ha": [5.0, 4.0], "area_ha": [1.0, 2.0]})
    )
    assert by_feature(made) == pytest.approx({0: -7.7453, 1: -2 * 10.3336}, abs=2e-4)
    assert set(made.lines["method"]) == {"modelled"}
    assert by_feature(made, "factor_id")[0] == "kr_pinus_densiflora_central_tco2_m3"
    assert by_feature(made, "activity") == {0: 5.0, 1: 8.0}
    assert set(made.lines["carrier"]) == {"biomass"}
    assert set(made.lines["basis"]) == {"direct"}
    assert made.lookups["kr_quercus_mongolica_tco2_m3"].factor.value == pytest.approx(2.5834, abs=1e-4)


def test_age_gives_the_uptake_of_the_species(run: Any) -> None:
    features = stands({"species": ["소나무"] * 4, "age_years": [30.0, 25.0, 90.0, 0.0]})
    made = run(features)
    assert by_feature(made) == pytest.approx({0: -10.77, 1: -(8.34 + 10.77) / 2, 2: -3.51, 3: 0.0})
    assert set(made.lines["factor_id"]) == {"kr_uptake_pine"}
    assert set(made.lines["method"]) == {"modelled"}
    assert made.lines["u_factor"].tolist() == pytest.approx([0.3 / 1.96] * 4)


def test_a_species_on_the_curve_of_its_group_is_a_default(run: Any) -> None:
    made = run(stands({"species": ["신갈나무", "참나무류"], "age_class": ["III", "III"]}))
    assert by_feature(made) == pytest.approx({0: -(16.08 + 12.14) / 2, 1: -(16.08 + 12.14) / 2})
    assert by_feature(made, "method") == {0: "default", 1: "modelled"}
    assert by_feature(made, "group") == {0: "forest:신갈나무", 1: ""}


def test_age_classes_are_read_as_their_midpoints() -> None:
    written = ["I", "2", "3영급", "Ⅳ", 5, 6.0, "old", None, "0"]
    ages = stand_ages(pd.DataFrame({"age_class": written}))
    assert ages == pytest.approx([5, 15, 25, 35, 45, 55, np.nan, np.nan, np.nan], nan_ok=True)
    both = pd.DataFrame({"age_class": ["I", "I"], "age_years": [40.0, np.nan]})
    assert stand_ages(both).tolist() == [40, 5]


def test_tree_cover_by_leaf_type(run: Any) -> None:
    """C4: 4.0 x (1 + R) x CF x 44/12; conifers .29 and .51, broadleaves .23 and .48, mixed .26 and .47."""
    covers = ["tree_needleleaf", "forest", "wood", "tree_mixed", None]
    leaves = [None, "broadleaved", None, None, None]
    made = run(stands({"land_cover": covers, "leaf_type": leaves}))
    expected = [4 * 1.29 * 0.51, 4 * 1.23 * 0.48, 4 * 1.26 * 0.47, 4 * 1.26 * 0.47, 4 * 1.26 * 0.47]
    assert by_feature(made) == pytest.approx({i: -value * 44 / 12 for i, value in enumerate(expected)})
    assert set(made.lines["method"]) == {"default"}
    assert set(made.lines["factor_id"]) == {"ipcc_G_temp_continental"}
    assert made.lines["u_factor"].tolist() == pytest.approx([0.6 / 1.96] * 5)
    assert by_feature(made, "group")[0] == "forest:needleleaf"
    assert set(made.lines["assumptions"]) == {""}


def test_the_same_function_serves_raster_classes(run: Any) -> None:
    classes = pd.DataFrame(
        {
            "id": list("abcdefgh"),
            "class_code": range(8),
            "land_cover": ["tree", "grass", "crop", "built", "water", "bare", "wetland", "other"],
            "area_ha": [1e6, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
        }
    )
    made = run(classes)
    values = by_feature(made)
    assert values[0] == pytest.approx(-1e6 * 4 * 1.26 * 0.47 * 44 / 12)
    assert [values[i] for i in range(1, 6)] == [0.0] * 5
    assert not np.signbit(made.lines["emissions_tco2e"].to_numpy()[1:]).any()
    assert set(made.lines["feature"]) == {0, 1, 2, 3, 4, 5}
    assert made.counts["not_estimated"] == 2
    assert made.features["uptake_tco2_ha"].isna().sum() == 2


def test_a_climate_zone_that_is_a_gap_is_asked_for(run: Any) -> None:
    features = stands({"land_cover": ["tree"]})
    with pytest.raises(AssumptionNotFound, match=r"leaf type unknown.*subtropical steppe.*forest.growth"):
        run(features, regions=("UZ", "subtropical steppe", "world"))
    given = {
        "forest.growth": assumed(1.0, "t d.m./ha/yr", 0.5, 1.5),
        "forest.root_shoot": assumed(0.3, "1", 0.2, 0.4),
    }
    made = run(features, given, regions=("UZ", "world"))
    assert by_feature(made) == pytest.approx({0: -1.0 * 1.3 * 0.47 * 44 / 12})
    (line,) = made.lines.to_dict("records")
    assert line["assumptions"] == "forest.growth forest.root_shoot"
    assert line["u_factor"] == pytest.approx(0.5 / 1.96)
    assert line["factor_id"] == "forest.growth"


def test_crowns_may_cover_part_of_the_ground(run: Any) -> None:
    features = stands({"land_cover": ["tree", "forest"]})
    values = by_feature(run(features, {"forest.crown_fraction.tree": assumed(0.5, "1")}))
    assert values[0] == pytest.approx(values[1] / 2)


def test_assumed_uptakes_serve_species_and_land_cover(run: Any) -> None:
    features = stands({"species": ["기타 침엽수", "자작나무", None], "land_cover": [None, None, "wetland"]})
    given = {
        "forest.uptake.기타_침엽수": assumed(6.0, "tCO2/ha/yr", 4, 8),
        "forest.increment.자작나무": assumed(4.0, "m3/ha/yr", 3, 5),
        "forest.uptake.wetland": assumed(-3.0, "tCO2/ha/yr", -5, -1),
    }
    made = run(features, given)
    assert by_feature(made) == pytest.approx({0: -6.0, 1: -4 * 1.6233, 2: 3.0}, abs=1e-3)
    assert set(made.lines["method"]) == {"default"}
    assert by_feature(made, "u_group") == pytest.approx({0: 2 / 6 / 1.96, 1: 1 / 4 / 1.96, 2: 2 / 3 / 1.96})


def test_losses_make_land_a_source_and_nothing_is_clamped(run: Any) -> None:
    features = stands({"species": ["소나무", None], "age_years": [60.0, np.nan], "land_cover": [None, "grass"]})
    made = run(features, {"forest.loss": assumed(5.0, "tCO2/ha/yr", 4, 6)})
    assert made.lines.groupby("feature")["emissions_tco2e"].sum().to_dict() == pytest.approx({0: 5.0 - 3.51, 1: 0.0})
    assert made.features["uptake_tco2_ha"].tolist() == pytest.approx([3.51 - 5.0, 0.0])
    assert sorted(made.lines["assumptions"]) == ["", "", "forest.loss"]


def test_growth_without_losses_is_told(run: Any) -> None:
    (said,) = run(stands({"land_cover": ["tree", "grass"]})).warnings
    assert "harvest" in said
    assert "forest.loss" in said
    assert run(stands({"land_cover": ["tree"]}), {"forest.loss": assumed(0.0, "tCO2/ha/yr")}).warnings == ()
    assert run(stands({"land_cover": ["grass"]})).warnings == ()


def test_losses_keep_the_errors_of_growth_and_bring_their_own(run: Any) -> None:
    """Growth of 3.51 t, 30 %, less a loss of 3.51 +- 1 t: nothing on balance, but not known without error."""
    features = stands({"species": ["소나무"], "age_years": [60.0]})
    lines = run(features, {"forest.loss": assumed(3.51, "tCO2/ha/yr", 2.51, 4.51)}).lines
    assert lines["emissions_tco2e"].sum() == pytest.approx(0)
    assert sorted(lines["emissions_tco2e"] * lines["u_factor"]) == pytest.approx([-3.51 * 0.3 / 1.96, 1 / 1.96])
    assert sorted(lines["factor_id"]) == ["forest.loss", "kr_uptake_pine"]


def test_of_roots_only_their_own_part_is_uncertain(run: Any) -> None:
    given = {"forest.root_shoot": assumed(0.25, "1", 0.125, 0.375), "forest.carbon_fraction": assumed(0.5, "tC/t d.m.")}
    (line,) = run(stands({"land_cover": ["tree"]}), given).lines.to_dict("records")
    assert line["u_group"] == pytest.approx(0.25 / 1.25 * 0.5 / 1.96)


def test_implausible_uptake_is_told(run: Any) -> None:
    made = run(stands({"species": ["신갈나무", "신갈나무"], "increment_m3_ha": [10.0, 4.0]}))
    assert "1 stands take up more than 17" in made.warnings[0]
    assert "신갈나무" in made.warnings[0]


def test_unknown_words_are_told(run: Any) -> None:
    made = run(stands({"species": ["Fagus sylvatica L.", None], "land_cover": [None, "lava"]}))
    assert by_feature(made, "method") == {0: "default"}
    assert "Fagus sylvatica L." in made.warnings[0]
    assert "lava" in made.warnings[1]
    assert made.counts["not_estimated"] == 1


def test_every_year_has_its_lines(run: Any) -> None:
    made = run(stands({"land_cover": ["tree"]}), years=[2022, 2023])
    assert made.lines["year"].tolist() == [2022, 2023]
    assert made.counts["by_tree_cover"] == 1


def test_areas_are_geodesic_small_and_large() -> None:
    geod = Geod(ellps="GRS80")
    small = shapely.box(950_000, 1_950_000, 950_100, 1_950_100)
    hole = shapely.box(952_000, 1_952_000, 958_000, 1_958_000)
    large = shapely.box(950_000, 1_950_000, 960_000, 1_960_000).difference(hole)
    frame = gpd.GeoDataFrame(geometry=[small, large, shapely.Point(0, 0), None], crs="EPSG:5179")
    areas = geodesic_area_m2(frame)
    for position in (0, 1):
        dense = shapely.segmentize(frame.geometry[position], 50)
        lonlat = gpd.GeoSeries([dense], crs="EPSG:5179").to_crs("EPSG:4326")[0]
        expected = abs(geod.geometry_area_perimeter(shapely.geometry.polygon.orient(lonlat))[0])
        assert areas[position] == pytest.approx(expected, rel=1e-6)
    assert areas[2:].tolist() == [0.0, 0.0]
    assert areas[1] == pytest.approx(64e6, rel=3e-3)
