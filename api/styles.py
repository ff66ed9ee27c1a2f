"""MapLibre styles of a region: a theme's values with their colours, by collection, year and unit, on light or dark."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import Links, dumped, labels, link, of_edition, preferred, spoken, unchanged
from api.auto_grid import AUTO_GRID, grid_bands
from api.measures import Unit, measured, terms_of
from api.pages import page_language
from api.params import OpenedParam, SettingsParam, WantedYearParam, only
from api.style_layers import CONTEXT, VALUES, Layer, ground_layers, guide_layers, value_layers
from api.tile_models import Style, Styles
from api.tilejson import FIRST_ZOOM, attribution
from api.tilesets import TEMPLATE, TILES
from api.turns import reading
from api.words import WORDS
from grids.class_breaks import ValueClass, value_classes
from grids.edition import Edition
from grids.manifest import Bbox, Collection
from grids.ramps import GROUNDS, THEMES, Ground
from grids.shipped import shipped_columns
from grids.tiles import CONTEXT_KINDS, CONTEXT_MAX_ZOOM, CONTEXT_MIN_ZOOM, zooms

router = APIRouter(tags=["tiles"], prefix="/{region}/styles")

STYLE = "application/vnd.mapbox.style+json"

Theme = Literal["net", "buildings", "transport", "forest"]
Drawn = Sequence[tuple[Collection, tuple[int, int] | None]]
"""Collections, and the zooms at which each is drawn, both included; all zooms if none."""


class StyleJson(JSONResponse):
    """Tells the definition which media type the model is of."""

    media_type = STYLE


@router.get("", response_model=Styles, dependencies=[Depends(only("edition"))])
def styles(request: Request, opened: OpenedParam, settings: SettingsParam) -> Response:
    """List the styles of a region: one for each theme."""
    links, region = Links(request, settings), opened.edition.region.id
    pin = opened.edition.id if opened.pinned else None
    language = page_language(request)

    def body() -> bytes:
        listed = [
            {
                "id": theme,
                "title": _label(theme, language),
                "links": [
                    link(
                        "stylesheet",
                        links.address(
                            region, "styles", theme, ground=None if ground == "light" else ground, edition=pin
                        ),
                        STYLE,
                        title=ground,
                    )
                    for ground in GROUNDS
                ],
            }
            for theme in _themes(opened.edition)
        ]
        document = {
            "default": listed[0]["id"],
            "styles": listed,
            "links": [link("self", links.again(request, region, "styles"))],
            **labels(opened.edition.manifest),
        }
        return dumped(document)

    return of_edition(request, opened, body, headers=spoken(request, opened))


@router.get(
    "/{theme}",
    response_model=Style,
    response_class=StyleJson,
    dependencies=[Depends(only("edition", "year", "collection", "unit", "ground"))],
)
async def style(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    theme: Annotated[Theme, Path(description="whose emissions are drawn")],
    collection: Annotated[
        str | None,
        Query(
            description=f"what is drawn; {AUTO_GRID}, the grid that suits the zoom, if not given and there are grids"
        ),
    ] = None,
    year: WantedYearParam = None,
    unit: Annotated[Unit, Query(description="t as it is; or divided by hectares or by people")] = "t",
    ground: Annotated[Ground, Query(description="what the map lies on")] = "light",
) -> Response:
    """Return a MapLibre style; its breaks follow from how the values are spread, and its tiles name the edition."""
    edition, links = opened.edition, Links(request, settings)
    chosen = collection or _first(edition)
    drawn: Drawn
    if chosen == AUTO_GRID:
        drawn = [(band.grid, (band.least, band.greatest)) for band in grid_bands(edition)]
    else:
        drawn = [(edition.collection(chosen), None)]
    column = f"{theme}_tco2e"
    terms = {info.id: terms_of(info, column, unit) for info, _ in drawn}
    for info, _ in drawn:
        year = edition.year(info.id, year)
    made_year = year

    def body() -> bytes:
        assert made_year is not None
        classes = {}
        for info, _ in drawn:
            found = measured(opened, info, made_year, terms[info.id], unit)
            classes[info.id] = value_classes(found[np.isfinite(found)], THEMES[theme][ground])
        title = f"{preferred(request, edition.region.name)[1]}: {_label(theme, page_language(request))}, {made_year}"
        told = {
            "theme": theme,
            "collection": chosen,
            "year": made_year,
            "column": column,
            "unit": unit,
            "ground": ground,
            "classes": {name: [described_class(one) for one in each] for name, each in classes.items()},
        }
        values = [
            layer
            for info, shown in drawn
            for layer in value_layers(info.id, chosen, column, unit, classes[info.id], GROUNDS[ground], shown)
        ]
        source = _values_source(links, edition, chosen, drawn, made_year)
        return dumped(style_document(request, links, edition, title, told, source, values, ground))

    headers = spoken(request, opened)
    known = unchanged(request, opened, STYLE, headers)
    if known is not None:
        return known
    return await reading(request, lambda: of_edition(request, opened, body, STYLE, headers))


def _first(edition: Edition) -> str:
    grids = any(info.kind == "grid" for info in edition.collections.values())
    return AUTO_GRID if grids or not edition.collections else next(iter(edition.collections))


def _values_source(links: Links, edition: Edition, chosen: str, drawn: Drawn, year: int) -> dict[str, Any]:
    path = (AUTO_GRID,) if chosen == AUTO_GRID else ("collections", chosen)
    finest = drawn[-1][0]
    bounds: Bbox = finest.bbox or edition.region.bbox
    # The year stands first: newer QGIS ends the address of a style's tiles at the first `&`.
    template = links.address(edition.region.id, *path, raw=TILES + TEMPLATE, year=year, edition=edition.id)
    return {
        "type": "vector",
        "tiles": [template],
        "minzoom": zooms(drawn[0][0])[0],
        "maxzoom": zooms(finest)[1],
        "bounds": bounds,
    }


def style_document(
    request: Request,
    links: Links,
    edition: Edition,
    title: str,
    told: Mapping[str, Any],
    source: Mapping[str, Any],
    values: Sequence[Layer],
    ground: Ground,
) -> dict[str, Any]:
    """Return a MapLibre style of values on the region's background.

    Args:
        request: says in which language.
        links: makes addresses.
        edition: whose background, labels and attributions are taken.
        title: of the style, without a word on synthetic regions.
        told: what `metadata.carbonmap` says of the values.
        source: of the values' tiles.
        values: their layers.
        ground: what the map lies on.
    """
    said, colours = WORDS[page_language(request)], GROUNDS[ground]
    kinds = [kind for kind in CONTEXT_KINDS if kind in edition.manifest.context]
    background = {
        "type": "vector",
        "tiles": [links.address(edition.region.id, "context", raw=TILES + TEMPLATE, edition=edition.id)],
        "minzoom": CONTEXT_MIN_ZOOM,
        "maxzoom": CONTEXT_MAX_ZOOM,
        "bounds": edition.region.bbox,
    }
    marks = [attribution(edition), *([said["synthetic"]] if edition.region.synthetic else [])]
    west, south, east, north = edition.region.bbox
    return {
        "version": 8,
        "name": f"{title} ({said['synthetic']})" if edition.region.synthetic else title,
        "metadata": {"carbonmap": {**told, **labels(edition.manifest)}},
        "center": [(west + east) / 2, (south + north) / 2],
        "zoom": FIRST_ZOOM,
        "sources": {
            VALUES: {**source, "promoteId": "id", "attribution": " | ".join(mark for mark in marks if mark)},
            **({CONTEXT: background} if kinds else {}),
        },
        "layers": [*ground_layers(colours, kinds), *values, *guide_layers(colours, kinds)],
    }


def described_class(one: ValueClass) -> dict[str, Any]:
    """Return a class as documents tell it."""
    return {"from": one.low, "to": one.high, "colour": one.colour}


def _label(theme: str, language: str) -> str:
    return shipped_columns().describe(f"{theme}_tco2e").label[language]


def _themes(edition: Edition) -> list[str]:
    columns = {name for info in edition.collections.values() for name in info.columns}
    return [theme for theme in THEMES if f"{theme}_tco2e" in columns]
