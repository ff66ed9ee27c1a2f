"""Tile sets as OGC API Tiles, TileJSON and their clients know them; the grid that suits the zoom."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

import httpx
import morecantile
import pyogrio
import pytest
from owslib.ogcapi.features import Features

from api.auto_grid import grid_bands
from api.models import TileJson
from api.tile_models import AutoGridTileSet, TileMatrixSet, TileMatrixSets, TileSet, TileSets
from grids.edition import Edition, Store
from grids.tiles import zooms

SOURCES = ("collections/grid-100m", "collections/municipality", "collections/h3-8", "grid-auto", "context")
OGC = "http://www.opengis.net/def/rel/ogc/1.0"
URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
LON, LAT = 9.567, 47.155


@pytest.fixture(scope="module")
def edition(small_store: Path) -> Edition:
    return Store(small_store).open("town")


def by_rel(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {link["rel"]: link for link in document["links"]}


def at(template: str, zoom: int) -> str:
    """The address of the tile of the test region's middle, from either kind of template."""
    tile = morecantile.tms.get("WebMercatorQuad").tile(LON, LAT, zoom)
    for names in (("{z}", "{y}", "{x}"), ("{tileMatrix}", "{tileRow}", "{tileCol}")):
        for name, value in zip(names, (tile.z, tile.y, tile.x), strict=True):
            template = template.replace(name, str(value))
    return template


@pytest.mark.parametrize("source", SOURCES)
def test_from_the_list_to_the_tile(client: httpx.Client, source: str) -> None:
    listed = client.get(f"/api/town/{source}/tiles").json()
    TileSets.model_validate(listed)
    (entry,) = listed["tilesets"]
    assert (entry["dataType"], entry["tileMatrixSetURI"]) == ("vector", URI)
    told = client.get(by_rel(entry)["self"]["href"]).json()
    (AutoGridTileSet if source == "grid-auto" else TileSet).model_validate(told)
    links = by_rel(told)
    assert client.get(links["self"]["href"]).json() == told
    item = links["item"]
    assert (item["templated"], item["type"]) == (True, "application/vnd.mapbox-vector-tile")
    assert item["href"] == by_rel(entry)["item"]["href"]
    tile = client.get(at(item["href"], 12))
    assert (tile.status_code, tile.headers["content-type"]) == (200, item["type"])
    assert tile.content == client.get(at(told["tiles"][0], 12)).content != b""
    scheme = client.get(links[f"{OGC}/tiling-scheme"]["href"]).json()
    assert (scheme["id"], scheme["uri"]) == ("WebMercatorQuad", URI)
    limits = {limit["tileMatrix"]: limit for limit in told["tileMatrixSetLimits"]}
    assert list(limits) == [str(zoom) for zoom in range(told["minzoom"], 23)]
    last = limits["22"]
    corner = item["href"].replace("{tileMatrix}", "22")
    for row, column, status in ((last["maxTileRow"], last["maxTileCol"], 200), (0, last["maxTileCol"] + 1, 404)):
        assert client.get(corner.replace("{tileRow}", str(row)).replace("{tileCol}", str(column))).status_code == status


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("how", ["f", "accept"])
def test_tilejson_alone_is_there_when_asked_for(client: httpx.Client, source: str, how: str) -> None:
    address, kind = f"/api/town/{source}/tiles/WebMercatorQuad", "application/vnd.mapbox.tile+json"
    params, headers = ({"f": "tilejson"}, {}) if how == "f" else ({}, {"accept": kind})
    response = client.get(address, params=params, headers=headers)
    assert response.headers["content-type"] == kind
    told = response.json()
    known = told.pop("grids", None)
    assert (known is not None) == (source == "grid-auto")
    TileJson.model_validate(told)
    whole = client.get(address).json()
    assert whole["tiles"] == told["tiles"]
    assert {name: whole[name] for name in told} == told


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8"])
def test_whoever_asks_for_json_gets_both(client: httpx.Client, accept: str) -> None:
    response = client.get("/api/town/collections/h3-8/tiles/WebMercatorQuad", headers={"accept": accept})
    assert response.headers["content-type"] == "application/json"
    assert "Accept" in response.headers["vary"]
    assert {"tilejson", "tileMatrixSetURI"} <= set(response.json())


