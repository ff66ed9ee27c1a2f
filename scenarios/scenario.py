"""The scenario as a document (JSON): measures with area, start, ramp, level, parameters and costs."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from scenarios.errors import InvalidScenario

LonLat = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
Share = Annotated[float, Field(ge=0, le=1)]
Year = Annotated[int, Field(ge=1990, le=2150)]
Ring = Annotated[list[LonLat], Field(min_length=4, max_length=20_000)]
Given = float | tuple[float, float, float]
Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(min_length=1, max_length=50)]
MOST_COST = 1e15
"""Of a unit, in any currency: so much that sums of what is real fit, and none is infinite."""
FORMS = frozenset({"growth", "use_change", "transit_stops", "streets", "green_loss"})
ROADS = frozenset({"road_closure", "new_road", "road_speed", "road_lanes", "car_free_area"})
RoadIds = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(min_length=1, max_length=1000)
]


class Strict(BaseModel):
    """Unknown keys are errors: a misspelt one would otherwise vanish silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Area(Strict):
    """Where a measure acts: a polygon (rings of lon/lat, the first is the shell), or zones of a collection by id."""

    polygon: list[Ring] | None = Field(default=None, min_length=1, max_length=100)
    collection: str | None = Field(default=None, max_length=64)
    ids: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.polygon is None) == (self.collection is None) or (self.collection is None) != (self.ids is None):
            raise ValueError("give either a polygon, or a collection and ids of its zones")
        return self


class Costs(Strict):
    """What a unit of the measure costs, as the user says; units are named by the measure (m2, kWp, ha, ...).

    Without a currency costs are in the region's own; where that is not known either, in "currency units".
    """

    capital_per_unit: float = Field(ge=0, le=MOST_COST)
    running_per_unit: float = Field(default=0.0, ge=-MOST_COST, le=MOST_COST)
    lifetime_years: float = Field(default=30.0, ge=0.1, le=200)
    discount_rate: float = Field(default=0.03, ge=0, le=0.5)
    currency: str | None = Field(default=None, min_length=3, max_length=3)


