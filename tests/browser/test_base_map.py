"""Stories of a region that wants a base map below its numbers."""

import json
import re
import struct
import zlib
from typing import Any

import pytest
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser

TILES = "/below/{z}/{x}/{y}.png"


def red_square(side: int = 256) -> bytes:
    """A picture in PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xc8\x14\x14" * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_it_is_drawn_named_and_can_be_switched_off(visit: Any) -> None:
    asked: list[str] = []
    attribution = {"text": "Survey of the Realm", "licence": "CC BY 4.0", "url": None, "texts": {}}
    below = {"tiles": TILES, "dark_tiles": None, "attribution": attribution, "maxzoom": 18, "tile_size": 256}

    def regions(route: Route) -> None:
        answer = route.fetch()
        told = [{**region, "base_map": below} for region in answer.json()]
        route.fulfill(response=answer, body=json.dumps(told))

    def tile(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(content_type="image/png", body=red_square())

    visit.page.route("**/api/regions", regions)
    visit.page.route("**/below/**", tile)
    page = visit.open()
    assert asked
    assert all(re.fullmatch(rf"{visit.base}/below/\d+/\d+/\d+\.png", address) for address in asked)
    sources = page.locator(".sources")
    expect(sources).to_contain_text("Survey of the Realm (CC BY 4.0)")
    page.get_by_text("Display", exact=True).click()
    page.get_by_label("Base map").uncheck()
    visit.drawn()
    expect(sources).not_to_contain_text("Survey of the Realm")
    assert "base=0" in page.url
    asked.clear()
    page.reload()
    visit.drawn()
    assert asked == []
    assert visit.complaints == []


def test_without_one_the_regions_own_ground_gives_orientation(visit: Any) -> None:
    region = visit.ask("regions")[0]
    layers = {layer["id"] for layer in visit.ask(f"{region['id']}/context/tiles/WebMercatorQuad")["vector_layers"]}
    assert {"roads", "water", "boundaries", "places"} <= layers
    page = visit.open()
    page.get_by_text("Display", exact=True).click()
    expect(page.get_by_label("Base map")).to_have_count(0)
    assert any("/context/tiles/" in address for address in visit.requests)
    assert all(address.startswith(("blob:", "data:", visit.base)) for address in visit.requests)
