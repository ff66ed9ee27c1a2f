"""Forms of a scenario one after the other: the state, the flows and the travel after each."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from scenarios import scenario as documents
from scenarios.errors import InvalidScenario
from scenarios.flows import flows_of
from scenarios.forms import Growth, formed, with_use_changed
from scenarios.frame import FloatArray
from scenarios.parameters import Parameters
from scenarios.places import in_metres
from scenarios.ramped import completeness, ramped
from scenarios.state import State
from scenarios.stopping import Cancelled, stop_if
from scenarios.travel import TravelBaseline, travel_answers

Areas = Callable[[documents.Area | None], FloatArray]
Tonnes = Mapping[str, FloatArray]
_MOST_STOPS = 1000


@dataclass(frozen=True, eq=False)
class FormStep:
    """One form, after those before it.

    Attributes:
        measure, kind, begins, ramp_years: which, and when.
        state: after it.
        tco2e: set -> (rows, n) flows after it.
        alone: the same with this form only.
        without: the same in the scenario's year, of all steps but this one, each as far as it is complete by then.
        others: of all forms but this one, when complete; None for measures of roads.
        leaves_tco2e: set -> change of residents' travel outside the region, of all forms so far.
        used: ids of parameters.
        stage: `form`, or `roads` for measures of roads.
        quantity, unit: what it puts in place when complete, for costs.
    """

    measure: str
    kind: str
    begins: int
    ramp_years: int
    state: State
    tco2e: Tonnes
    alone: Tonnes
    without: Tonnes
    others: Tonnes | None
    leaves_tco2e: Mapping[str, float]
    used: tuple[str, ...]
    stage: str = "form"
    quantity: float = 0.0
    unit: str = ""


@dataclass(frozen=True, eq=False)
class _Stage:
    """Where a chain of forms stands; parameters used and quantity are those of the last one."""

    state: State
    left: FloatArray
    arrived: FloatArray
    centres: tuple[tuple[float, float], ...] = ()
    used: tuple[str, ...] = ()
    quantity: float = 0.0
    unit: str = ""


def form_steps(
    travel: TravelBaseline,
    measures: Sequence[documents.AnyMeasure],
    areas: Areas,
    parameters: Parameters,
    year: int,
    cancelled: Cancelled | None = None,
) -> list[FormStep]:
    """Carry out forms in the order given; each also alone, and all without it.

    Args:
        travel: the baseline.
        measures: of the kinds that are forms.
        areas: area -> (rows, cols) share of each cell.
        parameters: with the scenario's own values.
        year: of the scenario.
        cancelled: asked before each form is carried out.

    Raises:
        InvalidScenario: a form that this state cannot take.
        Stopped: cancelled.
    """

    def chain(some: Sequence[documents.AnyMeasure]) -> list[_Stage]:
        found = [start]
        for measure in some:
            stop_if(cancelled)
            found.append(_after(found[-1], measure, areas, parameters, travel))
        return found

    def without(place: int) -> tuple[Tonnes, Tonnes]:
        """Flows of all but one form: in the year, and when complete."""
        rest = [k for k in range(len(measures)) if k != place]
        passed = chain([measures[k] for k in rest])
        known = {len(rest): _flows(travel, passed[-1], parameters)[0], 0: answers[0][0]}

        def stage(number: int, name: str) -> FloatArray:
            if number not in known:
                known[number] = _flows(travel, passed[number], parameters)[0]
            return known[number][name]

        done = [complete[k] for k in rest]
        in_year = {name: ramped(done, functools.partial(stage, name=name)) for name in known[0]}
        return in_year, known[len(rest)]

    start = _Stage(travel.state, np.zeros(travel.state.frame.shape), np.zeros(travel.state.frame.shape))
    complete = [completeness(measure, travel.state.year, year) for measure in measures]
    stages = chain(measures)
    answers = [_flows(travel, stage, parameters) for stage in stages]
    steps = []
    for place, measure in enumerate(measures):
        if len(measures) == 1:
            alone, (now, others) = answers[1][0], (answers[0][0], answers[0][0])
        else:
            alone = _flows(travel, chain([measure])[-1], parameters)[0]
            now, others = without(place)
        stage, (tonnes, leaves) = stages[place + 1], answers[place + 1]
        begins = travel.state.year + 1 if measure.start is None else measure.start
        steps.append(
            FormStep(
                measure.id, measure.kind, begins, measure.ramp_years, stage.state, tonnes, alone, now, others, leaves,
                stage.used, quantity=stage.quantity, unit=stage.unit,
            )
        )  # fmt: skip
    return steps


def _flows(travel: TravelBaseline, stage: _Stage, parameters: Parameters) -> tuple[Tonnes, Mapping[str, float]]:
    answers = travel_answers(travel, stage.state, stage.left, stage.arrived, parameters, stage.centres)
    return (
        {name: flows_of(stage.state, answer.factor).tco2e for name, answer in answers.items()},
        {name: answer.leaves_tco2e for name, answer in answers.items()},
    )


def _after(
    stage: _Stage, measure: documents.AnyMeasure, areas: Areas, parameters: Parameters, travel: TravelBaseline
) -> _Stage:
    """The stage after one more form."""
    stage, state = replace(stage, used=()), stage.state
    known = parameters.given(measure.parameters, f"measure {measure.id}")
    try:
        if isinstance(measure, documents.GrowthMeasure):
            return _grown(stage, measure, areas, known, travel)
        share = areas(measure.area)
        if isinstance(measure, documents.UseChange):
            after = with_use_changed(state, share, measure.source, measure.target, measure.level, travel.state)
            source = [place for place, stock in enumerate(state.stocks) if stock.use == measure.source]
            moved = float((state.floor_area_m2[source] * share).sum()) * measure.level
            return replace(stage, state=after, quantity=moved, unit="m2")
        if isinstance(measure, documents.GreenLoss):
            left = 1 - measure.level * share
            after = replace(state, green_ha=state.green_ha * left, forest_tco2e=state.forest_tco2e * left)
            return replace(stage, state=after, quantity=float((state.green_ha * (1 - left)).sum()), unit="ha")
        if isinstance(measure, documents.Streets):
            if state.intersections is None:
                raise InvalidScenario(
                    "nobody counted this region's intersections, so that a change of them says nothing."
                )
            changed = state.intersections * (1 + measure.change * share)
            more = float(np.abs(changed - state.intersections).sum())
            return replace(stage, state=replace(state, intersections=changed), quantity=more, unit="intersection")
        if isinstance(measure, documents.TransitStops):
            if state.stops is None or not len(state.stops):
                raise InvalidScenario(
                    "this state knows no transit stops, so that new ones say nothing: give those there are as stops of "
                    "the scenario, [longitude, latitude] each, or in the region file (context of kind stops)."
                )
            new = _new_stops(state, measure)
            after = replace(state, stops=np.concatenate([state.stops, new]))
            return replace(stage, state=after, quantity=float(len(new)), unit="stop")
    except InvalidScenario as error:
        raise InvalidScenario(f"{measure.id}: {error}") from error
    raise InvalidScenario(f"{measure.id}: {measure.kind!r} is no form.")


def _new_stops(state: State, measure: documents.TransitStops) -> FloatArray:
    """(n, 2) metres: those given one by one, and those of the line, at its ends and evenly between them."""
    places = [np.array(in_metres(state.frame.crs, measure.stops)).reshape(-1, 2)]
    if measure.line is not None:
        line = shapely.LineString(in_metres(state.frame.crs, measure.line))
        if not np.isfinite(line.bounds).all() or line.length == 0:
            raise InvalidScenario("its line has no length in the region; give at least two places that differ.")
        pieces = math.ceil(line.length / measure.spacing_m)
        if pieces >= _MOST_STOPS:
            raise InvalidScenario(f"its line would have {pieces + 1:,} stops, at most {_MOST_STOPS:,} were expected: "
                                  "raise spacing_m, or give a shorter line.")  # fmt: skip
        along = shapely.line_interpolate_point(line, np.linspace(0, line.length, pieces + 1))
        places.append(shapely.get_coordinates(along))
    return np.concatenate(places)


def _grown(
    stage: _Stage, measure: documents.GrowthMeasure, areas: Areas, parameters: Parameters, travel: TravelBaseline
) -> _Stage:
    state = stage.state
    centres = in_metres(state.frame.crs, measure.centres) or travel.centres
    growth = Growth(
        measure.form,
        measure.people + measure.people_growth * float(travel.state.population.sum()),
        measure.jobs + measure.jobs_growth * float(travel.state.jobs.sum()),
        measure.moved_people,
        measure.moved_jobs,
        centres[:1] if measure.form == "monocentric" and not measure.centres else centres,
        measure.people_per_ha,
        measure.jobs_per_ha,
        None if measure.origin is None else areas(measure.origin),
        None if measure.area is None else areas(measure.area),
    )
    got = formed(state, growth, parameters, travel.state)
    left, arrived = stage.left + got.left, stage.arrived + got.arrived
    # Who came in an earlier form and leaves in this one only passed through.
    passed = np.maximum(left - travel.state.population, 0.0)
    return _Stage(
        got.state,
        left - passed,
        np.maximum(arrived - passed, 0.0),
        stage.centres + (got.centres if measure.centres else ()),
        got.used,
        *((float(got.arrived.sum()), "person") if got.arrived.any() else (got.jobs_arrived, "job")),
    )
