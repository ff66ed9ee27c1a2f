"""Emissions of buildings: what is metered as metered, what is not by intensity and floor area (METHODS A)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.assumptions import Assumptions, joined_ids
from accounting.emissions import join_lines, line_block
from accounting.errors import FactorNotFound
from accounting.factors import FactorTable
from accounting.resolution import Resolver
from accounting.sector import SectorEmissions
from gis.errors import listed
from gis.floor_area import KNOWN, SOURCES, FloorAreas, column_or_nan, floor_areas, require_floor_areas
from gis.intensities import CARRIERS, Intensity, intensity
from gis.meters import BASIS, Meter, metered_lines, metered_mask, meters_of, taken_as_net
from gis.uses import check_uses, map_uses

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def building_emissions(
    features: gpd.GeoDataFrame,
    *,
    years: Sequence[int],
    factors: FactorTable,
    assumptions: Assumptions,
    factor_regions: Sequence[str],
    uses: Mapping[str, str],
) -> SectorEmissions:
    """Emission lines of buildings.

    A carrier that is metered in a year is taken from its meter. A building with some meter in a year has no line for a
    carrier without one: a missing gas meter usually means no gas, and a modelled stand-in would count its energy twice
    (the intensity is for all carriers together). `buildings.model_missing.<carrier>: 1` models that carrier instead,
    where a table of meters is known to be incomplete. A building without any meter in a year is modelled: intensity of
    its use and vintage x gross floor area x shares of carriers.

    Args:
        features: (n,) layer in a metric CRS with RangeIndex; columns as docs/architecture.md says, all optional.
        years: years to build.
        factors: factor tables with the region's overrides.
        assumptions: the region's assumptions.
        factor_regions: where factors are looked up, nearest first.
        uses: theirs -> ours; our own words need not be in it.

    Returns:
        Lines, and per feature `use`, `floor_area_m2`, `floor_area_source` and `modelled_tco2e_<year>` (what the model
        gives for every building, metered or not; null where it cannot).

    Raises:
        BadValue: a column of meters cannot be read, or `uses` maps to a word that is not ours.
        FactorNotFound, AssumptionNotFound: a number is missing that a building needs; the message names the remedy.
    """
    resolver = Resolver(factors, assumptions, factor_regions)
    years = list(years)
    given = features["use"] if "use" in features.columns else pd.Series([None] * len(features), dtype=object)
    mapped, unknown_uses = map_uses(given, check_uses(uses))
    use = mapped.to_numpy(dtype=object)
    meters = meters_of(features, years)
    areas = floor_areas(features, use, resolver)
    kinds = _kinds(use, column_or_nan(features, "year_built"))

    blocks: list[pd.DataFrame] = []
    out = pd.DataFrame({"use": mapped.to_numpy(), "floor_area_m2": areas.area_m2, "floor_area_source": areas.source})
    out["floor_area_source"] = out["floor_area_source"].astype("str")
    counts = {
        "buildings": len(features),
        "unheated": int((use == "unheated").sum()),
        "use_unknown_word": sum(unknown_uses.values()),
    }
    warnings: list[str] = []
    unestimated = np.zeros(len(features), dtype=np.bool_)
    for year in years:
        of_year = [meter for meter in meters if meter.year == year]
        blocks += metered_lines(features, of_year, resolver)
        metered = metered_mask(features, of_year, year)
        any_meter = np.logical_or.reduce(list(metered.values())) if metered else np.zeros(len(features), dtype=np.bool_)
        unmetered = ~any_meter & (use != "unheated")
        require_floor_areas(areas, use, unmetered)
        # Without floor area no intensity helps: such a building stays missing, and asks for none.
        intensities = _intensities(kinds, year, unmetered & np.isfinite(areas.area_m2), resolver)
        model = _Model(year, kinds, areas, intensities, resolver)
        for carrier in CARRIERS:
            blocks += model.lines(carrier, unmetered)
        for carrier, (lacking, rests_on) in _stand_ins(metered, any_meter, resolver).items():
            blocks += model.lines(carrier, lacking, rests_on)
        out[f"modelled_tco2e_{year}"] = model.total_tco2e()
        unestimated |= unmetered & np.isnan(areas.area_m2)
        counts |= _counts(year, metered, any_meter, unmetered)
        warnings += _meter_warnings(features, of_year, resolver)
    counts |= {f"floor_area_{source}": int((areas.source == source).sum()) for source in SOURCES}
    counts["not_estimated"] = int(unestimated.sum())
    warnings += _missing_warnings(features, unknown_uses, unestimated)
    return SectorEmissions(join_lines(blocks), out, counts, tuple(warnings), dict(resolver.lookups))


@dataclass(frozen=True)
class _Kinds:
    """Buildings that share use and year of construction: `of` (n,) points into the distinct `kinds`."""

    kinds: list[tuple[str, int | None]]
    of: npt.NDArray[np.intp]


def _kinds(use: npt.NDArray[np.object_], year_built: FloatArray) -> _Kinds:
    built = np.where(np.isfinite(year_built), year_built, -1).astype(np.int64)
    codes, names = pd.factorize(use, sort=True)
    pairs, of = np.unique(np.column_stack([codes, built]), axis=0, return_inverse=True)
    kinds = [(str(names[code]), None if year < 0 else int(year)) for code, year in pairs]
    return _Kinds(kinds, np.asarray(of).reshape(-1))


def _intensities(kinds: _Kinds, year: int, modelled: BoolArray, resolver: Resolver) -> list[Intensity | None]:
    """Intensity of every kind; None where there is none and no building to be modelled needs it."""
    needed = np.bincount(kinds.of, weights=modelled, minlength=len(kinds.kinds)) > 0
    found: list[Intensity | None] = []
    for (use, built), is_needed in zip(kinds.kinds, needed, strict=True):
        try:
            found.append(intensity(use, built, year, resolver))
        except FactorNotFound:
            if is_needed:
                raise
            found.append(None)
    return found


def _stand_ins(
    metered: Mapping[str, BoolArray], any_meter: BoolArray, resolver: Resolver
) -> dict[str, tuple[BoolArray, str]]:
    """Carrier -> metered buildings without a meter of it that the region asks to model, and where it asks."""
    found: dict[str, tuple[BoolArray, str]] = {}
    for carrier in CARRIERS:
        asked = resolver.assumptions.number("1", f"buildings.model_missing.{carrier}")
        if asked is not None and asked[0] >= 0.5:
            found[carrier] = any_meter & ~metered.get(carrier, np.zeros_like(any_meter)), asked[1].id
    return found


class _Model:
    """The model of one year: arrays per building made from the intensities of its kind."""

    def __init__(
        self,
        year: int,
        kinds: _Kinds,
        areas: FloorAreas,
        intensities: Sequence[Intensity | None],
        resolver: Resolver,
    ) -> None:
        self.year, self.areas, self.resolver, self.of = year, areas, resolver, kinds.of
        self.intensities = intensities
        kwh_m2 = self._per_kind(lambda one: one.kwh_m2, np.nan)[self.of]
        # An unheated building takes nothing, whatever its floor area: known without it.
        self.kwh = np.where(kwh_m2 == 0, 0.0, kwh_m2 * areas.area_m2)
        self.scatter = np.hypot(resolver.u("eui.building"), areas.u_own)

    def _share(self, carrier: str) -> FloatArray:
        return self._per_kind(lambda one: one.shares.get(carrier, 0.0), 0.0)

    def lines(self, carrier: str, which: BoolArray, because: str = "") -> list[pd.DataFrame]:
        """Lines of one carrier for some buildings; those it has no share in, or no floor area, get none.

        `because` is an assumption that all of them rest on.
        """
        share = self._share(carrier)
        of = np.flatnonzero(which & (share[self.of] > 0) & np.isfinite(self.kwh))
        if not len(of):
            return []
        factor = self.resolver.emission_factor(_activity(carrier), "kWh", self.year)
        kind = self.of[of]
        kwh = self.kwh[of] * share[kind]
        is_known = np.isin(self.areas.source[of].astype(str), KNOWN)
        rests_on = self._per_kind(lambda one: " ".join((one.assumptions, factor.assumptions, because)), "")
        shared = self._per_kind(lambda one: one.u_group, 0.0).astype(np.float64)[kind]
        return [
            line_block(
                of,
                year=self.year,
                carrier=carrier,
                basis=BASIS.get(carrier, "direct"),
                method=np.where(self._per_kind(lambda one: one.of_use, False)[kind] & is_known, "modelled", "default"),
                activity=kwh,
                activity_unit="kWh",
                factor_id=factor.factor.id,
                emissions_tco2e=kwh * factor.tco2e,
                u_own=self.scatter[of],
                group=self._per_kind(lambda one: one.group, "")[kind],
                u_group=np.hypot(shared, self.areas.u_shared[of]),
                u_factor=factor.u,
                assumptions=joined_ids(rests_on[kind], self.areas.assumptions[of]),
            )
        ]

    def _per_kind(self, take: Callable[[Intensity], Any], otherwise: Any) -> npt.NDArray[Any]:
        values = [otherwise if one is None else take(one) for one in self.intensities]
        return np.array(values, dtype=object if isinstance(otherwise, str) else None)

    def total_tco2e(self) -> FloatArray:
        """What the model gives per building over all carriers; NaN where it cannot."""
        total = np.zeros(len(self.of))
        for carrier in CARRIERS:
            share = self._share(carrier)
            if not (share > 0).any():
                continue
            try:
                tco2e = self.resolver.emission_factor(_activity(carrier), "kWh", self.year).tco2e
            except FactorNotFound:
                total = np.where(share[self.of] > 0, np.nan, total)
                continue
            total = total + self.kwh * share[self.of] * tco2e
        return np.where(np.isfinite(self.kwh), total, np.nan)


def _activity(carrier: str) -> str:
    return carrier if carrier in ("electricity", "heat") else f"{carrier}.energy"


def _counts(year: int, metered: Mapping[str, BoolArray], any_meter: BoolArray, unmetered: BoolArray) -> dict[str, int]:
    counts = {f"metered_{year}": int(any_meter.sum()), f"unmetered_{year}": int(unmetered.sum())}
    return counts | {f"metered_{carrier}_{year}": int(mask.sum()) for carrier, mask in metered.items()}


def _missing_warnings(features: pd.DataFrame, unknown_uses: Mapping[str, int], unestimated: BoolArray) -> list[str]:
    warnings: list[str] = []
    if unknown_uses:
        most_first = sorted(unknown_uses.items(), key=lambda item: (-item[1], item[0]))
        words = listed(f"{word} ({count})" for word, count in most_first)
        warnings.append(f"Uses that no mapping knows, taken as 'other': {words}.")
    if unestimated.any():
        ids = features["id"].to_numpy(dtype=object)[unestimated]
        warnings.append(
            f"{int(unestimated.sum())} buildings have no meter and no floor area and are not estimated "
            f"(missing, not zero): {listed(ids, 5)}. The assumption buildings.floor_area would fill them."
        )
    return warnings


def _meter_warnings(features: pd.DataFrame, meters: Sequence[Meter], resolver: Resolver) -> list[str]:
    warnings: list[str] = []
    for meter in meters:
        values = column_or_nan(features, meter.column)
        negative = int((values < 0).sum())
        if negative:
            warnings.append(f"{meter.column}: {negative} readings are negative (net feed-in?) and keep their sign.")
        scaled = f"{meter.column}_months"
        if scaled in features.columns:
            part = int((np.isfinite(values) & (column_or_nan(features, scaled) < 12)).sum())
            if part:
                warnings.append(f"{meter.column}: {part} buildings have fewer than 12 months, scaled to a year.")
        if np.isfinite(values).any() and taken_as_net(meter, resolver):
            warnings.append(
                f"{meter.column}: taken as net energy, as the factor is; meters bill gross energy, about a tenth more. "
                "The assumption gas.net_to_gross turns it into net."
            )
    return warnings
