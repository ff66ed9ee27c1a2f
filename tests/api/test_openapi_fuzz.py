"""Requests drawn from the whole OpenAPI document: no operation fails, each answers as it is described.

`test_fuzzed_items` asks more of the addresses of items and questions; here nothing that the document names is left out.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.database import Database
from api.keys import Actor, Keys
from api.scenario_runs import Asked
from api.settings import Settings
from api.warming import answer_first
from grids.edition import Store
from scenarios.scenario import read_scenario

SCENARIO = {
    "year": 2040,
    "measures": [
        {"id": "r", "kind": "retrofit", "level": 0.5, "area": {"collection": "municipality", "ids": ["west"]}}
    ],
}
DIGEST = Asked(read_scenario(SCENARIO), "grid-500m", 2023, 0).digest

# What stands for a scenario that is saved and for a job that is done, whose ids are known only when they are made.
SAVED, DONE = "the saved scenario", "the job that is done"

# Names of things that are there, first of all one that fits everywhere, beside some that are not; of all else the
# document's own schema decides.
VALUES: dict[str, list[Any]] = {
    "region": ["town", "nowhere"],
    "collection": ["municipality", "grid-1km", "nothing"],
    "item": ["west", "동구", "nothing"],
    "scenario": [SAVED, "nothing", "a" * 22, "\x00"],
    "follows": [1, 2, 0],
    "version": [1, 2, 0],
    "digest": [DIGEST, "nothing", "0" * 64],
    "process": ["scenario", "nothing", "where-to-act"],
    "job": [DONE, "nothing", "a" * 22, "\x00"],
    "of": ["municipality", "grid-1km", "nothing"],
    "theme": ["net", "forest", "nothing"],
    "tileMatrixSet": ["WebMercatorQuad", "nothing"],
    "tileMatrix": [8, 0, 12, 23, -1],
    "tileRow": [90, 0, 1440, 99999],
    "tileCol": [134, 0, 2156, 99999],
    "file": ["grid-1km_2023.csv", "SHA256SUMS", "LICENSE.txt", "nothing", "..%2fmanifest.json"],
    "edition": ["0123456789abcdef", "f" * 16, "x"],
    "before": ["0123456789abcdef", "x"],
    "after": ["0123456789abcdef", "f" * 16],
    "year": [2023, 2022, 1999, 0],
    "column": ["net_tco2e", "id", "nix"],
    "properties": ["net_tco2e,held", "id", "nix"],
    "ids": ["west", "동구,west", ","],
    "q": ["west", "47.14, 9.52", "-1", "9" * 30, "\x00", "\u0301"],
    "f": ["json", "html", "csv", "xml"],
    "crs": ["http://www.opengis.net/def/crs/EPSG/0/4326", "[EPSG:32632]", "x"],
    "bbox-crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84", "[EPSG:32632]", "x"],
    "filter": ["net_tco2e > 3", '{"op":"not","args":[true]}', "((("],
    "datetime": ["2022-01-01/..", "2023-05-05", "now"],
    "sortby": ["-net_tco2e,id", "+nix"],
}
# What a name means at one address only.
SCENARIOS = "/api/{region}/scenarios"
_SUMS = "/api/{region}/scenarios/results/{digest}/statistics"
VALUES_AT: dict[tuple[str, str], list[Any]] = {
    (_SUMS, "digest"): [DIGEST, "x"],
    (_SUMS, "of"): ["municipality"],
    (_SUMS, "ids"): ["west"],
    ("/api/{region}/scenarios/results/{digest}/detail", "of"): ["grid-100m", "municipality", "nothing"],
    (f"{SCENARIOS}/{{scenario}}/result/statistics", "of"): ["municipality"],
    (f"{SCENARIOS}/{{scenario}}/result/statistics", "ids"): ["west"],
    ("/api/{region}/stac/items/{item}", "item"): ["municipality_2023", "west"],
    ("/api/{region}/collections/{collection}/items", "f"): ["geojson", "html", "csv", "flatgeobuf", "arrow", "xml"],
    ("/api/{region}/collections/{collection}/tiles/WebMercatorQuad", "f"): ["json", "tilejson", "html"],
}
BODIES: list[Any] = [
    {"type": "Polygon", "coordinates": [[[9.5, 47.1], [9.6, 47.1], [9.6, 47.2], [9.5, 47.1]]]},
    {"collection": "municipality", "ids": ["west"]},
    {"type": "Polygon", "coordinates": [[[9.5, 47.1], [9.6, 47.2]]]},
    {"type": "Point", "coordinates": [1, 2]},
    {"ids": []},
    [],
    None,
]
SCENARIO_BODIES: list[Any] = [SCENARIO, {"year": 2040}, {"year": "x"}, {"year": 2040, "measures": [{"kind": "x"}]}, []]
AREA_BODIES: list[Any] = [{"scenario": SCENARIO, "area": area} for area in BODIES] + [{"scenario": SCENARIO}, []]
EXECUTION_BODIES: list[Any] = [
    {"inputs": {"scenario": SCENARIO}},
    {"inputs": {"scenario": SCENARIO}, "response": "else"},
    {"inputs": {"scenario": []}},
    {"inputs": []},
    {},
    [],
]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENT = create_app(Settings(store=Path("nowhere"))).openapi()
# Of parameters of which none must be given but one of several: the one that is.
ONE_OF = {"/api/{region}/scenarios/roads": {"ids": "none"}}
OPERATIONS = [(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods]
OPERATIONS.sort(key=lambda one: one[1] == "DELETE")  # what removes things comes last
# What only reads is asked a few times, and many times where there is time for that.
CASES = [
    *(
        pytest.param(path, method, 50, id=f"{method} {path}, many times", marks=pytest.mark.slow)
        for path, method in OPERATIONS
        if method == "GET"
    ),
    *(pytest.param(path, method, 10 if method == "GET" else 50, id=f"{method} {path}") for path, method in OPERATIONS),
]


def bodies_of(path: str) -> list[Any]:
    """Bodies that an address takes, the first is fine."""
    if path.endswith("/execution"):
        return EXECUTION_BODIES
    if not path.startswith(SCENARIOS):
        return BODIES
    return AREA_BODIES if path.endswith("/statistics") else SCENARIO_BODIES


def values(path: str, name: str) -> list[Any] | None:
    return VALUES_AT.get((path, name), VALUES.get(name))


def described() -> Any:
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            for one in operation.get("parameters", ()):
                known = values(path, one["name"])
                if known is not None:
                    one["schema"] = {"enum": known}
    return schemathesis.openapi.from_dict(DOCUMENT)


SCHEMA = described()


def fitting(path: str, method: str) -> Any:
    """A request with what must be given, each such that it fits the others."""
    given: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
    for one in DOCUMENT["paths"][path][method.lower()].get("parameters", ()):
        if one["required"] or one["name"] == "follows":
            given[one["in"]][one["name"]] = one["schema"]["enum"][0]
    given["query"] |= ONE_OF.get(path, {})
    body = {"body": bodies_of(path)[0], "media_type": "application/json"} if method in ("POST", "PUT") else {}
    return SCHEMA[path][method].Case(path_parameters=given["path"], query=given["query"], **body)


@dataclass(frozen=True)
class Server:
    """A server with a key, and what was made with it.

    Attributes:
        address: where it listens.
        key: the header of an admin.
        done: id of a job that has ended.
    """

    address: str
    key: Mapping[str, str]
    done: str

    def saved(self) -> str:
        """Save a scenario, of one version, and return its id."""
        told = httpx.post(f"{self.address}/api/town/scenarios", json=SCENARIO, headers=self.key, timeout=30)
        assert told.status_code == 201, told.text
        return str(told.json()["id"])


@pytest.fixture(scope="module")
def server(
    started: Callable[[Settings], AbstractContextManager[str]],
    small_store: Path,
    web_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server that is ready, as one that starts gets it, with files made: then no answer may be 503."""
    answer_first(Store(small_store))
    folder = tmp_path_factory.mktemp("fuzz")
    own = Settings(store=small_store, web=web_folder, database_url=f"sqlite:///{folder}/keys.sqlite", jobs=folder)
    database = Database.of(own)
    database.upgrade()
    key = {"Authorization": f"Bearer {Keys(database).create('Ann', 'admin', Actor('a test', 'here'))}"}
    with started(own) as address, httpx.Client(base_url=address, timeout=30) as client:
        summed = client.post("/api/town/statistics", json=BODIES[0])
        assert summed.status_code == 200, summed.text[:200]
        told = client.post("/api/town/scenarios/results", json=SCENARIO)
        assert told.json()["digest"] == DIGEST
        wanted = {**key, "Prefer": "respond-async"}
        ordered = client.post("/api/town/processes/scenario/execution", json=EXECUTION_BODIES[0], headers=wanted)
        job = ordered.headers["location"]
        while client.get(job).json()["status"] in ("accepted", "running"):
            time.sleep(0.2)
        for _ in range(30):
            file = client.get("/api/town/downloads/grid-1km_2023.csv")
            if file.status_code != 503:
                break
            time.sleep(int(file.headers["retry-after"]))  # as clients are told to while a file is made
        assert file.status_code == 200, file.text[:200]
        yield Server(address, key, client.get(job).json()["jobID"])


