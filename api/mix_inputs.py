"""What the process `best-mix` asks, and the measures, zones and limits that it makes of it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

import numpy as np
import shapely
from pydantic import Field, model_validator

from api.drawn import read_drawn
from api.errors import InvalidParameter
from api.process_inputs import BaselineYear, Grid, Inputs
from grids.edition import Edition
from scenarios.errors import InvalidScenario
from scenarios.frame import BoolArray, FloatArray
from scenarios.limits import Fairness, Limits
from scenarios.mix import AMOUNTS, Candidate
from scenarios.scenario import Given, read_scenario

MOST_ZONES = 500
MOST_CANDIDATES = 12
MOST_LEVELS = 4
MOST_POINTS = 21
MOST_SECONDS = 30.0
_TOUCH = 1e-9  # of a zone's ground: less than this in an area is a border in common

Id = Annotated[str, Field(min_length=1, max_length=128)]
Ids = Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_ZONES)]
PerZone = float | dict[Id, float]


class CandidateIn(Inputs):
    """A measure that places may take, without area and amount, and the levels of it."""

    measure: dict[str, Any] = Field(description="as in a scenario, with costs; without area, level, hectares or trees")
    levels: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        min_length=1, max_length=MOST_LEVELS, description="rising; shares, or hectares or trees of all places together"
    )
    zones: Ids | None = Field(default=None, description="only there; everywhere if not given")


class LimitsIn(Inputs):
    """At most so much in each place: one number for all, or by id."""

    cost_per_zone: PerZone | None = None
    measures_per_zone: PerZone | None = None


class FairnessIn(Inputs):
    """Spending per head of each part of the region, as multiples of the region's."""

    low: float = Field(default=0.0, ge=0, le=1)
    high: float | None = Field(default=None, ge=1)
    parts: dict[Id, Id] | None = Field(default=None, description="place -> part; each a part of its own if not given")


class RobustIn(Inputs):
    """The target is to be met in at least a share of samples that were held out."""

    share: float = Field(default=0.9, ge=0.5, lt=1)
    samples: int = Field(default=250, ge=50, le=500)


