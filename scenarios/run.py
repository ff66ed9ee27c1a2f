"""Running a scenario on a state: forms first, then measures by stage, for each set of elasticities by itself."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from accounting.curves import ReferenceCurves, RoadCurve
from grids.shipped import data_folder
from scenarios import scenario as documents
from scenarios.action_setting import Setting
from scenarios.centres import Places
from scenarios.counted import there_in_year
from scenarios.effects import Action, groups_of
from scenarios.errors import InvalidScenario
from scenarios.evaluation import Evaluation
from scenarios.flows import Flow, flow_labels, flows_of
from scenarios.form_steps import FormStep, form_steps
from scenarios.frame import FloatArray
from scenarios.indicators import indicators
from scenarios.measures import action_of, check_growth_read, check_parameters, in_order, shared_parameters
from scenarios.notes import Note
from scenarios.parameters import Parameter, Parameters, shipped_parameters
from scenarios.path_samples import drawn_in, with_path, with_sets
from scenarios.places import in_metres
from scenarios.result import Indicators, Result
from scenarios.road_steps import RoadWork, with_road_steps
from scenarios.samples import sampled
from scenarios.state import State
from scenarios.stopping import Cancelled, stop_if
from scenarios.taken import check_taken
from scenarios.travel import USED as TRAVEL_PARAMETERS
from scenarios.travel import TravelBaseline, travel_baseline

MOST_SAMPLES = 10_000


class Coverage(Protocol):
    """Tells where areas lie."""

    def __call__(self, *areas: documents.Area) -> FloatArray:
        """(rows, cols) share of each cell that lies in any of some areas."""
        ...


@dataclass(frozen=True, eq=False)
class Baseline:
    """A state made ready to run scenarios on; keep it, it takes longer to make than a scenario to run."""

    state: State
    parameters: Parameters
    travel: TravelBaseline
    labels: tuple[Flow, ...]
    tco2e: FloatArray
    indicators: Indicators


def baseline_of(state: State, parameters: Parameters | None = None, centres: Places = ()) -> Baseline:
    """Make a state ready.

    Args:
        state: where scenarios start.
        parameters: those that ship with the software if None.
        centres: designated ones (metres); found if none are given.
    """
    known = shipped_parameters() if parameters is None else parameters
    travel = travel_baseline(state, known, centres)
    now = indicators(state, travel.decay_per_km)
    return Baseline(state, known, travel, flow_labels(state), flows_of(state).tco2e, now)


def run(
    baseline: Baseline,
    scenario: documents.Scenario,
    coverage: Coverage | None = None,
    *,
    samples: int = 0,
    seed: int = 0,
    zones: csr_array | None = None,
    roads: RoadWork | None = None,
    cancelled: Cancelled | None = None,
) -> Result:
    """Run a scenario.

    Args:
        baseline: the state, made ready.
        scenario: what is to change.
        coverage: tells the share of each cell in an area (`scenarios.places.area_coverage`); needed where a measure
            has one.
        samples: how many to draw for intervals; 0 for none.
        seed: of the samples.
        zones: (zones, n) share of each cell in each zone, for intervals of zones.
        roads: the road graph, for measures of roads; these take seconds.
        cancelled: asked between forms, sets of elasticities, blocks of samples and years of the path.

    Raises:
        InvalidScenario: it cannot be carried out on this state; names the measure and the remedy.
        ParameterGap: a number that the user has to give.
        Stopped: it was cancelled.
    """
    baseline = _with_parameters(baseline, scenario)
    state = baseline.state
    if scenario.year < state.year or not 0 <= samples <= MOST_SAMPLES:
        raise InvalidScenario(
            f"The scenario's year is {scenario.year} with {samples} samples; a year from {state.year} (the "
            f"baseline's) on and 0 to {MOST_SAMPLES:,} samples were expected."
        )
    at = _areas(state, coverage)
    steps = form_steps(baseline.travel, [m for m in scenario.measures if m.kind in documents.FORMS], at,
                       baseline.parameters, scenario.year, cancelled)  # fmt: skip
    check_growth_read(scenario, {name for step in steps for name in step.used})
    actions = _actions(state, baseline.parameters, scenario.measures, at)
    forms, report = len(steps), None
    changes = [m for m in scenario.measures if m.kind in documents.ROADS]
    if changes:
        if roads is None:
            raise InvalidScenario(
                f"{changes[0].id}: measures of roads need the roads as a graph, and none was given: the edition draws "
                "no roads that cars may use."
            )
        steps, report = with_road_steps(
            baseline.travel.state, steps, changes, roads, baseline.parameters, road_curves(), scenario.year
        )
    if steps:
        actions = _counted(baseline, scenario, steps, actions, at)
    groups = groups_of(actions, state.cells)
    runs = {
        name: Evaluation(state, baseline.labels, baseline.tco2e, steps, actions, groups, scenario.year, name)
        for name in baseline.parameters.elasticities
    }
    outcomes = {}
    for name, each in runs.items():
        stop_if(cancelled)
        outcomes[name] = each.outcome
    first = next(iter(runs.values()))
    drawn = None
    if samples:
        in_year = sampled(drawn_in(first, first.outcome.change_tco2e), samples, seed, zones, cancelled)
        drawn = with_sets(with_path(in_year, first, seed, cancelled), runs, seed, zones, cancelled)
    after = steps[-1].state if steps else state
    planted = sum(float(action.quantity.sum()) for action in actions if action.unit == "ha")
    return Result(
        state,
        after,
        scenario,
        outcomes,
        tuple(first.effects({measure.id: measure.costs for measure in scenario.measures})),
        first.years,
        _target(state, scenario),
        baseline.indicators,
        indicators(after, baseline.travel.decay_per_km, planted) if steps or planted else baseline.indicators,
        drawn,
        _used(baseline.parameters, scenario, steps, actions),
        (
            *state.notes,
            *_unknown_net(state, scenario),
            *_notes(baseline, steps[:forms], actions),
            *(report.notes if report else ()),
            *(_undrawn(scenario, drawn.sampled) if drawn else ()),
        ),
        report,
    )


def actions_of(baseline: Baseline, scenario: documents.Scenario, coverage: Coverage | None = None) -> list[Action]:
    """The sector measures of a scenario, made ready for a state, in order of stage: what each reaches, and how much.

    Raises:
        InvalidScenario, ParameterGap: as `run` does.
    """
    baseline = _with_parameters(baseline, scenario)
    return _actions(baseline.state, baseline.parameters, scenario.measures, _areas(baseline.state, coverage))


@functools.lru_cache(maxsize=1)
def road_curves() -> dict[str, RoadCurve]:
    """Fuel curves by speed, `<vehicle>_<fuel>`."""
    return ReferenceCurves.load(data_folder() / "factors").road


def _with_parameters(baseline: Baseline, scenario: documents.Scenario) -> Baseline:
    given = scenario.parameters
    check_parameters(scenario, baseline.parameters)
    if not given and not scenario.centres and not scenario.stops:
        return baseline
    parameters = baseline.parameters.given(given, "scenario")
    state = baseline.state
    if "state.resident_share" in given:
        state = replace(state, resident_share=parameters.number("state.resident_share"))
    if scenario.stops:
        state = replace(state, stops=np.array(in_metres(state.frame.crs, scenario.stops)))
    if scenario.centres or scenario.stops or set(given) & set(TRAVEL_PARAMETERS):
        centres = in_metres(state.frame.crs, scenario.centres) or baseline.travel.centres
        return baseline_of(state, parameters, centres)
    return replace(baseline, parameters=parameters)


def _areas(state: State, coverage: Coverage | None) -> Callable[..., FloatArray]:
    """What tells the share (rows, cols) of each cell that lies in any of some areas; None stands for all ground."""
    whole = state.inside.astype(np.float64)
    # By the areas themselves, which the scenario keeps: forms ask for theirs many times.
    known: dict[tuple[int, ...], FloatArray] = {}

    def at(*areas: documents.Area | None) -> FloatArray:
        drawn = [area for area in areas if area is not None]
        if len(drawn) < len(areas):
            return whole
        if coverage is None:
            raise InvalidScenario("it has an area, and nothing was given that tells which cells lie in it.")
        key = tuple(id(area) for area in drawn)
        if key not in known:
            share = coverage(*drawn)
            if not (share[state.inside] > 0).any():
                raise InvalidScenario("its area lies outside the region's cells: draw it inside, or choose zones.")
            known[key] = np.where(state.inside, np.clip(share, 0.0, 1.0), 0.0)
        return known[key]

    return at


def _actions(
    state: State,
    parameters: Parameters,
    measures: Sequence[documents.AnyMeasure],
    at: Callable[..., FloatArray],
    travel: FloatArray | None = None,
) -> list[Action]:
    """The sector measures among these, made ready, in order of stage; together they take nothing twice."""
    found, areas, shares = [], [], []
    for measure in measures:
        if measure.kind in documents.FORMS | documents.ROADS:
            continue
        try:
            share = state.over(at(measure.area))
        except InvalidScenario as error:
            raise InvalidScenario(f"{measure.id}: {error}") from error
        found.append(action_of(measure, Setting(state, parameters, share, road_curves(), travel)))
        areas.append(measure.area)
        shares.append(share)
    check_taken(state, found, areas, shares, lambda some: state.over(at(*some)))
    return in_order(found)


def _used(
    known: Parameters, scenario: documents.Scenario, steps: Sequence[FormStep], actions: Sequence[Action]
) -> tuple[Parameter, ...]:
    """The parameters that numbers rest on: shared ones once, and then what measures give themselves and use."""
    given = {measure.id: measure.parameters for measure in scenario.measures}
    shared = {name for measure in scenario.measures for name in shared_parameters(measure.kind)}
    asked = [(step.measure, set(step.used)) for step in steps] + [(one.measure, set(one.used)) for one in actions]
    own: list[Parameter] = []
    for measure, used in asked:
        values = given[measure]
        shared |= used - set(values)
        mine = sorted(used & set(values))
        own += known.given({name: values[name] for name in mine}, f"measure {measure}").used(mine)
    return (*known.used(shared), *own)


def _counted(
    baseline: Baseline,
    scenario: documents.Scenario,
    steps: Sequence[FormStep],
    actions: Sequence[Action],
    at: Callable[[documents.Area | None], FloatArray],
) -> list[Action]:
    """Actions on flows with the quantities of what is there in the year, as their tonnes are; others as they are."""
    year, first = scenario.year, next(iter(baseline.parameters.elasticities))
    resident = np.flatnonzero([label.resident for label in baseline.labels])
    then, travel = there_in_year(baseline.state, steps, baseline.tco2e, resident, first, year)
    ids = {action.measure for action in actions if action.way != "added"}
    chosen = [measure for measure in scenario.measures if measure.id in ids]
    quantities = {one.measure: one.quantity for one in _actions(then, baseline.parameters, chosen, at, travel)}
    return [replace(one, quantity=quantities.get(one.measure, one.quantity)) for one in actions]


def _target(state: State, scenario: documents.Scenario) -> float | None:
    if scenario.target is None or state.untold:
        return None
    if scenario.target.net_tco2e is not None:
        return scenario.target.net_tco2e
    assert scenario.target.reduction is not None
    return (1 - scenario.target.reduction) * state.net_tco2e


def _unknown_net(state: State, scenario: documents.Scenario) -> list[Note]:
    if not state.untold:
        return []
    unknown = Note("net", "net_unknown", values={"sectors": tuple(state.untold)})
    return [unknown] if scenario.target is None else [unknown, Note("net", "target_unknown")]


def _undrawn(scenario: documents.Scenario, sampled: Sequence[str]) -> list[Note]:
    """Ranges that were given and that no sample draws, since what rests on them is worked out once for all samples."""
    all_given = [scenario.parameters, *(measure.parameters for measure in scenario.measures)]
    ranges = {name for given in all_given for name, value in given.items() if isinstance(value, tuple)}
    left = tuple(sorted(ranges - set(sampled)))
    if not left:
        return []
    return [Note("ranges", "ranges", left, values={"parameters": left})]


def _uses(state: State) -> set[str]:
    """Uses of which there is floor area."""
    return {stock.use for stock, floor in zip(state.stocks, state.floor_area_m2, strict=True) if floor.any()}


def _notes(baseline: Baseline, steps: Sequence[FormStep], actions: Sequence[Action]) -> list[Note]:
    notes = []
    if steps:
        notes.append(Note("travel", "travel"))
        each, most = baseline.travel.per_person_tco2e(), baseline.parameters.number("access.most_travel")
        if each > most:
            rests_on = ("state.resident_share", "access.trip_length")
            values = {"tonnes": round(each, 1), "most": most}
            notes.append(Note("residents", "resident_travel", rests_on, illustrative=True, values=values))
    before, after = baseline.state, steps[-1].state if steps else baseline.state
    new = {use for use in _uses(after) if use not in _uses(before)}
    if new:
        notes.append(Note("floor area", "new_use", illustrative=True, values={"uses": tuple(sorted(new))}))
    if any(action.kind == "rooftop_pv" for action in actions):
        notes.append(Note("rooftop_pv", "rooftop_pv"))
    return notes
