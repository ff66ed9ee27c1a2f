"""What the columns of a collection are, as JSON Schema: those that can be asked for, and those that are answered."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from api.answers import Links, alternates, dumped, of_edition, preferred, spoken
from api.formats import HTML, SCHEMA, SCHEMAS, chosen
from api.models import JsonSchema
from api.pages import html_page, page_language
from api.params import CollectionParam, FormatParam, Opened, OpenedParam, SettingsParam, only
from api.settings import Settings
from api.words import WORDS
from grids.columns import UnknownColumn
from grids.manifest import Collection
from grids.shipped import shipped_columns
from grids.tables import GEOMETRY

router = APIRouter(tags=["collections"], prefix="/{region}/collections/{collection}")

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_TYPES = {"string": "string", "bool": "boolean", "int16": "integer", "int32": "integer"}
_FORMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {HTML.media_type: {}}, "description": "a JSON Schema, or a page for people"}
}


class SchemaJson(JSONResponse):
    """Tells the definition which media type the model is of."""

    media_type = SCHEMA.media_type


@router.get(
    "/queryables",
    response_model=JsonSchema,
    response_class=SchemaJson,
    responses=_FORMS,
    dependencies=[Depends(only("edition", "f"))],
)
def queryables(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    settings: SettingsParam,
    f: FormatParam = None,
) -> Response:
    """Say what filters can ask for: every column, and the polygon as `geometry`."""
    return _schema(request, settings, opened, collection, "queryables")


@router.get(
    "/schema",
    response_model=JsonSchema,
    response_class=SchemaJson,
    responses=_FORMS,
    dependencies=[Depends(only("edition", "f"))],
)
def schema(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    settings: SettingsParam,
    f: FormatParam = None,
) -> Response:
    """Say what a feature has: every column with its type, unit and meaning."""
    return _schema(request, settings, opened, collection, "schema")


def _schema(request: Request, settings: Settings, opened: Opened, collection: Collection, what: str) -> Response:
    form, links = chosen(request, SCHEMAS), Links(request, settings)
    at = (opened.edition.region.id, "collections", collection.id)
    language, title = page_language(request), preferred(request, collection.title)[1]

    def body() -> bytes:
        types = opened.edition.types(collection.id)
        properties = {
            name: described(collection, name, kind, language, place)
            for place, (name, kind) in enumerate(types.items(), start=1)
        }
        properties[GEOMETRY] = {
            "title": WORDS[language]["geometry"],
            "format": "geometry-multipolygon" if collection.kind == "zones" else "geometry-polygon",
            "x-ogc-role": "primary-geometry",
        }
        document = {
            "$schema": DRAFT,
            "$id": links.address(*at, what),
            "type": "object",
            "title": title,
            "properties": properties,
            "additionalProperties": False,
        }
        if form is SCHEMA:
            return dumped(document)
        words = WORDS[language]
        trail = [(words["collections"], ("collections",)), (title, at[1:])]
        listed = alternates(links, request, form, SCHEMAS, *at, what)
        name = words[what]
        shown = {key: {"type": "", "description": "", "x-ogc-unit": "", **one} for key, one in properties.items()}
        content = {**document, "properties": shown}
        return html_page("schema.html", request, settings, opened, name, listed, trail, document=content)

    return of_edition(request, opened, body, form.media_type, spoken(request, opened))


def described(collection: Collection, name: str, kind: str, language: str, place: int) -> dict[str, Any]:
    """Return the schema of one column.

    Args:
        collection: whose column it is.
        name: of the column.
        kind: its Arrow type.
        language: of title and description.
        place: of the column in the table, from 1.
    """
    found: dict[str, Any] = {"title": name, "type": _TYPES.get(kind, "number"), "x-ogc-propertySeq": place}
    try:
        known = shipped_columns().describe(name)
    except UnknownColumn:
        return found
    found |= {"title": known.label[language], "description": known.meaning[language]}
    if known.unit and name != "year":
        found["x-ogc-unit"] = known.unit
    if name == "id":
        found["x-ogc-role"] = "id"
    if name == "year":
        found["enum"] = collection.years
    return found