class MixInputs(Inputs):
    """A target or a budget, what may be done, where, and within what."""

    year: int = Field(ge=1990, le=2150, title="Year", description="in which effects and costs count")
    target_tco2e: float | None = Field(default=None, gt=0, title="Target", description="to save a year")
    target_share: float | None = Field(
        default=None, gt=0, le=1, title="Target", description="to save, of what the places emit net"
    )
    budget: float | None = Field(default=None, ge=0, title="Budget", description="to spend a year, at most")
    zones: str = Field(max_length=64, title="Places", description="collection whose places choose")
    zone_ids: Ids | None = Field(default=None, title="Ids of places", description="all if not given")
    candidates: tuple[CandidateIn, ...] = Field(min_length=1, max_length=MOST_CANDIDATES, title="Measures")
    unchanged: Ids | None = Field(default=None, title="Unchanged", description="places where nothing may be done")
    unchanged_area: dict[str, Any] | None = Field(
        default=None, title="Unchanged area", description="GeoJSON polygon; nothing is done in any place that it meets"
    )
    limits: LimitsIn = Field(default=LimitsIn(), title="Limits")
    fairness: FairnessIn | None = Field(default=None, title="Fairness")
    robust: RobustIn | None = Field(default=None, title="Robust", description="with a target")
    frontier: int = Field(default=0, ge=0, le=MOST_POINTS, title="Frontier", description="how many budgets; 0 for none")
    gap: float = Field(default=0.005, ge=0, le=0.2, title="Gap", description="relative; where the solver may stop")
    seconds: float = Field(default=20.0, gt=0, le=MOST_SECONDS, title="Seconds", description="for each choice")
    parameters: dict[str, Given] = Field(default={}, max_length=100, title="Parameters")
    collection: Grid = None
    baseline_year: BaselineYear = None

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        goals = [self.target_tco2e, self.target_share, self.budget]
        if sum(goal is not None for goal in goals) != 1:
            raise ValueError("give exactly one of target_tco2e, target_share and budget")
        if self.robust is not None and self.budget is not None:
            raise ValueError("robust asks for a target, not for a budget")
        return self

    def made_candidates(self) -> list[Candidate]:
        """Read the measures.

        Raises:
            InvalidScenario: one that breaks its schema. InvalidParameter: one with an amount or area.
        """
        found = []
        for place, one in enumerate(self.candidates):
            kind = str(one.measure.get("kind"))
            name = AMOUNTS.get(kind)
            given = {"area", name} & set(one.measure)
            if name is None or given:
                raise InvalidParameter(
                    f"inputs.candidates.{place}.measure: got {', '.join(map(str, given)) or f'kind {kind[:40]!r}'}; "
                    f"expected one of {', '.join(AMOUNTS)}, without area and amount, which places and levels say"
                )
            amount = one.levels[-1]
            try:
                scenario = read_scenario({"year": self.year, "measures": [{**one.measure, name: amount}]})
            except InvalidScenario as error:
                raise InvalidScenario(f"inputs.candidates.{place}: {error}") from error
            found.append(Candidate(scenario.measures[0], one.levels))
        return found

    def allowed(
        self, everything: BoolArray, names: Sequence[str], edition: Edition, polygons: Sequence[shapely.Geometry]
    ) -> tuple[BoolArray, BoolArray]:
        """Where what may be done.

        Args:
            everything: (zones, measures, levels) that there are.
            names: of the zones.
            edition: they are of.
            polygons: of the zones, in its CRS.

        Returns:
            The same shape, and (zones,) where nothing may change.

        Raises:
            InvalidParameter: a zone that is none of them, or an area that is no polygon.
        """
        still = _chosen(names, self.unchanged or (), "unchanged")
        if self.unchanged_area is not None:
            area = read_drawn(self.unchanged_area, edition).shape
            shapes = np.array(list(polygons), dtype=object)
            shapely.prepare(area)
            near = shapely.intersects(area, shapes)
            shared = shapely.area(shapely.intersection(area, shapes[near]))
            still[np.flatnonzero(near)[shared > _TOUCH * shapely.area(shapes[near])]] = True
        found = everything.copy()
        found[still, :, 1:] = False
        for place, one in enumerate(self.candidates):
            if one.zones is not None:
                found[~_chosen(names, one.zones, f"candidates.{place}.zones"), place, 1:] = False
        return found, still

    def made_limits(self, names: Sequence[str]) -> Limits:
        """Return limits of each zone.

        Raises:
            InvalidParameter: a zone that is none of them.
        """
        return Limits(
            _per_zone(self.limits.cost_per_zone, names, "limits.cost_per_zone"),
            _per_zone(self.limits.measures_per_zone, names, "limits.measures_per_zone"),
        )

    def made_fairness(self, names: Sequence[str], heads: FloatArray) -> Fairness | None:
        """Return what is fair.

        Args:
            names: of the zones.
            heads: (zones,) residents.

        Raises:
            InvalidParameter: a zone without a part, or that is none of them.
        """
        if self.fairness is None:
            return None
        parts: Mapping[str, str] = self.fairness.parts or {name: name for name in names}
        _chosen(names, tuple(parts), "fairness.parts")
        missing = [name for name in names if name not in parts]
        if missing:
            raise InvalidParameter(
                f"inputs.fairness.parts: {missing[0][:80]!r} is of no part; expected one for each place"
            )
        numbers = {part: number for number, part in enumerate(sorted(set(parts.values())))}
        part = np.array([numbers[parts[name]] for name in names], dtype=np.int64)
        high = float("inf") if self.fairness.high is None else self.fairness.high
        return Fairness(part, heads, self.fairness.low, high)


def _chosen(names: Sequence[str], chosen: Sequence[str], member: str) -> BoolArray:
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        raise InvalidParameter(f"inputs.{member}: {unknown[0][:80]!r} is none of the places that choose")
    return np.isin(np.array(list(names), dtype=object).astype(str), np.array(list(chosen), dtype=str))


def _per_zone(given: PerZone | None, names: Sequence[str], member: str) -> FloatArray | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        return np.full(len(names), given)
    _chosen(names, tuple(given), member)
    return np.array([given.get(name, np.inf) for name in names])
