"""Query parameters as typed dependencies: routes receive checked values or are not called.

Those that read nothing and take microseconds are `async`: otherwise each would be handed to a thread and back, which
takes longer than most of them do.
"""

import unicodedata
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator

from api.errors import InvalidParameter
from api.keys import KEY
from api.plain_numbers import WholeNumber, loosely_written
from api.settings import Settings
from grids.edition import Edition, Store
from grids.manifest import Collection, checked_edition
from grids.store_errors import InvalidName


async def store_of(request: Request) -> Store:
    """Return the application's store."""
    store: Store = request.app.state.store
    return store


async def settings_of(request: Request) -> Settings:
    """Return the application's settings."""
    settings: Settings = request.app.state.settings
    return settings


StoreParam = Annotated[Store, Depends(store_of)]
SettingsParam = Annotated[Settings, Depends(settings_of)]


@dataclass(frozen=True)
class Opened:
    """The edition that a request is about, and whether the request named it (then its answer never changes)."""

    edition: Edition
    pinned: bool


def edition_named(store: Store, region: str, edition: str) -> Opened:
    """Open an edition of a region by its id.

    Raises:
        InvalidParameter: what no edition is called.
        EditionNotFound, EditionBroken: none of that id is kept whole.
    """
    try:
        checked_edition(edition)
    except InvalidName as error:
        raise InvalidParameter(str(error)) from error
    return Opened(store.open(region, edition), True)


def opened(
    store: StoreParam,
    region: Annotated[str, Path(description="id of a region, see /api/regions")],
    edition: Annotated[
        str | None, Query(description="16 hex digits: answer from this edition, not the current one")
    ] = None,
) -> Opened:
    """Open the region's current edition, or the one named."""
    return Opened(store.open(region), False) if edition is None else edition_named(store, region, edition)


OpenedParam = Annotated[Opened, Depends(opened)]


CollectionId = Annotated[str, Path(description="id of a collection of the region")]


async def collection_of(opened: OpenedParam, collection: CollectionId) -> Collection:
    """Return the collection a request is about."""
    return opened.edition.collection(collection)


CollectionParam = Annotated[Collection, Depends(collection_of)]


WantedYearParam = Annotated[
    int | None, Query(alias="year", description="one of the collection's years; the latest if not given", ge=1, le=9999)
]
PropertiesParam = Annotated[
    str | None, Query(alias="properties", description="names of columns, separated by commas; all if not given")
]


async def year_of(opened: OpenedParam, collection: CollectionParam, year: WantedYearParam = None) -> int:
    """Return a year the collection has."""
    return opened.edition.year(collection.id, year)


YearParam = Annotated[int, Depends(year_of)]


async def columns_of(collection: CollectionParam, properties: PropertiesParam = None) -> list[str] | None:
    """Return the columns asked for, each once, or none when the request leaves it open."""
    return column_names(collection, properties)


def column_names(collection: Collection, properties: str | None) -> list[str] | None:
    """Return the columns that a list names, each once; none where there is no list.

    Raises:
        InvalidParameter: the collection has no such column.
    """
    if properties is None:
        return None
    names = list(dict.fromkeys(name for name in properties.split(",") if name))
    unknown = [name for name in names if name not in collection.columns]
    if unknown:
        raise InvalidParameter(
            f"properties: collection {collection.id!r} has no column {unknown[0][:80]!r}; "
            f"it has {', '.join(collection.columns)}"
        )
    return names


ColumnsParam = Annotated[list[str] | None, Depends(columns_of)]
FormatParam = Annotated[
    str | None, Query(alias="f", description="form of the answer; otherwise the Accept header decides")
]


def composed(name: str) -> str:
    """Return an id with its letters put together (NFC), as ids are; what is typed or copied on a Mac may not be."""
    return unicodedata.normalize("NFC", name)


ComposedId = Annotated[str, AfterValidator(composed)]
ItemId = Annotated[ComposedId, Path(description="a cell's code, a zone's id or an H3 index")]
Zoom = Annotated[WholeNumber, Path(description="tile matrix", alias="tileMatrix")]
Row = Annotated[WholeNumber, Path(description="tile row, 0 in the north", alias="tileRow")]
Column = Annotated[WholeNumber, Path(description="tile column, 0 in the west", alias="tileCol")]


_NUMBERS = frozenset(
    ("year", "limit", "offset", "samples", "version", "follows", "quantiles", "lon", "lat", "within_m")
)
"""Parameters that are numbers, wherever an address takes one of the name."""
_SECRETS = {"key", "apikey", "api_key", "api-key", "token", "access_token", "authorization"}
"""Names under which other servers take keys in addresses."""


def only(*names: str) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that refuses unknown and repeated query parameters; a misspelt one would do nothing."""

    async def check(request: Request) -> None:
        check_names(request, names)

    return check


def check_names(request: Request, names: Sequence[str]) -> None:
    """Refuse query parameters of other names, and repeated ones.

    Raises:
        InvalidParameter: names the parameter and those that are known.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    unknown = sorted(set(given) - set(names))
    secret = [name for name in unknown if name.lower() in _SECRETS or KEY.search(request.query_params[name])]
    if secret:
        raise InvalidParameter(
            f"{secret[0][:80]}: a key never goes into an address, which others get to see: send it as the header "
            f"'Authorization: Bearer ck_...'. If it was a real one, have it revoked"
        )
    if unknown:
        known = ", ".join(names) or "none"
        raise InvalidParameter(f"{unknown[0][:80]!r} is no parameter of this address: expected {known}")
    counts = Counter(given)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise InvalidParameter(f"{twice[0]}: given {counts[twice[0]]} times, expected once")
    for name in sorted(_NUMBERS & set(given)):
        if loosely_written(value := request.query_params[name]):
            raise InvalidParameter(f"{name}: got {value[:80]!r}, expected a number in digits 0 to 9, without spaces")
