"""Tiles over HTTP: TileJSON, bytes that others decode, values equal to the items'."""

import math
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest

from api.tile_models import TileSet

LON, LAT = 9.567, 47.155


def address(zoom: int, lon: float = LON, lat: float = LAT) -> str:
    count = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count
    return f"{zoom}/{int(row)}/{int((lon + 180) / 360 * count)}"


def decoded(response: httpx.Response, folder: Path, layer: str) -> Any:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    (folder / "tile.mvt").write_bytes(response.content)
    return pyogrio.read_dataframe(f"MVT:{folder / 'tile.mvt'}", layer=layer)


@pytest.mark.parametrize("collection", ["grid-1km", "grid-500m", "grid-100m", "municipality", "h3-8"])
def test_tiles_and_items_agree(client: httpx.Client, tmp_path: Path, collection: str) -> None:
    at = f"/api/town/collections/{collection}"
    tilejson = TileSet.model_validate_json(client.get(f"{at}/tiles/WebMercatorQuad?year=2022").content)
    template = tilejson.tiles[0]
    z, y, x = address(11).split("/")
    tile = client.get(template.replace("{z}", z).replace("{y}", y).replace("{x}", x))
    assert "immutable" in tile.headers["cache-control"]
    frame = decoded(tile, tmp_path, collection).set_index("id")
    features = client.get(f"{at}/items", params={"limit": 10_000, "year": 2022}).json()["features"]
    items = {feature["id"]: feature["properties"] for feature in features}
    assert len(frame) > 0
    fields = tilejson.vector_layers[0]["fields"]
    assert tilejson.vector_layers[0]["id"] == collection
    for identity, row in frame.iterrows():
        for name in set(fields) - {"id"}:
            value = row.get(name)
            expected = items[identity][name]
            assert (value == expected) or (expected is None and (value is None or value != value)), (identity, name)


def test_tilejson_says_what_a_map_needs(client: httpx.Client) -> None:
    told = TileSet.model_validate_json(client.get("/api/town/collections/grid-100m/tiles/WebMercatorQuad").content)
    assert (told.minzoom, told.maxzoom, told.scheme) == (0, 14, "xyz")
    assert told.tiles[0].endswith("/{z}/{y}/{x}?year=2023&edition=0123456789abcdef")
    assert told.attribution == '<a href="https://example.org">made up for tests</a>'
    assert (told.synthetic, told.illustrative["buildings"]) == (True, True)


def test_properties_of_a_tile_can_be_chosen(client: httpx.Client, tmp_path: Path) -> None:
    at = "/api/town/collections/grid-1km/tiles/WebMercatorQuad"
    told = client.get(f"{at}?properties=buildings_gas_direct_tco2e").json()
    assert set(told["vector_layers"][0]["fields"]) == {"id", "buildings_gas_direct_tco2e"}
    assert "properties=buildings_gas_direct_tco2e" in told["tiles"][0]
    frame = decoded(client.get(f"{at}/{address(11)}?properties=buildings_gas_direct_tco2e"), tmp_path, "grid-1km")
    assert set(frame.columns) == {"mvt_id", "id", "buildings_gas_direct_tco2e", "geometry"}


def test_background(client: httpx.Client, tmp_path: Path) -> None:
    told = TileSet.model_validate_json(client.get("/api/town/context/tiles/WebMercatorQuad").content)
    assert [layer["id"] for layer in told.vector_layers] == ["water", "green", "roads", "boundaries", "places"]
    response = client.get(f"/api/town/context/tiles/WebMercatorQuad/{address(13)}")
    places = decoded(response, tmp_path, "places")
    assert places.loc[0, ["name", "name_ko", "rank"]].tolist() == ["Vaduz", "파두츠", 3]
    names = [name for name, _ in pyogrio.list_layers(f"MVT:{tmp_path / 'tile.mvt'}")]
    assert names == [name for name in ("water", "green", "roads", "boundaries", "places") if name in names]


def test_an_empty_tile_is_an_answer(client: httpx.Client) -> None:
    for part in ("context", "collections/grid-1km"):
        response = client.get(f"/api/town/{part}/tiles/WebMercatorQuad/5/0/0")
        assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("99/1/1", 404, "zoom 99 does not exist: expected 0 to 22"),
        ("-1/0/0", 404, "zoom -1 does not exist"),
        ("3/8/0", 404, "row and column go from 0 to 7"),
        ("3/0/8", 404, "row and column go from 0 to 7"),
        ("a/b/c", 404, "tileMatrix: got 'a', expected a valid integer"),
        ("3/0/0?year=1999", 404, "no year 1999"),
        ("3/0/0?year=x", 400, "year: got 'x'"),
        ("3/0/0?properties=nix", 400, "no column 'nix'"),
        ("3/0/0?f=mvt", 400, "'f' is no parameter"),
        ("3/0", 404, "There is nothing at"),
    ],
)
def test_tiles_that_cannot_be(client: httpx.Client, path: str, status: int, detail: str) -> None:
    response = client.get(f"/api/town/collections/grid-1km/tiles/WebMercatorQuad/{path}")
    assert response.status_code == status
    assert detail in response.json()["detail"]


def test_other_tile_matrix_sets_are_not_there(client: httpx.Client) -> None:
    assert client.get("/api/town/collections/grid-1km/tiles/WorldCRS84Quad").status_code == 404


def test_tiles_are_compressed_when_asked(client: httpx.Client) -> None:
    at = f"/api/town/collections/grid-100m/tiles/WebMercatorQuad/{address(11)}"
    packed = client.get(at, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == client.get(at, headers={"Accept-Encoding": "identity"}).content
