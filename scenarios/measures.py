"""Sector measures: what each acts on, how strongly, in what units it is built, and the parameters it asks.

METHODS D4 to D9. Each function turns one measure of a scenario into an `Action` on the flows of a state.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from accounting.curves import RoadCurve
from scenarios import scenario as documents
from scenarios.draws import Deviates, Numbers
from scenarios.effects import STAGES, Action
from scenarios.errors import InvalidScenario
from scenarios.flows import Flow, flow_labels
from scenarios.frame import FloatArray, IntArray
from scenarios.parameters import Parameters
from scenarios.state import HECTARE_M2, VEHICLES, State

HEATING = ("gas", "heat", "oil", "lpg", "coal", "wood")
FUELS = ("gas", "oil", "lpg", "coal", "wood")
UNSTATED = "unstated"
_IPCC_GROWTH_YEARS = 20.0
Document = TypeVar("Document", bound=documents.Measure)


@dataclass(frozen=True, eq=False)
class Setting:
    """What a measure is made for.

    Attributes:
        state: the baseline.
        parameters: with the scenario's own values.
        coverage: (n,) 0 to 1, the share of each cell in the measure's area.
        curves: `<vehicle>_<fuel>` -> fuel by speed.
    """

    state: State
    parameters: Parameters
    coverage: FloatArray
    curves: dict[str, RoadCurve]

    def rows(self, condition: Callable[[Flow], bool]) -> IntArray:
        """Positions of the flows of which a condition holds."""
        labels = flow_labels(self.state)
        return np.array([place for place, label in enumerate(labels) if condition(label)], dtype=np.int64)


def action_of(measure: documents.Measure, setting: Setting) -> Action:
    """Make a sector measure ready.

    Raises:
        InvalidScenario: it acts on nothing that this state has, or needs what nobody told.
        ParameterGap: a parameter that has to be given.
    """
    own = measure.parameters
    numbers = Numbers(
        setting.parameters.given(own, f"measure {measure.id}"),
        frozenset(own),
        measure.id,
        setting.state.factors,
        Deviates(),
    )
    action = _MAKERS[type(measure)](measure, setting, numbers)
    action.effect(numbers)  # a gap is told before anything is computed
    return action


def in_order(actions: Iterable[Action]) -> list[Action]:
    """Actions by stage; those of one stage in the order given, but what electricity emits before what displaces it."""
    return sorted(actions, key=lambda action: (STAGES.index(action.stage), action.generates))


def _action(
    measure: documents.Measure,
    setting: Setting,
    numbers: Numbers,
    *,
    stage: str,
    sector: str,
    way: str,
    rows: IntArray,
    level: float,
    effect: Callable[[Numbers], FloatArray],
    unit: str,
    quantity: FloatArray,
    used: tuple[str, ...],
) -> Action:
    kind = str(measure.model_dump()["kind"])
    return Action(
        measure.id, kind, stage, sector, way, rows, level * setting.coverage, effect, quantity, unit,  # type: ignore[arg-type]
        setting.state.year + 1 if measure.start is None else measure.start, measure.ramp_years, numbers, used=used,
    )  # fmt: skip


def _stock_rows(
    setting: Setting,
    measure: str,
    uses: tuple[str, ...] | None,
    vintages: tuple[str, ...] | None,
    carriers: tuple[str, ...],
) -> tuple[IntArray, FloatArray]:
    """Rows of stocks and carriers, and the floor area (n,) of those stocks; refuses names that the state lacks."""
    state = setting.state
    for asked, have, what in (
        (uses, {stock.use for stock in state.stocks}, "use"),
        (vintages, {stock.vintage for stock in state.stocks}, "vintage"),
    ):
        unknown = sorted(set(asked or ()) - have)
        if unknown:
            raise InvalidScenario(
                f"{measure}: {what} {', '.join(unknown)} was given; this state tells {', '.join(sorted(have))}."
            )
    chosen = [
        stock for stock in state.stocks
        if (uses is None or stock.use in uses) and (vintages is None or stock.vintage in vintages)
    ]  # fmt: skip
    rows = setting.rows(lambda flow: flow.stock in chosen and flow.carrier.name in carriers)
    places = [place for place, stock in enumerate(state.stocks) if stock in chosen]
    if not len(rows):
        have_carriers = sorted({carrier.name for carrier in state.carriers})
        raise InvalidScenario(
            f"{measure}: no building flow of {', '.join(carriers)} is there to act on; this state has "
            f"{', '.join(have_carriers) or 'none'}."
        )
    return rows, np.asarray(state.over(state.floor_area_m2[places]).sum(axis=0))


def _retrofit(measure: documents.Retrofit, setting: Setting, numbers: Numbers) -> Action:
    carriers = (*HEATING, "electricity")
    rows, floor = _stock_rows(setting, measure.id, measure.uses, measure.vintages, carriers)
    labels = flow_labels(setting.state)
    electric = np.array([labels[row].carrier.name == "electricity" for row in rows])

    def effect(asked: Numbers) -> FloatArray:
        saved = asked.number("retrofit.saving") * (1 - asked.number("retrofit.rebound"))
        fuel, power = asked.number("retrofit.fuel_heat_share"), asked.number("retrofit.electric_heat_share")
        return np.where(electric[:, None], (saved * power)[None, :], (saved * fuel)[None, :])

    return _action(
        measure, setting, numbers, stage="efficiency", sector="buildings", way="saving", rows=rows, level=measure.level,
        effect=effect, unit="m2", quantity=floor * measure.level * setting.coverage,
        used=("retrofit.saving", "retrofit.rebound", "retrofit.fuel_heat_share", "retrofit.electric_heat_share"),
    )  # fmt: skip


def _heat_pump(measure: documents.HeatPump, setting: Setting, numbers: Numbers) -> Action:
    carriers = measure.carriers or FUELS
    rows, floor = _stock_rows(setting, measure.id, measure.uses, None, carriers)
    if "electricity" in carriers or UNSTATED in carriers:
        raise InvalidScenario(f"{measure.id}: heat pumps replace fuels or heat ({', '.join(HEATING)}).")
    labels = flow_labels(setting.state)

    def effect(asked: Numbers) -> FloatArray:
        # METHODS D5: useful heat is fuel times the boiler's efficiency, electricity is that over the seasonal factor.
        per_fuel = asked.number("heat_pump.boiler_efficiency") / asked.number("heat_pump.scop")
        return np.stack(
            [per_fuel * asked.factor("electricity") / asked.factor(labels[row].carrier.name) for row in rows]
        )

    return _action(
        measure, setting, numbers, stage="switch", sector="buildings", way="switch", rows=rows, level=measure.level,
        effect=effect, unit="m2", quantity=floor * measure.level * setting.coverage,
        used=("heat_pump.boiler_efficiency", "heat_pump.scop"),
    )  # fmt: skip


def _rooftop_pv(measure: documents.RooftopPV, setting: Setting, numbers: Numbers) -> Action:
    given = numbers.parameters
    roofs = setting.state.over(setting.state.floor_area_m2).sum(axis=0) / given.number("state.storeys")
    per_m2 = given.number("pv.roof_share") * given.number("pv.power_density")
    power = roofs * per_m2 * measure.level * setting.coverage

    def effect(asked: Numbers) -> FloatArray:
        return -asked.number("pv.yield") / 1000 * asked.factor("electricity")

    action = _action(
        measure, setting, numbers, stage="supply", sector="buildings", way="added", rows=_NO_ROWS, level=measure.level,
        effect=effect, unit="kWp", quantity=power,
        used=("pv.yield", "pv.roof_share", "pv.power_density", "state.storeys"),
    )  # fmt: skip
    return replace(action, generates=True)


def _electricity(measure: documents.ElectricityFactor, setting: Setting, numbers: Numbers) -> Action:
    def effect(asked: Numbers) -> FloatArray:
        today = setting.state.factors.get("electricity")
        if today is None or not today.tco2e_mwh > 0:
            asked.factor("electricity")
        assert today is not None
        return asked.number("electricity.target_factor") / today.tco2e_mwh

    return _action(
        measure, setting, numbers, stage="supply", sector="buildings", way="supply", rows=_NO_ROWS, level=1.0,
        effect=effect, unit="", quantity=np.zeros(setting.state.cells), used=("electricity.target_factor",),
    )  # fmt: skip


def _traffic_rows(
    setting: Setting, measure: str, vehicles: tuple[str, ...], condition: Callable[[Flow], bool]
) -> tuple[IntArray, FloatArray]:
    """Rows of vehicle classes, and the vehicle-km (rows, n) behind them; refuses classes that the state lacks."""
    state = setting.state
    have = [name for name in VEHICLES if any(stream.vehicle == name for stream in state.streams)]
    unknown = [name for name in vehicles if name not in have]
    if unknown:
        raise InvalidScenario(
            f"{measure}: vehicles {', '.join(unknown)} were given; this state tells {', '.join(have) or 'none'}."
        )
    rows = setting.rows(lambda flow: flow.vehicle in vehicles and condition(flow))
    if not len(rows):
        raise InvalidScenario(f"{measure}: no traffic of {', '.join(vehicles)} is there to act on.")
    labels, km = flow_labels(state), []
    for row in rows:
        place = next(
            k
            for k, s in enumerate(state.streams)
            if (s.vehicle, s.carrier) == (labels[row].vehicle, labels[row].carrier)
        )
        part = 1.0 if labels[row].vehicle != "car" else state.resident_share
        km.append(state.over(state.vehicle_km[place]) * (part if labels[row].resident or part == 1.0 else 1 - part))
    return rows, np.stack(km)


def _electric_vehicles(measure: documents.ElectricVehicles, setting: Setting, numbers: Numbers) -> Action:
    rows, km = _traffic_rows(setting, measure.id, measure.vehicles, lambda flow: flow.carrier.name != "electricity")
    state, labels = setting.state, flow_labels(setting.state)
    per_km = {}
    for stream, tco2e, vkm in zip(state.streams, state.transport_tco2e, state.vehicle_km, strict=True):
        if stream.vehicle in measure.vehicles and tco2e.any() and not vkm.any():
            raise InvalidScenario(
                f"{measure.id}: the vehicle-km of {stream.vehicle} on {stream.carrier.name} are unknown, so that what "
                "they would draw as electric ones is, too; leave this class out."
            )
        per_km[stream.vehicle, stream.carrier] = tco2e.sum() / vkm.sum() if vkm.any() else 0.0

    def effect(asked: Numbers) -> FloatArray:
        drawn = asked.factor("electricity") / (1 - asked.number("ev.charging_loss")) / 1000
        ratios = []
        for row in rows:
            fuel = per_km[labels[row].vehicle, labels[row].carrier]
            ratio = asked.number(f"ev.{labels[row].vehicle}") * drawn / fuel if fuel else np.zeros(drawn.shape)
            ratios.append(ratio)
        return np.stack(ratios)

    return _action(
        measure, setting, numbers, stage="switch", sector="transport", way="switch", rows=rows, level=measure.level,
        effect=effect, unit="vehicle-km/yr", quantity=km.sum(axis=0) * measure.level * setting.coverage,
        used=("ev.charging_loss", *(f"ev.{vehicle}" for vehicle in measure.vehicles)),
    )  # fmt: skip


def _modal_shift(measure: documents.ModalShift, setting: Setting, numbers: Numbers) -> Action:
    rows, km = _traffic_rows(setting, measure.id, ("car",), lambda flow: flow.resident)

    def effect(asked: Numbers) -> FloatArray:
        return np.broadcast_to(1 - asked.number("modal_shift.other_mode"), (len(rows), asked.deviates.size))

    return _action(
        measure, setting, numbers, stage="demand", sector="transport", way="saving", rows=rows, level=measure.level,
        effect=effect, unit="vehicle-km/yr", quantity=km.sum(axis=0) * measure.level * setting.coverage,
        used=("modal_shift.other_mode", "state.resident_share"),
    )  # fmt: skip


def _freight(measure: documents.Freight, setting: Setting, numbers: Numbers) -> Action:
    have = {stream.vehicle for stream in setting.state.streams}
    vehicles = tuple(name for name in measure.vehicles if name in have) or measure.vehicles
    rows, km = _traffic_rows(setting, measure.id, vehicles, lambda flow: True)

    def effect(asked: Numbers) -> FloatArray:
        return np.broadcast_to(asked.number("freight.saving"), (len(rows), asked.deviates.size))

    return _action(
        measure, setting, numbers, stage="demand", sector="transport", way="saving", rows=rows, level=measure.level,
        effect=effect, unit="vehicle-km/yr", quantity=km.sum(axis=0) * measure.level * setting.coverage,
        used=("freight.saving",),
    )  # fmt: skip


def _speed(measure: documents.Speed, setting: Setting, numbers: Numbers) -> Action:
    labels = flow_labels(setting.state)
    fuelled = setting.rows(
        lambda flow: (
            flow.sector == "transport"
            and _curve(setting, flow) is not None
            and (measure.vehicles is None or flow.vehicle in measure.vehicles)
        )
    )
    if not len(fuelled):
        raise InvalidScenario(f"{measure.id}: no traffic with a fuel curve is there to act on.")
    saved = []
    for row in fuelled:
        curve = _curve(setting, labels[row])
        assert curve is not None
        saved.append(1 - float(curve.litres_per_km(measure.after_kmh) / curve.litres_per_km(measure.before_kmh)))

    def effect(asked: Numbers) -> FloatArray:
        return np.broadcast_to(np.array(saved)[:, None], (len(saved), asked.deviates.size))

    return _action(
        measure, setting, numbers, stage="efficiency", sector="transport", way="saving", rows=fuelled, level=1.0,
        effect=effect, unit="", quantity=np.zeros(setting.state.cells), used=(),
    )  # fmt: skip


def _curve(setting: Setting, flow: Flow) -> RoadCurve | None:
    vehicle = {"hgv": "hgv_rigid"}.get(flow.vehicle, flow.vehicle)
    return setting.curves.get(f"{vehicle}_{flow.carrier.name}")


def _planted(
    measure: documents.Measure, setting: Setting, numbers: Numbers, quantity: FloatArray, unit: str,
    effect: Callable[[Numbers], FloatArray], years: str, counted: float, used: tuple[str, ...],
) -> Action:  # fmt: skip
    action = _action(
        measure, setting, numbers, stage="sink", sector="forest", way="added", rows=_NO_ROWS, level=1.0, effect=effect,
        unit=unit, quantity=quantity, used=(years, *used),
    )  # fmt: skip
    return replace(action, grows=lambda asked: (asked.number(years), counted))


def _free_ground(measure: str, setting: Setting, hectares: float) -> FloatArray:
    """Hectares per cell (n,), on ground of the area that is neither green nor under floor area."""
    state = setting.state
    built = state.over(state.floor_area_m2).sum(axis=0) / setting.parameters.number("state.storeys") / HECTARE_M2
    free = np.maximum(state.over(state.area_ha) - state.over(state.green_ha) - built, 0.0) * setting.coverage
    if hectares > free.sum():
        raise InvalidScenario(
            f"{measure}: {hectares:,.1f} ha were asked for, and the area has {free.sum():,.1f} ha that are neither "
            "green nor built on; choose fewer, or a larger area."
        )
    return np.asarray(free * (hectares / free.sum()))


def _afforestation(measure: documents.Afforestation, setting: Setting, numbers: Numbers) -> Action:
    return _planted(
        measure, setting, numbers, _free_ground(measure.id, setting, measure.hectares), "ha",
        lambda asked: -asked.number("afforestation.uptake"), "afforestation.years", np.inf, ("afforestation.uptake",),
    )  # fmt: skip


def _street_trees(measure: documents.StreetTrees, setting: Setting, numbers: Numbers) -> Action:
    state = setting.state
    weight = state.over(state.street_km if state.street_km is not None else state.population + state.jobs)
    weight = weight * setting.coverage
    if not weight.any():
        raise InvalidScenario(f"{measure.id}: the area has no streets (or people) to plant trees beside.")
    return _planted(
        measure, setting, numbers, measure.trees * weight / weight.sum(), "tree",
        lambda asked: -asked.number("trees.uptake") * asked.number("trees.crown") / HECTARE_M2, "trees.years",
        _IPCC_GROWTH_YEARS, ("trees.uptake", "trees.crown"),
    )  # fmt: skip


def _park(measure: documents.Park, setting: Setting, numbers: Numbers) -> Action:
    return _planted(
        measure, setting, numbers, _free_ground(measure.id, setting, measure.hectares), "ha",
        lambda asked: -asked.number("trees.uptake") * asked.number("park.crown_share"), "trees.years",
        _IPCC_GROWTH_YEARS, ("trees.uptake", "park.crown_share"),
    )  # fmt: skip


_NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)
_MAKERS: dict[type[documents.Measure], Callable[..., Action]] = {
    documents.Retrofit: _retrofit,
    documents.HeatPump: _heat_pump,
    documents.RooftopPV: _rooftop_pv,
    documents.ElectricityFactor: _electricity,
    documents.ElectricVehicles: _electric_vehicles,
    documents.ModalShift: _modal_shift,
    documents.Speed: _speed,
    documents.Freight: _freight,
    documents.Afforestation: _afforestation,
    documents.StreetTrees: _street_trees,
    documents.Park: _park,
}
