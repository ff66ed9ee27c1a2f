"""Which collections a region has, and how the values of a column are spread."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray

from api.answers import GEOJSON, TILE_MATRIX_SET, Links, dumped, labels, link, of_edition
from api.errors import InvalidParameter
from api.models import CollectionOut, Collections, Distribution
from api.params import CollectionParam, Opened, OpenedParam, SettingsParam, YearParam, only
from grids.manifest import Collection
from grids.tiles import zooms

router = APIRouter(tags=["collections"], prefix="/{region}/collections")

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
QUANTILES = np.linspace(0, 1, 21)

Unit = Literal["t", "t_per_ha", "t_per_person"]
_DIVISORS = {"t_per_ha": "area_ha", "t_per_person": "population"}


@router.get("", response_model=Collections, dependencies=[Depends(only("edition"))])
def collections(request: Request, opened: OpenedParam, settings: SettingsParam) -> Response:
    """List the region's collections: grids, zone sets and hexagons."""
    links = Links(request, settings)
    pin = opened.edition.id if opened.pinned else None

    def body() -> bytes:
        described = [_described(links, opened, info) for info in opened.edition.manifest.collections]
        own = [link("self", links.address(opened.edition.region.id, "collections", edition=pin))]
        return dumped({"collections": described, "links": own})

    return of_edition(request, opened, body)


@router.get("/{collection}", response_model=CollectionOut, dependencies=[Depends(only("edition"))])
def collection(request: Request, opened: OpenedParam, collection: CollectionParam, settings: SettingsParam) -> Response:
    """Describe one collection."""
    return of_edition(request, opened, lambda: dumped(_described(Links(request, settings), opened, collection)))


@router.get(
    "/{collection}/distribution",
    response_model=Distribution,
    dependencies=[Depends(only("edition", "year", "column", "unit"))],
)
def distribution(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    column: Annotated[str, Query(description="a column of numbers, e.g. net_tco2e")],
    unit: Annotated[Unit, Query(description="t as it is; or divided by hectares or by people")] = "t",
) -> Response:
    """Say how a column's values are spread, for class breaks: 21 quantiles, 0 to 100 % by 5 %."""
    _check(collection, column, unit)

    def body() -> bytes:
        values = _values(opened, collection, year, column, unit)
        known = values[~np.isnan(values)]
        quantiles = np.quantile(known, QUANTILES).tolist() if len(known) else []
        return dumped(
            {
                "collection": collection.id,
                "year": year,
                "column": column,
                "unit": unit,
                "count": len(known),
                "nulls": len(values) - len(known),
                "min": quantiles[0] if quantiles else None,
                "max": quantiles[-1] if quantiles else None,
                "quantiles": quantiles,
                **labels(opened.edition.manifest),
            }
        )

    return of_edition(request, opened, body)


def _check(collection: Collection, column: str, unit: Unit) -> None:
    if column not in collection.columns:
        raise InvalidParameter(
            f"column: collection {collection.id!r} has no column {column[:80]!r}; "
            f"it has {', '.join(collection.columns)}"
        )
    divisor = _DIVISORS.get(unit)
    if divisor is not None and not column.endswith("_tco2e"):
        raise InvalidParameter(f"unit: {unit} needs a column of emissions (..._tco2e), got {column!r}; expected t")
    if divisor is not None and divisor not in collection.columns:
        raise InvalidParameter(f"unit: collection {collection.id!r} has no column {divisor} for {unit}; expected t")


def _values(opened: Opened, collection: Collection, year: int, column: str, unit: Unit) -> NDArray[np.float64]:
    divisor = _DIVISORS.get(unit)
    rows = opened.edition.table(collection.id, year, list(dict.fromkeys([column, divisor or column])))
    kind = rows.schema.field(column).type
    if str(kind) in ("string", "bool"):
        raise InvalidParameter(f"column: {column!r} holds {kind} values, expected a column of numbers")
    values: NDArray[np.float64] = rows[column].to_numpy().astype(np.float64)
    if divisor is None:
        return values
    by = rows[divisor].to_numpy().astype(np.float64)
    # Where nobody lives, tonnes per person are unknown rather than infinite.
    return np.asarray(np.divide(values, by, out=np.full_like(values, np.nan), where=by > 0))


def _described(links: Links, opened: Opened, info: Collection) -> dict[str, Any]:
    edition = opened.edition
    region, pin = edition.region.id, edition.id if opened.pinned else None
    least, greatest = zooms(info)
    at = (region, "collections", info.id)
    return {
        "id": info.id,
        "title": info.title,
        "kind": info.kind,
        "level": info.level,
        "parent": info.parent,
        "cell_size_m": info.cell_size_m,
        "resolution": info.resolution,
        "zone_kind": info.zone_kind,
        "years": info.years,
        "sectors": [sector for sector in edition.manifest.sectors if f"{sector}_tco2e" in info.columns],
        "columns": info.columns,
        "count": info.count,
        "bbox": info.bbox,
        "extent": {"spatial": {"bbox": [info.bbox], "crs": CRS84}} if info.bbox else None,
        "minzoom": least,
        "maxzoom": greatest,
        "itemType": "feature",
        "crs": [CRS84],
        **labels(edition.manifest),
        "links": [
            link("self", links.address(*at, edition=pin)),
            link("items", links.address(*at, "items", edition=pin), GEOJSON),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
                links.address(*at, "tiles", TILE_MATRIX_SET, edition=pin),
            ),
        ],
    }
