"""Traffic on road segments: counted or assumed, by vehicle class and fuel, and the speed it runs at (METHODS B)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.assumptions import Assumption
from accounting.errors import AssumptionNotFound, InvalidAssumption
from accounting.resolution import Resolver
from accounting.units import conversion
from gis.columns import Codes, coded, column_or_nan, words_of
from gis.errors import BadValue, listed

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

UNKNOWN_CLASS = "unknown"
_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph)?", re.IGNORECASE)
_VEHICLE_COLUMN = re.compile(r"aadt_([a-z][a-z_]*)")
_ONE_WAY = ("yes", "true", "1", "-1", "reversible")
_IMPLIED_ONE_WAY = ("motorway", "motorway_link")


@dataclass(frozen=True)
class RoadClasses:
    """Road class of every segment: `of` (n,) points into the distinct `names`."""

    names: list[str]
    of: Codes

    def has(self, name: str) -> BoolArray:
        """(n,) segments of a class."""
        return np.asarray(self.of == self.names.index(name))

    def among(self, where: BoolArray) -> list[str]:
        """Classes of the segments chosen, in the order of `names`."""
        return [self.names[code] for code in np.flatnonzero(np.bincount(self.of[where], minlength=len(self.names)))]


@dataclass(frozen=True)
class Traffic:
    """Traffic of one year.

    Attributes:
        runs: (n,) whether motor traffic is estimated on the segment.
        counted: (n,) whether it was counted.
        estimated: (n,) whether it was estimated by the source, for this very segment.
        aadt: (n, k) vehicles per day, both directions, by `vehicles`.
        vehicles: (k,) `<vehicle>_<fuel>`.
        assumed: class -> the assumption for its segments that were neither counted nor estimated.
        fleets: class -> vehicles and their shares, and where they are from.
    """

    runs: BoolArray
    counted: BoolArray
    estimated: BoolArray
    aadt: FloatArray
    vehicles: list[str]
    assumed: dict[str, Assumption]
    fleets: dict[str, tuple[dict[str, float], Assumption]]


@dataclass(frozen=True)
class Speeds:
    """Speed of every segment.

    Attributes:
        kmh: (n,) km/h, NaN where it is not needed.
        is_assumed: (n,) whether it is the assumption of its class.
        assumed: class -> that assumption.
    """

    kmh: FloatArray
    is_assumed: BoolArray
    assumed: dict[str, Assumption]


def road_classes(features: pd.DataFrame) -> RoadClasses:
    """Road class of every segment in lower case, words joined by `_`; `unknown` where the layer says nothing."""
    codes, words = coded(features, "road_class")
    says = [re.sub(r"\W+", "_", word.lower()).strip("_") or UNKNOWN_CLASS for word in words]
    names = sorted({*says, UNKNOWN_CLASS})
    place = np.array([names.index(name) for name in (*says, UNKNOWN_CLASS)], dtype=np.intp)
    return RoadClasses(names, place[codes])


def speeds_kmh(given: "pd.Series[Any]") -> FloatArray:
    """Speeds from numbers (km/h) or OpenStreetMap's texts (`50`, `30 mph`); NaN for anything else (`none`, `walk`)."""
    if pd.api.types.is_numeric_dtype(given):
        values = given.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(values > 0, values, np.nan)
    codes, words = words_of(given)
    table = np.full(len(words) + 1, np.nan)
    for position, word in enumerate(words):
        match = _SPEED.fullmatch(word.strip())
        unit = "mph" if match and (match[2] or "").lower() == "mph" else "km/h"
        speed = float(match[1]) * conversion(unit, "km/h") if match else np.nan
        table[position] = speed if speed > 0 else np.nan
    return table[codes]


def segment_speeds(
    features: pd.DataFrame, classes: RoadClasses, runs: BoolArray, length_km: FloatArray, resolver: Resolver
) -> Speeds:
    """Speed of every segment with traffic: the layer's, else the assumption of its class, else of all roads.

    A speed limit stands for the mean speed: the fuel curve is flat around it.

    Raises:
        AssumptionNotFound: names every class that has segments without a speed.
    """
    stated = "speed_kmh" in features.columns
    kmh = speeds_kmh(features["speed_kmh"]).copy() if stated else np.full(len(features), np.nan)
    unknown = runs & np.isnan(kmh)
    found: dict[str, Assumption] = {}
    lacking: dict[str, BoolArray] = {}
    for name in classes.among(unknown):
        these = unknown & classes.has(name)
        assumed = resolver.assumptions.number("km/h", *_names("transport.speed", name, resolver), "transport.speed")
        if assumed is None:
            lacking[name] = these
            continue
        kmh[these], found[name] = assumed
    if lacking:
        raise AssumptionNotFound(_message("a speed", "transport.speed", "km/h", lacking, length_km, resolver))
    return Speeds(kmh, unknown, found)


