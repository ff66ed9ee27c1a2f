"""Zones seen through a grid, by hand on cells of 100 m: labels, borders, refusals, and what features have in zones."""

import struct
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

import grids.zone_index
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.measures import AREAS, own_dimension
from grids.wkb import WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, ZoneParts, domain_index, parts_in_zones
from grids.zones import gap_between
from tests.grids.zone_overlays import parts_by_overlay

GRID = Grid("EPSG:5179", (0, 0), 100, "korea")
X, Y = 960_000.0, 1_940_000.0
ROW, COL = 19_400, 9_600


def box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def polygon(*places: tuple[float, float], holes: tuple[tuple[tuple[float, float], ...], ...] = ()) -> BaseGeometry:
    return shapely.Polygon([(X + x, Y + y) for x, y in places], [[(X + x, Y + y) for x, y in hole] for hole in holes])


def line(*places: tuple[float, float]) -> BaseGeometry:
    return shapely.LineString([(X + x, Y + y) for x, y in places])


def point(x: float, y: float) -> BaseGeometry:
    return shapely.Point(X + x, Y + y)


def several(*shapes: BaseGeometry | None) -> NDArray[np.object_]:
    return np.array([*shapes, None], dtype=object)[:-1]


def found_in(
    index: ZoneIndex, *features: BaseGeometry | None, rest: int | None = None, threads: int | None = None
) -> ZoneParts:
    column = WkbColumn.from_geometries(several(*features))
    return parts_in_zones(column, parts_in_cells(column, GRID), index, rest=rest, threads=threads)


def amounts(index: ZoneIndex, *features: BaseGeometry | None) -> dict[tuple[int, int], float]:
    """What each (feature, zone) has: m2, m, or points."""
    found = found_in(index, *features)
    return dict(zip(zip(found.owner.tolist(), found.zone.tolist(), strict=True), found.amount.tolist(), strict=True))


def zoned(*zones: BaseGeometry, gap: BaseGeometry | None = None) -> ZoneIndex:
    return ZoneIndex.of(several(*zones), GRID, gap=gap)


HALVES = zoned(box(0, 0, 150, 300), box(150, 0, 300, 300))


def test_cells_are_labelled_by_their_zone_or_as_border_cells() -> None:
    """The outer borders lie on cell lines, so in the cells that begin there: column 0 and row 0, and beyond 3 x 3."""
    index = zoned(box(0, 0, 300, 300))
    assert (index.first_row, index.first_col) == (ROW, COL)
    borders = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]], dtype=bool)
    np.testing.assert_array_equal(index.labels <= -2, borders)
    assert set(index.labels[~borders].tolist()) == {0}
    assert sorted((-2 - index.labels[borders]).tolist()) == list(range(12))
    assert index.report.border_cells == 12
    assert index.gap is None


def test_a_cell_between_zones_is_no_zones() -> None:
    index = zoned(box(10, 10, 90, 90), box(210, 10, 290, 90))
    assert index.labels.tolist() == [[-2, -1, -3]]
    assert amounts(index, box(50, 20, 250, 70)) == pytest.approx({(0, 0): 2000, (0, 1): 2000})


def test_a_border_cell_says_by_its_pieces_what_lies_in_the_zone() -> None:
    """The cell right of a border that opens half of its heights: nothing but what stands open on its left."""
    index = zoned(box(50, 50, 250, 100))
    middle = -2 - int(index.labels[0, 1])
    first, last = index.borders.entries[index.borders.starts[middle], 1:]
    upright = [piece for piece in index.borders.pieces[first:last].tolist() if piece[4]]
    assert upright == [[0, 50, 0, 100, 1, 0]]
    assert amounts(index, box(120, 20, 180, 80)) == pytest.approx({(0, 0): 60 * 30})


def test_a_building_on_a_border_and_one_on_neither_side() -> None:
    assert amounts(HALVES, box(140, 40, 180, 60), box(20, 20, 30, 30), box(160, 110, 170, 120)) == pytest.approx(
        {(0, 0): 200, (0, 1): 600, (1, 0): 100, (2, 1): 100}
    )
    assert found_in(HALVES, box(140, 40, 180, 60)).overlaid.size == 0


