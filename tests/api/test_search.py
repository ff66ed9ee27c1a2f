"""What people type is found: names in every language, codes, indices, coordinates; and nonsense does no harm."""

from pathlib import Path
from typing import Any

import h3
import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from api.coordinates import read_place
from grids.edition import Store
from grids.gazetteer import folded, initials, items_at

CRS = "EPSG:32632"
WEST, SOUTH = 540_000, 5_220_000


def found(client: httpx.Client, q: str, **params: Any) -> dict[str, Any]:
    response = client.get("/api/town/search", params={"q": q, **params})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/geo+json")
    document: dict[str, Any] = response.json()
    return document


def names(document: dict[str, Any]) -> list[str]:
    return [one["id"] for one in document["features"]]


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("West", ["west"]),
        ("wEST", ["west"]),
        ("we", ["west"]),
        ("서구", ["west"]),
        ("\u1109\u1165\u1100\u116e", ["west"]),  # the same name in decomposed letters
        ("ㅅㄱ", ["west"]),
        ("ㄷㄱ", ["동구"]),
        ("clav", ["north/enclave"]),
        ("월경", ["north/enclave"]),
        ("north/enclave", ["north/enclave"]),
        ("구", ["west", "동구"]),
        ("zzz", []),
        ("' OR 1=1 --", []),
        ("%", []),
        (".*", []),
    ],
)
def test_names_are_found_in_every_language(client: httpx.Client, q: str, ids: list[str]) -> None:
    document = found(client, q)
    assert document["understood"] == "name"
    assert sorted(names(document)) == sorted(ids)
    assert document["numberReturned"] == len(ids)


def test_beginnings_come_before_what_lies_within(client: httpx.Client) -> None:
    assert names(found(client, "e"))[0] in ("동구", "north/enclave")  # East, Enclave: West only has it within
    assert names(found(client, "e"))[-1] == "west"


def test_an_answer_says_where_and_leads_on(client: httpx.Client) -> None:
    (feature,) = found(client, "west")["features"]
    assert feature["properties"]["name"] == {"en": "West", "ko": "서구"}
    assert feature["properties"]["collection"] == "municipality"
    west, south, east, north = feature["bbox"]
    lon, lat = feature["geometry"]["coordinates"]
    assert west < lon < east
    assert south < lat < north
    item = client.get(feature["links"][0]["href"]).json()
    assert item["id"] == feature["id"]
    polygon = item["geometry"]["coordinates"][0]
    assert min(x for x, _ in polygon) == pytest.approx(west)
    assert max(y for _, y in polygon) == pytest.approx(north)


@pytest.mark.parametrize("text", ["\u0301", "\u0301 \u0308"])
def test_what_says_nothing_finds_nothing(client: httpx.Client, text: str) -> None:
    document = found(client, text)
    assert (document["features"], document["more"]) == ([], False)


def test_there_is_more_than_the_limit(client: httpx.Client) -> None:
    document = found(client, "e", limit=1)
    assert (document["numberReturned"], document["more"]) == (1, True)
    assert found(client, "e")["more"] is False


def test_cells_and_hexagons_are_found_by_code(client: httpx.Client, small_store: Path) -> None:
    edition = Store(small_store).open("town")
    for collection in ("grid-1km", "grid-100m"):
        code = edition.table(collection, 2023, ["id"])["id"][7].as_py()
        document = found(client, f" {code} ")
        assert document["understood"] == "cell"
        assert names(document) == [code]
        assert document["features"][0]["properties"]["collection"] == collection
    index = edition.table("h3-8", 2023, ["id"])["id"][3].as_py()
    for asked in (index, index.upper(), h3.cell_to_center_child(index, 11)):
        document = found(client, asked)
        assert (document["understood"], names(document)) == ("hexagon", [index])
    assert names(found(client, h3.cell_to_parent(index, 5))) == []


def test_places_are_found_however_they_are_written(client: httpx.Client) -> None:
    x, y = WEST + 1234.5, SOUTH + 2345.5
    lon, lat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)

    def sexagesimal(value: float) -> str:
        minutes, seconds = divmod(value * 3600, 60)
        degrees, minutes = divmod(minutes, 60)
        return f"{degrees:.0f}°{minutes:.0f}'{seconds:.4f}\""

    writings = (
        f"{lat:.7f}, {lon:.7f}",
        f"{lon:.7f} {lat:.7f}",
        f"{lat:.7f}N {lon:.7f}E",
        f"{lon:.7f}E;{lat:.7f}N",
        f"{sexagesimal(lat)}N {sexagesimal(lon)}E",
        f"{sexagesimal(lat)} N, {sexagesimal(lon)} E",
    )
    for writing in writings:
        document = found(client, writing)
        assert document["understood"] == "coordinates", writing
        assert "west" in names(document), writing
        assert f"CRS32632RES1000mN{SOUTH + 2000}E{WEST + 1000}" in names(document), writing
    elsewhere = found(client, "37.57, 126.98")
    assert (elsewhere["understood"], elsewhere["features"]) == ("coordinates", [])


def test_every_cell_is_found_at_its_middle(small_store: Path) -> None:
    edition = Store(small_store).open("town")
    table = edition.table("grid-1km", 2023, ["id", "row", "col"]).to_pandas()
    to_lonlat = Transformer.from_crs(edition.crs, "EPSG:4326", always_xy=True)
    for row in table.itertuples():
        lon, lat = to_lonlat.transform(row.col * 1000 + 500.0, row.row * 1000 + 500.0)
        assert {info.id: item for info, item in items_at(edition, lon, lat)}["grid-1km"] == row.id


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180))
def test_decimal_degrees_are_read_back(lat: float, lon: float) -> None:
    first = read_place(f"{lat:.9f}, {lon:.9f}")[0]
    assert first == pytest.approx((lon, lat), abs=1e-8)
    letters = f"{abs(lat):.9f}{'N' if lat >= 0 else 'S'} {abs(lon):.9f}{'E' if lon >= 0 else 'W'}"
    assert read_place(letters) == [pytest.approx((lon, lat), abs=1e-8)]


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=60))
@example("1" * 200)
@example("9°" * 60)
@example("1 " * 100)
@example("12°61'0\"N 9°0'0\"E")
def test_any_text_is_a_place_on_earth_or_none(text: str) -> None:
    for lon, lat in read_place(text):
        assert abs(lon) <= 180
        assert abs(lat) <= 90
    assert folded(folded(text)) == folded(text)
    assert len(initials(text)) == len(text)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 400),
        ({"q": ""}, 400),
        ({"q": "   "}, 400),
        ({"q": "x" * 201}, 400),
        ({"q": "west", "limit": 0}, 400),
        ({"q": "west", "limit": 51}, 400),
        ({"q": "west", "bogus": 1}, 400),
        ({"q": "\x00"}, 200),
        ({"q": "../../etc/passwd"}, 200),
    ],
)
def test_what_cannot_be_searched_for(client: httpx.Client, params: dict[str, Any], status: int) -> None:
    assert client.get("/api/town/search", params=params).status_code == status
