"""What GDAL reads otherwise than it is written, and what it says of it: into the report, not on standard error."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.errors import UnreadableFile
from gis.layers import MOST_EXAMPLES, ReadReport
from gis.raw import Raw, Request
from gis.vector import layer_names, read_vector


def package(folder: Path, **columns: Any) -> Path:
    squares = [shapely.box(20 * k, 0, 20 * k + 10, 10) for k in range(4)]
    gpd.GeoDataFrame(columns, geometry=squares, crs="EPSG:32632").to_file(folder / "b.gpkg", layer="b")
    return folder / "b.gpkg"


def altered(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as file:
        triggers = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for statement in (*(f'DROP TRIGGER "{name}"' for name in triggers), *statements):
            file.execute(statement)
    file.close()


def read(path: Path, *columns: str, layer: str | None = None) -> tuple[Raw, ReadReport]:
    report = ReadReport("s", path.name)
    return read_vector(Request(path, layer, columns, {}, None, None), report), report


def test_words_among_the_numbers_of_a_geopackage_are_no_zeros(tmp_path: Path) -> None:
    path = package(tmp_path, area=[1.5, 2.5, 3.5, 4.5], floors=[1, 2, 3, 4], fine=[1, 2, 3, 4])
    altered(
        path,
        "UPDATE b SET area = 'about 400' WHERE floors = 4",
        "UPDATE b SET area = NULL WHERE floors = 3",
        "UPDATE b SET floors = 2.5 WHERE floors = 2",
    )
    raw, _ = read(path, "area", "floors", "fine")
    assert raw.values["area"].astype(object).where(raw.values["area"].notna(), None).tolist() == [
        1.5,
        2.5,
        None,
        "about 400",
    ]
    assert raw.values["floors"].tolist() == [1, 2.5, 3, 4]
    assert raw.values["fine"].tolist() == [1, 2, 3, 4]


def test_a_whole_number_too_long_for_its_column_is_as_it_is_written(tmp_path: Path) -> None:
    path = package(tmp_path, count=pd.Series([1, 2, 3, 4], dtype="int32"))
    altered(path, 'UPDATE b SET "count" = 5000000000 WHERE "count" = 4')
    raw, _ = read(path, "count")
    assert raw.values["count"].tolist() == [1, 2, 3, 5_000_000_000]


def test_words_among_the_numbers_of_a_view_are_refused(tmp_path: Path) -> None:
    path = package(tmp_path, area=[1.5, 2.5, 3.5, 4.5])
    altered(
        path,
        "CREATE VIEW v AS SELECT fid AS OGC_FID, geom, area FROM b",
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('v', 'features', 'v', 32632)",
        "INSERT INTO gpkg_geometry_columns VALUES ('v', 'geom', 'POLYGON', 32632, 0, 0)",
    )
    assert read(path, "area", layer="v")[0].values["area"].tolist() == [1.5, 2.5, 3.5, 4.5]
    altered(path, "UPDATE b SET area = 'unknown' WHERE fid = 2")
    with pytest.raises(UnreadableFile, match=r"b\.gpkg, view v: column 'area' holds 'unknown' among its numbers.*CAST"):
        read(path, "area", layer="v")


def geojson(folder: Path, name: str, geometries: list[Any]) -> Path:
    features = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
    (folder / name).write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder / name


POINT = {"type": "Point", "coordinates": [1, 2]}
CIRCLE = {"type": "Circle", "coordinates": [1, 2]}


def test_what_gdal_says_is_a_note_and_no_line_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = [{"type": "Point", "coordinates": [f"east {k}", 2]} for k in range(3 * MOST_EXAMPLES)]
    _, report = read(geojson(tmp_path, "words.geojson", [POINT, *words]))
    assert len(report.notes) == MOST_EXAMPLES + 1
    assert all(note.startswith("GDAL: OGRGeoJSONGetCoordinate(): invalid 'x'") for note in report.notes[:-1])
    assert report.notes[-1] == f"GDAL: ... and {2 * MOST_EXAMPLES} more messages"
    package_without_crs = package(tmp_path, area=[1.0, 2.0, 3.0, 4.0])
    altered(package_without_crs, "PRAGMA foreign_keys = off", "DELETE FROM gpkg_spatial_ref_sys WHERE srs_id = 32632")
    assert layer_names(package_without_crs) == ["b"]
    assert capfd.readouterr().err == ""


def test_what_is_said_of_one_file_is_not_told_of_another(tmp_path: Path) -> None:
    """Two parts of a build are read at once, and Python's warnings are those of all threads."""
    paths = [geojson(tmp_path, f"{k}.geojson", [POINT, CIRCLE if k % 2 else POINT]) for k in range(40)]
    with ThreadPoolExecutor(2) as pool:
        notes = [report.notes for _, report in pool.map(read, paths)]
    said = ["GDAL: Unsupported geometry type detected. Feature gets NULL geometry assigned."]
    assert notes == [said if k % 2 else [] for k in range(40)]
