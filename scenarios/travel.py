"""How residents' car travel answers urban form, and on which roads the answer is driven (METHODS D1).

Elasticities concern the travel of residents; a road map shows what is driven inside the territory. So only the part of
car traffic that residents make responds. Homes are joined to roads by a gravity model with the decay of trips, balanced
once against the traffic that is there; the change of a home's travel is laid on the roads where its trips run. What of
it runs outside the region is told, not laid.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scenarios.access import Kernel, Smoothing, decay_kernel
from scenarios.centres import Places, found_centres
from scenarios.errors import InvalidScenario
from scenarios.frame import FloatArray
from scenarios.parameters import Parameters
from scenarios.state import State
from scenarios.surroundings import MOST_CHANGE, Known, Surroundings, elastic_ratio, standing, surroundings

USED = ("access.trip_length", "access.smoothing", "state.resident_share")
_ROUNDS = 15  # of balancing; by then roads agree to about 1e-3, and homes exactly


@dataclass(frozen=True, eq=False)
class TravelBaseline:
    """Travel before anything changes; made once for a state.

    Attributes:
        state: of which.
        centres: the designated ones.
        surroundings: what places offer.
        kernel: weight of trips by distance.
        roads: (rows, cols) residents' car traffic on each cell's roads, tCO2e a year.
        stays: (rows, cols) part of a home's travel that runs inside the region.
        home_balance, road_balance: of the gravity model.
        per_head: set -> (rows, cols) travel per resident, in tCO2e a year of car traffic.
        decay_per_km: of trips.
        smoothing: over which densities are taken.
    """

    state: State
    centres: Places
    surroundings: Surroundings
    kernel: Kernel
    roads: FloatArray
    stays: FloatArray
    home_balance: FloatArray
    road_balance: FloatArray
    per_head: Mapping[str, FloatArray]
    decay_per_km: float
    smoothing: Smoothing

    def per_person_tco2e(self) -> float:
        """Car travel of a resident, inside and outside the region, tCO2e a year, by the set that says most."""
        people = self.state.population
        sums = [float((people * each).sum()) for each in self.per_head.values()]
        return max(sums, default=0.0) / max(float(people.sum()), 1e-300)


@dataclass(frozen=True, eq=False)
class Travel:
    """The answer by one set of elasticities.

    Attributes:
        factor: (rows, cols) residents' car traffic on each cell's roads, new over old.
        change_tco2e: of residents' car traffic, at homes, of today's vehicles.
        leaves_tco2e: the part of it that runs outside the region and is laid on no road.
    """

    factor: FloatArray
    change_tco2e: float
    leaves_tco2e: float


def travel_baseline(state: State, parameters: Parameters, centres: Places = ()) -> TravelBaseline:
    """Join homes to roads.

    Args:
        state: of which.
        parameters: mean trip length, smoothing, elasticities.
        centres: designated ones; found where people and jobs are densest if none are given.
    """
    decay, radius = 2 / parameters.number("access.trip_length"), parameters.number("access.smoothing")
    if not centres and (state.population + state.jobs).any():
        centres = found_centres(state, 4, radius_km=radius)
    smoothing = Smoothing(state.frame, state.inside, radius)
    now = surroundings(state, centres, decay, smoothing)
    kernel = decay_kernel(state.frame.shape, state.frame.size_m, decay)
    cars = [place for place, stream in enumerate(state.streams) if stream.vehicle == "car"]
    roads = state.resident_share * state.transport_tco2e[cars].sum(axis=0)
    stays = np.where(state.inside, np.minimum(kernel.convolve(state.inside.astype(float)) / kernel.mass, 1.0), 0.0)
    standings = {name: standing(now, state.population, values) for name, values in parameters.elasticities.items()}
    inside_weight = {name: float((state.population * at * stays).sum()) for name, at in standings.items()}
    per_head = {name: at * (roads.sum() / (inside_weight[name] or 1.0)) for name, at in standings.items()}
    home, road = _balanced(kernel, state.population * stays, roads)
    return TravelBaseline(state, centres, now, kernel, roads, stays, home, road, per_head, decay, smoothing)


def _balanced(kernel: Kernel, homes: FloatArray, roads: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Factors u, w of `T_ij = u_i H_i K_ij w_j R_j`: rows add to homes exactly, columns to roads nearly."""
    u, w = np.zeros_like(homes), np.ones_like(roads)
    if not homes.any() or not roads.any():
        return u, w
    homes = homes * (roads.sum() / homes.sum())
    for _ in range(_ROUNDS):
        reach = kernel.convolve(roads * w)
        u = np.divide(1.0, reach, out=np.zeros_like(reach), where=reach > 1e-12 * reach.max())
        came = kernel.convolve(homes * u)
        w = np.divide(1.0, came, out=np.ones_like(came), where=came > 1e-12 * came.max())
    reach = kernel.convolve(roads * w)
    return np.divide(1.0, reach, out=np.zeros_like(reach), where=reach > 1e-12 * reach.max()), w