def test_a_building_beside_a_border_lies_in_one_zone_to_the_last_bit() -> None:
    feature = box(150, 40.3, 163.7, 60.1)
    assert amounts(HALVES, feature) == {(0, 1): pytest.approx(feature.area, rel=1e-15)}


def test_what_lies_in_no_zone_is_not_told_without_a_gap_and_told_with_one() -> None:
    west = box(0, 0, 150, 300)
    assert amounts(zoned(west), box(140, 40, 180, 60), box(400, 400, 410, 410)) == pytest.approx({(0, 0): 200})
    gap = gap_between(several(west), box(0, 0, 300, 300))
    index = zoned(west, gap=gap.ground)
    assert index.gap == 1
    assert index.n_zones == 1
    assert amounts(index, box(140, 40, 180, 60), box(400, 400, 410, 410)) == pytest.approx({(0, 0): 200, (0, 1): 600})


def test_an_empty_gap_is_none() -> None:
    assert zoned(box(0, 0, 10, 10), gap=shapely.Polygon()).gap is None


def test_a_domain_and_all_the_rest_of_the_plane() -> None:
    index = domain_index(box(20, 20, 180, 180), GRID)
    assert index.beyond == 1
    shapes = (box(170, 170, 190, 190), box(5000, 5000, 5010, 5010), box(-3000, 100, 3000, 101), point(180, 50))
    assert amounts(index, *shapes) == pytest.approx(
        {(0, 0): 100, (0, 1): 300, (1, 1): 100, (2, 0): 160, (2, 1): 5840, (3, 0): 1}
    )


def test_a_domain_whose_borders_lie_on_cell_lines() -> None:
    index = domain_index(box(0, 0, 200, 200), GRID)
    shapes = (box(-10, -10, 10, 10), box(190, 190, 210, 210), box(-500, -500, 500, 500), line((-50, 50), (350, 50)))
    assert amounts(index, *shapes) == pytest.approx(
        {(0, 0): 100, (0, 1): 300, (1, 0): 100, (1, 1): 300, (2, 0): 4e4, (2, 1): 96e4, (3, 0): 200, (3, 1): 200}
    )


def test_a_feature_across_the_frame_of_a_domain_is_not_counted_twice() -> None:
    domain = box(20, 20, 180, 180)
    index = domain_index(domain, GRID)
    features = several(*(box(-150 + k, -150 + k, 350 - k, 350 - k) for k in range(0, 100, 7)))
    found = found_in(index, *features)
    total = np.bincount(found.owner, found.amount)
    np.testing.assert_allclose(total, shapely.area(features), rtol=1e-12)


def test_overlaps_are_refused_by_id_with_their_area_the_largest_first() -> None:
    zones = several(box(0, 0, 120, 300), box(110, 0, 300, 90), box(119, 90, 300, 300))
    with pytest.raises(GeometryError, match=r"A and B share 900\.00 m2; A and C share 210\.00 m2.* up to 0\.01 m2"):
        ZoneIndex.of(zones, GRID, ids=["A", "B", "C"])


def test_a_zone_within_another_is_refused_where_cells_lie_wholly_in_both() -> None:
    with pytest.raises(GeometryError, match=r"0 and 1 share 90,000\.00 m2"):
        zoned(box(-50, -50, 450, 450), box(0, 0, 300, 300))
    with pytest.raises(GeometryError, match=r"0 and 1 share 25\.00 m2"):
        zoned(box(-50, -50, 450, 450), box(115, 115, 120, 120))
    with pytest.raises(GeometryError, match=r"0 and 1 share 90,000\.00 m2"):
        zoned(box(0, 0, 300, 300), box(0, 0, 300, 300))


def test_an_overlap_with_the_gap_is_refused_too() -> None:
    with pytest.raises(
        GeometryError,
        match=r"left beside the zones lies on zones: 3,000\.00 m2 of 0\. .* simplify the outline of 0 .* than 0\.01",
    ):
        zoned(box(0, 0, 150, 300), gap=box(140, 0, 300, 300))


