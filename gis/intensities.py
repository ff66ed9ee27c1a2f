"""Energy use intensity of buildings by use and vintage, and the carriers it is split into (METHODS A2)."""

import math
from dataclasses import dataclass

from accounting.assumptions import sorted_ids
from accounting.emissions import normalised_shares
from accounting.errors import FactorNotFound, InvalidAssumption
from accounting.factors import Lookup
from accounting.resolution import Resolver
from accounting.uncertainty import mean_from_median
from gis.uses import DWELLINGS

CARRIERS = ("electricity", "gas", "heat", "oil", "lpg", "coal", "wood")
_SHARES_SUM = 0.02
"""Published shares may miss 1 by rounding (0.72 + 0.25 + 0.02); further away they are incomplete."""


@dataclass(frozen=True)
class Intensity:
    """What a square metre of one use and vintage takes in a year.

    Attributes:
        kwh_m2: final energy, corrected for occupancy and climate.
        shares: carrier -> share of it.
        of_use: the intensity is of this use, not of a class of uses or of all.
        group: the error shared by all buildings on this intensity, e.g. `eui:office`.
        u_group: its relative standard deviation, that of the corrections included.
        assumptions: ids it rests on, space separated.
    """

    kwh_m2: float
    shares: dict[str, float]
    of_use: bool
    group: str
    u_group: float
    assumptions: str


NO_ENERGY = Intensity(0.0, {}, True, "", 0.0, "")


def intensity(use: str, built: int | None, year: int, resolver: Resolver) -> Intensity:
    """The intensity of a use: the region's assumption, else the tables' for the use, its class, or all uses.

    Args:
        use: one of our uses; `unheated` takes nothing.
        built: year of construction, None where unknown.
        year: of the activity.
        resolver: where numbers come from.

    Raises:
        FactorNotFound: neither an intensity nor shares of carriers can be had; the message names both remedies.
    """
    if use == "unheated":
        return NO_ENERGY
    shares, shares_rest_on = _shares(use, year, resolver)
    correction, corrections, u_correction = _corrections(use, resolver)
    assumed = resolver.assumptions.number("kWh/m2/yr", f"buildings.eui.{use}")
    if assumed is not None:
        rests_on = sorted_ids(assumed[1].id, shares_rest_on, corrections)
        # What is assumed of buildings whose use nobody knows (`other`) is of no use.
        u = math.hypot(assumed[1].relative_sd, u_correction)
        return Intensity(assumed[0] * correction, shares, use != "other", f"eui:{use}", u, rests_on)
    of_class = "residential" if use in DWELLINGS else "nonresidential"
    # Dwellings are of their class; a hotel is not 'the non-residential building', so that is only a default.
    # A building of unknown use (`other`) is of no class.
    ladder = [(use, True), (of_class, use in DWELLINGS), ("all", False)] if use != "other" else [("all", False)]
    for name, of_use in dict.fromkeys(ladder):
        lookup = resolver.value(f"eui.{name}", year=year, built=built)
        if lookup is not None:
            u = math.hypot(resolver.u("eui.of_use" if of_use else "eui.all_uses"), u_correction)
            kwh_m2 = _mean(lookup, resolver) * correction
            return Intensity(kwh_m2, shares, of_use, f"eui:{name}", u, sorted_ids(shares_rest_on, corrections))
    raise FactorNotFound(
        f"No energy use intensity for use {use!r} (year {year}, regions {', '.join(resolver.regions)}), nor for its "
        f"class or for all uses. Remedy: give buildings.eui.{use} under assumptions: in the region file (kWh/m2, with "
        f"low, high, author and reason), or eui.{use} under factors: (value, unit, source)."
    )


def _mean(lookup: Lookup, resolver: Resolver) -> float:
    # A median times area underestimates the total of a skewed distribution (METHODS A2).
    if lookup.factor.statistic == "median":
        return mean_from_median(lookup.factor.value, resolver.u("eui.building") * 196)
    return lookup.factor.value


def _shares(use: str, year: int, resolver: Resolver) -> tuple[dict[str, float], str]:
    found = resolver.assumptions.shares(f"buildings.carrier_shares.{use}", "buildings.carrier_shares")
    if found is not None:
        unknown = [carrier for carrier in found[0] if carrier not in CARRIERS]
        if unknown:
            raise InvalidAssumption(
                f"Assumption {found[1].id} names {', '.join(unknown)}; carriers of buildings are {', '.join(CARRIERS)}."
            )
        return {carrier: share for carrier, share in found[0].items() if share > 0}, found[1].id
    classes = ("residential",) if use in DWELLINGS else ("nonresidential",) if use != "other" else ()
    for name in (*classes, "all"):
        rows = {c: resolver.value(f"carrier_share.{name}", year=year, carrier=c) for c in CARRIERS}
        shares = {carrier: row.factor.value for carrier, row in rows.items() if row is not None}
        if shares and abs(sum(shares.values()) - 1) <= _SHARES_SUM:
            return normalised_shares(shares), ""
    raise FactorNotFound(
        f"No shares of energy carriers for use {use!r} (year {year}, regions {', '.join(resolver.regions)}). Remedy: "
        "give buildings.carrier_shares under assumptions: in the region file, e.g. value: "
        "{electricity: 0.4, gas: 0.5, oil: 0.1}."
    )


def _corrections(use: str, resolver: Resolver) -> tuple[float, str, float]:
    """Occupancy x climate, the assumptions behind them, and their relative standard deviation together."""
    correction, names, u = 1.0, [], 0.0
    for identifier in (f"buildings.occupancy.{use}", "buildings.climate_correction"):
        found = resolver.assumptions.number("1", identifier)
        if found is not None:
            correction *= found[0]
            names.append(found[1].id)
            u = math.hypot(u, found[1].relative_sd)
    return correction, " ".join(names), u