def segment_traffic(
    features: pd.DataFrame, classes: RoadClasses, year: int, length_km: FloatArray, resolver: Resolver
) -> Traffic:
    """Vehicles per day on every segment.

    Counts by vehicle class come first; what a count in all has above them are vehicles of the other classes of the
    fleet. Then counts in all, then the source's own estimate for the segment (`aadt_estimated`), then the assumption of
    its class.

    Counts and assumptions are for both directions together. Where the layer says `oneway`, a segment that is one
    carriageway of two takes half of what is assumed for its class. Classes without motor traffic
    (`data/schema/road_classes.csv`) get none, unless they were counted.

    Raises:
        AssumptionNotFound: uncounted segments of a class without assumption; all such classes are named.
        InvalidAssumption: the fleet names a vehicle without fuel.
        BadValue: a negative count.
    """
    n = len(features)
    total = column_or_nan(features, f"aadt_{year}" if f"aadt_{year}" in features.columns else "aadt")
    by_vehicle = {
        match[1]: column_or_nan(features, str(name))
        for name in features.columns
        if (match := _VEHICLE_COLUMN.fullmatch(str(name))) and match[1] != "estimated"
    }
    estimate = column_or_nan(features, "aadt_estimated")
    for name, values in {
        "aadt": total,
        "aadt_estimated": estimate,
        **{f"aadt_{key}": value for key, value in by_vehicle.items()},
    }.items():
        if (values < 0).any():
            raise BadValue(f"Column {name!r}: {int((values < 0).sum())} counts are negative; vehicles per day are not.")
    classified = np.zeros(n, dtype=np.bool_)
    for values in by_vehicle.values():
        classified |= np.isfinite(values)
    counted = classified | np.isfinite(total)
    words = resolver.factors.words.road_classes
    with_traffic = [name not in words or words[name].traffic for name in classes.names]
    has_traffic = np.array(with_traffic, dtype=np.bool_)[classes.of]
    estimated = np.isfinite(estimate) & ~counted
    runs = counted | estimated | has_traffic

    by_class = np.sum([np.nan_to_num(values) for values in by_vehicle.values()], axis=0) if by_vehicle else np.zeros(n)
    beside = np.maximum(np.nan_to_num(total) - by_class, 0.0)
    all_day = np.where(classified, beside, np.where(estimated, estimate, total))
    found: dict[str, Assumption] = {}
    lacking: dict[str, BoolArray] = {}
    halved = np.where(_one_way(features, classes), 0.5, 1.0)
    unknown = runs & ~counted & ~estimated
    for name in classes.among(unknown):
        these = unknown & classes.has(name)
        assumed = resolver.assumptions.number("vehicles/day", *_names("transport.aadt", name, resolver))
        if assumed is None:
            lacking[name] = these
            continue
        all_day[these] = assumed[0] * halved[these]
        found[name] = assumed[1]
    if lacking:
        raise AssumptionNotFound(
            _message("counts of vehicles", "transport.aadt", "vehicles/day", lacking, length_km, resolver)
        )

    fleets = {name: _fleet(name, resolver) for name in classes.among(runs)}
    vehicles = sorted({vehicle for shares, _ in fleets.values() for vehicle in shares})
    aadt = np.zeros((n, len(vehicles)))
    for name, (shares, assumption) in fleets.items():
        mine = np.flatnonzero(runs & classes.has(name))
        parts = _parts(vehicles, shares, {kind: np.isfinite(values[mine]) for kind, values in by_vehicle.items()})
        for column, vehicle in enumerate(vehicles):
            share = shares.get(vehicle, 0.0)
            aadt[mine, column] = np.nan_to_num(all_day[mine]) * parts[column]
            kind = vehicle.rpartition("_")[0]
            if kind in by_vehicle and share > 0:
                of_kind = sum(value for key, value in shares.items() if key.rpartition("_")[0] == kind)
                aadt[mine, column] += np.nan_to_num(by_vehicle[kind][mine]) * share / of_kind
        for kind, values in by_vehicle.items():
            if not any(key.rpartition("_")[0] == kind for key in shares) and np.nansum(values[mine]) > 0:
                raise InvalidAssumption(
                    f"Vehicles of class {kind!r} were counted, but {assumption.id} says nothing of their fuel; "
                    f"add e.g. {kind}_diesel to it."
                )
    return Traffic(runs, counted, estimated, aadt, vehicles, found, fleets)


