"""How items are asked for and come back: forms, CRSs, order, times, pages, columns, and safe answers to anybody."""

import csv
import html
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from api.crs import DEFAULT, reference
from api.encoders import Sheet, csv_bytes
from api.errors import InvalidParameter
from api.features import MOST_YEARS
from api.models import FeatureCollection, Problem
from api.times import years_met
from grids.class_breaks import value_classes
from grids.edition import CollectionInfo, EditionWriter, Store
from grids.ramps import GROUNDS, THEMES

GRID = "/api/town/collections/grid-500m/items"
ZONES = "/api/town/collections/municipality/items"
WGS84 = "http://www.opengis.net/def/crs/EPSG/0/4326"
METRIC = "http://www.opengis.net/def/crs/EPSG/0/32632"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONTENT = {
    "geojson": "application/geo+json",
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8; header=present",
    "flatgeobuf": "application/vnd.flatgeobuf",
    "geoparquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


def shapes_of(page: dict[str, Any]) -> list[shapely.Geometry]:
    return [shapely.geometry.shape(feature["geometry"]) for feature in page["features"]]


def linked(page: dict[str, Any], rel: str) -> list[str]:
    return [link["href"] for link in page["links"] if link["rel"] == rel]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "geojson"),
        ("*/*", "geojson"),
        ("application/json", "geojson"),
        ("application/geo+json, application/json;q=0.9", "geojson"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("text/*;q=0.5, application/vnd.flatgeobuf", "flatgeobuf"),
        ("text/csv ; q=0.4, application/vnd.apache.parquet ;q=0.5", "geoparquet"),
        ("application/geo+json;q=0, application/json;q=0, text/csv;q=0.1", "csv"),
        ("nonsense", "geojson"),
    ],
)
def test_accept_decides_by_weight(client: httpx.Client, accept: str | None, form: str) -> None:
    response = client.get(GRID, params={"limit": 2}, headers={"accept": accept} if accept else {"accept": ""})
    assert (response.status_code, response.headers["content-type"]) == (200, CONTENT[form])
    assert "Accept" in response.headers["vary"]
    by_name = client.get(GRID, params={"limit": 2, "f": form}, headers={"accept": "image/png"})
    assert by_name.headers["content-type"] == CONTENT[form]


def test_what_is_not_made_is_not_acceptable(client: httpx.Client) -> None:
    response = client.get(GRID, headers={"accept": "image/png, application/pdf"})
    assert response.status_code == 406
    assert "application/vnd.apache.parquet (f=geoparquet)" in Problem.model_validate_json(response.content).detail
    assert "f: got 'xml', expected one of geojson" in client.get(GRID, params={"f": "xml"}).json()["detail"]


