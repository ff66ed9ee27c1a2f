"""What belongs beside an edition's numbers, for people and catalogues: columns, factors, citation, STAC."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from api.answers import Links, answer, dumped, known_answer, labels, of_edition
from api.downloads import WorkshopParam, state_of, sums_of
from api.formats import GEOJSON
from api.models import Answer
from api.params import Opened, OpenedParam, SettingsParam, only
from api.settings import Settings
from api.turns import reading
from grids.exports import documents
from grids.exports.files import export_files
from grids.exports.public_table import PublicTable
from grids.exports.stac import Addresses, Made, item_id, stac_collection, stac_item
from grids.shipped import shipped_columns
from grids.store_errors import ItemNotFound

router = APIRouter(tags=["documents"], prefix="/{region}")

YAML = "application/yaml"


class ColumnOut(Answer):
    """What one column means."""

    name: str
    type: str
    unit: str
    nullable: bool
    label: dict[str, str]
    meaning: dict[str, str]
    collections: list[str]


class ColumnsOut(Answer):
    """The column dictionary of an edition."""

    edition: str
    synthetic: bool
    illustrative: dict[str, bool]
    attributions: list[dict[str, Any]]
    columns: list[ColumnOut]


class FactorsOut(Answer):
    """The factors and assumptions behind an edition's numbers."""

    edition: str
    synthetic: bool
    illustrative: dict[str, bool]
    attributions: list[dict[str, Any]]
    factors: list[dict[str, Any]]
    assumptions: list[dict[str, Any]]


@router.get("/columns", response_model=ColumnsOut, dependencies=[Depends(only("edition"))])
def columns(request: Request, opened: OpenedParam) -> Response:
    """Say what every column means, with type, unit and the collections that have it."""
    edition = opened.edition
    return of_edition(
        request,
        opened,
        lambda: dumped({**labels(edition.manifest), "columns": documents.columns(edition, shipped_columns())}),
    )


@router.get("/factors", response_model=FactorsOut, dependencies=[Depends(only("edition"))])
def factors(request: Request, opened: OpenedParam) -> Response:
    """List the factors used, how each was chosen and from which source, and the assumptions where there was none."""
    manifest = opened.edition.manifest
    listed = {"factors": manifest.factors, "assumptions": manifest.assumptions}
    return of_edition(request, opened, lambda: dumped({**labels(manifest), **listed}))


@router.get(
    "/citation",
    response_class=Response,
    responses={200: {"content": {YAML: {}}, "description": "CITATION.cff, Citation File Format 1.2.0"}},
    dependencies=[Depends(only("edition"))],
)
def citation(request: Request, opened: OpenedParam) -> Response:
    """Say how to cite the edition."""
    return of_edition(request, opened, lambda: documents.citation(opened.edition).encode(), YAML)


@router.get("/stac", response_model=dict[str, Any], dependencies=[Depends(only("edition"))])
def stac(request: Request, opened: OpenedParam, settings: SettingsParam, workshop: WorkshopParam) -> Response:
    """Return the edition as a STAC collection; digests are known of files that have been made."""
    edition, files = opened.edition, export_files(opened.edition)
    sums = sums_of(edition, workshop)
    made = {name: Made(*known) for name, known in sums.items()}
    here = _addresses(request, opened, settings)
    return answer(request, lambda: dumped(stac_collection(edition, files, made, here)), of=state_of(edition, sums))


def table_of(
    opened: OpenedParam, item: Annotated[str, Path(description="collection and year, such as grid-1km_2023")]
) -> PublicTable:
    """Return the table that a STAC item stands for."""
    edition = opened.edition
    tables = ((info, year) for info in edition.manifest.collections for year in info.years)
    found = next(((info, year) for info, year in tables if item_id(info.id, year) == item), None)
    if found is None:
        raise ItemNotFound(
            f"the STAC collection of edition {edition.id} has no item {item[:80]!r}; items are called as a collection "
            "and a year: grid-1km_2023"
        )
    return PublicTable(edition, *found, shipped_columns())


def made_files(opened: OpenedParam, workshop: WorkshopParam) -> dict[str, tuple[int, str]]:
    """Return size and SHA-256 of the edition's files that are there, which asks the disk."""
    return sums_of(opened.edition, workshop)


@router.get(
    "/stac/items/{item}",
    response_class=Response,
    responses={200: {"content": {GEOJSON.media_type: {"schema": {"type": "object"}}}, "description": "a STAC item"}},
    dependencies=[Depends(only("edition"))],
)
async def stac_of_table(
    request: Request,
    opened: OpenedParam,
    table: Annotated[PublicTable, Depends(table_of)],
    sums: Annotated[dict[str, tuple[int, str]], Depends(made_files)],
    settings: SettingsParam,
) -> Response:
    """Return one collection's table of one year as a STAC item."""
    of = state_of(opened.edition, sums)

    def body() -> bytes:
        made = {name: Made(*known) for name, known in sums.items()}
        here = _addresses(request, opened, settings)
        return dumped(stac_item(table, export_files(opened.edition), made, here))  # reads where all of its cells lie

    known = known_answer(request, of=of, media_type=GEOJSON.media_type)
    if known is not None:
        return known
    return await reading(request, lambda: answer(request, body, of=of, media_type=GEOJSON.media_type))


def _addresses(request: Request, opened: Opened, settings: Settings) -> Addresses:
    links, region = Links(request, settings), opened.edition.region.id
    pin = opened.edition.id if opened.pinned else None
    return Addresses(
        links.address(region, "stac", edition=pin),
        lambda item: links.address(region, "stac", "items", item, edition=pin),
        lambda name: links.address(region, "downloads", name, edition=pin),
    )
