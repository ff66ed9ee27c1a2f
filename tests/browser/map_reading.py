"""What several stories do with the map: find a place on it, put the pointer there, and read what is said."""

import base64
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Locator, Page, expect

GRID = "grid-1km"


def latest(visit: Any) -> tuple[str, int]:
    """Id and latest year of the region that the map opens with."""
    region = visit.ask("regions")[0]
    return region["id"], region["years"][-1]


def places(visit: Any, collection: str, year: int | None = None, edition: str | None = None) -> list[dict[str, Any]]:
    """All items of a collection, with their outlines."""
    region, last = latest(visit)
    query = f"year={year or last}&limit=10000" + (f"&edition={edition}" if edition else "")
    found: list[dict[str, Any]] = visit.ask(f"{region}/collections/{collection}/items?{query}")["features"]
    return found


def largest(items: list[dict[str, Any]], column: str, by: str | None = None) -> dict[str, Any]:
    """The place with the largest value of a column, or of its quotient with another; unknown ones aside."""

    def value(item: dict[str, Any]) -> float:
        amount, divisor = item["properties"][column], 1 if by is None else item["properties"][by]
        return float("-inf") if amount is None or not divisor else float(amount / divisor)

    return max(items, key=value)


def within(visit: Any, collection: str, item: dict[str, Any]) -> tuple[float, float]:
    """Latitude and longitude of a point that the map says is in this place: its middle, or near its middle."""
    ring = item["geometry"]["coordinates"][0]
    ring = ring if isinstance(ring[0][0], float) else ring[0]
    lons, lats = [corner[0] for corner in ring], [corner[1] for corner in ring]
    middle = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    region, year = latest(visit)
    for lat, lon in (middle, *((lat, sum(lons) / len(lons)) for lat in (sum(lats) / len(lats), *lats))):
        found = visit.ask(
            f"{region}/collections/{collection}/items?year={year}&limit=1&skipGeometry=true"
            f"&filter=S_INTERSECTS(geometry,POINT({lon:.6f} {lat:.6f}))"
        )["features"]
        if [one["id"] for one in found] == [item["id"]]:
            return lat, lon
    raise AssertionError(f"no point of {item['id']} was found")


def address_of(page: Page) -> dict[str, str]:
    """The choices that the page's address carries."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def point_at(page: Page, left: float = 0.5) -> Locator:
    """Put the pointer on the middle of the map, or as far from its left edge; what is said there."""
    box = page.locator("canvas.maplibregl-canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * left + 2, box["y"] + box["height"] / 2 + 2)
    tooltip = page.get_by_test_id("tooltip")
    expect(tooltip.locator(".tooltip-value")).to_be_visible()
    return tooltip


def number_in(text: str) -> float:
    """The last number of a text, as the page writes numbers in English."""
    found = re.findall(r"[−+]?\d[\d,]*\.?\d*", text)
    assert found, text
    return float(found[-1].replace("−", "-").replace("+", "").replace(",", ""))


def value_in(place: Locator) -> float:
    """The exact number of a headline."""
    return float(place.get_by_test_id("value").locator("data").get_attribute("value") or "nan")


def item_of(visit: Any, collection: str, item: str, **query: Any) -> dict[str, Any]:
    """Properties of one place."""
    region, year = latest(visit)
    asked = "&".join(f"{name}={value}" for name, value in {"year": year, **query}.items())
    found: dict[str, Any] = visit.ask(f"{region}/collections/{collection}/items/{quote(item)}?{asked}")["properties"]
    return found


_PIXELS = """async (picture) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  return [...pen.getImageData(0, 0, image.width, image.height).data];
}"""


def pixels(visit: Any, page: Page, *, side: int = 80) -> list[tuple[int, int, int]]:
    """Colours in a square at the middle of the map, as they are seen."""
    box = page.locator("canvas.maplibregl-canvas").first.bounding_box()
    assert box is not None
    clip = {"x": box["x"] + (box["width"] - side) / 2, "y": box["y"] + (box["height"] - side) / 2}
    picture = page.screenshot(clip={**clip, "width": side, "height": side})
    # In a page of its own: this one's policy lets nothing in.
    reader = visit.context.new_page()
    data = reader.evaluate(_PIXELS, base64.b64encode(picture).decode())
    reader.close()
    return [(data[at], data[at + 1], data[at + 2]) for at in range(0, len(data), 4)]