@pytest.mark.parametrize("form", CONTENT)
def test_every_form_counts_pages_and_keeps_its_tag(client: httpx.Client, form: str) -> None:
    response = client.get(GRID, params={"f": form, "limit": 7, "offset": 7, "filter": "held=false"})
    assert response.headers["ogc-numberreturned"] == "7"
    assert int(response.headers["ogc-numbermatched"]) > 50
    assert response.headers["content-crs"] == f"<{CRS84}>"
    head = client.head(str(response.url))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == response.headers["content-length"]
    again = client.get(str(response.url), headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    others = {client.get(GRID, params={"f": other}).headers["etag"] for other in CONTENT}
    assert len(others) == len(CONTENT)
    if form not in ("geojson", "html"):
        assert response.links["next"]["type"] == CONTENT[form].partition(";")[0]
        following = client.get(response.links["next"]["url"])
        assert following.headers["content-type"] == CONTENT[form]
        assert following.content != response.content


def test_alternates_lead_to_the_same_page_in_other_forms(client: httpx.Client) -> None:
    page = client.get(GRID, params={"limit": 3, "sortby": "-net_tco2e"}).json()
    hrefs = linked(page, "alternate")
    types = {client.get(href).headers["content-type"] for href in hrefs}
    assert types == set(CONTENT.values()) - {CONTENT["geojson"]}
    sheet = next(client.get(href).text for href in hrefs if "f=csv" in href)
    first = [row["id"] for row in csv.DictReader(io.StringIO(sheet))]
    assert first == [feature["id"] for feature in page["features"]]


@pytest.mark.parametrize("crs", [WGS84, "[EPSG:4326]", "EPSG:4326"])
def test_epsg_4326_has_latitude_first(client: httpx.Client, crs: str) -> None:
    plain = client.get(ZONES).json()
    turned = client.get(ZONES, params={"crs": crs})
    assert turned.headers["content-crs"] == f"<{WGS84}>"
    for one, other in zip(shapes_of(plain), shapes_of(turned.json()), strict=True):
        flipped = shapely.transform(other, lambda points: points[:, ::-1])
        assert shapely.equals_exact(one, flipped)


def test_the_regions_crs_is_metres_to_the_last_bit(client: httpx.Client, small_store: Path) -> None:
    edition = Store(small_store).open("town")
    for name in ("grid-500m", "municipality"):
        response = client.get(f"/api/town/collections/{name}/items", params={"crs": METRIC, "limit": 1000})
        assert response.headers["content-crs"] == f"<{METRIC}>"
        expected = edition.polygons(name, edition.table(name, 2023))
        given = np.array(shapes_of(response.json()), dtype=object)
        assert shapely.equals_exact(shapely.normalize(given), shapely.normalize(expected)).all()
    item = client.get(f"{ZONES}/west", params={"crs": METRIC})
    assert item.headers["content-crs"] == f"<{METRIC}>"
    assert shapely.geometry.shape(item.json()["geometry"]).bounds[0] == 540_000


@pytest.mark.parametrize(
    ("box", "crs"),
    [
        ("9.54,47.14,9.56,47.16", CRS84),
        ("47.14,9.54,47.16,9.56", WGS84),
        ("541000,5221000,542400,5222400", METRIC),
        ("541000,5221000,542400,5222400", "[EPSG:32632]"),
    ],
)
def test_boxes_in_every_crs(client: httpx.Client, small_store: Path, box: str, crs: str) -> None:
    edition = Store(small_store).open("town")
    table = edition.table("grid-500m", 2023)
    numbers = [float(part) for part in box.split(",")]
    code = edition.crs if "32632" in crs else "OGC:CRS84"
    if crs == WGS84:
        numbers = [numbers[1], numbers[0], numbers[3], numbers[2]]
    rows = gpd.GeoSeries(edition.polygons("grid-500m", table), crs=edition.crs).to_crs(code)
    expected = np.array(table["id"].to_pylist())[rows.intersects(shapely.box(*numbers)).to_numpy()]
    page = client.get(GRID, params={"bbox": box, "bbox-crs": crs, "limit": 1000}).json()
    assert [feature["id"] for feature in page["features"]] == expected.tolist()
    assert 5 < page["numberMatched"] < 50


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("crs=http://www.opengis.net/def/crs/EPSG/0/3857", "crs: 'http://www.opengis.net/def/crs/EPSG/0/3857' is not"),
        ("crs=", "crs: '' is not offered"),
        ("bbox-crs=[EPSG:9999]", "bbox-crs: '[EPSG:9999]' is not offered"),
        ("filter-crs=x&filter=held", "filter-crs: 'x' is not offered"),
        ("filter-lang=cql-text&filter=held", "filter-lang: got 'cql-text', expected 'cql2-text' or 'cql2-json'"),
        (f"bbox=48,9,47,10&bbox-crs={WGS84}", "south 48 is above north 47, expected south,west,north,east"),
        (f"bbox=0,179,1,-179&bbox-crs={WGS84}", "antimeridian"),
        (f"bbox=100,9,101,10&bbox-crs={WGS84}", "outside the world"),
        ("bbox=3,1,2,4&bbox-crs=[EPSG:32632]", "west 3 is greater than east 2"),
        ("bbox=0,0,1e300,1&bbox-crs=[EPSG:32632]", "farther than 1e+08 m"),
        ("bbox=nan,0,1,1&bbox-crs=[EPSG:32632]", "finite"),
        ("sortby=nix", "sortby: collection 'grid-500m' has no column 'nix'"),
        ("sortby=", "no column ''"),
        ("sortby=id,-id", "each once"),
        ("skipGeometry=perhaps", "skipGeometry: got 'perhaps'"),
        ("held=yes", "held: got 'yes', expected true or false"),
        ("net_tco2e=much", "net_tco2e: got 'much', expected a number"),
        ("net_tco2e=nan", "a number in digits 0 to 9"),
        ("datetime=yesterday", "datetime: got 'yesterday'"),
        ("datetime=../..", "datetime: got"),
        ("datetime=2023-02-30", "datetime: got"),
        ("datetime=2024-01-01/2023-01-01", "ends before it begins"),
        ("geometry=1", "'geometry' is no parameter"),
    ],
)
def test_what_cannot_be_is_refused_by_name(client: httpx.Client, query: str, detail: str) -> None:
    response = client.get(f"{GRID}?{query}")
    assert response.status_code == 400
    assert detail in Problem.model_validate_json(response.content).detail


