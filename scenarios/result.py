"""What a scenario changes: cell by cell, measure by measure, over the years, with what is known of its errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from scenarios.frame import FloatArray, IntArray
from scenarios.notes import Note
from scenarios.parameters import Parameter
from scenarios.road_steps import RoadReport
from scenarios.scenario import Scenario
from scenarios.state import SECTORS, State


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result by one set of elasticities.

    Attributes:
        change_tco2e: (sectors, n) in the scenario's year, over the cells that count; sectors as in `SECTORS`.
        formed_tco2e: (sectors, n) the part of it that forms and roads make.
        by_measure_tco2e: (measures, n) what each changed when its turn came; they add up to the change.
        measure_sectors_tco2e: (measures, sectors) the same of all cells, by sector.
        path_tco2e: (years,) net of the sectors that the state tells; of all of them where `State.untold` is empty.
        leaves_tco2e: change of residents' travel that runs outside the region and is in no cell.
    """

    change_tco2e: FloatArray
    formed_tco2e: FloatArray
    by_measure_tco2e: FloatArray
    measure_sectors_tco2e: FloatArray
    path_tco2e: FloatArray
    leaves_tco2e: float

    @property
    def total_tco2e(self) -> float:
        """Change of all sectors: the sum of the cells."""
        return float(self.change_tco2e.sum())


@dataclass(frozen=True)
class MeasureEffect:
    """What one measure does in the scenario's year, over all cells.

    Attributes:
        id, kind, stage: which.
        tco2e: in the order of stages, after those before it; sectors_tco2e: the same by sector.
        first_in_tco2e, last_in_tco2e: alone, and on top of all others.
        quantity, unit: what is put in place by then; 0 where it has no unit.
        cost_per_year: annualised capital and running cost; None without costs.
        currency: of costs.
    """

    id: str
    kind: str
    stage: str
    tco2e: float
    sectors_tco2e: Mapping[str, float]
    first_in_tco2e: float
    last_in_tco2e: float
    quantity: float
    unit: str
    cost_per_year: float | None = None
    currency: str = ""

    @property
    def cost_per_tco2e(self) -> float | None:
        """Cost per tonne less (METHODS D10); None without costs, or where nothing is saved."""
        if self.cost_per_year is None or self.tco2e >= 0:
            return None
        return self.cost_per_year / -self.tco2e


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of the change, all errors drawn together, by the first set of elasticities unless said otherwise.

    Attributes:
        sectors_tco2e: (sectors, samples) change of the region.
        zones_tco2e: (zones, samples) change of zones, all sectors; None without zones.
        cells_sd_tco2e: (n,) standard deviation of the change of each cell.
        path_years, path_tco2e: (years,) and (years, samples) change of the region on the way; a sample is one world.
        sampled: ids of the parameters that were drawn; all others stand at their values.
        seed: they were drawn with; equal seeds are the same worlds.
        sets_tco2e: set of elasticities -> (samples,) change of the region by that set, in the same worlds.
        sets_zones_tco2e, sets_cells_sd_tco2e: set -> the same as `zones_tco2e` and `cells_sd_tco2e`, by that set.
    """

    sectors_tco2e: FloatArray
    zones_tco2e: FloatArray | None
    cells_sd_tco2e: FloatArray
    sampled: tuple[str, ...]
    seed: int = 0
    path_years: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    path_tco2e: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    sets_tco2e: Mapping[str, FloatArray] = field(default_factory=dict)
    sets_zones_tco2e: Mapping[str, FloatArray] = field(default_factory=dict)
    sets_cells_sd_tco2e: Mapping[str, FloatArray] = field(default_factory=dict)

    def interval_tco2e(self, elasticities: str | None = None) -> tuple[float, float]:
        """90 % interval of the region's change by a set of elasticities, the first if none is named."""
        drawn = self.sectors_tco2e.sum(axis=0) if elasticities is None else self.sets_tco2e[elasticities]
        low, high = np.quantile(drawn, [0.05, 0.95])
        return float(low), float(high)

    def zone_intervals_tco2e(self) -> dict[str, FloatArray]:
        """Set of elasticities -> 90 % interval (2, zones) of the zones' change by that set; empty without zones."""
        return {
            name: np.asarray(np.quantile(drawn, [0.05, 0.95], axis=1)) for name, drawn in self.sets_zones_tco2e.items()
        }

    def path_interval_tco2e(self) -> FloatArray:
        """90 % interval (2, years) of the region's change in each of the path's years."""
        if not len(self.path_years):
            return np.zeros((2, 0))
        return np.asarray(np.quantile(self.path_tco2e, [0.05, 0.95], axis=1))


@dataclass(frozen=True)
class Indicators:
    """What a form is like, before or after.

    Attributes:
        mean_trip_length_km: from people to jobs by gravity; a measure of form, not of observed trips.
        population, jobs: persons.
        people_per_ha: density that people live in: mean over people, not over ground.
        access_jobs: gravity access to jobs, mean over people.
        green_m2_per_person: None without people, or where no green is known.
    """

    mean_trip_length_km: float | None
    population: float
    jobs: float
    people_per_ha: float | None
    access_jobs: float | None
    green_m2_per_person: float | None


@dataclass(frozen=True, eq=False)
class Result:
    """Everything a run says.

    Attributes:
        state: the baseline; after: with the new form.
        scenario: what was run.
        outcomes: set of elasticities -> outcome; the first is what single numbers are taken from.
        measures: their effects, by the first set.
        years: of the path.
        target_tco2e: net in the scenario's year that is aimed at; None without, or where net is unknown.
        before, then: indicators.
        samples: None unless asked for.
        used: parameters it rests on; notes: what else must be known.
        illustrative: whether any of them, or of the state, rests on no publication.
    """

    state: State
    after: State
    scenario: Scenario
    outcomes: Mapping[str, Outcome]
    measures: tuple[MeasureEffect, ...]
    years: IntArray
    target_tco2e: float | None
    before: Indicators
    then: Indicators
    samples: Samples | None
    used: tuple[Parameter, ...]
    notes: tuple[Note, ...]
    roads: RoadReport | None = None

    @property
    def illustrative(self) -> bool:
        """Whether a number it rests on comes from no publication."""
        return any(one.status in ("illustrative", "given") for one in self.used) or any(
            note.illustrative for note in self.notes
        )

    @property
    def baseline_tco2e(self) -> float:
        """Emissions before anything changes of the sectors that the state tells: net, where it tells all."""
        return self.state.net_tco2e

    @property
    def first(self) -> Outcome:
        """The outcome single numbers are taken from."""
        return next(iter(self.outcomes.values()))

    def range_tco2e(self) -> tuple[float, float]:
        """Least and greatest change over the sets of elasticities; no interval, since they have no distribution."""
        totals = [outcome.total_tco2e for outcome in self.outcomes.values()]
        return min(totals), max(totals)

    def sector_tco2e(self, sector: str) -> FloatArray:
        """Emissions of a sector after the scenario, (n,); the baseline's bits where nothing changed."""
        change: FloatArray = self.first.change_tco2e[SECTORS.index(sector)]
        return self.state.sector_tco2e(sector) + change