def test_many_overlaps_are_counted() -> None:
    zones = several(*(box(0, 0, 50, 10 + k) for k in range(4)))
    with pytest.raises(GeometryError, match=r"\(and 1 more pairs\)"):
        ZoneIndex.of(zones, GRID)


def test_slivers_are_cut_off_the_later_zone_and_counted() -> None:
    index = zoned(box(0, 0, 150, 300), box(149.99999, 0, 300, 300))
    ((keeps, loses, area),) = index.report.slivers
    assert (keeps, loses) == (0, 1)
    assert area == pytest.approx(0.003, rel=1e-4)
    assert index.polygons[1].bounds[0] == X + 150
    assert amounts(index, box(140, 40, 180, 60)) == pytest.approx({(0, 0): 200, (0, 1): 600}, rel=1e-12)
    with pytest.raises(GeometryError, match=r"up to 0\.001 m2"):
        ZoneIndex.of(several(box(0, 0, 150, 300), box(149.99999, 0, 300, 300)), GRID, sliver_m2=0.001)


def test_a_zone_that_is_but_a_sliver_of_another_is_refused() -> None:
    with pytest.raises(GeometryError, match="Nothing is left of zone b beside a"):
        ZoneIndex.of(several(box(0, 0, 150, 300), box(10, 10, 10.05, 10.05)), GRID, ids=["a", "b"])


def test_zones_that_merely_touch_are_no_overlap() -> None:
    index = zoned(box(0, 0, 100, 100), box(100, 0, 200, 100), box(100, 100, 200, 200), box(0, 100, 100, 200))
    assert index.report.slivers == ()


def test_borders_that_run_along_each_other_but_do_not_share_vertices_are_no_overlap() -> None:
    """One zone's slanting border has a vertex that the other's lacks: rounding, far below any sliver."""
    third = (X + 100 / 3, Y + 700 / 3)
    west = shapely.Polygon([(X, Y), (X, Y + 700), third, (X + 100 / 7, Y + 100)])
    east = shapely.Polygon([(X, Y), (X + 100 / 7, Y + 100), third, (X, Y + 700), (X + 500, Y + 700), (X + 500, Y)])
    apart = shapely.Polygon([(X + 100 / 7, Y + 100), third, (X + 300, Y + 100)])
    index = ZoneIndex.of(several(west, shapely.difference(east, apart), apart), GRID)
    assert sum(area for _, _, area in index.report.slivers) < 1e-6
    feature = box(0, 0, 300, 300)
    assert sum(amounts(index, feature).values()) == pytest.approx(90_000, rel=1e-12)


def test_zones_that_are_no_valid_polygons_and_ids_of_another_number_are_refused() -> None:
    with pytest.raises(GeometryError, match="Zone 1 is"):
        zoned(box(0, 0, 1, 1), polygon((0, 0), (9, 9), (9, 0), (0, 9)))
    with pytest.raises(GeometryError, match="The gap between zones"):
        zoned(box(0, 0, 1, 1), gap=point(3, 3))
    with pytest.raises(GridError, match="2 zones and 1 ids"):
        ZoneIndex.of(several(box(0, 0, 1, 1), box(1, 0, 2, 1)), GRID, ids=["a"])
    with pytest.raises(GeometryError, match="The domain"):
        domain_index(point(0, 0), GRID)


def test_sizes_that_no_memory_holds_are_refused() -> None:
    far = shapely.box(X + 2e6, Y + 2e6, X + 2e6 + 1, Y + 2e6 + 1)
    with pytest.raises(GridError, match=r"20,002 x 20,002 cells of 100 m.*leave out far islands"):
        zoned(box(0, 0, 1, 1), far)
    with pytest.raises(GeometryError, match="Check the CRS"):
        zoned(shapely.box(0, 0, 1e300, 1))


def test_too_many_pieces_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids.zone_index, "_MOST_PIECES", 10)
    with pytest.raises(GridError, match="10 pieces are the most"):
        zoned(box(0, 0, 300, 300))


