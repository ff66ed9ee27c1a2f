"""Emissions of road traffic, segment by segment: vehicles x length x fuel at a speed x factor (METHODS B1, B2)."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.assumptions import Assumptions, joined_ids
from accounting.emissions import annual_vehicle_km, ev_electricity_kwh, join_lines, line_block
from accounting.errors import AssumptionNotFound
from accounting.factors import FactorTable
from accounting.resolution import Resolver
from accounting.sector import SectorEmissions
from gis.measure import geodesic_length_km
from gis.traffic import Speeds, Traffic, road_classes, segment_speeds, segment_traffic

FloatArray = npt.NDArray[np.float64]


def road_emissions(
    features: gpd.GeoDataFrame,
    *,
    years: Sequence[int],
    factors: FactorTable,
    assumptions: Assumptions,
    factor_regions: Sequence[str],
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

    Returns:
        Lines, and per feature `road_class`, `length_km`, `speed_kmh` and, per year, `aadt_<year>` (what was used)
        and `counted_<year>`.

    Raises:
        AssumptionNotFound, FactorNotFound: a number is missing; the message names every class concerned and the remedy.
        BadValue: a negative count.
    """
    resolver = Resolver(factors, assumptions, factor_regions)
    length_km = geodesic_length_km(features)
    classes = road_classes(features)
    out = pd.DataFrame({"road_class": pd.Series(classes, dtype="str"), "length_km": length_km})
    counts = {"segments": len(features)}
    blocks: list[pd.DataFrame] = []
    for year in years:
        traffic = segment_traffic(features, classes, year, length_km, resolver)
        speeds = segment_speeds(features, classes, traffic.runs, length_km, resolver)
        blocks += _lines(year, traffic, speeds, length_km, resolver)
        out["speed_kmh"] = speeds.kmh
        out[f"aadt_{year}"] = np.where(traffic.runs, traffic.aadt.sum(axis=1), np.nan)
        out[f"counted_{year}"] = traffic.counted
        counts[f"counted_{year}"] = int(traffic.counted.sum())
        counts[f"estimated_{year}"] = int(traffic.estimated.sum())
        counts[f"assumed_{year}"] = int((traffic.runs & ~traffic.counted & ~traffic.estimated).sum())
        counts["speed_assumed"] = int((speeds.assumptions != "").sum())
        counts["no_traffic"] = int((~traffic.runs).sum())
    return SectorEmissions(join_lines(blocks), out, counts, (), dict(resolver.lookups))


def _lines(
    year: int, traffic: Traffic, speeds: Speeds, length_km: FloatArray, resolver: Resolver
) -> list[pd.DataFrame]:
    of = np.flatnonzero(traffic.runs)
    vehicle_km = np.asarray(annual_vehicle_km(length_km[of, None], traffic.aadt[of]))
    blocks: list[pd.DataFrame] = []
    for fuel in ("petrol", "diesel", "electric"):
        columns = [i for i, vehicle in enumerate(traffic.vehicles) if vehicle.endswith(f"_{fuel}")]
        if not columns:
            continue
        amount = np.zeros(len(of))
        rests_on, u_use = "", 0.0 if fuel == "electric" else resolver.u("road.curve")
        for column in columns:
            vehicle = traffic.vehicles[column].removesuffix(f"_{fuel}")
            if fuel == "electric":
                kwh, rests_on, u_use = _electricity(vehicle, vehicle_km[:, column], year, rests_on, u_use, resolver)
                amount += kwh
            else:
                curve = resolver.factors.curves.road_curve(vehicle, fuel)
                amount += vehicle_km[:, column] * curve.litres_per_km(speeds.kmh[of])
        unit = "kWh" if fuel == "electric" else "L"
        factor = resolver.emission_factor("electricity" if fuel == "electric" else f"{fuel}.volume", unit, year)
        extra = f"{rests_on} {factor.assumptions}"
        at_speed = speeds.assumptions[of] if fuel != "electric" else ""
        blocks.append(
            line_block(
                of,
                year=year,
                carrier="electricity" if fuel == "electric" else fuel,
                basis="indirect" if fuel == "electric" else "direct",
                method=np.select([traffic.counted[of], traffic.estimated[of]], ["metered", "modelled"], "default"),
                activity=amount,
                activity_unit=unit,
                factor_id=factor.factor.id,
                emissions_tco2e=amount * factor.tco2e,
                u_own=traffic.u_own[of],
                group=traffic.group[of],
                u_group=traffic.u_group[of],
                # The level of the fuel curve is wrong for all roads alike, as the factor is.
                u_factor=np.hypot(factor.u, u_use),
                assumptions=joined_ids(traffic.assumptions[of], at_speed, extra),
            )
        )
    return blocks


def _electricity(
    vehicle: str, vehicle_km: FloatArray, year: int, rests_on: str, u_use: float, resolver: Resolver
) -> tuple[FloatArray, str, float]:
    """Electricity drawn by one class of vehicles, with the assumptions it rests on and its shared error added."""
    names = [f"transport.ev.consumption.{vehicle}"] + (["transport.ev.consumption"] if vehicle == "car" else [])
    assumed = resolver.assumptions.number("kWh/km", *names)
    lookup = resolver.value("ev.consumption", year=year) if vehicle == "car" and assumed is None else None
    if assumed is not None:
        per_km, u, used = assumed[0], assumed[1].relative_sd, [assumed[1].id]
    elif lookup is not None:
        per_km, u, used = lookup.factor.value, resolver.relative_sd_of(lookup.factor), []
    else:
        raise AssumptionNotFound(
            f"Electric vehicles of class {vehicle!r} are in the fleet, but what they use per km is not known here. "
            f"Remedy: give {names[-1]} under assumptions: in the region file (kWh/km, with low, high, author, reason)."
        )
    loss = resolver.assumptions.number("1", "transport.ev.charge_loss")
    if loss is not None:
        used.append(loss[1].id)
    kwh = ev_electricity_kwh(vehicle_km, per_km, loss[0] if loss is not None else 0.0)
    return np.asarray(kwh, dtype=np.float64), " ".join([rests_on, *used]), max(u_use, u)
