"""A region's base map: told of in the list of regions, and alone let in by the page's policy."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from api.models import Region
from grids.manifest import BaseMap

ORIGIN = "https://tiles.example:8443"
GIVEN: dict[str, Any] = {
    "tiles": ORIGIN + "/light/{z}/{x}/{y}.png?key=abc",
    "dark_tiles": None,
    "attribution": {"text": "Survey of the Realm", "licence": "CC BY 4.0", "url": "https://tiles.example"},
    "maxzoom": 17,
    "tile_size": 512,
}


def policy_of(answer: httpx.Response) -> dict[str, list[str]]:
    """Where each kind of thing may be loaded from."""
    rules = (rule.split() for rule in answer.headers["content-security-policy"].split("; "))
    return {rule[0]: rule[1:] for rule in rules}


@pytest.fixture
def with_base_map(
    fresh_store: Path, web_folder: Path, tmp_path: Path, serving: Callable[..., httpx.Client]
) -> Callable[..., httpx.Client]:
    """Serve the town with a base map: with_base_map(tiles=...) gives a client."""

    def serve(**changes: Any) -> httpx.Client:
        store = shutil.copytree(fresh_store, tmp_path / "store")
        file = store / "town" / "0123456789abcdef" / "manifest.json"
        manifest = json.loads(file.read_text("utf-8"))
        manifest["region"]["base_map"] = GIVEN | changes
        file.write_text(json.dumps(manifest), "utf-8")
        return serving(store, web=web_folder)

    return serve


def test_the_map_is_told_of_it_and_may_load_nothing_else(with_base_map: Callable[..., httpx.Client]) -> None:
    client = with_base_map()
    (region,) = client.get("/api/regions").json()
    Region.model_validate(region)
    assert region["base_map"] == GIVEN | {"attribution": GIVEN["attribution"] | {"texts": {}}}
    page = client.get("/")
    policy = policy_of(page)
    for kind, sources in policy.items():
        assert (ORIGIN in sources) == (kind in ("img-src", "connect-src")), kind
    assert policy["connect-src"] == ["'self'", ORIGIN]
    unchanged = client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert unchanged.status_code == 304
    assert policy_of(unchanged) == policy
    # What is no page lets in nobody.
    assert ORIGIN not in client.get("/api/regions").headers["content-security-policy"]


def test_one_on_the_maps_own_server_lets_nobody_in(with_base_map: Callable[..., httpx.Client]) -> None:
    client = with_base_map(tiles="/below/{z}/{x}/{y}.png")
    assert policy_of(client.get("/"))["connect-src"] == ["'self'"]


def test_without_one_no_other_origin_is_let_in(client: httpx.Client) -> None:
    assert client.get("/api/regions").json()[0]["base_map"] is None
    assert "://" not in client.get("/").headers["content-security-policy"]


@pytest.mark.parametrize(
    "tiles",
    [
        "//tiles.example/{z}/{x}/{y}.png",
        "ftp://tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example/{z}/{x}.png",
        "https://{s}.tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example/{z}/{x}/{y}/{y}.png",
        "https://tiles.example;script-src */{z}/{x}/{y}.png",
        "https://tiles.example, https://*/{z}/{x}/{y}.png",
        "https://user:word@tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example/{z}/{x}/{y}.png\r\nSet-Cookie: a=b",
        "javascript:alert(1)//{z}/{x}/{y}",
    ],
)
def test_what_is_no_address_of_tiles_is_refused(tiles: str) -> None:
    with pytest.raises(ValidationError, match="is no address of tiles; expected https"):
        BaseMap.model_validate(GIVEN | {"tiles": tiles})