def test_nothing_of_the_document_is_left_out(client: httpx.Client) -> None:
    told = client.get("/api/openapi.json").json()
    assert {(path, method.upper()) for path, methods in told["paths"].items() for method in methods} == set(OPERATIONS)
    assert len(OPERATIONS) > 30
    asked = {
        (path, one["name"])
        for path, methods in told["paths"].items()
        for operation in methods.values()
        for one in operation.get("parameters", ())
    }
    assert set(VALUES) <= {name for _, name in asked}, "names that are no parameters draw nothing"
    assert set(VALUES_AT) <= asked


@pytest.mark.parametrize(("path", "method", "requests"), CASES)
def test_no_operation_fails_and_each_answers_as_described(
    server: Server, path: str, method: str, requests: int
) -> None:
    saved = server.saved() if "{scenario}" in path else ""

    def call(case: Any, **headers: str) -> Any:
        made = {SAVED: saved, DONE: server.done}
        parameters = case.path_parameters or {}
        case.path_parameters = {name: made.get(value, value) for name, value in parameters.items()}
        response = case.call(base_url=server.address, headers=headers, timeout=30)
        case.validate_response(response, checks=CHECKS)
        return response

    # Bodies are more than objects of anything: those that are answered, and near misses.
    bodies = st.sampled_from([*bodies_of(path), ...]) if method in ("POST", "PUT") else st.just(...)

    @given(case=SCHEMA[path][method].as_strategy(), body=bodies, keyed=st.booleans())
    @settings(
        max_examples=requests, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    def ask(case: Any, body: Any, keyed: bool) -> None:
        if body is not ...:
            case.body = body
        call(case, **(server.key if keyed else {}))

    sure = call(fitting(path, method), **server.key)
    assert sure.status_code in (200, 201, 204), sure.text[:300]
    ask()
    if DOCUMENT["paths"][path][method.lower()].get("security") == [{"key": []}]:
        assert call(fitting(path, method)).status_code == 401, "without a key"
