"""Road emissions of an edition by vehicle class: split by its stated fleet and the fuel curves."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accounting.curves import RoadCurve
from accounting.factors import FactorTable
from grids.manifest import Manifest
from scenarios.edition_factors import tonnes_per
from scenarios.frame import FloatArray
from scenarios.notes import Note
from scenarios.parameters import Parameters
from scenarios.state import VEHICLES, Carrier, Stream

_VOLUME = {"petrol": "petrol.volume", "diesel": "diesel.volume"}


@dataclass(frozen=True, eq=False)
class Traffic:
    """Streams with emissions (streams, n) tCO2e and vehicle-km (streams, n) a year, and what that rests on."""

    streams: tuple[Stream, ...]
    tco2e: FloatArray
    vehicle_km: FloatArray
    notes: tuple[Note, ...]


def stated_fleet(manifest: Manifest, parameters: Parameters) -> tuple[dict[str, float], tuple[str, ...]]:
    """Shares of `<vehicle>_<fuel>` in vehicle-km, and the parameters they rest on where the edition states none."""
    for row in manifest.assumptions:
        value = row.get("value")
        if row.get("id") == "transport.fleet" and isinstance(value, Mapping):
            return {str(name): float(part) for name, part in value.items() if isinstance(part, int | float)}, ()
    names = tuple(name for name in parameters.items if name.startswith("state.fleet."))
    return {name.removeprefix("state.fleet."): parameters.number(name) for name in names}, names


def split_traffic(
    manifest: Manifest,
    year: int,
    by_carrier: Mapping[Carrier, FloatArray],
    vehicle_km: FloatArray | None,
    table: FactorTable,
    parameters: Parameters,
) -> Traffic:
    """Split each carrier's emissions to vehicle classes in proportion to what they emit in the fleet, everywhere alike.

    Args:
        manifest: whose fleet and factors are used.
        year: of the activities.
        by_carrier: carrier -> (n,) tCO2e.
        vehicle_km: (n,) of all classes, where the edition tells it; then vehicle-km add up to it.
        table: factor tables with fuel curves.
        parameters: mean speed, and the fleet where the edition states none.
    """
    fleet, assumed = stated_fleet(manifest, parameters)
    speed = parameters.number("state.mean_speed")
    per_km: dict[Stream, float] = {}
    part: dict[Stream, float] = {}
    for name, share in fleet.items():
        vehicle, _, fuel = name.rpartition("_")
        stream = next(
            (Stream(_class(vehicle), carrier) for carrier in by_carrier if carrier.name == _carrier(fuel)), None
        )
        emits = _emits_per_km(manifest, year, vehicle, fuel, speed, table, parameters)
        if stream is None or emits is None or not share > 0:
            continue
        old = part.get(stream, 0.0)
        per_km[stream] = (per_km.get(stream, 0.0) * old + emits * share) / (old + share)
        part[stream] = old + share
    petrol = _emits_per_km(manifest, year, "car", "petrol", speed, table, parameters)
    streams, tonnes, km = [], [], []
    for carrier, values in by_carrier.items():
        mine = [stream for stream in part if stream.carrier == carrier]
        if not mine:  # of no class that the fleet names: taken as cars, as thirsty as those on petrol
            streams.append(Stream("car", carrier))
            tonnes.append(values)
            km.append(values / petrol if petrol else np.zeros_like(values))
            continue
        weight = np.array([part[stream] * per_km[stream] for stream in mine])
        for stream, share in zip(mine, weight / weight.sum(), strict=True):
            streams.append(stream)
            tonnes.append(values * share)
            km.append(values * share / per_km[stream])
    cells = len(next(iter(by_carrier.values()))) if by_carrier else 0
    tco2e = np.stack(tonnes) if tonnes else np.zeros((0, cells))
    driven = np.stack(km) if km else np.zeros((0, cells))
    if vehicle_km is not None and driven.any():
        driven *= np.divide(vehicle_km, driven.sum(axis=0), out=np.ones(cells), where=driven.sum(axis=0) > 0)
    note = Note("traffic", "fleet", ("state.mean_speed", *assumed), illustrative=True)
    return Traffic(tuple(streams), tco2e, driven, (note,))


def _carrier(fuel: str) -> str:
    """What a fleet calls electric is electricity."""
    return "electricity" if fuel == "electric" else fuel


def _class(vehicle: str) -> str:
    """`hgv_rigid` -> `hgv`; a class that nobody knows counts as a car."""
    return next((name for name in VEHICLES if vehicle == name or vehicle.startswith(f"{name}_")), "car")


def _emits_per_km(
    manifest: Manifest, year: int, vehicle: str, fuel: str, speed: float, table: FactorTable, parameters: Parameters
) -> float | None:
    """tCO2e per vehicle-km; None where neither curve nor factor is known."""
    if _carrier(fuel) == "electricity":
        factor = tonnes_per(manifest, "electricity", year, table, "kWh")
        used = parameters.items.get(f"ev.{_class(vehicle)}")
        value = used.value if used is not None and used.value is not None else parameters.number("ev.car")
        return None if factor is None else value / (1 - parameters.number("ev.charging_loss")) * factor[0]
    curve: RoadCurve | None = table.curves.road.get(f"{vehicle}_{fuel}")
    activity = _VOLUME.get(fuel)
    if curve is None or activity is None:
        return None
    factor = tonnes_per(manifest, activity, year, table, "L")
    return None if factor is None else float(curve.litres_per_km(speed)) * factor[0]
