"""Measures of roads in a run: residents' car trips on the roads before and after, and what the difference emits.

The model's trips are calibrated to the residents' car traffic that the state has, carrier by carrier; then only the
difference between two assignments is laid on the cells, so that the pattern of today's traffic stays that of the
edition. Emissions per km follow the speed of each link by the fuel curves (METHODS B2). Through traffic, lorries and
buses stay where they are.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array, hstack

from accounting.curves import RoadCurve
from grids.crossings import line_lengths
from scenarios import assignment
from scenarios import scenario as documents
from scenarios.effects import ramp
from scenarios.errors import InvalidScenario
from scenarios.flows import flow_labels, flows_of
from scenarios.form_steps import FormStep, Tonnes
from scenarios.frame import FloatArray, IntArray
from scenarios.notes import Note
from scenarios.parameters import Parameters
from scenarios.ramped import completeness, ramped, stage_weights
from scenarios.road_graph import Connectivity, Objects, RoadGraph
from scenarios.road_measures import LANES_USED, Outline, changed_graph, road_quantity
from scenarios.state import State

USED = ("access.trip_length", "roads.walk_speed", "state.resident_share")


@dataclass(frozen=True, eq=False)
class RoadWork:
    """What measures of roads need besides a state.

    Attributes:
        graph: roads before anything changes; keep it, it takes longer to make than to use.
        outline: tells outlines of areas; needed where a measure has one (`scenarios.places.area_outline`).
        progress: called with blocks done and blocks in all.
        cancelled: asked before each block; the run raises `Stopped` once it says yes.
    """

    graph: RoadGraph
    outline: Outline | None = None
    progress: Callable[[int, int], None] | None = None
    cancelled: Callable[[], bool] | None = None


@dataclass(frozen=True, eq=False)
class RoadReport:
    """Trips of residents by car, before and after all measures of roads, with the people and jobs of the new form.

    Attributes:
        connectivity: of the roads before.
        zones: between how many trips run.
        crow_kmh: speed as the crow flies by which minutes became kilometres.
        minutes: mean over trips that arrive, before and after.
        cut_off: residents whose trips reach no job, before and after.
        vehicle_km: (2, n) a year on each cell's roads, before and after.
        links: the graph after; links before stand first in it, in their order.
        link_vehicle_km: (2, links) a year, before and after.
        unlaid_tco2e: change that was not laid, both ways, since cells have less traffic to take than the model thinks.
        notes: limits.
    """

    connectivity: Connectivity
    zones: int
    crow_kmh: float
    minutes: tuple[float, float]
    cut_off: tuple[float, float]
    vehicle_km: FloatArray
    links: RoadGraph
    link_vehicle_km: FloatArray
    unlaid_tco2e: float
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class _Laid:
    """Modelled traffic of one graph and demand: by car stream inside (streams, n) and outside; vehicle-km; by link."""

    streams: FloatArray
    outside: FloatArray
    vehicle_km: FloatArray
    link_vehicle_km: FloatArray
    trips: assignment.Assigned


def with_road_steps(
    state: State,
    forms: Sequence[FormStep],
    measures: Sequence[documents.AnyMeasure],
    roads: RoadWork,
    parameters: Parameters,
    curves: Mapping[str, RoadCurve],
    year: int,
) -> tuple[list[FormStep], RoadReport]:
    """Forms, and measures of roads after them, each also alone, and all without it.

    A measure that acts on a road which another builds does nothing alone. What a form does without roads is taken with
    the roads' effect as it is with all forms.

    Args:
        state: the baseline.
        forms: steps before.
        measures: of the kinds `scenarios.scenario.ROADS`, in order.
        roads: the graph.
        parameters: with the scenario's own values.
        curves: `<vehicle>_<fuel>` -> fuel by speed.
        year: of the scenario.

    Raises:
        InvalidScenario: a measure that these roads cannot take, or no trips.
        Stopped: cancelled.
    """
    base, crs = roads.graph, state.frame.crs

    def after(start: RoadGraph, chosen: Sequence[documents.AnyMeasure], strict: bool) -> RoadGraph:
        for measure in chosen:
            try:
                start = changed_graph(start, measure, roads.outline, crs, parameters)
            except InvalidScenario:
                if strict:
                    raise
        return start

    so_far = [base]
    for measure in measures:
        so_far.append(after(so_far[-1], [measure], True))
    alone = [so_far[1], *(after(base, [measure], False) for measure in measures[1:])]
    complete = [completeness(measure, state.year, year) for measure in measures]
    without = [_without(so_far, measures, complete, place, after) for place in range(len(measures))]
    passed = [graph for graphs in without for graph in graphs if graph is not None]
    graphs = list({id(graph): graph for graph in (*so_far, *alone, *passed)}.values())
    then = forms[-1].state if forms else state
    model = _Model(state, then, base, graphs, roads, parameters, curves)
    laid = {id(graph): model.laid(graph) for graph in graphs}
    resident = np.array([place for place, flow in enumerate(flow_labels(state)) if flow.resident], dtype=np.int64)
    scale, km_scale = _scales(state, resident, laid[id(base)][0])

    def change(graph: RoadGraph, demand: int) -> FloatArray:
        return scale[:, None] * (laid[id(graph)][demand].streams - laid[id(base)][demand].streams)

    def now(
        in_year: Tonnes, flows: Tonnes, done: Sequence[float], graphs: Sequence[RoadGraph | None]
    ) -> dict[str, FloatArray]:
        """Flows of forms in the year with what roads make of the complete ones, as far as they are complete."""

        def laid_on(tonnes: FloatArray, number: int) -> FloatArray:
            graph = graphs[number]
            assert graph is not None  # only those of weight 0 are left out
            return laid_change(tonnes, change(graph, -1))

        found = {}
        for name, tonnes in in_year.items():
            found[name] = tonnes.copy()
            found[name][resident] += ramped(done, functools.partial(laid_on, flows[name][resident]))
        return found

    def on(flows: Tonnes, delta: FloatArray) -> dict[str, FloatArray]:
        found = {}
        for name, tonnes in flows.items():
            found[name] = tonnes.copy()
            found[name][resident] = tonnes[resident] + laid_change(tonnes[resident], delta)
        return found

    today = flows_of(state).tco2e
    start: Tonnes = dict.fromkeys(parameters.elasticities, today)
    before: Tonnes = forms[-1].tco2e if forms else start
    begun: Tonnes = {name: _formed_by(forms, tonnes, name, year) for name, tonnes in start.items()}
    left = forms[-1].leaves_tco2e if forms else dict.fromkeys(parameters.elasticities, 0.0)
    steps = [replace(form, without=now(form.without, form.others or start, complete, so_far)) for form in forms]
    for place, measure in enumerate(measures):
        graph = so_far[place + 1]
        outside = float((scale * (laid[id(graph)][-1].outside - laid[id(base)][-1].outside)).sum())
        lanes = LANES_USED if isinstance(measure, documents.RoadLanes) else ()
        quantity, unit = road_quantity(so_far[place], measure, roads.outline, crs)
        steps.append(
            FormStep(
                measure.id, measure.kind, state.year + 1 if measure.start is None else measure.start,
                measure.ramp_years, then, on(before, change(graph, -1)), on(start, change(alone[place], 0)),
                now(begun, before, [c for k, c in enumerate(complete) if k != place], without[place]), None,
                {name: tonnes + outside for name, tonnes in left.items()}, (*USED, *lanes, *base.speeds), "roads",
                quantity, unit,
            )
        )  # fmt: skip
    rows = before[next(iter(before))][resident]
    whole = change(so_far[-1], -1)
    unlaid = float(np.abs(whole - laid_change(rows, whole)).sum())
    return steps, model.report(so_far[-1], laid[id(base)][-1], laid[id(so_far[-1])][-1], km_scale, unlaid)


def _without(
    so_far: Sequence[RoadGraph],
    measures: Sequence[documents.AnyMeasure],
    complete: Sequence[float],
    place: int,
    after: Callable[[RoadGraph, Sequence[documents.AnyMeasure], bool], RoadGraph],
) -> list[RoadGraph | None]:
    """Graphs after none, one, ... and all of the measures but one; None where the year knows nothing of it."""
    rest = [k for k in range(len(measures)) if k != place]
    weights = stage_weights([complete[k] for k in rest])
    found: list[RoadGraph | None] = []
    for number, weight in enumerate(weights):
        if number <= place:
            found.append(so_far[number])
        else:
            found.append(after(so_far[0], [measures[k] for k in rest[:number]], False) if weight else None)
    return found


def _formed_by(forms: Sequence[FormStep], today: FloatArray, name: str, year: int) -> FloatArray:
    """Flows (rows, n) after the forms, each as far as it is complete in the year."""
    complete = [float(ramp(form.begins, form.ramp_years, np.array([year]))[0]) for form in forms]
    return ramped(complete, lambda number: forms[number - 1].tco2e[name] if number else today)


def laid_change(flows: FloatArray, wanted: FloatArray) -> FloatArray:
    """The change of flows (rows, n) nearest to what is wanted that leaves none below 0; of each row the same sum.

    What a cell cannot give, since it has less traffic than the model thinks, is added nowhere else either.
    """
    taken = np.minimum(np.maximum(-wanted, 0.0), flows)
    added = np.maximum(wanted, 0.0)
    short = np.maximum(-wanted, 0.0).sum(axis=1) - taken.sum(axis=1)
    whole = added.sum(axis=1)
    part = np.divide(np.maximum(whole - short, 0.0), whole, out=np.ones_like(whole), where=(whole > 0) & (short > 0))
    return np.asarray(added * part[:, None] - taken)


def _scales(state: State, resident: IntArray, modelled: _Laid) -> tuple[FloatArray, float]:
    """Tonnes per modelled unit of each stream, and vehicle-km per modelled one, so that today's sums come out."""
    rows = flows_of(state).tco2e[resident].sum(axis=1)
    sums = modelled.streams.sum(axis=1)
    if not modelled.vehicle_km.sum() > 0:
        raise InvalidScenario("no resident's trip runs on the roads inside the region, so that they say nothing.")
    cars = [place for place, stream in enumerate(state.streams) if stream.vehicle == "car"]
    km = state.resident_share * float(state.vehicle_km[cars].sum())
    return np.divide(rows, sums, out=np.zeros_like(rows), where=sums > 0), km / float(modelled.vehicle_km.sum())