def travel_answers(
    baseline: TravelBaseline,
    after: State,
    left: FloatArray,
    arrived: FloatArray,
    parameters: Parameters,
    centres: Places = (),
) -> dict[str, Travel]:
    """The answer of travel to a new form, by each set of elasticities run by itself.

    Who stays travels as before times the ratio that the place's change gives. Who moves or comes takes the habit of the
    place it goes to, as far as that differs from where it came from (growth: from the mean) by no more than the limit.

    Args:
        baseline: before.
        after: the state with its new form.
        left: (rows, cols) people who went.
        arrived: (rows, cols) people who came, of those and of growth.
        parameters: elasticities.
        centres: newly designated; one counts once it is at least half as dense as the least of those before.
    """
    if not (left.any() or arrived.any()) and after is baseline.state:
        return {name: Travel(np.ones(after.frame.shape), 0.0, 0.0) for name in parameters.elasticities}
    counted = baseline.centres + grown_centres(baseline, after, centres)
    known = Known(baseline.state, baseline.centres, baseline.surroundings)
    then = surroundings(after, counted, baseline.decay_per_km, baseline.smoothing, known)
    before = baseline.state.population
    answers = {}
    for name, elasticities in parameters.elasticities.items():
        per_head = baseline.per_head[name]
        ratio = elastic_ratio(baseline.surroundings, then, elasticities)
        habit = per_head * ratio
        gone, came = float(left.sum()), float(arrived.sum())
        mean = float((before * per_head).sum()) / max(float(before.sum()), 1e-300)
        was = ((left * per_head).sum() + max(came - gone, 0.0) * mean) / came if came else mean
        taken = was * np.clip(habit / was, 1 - MOST_CHANGE, 1 + MOST_CHANGE) if was else habit
        change = (before - left) * habit + arrived * taken - before * per_head
        answers[name] = _laid(baseline, change)
    return answers


def grown_centres(baseline: TravelBaseline, after: State, centres: Places) -> Places:
    """Those of newly designated centres that are centres by then: a name on a plan shortens no trip.

    Raises:
        InvalidScenario: a centre outside the region's cells.
    """
    if not centres:
        return ()
    density = baseline.smoothing.mean(after.population + after.jobs)
    enough = 0.5 * min((_at(after, density, place) for place in baseline.centres), default=0.0)
    return tuple(place for place in centres if _at(after, density, place) > enough)


def _at(state: State, field: FloatArray, place: tuple[float, float]) -> float:
    cell = state.frame.cell_at(*place)
    if cell is None or not state.inside[cell]:
        raise InvalidScenario(
            f"The centre at x = {place[0]:.0f}, y = {place[1]:.0f} m ({state.frame.crs}) lies in no cell of the "
            "region; give a place inside it."
        )
    return float(field[cell])


def _laid(baseline: TravelBaseline, change: FloatArray) -> Travel:
    """Lay a change of travel at homes (rows, cols) on the roads where their trips run."""
    total = float(change.sum())
    stays = change * baseline.stays * (baseline.home_balance > 0)
    laid = baseline.roads * baseline.road_balance * baseline.kernel.convolve_signed(stays * baseline.home_balance)
    # Balanced roads may be overdrawn by the thousandth that balancing leaves; no road carries less than nothing.
    laid = np.maximum(laid, -baseline.roads)
    wanted, got = float(stays.sum()), float(laid.sum())
    if got and abs(got - wanted) < 0.01 * abs(wanted):
        laid *= wanted / got
    factor = np.divide(baseline.roads + laid, baseline.roads, out=np.ones_like(laid), where=baseline.roads > 0)
    return Travel(np.maximum(factor, 0.0), total, total - float(((factor - 1) * baseline.roads).sum()))