def test_what_is_not_offered_is_refused(client: httpx.Client) -> None:
    address = "/api/town/collections/h3-8/tiles/WebMercatorQuad"
    assert client.get(address, headers={"accept": "image/png"}).status_code == 406
    assert "f: got 'png', expected one of json, tilejson" in client.get(f"{address}?f=png").json()["detail"]
    assert client.get(f"{address}?crs=1").status_code == 400
    assert client.get("/api/town/grid-auto/tiles/WebMercatorQuad?year=1999").status_code == 404
    refused = client.get("/api/town/grid-auto/tiles/WebMercatorQuad?properties=nix")
    assert (refused.status_code, "no column 'nix'" in refused.json()["detail"]) == (400, True)


def test_layers_say_what_their_properties_mean(client: httpx.Client) -> None:
    address = "/api/town/collections/municipality/tiles/WebMercatorQuad"
    (layer,) = client.get(address).json()["layers"]
    assert (layer["id"], layer["title"], layer["geometryDimension"]) == ("municipality", "Municipality", 2)
    net = layer["propertiesSchema"]["properties"]["net_tco2e"]
    assert (net["type"], net["x-ogc-unit"]) == ("number", "tCO2e/a")
    korean = client.get(address, headers={"accept-language": "ko"}).json()
    assert (korean["title"], korean["layers"][0]["title"]) == ("지자체", "지자체")


def test_choices_are_kept_in_the_addresses(client: httpx.Client) -> None:
    for source in ("collections/grid-1km", "grid-auto"):
        query = "?year=2022&properties=net_tco2e,held"
        (entry,) = client.get(f"/api/town/{source}/tiles{query}").json()["tilesets"]
        told = client.get(by_rel(entry)["self"]["href"]).json()
        for href in (told["tiles"][0], by_rel(told)["item"]["href"], by_rel(entry)["item"]["href"]):
            assert parse_qs(urlsplit(href).query) == {
                "year": ["2022"],
                "properties": ["net_tco2e,held"],
                "edition": ["0123456789abcdef"],
            }
        assert told["year"] == 2022
        assert set(told["layers"][0]["propertiesSchema"]["properties"]) - {"collection"} == {"id", "net_tco2e", "held"}


def test_the_tile_matrix_set_is_the_registered_one(client: httpx.Client) -> None:
    listed = TileMatrixSets.model_validate_json(client.get("/api/tileMatrixSets").content)
    (entry,) = listed.tileMatrixSets
    told = client.get(entry.links[0].href).json()
    TileMatrixSet.model_validate(told)
    # morecantile ships the documents of the OGC's registry.
    registered = morecantile.tms.get("WebMercatorQuad").model_dump(mode="json", exclude_none=True, by_alias=True)
    matrices, expected = told.pop("tileMatrices"), registered.pop("tileMatrices")
    assert told == registered
    assert len(matrices) == len(expected) == 25
    for ours, theirs in zip(matrices, expected, strict=True):
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            assert ours[name] == (value if isinstance(value, int | str) else pytest.approx(value, rel=1e-12)), name
    missing = client.get("/api/tileMatrixSets/WorldCRS84Quad")
    assert (missing.status_code, "expected WebMercatorQuad" in missing.json()["detail"]) == (404, True)


