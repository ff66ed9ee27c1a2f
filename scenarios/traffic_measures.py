"""Measures of traffic (METHODS B2, D7)."""

from collections.abc import Callable

import numpy as np

from accounting.curves import RoadCurve
from scenarios import scenario as documents
from scenarios.action_setting import Setting, action_on
from scenarios.draws import Numbers
from scenarios.effects import Action
from scenarios.errors import InvalidScenario
from scenarios.flows import Flow, flow_labels
from scenarios.frame import FloatArray, IntArray
from scenarios.state import VEHICLES

_FREIGHT = ("lgv", "hgv")


def _traffic_rows(
    setting: Setting, measure: str, vehicles: tuple[str, ...], condition: Callable[[Flow], bool]
) -> tuple[IntArray, FloatArray]:
    """Rows of vehicle classes, and the vehicle-km (rows, n) behind them; refuses classes that the state lacks."""
    _refuse_unknown(setting, measure, vehicles)
    rows = setting.rows(lambda flow: flow.vehicle in vehicles and condition(flow))
    if not len(rows):
        raise InvalidScenario(f"{measure}: no traffic of {', '.join(vehicles)} is there to act on.")
    return rows, _km(setting, rows)


def _refuse_unknown(setting: Setting, measure: str, vehicles: tuple[str, ...]) -> None:
    have = [name for name in VEHICLES if any(stream.vehicle == name for stream in setting.state.streams)]
    unknown = [name for name in vehicles if name not in have]
    if unknown:
        raise InvalidScenario(
            f"{measure}: vehicles {', '.join(unknown)} were given; this state tells {', '.join(have) or 'none'}."
        )


def _km(setting: Setting, rows: IntArray) -> FloatArray:
    """Vehicle-km (rows, n) a year behind rows of traffic."""
    state, labels, km = setting.state, flow_labels(setting.state), []
    for row in rows:
        place = next(
            k
            for k, s in enumerate(state.streams)
            if (s.vehicle, s.carrier) == (labels[row].vehicle, labels[row].carrier)
        )
        part = 1.0 if labels[row].vehicle != "car" else state.resident_share
        driven = state.over(state.vehicle_km[place]) * (part if labels[row].resident or part == 1.0 else 1 - part)
        km.append(driven * setting.travel if labels[row].resident and setting.travel is not None else driven)
    return np.stack(km)


def electric_vehicles(measure: documents.ElectricVehicles, setting: Setting, numbers: Numbers) -> Action:
    """Fuel gives way to electricity, by vehicle class (METHODS D7)."""
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

    return action_on(
        measure, setting, numbers, stage="switch", sector="transport", way="switch", rows=rows, level=measure.level,
        effect=effect, unit="vehicle-km/yr", quantity=km.sum(axis=0) * measure.level * setting.coverage,
        used=("ev.charging_loss", *(f"ev.{vehicle}" for vehicle in measure.vehicles)),
    )  # fmt: skip


def modal_shift(measure: documents.ModalShift, setting: Setting, numbers: Numbers) -> Action:
    """Residents leave the car."""
    rows, km = _traffic_rows(setting, measure.id, ("car",), lambda flow: flow.resident)

    def effect(asked: Numbers) -> FloatArray:
        return np.broadcast_to(1 - asked.number("modal_shift.other_mode"), (len(rows), asked.deviates.size))

    return action_on(
        measure, setting, numbers, stage="demand", sector="transport", way="saving", rows=rows, level=measure.level,
        effect=effect, unit="vehicle-km/yr", quantity=km.sum(axis=0) * measure.level * setting.coverage,
        used=("modal_shift.other_mode", "state.resident_share"),
    )  # fmt: skip


def freight(measure: documents.Freight, setting: Setting, numbers: Numbers) -> Action:
    """Lorries and vans run less."""
    have = {stream.vehicle for stream in setting.state.streams}
    vehicles = measure.vehicles or tuple(name for name in _FREIGHT if name in have) or _FREIGHT
    rows, km = _traffic_rows(setting, measure.id, vehicles, lambda flow: True)

    def effect(asked: Numbers) -> FloatArray:
        return np.broadcast_to(asked.number("freight.saving"), (len(rows), asked.deviates.size))

    return action_on(
        measure, setting, numbers, stage="demand", sector="transport", way="saving", rows=rows, level=measure.level,
        effect=effect, unit="vehicle-km/yr", quantity=km.sum(axis=0) * measure.level * setting.coverage,
        used=("freight.saving",),
    )  # fmt: skip


def speed(measure: documents.Speed, setting: Setting, numbers: Numbers) -> Action:
    """Traffic runs faster or slower, along the fuel curves (METHODS B2)."""
    labels = flow_labels(setting.state)
    _refuse_unknown(setting, measure.id, measure.vehicles or ())
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

    return action_on(
        measure, setting, numbers, stage="efficiency", sector="transport", way="rate", rows=fuelled, level=1.0,
        effect=effect, unit="vehicle-km/yr", quantity=_km(setting, fuelled).sum(axis=0) * setting.coverage, used=(),
    )  # fmt: skip


def _curve(setting: Setting, flow: Flow) -> RoadCurve | None:
    vehicle = {"hgv": "hgv_rigid"}.get(flow.vehicle, flow.vehicle)
    return setting.curves.get(f"{vehicle}_{flow.carrier.name}")
