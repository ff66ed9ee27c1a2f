"""What the web map asks is what the API answers: `web/openapi.json` holds that part of the definition.

The map's types are generated from this file (`npm run api` in web/). Where the API changed on purpose, run this test
with CARBONMAP_REWRITE=1, generate the types anew, and the type check says what the map must follow.
"""

import json
import os
from pathlib import Path
from typing import Any

from api.app import create_app
from api.settings import Settings

REGION = "/api/{region}"
COLLECTION = f"{REGION}/collections/{{collection}}"
ASKED = (
    "/api/health",
    "/api/regions",
    f"{REGION}/",
    f"{REGION}/collections",
    f"{COLLECTION}/distribution",
    f"{COLLECTION}/items",
    f"{COLLECTION}/items/{{item}}",
    f"{COLLECTION}/ranking",
    f"{COLLECTION}/timeseries",
    f"{REGION}/receipts/{{collection}}/{{item}}",
    f"{REGION}/columns",
    f"{REGION}/context/tiles/WebMercatorQuad",
    f"{REGION}/downloads",
    f"{REGION}/editions",
    f"{REGION}/factors",
    f"{REGION}/jobs/{{job}}",
    f"{REGION}/jobs/{{job}}/results",
    f"{REGION}/processes/{{process}}/execution",
    f"{REGION}/scenarios",
    f"{REGION}/scenarios/measures",
    f"{REGION}/scenarios/results",
    f"{REGION}/scenarios/results/items",
    f"{REGION}/scenarios/results/{{digest}}/items",
    f"{REGION}/scenarios/roads",
    f"{REGION}/scenarios/{{scenario}}",
    f"{REGION}/search",
    f"{REGION}/statistics",
)
# Words for readers: they may be better tomorrow without anything to follow for the map.
WORDS = ("description", "summary", "operationId", "tags", "title")
PREFIX = "#/components/schemas/"


def without_words(value: Any) -> Any:
    """The definition without its prose; properties of these names stay."""
    if isinstance(value, list):
        return [without_words(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: without_words(entry) for name, entry in sorted(inner.items())}
        if key == "properties"
        else without_words(inner)
        for key, inner in sorted(value.items())
        if key not in WORDS or isinstance(inner, dict)
    }


def named_in(value: Any) -> set[str]:
    """Schemas that a part of the definition refers to."""
    if isinstance(value, list):
        return set().union(*map(named_in, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(named_in, value.values()))
    target = value.get("$ref")
    return found | {target.removeprefix(PREFIX)} if isinstance(target, str) else found


def contract(folder: Path) -> dict[str, Any]:
    """The part of the definition that the map relies on: parameters and good answers."""
    definition = create_app(Settings(store=folder)).openapi()
    paths = {}
    for path in ASKED:
        operations = {}
        for method, operation in definition["paths"][path].items():
            kept = {key: operation[key] for key in ("parameters", "requestBody") if key in operation}
            answers = {}
            for code, answer in operation["responses"].items():
                if code.startswith("2"):
                    content = answer.get("content", {})
                    told = {kind: content[kind] for kind in content if kind.endswith("json")}
                    answers[code] = {"description": "", "content": told}
            operations[method] = {**kept, "responses": answers}
        paths[path] = operations
    schemas: dict[str, Any] = {}
    wanted = named_in(paths)
    while wanted - schemas.keys():
        for name in wanted - schemas.keys():
            schemas[name] = definition["components"]["schemas"][name]
            wanted = wanted | named_in(schemas[name])
    pruned: dict[str, Any] = without_words({"paths": paths, "components": {"schemas": schemas}})
    for operations in pruned["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                answer["description"] = ""
    return {"openapi": definition["openapi"], "info": {"title": "carbonmap", "version": "0"}, **pruned}


def test_the_map_knows_the_api_as_it_is(project: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    file = project / "web" / "openapi.json"
    written = json.dumps(contract(tmp_path / "store"), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("CARBONMAP_REWRITE") == "1":
        file.write_text(written, encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8")) == json.loads(written), (
        "the API's answers changed: run this test with CARBONMAP_REWRITE=1, then `npm run api` in web/"
    )