def test_each_zoom_has_the_grid_that_suits_it(client: httpx.Client, edition: Edition, tmp_path: Path) -> None:
    told = AutoGridTileSet.model_validate_json(client.get("/api/town/grid-auto/tiles/WebMercatorQuad").content)
    bands = [(band.collection, band.minzoom, band.maxzoom) for band in told.grids]
    assert [name for name, _, _ in bands] == ["grid-1km", "grid-500m", "grid-100m"]
    zooms_of_bands = [zoom for _, least, greatest in bands for zoom in range(least, greatest + 1)]
    assert zooms_of_bands == list(range(23))
    listed = client.get("/api/town/collections").json()["collections"]
    drawn = [(one["id"], *one["auto_zooms"]) for one in listed if one["auto_zooms"] is not None]
    assert drawn == bands
    assert told.layers[0].id == told.vector_layers[0]["id"] == "grid-auto"
    seen: dict[str, set[str]] = {}
    for name, least, greatest in bands:
        items = client.get(f"/api/town/collections/{name}/items?limit=10000&year=2023").json()["features"]
        known = {item["id"]: item["properties"] for item in items}
        for zoom in {
            min(greatest, max(least, 9)),
            min(greatest, 15),
        }:  # from afar cells are smaller than a unit of the tile
            (tmp_path / "tile.mvt").write_bytes(client.get(at(told.tiles[0], zoom)).content)
            frame = pyogrio.read_dataframe(f"MVT:{tmp_path / 'tile.mvt'}", layer="grid-auto")
            assert set(frame["collection"]) == {name}
            seen[name] = set(frame["id"])
            assert seen[name] <= set(known)
            for identity, net in zip(frame["id"], frame["net_tco2e"], strict=True):
                assert net == known[identity]["net_tco2e"] or (net != net and known[identity]["net_tco2e"] is None)
    assert all(seen.values())


def test_a_band_begins_where_its_tiles_do(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grids.tiles.CELLS_PER_TILE", 20)
    monkeypatch.setattr("api.auto_grid.SMALLEST_CELL_PX", 0)
    bands = grid_bands(edition)
    assert [band.grid.id for band in bands][-1] == "grid-100m"
    assert bands[0].least == zooms(edition.collection("grid-1km"))[0] > 0
    for band in bands:
        assert band.least >= zooms(band.grid)[0]


def test_a_region_without_grids_says_so(
    client: httpx.Client, own_store: Store, serving: Callable[..., httpx.Client]
) -> None:
    manifest = next(own_store.path.glob("town/*/manifest.json"))
    document = json.loads(manifest.read_text("utf-8"))
    document["collections"] = [one for one in document["collections"] if one["kind"] != "grid"]
    manifest.write_text(json.dumps(document), "utf-8")
    response = serving(own_store.path).get("/api/town/grid-auto/tiles/WebMercatorQuad")
    assert response.status_code == 404
    assert "has no grid" in response.json()["detail"]


def test_owslib_goes_from_the_landing_page_to_a_tile(served: str, client: httpx.Client) -> None:
    # OWSLib has no class for tiles yet; its client of collections hands on their links, and conformance.
    owslib = Features(f"{served}/api/town/")
    claimed = set(owslib.conformance()["conformsTo"])
    names = ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt", "oas30")
    assert {f"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/{name}" for name in names} <= claimed
    link = by_rel(owslib.collection("grid-500m"))[f"{OGC}/tilesets-vector"]
    (entry,) = client.get(link["href"]).json()["tilesets"]
    assert client.get(at(by_rel(entry)["item"]["href"], 11)).status_code == 200


def test_the_definition_finds_tiles_by_the_names_of_the_standard(client: httpx.Client) -> None:
    paths = client.get("/api/town/api").json()["paths"]
    operations = {known["operationId"]: path for path, methods in paths.items() for known in methods.values()}
    for ending in ("getTileSetsList", "getTileSet", "getTile"):
        (path,) = (path for name, path in operations.items() if name.endswith(f".collection.vector.{ending}"))
        assert path.startswith("/collections/{collection}/tiles")
    parameters = {one["name"] for one in paths[path]["get"]["parameters"]}
    assert {"tileMatrix", "tileRow", "tileCol", "collection", "edition", "year", "properties"} <= parameters


def test_pages_bring_their_own_icon(client: httpx.Client) -> None:
    page = client.get("/api/town/collections?f=html")
    icon = re.search(r'<link rel="icon" href="data:image/svg\+xml,([^"]+)">', page.text)
    assert icon is not None
    assert ElementTree.fromstring(unquote(icon[1])).tag == "{http://www.w3.org/2000/svg}svg"
    assert "img-src 'self' data:" in page.headers["content-security-policy"]
