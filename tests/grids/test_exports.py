"""Exported files as the programs they are made for read them: every number is the public table's, to the last bit."""

import csv
import gzip
import hashlib
import json
import math
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
import shapely
import xarray as xr
from pmtiles.reader import MmapSource, Reader, all_tiles
from rio_cogeo.cogeo import cog_validate

from bench.serve_inputs import YEAR, write_served
from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.exports import html_map
from grids.exports.csv_table import describe_csv
from grids.exports.files import FORMATS, document, export_file, export_files, write_file
from grids.exports.formulas import harmless, harmless_rows
from grids.exports.public_table import PIECE, PublicTable
from grids.grid import Grid
from grids.shipped import shipped_columns
from grids.tiles import Tile, collection_tile, zooms

TABLES = ("grid-1km", "grid-500m", "grid-100m", "municipality", "h3-8")
GRIDS = TABLES[:3]


WEST, SOUTH = 540_000, 5_220_000
"""The corner of the little town, in EPSG:32632."""

YEARS = (2022, 2023)


@pytest.fixture(scope="module")
def edition(small_edition: Edition) -> Edition:
    return small_edition


@pytest.fixture(scope="module")
def made(edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a file by name, once."""
    folder = tmp_path_factory.mktemp("files")

    def make(name: str) -> Path:
        if not (folder / name).exists():
            write_file(edition, export_file(edition, name), folder / name)
        return folder / name

    return make


def numbers(edition: Edition, collection: str, year: int = 2023) -> pd.DataFrame:
    """Columns of numbers of a public table, by id."""
    frame = edition.table(collection, year).to_pandas().set_index("id")
    return frame[[name for name in frame.columns if frame[name].dtype == np.float64]]


def assert_same_bits(one: pd.DataFrame, other: pd.DataFrame) -> None:
    for name in other.columns:
        found, expected = (frame[name].to_numpy(np.float64) for frame in (one, other))
        assert np.array_equal(found, expected, equal_nan=True), name


def assert_same_sums(found: dict[str, np.ndarray], table: pd.DataFrame) -> None:
    """Sums that do not depend on order (fsum rounds once), and how many values are known."""
    for name in table.columns:
        values = found[name][~np.isnan(found[name])]
        known = table[name].dropna()
        assert (len(values), math.fsum(values)) == (len(known), math.fsum(known)), name


# --- what there is ----------------------------------------------------------------------------------------------------


def test_every_format_is_offered_for_every_table_it_can_hold(edition):
    files = export_files(edition)
    names = [file.name for file in files]
    assert len(set(names)) == len(names)
    for format in FORMATS.values():
        tables = GRIDS if format.grids_only else TABLES
        expected = {(table, None if format.all_years else year) for table in tables for year in YEARS}
        assert {(file.collection, file.year) for file in files if file.format == format.id} == expected


STEADY = [
    *(f"grid-500m_2022.{ending}" for ending in ("parquet", "gpkg", "csv", "tif", "pmtiles", "html")),
    *(f"municipality_2022.{ending}" for ending in ("gpkg", "html")),
    *("grid-500m.nc", "CITATION.cff", "columns.csv"),
]


@pytest.mark.parametrize("name", STEADY)
def test_equal_editions_give_equal_bytes(edition, tmp_path, name):
    digests = set()
    for attempt in ("one", "two"):
        (tmp_path / attempt).mkdir()
        write_file(edition, export_file(edition, name), tmp_path / attempt / name)
        digests.add(hashlib.sha256((tmp_path / attempt / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert [path.name for path in (tmp_path / "one").iterdir()] == [name], "something was left beside the file"


def test_every_file_says_edition_and_that_it_is_made_up(edition, made):
    """Inside, in whatever way its format has for texts."""
    rows = pq.read_metadata(made("grid-1km_2023.parquet")).metadata[b"carbonmap"].decode()
    with rasterio.open(made("grid-1km_2023.tif")) as raster:
        tags = json.dumps(raster.tags())
    with made("grid-1km_2023.pmtiles").open("rb") as stream:
        tiles = json.dumps(Reader(MmapSource(stream)).metadata())
    said = {
        "parquet": rows,
        "tif": tags,
        "pmtiles": tiles,
        "nc": json.dumps({key: str(value) for key, value in xr.open_dataset(made("grid-1km.nc")).attrs.items()}),
        "gpkg": json.dumps(pyogrio.read_info(made("grid-1km_2023.gpkg"))["layer_metadata"]),
        "csv": made("grid-1km_2023.csv").read_text("utf-8"),
        "html": made("grid-1km_2023.html").read_text("utf-8"),
        "licence": made("LICENSE.txt").read_text("utf-8"),
        "citation": made("CITATION.cff").read_text("utf-8"),
    }
    for kind, text in said.items():
        assert edition.id in text, kind
        assert "made up for tests" in text, f"{kind} has no attribution"
        assert re.search("synthetic", text, re.IGNORECASE), kind
        if kind != "csv":  # there each row says it, in columns of its own
            assert "ILLUSTRATIVE: buildings" in text, kind
    assert "buildings_illustrative" in said["csv"]


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", TABLES)
def test_geoparquet_is_the_public_table_with_its_polygons(edition, made, collection):
    path = made(f"{collection}_2023.parquet")
    frame = gpd.read_parquet(path)
    table = edition.table(collection, 2023)
    assert frame["id"].tolist() == table["id"].to_pylist()
    assert_same_bits(frame.set_index("id"), numbers(edition, collection))
    assert frame.crs.to_epsg() == 32632
    polygons = edition.polygons(collection, table)
    assert shapely.equals(frame.geometry.to_numpy(), polygons).all()
    assert "bbox" in pq.read_schema(path).names
    geo = json.loads(pq.read_metadata(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["bbox"] == list(shapely.total_bounds(polygons))
    types = {str(kind) for kind in frame.geom_type}
    assert types <= set(geo["columns"]["geometry"]["geometry_types"])


def test_geoparquet_is_read_by_box(made):
    box = (WEST + 110, SOUTH + 110, WEST + 290, SOUTH + 190)
    frame = gpd.read_parquet(made("grid-100m_2023.parquet"), bbox=box)
    assert 0 < len(frame) <= 2
    assert shapely.intersects(frame.geometry.to_numpy(), shapely.box(*box)).all()


def test_columns_of_geoparquet_say_unit_and_meaning(made):
    about = json.loads(pq.read_metadata(made("grid-1km_2023.parquet")).metadata[b"carbonmap"])
    assert about["columns"]["net_tco2e"]["unit"] == "tCO2e/a"
    assert about["columns"]["area_ha"]["unit"] == "ha"
    assert about["year"] == 2023


@pytest.mark.parametrize("collection", ["grid-100m", "municipality", "h3-8"])
def test_geopackage_is_the_public_table(edition, made, collection):
    path = made(f"{collection}_2023.gpkg")
    assert [name for name, _ in pyogrio.list_layers(path)] == [collection]
    frame = pyogrio.read_dataframe(path)
    assert frame["id"].tolist() == edition.table(collection, 2023)["id"].to_pylist()
    assert_same_bits(frame.set_index("id"), numbers(edition, collection))
    assert frame.crs.to_epsg() == 32632
    assert frame["held"].tolist() == edition.table(collection, 2023)["held"].to_pylist()


def test_geopackage_has_units_an_index_and_no_clock(made):
    path = made("grid-1km_2023.gpkg")
    with sqlite3.connect(path) as database:
        told = dict(database.execute("SELECT column_name, title FROM gpkg_data_columns"))
        [(change, description)] = database.execute("SELECT last_change, description FROM gpkg_contents").fetchall()
        extensions = {name for (name,) in database.execute("SELECT extension_name FROM gpkg_extensions")}
        [(check,)] = database.execute("PRAGMA integrity_check").fetchall()
    database.close()
    assert told["net_tco2e"].endswith("[tCO2e/a]")
    assert change == "2023-12-31T00:00:00.000Z"
    assert "0123456789abcdef" in description
    assert {"gpkg_rtree_index", "gpkg_schema", "gpkg_metadata"} <= extensions
    assert check == "ok"


@pytest.mark.parametrize("collection", ["grid-100m", "municipality"])
def test_csv_gives_back_every_bit(edition, made, collection):
    with made(f"{collection}_2023.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    table = edition.table(collection, 2023)
    assert [row["id"] for row in rows] == table["id"].to_pylist()
    for name in numbers(edition, collection).columns:
        assert [float(row[name]) if row[name] else None for row in rows] == table[name].to_pylist(), name
    assert {row["synthetic"] for row in rows} == {"true"}
    places = shapely.points([(float(row["lon"]), float(row["lat"])) for row in rows])
    polygons = gpd.GeoSeries(edition.polygons(collection, table), crs=edition.crs).to_crs(4326)
    assert shapely.contains(polygons.to_numpy(), places).all()


def test_csv_is_described_column_by_column(edition, made):
    table = PublicTable(edition, edition.collection("municipality"), 2023, shipped_columns())
    described = describe_csv(table, "municipality_2023.csv")
    with made("municipality_2023.csv").open(encoding="utf-8", newline="") as lines:
        header = next(csv.reader(lines))
    assert [column["titles"] for column in described["tableSchema"]["columns"]] == header
    units = {column["titles"]: column.get("schema:unitText") for column in described["tableSchema"]["columns"]}
    assert units["net_tco2e"] == "tCO2e/a"
    assert json.loads(document(edition, export_file(edition, "municipality_2023.csv-metadata.json"))) == described


def test_no_text_of_a_csv_runs_as_a_formula(edition):
    rows = edition.table("municipality", 2023, ["id", "name_en", "area_ha"]).slice(0, 3)
    evil = ["=HYPERLINK(1)", "Plain", None]
    rows = rows.set_column(1, "name_en", [evil])
    cleaned = harmless_rows(rows)
    assert cleaned["name_en"].to_pylist() == ["'=HYPERLINK(1)", "Plain", None]
    texts = ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "a=1", "", "'=1", "\n=1", " =1", "다"]
    both = harmless_rows(pa.table({"text": texts}))["text"].to_pylist()
    assert both == [harmless(text) for text in texts] == [f"'{text}" for text in texts[:6]] + texts[6:]
    assert cleaned["area_ha"].equals(rows["area_ha"])


# --- rasters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", GRIDS)
def test_geotiff_is_cloud_optimised_and_keeps_every_bit(edition, made, collection):
    path = made(f"{collection}_2023.tif")
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as raster:
        found = {name: raster.read(band).ravel() for band, name in enumerate(raster.descriptions, start=1)}
        units = dict(zip(raster.descriptions, raster.units, strict=True))
        assert set(raster.dtypes) == {"float64"}
        assert math.isnan(raster.nodata)
        assert raster.crs.to_epsg() == 32632
    assert_same_sums(found, numbers(edition, collection))
    assert (units["net_tco2e"], units["area_ha"]) == ("tCO2e/a", "ha")
    held = edition.table(collection, 2023)["held"].to_numpy()
    assert np.nansum(found["held"]) == held.sum()


@pytest.mark.parametrize("collection", GRIDS)
def test_pixels_are_cells_half_open_at_the_grids_origin(edition, made, collection):
    info, table = edition.collection(collection), edition.table(collection, 2023).to_pandas()
    size = info.cell_size_m
    with rasterio.open(made(f"{collection}_2023.tif")) as raster:
        assert (raster.transform.a, raster.transform.e) == (size, -size)
        assert (raster.transform.c % size, raster.transform.f % size) == (0, 0)
        band = raster.read(raster.descriptions.index("net_tco2e") + 1)
        for cell in table.sample(20, random_state=1).itertuples():
            # The cell's own south-western corner lies in it: the pixel above and to the right of that place.
            right = (cell.col * size - raster.transform.c) / size
            down = (raster.transform.f - cell.row * size) / size
            assert (right, down) == (int(right), int(down))
            assert np.array_equal(band[int(down) - 1, int(right)], cell.net_tco2e, equal_nan=True)


def test_netcdf_has_the_years_of_a_grid_as_an_axis(edition, made):
    with xr.open_dataset(made("grid-100m.nc"), decode_coords="all") as data:
        assert data["time"].dt.year.values.tolist() == list(YEARS)
        for step, year in enumerate(YEARS):
            table = numbers(edition, "grid-100m", year)
            found = {name: data[name].values[step].ravel() for name in table.columns}
            assert_same_sums(found, table)
        cell = edition.table("grid-100m", 2023).to_pandas().iloc[1000]
        place = data.sel(x=cell.col * 100 + 50, y=cell.row * 100 + 50, time="2023")
        assert np.array_equal(place["buildings_tco2e"].values.item(), cell.buildings_tco2e, equal_nan=True)
        assert float(place["area_ha"].item()) == cell.area_ha
        lon, lat = place["lon"].item(), place["lat"].item()
    polygon = edition.polygons("grid-100m", edition.page("grid-100m", 2023, offset=1000, limit=1).rows)
    shape = gpd.GeoSeries(polygon, crs=edition.crs).to_crs(4326)[0]
    assert shape.contains(shapely.Point(lon, lat))


def checked_by_ioos(path: Path) -> str:
    """What the compliance checker of IOOS says of a file against CF-1.11."""
    command = [Path(sys.executable).with_name("compliance-checker"), "--test=cf:1.11", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return f"{done.returncode} {done.stdout}{done.stderr}"


def test_netcdf_follows_cf(made, tmp_path):
    said = checked_by_ioos(made("grid-500m.nc"))
    assert said.startswith("0 "), said
    assert "All tests passed!" in said
    with xr.open_dataset(made("grid-500m.nc"), decode_cf=False) as data:
        broken = data.load().copy()
    broken["net_tco2e"].attrs |= {"units": "tonnes of it", "cell_methods": "everywhere: sum"}
    broken.to_netcdf(tmp_path / "broken.nc")
    assert "tonnes of it" in checked_by_ioos(tmp_path / "broken.nc"), "the check sees nothing"


def test_a_grid_with_holes_negative_cells_and_a_wide_extent(small_editions, tmp_path):
    """Cells 70 km apart, on both sides of the origin: several windows, overviews, years of different extents."""
    info = CollectionInfo(id="grid-100m", title={"en": "x"}, kind="grid", cell_size_m=100, origin_m=(500_000, 0))
    cells = {2022: ([-3, 0, 700], [-350, 0, 400]), 2023: ([5], [-351])}
    with EditionWriter(tmp_path / "store", "wide", "0123456789abcdef", crs="EPSG:32632") as writer:
        for year, (rows, cols) in cells.items():
            grid = Grid("EPSG:32632", (500_000, 0), 100, "inspire")
            frame = pd.DataFrame({"id": [f"c{k}" for k in range(len(rows))], "row": rows, "col": cols})
            frame["area_ha"] = grid.geodesic_area_ha(rows, cols)
            values = small_editions.numbers(len(rows), year, 1)
            writer.write_table(info, year, frame.assign(**values | {"population": np.nan}))
        empty = info.model_copy(update={"id": "grid-1km", "cell_size_m": 1000})
        nothing = frame.iloc[:0].assign(**small_editions.numbers(0, 2022, 1))
        writer.write_table(empty, 2022, nothing)
        writer.publish(small_editions.manifest_of("wide"))
    edition = Store(tmp_path / "store").open("wide")
    for file in export_files(edition):
        if file.collection is not None:
            write_file(edition, file, tmp_path / file.name)
    with rasterio.open(tmp_path / "grid-100m_2022.tif") as raster:
        assert raster.shape == (704, 751)
        assert raster.overviews(1)
        found = {name: raster.read(band).ravel() for band, name in enumerate(raster.descriptions, start=1)}
        assert raster.bounds.left == 500_000 - 35_000
    assert cog_validate(tmp_path / "grid-100m_2022.tif", strict=True)[0]
    assert_same_sums(found, numbers(edition, "grid-100m", 2022))
    with xr.open_dataset(tmp_path / "grid-100m.nc") as data:
        assert data.sizes["x"] == 752
        assert data["buildings_tco2e"].sel(time="2023").notnull().sum() == 1
    assert gpd.read_parquet(tmp_path / "grid-1km_2022.parquet").empty
    assert pyogrio.read_dataframe(tmp_path / "grid-1km_2022.gpkg").empty
    assert "grid-1km_2022.tif" not in {file.name for file in export_files(edition)}


# --- maps -------------------------------------------------------------------------------------------------------------


def test_tiles_of_an_archive_wait_beside_it(edition, tmp_path, monkeypatch):
    """The folder for temporary files is in memory on many machines, and a nation's tiles are gigabytes."""
    beside = tmp_path / "out"
    beside.mkdir()
    waiting, opened = [], tempfile.TemporaryFile

    def watched(*args, **options):
        waiting.append(options.get("dir"))
        return opened(*args, **options)

    monkeypatch.setattr(tempfile, "TemporaryFile", watched)
    name = "grid-1km_2023.pmtiles"
    write_file(edition, export_file(edition, name), beside / name)
    monkeypatch.undo()
    assert beside in waiting
    assert [path.name for path in beside.iterdir()] == [name], "nothing is left beside it"


@pytest.mark.parametrize("collection", ["grid-500m", "municipality"])
def test_pmtiles_hold_the_very_tiles_that_are_served(edition, made, collection):
    with made(f"{collection}_2023.pmtiles").open("rb") as stream:
        source = MmapSource(stream)
        header, tiles = Reader(source).header(), dict(all_tiles(source))
    least, greatest = zooms(edition.collection(collection))
    assert (header["version"], header["clustered"], header["addressed_tiles_count"]) == (3, True, len(tiles))
    assert least <= header["min_zoom"] <= 1, "a town is too small to be seen from far"
    assert header["max_zoom"] == greatest
    assert {z for z, _, _ in tiles} == set(range(header["min_zoom"], greatest + 1))
    assert header["tile_contents_count"] <= len(tiles)
    for (z, x, y), tile in tiles.items():
        assert gzip.decompress(tile) == collection_tile(edition, collection, 2023, Tile(z, y, x)), (z, x, y)
    # Every tile beside a drawn one that is not in the file is empty.
    for z, x, y in [place for place in tiles if place[0] == min(greatest, 11)]:
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                if (z, x + dx, y + dy) not in tiles:
                    assert collection_tile(edition, collection, 2023, Tile(z, y + dy, x + dx)) == b""


def test_a_page_needs_nothing_from_elsewhere(made):
    page = made("municipality_2023.html").read_text("utf-8")
    assert page.count("<script") >= 2
    assert not re.search(r"<script[^>]+src=|<link|@import|url\((?!#default)", page)
    fetched = re.findall(r"""(?:fetch|XMLHttpRequest|ajax)\b|src\s*=\s*["']?https?:""", page)
    assert fetched == []
    assert len(page) < 10_000_000


def test_the_legend_has_what_must_stand_beside_numbers(made):
    page = made("grid-100m_2023.html").read_text("utf-8")
    legend = page[page.index('<div class="legend">') :]
    for text in (
        "Little Town",
        "2023",
        "tCO2e per hectare and year",
        "SYNTHETIC",
        "ILLUSTRATIVE: buildings",
        "Edition 0123456789abcdef",
        "made up for tests (CC0)",
        "unknown",
    ):
        assert text in legend, text


def test_a_page_of_too_many_cells_shows_the_largest_and_says_so(edition, tmp_path, monkeypatch):
    monkeypatch.setattr(html_map, "MOST_SHAPES", 100)
    write_file(edition, export_file(edition, "grid-500m_2023.html"), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    total = edition.collection("grid-500m").count
    assert f"the 100 of {total:,} with the largest amounts" in page.replace(",", ",")
    table = edition.table("grid-500m", 2023).to_pandas().set_index("id")
    largest = set(table["net_tco2e"].abs().nlargest(100).index)
    assert set(re.findall(r'"id": "([^"]+)", "net"', page)) == largest


def test_names_of_places_stay_text(small_editions, tmp_path):
    """A zone's name, the region's and an attribution's that carry script or templates are shown, never run."""
    evil = "</script><script>alert(1)</script>{{7*7}}<img src=x onerror=alert(1)>"
    info = CollectionInfo(id="zones", title={"en": "x"}, kind="zones", zone_kind="administrative")
    with EditionWriter(tmp_path / "store", "town", "0123456789abcdef", crs="EPSG:32632") as writer:
        frame = pd.DataFrame({"id": ["a"], "name_en": [evil], "parent_id": [None], "area_ha": [1.0]})
        shape = [shapely.box(WEST, SOUTH, WEST + 100, SOUTH + 100)]
        writer.write_table(info, 2022, frame.assign(**small_editions.numbers(1, 2022, 1)), geometry=shape)
        manifest = small_editions.manifest_of("town")
        manifest["region"] |= {"name": {"en": evil}, "languages": ["en"], "attributions": [{"text": evil}]}
        writer.publish(manifest)
    edition = Store(tmp_path / "store").open("town")
    write_file(edition, export_file(edition, "zones_2022.html"), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "{{7*7}}" in page
    assert "49" not in re.findall(r"<title>(.*?)</title>", page)[0]


# --- memory -----------------------------------------------------------------------------------------------------------


def test_a_table_is_read_in_pieces_of_which_none_is_kept(tmp_path: Path) -> None:
    """Else what a file takes to make grows with its table."""
    served = write_served(tmp_path / "store", side=300)
    table = PublicTable(served.edition, served.edition.collection("grid-100m"), YEAR, shipped_columns())
    held, count, largest = [], 0, 0
    for rows, polygons in table.pieces():
        assert len(rows) == len(polygons) <= PIECE
        count, largest = count + len(rows), max(largest, rows.nbytes)
        held.append(pa.total_allocated_bytes())
    assert count == 300 * 300 > 5 * PIECE
    assert max(held) - held[0] < 3 * largest, "one piece, and the one before it"
