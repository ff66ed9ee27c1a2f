"""Clients that people have: GDAL, OWSLib and geopandas read whole collections, and get the edition's table."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import mapbox_vector_tile
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pyogrio
import pytest
import shapely
from owslib.ogcapi import Collections
from owslib.ogcapi.coverages import Coverages
from owslib.ogcapi.features import Features
from owslib.ogcapi.maps import Maps
from owslib.ogcapi.records import Records
from owslib.util import http_get
from pyproj import Transformer

from grids.edition import Edition, Store
from grids.selection import Selection

TEXTS = ("id", "name_en", "name_ko", "parent_id", "edition", "attribution", "geometry")
COLLECTIONS = ("grid-1km", "grid-100m", "municipality", "h3-8")


SERVER = """
import sys
from pathlib import Path
import uvicorn
from api.app import create_app
from api.server import listen
from api.settings import Settings
listening = listen("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
config = uvicorn.Config(create_app(Settings(store=Path(sys.argv[1]))), log_level="warning", lifespan="off")
uvicorn.Server(config).run(sockets=[listening])
"""


@pytest.fixture(scope="module")
def apart(small_store: Path) -> Iterator[str]:
    """The address of a server in a process of its own: GDAL holds Python's lock while it waits for an answer."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SERVER, str(small_store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def edition(small_store: Path) -> Edition:
    return Store(small_store).open("town")


def table(edition: Edition, collection: str, year: int = 2023) -> pd.DataFrame:
    """The public table as it is, without its geometry."""
    return edition.table(collection, year).to_pandas().drop(columns="geometry", errors="ignore")


def equal(given: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Row by row and to the last bit; formats differ in how wide whole numbers are, and in what an empty text is."""
    given = pd.DataFrame(given).drop(columns="geometry", errors="ignore").reset_index(drop=True)
    assert list(given.columns) == list(expected.columns)
    for name in expected.columns:
        if expected[name].dtype == np.float64:
            np.testing.assert_array_equal(given[name].to_numpy(np.float64), expected[name].to_numpy())
        else:
            assert plain(given[name]) == plain(expected[name]), name


def plain(column: "pd.Series[Any]") -> list[Any]:
    return [None if pd.isna(value) else value for value in column.tolist()]


def assert_same_shapes(given: gpd.GeoDataFrame, edition: Edition, collection: str, metres: float) -> None:
    expected = gpd.GeoSeries(edition.polygons(collection, edition.table(collection, 2023)), crs=edition.crs)
    moved = given.to_crs(edition.crs).geometry
    gaps = shapely.hausdorff_distance(moved.to_numpy(), expected.to_numpy())
    assert gaps.max() < metres


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_gdal_reads_a_collection_page_by_page(apart: str, edition: Edition, collection: str) -> None:
    source = f"OAPIF:{apart}/api/town/"
    frame = pyogrio.read_dataframe(source, layer=collection, PAGE_SIZE="400")
    expected = table(edition, collection)
    frame[[name for name in expected if expected[name].dtype == bool]] = frame[
        [name for name in expected if expected[name].dtype == bool]
    ].astype(bool)
    equal(frame, expected)
    assert frame.crs.to_epsg() == 32632  # GDAL takes storageCrs where Part 2 is announced
    assert_same_shapes(frame, edition, collection, 1e-3)


def test_gdal_lists_every_collection(apart: str) -> None:
    layers = pyogrio.list_layers(f"OAPIF:{apart}/api/town/")[:, 0].tolist()
    assert layers == ["grid-1km", "grid-500m", "grid-100m", "municipality", "h3-8"]


def test_gdal_filters_by_box_and_by_column(apart: str, edition: Edition) -> None:
    source = f"OAPIF:{apart}/api/town/"
    box = (541_200, 5_221_100, 542_700, 5_222_900)
    expected = edition.page("grid-500m", asked=Selection(box, edition.crs))
    inside = pyogrio.read_dataframe(source, layer="grid-500m", bbox=box)
    assert inside["id"].tolist() == expected.rows["id"].to_pylist()
    frame = table(edition, "grid-500m")
    held = pyogrio.read_dataframe(source, layer="grid-500m", where="net_tco2e > 30 AND held = 1")
    assert sorted(held["id"]) == sorted(frame[(frame.net_tco2e > 30) & frame.held]["id"])
    assert len(held) > 0


@pytest.mark.parametrize("collection", ["grid-1km", "h3-8", "municipality"])
def test_gdal_reads_vector_tiles(apart: str, edition: Edition, collection: str) -> None:
    # Its driver for OGC API Tiles takes the box in the coordinates of the tiles, and makes a layer of each zoom.
    west, south, east, north = edition.collection(collection).bbox or edition.region.bbox
    corners = Transformer.from_crs(4326, 3857, always_xy=True).transform([west, east], [south, north])
    box = dict(zip(("MINX", "MAXX", "MINY", "MAXY"), [str(value) for axis in corners for value in axis], strict=True))
    source = f"OGCAPI:{apart}/api/town/collections/{collection}"
    frame = pyogrio.read_dataframe(source, layer="Zoom level 12", API="TILES", **box)
    assert frame.crs.to_epsg() == 3857
    expected = table(edition, collection).set_index("id")
    # What lies in several tiles comes from each.
    assert set(frame["id"]) == set(expected.index)
    for name in ("net_tco2e", "buildings_tco2e", "area_ha", "population"):
        given = frame.groupby("id")[name].agg(["min", "max"]).reindex(expected.index)
        np.testing.assert_array_equal(given["min"].to_numpy(), expected[name].to_numpy())
        np.testing.assert_array_equal(given["max"].to_numpy(), expected[name].to_numpy())
    shapes = frame.dissolve("id").geometry.reindex(expected.index).to_crs(edition.crs)
    areas = shapely.area(edition.polygons(collection, edition.table(collection, 2023)))
    np.testing.assert_allclose(shapes.area.to_numpy(), areas, rtol=0.05)  # a unit of a tile is 2.4 m here


@pytest.fixture(scope="module")
def owslib(served: str) -> Features:
    return Features(f"{served}/api/town/")


def test_owslib_finds_its_way_from_the_landing_page(owslib: Features) -> None:
    assert owslib.feature_collections() == ["grid-1km", "grid-500m", "grid-100m", "municipality", "h3-8"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in owslib.conformance()["conformsTo"]
    assert owslib.api()["openapi"].startswith("3.0")
    assert owslib.collection("municipality")["itemType"] == "feature"
    assert "net_tco2e" in owslib.collection_queryables("municipality")["properties"]
    assert owslib.collection_schema("municipality")["properties"]["area_ha"]["x-ogc-unit"] == "ha"


def test_owslib_reads_items(owslib: Features, edition: Edition) -> None:
    frame = table(edition, "grid-500m")
    page = owslib.collection_items("grid-500m", limit=500, filter="net_tco2e > 40 AND held = FALSE")
    expected = frame[(frame.net_tco2e > 40) & ~frame.held]["id"].tolist()
    assert [feature["id"] for feature in page["features"]] == expected
    assert page["numberMatched"] == len(expected) > 3
    item = owslib.collection_item("grid-500m", expected[0])
    assert item["properties"] == page["features"][0]["properties"]


def linked(links: list[dict[str, Any]], rel: str) -> str:
    """The one address that a client of OGC API finds by the kind of its link."""
    [href] = {link["href"] for link in links if link["rel"].rpartition("/")[2] == rel and "html" not in link["type"]}
    return str(href)


def test_owslib_follows_links_to_tiles(served: str, edition: Edition) -> None:
    """It has no client for OGC API Tiles: what it offers is the collection, whose links lead to every tile."""
    described = Collections(f"{served}/api/town/").collection("grid-1km")
    [tileset] = http_get(linked(described["links"], "tilesets-vector")).json()["tilesets"]
    told = http_get(linked(tileset["links"], "self")).json()
    matrices = http_get(linked(told["links"], "tiling-scheme")).json()["tileMatrices"]
    template = linked(told["links"], "item")
    west, south, east, north = edition.collection("grid-1km").bbox or edition.region.bbox
    corners = Transformer.from_crs(4326, 3857, always_xy=True).transform([west, east], [south, north])
    [matrix] = [one for one in matrices if one["id"] == "10"]
    left, top = matrix["pointOfOrigin"]
    side = matrix["cellSize"] * matrix["tileWidth"]
    seen: dict[str, dict[str, Any]] = {}
    for row in range(int((top - corners[1][1]) // side), int((top - corners[1][0]) // side) + 1):
        for col in range(int((corners[0][0] - left) // side), int((corners[0][1] - left) // side) + 1):
            address = template.replace("{tileMatrix}", "10").replace("{tileRow}", str(row))
            tile = http_get(address.replace("{tileCol}", str(col)))
            assert tile.headers["content-type"] == "application/vnd.mapbox-vector-tile"
            if tile.content:
                features = mapbox_vector_tile.decode(tile.content)["grid-1km"]["features"]
                seen |= {one["properties"]["id"]: one["properties"] for one in features}
    expected = table(edition, "grid-1km").set_index("id")
    assert set(seen) == set(expected.index)
    for identity, properties in seen.items():
        for name in ("net_tco2e", "buildings_tco2e", "area_ha", "held"):
            value = expected.loc[identity, name]
            assert properties.get(name) == (None if pd.isna(value) else value), (identity, name)


def test_owslib_finds_nothing_that_is_not_there(served: str) -> None:
    """Its clients of other OGC APIs go by links and kinds of items: none takes ours for what they are not."""
    at = f"{served}/api/town/"
    assert Maps(at).maps() == []
    assert Records(at).records() == []
    assert Coverages(at).coverages() == []
    classes = Collections(at).conformance()["conformsTo"]
    assert not [one for one in classes if re.search(r"ogcapi-(records|maps|coverages|edr)", one)]


def fetched(client: httpx.Client, collection: str, form: str, **params: Any) -> httpx.Response:
    response = client.get(f"/api/town/collections/{collection}/items", params={"f": form, "limit": 10_000, **params})
    assert response.status_code == 200, response.text
    return response


@pytest.mark.parametrize("crs", [None, "[EPSG:32632]"])
@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("form", ["geoparquet", "flatgeobuf", "arrow"])
def test_geopandas_reads_files(
    client: httpx.Client, edition: Edition, collection: str, form: str, crs: str | None, tmp_path: Path
) -> None:
    content = fetched(client, collection, form, **({"crs": crs} if crs else {})).content
    if form == "geoparquet":
        frame = gpd.read_parquet(io.BytesIO(content))
    elif form == "flatgeobuf":
        (tmp_path / "page.fgb").write_bytes(content)
        frame = gpd.read_file(tmp_path / "page.fgb")
    else:
        frame = gpd.GeoDataFrame.from_arrow(pa.ipc.open_stream(content).read_all())
    equal(frame, table(edition, collection))
    assert frame.crs.equals("EPSG:32632" if crs else "OGC:CRS84", ignore_axis_order=True)
    assert_same_shapes(frame, edition, collection, 1e-9 if crs else 1e-3)


def test_labels_stand_in_every_file(client: httpx.Client, tmp_path: Path) -> None:
    expected = client.get("/api/town/").json()
    labels = {name: expected[name] for name in ("edition", "synthetic", "illustrative", "attributions")}
    arrow = pa.ipc.open_stream(fetched(client, "h3-8", "arrow").content).read_all()
    parquet = pa.parquet.read_table(io.BytesIO(fetched(client, "h3-8", "geoparquet").content))
    for schema in (arrow.schema, parquet.schema):
        assert json.loads(schema.metadata[b"carbonmap"]) == labels
    (tmp_path / "page.fgb").write_bytes(fetched(client, "h3-8", "flatgeobuf").content)
    told = pyogrio.read_info(tmp_path / "page.fgb")["layer_metadata"]["DESCRIPTION"]
    assert json.loads(told) == labels
    sheet = pd.read_csv(io.BytesIO(fetched(client, "h3-8", "csv").content), dtype={"edition": str})
    assert sheet["edition"].unique().tolist() == [labels["edition"]]
    assert sheet["synthetic"].all()
    assert sheet["attribution"].unique().tolist() == ["made up for tests (CC0), https://example.org"]
    exported = pd.read_csv(io.BytesIO(client.get("/api/town/downloads/h3-8_2023.csv").content), dtype={"edition": str})
    beside = ["edition", "synthetic", "illustrative", "attribution"]
    pd.testing.assert_frame_equal(sheet[beside], exported[beside])


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_csv_is_the_table_with_wkt(client: httpx.Client, edition: Edition, collection: str) -> None:
    content = fetched(client, collection, "csv").content
    assert content.count(b"\r\n") == table(edition, collection).shape[0] + 1
    texts = pa.csv.ConvertOptions(column_types=dict.fromkeys(TEXTS, pa.string()), strings_can_be_null=True)
    frame = pa.csv.read_csv(io.BytesIO(content), convert_options=texts).to_pandas()
    shapes = gpd.GeoSeries.from_wkt(frame.pop("geometry"), crs="OGC:CRS84")
    frame = frame.drop(columns=["edition", "synthetic", "illustrative", "attribution"])
    equal(frame, table(edition, collection))
    assert_same_shapes(gpd.GeoDataFrame(geometry=shapes), edition, collection, 1e-3)