def test_parts_of_other_features_are_refused() -> None:
    one, two = (WkbColumn.from_geometries(several(*([point(1, 1)] * n))) for n in (1, 2))
    with pytest.raises(GridError, match="2 features and the parts of 1"):
        parts_in_zones(two, parts_in_cells(one, GRID), HALVES)


def test_no_zones_and_no_features() -> None:
    nothing = zoned()
    assert amounts(nothing, box(0, 0, 10, 10), point(1, 1)) == {}
    found = found_in(HALVES)
    assert found.owner.size == found.overlaid.size == 0
    assert amounts(HALVES, None, shapely.Polygon(), shapely.Point()) == {}


def test_several_zones_in_one_cell() -> None:
    """Sixteen plots of 25 m in one cell, and a feature over a quarter of each of the middle four."""
    plots = [box(25 * c, 25 * r, 25 * c + 25, 25 * r + 25) for r in range(4) for c in range(4)]
    index = zoned(*plots)
    found = amounts(index, box(37.5, 37.5, 62.5, 62.5), box(0, 0, 100, 100))
    assert {zone: m2 for (feature, zone), m2 in found.items() if feature == 0} == pytest.approx(
        {5: 156.25, 6: 156.25, 9: 156.25, 10: 156.25}
    )
    assert {zone: m2 for (feature, zone), m2 in found.items() if feature == 1} == pytest.approx(
        dict.fromkeys(range(16), 625)
    )


def test_holes_and_islands_in_them() -> None:
    ring = polygon(
        (0, 0), (300, 0), (300, 300), (0, 300), holes=(((20, 20), (280, 20), (280, 280), (20, 280)),)
    )  # fmt: skip
    lake, island = box(20, 20, 280, 280) - box(120, 120, 180, 180), box(120, 120, 180, 180)
    index = zoned(shapely.union_all([ring, island]), lake)
    assert amounts(index, box(110, 110, 130, 130), box(10, 10, 290, 290), box(150, 150, 151, 151)) == pytest.approx(
        {(0, 0): 100, (0, 1): 300, (1, 0): 280**2 - 260**2 + 3600, (1, 1): 260**2 - 3600, (2, 0): 1}
    )


def test_holes_and_parts_of_features() -> None:
    feature = polygon((110, 10), (190, 10), (190, 90), (110, 90), holes=(((140, 40), (160, 40), (160, 60), (140, 60)),))
    two = shapely.union_all([box(130, 110, 145, 120), box(145, 130, 170, 140)])
    assert amounts(HALVES, feature, two) == pytest.approx({(0, 0): 3000, (0, 1): 3000, (1, 0): 200, (1, 1): 200})


@pytest.mark.parametrize("zone_turn", [True, False])
@pytest.mark.parametrize("feature_turn", [True, False])
def test_rings_may_turn_either_way(zone_turn: bool, feature_turn: bool) -> None:
    shape = box(0, 0, 150, 300) - box(120, 20, 130, 40)
    zone = shapely.orient_polygons(shape, exterior_cw=zone_turn)
    feature = shapely.orient_polygons(box(110, 10, 190, 90) - box(140, 30, 160, 50), exterior_cw=feature_turn)
    assert amounts(zoned(zone), feature) == pytest.approx({(0, 0): 40 * 80 - 10 * 20 - 10 * 20})


def test_borders_on_cell_lines_and_vertices_on_corners() -> None:
    """A diamond whose corners are cells' corners, about it four triangles; the features are cells and a frame."""
    diamond = polygon((100, 0), (200, 100), (100, 200), (0, 100))
    corners = [
        polygon((0, 0), (100, 0), (0, 100)),
        polygon((100, 0), (200, 0), (200, 100)),
        polygon((200, 100), (200, 200), (100, 200)),
        polygon((0, 100), (100, 200), (0, 200)),
    ]
    index = zoned(diamond, *corners)
    found = amounts(index, box(0, 0, 100, 100), box(100, 100, 200, 200), box(50, 50, 150, 150), box(0, 0, 200, 200))
    assert found == pytest.approx(
        {(0, 0): 5000, (0, 1): 5000, (1, 0): 5000, (1, 3): 5000, (2, 0): 10000}
        | {(3, 0): 20000, **{(3, k): 5000 for k in range(1, 5)}}
    )


