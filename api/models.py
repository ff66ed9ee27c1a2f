"""Shapes of the answers, for the OpenAPI document and for tests; routes write JSON directly, which is faster."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from grids.manifest import Attribution, Bbox


class Answer(BaseModel):
    """Unknown members are errors, so that tests notice what is not described here."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Problem(Answer):
    """RFC 9457 problem."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] | None = None
    most_tco2e: float | None = None
    shortfall_tco2e: float | None = None


class Link(Answer):
    """Where to go from here."""

    rel: str
    href: str
    type: str
    title: str | None = None
    templated: bool | None = None


class Health(Answer):
    """Whether the server can serve; `broken` names regions whose edition is damaged.

    `starting`: what makes tiles is not ready yet, and the first ones would take seconds.
    """

    status: Literal["ok", "degraded", "starting"]
    regions: int
    broken: list[str] = []


class HeldKey(Answer):
    """Whose a key is; `prefix` names it, and `expires` is the moment from which on it opens nothing."""

    name: str
    role: Literal["planner", "admin"]
    prefix: str
    expires: str | None


class Labels(Answer):
    """What stands beside every number."""

    edition: str
    synthetic: bool
    illustrative: dict[str, bool]
    attributions: list[Attribution]


class BaseMap(Answer):
    """A map of somebody else's that the region wants below its numbers: XYZ pictures in Web Mercator."""

    tiles: str
    dark_tiles: str | None
    attribution: Attribution
    maxzoom: int
    tile_size: Literal[256, 512]


class Region(Labels):
    """One region that is served."""

    id: str
    name: dict[str, str]
    languages: list[str]
    bbox: Bbox
    years: list[int]
    currency: str | None = Field(default=None, description="ISO 4217, of costs that name no other; null: none is known")
    base_map: BaseMap | None = Field(default=None, description="null: the region has none, and its own ground is drawn")


class Landing(Labels):
    """Landing page of a region."""

    id: str
    title: str
    name: dict[str, str]
    languages: list[str]
    bbox: Bbox
    years: list[int]
    currency: str | None = Field(default=None, description="ISO 4217, of costs that name no other; null: none is known")
    links: list[Link]


class Conformance(Answer):
    """Conformance classes of OGC API that the server meets."""

    conformsTo: list[str]


class Extent(Answer):
    """Where and of when a collection is."""

    spatial: dict[str, Any] | None = None
    temporal: dict[str, Any] | None = None


class CollectionOut(Labels):
    """One collection."""

    id: str
    title: str
    titles: dict[str, str]
    kind: Literal["grid", "zones", "hexagons"]
    level: int
    parent: str | None
    cell_size_m: int | None
    resolution: int | None
    zone_kind: str | None
    years: list[int]
    sectors: list[str]
    columns: list[str]
    count: int
    bbox: Bbox | None
    extent: Extent | None
    minzoom: int
    maxzoom: int
    auto_zooms: tuple[int, int] | None = Field(
        description="zooms of tiles at which grid-auto draws this grid, both included; null: at none"
    )
    itemType: Literal["feature"]
    crs: list[str]
    storageCrs: str | None = None
    links: list[Link]


class Collections(Answer):
    """All collections of a region."""

    collections: list[CollectionOut]
    links: list[Link]


class Feature(Answer):
    """One cell, zone or hexagon as GeoJSON."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any] | None
    properties: dict[str, str | float | bool | None]


class Item(Labels, Feature):
    """One feature by itself, with what must stand beside its numbers."""

    year: int
    links: list[Link]


class FeatureCollection(Labels):
    """A page of features."""

    type: Literal["FeatureCollection"]
    numberMatched: int
    numberReturned: int
    year: int | None
    features: list[Feature]
    links: list[Link]


class JsonSchema(Answer):
    """A JSON Schema (2020-12) of a collection's columns."""

    dialect: str = Field(alias="$schema")
    address: str = Field(alias="$id")
    type: Literal["object"]
    title: str
    properties: dict[str, dict[str, Any]]
    additionalProperties: Literal[False]


class Spread(Answer):
    """How values are spread."""

    count: int
    nulls: int
    min: float | None
    max: float | None
    quantiles: list[float] = Field(
        description="in equal steps from 0 to 100 %, 21 unless asked otherwise; none where nothing is known"
    )


class YearSpread(Spread):
    """How the values of one year are spread."""

    year: int


class Distribution(Labels, Spread):
    """How a column's values are spread."""

    collection: str
    year: int
    column: str
    unit: Literal["t", "t_per_ha", "t_per_person"]
    less: int | None = Field(default=None, description="the year whose values were taken off; null: none was")
    less_column: str | None = Field(default=None, description="what was taken off; null: the same column")
    less_edition: str | None = Field(default=None, description="of which edition; null: of the same")
    profile: list[YearSpread] | None = Field(
        default=None, description="the values themselves in each of the collection's years; null: not asked for"
    )


class TileJson(Labels):
    """TileJSON 3.0.0."""

    tilejson: Literal["3.0.0"]
    name: str
    attribution: str
    scheme: Literal["xyz"]
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: Bbox
    center: tuple[float, float, int]
    vector_layers: list[dict[str, Any]]
    year: int | None = None
