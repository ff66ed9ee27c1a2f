"""Emissions of road traffic, segment by segment: vehicles x length x fuel at a speed x factor (METHODS B1, B2)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.assumptions import Assumptions, sorted_ids
from accounting.emissions import EmissionLines, annual_vehicle_km, ev_electricity_kwh, join_lines, line_block
from accounting.errors import AssumptionNotFound
from accounting.factors import FactorTable
from accounting.resolution import Resolver
from accounting.sector import SectorEmissions
from gis.columns import Codes, distinct_codes
from gis.measure import geodesic_length_km
from gis.traffic import RoadClasses, Speeds, Traffic, road_classes, segment_speeds, segment_traffic

FloatArray = npt.NDArray[np.float64]


def road_emissions(
    features: gpd.GeoDataFrame | pd.DataFrame,
    *,
    years: Sequence[int],
    factors: FactorTable,
    assumptions: Assumptions,
    factor_regions: Sequence[str],
    length_km: FloatArray | None = None,
) -> SectorEmissions:
    """Emission lines of road segments: one per segment, year and fuel.

    Counted traffic is `metered`, the source's own estimate for a segment `modelled`, traffic assumed for a road class
    `default`. Petrol and diesel are burnt here
    (direct); the electricity of vehicles is indirect. Lengths are geodesic.

    Args:
        features: (n,) lines in a metric CRS with RangeIndex; columns `road_class`, `speed_kmh` (numbers or
            OpenStreetMap's maxspeed), `aadt`, `aadt_<year>`, `aadt_<vehicle>`, `aadt_estimated`, `oneway`, all
            optional.
        years: years to build.
        factors: factor tables with the region's overrides.
        assumptions: the region's assumptions: `transport.fleet`, `transport.aadt.<class>`, `transport.speed.<class>`.
        factor_regions: where factors are looked up, nearest first.
        length_km: (n,) geodesic; measured from the geometry if not given.

    Returns:
        Lines, and per feature `road_class`, `length_km`, `speed_kmh` and, per year, `aadt_<year>` (what was used)
        and `counted_<year>`.

    Raises:
        AssumptionNotFound, FactorNotFound: a number is missing; the message names every class concerned and the remedy.
        BadValue: a negative count.
    """
    resolver = Resolver(factors, assumptions, factor_regions)
    length_km = geodesic_length_km(features) if length_km is None else length_km
    classes = road_classes(features)
    derived: dict[str, Any] = {
        "road_class": pd.Series(np.array(classes.names, dtype=object)[classes.of], dtype="str"),
        "length_km": length_km,
    }
    counts = {"segments": len(features)}
    blocks: list[EmissionLines] = []
    for year in years:
        traffic = segment_traffic(features, classes, year, length_km, resolver)
        speeds = segment_speeds(features, classes, traffic.runs, length_km, resolver)
        blocks += _lines(year, classes, traffic, speeds, length_km, resolver)
        derived["speed_kmh"] = speeds.kmh
        derived[f"aadt_{year}"] = np.where(traffic.runs, left_to_right(traffic.aadt), np.nan)
        derived[f"counted_{year}"] = traffic.counted
        counts[f"counted_{year}"] = int(traffic.counted.sum())
        counts[f"estimated_{year}"] = int(traffic.estimated.sum())
        counts[f"assumed_{year}"] = int((traffic.runs & ~traffic.counted & ~traffic.estimated).sum())
        counts["speed_assumed"] = int(speeds.is_assumed.sum())
        counts["no_traffic"] = int((~traffic.runs).sum())
    return SectorEmissions(
        compact=join_lines(blocks),
        features=pd.DataFrame(derived),
        counts=counts,
        lookups=dict(resolver.lookups),
        assumptions=resolver.assumptions.used,
    )


def left_to_right(columns: FloatArray) -> FloatArray:
    """(n,) sum of (n, k) columns one by one: a column of zeros more, for vehicles of other roads, changes no bit."""
    total = np.zeros(len(columns))
    for column in columns.T:
        total += column
    return total


_METHODS = ("metered", "modelled", "default")


def _lines(
    year: int, classes: RoadClasses, traffic: Traffic, speeds: Speeds, length_km: FloatArray, resolver: Resolver
) -> list[EmissionLines]:
    """Lines of one year, by fuel: one for every segment whose fleet has vehicles of it."""
    method = np.where(traffic.counted, 0, np.where(traffic.estimated, 1, 2))
    # Segments of one class, one way to their traffic and one to their speed are of one kind.
    kinds = (classes.of * len(_METHODS) + method) * 2 + speeds.is_assumed
    return [
        block
        for fuel in ("petrol", "diesel", "electric")
        for block in _fuel_lines(fuel, year, classes, traffic, speeds, kinds, length_km, resolver)
    ]


def _fuel_lines(
    fuel: str,
    year: int,
    classes: RoadClasses,
    traffic: Traffic,
    speeds: Speeds,
    kinds: Codes,
    length_km: FloatArray,
    resolver: Resolver,
) -> Iterator[EmissionLines]:
    burns = {
        name: [vehicle for vehicle in shares if vehicle.endswith(f"_{fuel}")]
        for name, (shares, _) in traffic.fleets.items()
    }
    with_fuel = np.array([bool(burns.get(name)) for name in classes.names])[classes.of]
    of = np.flatnonzero(traffic.runs & with_fuel)
    if not len(of):
        return
    unit = "kWh" if fuel == "electric" else "L"
    factor = resolver.emission_factor("electricity" if fuel == "electric" else f"{fuel}.volume", unit, year)
    draws = {vehicle: _electricity(vehicle, year, resolver) for vehicle in _each(burns)} if fuel == "electric" else {}
    amount = np.zeros(len(of))
    for column, vehicle in enumerate(traffic.vehicles):
        if not vehicle.endswith(f"_{fuel}"):
            continue
        vehicle_km = np.asarray(annual_vehicle_km(length_km[of], traffic.aadt[of, column]))
        if fuel == "electric":
            amount += np.asarray(ev_electricity_kwh(vehicle_km, draws[vehicle].kwh_per_km, draws[vehicle].loss))
        else:
            curve = resolver.factors.curves.road_curve(vehicle.removesuffix(f"_{fuel}"), fuel)
            amount += vehicle_km * curve.litres_per_km(speeds.kmh[of])

    found, kind = distinct_codes(kinds[of], len(classes.names) * len(_METHODS) * 2)
    columns: dict[str, list[Any]] = {name: [] for name in ("method", "u_own", "group", "u_group", "u_factor")}
    columns["assumptions"] = []
    for one in found:
        name, method = classes.names[one // 2 // len(_METHODS)], _METHODS[one // 2 % len(_METHODS)]
        assumed = traffic.assumed[name] if method == "default" else None
        at_speed = speeds.assumed[name].id if one % 2 and fuel != "electric" else ""
        used = [draws[vehicle] for vehicle in burns[name]] if fuel == "electric" else []
        # The level of the fuel curve, or of what vehicles draw, is wrong for all roads alike, as the factor is.
        u_use = max((draw.u for draw in used), default=0.0) if fuel == "electric" else resolver.u("road.curve")
        columns["method"].append(method)
        columns["u_own"].append(resolver.u("aadt.counted" if method == "metered" else "aadt.default"))
        columns["group"].append("" if assumed is None else f"aadt:{name}")
        columns["u_group"].append(0.0 if assumed is None else assumed.relative_sd)
        columns["u_factor"].append(math.hypot(factor.u, u_use))
        columns["assumptions"].append(
            sorted_ids(
                "" if assumed is None else assumed.id,
                traffic.fleets[name][1].id,
                at_speed,
                factor.assumptions,
                *(draw.assumptions for draw in used),
            )
        )
    yield line_block(
        of,
        year=year,
        carrier="electricity" if fuel == "electric" else fuel,
        basis="indirect" if fuel == "electric" else "direct",
        activity=amount,
        activity_unit=unit,
        factor_id=factor.factor.id,
        emissions_tco2e=amount * factor.tco2e,
        kind=kind,
        **columns,
    )


def _each(burns: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted({vehicle for vehicles in burns.values() for vehicle in vehicles})


@dataclass(frozen=True)
class _Draw:
    """What electric vehicles of one class draw per km, before the loss in charging; u is relative."""

    kwh_per_km: float
    loss: float
    u: float
    assumptions: str


def _electricity(vehicle: str, year: int, resolver: Resolver) -> _Draw:
    kind = vehicle.removesuffix("_electric")
    names = [f"transport.ev.consumption.{kind}"] + (["transport.ev.consumption"] if kind == "car" else [])
    assumed = resolver.assumptions.number("kWh/km", *names)
    lookup = resolver.value("ev.consumption", year=year) if kind == "car" and assumed is None else None
    if assumed is not None:
        per_km, u, used = assumed[0], assumed[1].relative_sd, [assumed[1].id]
    elif lookup is not None:
        per_km, u, used = lookup.factor.value, resolver.relative_sd_of(lookup.factor), []
    else:
        raise AssumptionNotFound(
            f"Electric vehicles of class {kind!r} are in the fleet, but what they use per km is not known here. "
            f"Remedy: give {names[-1]} under assumptions: in the region file (kWh/km, with low, high, author, reason)."
        )
    loss = resolver.assumptions.number("1", "transport.ev.charge_loss")
    if loss is not None:
        used.append(loss[1].id)
    return _Draw(per_km, loss[0] if loss is not None else 0.0, u, " ".join(used))
