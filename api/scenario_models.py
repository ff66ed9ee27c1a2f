"""Shapes of the answers about scenarios."""

from typing import Any, Literal

from pydantic import Field

from api.models import Answer, Labels, Link


class MeasureKindOut(Answer):
    """A kind of measure: when it applies, what it asks, and the JSON Schema of its document.

    Those that need the process take longer than an answer may: they run as jobs of /processes/scenario only.
    """

    kind: str
    name: str = Field(description="in the language asked for (Accept-Language), as all words here")
    stage: str
    sector: str
    unit: str = Field(description="what its costs are per; empty where it takes none")
    unit_text: str = Field(description="the unit in words")
    about: str
    needs_process: bool
    parameters: list[str] = Field(description="ids of those that a measure may give itself")
    scenario_parameters: list[str] = Field(description="ids of those that hold for the whole scenario, given there")
    document: dict[str, Any]


class ParameterOut(Answer):
    """A number behind measures; without value it is a gap, to be given."""

    id: str
    meaning: str
    unit: str
    unit_text: str
    value: float | None = None
    minimum: float
    maximum: float
    low95: float | None = None
    high95: float | None = None
    distribution: str | None = None
    source: str | None = None
    confidence: str
    status: str
    note: str | None = None
    factor_id: str | None = None


class MeasuresOut(Labels):
    """All kinds of measures, in the order in which they are applied, and the numbers they rest on."""

    stages: list[str]
    stage_names: dict[str, str]
    indicators: dict[str, str] = Field(description="names of a result's indicators")
    measures: list[MeasureKindOut]
    parameters: list[ParameterOut]
    elasticities: dict[str, dict[str, float]]
    limits: dict[str, int]
    stops: int = Field(
        description="transit stops that the edition tells; with 0, a scenario has to give those there are"
    )
    document: dict[str, Any]


class Asked(Labels):
    """What was asked, and what to know of the numbers."""

    region: str
    collection: str
    baseline_year: int
    scenario: dict[str, Any]
    digest: str
    samples: int
    notes: dict[str, str]


class ResultOut(Asked):
    """A scenario's result in all."""

    result: dict[str, Any]
    links: list[Link]


class PlaceOut(Answer):
    """A cell or zone with what changes there."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    properties: dict[str, Any] = Field(
        description="tCO2e a year, null where unknown: of buildings, transport, forest, net `<sector>_before_tco2e`, "
        "`<sector>_change_tco2e`, `<sector>_after_tco2e`; `change_low_tco2e` and `change_high_tco2e`, the range of net "
        "over the sets of elasticities, which is no interval. With samples, by the first set of elasticities, of cells "
        "of the scenario's own grid the standard deviation `change_sd_tco2e`, of other places the 90 % interval "
        "`change_low90_tco2e` and `change_high90_tco2e`; and the same by each set: `change_sd_<set>_tco2e`, "
        "`change_low90_<set>_tco2e`, `change_high90_<set>_tco2e`; `change_excludes_zero`: whether that interval holds "
        "no zero, else the change cannot be told from none. `<sector>_known_share` (0 to 1): of how much of the "
        "ground a sector is known; `held`: whether values of the place are protected in the edition; "
        "`name_<language>`. Cells of a finer grid (`detail`) have only before and change of sectors, and change of net"
    )


class PlacesOut(Asked):
    """Cells or zones of a result."""

    type: Literal["FeatureCollection"]
    links: list[Link]
    of: str
    numberMatched: int
    numberReturned: int
    change_tco2e: float
    outside_tco2e: float
    result_illustrative: bool
    features: list[PlaceOut]


class RoadProperties(Answer):
    """What measures of roads start from; null where nobody tells."""

    km: float
    kmh: float | None
    lanes: float | None
    aadt: float | None = Field(description="vehicles a day, both directions")
    oneway: bool


class RoadOut(Answer):
    """A road that measures can name by its id."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    properties: RoadProperties


class RoadsOut(Labels):
    """Roads by place or by id; those that the edition does not have are left out."""

    type: Literal["FeatureCollection"]
    year: int
    numberReturned: int
    features: list[RoadOut]


class BeforeAfter(Answer):
    """tCO2e a year; null where the edition tells nothing of the sector, and of net where it does so of any sector."""

    before: float | None
    change: float
    after: float | None


class SetOut(Answer):
    """What one set of elasticities says of an area, tCO2e a year; no interval without samples."""

    change_tco2e: float
    interval_tco2e: tuple[float, float] | None


class AreaOut(Asked):
    """What a result says of one area."""

    result_illustrative: bool
    cells: int
    area_ha: float
    buildings: BeforeAfter
    transport: BeforeAfter
    forest: BeforeAfter
    net: BeforeAfter
    known_share: dict[str, float | None]
    range_tco2e: tuple[float, float]
    interval_tco2e: tuple[float, float] | None = Field(description="90 %, by the first set of elasticities")
    sets: dict[str, SetOut]


class SavedOut(Answer):
    """One version of a saved scenario, as it may be exported and sent again."""

    id: str
    region: str
    created: str
    version: int
    latest: int
    saved: str
    edition: str
    scenario: dict[str, Any]
    links: list[Link]


class SavedListOut(Answer):
    """One's own scenarios, the latest version of each."""

    scenarios: list[SavedOut]