def test_sorted_pages_hold_everything_once_while_an_edition_is_published(
    own_store: Store, publish: Callable[..., None], serving: Callable[[Path], httpx.Client]
) -> None:
    client = serving(own_store.path)
    table = own_store.open("town").table("grid-100m", 2023).to_pandas()
    table = table[table.transport_tco2e.isna() | (table.transport_tco2e > 3)]
    expected = table.sort_values("transport_tco2e", ascending=False, kind="stable", na_position="last")["id"]
    params = {"limit": "500", "sortby": "-transport_tco2e", "filter": "transport_tco2e IS NULL OR transport_tco2e>3"}
    page = client.get("/api/town/collections/grid-100m/items", params={**params, "skipGeometry": "true"}).json()
    found = [feature["id"] for feature in page["features"]]
    publish(own_store.path, "town", "f" * 16, seed=77)
    while linked(page, "next"):
        page = client.get(linked(page, "next")[0]).json()
        assert page["edition"] == "0123456789abcdef"
        assert all(feature["geometry"] is None for feature in page["features"])
        found += [feature["id"] for feature in page["features"]]
    assert found == expected.tolist()
    assert page["numberMatched"] == len(expected)


def test_a_plus_means_rising_whether_or_not_it_is_encoded(client: httpx.Client) -> None:
    answers = [client.get(f"{GRID}?limit=50&sortby={key}").json()["features"] for key in ("id", "+id", "%2Bid", "-id")]
    assert answers[0] == answers[1] == answers[2] != answers[3]
    assert [feature["id"] for feature in answers[0]] == sorted(feature["id"] for feature in answers[0])


def test_a_limit_above_the_greatest_is_taken_as_the_greatest(client: httpx.Client) -> None:
    page = client.get("/api/town/collections/grid-100m/items", params={"limit": 2**40}).json()
    assert page["numberReturned"] == 2700


def test_long_borders_come_in_shorter_pages(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.features.MOST_GEOMETRY_BYTES", 150)
    pages, href = [], f"{ZONES}?limit=100"
    while href:
        pages.append(client.get(href).json())
        href = next(iter(linked(pages[-1], "next")), "")
    assert [page["numberReturned"] for page in pages] == [1, 1, 1]
    assert [page["features"][0]["id"] for page in pages] == [
        feature["id"] for feature in client.get(ZONES, params={"skipGeometry": "true"}).json()["features"]
    ]


YEARS = (2021, 2022, 2023)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2022-07-01", [2022]),
        ("2022-07-01T12:00:00Z", [2022]),
        ("2022-12-31T23:30:00-01:00", [2023]),
        ("2022-12-31T23:59:60Z", [2022]),
        ("2021-06-01/2022-01-01", [2021, 2022]),
        ("../2021-01-01T00:00:00Z", [2021]),
        ("2022-01-01/..", [2022, 2023]),
        ("/2022-01-01", [2021, 2022]),
        ("2022", [2022]),
        ("2030-01-01/..", []),
        ("1999-01-01", []),
    ],
)
def test_years_that_a_time_meets(text: str, years: list[int]) -> None:
    assert years_met(text, YEARS) == years


@pytest.mark.parametrize(
    "text",
    ["", "/", "..", "a/b", "2022-1-1", "2022-01-01/2022-01-02/2022-01-03", "20220101", "9999-12-31T23:59:59-23:59"],
)
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(InvalidParameter, match="datetime"):
        years_met(text, YEARS)


