"""Features at which GEOS gives up are refused by their position, all of them, and the others come out as without them.

GEOS gives up at nothing that is known today, so it is made to: at what has a certain area.
"""

import pickle
from typing import Any

import numpy as np
import pytest
import shapely
from shapely import Polygon, box

from grids.errors import UncutGeometry
from grids.grid import Grid
from grids.measures import UNCUT, as_features
from grids.shares import clip_to
from grids.sharing import Division, SharedOut
from grids.wkb import WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex
from tests.given_up import SAYS, give_up

GRID = Grid("EPSG:32632", (0, 0), 100, "inspire")
DOMAIN = box(0, 0, 1000, 1000)
HALVES = np.array([box(0, 0, 450, 1000), box(450, 0, 1000, 1000)], dtype=object)


def shared(shapes: list[Any]) -> SharedOut:
    division = Division(DOMAIN, GRID, {"half": ZoneIndex.of(HALVES, GRID)})
    return division.share_out(
        WkbColumn.from_bytes([shapely.to_wkb(each) for each in shapes]), ids=list("abcdef")[: len(shapes)]
    )


def same(found: SharedOut, expected: SharedOut, places: list[int]) -> None:
    """The features that were kept, at these places before, came out to the bit as if the others had not been there."""
    left = found.without_refused()
    assert left.outside.tobytes() == expected.outside.tobytes()
    pairs = [(left.cells, expected.cells), *((left.zones[name], expected.zones[name]) for name in expected.zones)]
    for one, other in pairs:
        for name, column in vars(one).items():
            assert column.tobytes() == vars(other)[name].tobytes()
    assert found.outside.size == len(places) + len(found.refused)


@pytest.mark.parametrize("operation", ["difference", "intersection"])
def test_what_cannot_be_cut_at_the_domain(monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    across, also, fine = box(-30, 10, 30, 47), box(900, -20, 960, 17), box(-10, 500, 70, 540)
    within = box(440, 440, 460, 460)
    expected = shared([within, fine])
    give_up(monkeypatch, operation, across.area)
    assert across.area == also.area
    found = shared([within, across, fine, also])
    assert found.refused == {1: f"{UNCUT} [{SAYS}]", 3: f"{UNCUT} [{SAYS}]"}
    assert np.isnan(found.outside).tolist() == [False, True, False, True]
    same(found, expected, [0, 2])


def test_what_cannot_be_cut_at_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    tied = Polygon([(400, 400), (500, 480), (500, 400), (400, 480)])  # edges do not say what it covers: it is overlaid
    [mended], _ = as_features(np.array([tied, None], dtype=object)[:1])
    fine = box(420, 100, 480, 160)
    expected = shared([fine])
    give_up(monkeypatch, "intersection", mended.area)
    found = shared([tied, fine])
    assert found.refused == {0: f"{UNCUT} [{SAYS}]"}
    same(found, expected, [1])


def test_what_cannot_be_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    tied, fine = Polygon([(10, 10), (110, 90), (110, 20), (10, 95)]), box(20, 100, 80, 160)
    expected = shared([fine])
    give_up(monkeypatch, "make_valid", tied.area)
    found = shared([fine, tied])
    assert list(found.refused) == [1]
    assert "GEOS cannot repair it" in found.refused[1]
    same(found, expected, [0])
    column = WkbColumn.from_bytes([shapely.to_wkb(each) for each in (fine, tied)])
    with pytest.raises(UncutGeometry, match=r"Feature 'b' \(position 1\): .*cannot repair it .*leave it out"):
        parts_in_cells(column, GRID, ids=["a", "b"])


def test_library_users_are_told_every_position(monkeypatch: pytest.MonkeyPatch) -> None:
    across, fine = box(-30, 10, 30, 47), box(10, 10, 20, 20)
    give_up(monkeypatch, "difference", across.area)
    with pytest.raises(UncutGeometry, match=r"Feature 1 \(and 1 more\): GEOS cannot cut it") as error:
        clip_to(np.array([fine, across, fine, across], dtype=object), DOMAIN)
    assert sorted(error.value.reasons) == [1, 3]
    again = pickle.loads(pickle.dumps(error.value))
    assert (again.reasons, str(again)) == (error.value.reasons, str(error.value))
