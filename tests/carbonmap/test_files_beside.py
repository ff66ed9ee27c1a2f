"""Files that GDAL reads beside the ones that a region file names: they are input, whatever their letters."""

import sqlite3
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine

from carbonmap.build import build_region
from carbonmap.inputs import input_files
from carbonmap.manifest import identity_of
from carbonmap.progress import Silent
from carbonmap.region import RegionFile
from carbonmap.seals import InputChanged, InputSeals
from gis.errors import UnreadableFile
from gis.files import input_file
from grids.edition import edition_id
from tests.carbonmap.conftest import EAST, NORTH, Tiny

PAM = "<PAMDataset><GeoTransform> {}, 100, 0, {}, 0, -100</GeoTransform></PAMDataset>"


def edition_of(tiny: Tiny) -> str:
    """The id that an edition of the files as they are would have."""
    return edition_id(**identity_of(RegionFile(tiny.file)))


def with_raster(tiny: Tiny, name: str = "lc.tif") -> Path:
    tiny.region["sources"][2] = {
        "id": "cover", "sector": "land_cover", "file": name, "classes": {1: "tree_mixed", 2: "grass"}, "open": True,
    }  # fmt: skip
    tiny.write()
    path = tiny.folder / name
    place = {"transform": Affine(100, 0, EAST, 0, -100, NORTH + 2000), "crs": "EPSG:32632"}
    with rasterio.open(path, "w", driver="GTiff", width=20, height=20, count=1, dtype="uint8", **place) as raster:
        raster.write(np.ones((20, 20), np.uint8), 1)
    return path


def with_shapefile(tiny: Tiny, suffixes: dict[str, str], named: str) -> None:
    frame = gpd.GeoDataFrame.from_features(tiny.layers["buildings.geojson"], crs="EPSG:32632")
    tiny.source("buildings")["file"] = named
    tiny.write()
    frame.to_file(tiny.folder / "b.shp")
    for path in list(tiny.folder.glob("b.*")):
        path.rename(path.with_name(f"b.{suffixes.get(path.suffix[1:], path.suffix[1:])}"))


def test_a_mask_beside_a_raster_is_input(tiny):
    path = with_raster(tiny)
    before = edition_of(tiny)
    hidden = np.full((20, 20), 255, np.uint8)
    editions = {before}
    for _ in range(2):
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as raster:
            raster.write_mask(hidden)
        assert path.with_name("lc.tif.msk").is_file()
        editions.add(edition_of(tiny))
        hidden[3:6, 3:6] = 0
    assert len(editions) == 3


@pytest.mark.parametrize("named", ["lc.tif", "LC.TIF", "lc.tiff"])
@pytest.mark.parametrize("after", [".tfw", ".TFW", ".wld", ".tab", "+.aux.xml", "+.AUX.XML"])
def test_what_lies_beside_a_raster_is_input(tiny, named, after):
    path = with_raster(tiny, named)
    before = edition_of(tiny)
    beside = path.with_name(path.name + after[1:]) if after[0] == "+" else path.with_suffix(after)
    beside.write_text(PAM.format(EAST, NORTH + 2000))
    came = edition_of(tiny)
    beside.write_text(PAM.format(EAST + 100, NORTH + 2000))
    assert len({before, came, edition_of(tiny)}) == 3


def test_whatever_rasterio_says_it_read_is_input(tiny):
    path = with_raster(tiny)
    path.with_suffix(".tfw").write_text(f"100\n0\n0\n-100\n{EAST + 1050}\n{NORTH + 1950}\n")
    path.with_name("lc.tif.aux.xml").write_text(PAM.format(EAST + 1000, NORTH + 2000))
    with rasterio.open(path) as raster:
        assert raster.transform.c == EAST + 1000  # not where the GeoTIFF itself says
        read = {Path(name).name for name in raster.files}
    assert "lc.tif.aux.xml" in read
    assert read <= set(input_files(RegionFile(tiny.file).region, tiny.folder))


def test_a_moved_raster_is_not_up_to_date(tiny):
    path = with_raster(tiny)
    first = build_region(tiny.file, None, tiny.store, progress=Silent())
    path.with_name("lc.tif.aux.xml").write_text(PAM.format(EAST + 1000, NORTH + 2000))
    second = build_region(tiny.file, None, tiny.store, progress=Silent())
    assert second.seconds is not None
    assert second.edition != first.edition
    assert second.manifest.totals != first.manifest.totals


CASES: list[tuple[dict[str, str], str]] = [
    ({"dbf": "DBF"}, "b.shp"),
    ({"dbf": "DBF", "shx": "SHX", "prj": "PRJ", "cpg": "CPG", "shp": "SHP"}, "b.SHP"),
]


@pytest.mark.parametrize(("suffixes", "named"), CASES)
def test_parts_of_a_shapefile_in_capitals_are_input(tiny, suffixes, named):
    with_shapefile(tiny, suffixes, named)
    files = input_files(RegionFile(tiny.file).region, tiny.folder)
    assert {"b.DBF", named} <= set(files)
    before = edition_of(tiny)
    attributes = files["b.DBF"]
    attributes.write_bytes(attributes.read_bytes().replace(b"apartment", b"office   "))
    assert edition_of(tiny) != before


def test_a_shapefile_in_capitals_is_built_and_its_digests_stay_closed(tiny):
    with_shapefile(tiny, *CASES[1])
    built = build_region(tiny.write(), None, tiny.store, progress=Silent())
    told: dict[str, Any] = {entry.file: entry.sha256 for entry in built.manifest.public_inputs()}
    assert told["b.SHP"] is told["b.DBF"] is None
    assert {entry.file: entry.sha256 for entry in built.manifest.inputs}["b.DBF"]


def test_a_file_that_comes_beside_another_while_it_is_read_is_told(tiny):
    path = with_raster(tiny)
    region = RegionFile(tiny.file).region
    seals = InputSeals(lambda: input_files(region, tiny.folder))
    seals.check()
    path.with_suffix(".tfw").write_text("100\n0\n0\n-100\n0\n0\n")
    with pytest.raises(InputChanged, match=r"lc\.tfw changed"):
        seals.check()


def with_geopackage(tiny: Tiny) -> Path:
    frame = gpd.GeoDataFrame.from_features(tiny.layers["buildings.geojson"], crs="EPSG:32632")
    tiny.source("buildings")["file"] = "b.gpkg"
    tiny.write()
    frame.to_file(tiny.folder / "b.gpkg")
    return tiny.folder / "b.gpkg"


def test_a_geopackage_that_is_written_to_is_refused(tiny):
    path = with_geopackage(tiny)
    whole = edition_of(tiny)
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    connection.execute("create table more (number integer)")
    connection.commit()
    for read in (lambda: edition_of(tiny), lambda: input_file(tiny.folder, "b.gpkg")):
        with pytest.raises(UnreadableFile, match=r"b\.gpkg-wal beside it.*Close that program"):
            read()
    connection.close()
    assert edition_of(tiny) != whole


def test_a_geopackage_whose_writing_was_broken_off_is_refused(tiny):
    path = with_geopackage(tiny)
    journal = path.with_name("b.gpkg-journal")
    journal.write_bytes(bytes(512))  # what a journal that persists holds when all is well
    edition_of(tiny)
    journal.write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504))
    with pytest.raises(UnreadableFile, match=r"b\.gpkg-journal beside it"):
        edition_of(tiny)
