"""Metered energy of buildings: which columns are meters, and their emission lines (METHODS A1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.emissions import EmissionLines, line_block
from accounting.errors import UnknownUnit
from accounting.resolution import Resolver
from accounting.units import dimension, unit_name
from gis.errors import BadValue
from gis.sources import METER_COLUMN

BASIS = {"electricity": "indirect", "heat": "indirect"}
"""Electricity and district heat are burnt elsewhere; every other carrier is burnt here."""
_SAME_AS = {"steam": "heat", "cooling": "heat", "kerosene": "oil"}
_BY_DIMENSION = {"energy": "energy", "gas volume": "volume", "volume": "volume", "mass": "mass"}


@dataclass(frozen=True)
class Meter:
    """One column of metered energy.

    Attributes:
        column: its name in the layer.
        carrier: ours; steam counts as heat.
        activity: what is looked up in the factor tables.
        unit: of its values.
        year: of its values.
    """

    column: str
    carrier: str
    activity: str
    unit: str
    year: int


def meters_of(features: pd.DataFrame, years: Sequence[int]) -> list[Meter]:
    """The columns of a layer that are meters of these years, by year and then in the layer's order.

    Args:
        features: the layer; meters are named `<carrier>_<unit>_<year>`, or without year where one year is built.
        years: the years of the region.

    Raises:
        BadValue: a meter without year where several years are built, an unknown unit, or text.
    """
    meters: list[Meter] = []
    for column in map(str, features.columns):
        match = METER_COLUMN.match(column)
        if match is None:
            continue
        if not match["year"] and len(years) != 1:
            raise BadValue(
                f"Column {column!r} is a meter without a year, and {len(years)} years are built; "
                f"name it {column}_<year>."
            )
        year = int(match["year"] or years[0])
        if year not in years:
            continue
        named, carrier = match["carrier"], _SAME_AS.get(match["carrier"], match["carrier"])
        try:
            unit = unit_name(match["unit"])
            activity = _activity(named, unit)
        except UnknownUnit as error:
            raise BadValue(f"Column {column!r}: {error}") from error
        if not pd.api.types.is_numeric_dtype(features[column]):
            raise BadValue(f"Column {column!r} is a meter and must hold numbers; it holds {features[column].dtype}.")
        meters.append(Meter(column, carrier, activity, unit, year))
    return sorted(meters, key=lambda meter: years.index(meter.year))


def unbuilt_meters(features: pd.DataFrame, years: Sequence[int]) -> list[tuple[str, int, str]]:
    """Column, year and unit of the meters of a layer that are of no year that is built, in the layer's order.

    Args:
        features: the layer, as `meters_of` takes it.
        years: the years that are built.
    """
    matches = filter(None, map(METER_COLUMN.match, map(str, features.columns)))
    dated = [(match[0], int(match["year"]), match["unit"]) for match in matches if match["year"]]
    return [(column, year, unit) for column, year, unit in dated if year not in years]


def _activity(carrier: str, unit: str) -> str:
    measures = dimension(unit)
    if measures not in _BY_DIMENSION or (carrier == "gas" and measures == "volume"):
        hint = "; gas by volume is in Nm3, its volume at normal conditions" if carrier == "gas" else ""
        raise UnknownUnit(f"{unit} measures {measures}, which is no amount of {carrier}{hint}.")
    if carrier in ("electricity", "heat", "steam", "cooling"):
        if measures != "energy":
            raise UnknownUnit(f"{unit} measures {measures}; {carrier} is metered as energy.")
        return "heat" if carrier == "steam" else carrier
    return f"{carrier}.{_BY_DIMENSION[measures]}"


def metered_lines(features: pd.DataFrame, meters: Sequence[Meter], resolver: Resolver) -> list[EmissionLines]:
    """Lines of everything that was metered; null is not metered, zero is a reading.

    A negative reading (more fed into the grid than drawn) keeps its sign, as the published results do.
    Meters bill gas by its gross calorific value: where the factor is per net energy and the region gives
    `gas.net_to_gross`, the reading is turned into net energy first.
    """
    blocks: list[EmissionLines] = []
    for meter in meters:
        values = features[meter.column].to_numpy(dtype=np.float64, na_value=np.nan)
        read = np.flatnonzero(np.isfinite(values))
        if not len(read):
            continue
        factor = resolver.emission_factor(meter.activity, meter.unit, meter.year)
        net, rests_on, group, u_group = 1.0, factor.assumptions, "", 0.0
        if meter.activity == "gas.energy" and factor.factor.calorific == "net":
            ratio = resolver.assumptions.number("1", "gas.net_to_gross")
            if ratio is not None:
                net, rests_on = ratio[0], " ".join(filter(None, (rests_on, ratio[1].id)))
                group, u_group = ratio[1].id, ratio[1].relative_sd
        blocks.append(
            line_block(
                read,
                year=meter.year,
                carrier=meter.carrier,
                basis=BASIS.get(meter.carrier, "direct"),
                method="metered",
                activity=values[read],
                activity_unit=meter.unit,
                factor_id=factor.factor.id,
                emissions_tco2e=values[read] * net * factor.tco2e,
                u_own=resolver.u("meter"),
                group=group,
                u_group=u_group,
                u_factor=factor.u,
                assumptions=rests_on,
            )
        )
    return blocks


def taken_as_net(meter: Meter, resolver: Resolver) -> bool:
    """Whether gas, which is billed gross, meets a factor per net energy with nothing said of their ratio."""
    if meter.activity != "gas.energy" or "gas.net_to_gross" in resolver.assumptions.items:
        return False
    return resolver.emission_factor(meter.activity, meter.unit, meter.year).factor.calorific == "net"


def metered_mask(features: pd.DataFrame, meters: Sequence[Meter], year: int) -> dict[str, npt.NDArray[np.bool_]]:
    """Carrier -> (n,) whether it was metered in a year; empty where no column is a meter of that year."""
    masks: dict[str, npt.NDArray[np.bool_]] = {}
    for meter in meters:
        if meter.year == year:
            read = np.isfinite(features[meter.column].to_numpy(dtype=np.float64, na_value=np.nan))
            masks[meter.carrier] = masks.get(meter.carrier, np.zeros(len(features), dtype=np.bool_)) | read
    return masks