def test_a_zone_smaller_than_a_cell_and_one_thinner_than_a_millimetre() -> None:
    small = box(40, 40, 40.001, 60)
    index = zoned(small, box(0, 0, 100, 100) - small)
    assert amounts(index, box(0, 0, 100, 100))[0, 0] == pytest.approx(small.area, rel=1e-9)
    assert amounts(index, box(40.0005, 45, 41, 46))[0, 0] == pytest.approx(0.0005, rel=1e-6)


def test_lines_and_points_on_a_border_go_to_the_first_zone_without_an_overlay() -> None:
    along, across = line((150, 10), (150, 60)), line((140, 50), (160, 50))
    half = line((150, 250), (150, 350))
    found = found_in(HALVES, along, across, half, point(150, 20), point(149, 20), point(150, 0))
    assert found.overlaid.size == 0
    assert amounts(HALVES, along, across, half, point(150, 20), point(149, 20), point(150, 0)) == pytest.approx(
        {(0, 0): 50, (1, 0): 10, (1, 1): 10, (2, 0): 50, (3, 0): 1, (4, 0): 1, (5, 0): 1}
    )


def test_lines_and_points_on_borders_on_cell_lines_go_to_the_first_zone() -> None:
    index = zoned(box(0, 0, 100, 100), box(100, 0, 200, 100), box(0, 100, 200, 200))
    shapes = (
        line((100, 20), (100, 60)), line((20, 100), (160, 100)), line((200, 10), (200, 110)), line((0, 200), (50, 200)),
        point(100, 100), point(200, 100), point(200, 200), point(0, 0),
    )  # fmt: skip
    assert amounts(index, *shapes) == pytest.approx(
        {(0, 0): 40, (1, 0): 80, (1, 1): 60, (2, 1): 90, (2, 2): 10, (3, 2): 50}
        | {(4, 0): 1, (5, 1): 1, (6, 2): 1, (7, 0): 1}
    )


def test_level_and_upright_lines_within_zones() -> None:
    index = zoned(polygon((0, 0), (300, 0), (300, 150), (0, 250)), polygon((0, 250), (300, 150), (300, 300), (0, 300)))
    shapes = (line((10, 200), (290, 200)), line((150, 10), (150, 290)), line((0, 100), (300, 100)))
    assert amounts(index, *shapes) == pytest.approx({(0, 0): 140, (0, 1): 140, (1, 0): 190, (1, 1): 90, (2, 0): 300})


def test_a_line_that_retraces_itself_counts_twice() -> None:
    assert amounts(HALVES, line((140, 50), (170, 50), (140, 50))) == pytest.approx({(0, 0): 20, (0, 1): 40})


def test_a_bundle_of_points_is_counted_one_by_one() -> None:
    bundle = shapely.MultiPoint([(X + 149, Y + 10), (X + 151, Y + 10), (X + 151, Y + 20), (X + 500, Y + 10)])
    assert amounts(HALVES, bundle) == {(0, 0): 1, (0, 1): 2}


def test_features_without_extent_lie_where_they_are() -> None:
    flat = polygon((110, 10), (190, 10), (110, 10))
    found = found_in(HALVES, flat, line((160, 20), (160, 20)))
    assert found.owner.tolist() == [0, 1]
    assert found.zone.tolist() == [0, 1]
    assert found.amount.tolist() == [1, 1]


def test_features_far_away_have_no_part() -> None:
    shapes = (box(1e6, 0, 1e6 + 1, 1), box(-5e5, -5e5, -4e5, -4e5), point(9e5, 9e5), line((4e5, 4e5), (5e5, 4e5)))
    assert amounts(HALVES, *shapes) == {}


