"""Requests drawn from the API's own definition: never a failure of the server, always an answer as it is described."""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

PLACES = {
    "collection": ["grid-1km", "municipality", "h3-8"],
    "item": ["west", "동구", "nothing"],
    "edition": ["0123456789abcdef", "f" * 16],
    "crs": ["http://www.opengis.net/def/crs/EPSG/0/4326", "[EPSG:32632]", "x"],
    "bbox-crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84", "[EPSG:32632]"],
    "sortby": ["-net_tco2e,id", "held", "+nix"],
    "properties": ["net_tco2e,held", "id", "nix"],
    "f": ["geojson", "html", "csv", "flatgeobuf", "geoparquet", "arrow", "json", "xml"],
    "filter": ["net_tco2e > 3", "held", "S_WITHIN(geometry, BBOX(9,47,10,48))", '{"op":"not","args":[true]}', "((("],
    "bbox": ["9.54,47.14,9.56,47.16", "1,2,3", "nan,nan,nan,nan", "541000,5221000,542400,5222400"],
    "datetime": ["2022-01-01/..", "2023-05-05", "now"],
    "column": ["net_tco2e", "id"],
    "ids": ["west", "동구,west", "nothing", ",", "8"],
    "q": ["west", "ㅅㄱ", "47.14, 9.52", "CRS32632RES1000mN5220000E540000", "881f8d4b2dfffff", "\x00"],
    "before": ["0123456789abcdef", "x"],
    "after": ["0123456789abcdef", "f" * 16],
}
OURS = (
    "/",
    "/conformance",
    "/api",
    "/collections",
    "/collections/{collection}",
    "/collections/{collection}/queryables",
    "/collections/{collection}/schema",
    "/collections/{collection}/items",
    "/collections/{collection}/items/{item}",
    "/collections/{collection}/ranking",
    "/collections/{collection}/timeseries",
    "/editions",
    "/editions/{before}/diff/{after}",
    "/search",
    "/statistics",
)


@pytest.fixture(scope="module")
def described(client: httpx.Client) -> Any:
    """The definition of the region, with names of things that are there beside some that are not."""
    document = client.get("/api/town/api").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "columns"]
            for one in operation["parameters"]:
                if one["name"] in PLACES:
                    one["schema"] = {"type": "string", "enum": PLACES[one["name"]]}
    return schemathesis.openapi.from_dict(document)


@pytest.mark.parametrize("requests", [15, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", OURS)
def test_no_request_breaks_the_server(described: Any, served: str, path: str, requests: int) -> None:
    seen: set[int] = set()

    @given(case=described[path]["GET"].as_strategy())
    @settings(
        max_examples=requests, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    def ask(case: Any) -> None:
        response = case.call(base_url=f"{served}/api/town")
        checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
        case.validate_response(response, checks=checks)
        seen.add(response.status_code)

    ask()
    assert 200 in seen
