"""Where to act, from a state and zones: planted zones are found, with what they could save and how sure that is."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import shapely

from scenarios.management_zones import management_zones, touching_zones
from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario
from scenarios.state import State
from scenarios.where_errors import InvalidCells

SIDE, ZONE = 30, 5  # cells of a city and of a zone: 36 zones of 25 cells
PLANTED = (14, 15)
PROGRAMME = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]}


def squares(state: State) -> list[shapely.Polygon]:
    frame, side = state.frame, ZONE * state.frame.size_m
    steps = range(SIDE // ZONE)
    corners = [(frame.x_m + col * side, frame.y_m + row * side) for row in steps for col in steps]
    return [shapely.box(x, y, x + side, y + side) for x, y in corners]


@pytest.fixture(scope="module")
def state(cities: ModuleType) -> State:
    """A city as dense everywhere, but for two zones side by side, which emit three times as much."""
    rng = np.random.default_rng(3)
    zone = (np.indices((SIDE, SIDE))[0] // ZONE) * (SIDE // ZONE) + np.indices((SIDE, SIDE))[1] // ZONE
    level = np.exp(0.3 * rng.standard_normal((SIDE, SIDE))) * np.where(np.isin(zone, PLANTED), 3.0, 1.0)
    floor = level * np.array([4e3, 3e3, 3e3])[:, None, None]
    intensity = np.array([[0.04, 0.03], [0.03, 0.02], [0.06, 0.01]])
    made: State = cities.city(
        SIDE, SIDE, floor_area_m2=floor, buildings_tco2e=intensity[:, :, None, None] * floor[:, None],
        sd_tco2e={"buildings": 0.1 * floor.sum(axis=0) * 0.06},
    )  # fmt: skip
    return made


def test_planted_zones_are_the_first_candidate(state: State) -> None:
    saved = -run(baseline_of(state), read_scenario(PROGRAMME)).first.change_tco2e.sum(axis=0)
    found = management_zones(state, squares(state), sectors=("buildings",), saved_tco2e=saved)
    [first, *rest] = found.candidates
    assert first.zones.tolist() == list(PLANTED)
    assert not rest
    tonnes = state.sector_tco2e("buildings")
    inside = np.asarray(found.shares[list(PLANTED)].sum(axis=0)).ravel()
    assert first.emissions_tco2e == pytest.approx(float(inside @ tonnes))
    assert first.savings_tco2e == pytest.approx(float(inside @ saved))
    assert first.area_ha == pytest.approx(2 * 25 * 25)
    assert first.probability is not None
    # 50 of 900 cells are planted, so that all of them may be among the top 90
    assert found.probability[inside > 0].mean() > 0.9 > found.probability[inside == 0].mean()
    assert found.stability.share[inside > 0].mean() > 0.8
    assert found.intensity == pytest.approx(tonnes / 25)


def test_years_and_bands_tell_how_stable_it_is(state: State, cities: ModuleType) -> None:
    alone = management_zones(state, squares(state), sectors=("buildings",))
    same = management_zones(state, squares(state), sectors=("buildings",), years=[state])
    assert alone.stability.year_agreement == same.stability.year_agreement == 1
    np.testing.assert_array_equal(alone.stability.share, same.stability.share)
    wide = management_zones(state, squares(state), sectors=("buildings",), band_m=1500.0)
    assert wide.cells.hot.sum() > alone.cells.hot.sum()
    assert alone.candidates[0].savings_tco2e is None


def test_an_unknown_cell_takes_no_part(state: State, cities: ModuleType) -> None:
    known = np.ones((SIDE, SIDE), bool)
    known[0, 0] = False
    fields: dict[str, Any] = {name: getattr(state, name) for name in ("floor_area_m2", "buildings_tco2e", "sd_tco2e")}
    other = cities.city(SIDE, SIDE, known={"buildings": known}, **fields)
    found = management_zones(other, squares(other), sectors=("buildings",))
    assert np.isnan(found.intensity).sum() == 1
    assert np.isnan(found.probability[0])


def test_neighbours_share_a_border_or_a_corner() -> None:
    boxes = [
        shapely.box(0, 0, 10, 10),
        shapely.box(10, 10, 20, 20),
        shapely.box(10.5, 0, 20, 10),
        shapely.box(40, 0, 50, 9),
    ]
    expected = [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(touching_zones(boxes).toarray(), expected)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"sectors": ("waste",)}, "some of buildings, transport, forest"),
        ({"sectors": ()}, "none were given"),
        ({"saved_tco2e": np.ones(3)}, "one value for each cell"),
        ({"polygons": []}, "No zones"),
    ],
)
def test_what_does_not_fit_is_named(state: State, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidCells, match=says):
        management_zones(state, asked.pop("polygons", squares(state)), **asked)


def test_another_year_has_the_same_cells(state: State, cities: ModuleType) -> None:
    with pytest.raises(InvalidCells, match="same grid"):
        management_zones(state, squares(state), years=[cities.city(5, 5)])