class Measure(Strict):
    """What all measures have. It begins in `start` and is complete `ramp_years` later, growing evenly."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    area: Area | None = None
    start: Year | None = None
    ramp_years: int = Field(default=0, ge=0, le=100)
    parameters: dict[str, Given] = Field(default_factory=dict, max_length=50)
    costs: Costs | None = None


class GrowthMeasure(Measure):
    """People and jobs that come or move, in one urban form; the area is where they may go.

    Who comes is given as a number (`people`), as a part of those who are there today (`people_growth`), or as both.
    """

    kind: Literal["growth"]
    form: Literal["trend", "sprawl", "compact", "monocentric", "polycentric"]
    people: float = Field(default=0.0, ge=0, le=1e9)
    jobs: float = Field(default=0.0, ge=0, le=1e9)
    people_growth: float = Field(default=0.0, ge=0, le=10)
    jobs_growth: float = Field(default=0.0, ge=0, le=10)
    moved_people: Share = 0.0
    moved_jobs: Share = 0.0
    centres: tuple[LonLat, ...] = Field(default=(), max_length=50)
    people_per_ha: float | None = Field(default=None, gt=0, le=10_000)
    jobs_per_ha: float | None = Field(default=None, gt=0, le=10_000)
    origin: Area | None = None


class UseChange(Measure):
    """A share of one use's floor area becomes another's."""

    kind: Literal["use_change"]
    source: str
    target: str
    level: Share


class TransitStops(Measure):
    """New stops, one by one or along a new line; needs those there are: the scenario's `stops` or the region file's."""

    kind: Literal["transit_stops"]
    stops: tuple[LonLat, ...] = Field(default=(), max_length=1000)
    line: list[LonLat] | None = Field(default=None, min_length=2, max_length=5000)
    spacing_m: float = Field(default=500.0, ge=50, le=20_000)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.stops and self.line is None:
            raise ValueError("give stops, or a line along which they are")
        if self.area is not None:
            raise ValueError("stops are where they are put: leave area out")
        return self


class Streets(Measure):
    """Intersections per area changed by a share, e.g. 0.2 for a fifth more."""

    kind: Literal["streets"]
    change: float = Field(ge=-0.9, le=3)


class GreenLoss(Measure):
    """A share of the green and its removals is lost."""

    kind: Literal["green_loss"]
    level: Share


class Retrofit(Measure):
    """A share of buildings is retrofitted; of some uses and vintages, or of all."""

    kind: Literal["retrofit"]
    level: Share
    uses: Names | None = None
    vintages: Names | None = None


class HeatPump(Measure):
    """A share of heating by fuels (fossil ones unless named) is taken over by heat pumps."""

    kind: Literal["heat_pump"]
    level: Share
    uses: Names | None = None
    carriers: Names | None = None


class RooftopPV(Measure):
    """A share of the roofs that can bear modules gets them."""

    kind: Literal["rooftop_pv"]
    level: Share


class ElectricityFactor(Measure):
    """The emission factor of electricity moves to its target over the ramp, or along a path; in the whole region.

    A path is pairs of year and tCO2e/MWh, straight between them and from today's factor to the first, level after the
    last; it takes the place of start, ramp and target.
    """

    kind: Literal["electricity_factor"]
    path: tuple[tuple[Year, Annotated[float, Field(ge=0, le=2)]], ...] | None = Field(
        default=None, min_length=1, max_length=100
    )

    @model_validator(mode="after")
    def _everywhere(self) -> Self:
        if self.area is not None:
            raise ValueError("the electricity factor holds in the whole region: leave area out")
        if self.path is not None:
            years = [year for year, _ in self.path]
            if years != sorted(set(years)):
                raise ValueError(f"the years of a path rise; given: {', '.join(map(str, years))}")
            if self.start is not None or self.ramp_years or "electricity.target_factor" in self.parameters:
                raise ValueError("a path says when and where to: leave start, ramp_years and the target factor out")
        return self


class ElectricVehicles(Measure):
    """A share of the vehicle-km on fuel of some classes becomes electric."""

    kind: Literal["electric_vehicles"]
    level: Share
    vehicles: Names = ("car",)


class ModalShift(Measure):
    """A share of residents' car travel goes to other modes."""

    kind: Literal["modal_shift"]
    level: Share


class Speed(Measure):
    """Mean speed changes; emissions per km follow the fuel curves."""

    kind: Literal["speed"]
    before_kmh: float = Field(ge=5, le=140)
    after_kmh: float = Field(ge=5, le=140)
    vehicles: Names | None = None


class Freight(Measure):
    """A share of lorry and van traffic is consolidated."""

    kind: Literal["freight"]
    level: Share
    vehicles: Names | None = None


class RoadMeasure(Measure):
    """A measure on roads: those named by id, those in the area, or the named ones' pieces in the area."""

    roads: RoadIds | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.roads is None and self.area is None:
            raise ValueError("name roads by id, or give an area")
        return self


class RoadClosure(RoadMeasure):
    """Pieces of road, from junction to junction, are closed where they touch the area."""

    kind: Literal["road_closure"]


class RoadSpeed(RoadMeasure):
    """Mean speed on roads, as far as they run in the area."""

    kind: Literal["road_speed"]
    kmh: float = Field(ge=5, le=140)


class RoadLanes(RoadMeasure):
    """Lanes added (or taken, below 0), both directions together; needs roads of which traffic is known."""

    kind: Literal["road_lanes"]
    lanes: int = Field(ge=-8, le=8)


class CarFreeArea(Measure):
    """No cars: pieces of road that run in the area are closed, and who lives there walks to the next open road."""

    kind: Literal["car_free_area"]
    area: Area