class _Model:
    """The trips of a state's residents, and how they are laid on cells."""

    def __init__(
        self,
        state: State,
        then: State,
        base: RoadGraph,
        graphs: Sequence[RoadGraph],
        roads: RoadWork,
        parameters: Parameters,
        curves: Mapping[str, RoadCurve],
    ) -> None:
        self.state, self.base = state, base
        people, jobs = (
            [each.over(getattr(each, name)) for each in ((state,) if then is state else (state, then))]
            for name in ("population", "jobs")
        )
        self.zones = assignment.trip_zones(state, np.sum(people, axis=0), np.sum(jobs, axis=0))
        self.walks = assignment.walks(graphs, self.zones, parameters.number("roads.walk_speed"))
        blocks = sum(assignment.blocks_of(graph, self.zones) for graph in (base, *graphs))
        self.tell = assignment.stopping(roads.progress, roads.cancelled, blocks)
        decay = 2 / parameters.number("access.trip_length")
        minutes = assignment.zone_minutes(base, self.zones, self.walks, self.tell)
        residents, places = self.zones.sums(people[0]), self.zones.sums(jobs[0])
        self.speed = assignment.crow_speed(self.zones, minutes, residents, places, decay)
        nearest = np.full(self.zones.count, np.inf)
        np.minimum.at(nearest, self.walks.zone, self.walks.minutes)
        self.own_minutes = self.zones.own_km / self.speed + 2 * nearest
        self.demands = [
            assignment.Demand(self.zones.sums(p), self.zones.sums(j), decay * self.speed)
            for p, j in zip(people, jobs, strict=True)
        ]
        self._curves = [curves.get(f"car_{stream.carrier.name}") for stream in state.streams if stream.vehicle == "car"]
        self._km = _km_in_cells(state, base.lines)
        cars = state.over(state.transport_tco2e[[s.vehicle == "car" for s in state.streams]]).sum(axis=0)
        here = self.zones.of_cell >= 0
        weight = np.where(here, cars + 1e-12 * cars.max(initial=1.0), 0.0)
        total = self.zones.sums(weight)
        self._part = np.where(here, weight / total[self.zones.of_cell], 0.0)

    def laid(self, graph: RoadGraph) -> list[_Laid]:
        """Traffic of each demand on a graph, in modelled units."""
        found = assignment.assigned(graph, self.zones, self.walks, self.demands, self.own_minutes, self.tell)
        more = graph.lines[len(self.base.lines) :]
        inside = hstack([self._km, _km_in_cells(self.state, more)], format="csr") if len(more) else self._km
        outside = np.maximum(graph.km - np.asarray(inside.sum(axis=0)).ravel(), 0.0)
        kmh = np.where(np.isfinite(graph.minutes), graph.km / graph.minutes * 60, 1.0)
        return [self._of(each, inside, outside, kmh, graph.km) for each in found]

    def _of(
        self, each: assignment.Assigned, inside: csr_array, outside: FloatArray, kmh: FloatArray, km: FloatArray
    ) -> _Laid:
        trips = each.trips.sum(axis=0)
        own = (each.within * self.zones.own_km)[self.zones.of_cell] * self._part
        streams, left = [], []
        for curve in self._curves:
            per_km = np.ones_like(kmh) if curve is None else curve.litres_per_km(kmh)
            burnt = (each.trips * per_km).sum(axis=0)
            mean = float((burnt * km).sum()) / max(float((trips * km).sum()), 1e-300)
            streams.append(inside @ burnt + mean * own)
            left.append(float(outside @ burnt))
        shape = (len(self._curves), self.state.cells)
        return _Laid(np.reshape(streams, shape), np.array(left), inside @ trips + own, trips * km, each)

    def report(self, graph: RoadGraph, before: _Laid, then: _Laid, km_scale: float, unlaid: float) -> RoadReport:
        """What the trips are like before and after."""
        links = np.zeros((2, len(graph.km)))
        links[0, : len(self.base.km)] = before.link_vehicle_km
        links[1] = then.link_vehicle_km
        notes = [
            Note("road trips", "road_trips", ("roads.walk_speed",)),
            *self.base.notes,
        ]
        cut = float(then.trips.cut_off.sum()), float(before.trips.cut_off.sum())
        if cut[0] > cut[1]:
            notes.append(Note("cut off", "cut_off", values={"residents": round(cut[0] - cut[1])}))
        return RoadReport(
            connectivity=self.base.connectivity(),
            zones=self.zones.count,
            crow_kmh=60 * self.speed,
            minutes=(before.trips.minutes, then.trips.minutes),
            cut_off=(cut[1], cut[0]),
            vehicle_km=km_scale * np.stack([before.vehicle_km, then.vehicle_km]),
            links=graph,
            link_vehicle_km=km_scale * links,
            unlaid_tco2e=unlaid,
            notes=tuple(notes),
        )


def _km_in_cells(state: State, lines: Objects) -> csr_array:
    """(n, links) kilometres of each line in each cell that counts."""
    frame = state.frame
    parts = line_lengths(lines, (round(frame.x_m), round(frame.y_m)), round(frame.size_m))
    place = np.full(frame.shape, -1, dtype=np.int64)
    place[state.inside] = np.arange(state.cells)
    within = (parts.row >= 0) & (parts.row < frame.rows) & (parts.col >= 0) & (parts.col < frame.cols)
    owner, row, col, km = (values[within] for values in (parts.owner, parts.row, parts.col, parts.amount / 1000))
    cell = place[row, col]
    counts = cell >= 0
    return coo_array((km[counts], (cell[counts], owner[counts])), shape=(state.cells, len(lines))).tocsr()
