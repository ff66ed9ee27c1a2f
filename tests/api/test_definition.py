"""What the API says of itself is true: its OpenAPI document and its schemas (its claims: `test_conformance`)."""

import html
import re
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

COLLECTIONS = ("grid-1km", "municipality", "h3-8")
FORMS = (
    *("text/html", "text/csv", "application/vnd.flatgeobuf"),
    *("application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"),
)


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    response = client.get("/api/town/api")
    assert response.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    found: dict[str, Any] = response.json()
    return found


def test_the_definition_is_openapi_3_0(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.0.3"
    validate(document, cls=OpenAPIV30SpecValidator)


def test_the_definition_has_what_features_and_filters_need(document: dict[str, Any], served: str) -> None:
    assert document["servers"] == [{"url": f"{served}/api/town"}]
    assert {"/", "/conformance", "/collections", "/collections/{collection}"} <= set(document["paths"])
    items = document["paths"]["/collections/{collection}/items"]["get"]
    parameters = {one["name"]: one for one in items["parameters"]}
    names = ("limit", "bbox", "datetime", "crs", "bbox-crs", "filter", "filter-lang", "filter-crs", "sortby", "f")
    assert set(names) <= set(parameters)
    assert parameters["limit"]["schema"]["maximum"] == 10_000
    assert parameters["filter-lang"]["schema"]["enum"] == ["cql2-text", "cql2-json"]
    assert "region" not in parameters
    content = items["responses"]["200"]["content"]
    assert set(content) == {*FORMS, "application/geo+json"}
    assert content["application/geo+json"]["schema"]["$ref"] == "#/components/schemas/FeatureCollection"


def test_every_address_of_the_definition_answers(document: dict[str, Any], client: httpx.Client) -> None:
    given = {"collection": "municipality", "item": "west", "tileMatrix": "0", "tileRow": "0", "tileCol": "0"}
    tried = 0
    for path, methods in document["paths"].items():
        if not set(_names(path)) <= set(given) or path.startswith("/stac/"):  # its items have ids of their own
            continue
        if "get" not in methods or "security" in methods["get"]:  # asked with a body, or with a key
            continue
        required = [one["name"] for one in methods["get"]["parameters"] if one["required"] and one["in"] == "query"]
        params = {name: {"ids": "west", "collection": "municipality"}.get(name, "net_tco2e") for name in required}
        if path == "/scenarios/roads":  # a place or ids, one of which must be given
            params = {"ids": "none"}
        response = client.get(f"/api/town{path.format(**given)}", params=params)
        assert response.status_code == 200, (path, response.text)
        tried += 1
    assert tried > 10


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


@pytest.mark.parametrize("edition", ["", "&edition=0123456789abcdef"])
def test_the_page_leads_to_what_it_names(document: dict[str, Any], client: httpx.Client, served: str, edition) -> None:
    """Every line led to the definition itself."""
    page = client.get(f"/api/town/api?f=html{edition}").text
    lines = dict(reversed(one) for one in re.findall(r'<li><a href="([^"]*)">(GET [^<]*)</a></li>', page))
    told = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]
    shown = [html.unescape(line) for line in re.findall(r"<li>(?:<a[^>]*>)?((?:GET|PUT|POST|DELETE) [^<]*)", page)]
    assert [line.partition(": ")[0] for line in shown] == told
    assert len(lines) > 15
    for line, address in lines.items():
        path = line.removeprefix("GET ").partition(": ")[0]
        assert "{" not in path, "a path with something to fill in leads nowhere"
        pin = "?edition=0123456789abcdef" if edition and path != "/editions" else ""
        assert html.unescape(address) == f"{served}/api/town{path}{pin}"
        assert client.get(html.unescape(address)).status_code == 200, address


def test_the_landing_page_leads_to_everything(client: httpx.Client) -> None:
    links = {link["rel"]: link for link in client.get("/api/town/").json()["links"]}
    assert {"self", "alternate", "service-desc", "service-doc", "conformance", "data"} <= set(links)
    for link in links.values():
        response = client.get(link["href"])
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(link["type"].split(";")[0])


def test_every_link_of_a_collection_answers_with_its_type(client: httpx.Client) -> None:
    for link in client.get("/api/town/collections/municipality").json()["links"]:
        response = client.get(link["href"])
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(link["type"].split(";")[0]), link


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("what", ["queryables", "schema"])
def test_schemas_are_json_schema_and_fit_the_items(client: httpx.Client, collection: str, what: str) -> None:
    response = client.get(f"/api/town/collections/{collection}/{what}")
    assert response.headers["content-type"] == "application/schema+json"
    schema = response.json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    pinned = client.get(response.url, params={"f": "json", "edition": "0123456789abcdef"}).json()
    assert pinned["$id"] == schema["$id"] == str(response.url)
    assert client.get(schema["$id"]).json() == schema
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    page = client.get(f"/api/town/collections/{collection}/items", params={"limit": 50}).json()
    columns = client.get(f"/api/town/collections/{collection}").json()["columns"]
    assert list(schema["properties"]) == [*columns, "geometry"]
    for feature in page["features"]:
        known = {name: value for name, value in feature["properties"].items() if value is not None}
        check.validate(known)
        assert set(feature["properties"]) <= set(schema["properties"])


def test_units_and_meanings_come_from_the_shipped_table(client: httpx.Client) -> None:
    address = "/api/town/collections/municipality/queryables"
    english = client.get(address).json()["properties"]
    assert english["net_tco2e"]["x-ogc-unit"] == "tCO2e/a"
    assert english["area_ha"]["description"] == "Geodesic area of the whole cell, hexagon or zone."
    assert english["year"]["enum"] == [2022, 2023]
    assert (english["held"]["type"], english["year"]["type"]) == ("boolean", "integer")
    assert english["geometry"]["format"] == "geometry-multipolygon"
    korean = client.get(address, headers={"accept-language": "ko"})
    assert korean.headers["content-language"] == "ko"
    assert korean.json()["properties"]["population"]["title"] == "인구"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_queryable_can_be_asked_for_and_sorted_by(client: httpx.Client, collection: str) -> None:
    address = f"/api/town/collections/{collection}"
    for name, known in client.get(f"{address}/queryables").json()["properties"].items():
        text = f"{name} IS NOT NULL"
        assert client.get(f"{address}/items", params={"filter": text, "limit": 1}).status_code == 200
        if name != "geometry":
            value = {"string": "x", "boolean": "true"}.get(known["type"], "2023")
            for params in ({name: value}, {"sortby": f"-{name}"}, {"properties": name}):
                assert client.get(f"{address}/items", params={**params, "limit": 1}).status_code == 200, (name, params)


def test_only_answers_that_are_given_are_defined(client: httpx.Client) -> None:
    for address in ("/api/openapi.json", "/api/town/api?f=json"):
        document = client.get(address).json()
        operations = [one for methods in document["paths"].values() for one in methods.values()]
        assert len(operations) > 20
        assert all("400" in one["responses"] and "422" not in one["responses"] for one in operations)
        assert "ValidationError" not in str(document), "of a framework whose refusals are not ours"
    refused = client.get("/api/town/collections/grid-1km/items", params={"limit": "many"})
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
