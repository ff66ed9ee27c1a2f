"""Land-cover rasters: runs by hand on a picture one can draw, and real products against their own pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely
from affine import Affine

from gis.classes import class_table
from gis.errors import ClassTableError, CrsError, EmptyLayer, LayerMissing, UnreadableFile, WrongGeometry
from gis.layers import ReadReport
from gis.raster import class_runs
from gis.readers import read_source
from gis.sources import LAND_COVER, Source

UTM = "EPSG:32632"
PICTURE = np.array([[1, 1, 2], [1, 1, 0], [3, 3, 3]], dtype=np.uint8)
CLASSES = {1: "tree", 2: "water", 3: "crop"}


def write(folder: Path, pixels: Any = PICTURE, crs: str | None = UTM, **keys: Any) -> Path:
    profile = {
        "driver": "GTiff",
        "count": 1,
        "nodata": 0,
        "transform": Affine(10, 0, 500_000, 0, -10, 5_200_030),
    } | keys
    height, width = pixels.shape
    path = folder / "lc.tif"
    with rasterio.open(path, "w", height=height, width=width, dtype=pixels.dtype, crs=crs, **profile) as dataset:
        dataset.write(pixels, 1)
    return path


def source(file: str = "lc.tif", **keys: Any) -> Source:
    return Source(**{"id": "lc", "sector": "land_cover", "file": file, "classes": CLASSES} | keys)


def runs(folder: Path, given: Source, crs: str = UTM, bounds: Any = None) -> tuple[list[Any], list[int], ReadReport]:
    report = ReadReport("lc", given.file)
    found = list(class_runs(given, folder, crs, bounds, report=report))
    shapes = [shape for part in found for shape in part.geometries]
    return shapes, [int(code) for part in found for code in part.class_codes], report


def test_runs_by_hand(tmp_path: Path) -> None:
    write(tmp_path)
    shapes, codes, report = runs(tmp_path, source())
    x, y = 500_000, 5_200_000
    assert codes == [1, 2, 3]
    assert [shape.bounds for shape in shapes] == [
        (x, y + 10, x + 20, y + 30), (x + 20, y + 20, x + 30, y + 30), (x, y, x + 30, y + 10),
    ]  # fmt: skip
    assert (report.read, report.empty, report.classes) == (9, 1, {1: 4, 2: 1, 3: 3})


def test_only_windows_within_the_bounds(tmp_path: Path) -> None:
    write(tmp_path)
    _, codes, report = runs(tmp_path, source(), bounds=(500_021, 5_200_001, 500_029, 5_200_029))
    assert codes == [2, 3]
    assert report.read == 3
    with pytest.raises(EmptyLayer, match="does not meet the region"):
        runs(tmp_path, source(), bounds=(600_000, 5_200_000, 600_100, 5_200_100))


def test_blocks_tile_the_ground_whatever_the_blocks(tmp_path: Path) -> None:
    pixels = np.random.default_rng(7).integers(0, 4, (70, 50)).astype(np.uint8)
    totals = []
    for layout in ({}, {"tiled": True, "blockxsize": 16, "blockysize": 16}):
        write(tmp_path, pixels, **layout)
        shapes, codes, report = runs(tmp_path, source())
        area = shapely.area(shapes)
        totals.append([area[np.array(codes) == code].sum() for code in (1, 2, 3)])
        assert shapely.area(shapely.union_all(shapes)) == pytest.approx(area.sum(), rel=1e-12)
        report.verify()
    assert totals[0] == totals[1] == [100.0 * (pixels == code).sum() for code in (1, 2, 3)]


def test_reprojected_edges_are_densified(tmp_path: Path) -> None:
    pixels = np.full((1, 400), 1, dtype=np.uint8)
    write(tmp_path, pixels, "EPSG:4326", transform=Affine(0.001, 0, 9.0, 0, -0.001, 60.0))
    [shape], _, _ = runs(tmp_path, source())
    assert (
        shapely.get_num_coordinates(shape) == 2 * 179 + 2 + 1
    )  # 44.5 km in edges of 250 m, counted along the equator's degrees
    edge = np.linspace(9.0, 9.4, 4001)
    ring = shapely.Polygon([*zip(edge, [60.0] * 4001, strict=True), *zip(edge[::-1], [59.999] * 4001, strict=True)])
    to_utm = rasterio.warp.transform("EPSG:4326", UTM, *np.array(ring.exterior.coords).T)
    exact = shapely.Polygon(np.column_stack(to_utm))
    assert shape.symmetric_difference(exact).area / exact.area < 1e-4
    straight = shapely.Polygon(
        np.column_stack(rasterio.warp.transform("EPSG:4326", UTM, [9, 9.4, 9.4, 9], [60, 60, 59.999, 59.999]))
    )
    assert straight.symmetric_difference(exact).area / exact.area > 0.1


def test_south_up_rasters_have_positive_boxes(tmp_path: Path) -> None:
    write(tmp_path, PICTURE[::-1].copy(), transform=Affine(10, 0, 500_000, 0, 10, 5_200_000))
    shapes, codes, _ = runs(tmp_path, source(), bounds=(500_000, 5_200_000, 500_030, 5_200_030))
    assert sorted(zip(codes, (shape.area for shape in shapes), strict=True)) == [(1, 400), (2, 100), (3, 300)]


@pytest.mark.parametrize(
    ("keys", "given", "error", "says"),
    [
        ({}, {"classes": {1: "tree", 2: "water"}}, ClassTableError, "holds class 3 .* knows: 1, 2"),
        ({}, {"band": 2}, LayerMissing, "1 band"),
        ({"crs": None}, {}, CrsError, "does not say its coordinate"),
        ({"pixels": PICTURE.astype("float32")}, {}, WrongGeometry, "float32"),
        ({"transform": Affine(10, 1, 0, 1, -10, 0)}, {}, CrsError, "rotated"),
    ],
)
def test_mistakes_are_explained(
    tmp_path: Path, keys: dict[str, Any], given: dict[str, Any], error: type, says: str
) -> None:
    write(tmp_path, **keys)
    with pytest.raises(error, match=says):
        runs(tmp_path, source(**given))


def test_damaged_and_disguised_files_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, np.random.default_rng(1).integers(1, 4, (200, 200)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(UnreadableFile, match="truncated"):
        runs(tmp_path, source())
    path.write_text("<VRTDataset rasterXSize='1' rasterYSize='1'/>")
    with pytest.raises(UnreadableFile, match="a VRT"):
        runs(tmp_path, source())
    with pytest.raises(WrongGeometry, match="is a raster"):
        read_source(source(), tmp_path, UTM)


def test_an_unknown_class_table_lists_those_there_are(project: Path) -> None:
    with pytest.raises(ClassTableError, match=r"no table 'worldcovr'; there are: corine_fi.*Did you mean 'worldcover'"):
        class_table("worldcovr", project / "data/schema")


@pytest.mark.parametrize(("name", "count"), [("worldcover", 11), ("esa_cci", 37), ("corine_fi", 49)])
def test_class_tables(project: Path, name: str, count: int) -> None:
    table = class_table(name, project / "data/schema")
    assert len(table) == count
    assert {entry.land_cover for entry in table.values()} <= set(LAND_COVER)
    assert all(entry.source and entry.confidence for entry in table.values())
    if name == "corine_fi":
        assert all(entry.confidence.startswith("inferred") for entry in table.values())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("x,a,tree,high,s,", "code 'x'"),
        ("1,a,trees,high,s,", "Did you mean 'tree'"),
        ("1,a,tree,high,,", "needs a source"),
        ("1,a,tree,high,s,\n1,b,tree,high,s,", "each once"),
        ("", "no classes"),
    ],
)
def test_a_wrong_class_table_names_its_line(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "land_cover_x.csv").write_text(f"code,name,land_cover,confidence,source,note\n{line}\n")
    with pytest.raises(ClassTableError, match=says):
        class_table("x", tmp_path)
    (tmp_path / "land_cover_x.csv").write_text("code,name\n1,a\n")
    with pytest.raises(ClassTableError, match="columns are code, name"):
        class_table("x", tmp_path)


def real(shared: Path, file: str, table: str, crs: str, domain: Any, project: Path) -> tuple[float, ReadReport]:
    given, report = source(file, classes=table), ReadReport("lc", file)
    classes = class_table(table, project / "data/schema")
    bounds = None if domain is None else domain.bounds
    parts = class_runs(given, shared / "data", crs, bounds, classes=classes, report=report)
    return sum(float(shapely.area(part.geometries).sum()) for part in parts), report


def test_corine_has_a_hole_of_nodata(shared: Path, project: Path) -> None:
    kauniainen = shapely.box(371_500, 6_675_500, 373_500, 6_677_500)
    area, report = real(shared, "helsinki-combined/corine.tif", "corine_fi", "EPSG:3067", kauniainen, project)
    assert report.empty == 4252  # Kauniainen, within Espoo
    assert area == pytest.approx(400.0 * report.kept, rel=1e-12)


def test_cci_of_byeonsan_in_two_systems(shared: Path, project: Path) -> None:
    file = "korea-byeonsan-landcover-2018/BYEONSANBANDO_ESACCI_LC_2018.tif"
    area, report = real(shared, file, "esa_cci", "EPSG:5179", None, project)
    assert (area, report.read, report.empty) == (pytest.approx(720e6), 8000, 0)
    other, _ = real(shared, file, "esa_cci", "EPSG:5186", None, project)
    assert other == pytest.approx(720e6, rel=1e-3)


def test_a_worldcover_tile_is_read_by_windows(shared: Path, project: Path) -> None:
    file = "worldcover-2021-N00E006/ESA_WorldCover_10m_2021_v200_N00E006_Map.tif"
    domain = shapely.box(233_000, 22_000, 238_000, 27_000)
    area, report = real(shared, file, "worldcover", "EPSG:32632", domain, project)
    assert report.read < 400_000  # of 1.3 thousand million
    assert area == pytest.approx(domain.area, rel=0.01)
    assert report.classes[10] > 0