def test_items_of_a_time(client: httpx.Client) -> None:
    def year(**params: str) -> Any:
        page = FeatureCollection.model_validate_json(client.get(GRID, params={"limit": "3", **params}).content)
        return page.year, page.numberReturned

    assert year(datetime="2022-05-05") == (2022, 3)
    assert year(datetime="../2050-01-01") == (2023, 3)
    assert year(datetime="2022-01-01/..", year="2022") == (2022, 3)
    assert year(datetime="1999-01-01") == (None, 0)
    assert year(datetime="2022-01-01", year="2023") == (None, 0)
    for form in CONTENT:
        empty = client.get(GRID, params={"datetime": "1999-01-01", "f": form})
        assert (empty.status_code, empty.headers["ogc-numbermatched"]) == (200, "0")


def test_a_time_of_several_years_leads_to_each(client: httpx.Client) -> None:
    """A page has the rows of one year; a client that asks for more is told where the others are."""
    asked = {"datetime": "2022-06-01/2023-06-01", "limit": "3", "offset": "3", "filter": "net_tco2e > 0"}
    page = client.get(GRID, params=asked).json()
    assert page["year"] == 2023
    (related,) = [link for link in page["links"] if link["rel"] == "related"]
    earlier = client.get(related["href"]).json()
    assert {feature["properties"]["year"] for feature in earlier["features"]} == {2022}
    alone = client.get(GRID, params={"year": "2022", "limit": "3", "filter": "net_tco2e > 0"}).json()
    assert (earlier["features"], earlier["numberMatched"]) == (alone["features"], alone["numberMatched"])
    for params in ({"datetime": "2023-01-01/.."}, {"datetime": "2022-01-01/..", "year": "2023"}, {"year": "2022"}, {}):
        links = client.get(GRID, params=params).json().get("links", [])
        assert not [link for link in links if link["rel"] == "related"], params


def test_links_to_earlier_years_are_bounded(tmp_path: Path, serving: Callable[[Path], httpx.Client]) -> None:
    years = list(range(1990, 1990 + MOST_YEARS + 5))
    box, frame = shapely.box(540_000, 5_220_000, 541_000, 5_221_000), pd.DataFrame({"id": ["a"], "area_ha": [50.0]})
    with EditionWriter(tmp_path, "old", "0" * 16, crs="EPSG:32632") as writer:
        for year in years:
            writer.write_table(CollectionInfo(id="zones", title={"en": "z"}, kind="zones"), year, frame, [box])
        region = {"id": "old", "name": {"en": "o"}, "languages": ["en"], "crs": "EPSG:32632", "years": years}
        region |= {"bbox": (9, 47, 10, 48), "synthetic": True}
        code = {"version": "0", "sha256": "0" * 64}
        writer.publish({"region": region, "sectors": [], "illustrative": {}, "code": code})
    page = serving(tmp_path).get("/api/old/collections/zones/items", params={"datetime": "1900-01-01/.."}).json()
    titles = [link["title"] for link in page["links"] if link["rel"] == "related"]
    assert titles == [f"the same of {year}" for year in years[-MOST_YEARS - 1 : -1]], "the nearest ones"


@pytest.mark.parametrize("form", CONTENT)
def test_a_page_of_nothing_is_a_page(client: httpx.Client, form: str) -> None:
    response = client.get(GRID, params={"f": form, "filter": "net_tco2e > 1e9"})
    assert (response.status_code, response.headers["ogc-numberreturned"]) == (200, "0")


def test_texts_cannot_become_formulas_in_a_spreadsheet() -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "plain", 'a "quote", and\nline', None, ""]
    rows = pa.table({"id": texts, "net_tco2e": [-1.5] * len(texts)})
    tags = {"edition": "e", "synthetic": "true", "illustrative": "buildings", "attribution": "=cmd()"}
    sheet = csv_bytes(Sheet("x", rows, None, False, DEFAULT, {}, tags))
    read = list(csv.DictReader(io.StringIO(sheet.decode(), newline="")))
    expected = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "plain", 'a "quote", and\nline', "", ""]
    assert [row["id"] for row in read] == expected
    assert {row["net_tco2e"] for row in read} == {"-1.5"}  # a number stays one
    assert {row["attribution"] for row in read} == {"'=cmd()"}
    assert {row["illustrative"] for row in read} == {"buildings"}


