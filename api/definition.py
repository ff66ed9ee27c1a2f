"""The API of one region as an OpenAPI 3.0 document, which is the version that OGC API Features and its clients know.

FastAPI writes OpenAPI 3.1 of the whole server; this takes a region's part of it and says the same in the older words.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from api.answers import Links, alternates, answer, dumped, preferred, spoken
from api.formats import DEFINITION, HTML, OPENAPI, chosen
from api.pages import html_page, page_language
from api.params import FormatParam, OpenedParam, SettingsParam, only
from api.words import WORDS

router = APIRouter(tags=["regions"], prefix="/{region}/api")

_PREFIX = "/api/{region}"
_FORMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {HTML.media_type: {}}, "description": "OpenAPI 3.0, or a page for people"}
}
# Columns of the collection are parameters of their own: which ones, its queryables say.
_COLUMNS = {
    "name": "columns",
    "in": "query",
    "description": "any of the collection's queryables with the value that it must equal, such as held=true",
    "required": False,
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}
_OF_EITHER = frozenset({"/scenarios/roads"})
"""Where one of two parameters must be given, which a definition cannot say."""


class Definition(JSONResponse):
    """Tells the whole server's definition which media type this one is of."""

    media_type = OPENAPI.media_type


@router.get(
    "",
    response_model=dict[str, Any],
    response_class=Definition,
    responses=_FORMS,
    dependencies=[Depends(only("edition", "f"))],
)
def definition(request: Request, opened: OpenedParam, settings: SettingsParam, f: FormatParam = None) -> Response:
    """Define the API of a region."""
    form, links, region = chosen(request, DEFINITION), Links(request, settings), opened.edition.region
    _, title = preferred(request, region.name)

    def body() -> bytes:
        document = dict(_of_region(request.app))
        document["info"] = {**document["info"], "title": title}
        document["servers"] = [{"url": links.address(region.id)}]
        if form is OPENAPI:
            return dumped(document)
        listed = alternates(links, request, form, DEFINITION, region.id, "api")
        pin = opened.edition.id if opened.pinned else None
        entries = [
            (
                f"{method.upper()} {path}: {known['summary']}",
                links.address(region.id, raw=path, edition=pin if _takes(known, "edition") else None)
                if method == "get" and _as_it_stands(path, known)
                else None,
            )
            for path, methods in document["paths"].items()
            for method, known in methods.items()
        ]
        words = WORDS[page_language(request)]
        return html_page("links.html", request, settings, opened, words["api"], listed, entries=entries)

    of = f"{region.id}/{opened.edition.id}"
    return answer(request, body, of=of, media_type=form.media_type, headers=spoken(request, opened))


def _as_it_stands(path: str, known: Mapping[str, Any]) -> bool:
    """Say whether a path answers without a key and anything to fill in, so that a line of the page can lead there."""
    needs = any(one["required"] for one in known["parameters"]) or "security" in known
    return not needs and path not in _OF_EITHER


def _takes(known: Mapping[str, Any], name: str) -> bool:
    return any(one["name"] == name for one in known["parameters"])


@lru_cache(maxsize=4)
def _of_region(app: Any) -> Mapping[str, Any]:
    whole = app.openapi()
    paths: dict[str, Any] = {}
    for path, methods in whole["paths"].items():
        if not path.startswith(_PREFIX):
            continue
        paths[path.removeprefix(_PREFIX) or "/"] = {
            method: _operation(path, known) for method, known in methods.items()
        }
    info = {name: value for name, value in whole["info"].items() if name != "summary"}
    info["description"] = whole["info"]["summary"]
    document = {"openapi": "3.0.3", "info": info, "paths": paths, "components": whole["components"]}
    said: dict[str, Any] = older(document)
    return said


def _operation(path: str, known: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [one for one in known.get("parameters", []) if one["name"] != "region"]
    if path.endswith("/{collection}/items"):
        parameters.append(_COLUMNS)
    return {**known, "parameters": parameters}


def older(node: Any) -> Any:
    """Say a part of an OpenAPI 3.1 document in the words of 3.0: no type null, const, examples, items by place."""
    if isinstance(node, list):
        return [older(one) for one in node]
    if not isinstance(node, Mapping):
        return node
    found = {key: older(value) for key, value in node.items() if key not in _NEWER}
    choices = found.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [one for one in choices if one != {"type": "null"}]
        del found["anyOf"]
        # Beside a reference nothing else counts in 3.0, so it stands within a list of one.
        found |= (
            {"allOf": rest} if len(rest) == 1 and "$ref" in rest[0] else rest[0] if len(rest) == 1 else {"anyOf": rest}
        )
        found["nullable"] = True
    if "const" in node:
        found["enum"] = [node["const"]]
    if "prefixItems" in node:
        found["items"] = {"anyOf": [dict(one) for one in _distinct(older(node["prefixItems"]))]}
    for bound in ("Minimum", "Maximum"):
        if isinstance(node.get(f"exclusive{bound}"), int | float):
            found[bound.lower()] = node[f"exclusive{bound}"]
            found[f"exclusive{bound}"] = True
    if isinstance(node.get("examples"), list) and node["examples"]:
        found["example"] = node["examples"][0]
    return found


_NEWER = frozenset({"const", "prefixItems", "examples", "propertyNames"})


def _distinct(nodes: list[Any]) -> list[Any]:
    return [node for place, node in enumerate(nodes) if node not in nodes[:place]]