def test_a_star_of_many_vertices_over_zones_of_many_vertices() -> None:
    def star(x: float, y: float, vertices: int, inner: float, outer: float) -> BaseGeometry:
        angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False) + 0.1234
        radii = np.where(np.arange(vertices) % 2, inner, outer)
        return shapely.Polygon(np.column_stack((X + x + radii * np.cos(angles), Y + y + radii * np.sin(angles))))

    inside, feature = star(150, 150, 400, 90, 140), star(180, 160, 600, 70, 170)
    index = zoned(inside, box(-50, -50, 450, 450) - inside)
    found = amounts(index, feature)
    assert found[0, 0] == pytest.approx(shapely.intersection(inside, feature).area, rel=1e-9)
    assert found[0, 0] + found[0, 1] == pytest.approx(feature.area, rel=1e-12)


def big_endian(geometry: BaseGeometry) -> bytes:
    return bytes(shapely.to_wkb(geometry, byte_order=0))


def test_big_endian_z_and_srid_bytes_are_read_on_borders_too() -> None:
    feature = box(140, 40, 180, 60)
    high = shapely.force_3d(feature, 12.5)
    column = WkbColumn.from_bytes(
        [
            big_endian(feature),
            bytes(shapely.to_wkb(high, output_dimension=3)),
            bytes(shapely.to_wkb(high, output_dimension=3, byte_order=0, flavor="iso")),
            bytes(shapely.to_wkb(shapely.set_srid(high, 5179), output_dimension=3, include_srid=True)),
            big_endian(line((140, 50), (160, 50))),
            struct.pack(">BIdd", 0, 1, X + 149, Y + 10),
        ]
    )
    found = parts_in_zones(column, parts_in_cells(column, GRID), HALVES)
    assert found.owner.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert found.amount.tolist() == pytest.approx([200, 600] * 4 + [10, 10, 1])
    assert found.overlaid.size == 0


def test_zones_with_heights_are_flat() -> None:
    index = zoned(shapely.force_3d(box(0, 0, 150, 300), 7), box(150, 0, 300, 300))
    assert amounts(index, box(140, 40, 180, 60)) == pytest.approx({(0, 0): 200, (0, 1): 600})


def test_rings_that_cross_themselves_count_as_they_are_made_valid() -> None:
    bow = polygon((140, 10), (180, 50), (180, 10), (140, 50))
    column = WkbColumn.from_geometries(several(bow))
    cells = parts_in_cells(column, GRID)
    found = parts_in_zones(column, cells, HALVES)
    valid = shapely.make_valid(bow, method="structure")
    zones = several(box(0, 0, 150, 300), box(150, 0, 300, 300))
    assert found.amount.tolist() == pytest.approx(shapely.area(shapely.intersection(valid, zones)).tolist())
    assert found.overlaid.tolist() == [0]


def test_a_sound_ring_in_one_cell_meets_no_overlay_however_many_vertices_it_has() -> None:
    """Whether a ring crosses itself is asked when it is cut to cells, and not again where it meets a border."""
    circle = shapely.Point(X + 150, Y + 50).buffer(40, quad_segs=24)
    twice = polygon((140, 10), (180, 10), (180, 10), (180, 50), (140, 50), (140, 50))
    found = found_in(HALVES, circle, twice)
    assert found.overlaid.tolist() == []
    expected = [circle.area / 2, circle.area / 2, 400, 1200]
    assert found.amount.tolist() == pytest.approx(expected, rel=1e-12)


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_BYTES_AT_ONCE", "_VERTICES_AT_ONCE"):
        monkeypatch.setattr(grids.zone_index, name, 256)
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 1000, (60, 2)) + np.array([X, Y])
    zones = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(places), extend_to=box(0, 0, 1000, 1000), ordered=True)
    )
    zones = shapely.intersection(zones, box(0, 0, 1000, 1000))
    features = shapely.buffer(
        shapely.points(rng.uniform(0, 1000, (200, 2)) + np.array([X, Y])), rng.uniform(1, 150, 200)
    )
    column = WkbColumn.from_geometries(features)
    cells = parts_in_cells(column, GRID)
    indexes = [ZoneIndex.of(zones, GRID, threads=threads) for threads in (1, 2, 5)]
    for index in indexes[1:]:
        for given, expected in zip(vars(index.borders).values(), vars(indexes[0].borders).values(), strict=True):
            np.testing.assert_array_equal(given, expected)
        np.testing.assert_array_equal(index.labels, indexes[0].labels)
        assert index.report == indexes[0].report
    found = [parts_in_zones(column, cells, indexes[0], threads=threads) for threads in (1, 2, 5)]
    for other in found[1:]:
        for given, expected in zip(vars(other).values(), vars(found[0]).values(), strict=True):
            np.testing.assert_array_equal(given, expected)


