"""A layer that lies elsewhere: where, and which mistake of its coordinates that looks like."""

import numpy as np
import pytest
from pyproj import CRS

from gis.crs import LONLAT, Bounds, check_degrees, moved_bounds
from gis.errors import CrsError
from gis.whereabouts import whereabouts

SEOUL: Bounds = (126.9, 37.4, 127.2, 37.6)
WITHIN: Bounds = (126.95, 37.45, 127.1, 37.55)
UNIFIED = CRS.from_epsg(5179)


def written(code: int) -> Bounds:
    return moved_bounds(WITHIN, LONLAT, CRS.from_epsg(code))


def swapped(bounds: Bounds) -> Bounds:
    return bounds[1], bounds[0], bounds[3], bounds[2]


@pytest.mark.parametrize(
    ("extent", "read_in", "says"),
    [
        (written(5186), 5179, "Read in EPSG:5186 (KGD2002 / Central Belt 2010)"),
        (written(5179), 5186, "Read in EPSG:5179 (KGD2002 / Unified CS)"),
        (written(32652), 32651, "say crs: EPSG:32652 for it in the region file"),
        (written(3857), 5179, "say crs: EPSG:3857 for it in the region file"),
        (WITHIN, 5179, "Read in EPSG:4326 (WGS 84) they would lie in the region: say crs: EPSG:4326"),
        (swapped(written(5179)), 5179, "With x and y exchanged they would lie in the region: write east"),
        (swapped(written(5186)), 5179, "With x and y exchanged, and read in EPSG:5186"),
        (swapped(WITHIN), 5179, "With x and y exchanged, and read in EPSG:4326"),
        ((9.4, 47.1, 9.6, 47.2), 4326, "No CRS that is used around there brings them into the region"),
        ((1e30, 1e30, 2e30, 2e30), 5179, "which is no place on earth"),
    ],
)
def test_the_mistake_that_it_looks_like_and_its_remedy(extent: Bounds, read_in: int, says: str) -> None:
    said = whereabouts(extent, CRS.from_epsg(read_in), SEOUL, UNIFIED)
    assert says in said
    assert f"({extent[0]:.6g}, {extent[1]:.6g})" in said
    assert f"EPSG:{read_in}" in said
    assert "the region is at longitude 126.9000 to 127.2000, latitude 37.4000 to 37.6000" in said


def test_what_lies_in_the_region_of_another_datum_is_named_by_the_regions_own_first() -> None:
    said = whereabouts(written(5174), UNIFIED, SEOUL, UNIFIED)  # five Korean systems lie within a few hundred metres
    assert said.count("Korea") + said.count("KGD2002") >= 2


def test_latitude_before_longitude_is_noticed_where_it_cannot_be_degrees() -> None:
    with pytest.raises(CrsError, match="latitude seems to stand first"):
        check_degrees(np.array([swapped(WITHIN)]), LONLAT, "a.csv")
    with pytest.raises(CrsError, match="give the true one in the region file"):
        check_degrees(np.array([written(5179)]), LONLAT, "a.csv")
