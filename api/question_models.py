"""Shapes of the answers to questions: statistics, series, rankings, searches, editions."""

from typing import Any, Literal

from api.models import Answer, Labels


class PartOut(Answer):
    """Emissions by one carrier and basis."""

    carrier: str
    basis: str
    tco2e: float | None
    unknown: int


class SectorOut(Answer):
    """One sector, or net, over what was chosen."""

    sector: str
    tco2e: float | None
    unknown: int
    sd_at_most_tco2e: float | None
    interval_90: tuple[float, float] | None
    by_carrier: list[PartOut]
    by_basis: dict[str, float | None]
    methods: dict[str, float | None]
    coverage: float | None
    t_per_ha: float | None
    t_per_person: float | None
    illustrative: bool


class YearTotals(Answer):
    """One year of a profile: tCO2e per sector, with 90 % intervals at least as wide as they should be."""

    year: int
    rows: int
    held: int
    tco2e: dict[str, float | None]
    interval_90: dict[str, tuple[float, float] | None]
    unknown: dict[str, int]


class StatisticsOut(Labels):
    """What a polygon, or some items of a collection, hold."""

    collection: str
    year: int
    rows: int
    partly: int
    held: int
    area_ha: float
    drawn_ha: float | None
    ground_ha: float | None
    population: float | None
    population_unknown: int
    sectors: list[SectorOut]
    profile: list[YearTotals] | None = None
    notes: dict[str, str]


class Series(Answer):
    """One item over the years."""

    id: str
    name: dict[str, str]
    held: list[bool | None]
    values: dict[str, list[float | None]]


class TimeseriesOut(Labels):
    """Items of a collection over its years."""

    collection: str
    years: list[int]
    series: list[Series]


class RankedOut(Answer):
    """One item of a ranking."""

    rank: int
    ties: int
    id: str
    name: dict[str, str]
    value: float
    percent_of_total: float | None
    held: bool


class RankingOut(Labels):
    """Items in the order of a column."""

    collection: str
    year: int
    column: str
    unit: Literal["t", "t_per_ha", "t_per_person"]
    order: Literal["desc", "asc"]
    parent: str | None
    peers: int
    unknown: int
    total: float | None
    ranked: list[RankedOut]
    item: RankedOut | None


class FoundOut(Answer):
    """A place that a search found; geometry is a point within it."""

    type: Literal["Feature"]
    id: str
    bbox: tuple[float, float, float, float]
    geometry: dict[str, Any]
    properties: dict[str, Any]
    links: list[dict[str, Any]]


class SearchOut(Labels):
    """What a search found, best first."""

    type: Literal["FeatureCollection"]
    q: str
    understood: Literal["name", "coordinates", "cell", "hexagon"]
    numberReturned: int
    more: bool
    features: list[FoundOut]


class EditionOut(Answer):
    """One edition that is kept."""

    id: str
    current: bool
    published: str
    years: list[int]
    collections: list[str]
    inputs: int
    code: str
    totals: dict[str, dict[str, float | None]]
    illustrative: dict[str, bool]
    inputs_changed: bool | None
    links: list[dict[str, Any]]


class EditionsOut(Answer):
    """All editions of a region that are kept, newest first."""

    region: str
    current: str
    synthetic: bool
    attributions: list[dict[str, Any]]
    broken: list[str]
    editions: list[EditionOut]


class Changes(Answer):
    """What one edition has more, less or otherwise than another."""

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[dict[str, Any]]


class TotalChange(Answer):
    """A sector's total of a year in both editions, tCO2e."""

    year: int
    sector: str
    before: float | None
    after: float | None
    difference: float | None


class ZoneChange(Answer):
    """An item whose value differs most."""

    id: str
    name: dict[str, str]
    before: float | None
    after: float | None
    difference: float | None


class LargestOut(Answer):
    """The items of a collection that changed most."""

    collection: str
    year: int
    column: str
    changed: int
    compared: int
    items: list[ZoneChange]


class DiffOut(Answer):
    """What changed between two editions, and why."""

    region: str
    synthetic: bool
    attributions: list[dict[str, Any]]
    before: dict[str, Any]
    after: dict[str, Any]
    same: bool
    inputs: Changes
    factors: Changes
    assumptions: Changes
    configuration: Changes
    code: dict[str, Any] | None
    libraries: Changes
    collections: dict[str, list[str]]
    totals: list[TotalChange]
    largest: LargestOut | None
    reasons: list[str]