def test_parts_come_in_the_order_of_features_and_zones() -> None:
    index = zoned(box(150, 0, 300, 300), box(0, 0, 150, 300))
    found = found_in(index, box(140, 40, 180, 60), line((150, 10), (150, 60)), box(100, 100, 250, 200))
    assert found.owner.tolist() == [0, 0, 1, 2, 2]
    assert found.zone.tolist() == [0, 1, 0, 0, 1]


def test_what_an_overlay_finds_in_no_zone_counts_where_the_caller_says() -> None:
    index = zoned(box(0, 0, 150, 300))
    half = line((150, 250), (150, 350))
    assert found_in(index, half).amount.tolist() == pytest.approx([50])
    found = found_in(index, half, rest=1)
    assert found.zone.tolist() == [0, 1]
    assert found.amount.tolist() == pytest.approx([50, 50])


@pytest.mark.shared
def test_nationwide_boundaries_share_out_a_lattice_of_features(shared: Path) -> None:
    """3,504 dongs, many with rings that cross (repaired, overlaps cut), around Seoul: cells, zones and gap add up."""
    path = shared / "data" / "korea-admin-kostat-2018-topo" / "skorea-submunicipalities-2018-topo.json"
    dongs = gpd.read_file(path).set_crs("EPSG:4326", allow_override=True).to_crs("EPSG:5179")
    zones = own_dimension(shapely.make_valid(dongs.geometry.to_numpy()), np.full(len(dongs), AREAS))
    near = shapely.box(930_000, 1_930_000, 980_000, 1_970_000)
    zones = zones[shapely.intersects(zones, near)]
    assert zones.size > 500
    first, second = shapely.STRtree(zones).query(zones, predicate="overlaps")
    for one, other in sorted(zip(first.tolist(), second.tolist(), strict=True)):
        if one < other:
            zones[other] = shapely.difference(zones[other], zones[one])
    zones = own_dimension(zones, np.full(zones.size, AREAS))
    domain = shapely.union_all(zones).buffer(500)
    index = ZoneIndex.of(zones, GRID, gap=gap_between(zones, domain).ground, sliver_m2=0.01)
    assert index.gap == zones.size

    west, south = np.meshgrid(np.arange(940_000, 968_000, 700.0), np.arange(1_938_000, 1_962_000, 700.0))
    boxes = shapely.box(west, south, west + 431.7, south + 389.3).ravel()
    lines = shapely.linestrings(
        np.stack((west.ravel(), west.ravel() + 612.5, south.ravel(), south.ravel() + 333.1), axis=1)
        .reshape(-1, 2, 2)
        .swapaxes(1, 2)
    )
    points = shapely.points(west.ravel() + 55.5, south.ravel() + 77.7)
    features: NDArray[np.object_] = np.concatenate(
        [np.asarray(each, dtype=np.object_) for each in (boxes, lines, points)]
    )
    features = features[shapely.within(features, domain)]
    column = WkbColumn.from_geometries(features)
    cells = parts_in_cells(column, GRID)
    found = parts_in_zones(column, cells, index, rest=index.n_zones)
    held = np.bincount(found.owner, found.amount, minlength=features.size)
    np.testing.assert_allclose(held, cells.measures, rtol=1e-9)
    assert found.overlaid.size < features.size / 20

    zone, feature, amount, _ = parts_by_overlay(features, cells.kinds, index.polygons)
    expected = np.zeros((features.size, index.polygons.size))
    np.add.at(expected, (feature, zone), amount / cells.measures[feature])
    given = np.zeros_like(expected)
    np.add.at(given, (found.owner, found.zone), found.amount / cells.measures[found.owner])
    # GEOS rounds crossings to 0.2 nm at these northings; along a box's edges that is 1e-11 of it.
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-9)
