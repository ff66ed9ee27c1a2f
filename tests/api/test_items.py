"""Items: GeoJSON pages that can be walked to the end, boxes, years, and single features."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
import shapely

from api.models import FeatureCollection, Item, Problem
from grids.edition import Store

COLLECTIONS = ("grid-1km", "grid-500m", "grid-100m", "municipality", "h3-8")


def address(collection: str) -> str:
    return f"/api/town/collections/{collection}/items"


def linked(page: dict[str, Any], rel: str) -> str | None:
    found = [link["href"] for link in page["links"] if link["rel"] == rel]
    assert len(found) <= 1
    return found[0] if found else None


def walk(client: httpx.Client, start: str, rel: str = "next") -> list[dict[str, Any]]:
    pages, href = [], start
    while href:
        page = client.get(href).json()
        pages.append(page)
        assert len(pages) < 200
        href = linked(page, rel) or ""
    return pages


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_items_are_the_table(client: httpx.Client, small_store: Any, collection: str) -> None:
    response = client.get(address(collection), params={"limit": 10_000, "year": 2022})
    assert response.headers["content-type"] == "application/geo+json"
    told = FeatureCollection.model_validate_json(response.content)
    table = Store(small_store).open("town").table(collection, 2022)
    assert told.numberMatched == told.numberReturned == len(told.features) == table.num_rows
    assert (told.synthetic, told.year, told.illustrative["buildings"]) == (True, 2022, True)
    names = [name for name in table.column_names if name != "geometry"]
    assert [feature.properties for feature in told.features] == table.select(names).to_pylist()  # every digit
    assert [feature.id for feature in told.features] == table["id"].to_pylist()


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_polygons_are_lonlat_and_wound_as_rfc_7946_says(client: httpx.Client, collection: str) -> None:
    for feature in client.get(address(collection), params={"limit": 50}).json()["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        west, south, east, north = shape.bounds
        assert 9.4 < west < east < 9.7
        assert 47.1 < south < north < 47.25
        for part in shapely.get_parts(shape):
            assert part.exterior.is_ccw
            assert not any(hole.is_ccw for hole in part.interiors)
            if collection.startswith("grid"):
                assert len(part.exterior.coords) == 5


def test_the_number_of_features_is_a_hundred_unless_asked(client: httpx.Client) -> None:
    page = client.get(address("grid-100m")).json()
    assert (page["numberReturned"], page["numberMatched"], page["year"]) == (100, 2700, 2023)


@pytest.mark.parametrize("limit", [1, 7, 30, 29])
def test_pages_are_complete_and_hold_nothing_twice(client: httpx.Client, limit: int) -> None:
    everything = client.get(address("grid-1km"), params={"limit": 10_000}).json()["features"]
    pages = walk(client, f"{address('grid-1km')}?limit={limit}")
    assert [feature for page in pages for feature in page["features"]] == everything
    assert [page["numberReturned"] for page in pages[:-1]] == [limit] * (len(pages) - 1)
    back = walk(
        client,
        client.get(f"{address('grid-1km')}?limit={limit}&offset={30 - 30 % limit or limit}").url.__str__(),
        "prev",
    )
    assert linked(back[-1], "prev") is None


def test_links_keep_what_was_asked_and_name_the_edition(client: httpx.Client) -> None:
    query = "year=2022&bbox=9.53,47.13,9.56,47.15&limit=50&properties=net_tco2e,held"
    pages = walk(client, f"{address('grid-100m')}?{query}")
    assert len(pages) > 3
    ids = [feature["id"] for page in pages for feature in page["features"]]
    assert len(ids) == len(set(ids)) == pages[0]["numberMatched"]
    following = parse_qs(urlsplit(linked(pages[0], "next") or "").query)
    assert following == {
        "year": ["2022"],
        "bbox": ["9.53,47.13,9.56,47.15"],
        "limit": ["50"],
        "offset": ["50"],
        "edition": ["0123456789abcdef"],
        "properties": ["net_tco2e,held"],
    }
    assert all(set(feature["properties"]) == {"net_tco2e", "held"} for feature in pages[-1]["features"])
    assert "edition" not in (linked(pages[0], "self") or "")


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize(
    "box", [(9.54, 47.14, 9.58, 47.16), (9.5275, 47.1319, 9.5276, 47.132), (9.5683, 47.1402, 9.575, 47.1473)]
)
def test_a_box_holds_what_meets_it(client: httpx.Client, collection: str, box: tuple[float, ...]) -> None:
    everything = client.get(address(collection), params={"limit": 10_000}).json()["features"]
    asked = client.get(address(collection), params={"limit": 10_000, "bbox": ",".join(map(str, box))}).json()
    meets = [
        feature["id"]
        for feature in everything
        if shapely.geometry.shape(feature["geometry"]).intersects(shapely.box(*box))
    ]
    assert [feature["id"] for feature in asked["features"]] == meets
    assert asked["numberMatched"] == len(meets)


def test_boxes_far_away_or_around_everything(client: httpx.Client) -> None:
    for box, count in (("-180,-90,180,90", 30), ("100,-50,101,-49", 0), ("9.55,47.15,9.55,47.15", 1)):
        assert client.get(address("grid-1km"), params={"bbox": box}).json()["numberMatched"] == count


def test_heights_of_a_box_are_not_looked_at(client: httpx.Client) -> None:
    flat = client.get(address("grid-1km"), params={"bbox": "9.54,47.14,9.58,47.16"}).json()
    assert 0 < flat["numberMatched"] < 30
    for low, high in ((0, 1), (500, -500)):
        high_up = client.get(address("grid-1km"), params={"bbox": f"9.54,47.14,{low},9.58,47.16,{high}"}).json()
        assert high_up["features"] == flat["features"]
    other = {"bbox": "47.14,9.54,7,47.16,9.58,8", "bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/4326"}
    assert client.get(address("grid-1km"), params=other).json()["numberMatched"] == flat["numberMatched"]


def test_beyond_the_end_there_is_an_empty_page(client: httpx.Client) -> None:
    page = client.get(address("grid-1km"), params={"offset": 1000, "limit": 10}).json()
    assert (page["features"], page["numberReturned"], page["numberMatched"]) == ([], 0, 30)
    assert linked(page, "next") is None
    assert client.get(linked(page, "prev") or "").json()["numberReturned"] == 10


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("bbox=1,2", 400, "expected four numbers west,south,east,north"),
        ("bbox=1,2,3,4,5", 400, "or six with a height after each corner"),
        ("bbox=1,2,3,4,5,6,7,8", 400, "got 8 numbers"),
        ("bbox=9,47,nan,10,48,1", 400, "expected finite numbers"),
        ("bbox=9,48,0,10,47,1", 400, "south 48 is above north 47"),
        ("bbox=170,-10,0,-170,10,9", 400, "ask two boxes"),
        ("bbox=a,b,c,d", 400, "expected numbers such as"),
        ("bbox=nan,0,1,1", 400, "expected finite numbers"),
        ("bbox=0,0,inf,1", 400, "expected finite numbers"),
        ("bbox=", 400, "expected numbers such as"),
        ("bbox=47.1,190,47.2,191", 400, "longitude (-180..180) before latitude"),
        ("bbox=9,48,10,47", 400, "south 48 is above north 47"),
        ("bbox=170,-10,-170,10", 400, "no region here reaches over it: ask two boxes"),
        ("year=abc", 400, "year: got 'abc', expected a valid integer"),
        ("year=1999", 404, "no year 1999; it has 2022, 2023"),
        ("year=", 400, "year: "),
        ("limit=0", 400, "limit: got '0', expected greater than or equal to 1"),
        ("limit=ten", 400, "limit: got 'ten'"),
        ("offset=-1", 400, "offset: got '-1'"),
        ("offset=99999999999999999999999", 400, "offset: "),
        ("limti=5", 400, "'limti' is no parameter"),
        ("limit=5&limit=6", 400, "limit: given 2 times"),
        ("properties=nix", 400, "no column 'nix'; it has id, name_en"),
        ("properties=geometry", 400, "no column 'geometry'"),
        ("edition=latest", 400, "16 digits"),
    ],
)
def test_bad_parameters(client: httpx.Client, query: str, status: int, detail: str) -> None:
    response = client.get(f"{address('municipality')}?{query}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert detail in Problem.model_validate_json(response.content).detail


@pytest.mark.parametrize("item", ["west", "동구", "north/enclave"])
def test_one_item(client: httpx.Client, item: str) -> None:
    response = client.get(f"{address('municipality')}/{quote(item, safe='')}", params={"year": 2022})
    told = Item.model_validate_json(response.content)
    assert (told.id, told.year, told.synthetic, told.illustrative["forest"]) == (item, 2022, True, False)
    page = client.get(address("municipality"), params={"year": 2022}).json()["features"]
    (same,) = [feature for feature in page if feature["id"] == item]
    assert {"id": told.id, "type": told.type, "geometry": told.geometry, "properties": told.properties} == same
    assert client.get(told.links[0].href).json()["properties"] == same["properties"]


def test_an_unknown_item_names_its_collection(client: httpx.Client) -> None:
    response = client.get(f"{address('municipality')}/atlantis")
    assert response.status_code == 404
    assert "collection 'municipality' of region 'town' has no item 'atlantis' in 2023" in response.json()["detail"]


def test_markup_in_an_id_is_only_ever_text(client: httpx.Client) -> None:
    response = client.get(f"{address('municipality')}/<script>alert(1)<%2fscript>".replace("%2f", ""))
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_many_at_once_get_the_same_answers(client: httpx.Client) -> None:
    asked = [f"{address(name)}?limit=40&offset={20 * k}" for name in COLLECTIONS for k in range(3)]
    alone = {one: client.get(one).content for one in asked}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: (one, client.get(one).content), asked * 4))
    assert all(alone[one] == content for one, content in together)


def test_readers_never_see_a_mixture_while_editions_change(
    own_store: Store, publish: Callable[..., None], serving: Callable[[Path], httpx.Client]
) -> None:
    client = serving(own_store.path)
    editions = [f"{k:016x}" for k in range(1, 5)]
    stop = threading.Event()
    seen: dict[str, set[str]] = {}

    def read() -> int:
        count = 0
        last = False
        while not last or count < 3:  # the last answer was asked for after the last edition was published
            last = stop.is_set()
            response = client.get(address("h3-8"), params={"limit": 100})
            assert response.status_code == 200
            page = response.json()
            seen.setdefault(page["edition"], set()).add(str(page["features"]))
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for seed, edition in enumerate(editions):
            publish(own_store.path, "town", edition, seed=seed + 50)
        stop.set()
        assert all(reader.result() >= 3 for reader in readers)
    assert editions[-1] in seen
    assert all(len(bodies) == 1 for bodies in seen.values())
    assert len({next(iter(bodies)) for bodies in seen.values()}) == len(seen)


def test_big_answers_are_compressed_when_asked(client: httpx.Client) -> None:
    packed = client.get(address("grid-100m"), headers={"Accept-Encoding": "gzip"})
    plain = client.get(address("grid-100m"), headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert "Accept-Encoding" in packed.headers["vary"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("items?limit=1_0", 400),
        ("items?limit=+1", 400),
        ("items?limit=%2B1", 400),
        ("items?limit=%201", 400),
        ("items?limit=\uff11\uff12", 400),
        ("items?offset=\u0661", 400),
        ("items?year=2_023", 400),
        ("items?bbox=9_0,47,91,48", 400),
        ("items?bbox=\uff19,47,10,48", 400),
        ("items?net_tco2e=1_0", 400),
        ("items?net_tco2e=nan", 400),
        ("tiles/WebMercatorQuad/12/%2B1432/2157", 404),
        ("tiles/WebMercatorQuad/1_2/1432/2157", 404),
        ("items?limit=12", 200),
        ("items?bbox=9., 47.0,1e1,.48e2", 200),
    ],
)
def test_numbers_are_plain(client: httpx.Client, address: str, status: int) -> None:
    assert client.get(f"/api/town/collections/grid-1km/{address}").status_code == status


def test_a_fault_is_told_once(client: httpx.Client) -> None:
    told = client.get("/api/town/collections/grid-1km/items?year=0").json()
    assert len(told["errors"]) == 1
    assert told["detail"].count("year") == 1


def test_the_tag_follows_the_language_only_where_the_answer_does(client: httpx.Client) -> None:
    items = "/api/town/collections/grid-1km/items?limit=1"

    def tag(address: str, language: str) -> str:
        answer = client.get(address, headers={"Accept-Language": language})
        assert ("Accept-Language" in answer.headers.get("Vary", "")) == (address != items)
        return answer.headers["ETag"]

    spoken = ("ko", "ko-KR", "ko-KR,ko;q=0.9", "ko;q=0.4, ko-KR")
    assert len({tag(items, one) for one in (*spoken, "en")}) == 1
    page = f"{items}&f=html"
    assert len({tag(page, one) for one in spoken}) == 1
    assert tag(page, "en") != tag(page, "ko")