def _parts(
    vehicles: Sequence[str], shares: Mapping[str, float], counted: Mapping[str, BoolArray]
) -> list[FloatArray | float]:
    """Of every vehicle, its part in traffic that was not counted by class, per segment.

    Classes that were counted on a segment take no part in what is left there, unless there are no others.
    """
    if not counted:
        return [shares.get(vehicle, 0.0) for vehicle in vehicles]
    kinds = [vehicle.rpartition("_")[0] for vehicle in vehicles]
    left = [
        np.where(counted[kind], 0.0, shares.get(vehicle, 0.0)) if kind in counted else shares.get(vehicle, 0.0)
        for vehicle, kind in zip(vehicles, kinds, strict=True)
    ]
    whole = np.sum(np.broadcast_arrays(*left), axis=0)
    return [
        np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), shares.get(vehicle, 0.0))
        for vehicle, part in zip(vehicles, left, strict=True)
    ]


def _fleet(name: str, resolver: Resolver) -> tuple[dict[str, float], Assumption]:
    found = resolver.assumptions.shares(*_names("transport.fleet", name, resolver), "transport.fleet")
    if found is None:
        raise AssumptionNotFound(
            "The mix of vehicles and fuels on the roads has no published value here. Remedy: give transport.fleet in "
            "the region file, as assumptions: {transport.fleet: {value: {car_petrol: 0.5, car_diesel: 0.3, "
            "lgv_diesel: 0.1, hgv_rigid_diesel: 0.05, bus_diesel: 0.05}, unit: 1, author: ..., reason: ...}}."
        )
    for vehicle in found[0]:
        kind, _, fuel = vehicle.rpartition("_")
        if not kind or fuel not in ("petrol", "diesel", "electric"):
            raise InvalidAssumption(
                f"Assumption {found[1].id}: {vehicle!r} is no vehicle and fuel, such as car_petrol, bus_diesel, "
                "car_electric."
            )
        if fuel != "electric":
            resolver.factors.curves.road_curve(kind, fuel)
    return found


def _one_way(features: pd.DataFrame, classes: RoadClasses) -> BoolArray:
    if "oneway" not in features.columns:
        return np.zeros(len(features), dtype=np.bool_)
    codes, words = words_of(features["oneway"])
    says = np.array([*(word.strip().lower() in _ONE_WAY for word in words), False], dtype=np.bool_)
    implied = np.array([name in _IMPLIED_ONE_WAY for name in classes.names], dtype=np.bool_)
    return np.asarray(says[codes] | ((codes < 0) & implied[classes.of]), dtype=np.bool_)


def _names(prefix: str, road_class: str, resolver: Resolver) -> Sequence[str]:
    """Assumptions that speak of a class, the nearest first; one that is no word of ours counts as unknown."""
    words = resolver.factors.words.road_classes
    names = [f"{prefix}.{road_class}"]
    wider = words[road_class].of_class if road_class in words else UNKNOWN_CLASS
    return [*names, f"{prefix}.{wider}"] if wider else names


def _message(
    what: str, prefix: str, unit: str, lacking: dict[str, BoolArray], length_km: FloatArray, resolver: Resolver
) -> str:
    classes = [
        f"{name} ({int(these.sum())}, {length_km[these].sum():.1f} km)" for name, these in sorted(lacking.items())
    ]
    words = resolver.factors.words.road_classes
    asked = sorted({name if name in words else UNKNOWN_CLASS for name in lacking})
    names = listed(f"{prefix}.{name}" for name in asked)
    return (
        f"Road segments without {what}: {listed(classes)}. No published table by road class is known. Remedy: give "
        f"{names} in the region file, as assumptions: {{{prefix}.{asked[0]}: {{value: ..., unit: {unit}, low: ..., "
        "high: ..., author: ..., reason: ...}}; what rests on it is labelled illustrative."
    )
