"""Readings and sizes that nothing on Earth has: refused by id and file, before they make other numbers infinite."""

import pytest

from carbonmap.build import build_region
from carbonmap.check import check_region
from carbonmap.progress import Silent
from gis.errors import BadValue


def with_readings(tiny, amount):
    tiny.meters += "".join(f"b3;2023{month:02d};electricity;{amount}\n" for month in range(1, 13))


def with_area(tiny, m2):
    tiny.layers["buildings.geojson"]["features"][2]["properties"]["area"] = m2


@pytest.mark.parametrize(
    ("spoil", "value", "said"),
    [
        (with_readings, "1e300", r"electricity_kwh_2023 beyond 1e\+18: 1\.2e\+301 .*b3.*meters\.csv"),
        (with_area, 1e300, r"floor_area_m2 beyond 1e\+12: 1e\+300 .*b3.*buildings\.geojson"),
    ],
)
def test_what_no_building_has_is_refused_by_id_and_file(tiny, spoil, value, said):
    spoil(tiny, value)
    with pytest.raises(BadValue, match=said):
        build_region(tiny.write(), None, tiny.store, progress=Silent())
    found = [each for part in check_region(tiny.file).parts.values() for each in part if each.level == "error"]
    assert any("b3" in each.examples for each in found)


def test_what_is_merely_large_is_told_and_built(tiny):
    with_area(tiny, 3e6)
    built = build_region(tiny.write(), None, tiny.store, progress=Silent())
    assert any("floor_area_m2 outside" in line for line in built.summary())