class NewRoad(Measure):
    """A new road; both its ends join the nearest road within `join_m` metres."""

    kind: Literal["new_road"]
    line: Annotated[list[LonLat], Field(min_length=2, max_length=5000)]
    kmh: float = Field(ge=5, le=140)
    oneway: bool = False
    join_m: float = Field(default=50.0, gt=0, le=500)

    @model_validator(mode="after")
    def _along_its_line(self) -> Self:
        if self.area is not None:
            raise ValueError("a new road runs along its line: leave area out")
        return self


class Afforestation(Measure):
    """New forest on ground that is not green yet."""

    kind: Literal["afforestation"]
    hectares: float = Field(gt=0, le=1e7)


class StreetTrees(Measure):
    """New trees along streets, where people live and work."""

    kind: Literal["street_trees"]
    trees: float = Field(gt=0, le=1e9)


class Park(Measure):
    """New parks on ground that is not green yet."""

    kind: Literal["park"]
    hectares: float = Field(gt=0, le=1e6)


AnyMeasure = Annotated[
    GrowthMeasure
    | UseChange
    | TransitStops
    | Streets
    | GreenLoss
    | Retrofit
    | HeatPump
    | RooftopPV
    | ElectricityFactor
    | ElectricVehicles
    | ModalShift
    | Speed
    | Freight
    | RoadClosure
    | NewRoad
    | RoadSpeed
    | RoadLanes
    | CarFreeArea
    | Afforestation
    | StreetTrees
    | Park,
    Field(discriminator="kind"),
]


class Target(Strict):
    """What the net emissions should come down to in the scenario's year: tonnes, or a share below the baseline."""

    net_tco2e: float | None = None
    reduction: Share | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.net_tco2e is None) == (self.reduction is None):
            raise ValueError("give either net_tco2e or reduction")
        return self


class Scenario(Strict):
    """A named set of measures, evaluated in one year. The order of measures of one stage is that of the document.

    `centres` are the designated ones and `stops` the transit stops there are, where the edition does not tell them.
    """

    version: Literal[1] = 1
    name: str = Field(default="", max_length=200)
    year: Year
    measures: tuple[AnyMeasure, ...] = Field(default=(), max_length=100)
    parameters: dict[str, Given] = Field(default_factory=dict, max_length=100)
    centres: tuple[LonLat, ...] = Field(default=(), max_length=50)
    stops: tuple[LonLat, ...] = Field(default=(), max_length=5000)
    target: Target | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [measure.id for measure in self.measures]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"measures have ids of their own; given twice: {', '.join(twice)}")
        if sum(isinstance(measure, ElectricityFactor) for measure in self.measures) > 1:
            raise ValueError("electricity has one factor in a year: give one electricity_factor, with a path")
        for measure in self.measures:
            if measure.start is not None and measure.start > self.year:
                raise ValueError(f"{measure.id}: start {measure.start} is after the scenario's year {self.year}")
        return self


def read_scenario(document: str | bytes | dict[str, Any]) -> Scenario:
    """Read a scenario from JSON, or from what JSON was read into.

    Raises:
        InvalidScenario: names each field, what was given there, and what was expected.
    """
    if isinstance(document, str | bytes):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise InvalidScenario(f"The scenario is no JSON: {error}") from error
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        raise InvalidScenario(_faults(error)) from error


def _faults(error: ValidationError, limit: int = 5) -> str:
    faults = error.errors(include_url=False)
    lines, kinds_told = [], False
    for fault in faults[:limit]:
        place = ".".join(map(str, fault["loc"])) or "document"
        if fault["type"] == "union_tag_invalid":  # it lists every kind there is, which is enough once
            if kinds_told:
                lines.append(f"{place}: no such kind either (given: {fault['ctx']['tag'][:60]})")
                continue
            kinds_told = True
        given = json.dumps(fault["input"], default=str, ensure_ascii=False)
        given = given if len(given) <= 60 else f"{given[:57]}..."
        lines.append(f"{place}: {fault['msg'].removeprefix('Value error, ')} (given: {given})")
    more = f"; and {len(faults) - limit} more" if len(faults) > limit else ""
    return f"The scenario does not fit its schema: {'; '.join(lines)}{more}."
