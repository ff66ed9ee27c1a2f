"""The ground of a drawn polygon: a zone drawn by hand has the zone's own density, however few cells hold something."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import affinity

from grids.areas import geodesic_area_ha
from grids.covered_ground import ground_of
from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.grid import Grid
from grids.statistics import Chosen, chosen_cells, statistics

CRS = "EPSG:32632"
WEST, SOUTH = 540_000, 5_220_000
ZONES = {
    "bare": shapely.box(WEST, SOUTH, WEST + 2_000, SOUTH + 3_000),
    "wooded": shapely.box(WEST + 2_000, SOUTH, WEST + 5_000, SOUTH + 3_000),
    "unasked": shapely.box(WEST + 5_000, SOUTH, WEST + 6_000, SOUTH + 3_000),
    "partly": shapely.box(WEST, SOUTH + 3_000, WEST + 2_000, SOUTH + 4_000),
}
WOOD = [(2_000, 0), (2_100, 0), (4_400, 2_300)]  # corners of the only cells with forest, 100 m each
PER_CELL = -7.0


def publish(store: Path, zones: bool = True) -> Edition:
    """Zones without forest, with three cells of it, where no source says, and where one says of three quarters.

    Empty cells have no row.
    """
    writer = EditionWriter(store, "town", "0123456789abcdef", crs=CRS)
    with writer:
        for size in (100, 500):
            cells = sorted({((SOUTH + y) // size, (WEST + x) // size) for x, y in WOOD})
            rows, cols = (np.array(one) for one in zip(*cells, strict=True))
            held = [sum(((SOUTH + y) // size, (WEST + x) // size) == cell for x, y in WOOD) for cell in cells]
            info = CollectionInfo(
                id=f"grid-{size}m",
                title={"en": "Cells"},
                kind="grid",
                cell_size_m=size,
                origin_m=(0, 0),
                codes="inspire",
            )
            frame = pd.DataFrame({"id": Grid(CRS, (0, 0), size, "inspire").codes(rows, cols), "row": rows, "col": cols})
            frame["area_ha"] = size * size / 10_000
            frame["forest_tco2e"] = frame["net_tco2e"] = np.array(held) * PER_CELL
            frame["forest_coverage"] = 1.0
            writer.write_table(info, 2023, frame)
        if zones:
            shapes = np.array(list(ZONES.values()), dtype=object)
            value = [0.0, len(WOOD) * PER_CELL, np.nan, 0.0]
            net = [0.0, len(WOOD) * PER_CELL, np.nan, np.nan]
            frame = pd.DataFrame({"id": list(ZONES), "area_ha": geodesic_area_ha(shapes, CRS)})
            frame["name_en"], frame["parent_id"] = list(ZONES), None
            frame["forest_tco2e"], frame["net_tco2e"], frame["forest_coverage"] = value, net, [0.9995, 1.0, 0.0, 0.75]
            info = CollectionInfo(id="gu", title={"en": "Districts"}, kind="zones", zone_kind="administrative")
            writer.write_table(info, 2023, frame, geometry=shapes)
        writer.publish(
            {
                "region": {
                    "id": "town",
                    "name": {"en": "Town"},
                    "languages": ["en"],
                    "crs": CRS,
                    "bbox": [9.5, 47.1, 9.6, 47.2],
                    "synthetic": True,
                    "years": [2023],
                },
                "sectors": ["forest"],
                "illustrative": {"forest": False},
                "code": {"version": "1", "sha256": "0" * 64},
            }
        )
    return Store(store).open("town")


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return publish(tmp_path_factory.mktemp("ground") / "store")


@pytest.mark.parametrize("grid", ["grid-100m", "grid-500m"])
@pytest.mark.parametrize("zone", ["bare", "wooded"])
def test_a_polygon_that_is_a_zone_has_the_zones_own_density_and_coverage(edition, grid, zone):
    own = statistics(edition, edition.collection("gu"), 2023, Chosen((zone,), np.ones(1)))
    info = edition.collection(grid)
    drawn = statistics(edition, info, 2023, chosen_cells(edition, info, 2023, ZONES[zone]))
    assert drawn.ground is not None
    assert drawn.ground.area_ha == pytest.approx(own.area_ha, rel=1e-9)
    for ours, its in zip(drawn.sectors, own.sectors, strict=True):
        assert ours.coverage == pytest.approx(its.coverage)
        assert ours.total.value == pytest.approx(its.total.value)
        assert ours.per_ha == pytest.approx(its.per_ha, rel=1e-9)


def test_densities_are_of_known_ground_and_what_is_cut_counts_by_area(edition):
    info = edition.collection("grid-100m")
    # Half of the bare zone's width, all of the wooded, all of the one that nobody asked, and ground of no zone at all.
    drawn = shapely.box(WEST + 1_000, SOUTH, WEST + 9_000, SOUTH + 3_000)
    (forest, _) = statistics(edition, info, 2023, chosen_cells(edition, info, 2023, drawn)).sectors
    known = geodesic_area_ha(np.array([shapely.box(WEST + 1_000, SOUTH, WEST + 5_000, SOUTH + 3_000)]), CRS)[0]
    assert forest.total.value == pytest.approx(3 * PER_CELL)
    assert forest.per_ha == pytest.approx(3 * PER_CELL / known, rel=1e-6)
    assert forest.coverage == pytest.approx((0.9995 * 300 + 900) / 1500, rel=1e-4)


MIDDLE = shapely.box(WEST + 300, SOUTH + 300, WEST + 900, SOUTH + 900)


@pytest.mark.parametrize(
    ("drawn", "tco2e"),
    [
        (MIDDLE, 0.0),
        (shapely.box(WEST, SOUTH + 1_000, WEST + 2_000, SOUTH + 3_000.001), 0.0),  # a millimetre is rounding
        (affinity.translate(MIDDLE, 5_000), None),
        (affinity.translate(MIDDLE, 0, 2_850), None),  # may be the quarter that no source covers
        (shapely.box(WEST + 300, SOUTH + 2_000, WEST + 900, SOUTH + 3_500), None),
        (shapely.box(WEST + 1_000, SOUTH + 200, WEST + 5_500, SOUTH + 900), None),  # reaches into what nobody asked
        (shapely.box(WEST - 5_000, SOUTH + 300, WEST + 100, SOUTH + 900), None),  # most of it lies in no zone
    ],
)
def test_ground_without_rows_holds_nothing_only_where_it_is_covered_whole(edition, drawn, tco2e):
    info = edition.collection("grid-100m")
    found = statistics(edition, info, 2023, chosen_cells(edition, info, 2023, drawn))
    assert found.rows == 0
    assert [(one.total.value, one.total.unknown, one.per_ha) for one in found.sectors] == [(tco2e, 0, tco2e)] * 2


def test_what_meets_no_zone_has_no_ground_and_an_edition_without_zones_does_not_know(edition, tmp_path):
    info = edition.collection("grid-100m")
    away = shapely.box(WEST - 900, SOUTH, WEST - 100, SOUTH + 500)
    for shape in (away, shapely.Polygon()):
        found = statistics(edition, info, 2023, chosen_cells(edition, info, 2023, shape))
        assert found.ground is not None
        assert found.ground.area_ha == 0
        assert [(one.per_ha, one.coverage) for one in found.sectors] == [(None, None)] * 2
    bare = publish(tmp_path / "store", zones=False)
    assert ground_of(bare, 2023, away) is None
    found = statistics(bare, info, 2023, chosen_cells(bare, info, 2023, ZONES["wooded"]))
    assert found.ground is None
    assert [(one.per_ha, one.coverage) for one in found.sectors] == [(None, None)] * 2
    assert found.sectors[0].total.value == pytest.approx(3 * PER_CELL)
