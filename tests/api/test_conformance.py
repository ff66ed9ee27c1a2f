"""Each conformance class that is claimed is asked for over HTTP, by the essential requests of its abstract tests.

Values are compared elsewhere (`test_items`, `test_item_forms`, `test_filters`, `test_tilesets`); here it is shown that
nothing is claimed that nobody asked for.
"""

import time
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

from api.conformance import CONFORMANCE

REGION = "/api/town"
GRID = f"{REGION}/collections/grid-1km"
ITEMS = f"{GRID}/items"
ZONES = f"{REGION}/collections/municipality/items"
SPEC = "http://www.opengis.net/spec"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
WGS84 = "http://www.opengis.net/def/crs/EPSG/0/4326"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
MVT = "application/vnd.mapbox-vector-tile"
TILES = f"{GRID}/tiles"

Check = Callable[[httpx.Client], None]
CHECKS: dict[str, Check] = {}


def shows(*classes: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        CHECKS.update({f"{SPEC}/{name}": check for name in classes})
        return check

    return keep


def answered(client: httpx.Client, address: str, **params: Any) -> Any:
    response = client.get(address, params=params or None)
    assert response.status_code == 200, (address, params, response.text[:300])
    return response.json()


def refused(client: httpx.Client, address: str, **params: Any) -> None:
    assert client.get(address, params=params).status_code == 400, params


def links(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for link in document["links"]:
        assert {"href", "rel"} <= set(link)
        found.setdefault(link["rel"], []).append(link)
    return found


def ids(client: httpx.Client, address: str = ITEMS, **params: Any) -> list[str]:
    return [one["id"] for one in answered(client, address, limit=1000, **params)["features"]]


def definition(client: httpx.Client) -> Any:
    (told,) = links(answered(client, f"{REGION}/"))["service-desc"]
    assert told["type"] == OPENAPI
    response = client.get(told["href"])
    assert response.headers["content-type"] == OPENAPI
    return response.json()


@shows("ogcapi-common-1/1.0/conf/core")
def landing_page(client: httpx.Client) -> None:
    landing = answered(client, f"{REGION}/")
    assert landing["title"]
    known = links(landing)
    assert {"service-desc", "service-doc", "conformance", "data"} <= set(known)
    for link in (known[rel][0] for rel in ("service-desc", "service-doc", "conformance", "data")):
        assert client.get(link["href"]).status_code == 200
    assert answered(client, known["conformance"][0]["href"])["conformsTo"] == CONFORMANCE
    refused(client, f"{REGION}/", nosuch=1)


@shows("ogcapi-features-1/1.0/conf/core")
def features_core(client: httpx.Client) -> None:
    landing_page(client)
    collections(client)
    items_operation(client)
    limits(client)
    boxes(client)
    times(client)
    pages(client)
    features(client)


def collections(client: httpx.Client) -> None:
    listed = answered(client, f"{REGION}/collections")
    assert {"self", "alternate"} <= set(links(listed))
    assert len(listed["collections"]) > 3
    for entry in listed["collections"]:
        assert CRS84 in entry["crs"]
        west, south, east, north = entry["extent"]["spatial"]["bbox"][0]
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90
        assert {link["type"] for link in links(entry)["items"]} >= {"application/geo+json", "text/html"}
        single = answered(client, f"{REGION}/collections/{entry['id']}")
        assert all(single[key] == entry[key] for key in ("id", "title", "extent", "crs"))
    assert client.get(f"{REGION}/collections/nothing").status_code == 404


def items_operation(client: httpx.Client) -> None:
    operation = definition(client)["paths"]["/collections/{collection}/items"]["get"]
    parameters = {one["name"]: one for one in operation["parameters"]}
    for name in ("limit", "bbox", "datetime"):
        one = parameters[name]
        assert (one["in"], one["required"], one["style"], one["explode"]) == ("query", False, "form", False), name
    limit, box, time = (parameters[name]["schema"] for name in ("limit", "bbox", "datetime"))
    assert limit["type"] == "integer"
    assert limit["minimum"] == 1
    assert limit["minimum"] <= limit["default"] <= limit["maximum"]
    assert (box["type"], box["items"]) == ("array", {"type": "number"})
    assert box["oneOf"] == [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}]
    assert time["type"] == "string"


def limits(client: httpx.Client) -> None:
    for limit in (1, 5, 1000):
        page = answered(client, ITEMS, limit=limit)
        assert page["numberReturned"] == len(page["features"]) == min(limit, page["numberMatched"])
    assert len(answered(client, f"{REGION}/collections/grid-100m/items")["features"]) == 100
    assert answered(client, ITEMS, limit=10_001)["numberReturned"] == 30
    for limit in ("0", "-1", "many"):
        refused(client, ITEMS, limit=limit)
    refused(client, ITEMS, nosuch=1)


def boxes(client: httpx.Client) -> None:
    everything = ids(client)
    extent = answered(client, GRID)["extent"]["spatial"]["bbox"][0]
    assert ids(client, bbox=",".join(map(str, extent))) == everything
    some = ids(client, bbox="9.54,47.14,9.56,47.15")
    assert set(some) < set(everything)
    assert some
    assert ids(client, bbox="9.54,47.14,-100,9.56,47.15,100") == some
    assert ids(client, bbox="100,10,101,11") == []
    for box in ("1,2,3", "1,2,3,4,5", "a,b,c,d", "9,48,10,47", "170,-10,-170,10"):
        refused(client, ITEMS, bbox=box)


def times(client: httpx.Client) -> None:
    begin, end = answered(client, GRID)["extent"]["temporal"]["interval"][0]
    for asked in (begin, end, f"{begin}/{end}", f"{begin}/..", f"../{end}", f"{begin}/", f"/{end}"):
        assert len(ids(client, datetime=asked)) == 30, asked
    assert ids(client, datetime="1900-01-01T00:00:00Z/1901-01-01T00:00:00Z") == []
    for asked in ("never", f"{end}/{begin}", "2023-13-01"):
        refused(client, ITEMS, datetime=asked)


def pages(client: httpx.Client) -> None:
    page = answered(client, ITEMS, limit=7)
    seen = [one["id"] for one in page["features"]]
    while "next" in links(page):
        (following,) = links(page)["next"]
        assert following["type"] == "application/geo+json"
        page = answered(client, following["href"])
        seen += [one["id"] for one in page["features"]]
    assert seen == ids(client)


def features(client: httpx.Client) -> None:
    for listed in answered(client, ITEMS, limit=3)["features"]:
        response = client.get(f"{ITEMS}/{listed['id']}")
        assert response.headers["content-type"] == "application/geo+json"
        one = response.json()
        assert {"self", "alternate", "collection"} <= set(links(one))
        assert all(one[key] == listed[key] for key in ("type", "id", "geometry", "properties"))
    assert client.get(f"{ITEMS}/nothing").status_code == 404


@shows("ogcapi-features-1/1.0/conf/geojson")
def geojson(client: httpx.Client) -> None:
    for address, kind in ((ITEMS, "FeatureCollection"), (f"{ITEMS}/{ids(client)[0]}", "Feature")):
        response = client.get(address, headers={"accept": "application/geo+json"})
        assert response.headers["content-type"] == "application/geo+json"
        assert response.json()["type"] == kind


@shows("ogcapi-features-1/1.0/conf/html")
def html(client: httpx.Client) -> None:
    for address in (f"{REGION}/", f"{REGION}/conformance", f"{REGION}/collections", GRID, ITEMS, f"{ZONES}/west"):
        response = client.get(address, headers={"accept": "text/html"})
        assert response.headers["content-type"].startswith("text/html")
        assert response.text.lower().startswith("<!doctype html>")


@shows("ogcapi-features-1/1.0/conf/oas30", "ogcapi-tiles-1/1.0/conf/oas30")
def openapi(client: httpx.Client) -> None:
    document = definition(client)
    assert document["openapi"].startswith("3.0.")
    validate(document, cls=OpenAPIV30SpecValidator)
    tile = document["paths"]["/collections/{collection}/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}"]["get"]
    assert {"tileMatrix", "tileRow", "tileCol"} <= {one["name"] for one in tile["parameters"]}
    assert MVT in tile["responses"]["200"]["content"]


@shows("ogcapi-features-2/1.0/conf/crs")
def references(client: httpx.Client) -> None:
    told = answered(client, GRID)
    assert told["storageCrs"] in told["crs"]
    for crs in told["crs"]:
        response = client.get(ITEMS, params={"crs": crs, "limit": 1})
        assert (response.status_code, response.headers["content-crs"]) == (200, f"<{crs}>")
    assert client.get(ITEMS).headers["content-crs"] == f"<{CRS84}>"
    box = {"bbox": "47.14,9.54,47.15,9.56", "bbox-crs": WGS84}
    assert ids(client, **box) == ids(client, bbox="9.54,47.14,9.56,47.15")
    for name in ("crs", "bbox-crs"):
        refused(client, ITEMS, **{name: "http://www.opengis.net/def/crs/EPSG/0/1"})


@shows("ogcapi-features-3/1.0/conf/queryables", "ogcapi-features-3/1.0/conf/queryables-query-parameters")
def queryables(client: httpx.Client) -> None:
    (told,) = links(answered(client, GRID))["http://www.opengis.net/def/rel/ogc/1.0/queryables"]
    response = client.get(told["href"])
    assert response.headers["content-type"] == "application/schema+json"
    schema = response.json()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "?" not in schema["$id"]
    first = ids(client)[0]
    assert ids(client, id=first) == [first]
    held, others = ids(client, held="true"), ids(client, held="false")
    assert sorted(held + others) == sorted(ids(client))
    refused(client, ITEMS, nosuch="x")


@shows("ogcapi-features-3/1.0/conf/filter", "ogcapi-features-3/1.0/conf/features-filter", "cql2/1.0/conf/cql2-text")
def filters(client: httpx.Client) -> None:
    first = ids(client)[0]
    assert ids(client, filter=f"id = '{first}'") == [first]
    asked = {"filter": f"id = '{first}'", "filter-lang": "cql2-text", "filter-crs": CRS84}
    assert ids(client, **asked) == [first]
    assert ids(client, filter=f"id = '{first}'", bbox="100,10,101,11") == []
    for text in ("id =", "nosuch = 1", "id = 'x' AND"):
        refused(client, ITEMS, filter=text)
    refused(client, ITEMS, **{"filter": "id = 'x'", "filter-lang": "sql"})


@shows("cql2/1.0/conf/cql2-json")
def filters_in_json(client: httpx.Client) -> None:
    first = ids(client)[0]
    given = f'{{"op":"=","args":[{{"property":"id"}},"{first}"]}}'
    assert ids(client, **{"filter": given, "filter-lang": "cql2-json"}) == [first]
    refused(client, ITEMS, **{"filter": "{", "filter-lang": "cql2-json"})


def halves(client: httpx.Client, condition: str, address: str = ITEMS) -> None:
    """A condition holds for some of the items, and its opposite for all others."""
    every, some = ids(client, address), ids(client, address, filter=condition)
    assert some, condition
    assert sorted(some + ids(client, address, filter=f"NOT ({condition})")) == sorted(every), condition


# Of columns that are never null, which meets neither a condition nor its opposite.
CONDITIONS = {
    "basic-cql2": ["buildings_tco2e > 30", "buildings_tco2e <= 30 OR held = true", "id <> 'x'", "population IS NULL"],
    "advanced-comparison-operators": ["id LIKE '%E54%'", "buildings_tco2e BETWEEN 10 AND 60", "year IN (2022, 2023)"],
    "case-insensitive-comparison": ["CASEI(id) LIKE CASEI('crs32632res%')"],
    "property-property": ["buildings_gas_direct_tco2e > buildings_electricity_indirect_tco2e"],
    "arithmetic": ["buildings_tco2e * 2 + 1 > 61"],
    "basic-spatial-functions": ["S_INTERSECTS(geometry, BBOX(9.54, 47.14, 9.56, 47.15))"],
    "basic-spatial-functions-plus": [
        "S_INTERSECTS(geometry, POLYGON((9.54 47.14, 9.56 47.14, 9.56 47.15, 9.54 47.14)))",
        "S_INTERSECTS(geometry, LINESTRING(9.54 47.14, 9.56 47.15))",
    ],
    "spatial-functions": [
        "S_DISJOINT(geometry, BBOX(9.54, 47.14, 9.56, 47.15))",
        "S_WITHIN(geometry, BBOX(9.53, 47.13, 9.58, 47.17))",
        "S_CONTAINS(geometry, POINT(9.55 47.15))",
    ],
}


def conditions(name: str) -> Check:
    def check(client: httpx.Client) -> None:
        for condition in CONDITIONS[name]:
            halves(client, condition)

    return check


CHECKS.update({f"{SPEC}/cql2/1.0/conf/{name}": conditions(name) for name in CONDITIONS})


@shows("cql2/1.0/conf/accent-insensitive-comparison")
def accents(client: httpx.Client) -> None:
    assert ids(client, ZONES, filter="ACCENTI(name_en) = ACCENTI('Wést')") == ["west"]
    assert ids(client, ZONES, filter="name_en = 'Wést'") == []


@shows(
    *(f"ogcapi-tiles-1/1.0/conf/{name}" for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")),
)
def tiles(client: httpx.Client) -> None:
    rel = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
    (listed,) = answered(client, links(answered(client, GRID))[rel][0]["href"])["tilesets"]
    told = answered(client, links(listed)["self"][0]["href"])
    assert (told["dataType"], told["crs"]) == (listed["dataType"], listed["crs"])
    (item,) = links(told)["item"]
    assert item["templated"] is True

    def tile(matrix: int, row: int, col: int) -> httpx.Response:
        address = str(item["href"])
        for name, value in (("tileMatrix", matrix), ("tileRow", row), ("tileCol", col)):
            address = address.replace(f"{{{name}}}", str(value))
        return client.get(address)

    there = tile(10, 359, 539)
    assert (there.status_code, there.headers["content-type"]) == (200, MVT)
    assert there.content
    assert tile(10, 1 << 10, 0).status_code == 404
    assert tile(99, 0, 0).status_code == 404


@shows(
    *(f"ogcapi-processes-1/1.0/conf/{name}" for name in ("core", "ogc-process-description", "json", "oas30")),
)
def processes(client: httpx.Client) -> None:
    rel = "http://www.opengis.net/def/rel/ogc/1.0/processes"
    listed = answered(client, links(answered(client, f"{REGION}/"))[rel][0]["href"])["processes"]
    told = answered(client, links(next(one for one in listed if one["id"] == "scenario"))["self"][0]["href"])
    assert {"sync-execute", "async-execute", "dismiss"} == set(told["jobControlOptions"])
    assert told["inputs"]["scenario"]["schema"]["type"] == "object"
    (execution,) = links(told)["http://www.opengis.net/def/rel/ogc/1.0/execute"]
    body: dict[str, Any] = {"inputs": {"scenario": {"year": 2040}}}
    raw = client.post(execution["href"], json=body)
    assert (raw.status_code, raw.headers["content-type"]) == (200, "application/json")
    document = client.post(execution["href"], json={**body, "response": "document"}).json()
    assert document == {"result": raw.json()}
    job = client.post(execution["href"], json=body, headers={"Prefer": "respond-async"})
    assert job.status_code == 201
    while (status := answered(client, job.headers["location"]))["status"] in ("accepted", "running"):
        time.sleep(0.1)
    (results,) = links(status)["http://www.opengis.net/def/rel/ogc/1.0/results"]
    assert answered(client, results["href"]) == raw.json()
    missing = client.get(f"{REGION}/processes/nosuch")
    assert (missing.status_code, missing.json()["type"].rsplit("/", 1)[1]) == (404, "no-such-process")
    missing = client.get(f"{REGION}/jobs/nosuch")
    assert (missing.status_code, missing.json()["type"].rsplit("/", 1)[1]) == (404, "no-such-job")
    assert "/processes/{process}/execution" in definition(client)["paths"]


@shows("ogcapi-processes-1/1.0/conf/job-list", "ogcapi-processes-1/1.0/conf/dismiss")
def jobs(client: httpx.Client) -> None:
    rel = "http://www.opengis.net/def/rel/ogc/1.0/job-list"
    listed = answered(client, links(answered(client, f"{REGION}/"))[rel][0]["href"])
    assert listed["jobs"] == []
    assert links(listed)["self"]
    body = {"inputs": {"scenario": {"year": 2040}}}
    address = f"{REGION}/processes/scenario/execution"
    job = client.post(address, json=body, headers={"Prefer": "respond-async"}).headers["location"]
    told = client.delete(job)
    assert (told.status_code, told.json()["status"]) == (200, "dismissed")


@shows("tms/2.0/conf/tilematrixset", "tms/2.0/conf/json-tilematrixset")
def tile_matrix_sets(client: httpx.Client) -> None:
    (listed,) = answered(client, "/api/tileMatrixSets")["tileMatrixSets"]
    told = answered(client, links(listed)["self"][0]["href"])
    assert told["id"] == listed["id"] == "WebMercatorQuad"
    for zoom, matrix in enumerate(told["tileMatrices"]):
        assert (matrix["id"], matrix["matrixWidth"], matrix["tileWidth"]) == (str(zoom), 1 << zoom, 256)


def test_what_is_claimed_is_what_is_asked_here(client: httpx.Client) -> None:
    claimed = answered(client, f"{REGION}/conformance")["conformsTo"]
    assert len(set(claimed)) == len(claimed)
    assert set(claimed) == set(CHECKS)


@pytest.fixture(scope="module")
def held() -> set[Check]:
    """Checks that held: several classes may share one, which need not be asked again."""
    return set()


@pytest.mark.parametrize("name", CONFORMANCE, ids=[uri.removeprefix(SPEC) for uri in CONFORMANCE])
def test_a_class_that_is_claimed_is_met(client: httpx.Client, held: set[Check], name: str) -> None:
    check = CHECKS[name]
    if check not in held:
        check(client)
        held.add(check)