class Page(HTMLParser):
    """What a page loads, links and says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        if tag in ("script", "img", "iframe") or (tag == "link" and named.get("rel") == "stylesheet"):
            self.loaded.append(named.get("src") or named.get("href") or tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


PAGES = (
    "/api/town/",
    "/api/town/api",
    "/api/town/conformance",
    "/api/town/collections",
    "/api/town/collections/municipality",
    "/api/town/collections/municipality/queryables",
    "/api/town/collections/municipality/schema",
    f"{ZONES}",
    f"{ZONES}/west",
)


@pytest.mark.parametrize("path", PAGES)
def test_pages_for_people_load_nothing_and_carry_the_labels(client: httpx.Client, path: str) -> None:
    response = client.get(path, headers={"accept": "text/html", "accept-language": "ko-KR,ko;q=0.9,en;q=0.5"})
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Accept-Language" in response.headers["vary"]
    page = Page(response.text)
    assert page.loaded == []
    assert '<html lang="ko">' in response.text
    assert {"합성 데이터", "작은 마을", "0123456789abcdef", "made up for tests"} <= set(page.words)
    assert (
        response.headers["content-type"]
        != client.get(path, headers={"accept": "application/json"}).headers["content-type"]
    )


def test_a_page_for_people_is_short_and_leads_on(client: httpx.Client) -> None:
    address = "/api/town/collections/grid-100m/items"
    told = client.get(address, params={"f": "html", "limit": 10_000, "properties": "net_tco2e"})
    assert told.headers["ogc-numberreturned"] == "500"
    assert int(told.headers["ogc-numbermatched"]) > 1_000
    [onward] = set(re.findall(r'href="([^"]*offset=500[^"]*)"', told.text))
    first = client.get(address, params={"limit": 1_000}).json()["features"]
    after = client.get(html.unescape(onward)).text
    assert first[500]["id"] in after
    assert first[999]["id"] in after
    assert first[499]["id"] not in after


def test_a_page_of_items_draws_and_lists_them(client: httpx.Client) -> None:
    page = Page(client.get(ZONES, params={"f": "html"}).text)
    assert page.tags.count("path") == 3
    assert {"West", "East", "Enclave", "1 to 3 of 3, 2023"} <= set(page.words)


def test_the_small_map_is_coloured_by_value(client: httpx.Client) -> None:
    asked = {"limit": "60", "sortby": "net_tco2e"}
    found = {one["id"]: one["properties"]["net_tco2e"] for one in client.get(GRID, params=asked).json()["features"]}
    page = client.get(GRID, params={**asked, "f": "html"}).text
    fills = re.findall(r'fill="(#[0-9a-f]{6})"><title>([^<:]+)', page)
    assert {name for _, name in fills} == found.keys()
    known = np.array([value for value in found.values() if value is not None])
    classes = value_classes(known, THEMES["net"]["light"])
    assert len(classes) > 3

    def colour_of(value: float) -> str:
        """The last class that begins at or below it; those of removals come first and begin without end."""
        return [one.colour for one in classes if one.low is None or one.low <= value][-1]

    for fill, name in fills:
        value = found[name]
        assert fill == (GROUNDS["light"].unknown if value is None else colour_of(value)), name
    assert all(one.colour in page.split('class="legend"')[1] for one in classes)
    plain = client.get(GRID, params={**asked, "f": "html", "properties": "area_ha"}).text
    assert "<path" in plain
    assert 'fill="#' not in plain
    for name, value in list(found.items())[:1] + list(found.items())[-1:]:
        one = client.get(f"{GRID}/{name}", params={"f": "html"}).text
        [fill] = re.findall(r'fill="(#[0-9a-f]{6})"><title>', one)
        ramps = THEMES["net"]["light"]
        assert fill == (
            GROUNDS["light"].unknown if value is None else value_classes(np.array([value]), ramps)[0].colour
        )


def test_markup_in_names_is_only_ever_text(tmp_path: Path, serving: Callable[[Path], httpx.Client]) -> None:
    evil = "<script>alert(1)</script>\"'"
    frame = pd.DataFrame({"id": [evil], "name_en": [evil], "area_ha": [1.0], "net_tco2e": [1.0]})
    with EditionWriter(tmp_path, "evil", "0" * 16, crs="EPSG:32632") as writer:
        info = CollectionInfo(id="zones", title={"en": evil}, kind="zones")
        writer.write_table(info, 2023, frame, [shapely.box(540_000, 5_220_000, 541_000, 5_221_000)])
        region = {"id": "evil", "name": {"en": evil}, "languages": ["en"], "crs": "EPSG:32632", "years": [2023]}
        given = [{"text": evil, "url": "javascript:alert(1)"}]
        region |= {"bbox": (9, 47, 10, 48), "synthetic": True, "attributions": given}
        code = {"version": "0", "sha256": "0" * 64}
        writer.publish({"region": region, "sectors": [], "illustrative": {}, "code": code})
    client = serving(tmp_path)
    for path in ("/", "/collections", "/collections/zones", "/collections/zones/items", "/collections/zones/schema"):
        text = client.get(f"/api/evil{path}", params={"f": "html"}).text
        assert "&lt;script&gt;" in text
        assert "<script" not in text
        assert 'href="javascript' not in text


def test_a_crs_with_northing_first_is_turned(tmp_path: Path, serving: Callable[[Path], httpx.Client]) -> None:
    box = shapely.box(950_000, 1_940_000, 951_000, 1_940_500)  # easting, northing of EPSG:5179
    frame = pd.DataFrame({"id": ["a"], "area_ha": [50.0]})
    with EditionWriter(tmp_path, "seoul", "0" * 16, crs="EPSG:5179") as writer:
        writer.write_table(CollectionInfo(id="zones", title={"en": "z"}, kind="zones"), 2023, frame, [box])
        region = {"id": "seoul", "name": {"en": "s"}, "languages": ["en"], "crs": "EPSG:5179", "years": [2023]}
        region |= {"bbox": (126, 37, 128, 38), "synthetic": True}
        code = {"version": "0", "sha256": "0" * 64}
        writer.publish({"region": region, "sectors": [], "illustrative": {}, "code": code})
    client, address = serving(tmp_path), "/api/seoul/collections/zones/items"
    page = client.get(address, params={"crs": "[EPSG:5179]"}).json()
    assert shapes_of(page)[0].bounds == (1_940_000, 950_000, 1_940_500, 951_000)
    for query, count in (("1940100,950100,1940200,950200", 1), ("950100,1940100,950200,1940200", 0)):
        found = client.get(address, params={"bbox": query, "bbox-crs": "[EPSG:5179]"}).json()
        assert found["numberMatched"] == count
    parquet = client.get(address, params={"crs": "[EPSG:5179]", "f": "geoparquet"}).content
    assert gpd.read_parquet(io.BytesIO(parquet)).total_bounds.tolist() == list(
        box.bounds
    )  # x first, as the format wants


def test_references_are_known_by_uri_and_curie(own_store: Store) -> None:
    edition = own_store.open("town")
    assert reference(edition, None, "crs") == DEFAULT == reference(edition, "[OGC:CRS84]", "crs")
    assert reference(edition, METRIC, "crs").code == "EPSG:32632"
    with pytest.raises(InvalidParameter, match=f"expected one of {CRS84}, {METRIC}, {WGS84}"):
        reference(edition, "urn:ogc:def:crs:EPSG::4326", "crs")


def test_titles_are_one_text_in_the_readers_language(client: httpx.Client) -> None:
    for language, title in (("ko", "지자체"), ("en-GB", "Municipality"), ("fr", "Municipality")):
        response = client.get("/api/town/collections/municipality", headers={"accept-language": language})
        assert response.json()["title"] == title
        assert response.headers["content-language"] == ("ko" if language == "ko" else "en")
        assert "Accept-Language" in response.headers["vary"]
    assert json.loads(client.get("/api/town/collections/municipality").content)["titles"]["ko"] == "지자체"
