"""Ground, crowns and roofs that measures of different areas share: what is taken is there, however areas lie."""

from types import ModuleType
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from scenarios.errors import InvalidScenario
from scenarios.frame import FloatArray
from scenarios.places import area_coverage, polygon_shares
from scenarios.result import Result
from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario
from scenarios.state import State
from tests.scenarios import scenario_cities

X, Y = 900_000.0, 1_900_000.0
_BACK = pyproj.Transformer.from_crs("EPSG:5179", "OGC:CRS84", always_xy=True)


def drawn(shape: BaseGeometry) -> dict[str, Any]:
    """A polygon in metres from the grid's corner, as a planner draws it."""
    corners = shapely.get_coordinates(placed(shape))
    return {"polygon": [[list(_BACK.transform(*corner)) for corner in corners]]}


def placed(shape: BaseGeometry) -> BaseGeometry:
    """In metres of the region's CRS."""
    return translate(shape, X, Y)


def roofs(name: str, level: float, shape: BaseGeometry | None) -> dict[str, Any]:
    area = {} if shape is None else {"area": drawn(shape)}
    return {"id": name, "kind": "rooftop_pv", "level": level, "parameters": {"pv.roof_share": 0.5}, **area}


def ran(state: State, measures: list[dict[str, Any]]) -> Result:
    document = read_scenario({"year": 2040, "measures": measures})
    return run(baseline_of(state), document, area_coverage(state))


def test_an_outline_drawn_once_more_is_the_same_roofs(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    once = shapely.box(1250, 1250, 2750, 2750)
    again = shapely.box(1250, 1250.02, 2750, 2750)
    assert ran(state, [roofs("one", 0.7, once), roofs("two", 0.3, again)]).measures
    with pytest.raises(InvalidScenario, match=r"two: .* of the roofs.* one left .*areas that do not overlap"):
        ran(state, [roofs("one", 0.7, once), roofs("two", 0.7, again)])


def test_a_part_of_an_area_and_areas_in_turn(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    west, east, middle = (
        shapely.box(low, 1000, high, 3000) for low, high in ((1000, 2250), (2250, 3000), (2000, 2500))
    )
    beside = [roofs("west", 1.0, west), roofs("east", 1.0, east)]
    assert len(ran(state, beside).measures) == 2
    with pytest.raises(InvalidScenario, match=r"middle: .* west, east left"):  # each of the pairs with it fits
        ran(state, [roofs("west", 0.6, west), roofs("east", 0.6, east), roofs("middle", 0.5, middle)])
    assert len(ran(state, [*(part | {"level": 0.6} for part in beside), roofs("middle", 0.4, middle)]).measures) == 3
    part = roofs("part", 0.5, shapely.box(1100, 1100, 1200, 1200))  # 4 % of a cell
    assert len(ran(state, [part, roofs("all", 0.97, None)]).measures) == 2
    with pytest.raises(InvalidScenario, match=r"all: .* part left 98.0%"):
        ran(state, [part, roofs("all", 1.0, None)])


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_two_drawn_areas_never_take_more_than_is_there(data: st.DataObject) -> None:
    state = scenario_cities.city(4, 4)
    side = st.integers(0, 20).map(lambda step: 100.0 * step)
    shapes, levels = [], []
    for _ in range(2):
        left, low = data.draw(side), data.draw(side)
        wide, high = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
        shapes.append(shapely.box(left, low, min(left + 100 * wide, 2100), min(low + 100 * high, 2100)))
        levels.append(data.draw(st.sampled_from([0.2, 0.5, 0.8, 1.0])))
    ground = shapely.box(0, 0, 2000, 2000)
    if any(shape.intersection(ground).area == 0 for shape in shapes):
        return
    overlap = shapely.intersection(*shapes).intersection(ground)
    measures = [roofs(f"pv{k}", level, shape) for k, (level, shape) in enumerate(zip(levels, shapes, strict=True))]
    frame = state.frame
    shares = [polygon_shares(frame, [placed(shape)]) for shape in shapes]
    united = polygon_shares(frame, [placed(shape) for shape in shapes])
    taken = levels[0] * shares[0] + levels[1] * shares[1]
    both = (shares[0] > 0) & (shares[1] > 0) & (state.floor_area_m2.sum(axis=0) > 0)
    too_much = both & (taken > united + 2e-3)
    plenty = both & (taken > united - 1e-6)
    if too_much.any():
        assert overlap.area > 0
        with pytest.raises(InvalidScenario, match=r"pv1: .* pv0 left"):
            ran(state, measures)
    elif not plenty.any():
        assert len(ran(state, measures).measures) == 2


# --- crowns, cell by cell ------------------------------------------------------------------------------------------


def trees(count: float, **more: Any) -> dict[str, Any]:
    return {"id": "trees", "kind": "street_trees", "trees": count, **more}


def crowns_ha(state: State, result: Result) -> FloatArray:
    """What a measure's trees cover in each cell, by what they take up."""
    tonnes = result.first.by_measure_tco2e[0]
    return np.asarray(tonnes / tonnes.sum() * result.measures[0].quantity * 25 / 1e4)


def test_no_cell_is_given_more_crowns_than_it_has_open_ground(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    green = state.green_ha.copy()
    middle = np.unravel_index(state.street_km.argmax(), state.street_km.shape)
    green[middle] = 24.9  # a park in the middle, with streets
    state = cities.city(8, 8, green_ha=green)
    not_green = state.area_ha - green
    few, many = (share * not_green.sum() * 1e4 / 25 for share in (0.001, 0.6))
    result = ran(state, [trees(few)])
    np.testing.assert_allclose(
        crowns_ha(state, result), (few * 25 / 1e4 * state.street_km / state.street_km.sum()).ravel()
    )
    crowded = many * 25 / 1e4 * state.street_km / state.street_km.sum() > not_green
    assert crowded.any()
    result = ran(state, [trees(many)])
    planted = crowns_ha(state, result)
    assert (planted <= not_green.ravel() * (1 + 1e-9)).all()
    assert planted.sum() == pytest.approx(many * 25 / 1e4)
    assert result.measures[0].quantity == pytest.approx(many)
    all_of_it = np.floor(not_green.sum() * 1e4 / 25)
    assert (crowns_ha(state, ran(state, [trees(all_of_it)])) <= not_green.ravel() * (1 + 1e-9)).all()


def test_crowns_and_woods_are_not_laid_on_the_same_ground(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    built = state.floor_area_m2.sum(axis=0) / 4 / 1e4
    not_green = (state.area_ha - state.green_ha).sum()
    free = float(np.maximum(state.area_ha - state.green_ha - built, 0).sum())
    wood = {"id": "wood", "kind": "afforestation", "hectares": 0.9 * free}
    half = trees(0.5 * not_green * 1e4 / 25)
    assert len(ran(state, [wood | {"hectares": 0.4 * free}, trees(0.01 * not_green * 1e4 / 25)]).measures) == 2
    for measures, last, first in (([wood, half], "trees", "wood"), ([half, wood], "wood", "trees")):
        with pytest.raises(
            InvalidScenario, match=rf"{last}: in the cell of row \d+ .* not green, of which {first} left"
        ):
            ran(state, measures)
