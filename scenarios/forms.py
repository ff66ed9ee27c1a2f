"""Urban form: where growth goes and who moves: trend, sprawl, compact, monocentric, polycentric.

People, jobs and floor area are conserved: what is there afterwards is what was there and what was added, to the last
bit of the exact sum. Floor area moves with its people and keeps its use, vintage and energy per area (METHODS D3).
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from scenarios.access import gravity_access
from scenarios.centres import Places, found_centres, nearest_km
from scenarios.errors import InvalidScenario, plain
from scenarios.exact_sums import exact_sum
from scenarios.filling import filled, settled
from scenarios.frame import FloatArray
from scenarios.parameters import Parameters
from scenarios.state import HECTARE_M2, State

FormName = Literal["trend", "sprawl", "compact", "monocentric", "polycentric"]
DWELLINGS = frozenset({"residential", "apartment"})
_LEAST = 1e-6  # of a person or a part: less would be lost in rounding and is a slip of the unit
_CENTRES = {"monocentric": 1, "polycentric": 4}


@dataclass(frozen=True, eq=False)
class Growth:
    """People and jobs that come, or move, and the form they take.

    Attributes:
        form: `trend` follows what is there; `sprawl` fills thin ground evenly; `compact` fills inhabited cells,
            dense ones near jobs first; `monocentric` and `polycentric` decline with the distance from centres.
        people, jobs: that are added, persons.
        moved_people, moved_jobs: part (0 to 1) of those in the origin that move.
        centres: (x, y) in metres; found from people and jobs if none are given.
        people_per_ha, jobs_per_ha: up to which cells may be filled; from today's densities if None.
        origin, destination: (rows, cols) 0 to 1, where people leave and may go; everywhere if None.
    """

    form: FormName
    people: float = 0.0
    jobs: float = 0.0
    moved_people: float = 0.0
    moved_jobs: float = 0.0
    centres: Places = ()
    people_per_ha: float | None = None
    jobs_per_ha: float | None = None
    origin: FloatArray | None = None
    destination: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Formed:
    """A state after its form changed.

    Attributes:
        state: with the new people, jobs, floor area, emissions of buildings, green and removals; traffic as before.
        left, arrived: (rows, cols) people who went to and came from other cells; growth came from nowhere.
        jobs_arrived: jobs that came to other cells, all together.
        centres: by which the form was made; empty for forms without.
        used: ids of the parameters it rests on.
    """

    state: State
    left: FloatArray
    arrived: FloatArray
    jobs_arrived: float
    centres: Places
    used: tuple[str, ...]


def formed(state: State, growth: Growth, parameters: Parameters, baseline: State | None = None) -> Formed:
    """Let a city grow or move in one form.

    Args:
        state: before.
        growth: who comes or moves, and how.
        parameters: with the scenario's own values.
        baseline: whose energy per area new floor area has where the state has none of its use left.

    Raises:
        InvalidScenario: negative amounts, parts beyond 0 to 1, nowhere to go, or less room than is needed.
        ParameterGap: floor area per person is neither in the state nor given.
    """
    _check(growth)
    used: set[str] = set()
    centres = growth.centres
    if growth.form in _CENTRES and not centres:
        centres = found_centres(state, _CENTRES[growth.form])
    origin = np.ones(state.frame.shape) if growth.origin is None else growth.origin
    pull = _pull(state, growth, centres, parameters, used)
    people = _moved(state, state.population, growth.people, growth.moved_people * origin, pull, growth, "people",
                    parameters, used)  # fmt: skip
    jobs = _moved(state, state.jobs, growth.jobs, growth.moved_jobs * origin, pull, growth, "jobs", parameters, used)
    floor, tco2e = state.floor_area_m2.copy(), state.buildings_tco2e.copy()
    for kind, before, moved, added, name in (
        (True, state.population, people, growth.people, "state.floor_per_person"),
        (False, state.jobs, jobs, growth.jobs, "state.floor_per_job"),
    ):
        stocks = [place for place, stock in enumerate(state.stocks) if (stock.use in DWELLINGS) == kind]
        if not stocks:
            continue
        per_head = _floor_per_head(state, stocks, before, parameters, name, used) if added else 0.0
        for stock in stocks:
            new = added * per_head if stock == stocks[-1] else 0.0
            floor[stock], tco2e[stock] = _stock_moved(state, stock, before, moved, new, baseline)
    green, removals = _green_left(state, floor, parameters, used)
    after = replace(
        state,
        population=people.after,
        jobs=jobs.after,
        floor_area_m2=floor,
        buildings_tco2e=tco2e,
        green_ha=green,
        forest_tco2e=removals,
    )
    return Formed(after, people.left, people.arrived, float(jobs.arrived.sum()), centres, tuple(sorted(used)))


def with_use_changed(
    state: State, coverage: FloatArray, source: str, target: str, share: float, baseline: State | None = None
) -> State:
    """Turn a share of one use's floor area into another's, at that one's mean energy per area; people and jobs stay.

    Args:
        state: before.
        coverage: (rows, cols) 0 to 1, where.
        source: the use that shrinks, all its vintages alike.
        target: the use that grows; its last vintage takes the floor area.
        share: 0 to 1 of the source's floor area there.
        baseline: whose energy per area it is where the state has no floor area of the target left.

    Raises:
        InvalidScenario: a use that the state does not have, one of which nobody knows the energy per area, or a share
            beyond 0 to 1.
    """
    uses = sorted({stock.use for stock in state.stocks})
    if source not in uses or target not in uses or source == target or not 0 <= share <= 1:
        raise InvalidScenario(
            f"A change of {share:g} of {source!r} to {target!r} was asked for; two of {', '.join(uses)} and a share "
            "from 0 to 1 were expected."
        )
    into = max(place for place, stock in enumerate(state.stocks) if stock.use == target)
    floor, tco2e = state.floor_area_m2.copy(), state.buildings_tco2e.copy()
    intensity = _mean_intensity(state, target, baseline)
    if intensity is None:
        raise InvalidScenario(
            f"Floor area was to become {target!r}, and there is none of that use to take its energy per area from; "
            f"another of {', '.join(uses)} was expected, or an edition that has some."
        )
    for place, stock in enumerate(state.stocks):
        if stock.use == source:
            part = share * coverage
            moved = floor[place] * part
            floor[place] -= moved
            floor[into] += moved
            tco2e[place] -= tco2e[place] * part
            tco2e[into] += intensity[:, None, None] * moved
    before = exact_sum(state.floor_area_m2)
    flat = settled(floor.ravel(), before).reshape(floor.shape)
    return replace(state, floor_area_m2=flat, buildings_tco2e=tco2e)


@dataclass(frozen=True, eq=False)
class _Moved:
    after: FloatArray
    left: FloatArray
    arrived: FloatArray


def _check(growth: Growth) -> None:
    for name, amount in (("people", growth.people), ("jobs", growth.jobs)):
        if not (amount == 0 or _LEAST <= amount < math.inf):
            raise InvalidScenario(
                f"Growth of {plain(amount)} {name} was given; 0 or more was expected. To let some "
                f"move, give moved_{name}."
            )
    for name, part in (("people", growth.moved_people), ("jobs", growth.moved_jobs)):
        if not (part == 0 or _LEAST <= part <= 1):
            raise InvalidScenario(
                f"moved_{name} = {part:g} was given; a part of those who are there, 0 to 1, was expected."
            )


def _pull(state: State, growth: Growth, centres: Places, parameters: Parameters, used: set[str]) -> FloatArray | None:
    """Weight of each cell by its place, (rows, cols); None where the form follows what is there."""
    if growth.form in _CENTRES:
        used.add("forms.nearness")
        away = nearest_km(state, centres)
        heads = state.population if state.population.any() else state.jobs
        today = float((heads * away).sum() / heads.sum()) if heads.any() else float(away[state.inside].mean())
        # Density D0 exp(-a r) around a place has the mean distance 2 / a.
        return np.asarray(state.area_ha * np.exp(-2 / (parameters.number("forms.nearness") * today) * away))
    if growth.form == "compact":
        used.add("access.trip_length")
        return gravity_access(state.frame, state.jobs, 2 / parameters.number("access.trip_length"))
    return None


def _moved(
    state: State,
    before: FloatArray,
    added: float,
    part: FloatArray,
    pull: FloatArray | None,
    growth: Growth,
    who: Literal["people", "jobs"],
    parameters: Parameters,
    used: set[str],
) -> _Moved:
    left = before * part
    amount = exact_sum(left) + added
    total = exact_sum(before) + added
    if amount == 0:
        return _Moved(before, left, left)
    staying = before - left
    weights, room = _weights(state, before, staying, pull, growth, who, parameters, used)
    if growth.destination is not None:
        weights, room = weights * growth.destination, np.where(growth.destination > 0, room, 0.0)
    weights = np.where(state.inside, weights, 0.0)
    if not (weights > 0).any():
        raise InvalidScenario(
            f"No cell takes {who}: the destination holds none that the form {growth.form!r} goes to. Choose a larger "
            "destination, or a form with centres."
        )
    arrived = filled(amount, weights.ravel(), room.ravel()).reshape(before.shape)
    after = settled((staying + arrived).ravel(), total).reshape(before.shape)
    # Who leaves a cell and comes to it again did not move: houses and habits stay.
    within = np.minimum(left, arrived)
    return _Moved(after, left - within, arrived - within)


def _weights(
    state: State,
    before: FloatArray,
    staying: FloatArray,
    pull: FloatArray | None,
    growth: Growth,
    who: Literal["people", "jobs"],
    parameters: Parameters,
    used: set[str],
) -> tuple[FloatArray, FloatArray]:
    """Weight and room of each cell."""
    limit = growth.people_per_ha if who == "people" else growth.jobs_per_ha
    if growth.form == "trend" and limit is None:
        return before, np.full(before.shape, np.inf)
    density = np.divide(before, state.area_ha, out=np.zeros_like(before), where=state.area_ha > 0)
    there = density[density > 0]
    if limit is None:
        if not there.size:
            raise InvalidScenario(f"There are no {who} to take a density from: give {who}_per_ha.")
        name = "forms.sprawl_quantile" if growth.form == "sprawl" else "forms.density_quantile"
        used.add(name)
        limit = float(np.quantile(there, parameters.number(name)))
    # What is denser today may be so again: a limit for newcomers thins nothing out.
    room = np.maximum(limit * state.area_ha, before) - staying
    if growth.form == "sprawl":
        return state.area_ha, room
    if growth.form == "compact":
        assert pull is not None
        return before * density * pull, room
    return (before if pull is None else pull), room


def _floor_per_head(
    state: State, stocks: list[int], heads: FloatArray, parameters: Parameters, name: str, used: set[str]
) -> float:
    floor, people = exact_sum(state.floor_area_m2[stocks]), exact_sum(heads)
    if floor > 0 and people > 0:
        return floor / people
    used.add(name)
    return parameters.number(name)


def _stock_moved(
    state: State, stock: int, before: FloatArray, moved: _Moved, new_m2: float, baseline: State | None
) -> tuple[FloatArray, FloatArray]:
    """Floor area and emissions of one stock after its people left and others came; new floor at the mean intensity."""
    floor, tco2e = state.floor_area_m2[stock], state.buildings_tco2e[stock]
    part = np.divide(moved.left, before, out=np.zeros_like(before), where=before > 0)
    came = exact_sum(moved.arrived)
    if came == 0:
        return floor, tco2e
    to = moved.arrived / came
    leaving_m2, leaving_t = floor * part, tco2e * part
    total = exact_sum(floor) + new_m2
    floor_after = settled((floor - leaving_m2 + to * (leaving_m2.sum() + new_m2)).ravel(), total).reshape(floor.shape)
    mean = tco2e.sum(axis=(1, 2)) / floor.sum() if floor.any() else None
    for use in (state.stocks[stock].use, None):  # what nobody has here is taken to be as buildings are
        mean = _mean_intensity(state, use, baseline) if mean is None else mean
    if mean is None:
        mean = np.zeros(len(state.carriers))
    coming_t = leaving_t.sum(axis=(1, 2)) + mean * new_m2
    return floor_after, tco2e - leaving_t + coming_t[:, None, None] * to


def _mean_intensity(state: State, use: str | None, baseline: State | None) -> FloatArray | None:
    """Emissions per floor area by carrier, over all vintages of a use; None where neither state has any of it."""
    for each in (state, state if baseline is None else baseline):
        same = [place for place, stock in enumerate(each.stocks) if use in (None, stock.use)]
        area = each.floor_area_m2[same].sum()
        if area > 0:
            return np.asarray(each.buildings_tco2e[same].sum(axis=(0, 2, 3)) / area)
    return None


def _green_left(
    state: State, floor: FloatArray, parameters: Parameters, used: set[str]
) -> tuple[FloatArray, FloatArray]:
    """Green and removals after new floor area took open ground; ground that is left free does not grow over."""
    added = floor.sum(axis=0) - state.floor_area_m2.sum(axis=0)
    if not (added > 0).any() or not state.green_ha.any():
        return state.green_ha, state.forest_tco2e
    used.add("forms.floor_area_ratio")
    per_ha = parameters.number("forms.floor_area_ratio") * HECTARE_M2
    open_ha = np.maximum(state.area_ha - state.floor_area_m2.sum(axis=0) / per_ha, 0.0)
    taken_ha = np.minimum(np.maximum(added, 0.0) / per_ha, open_ha)
    ground = np.maximum(open_ha, state.green_ha)
    lost = np.divide(taken_ha, ground, out=np.zeros_like(ground), where=ground > 0)
    return state.green_ha * (1 - lost), state.forest_tco2e * (1 - lost)
