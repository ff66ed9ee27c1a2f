"""Emissions of buildings: what is metered as metered, what is not by intensity and floor area (METHODS A)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.assumptions import Assumptions, sorted_ids
from accounting.emissions import EmissionLines, join_lines, line_block
from accounting.errors import FactorNotFound
from accounting.factors import FactorTable
from accounting.resolution import Resolver
from accounting.sector import Remark, SectorEmissions
from gis.columns import column_or_nan, distinct_codes
from gis.floor_area import KNOWN, SOURCES, FloorAreas, floor_areas, require_floor_areas
from gis.intensities import CARRIERS, Intensity, intensity
from gis.meters import BASIS, Meter, metered_lines, metered_mask, meters_of, taken_as_net, unbuilt_meters
from gis.uses import USES, UseCodes, check_uses, use_codes

_NAMED = 5
"""Ids that a remark names."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def building_emissions(
    features: gpd.GeoDataFrame | pd.DataFrame,
    *,
    years: Sequence[int],
    factors: FactorTable,
    assumptions: Assumptions,
    factor_regions: Sequence[str],
    uses: Mapping[str, str],
    footprint_m2: FloatArray | None = None,
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
        footprint_m2: (n,) geodesic, 0 for points; measured from the geometry if not given.

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
    use, unknown_uses = use_codes(given, check_uses(uses))
    meters = meters_of(features, years)
    areas = floor_areas(features, use, resolver, footprint_m2)
    kinds = _kinds(use, column_or_nan(features, "year_built"), factors.vintages)

    blocks: list[EmissionLines] = []
    derived: dict[str, Any] = {
        "use": pd.Categorical.from_codes(use, categories=pd.Index(USES, dtype="str")),
        "floor_area_m2": areas.area_m2,
        "floor_area_source": pd.Categorical.from_codes(areas.source, categories=pd.Index(SOURCES, dtype="str")),
    }
    is_heated = use != USES.index("unheated")
    counts = {
        "buildings": len(features),
        "unheated": int((~is_heated).sum()),
        "use_unknown_word": sum(unknown_uses.values()),
    }
    remarks: list[Remark] = []
    unestimated = np.zeros(len(features), dtype=np.bool_)
    for year in years:
        of_year = [meter for meter in meters if meter.year == year]
        blocks += metered_lines(features, of_year, resolver)
        metered = metered_mask(features, of_year, year)
        any_meter = np.logical_or.reduce(list(metered.values())) if metered else np.zeros(len(features), dtype=np.bool_)
        unmetered = ~any_meter & is_heated
        require_floor_areas(areas, use, unmetered)
        # Without floor area no intensity helps: such a building stays missing, and asks for none.
        intensities = _intensities(kinds, year, unmetered & np.isfinite(areas.area_m2), resolver)
        model = _Model(year, kinds, areas, intensities, resolver)
        for carrier in CARRIERS:
            blocks += model.lines(carrier, unmetered)
        for carrier, (lacking, rests_on) in _stand_ins(metered, any_meter, resolver).items():
            blocks += model.lines(carrier, lacking, rests_on)
        derived[f"modelled_tco2e_{year}"] = model.total_tco2e()
        unestimated |= unmetered & np.isnan(areas.area_m2)
        counts |= _counts(year, metered, any_meter, unmetered)
        remarks += _meter_remarks(features, of_year, resolver)
    of_source = np.bincount(areas.source, minlength=len(SOURCES)).tolist()
    counts |= {f"floor_area_{source}": count for source, count in zip(SOURCES, of_source, strict=True)}
    counts["not_estimated"] = int(unestimated.sum())
    remarks += _unbuilt_remarks(features, years)
    remarks += _missing_remarks(features, unknown_uses, unestimated)
    return SectorEmissions(
        compact=join_lines(blocks),
        features=pd.DataFrame(derived),
        counts=counts,
        warnings=tuple(map(str, remarks)),
        lookups=dict(resolver.lookups),
        remarks=tuple(remarks),
        assumptions=resolver.assumptions.used,
    )


@dataclass(frozen=True)
class _Kinds:
    """Buildings that share use and vintage: `of` (n,) points into the distinct `kinds` (use, a year of the vintage)."""

    kinds: list[tuple[str, int | None]]
    of: npt.NDArray[np.int32]


def _kinds(use: UseCodes, year_built: FloatArray, vintages: Sequence[int]) -> _Kinds:
    """Buildings by use and vintage: the tables' numbers change only at the years in `vintages`."""
    years: list[int | None] = [None, *([vintages[0] - 1] if vintages else [None]), *vintages]
    vintage = np.searchsorted(np.asarray(vintages, dtype=np.float64), np.trunc(year_built), side="right") + 1
    vintage[~np.isfinite(year_built)] = 0
    key = use.astype(np.intp) * len(years) + vintage
    found, of = distinct_codes(key, len(USES) * len(years))
    kinds = [(USES[one // len(years)], years[one % len(years)]) for one in found]
    return _Kinds(kinds, of)


def _intensities(kinds: _Kinds, year: int, modelled: BoolArray, resolver: Resolver) -> list[Intensity | None]:
    """Intensity of every kind; None where there is none and no building to be modelled needs it."""
    needed = np.bincount(kinds.of[modelled], minlength=len(kinds.kinds)) > 0
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
        kwh_m2 = np.array([np.nan if one is None else one.kwh_m2 for one in intensities])[self.of]
        # An unheated building takes nothing, whatever its floor area: known without it.
        self.kwh = np.where(kwh_m2 == 0, 0.0, kwh_m2 * areas.area_m2)
        self.is_known = np.isfinite(self.kwh)

    def _share(self, carrier: str) -> FloatArray:
        return np.array([0.0 if one is None else one.shares.get(carrier, 0.0) for one in self.intensities])

    def lines(self, carrier: str, which: BoolArray, because: str = "") -> list[EmissionLines]:
        """Lines of one carrier for some buildings; those it has no share in, or no floor area, get none.

        `because` is an assumption that all of them rest on.
        """
        share = self._share(carrier)
        chosen = which & self.is_known
        of = np.flatnonzero(chosen if (share > 0).all() else chosen & (share > 0)[self.of])
        if not len(of):
            return []
        factor = self.resolver.emission_factor(_activity(carrier), "kWh", self.year)
        kwh = self.kwh[of] * share[self.of[of]]
        # Of one line kind are the buildings with one intensity and one way to their floor area.
        n_bases = len(self.areas.bases)
        found, kind = distinct_codes(self.of[of] * n_bases + self.areas.basis[of], len(self.intensities) * n_bases)
        pairs = [(self.intensities[one // n_bases], self.areas.bases[one % n_bases]) for one in found]
        pairs_known = [(one, area) for one, area in pairs if one is not None]
        scatter = self.resolver.u("eui.building")
        return [
            line_block(
                of,
                year=self.year,
                carrier=carrier,
                basis=BASIS.get(carrier, "direct"),
                method=["modelled" if one.of_use and area.source in KNOWN else "default" for one, area in pairs_known],
                activity=kwh,
                activity_unit="kWh",
                factor_id=factor.factor.id,
                emissions_tco2e=kwh * factor.tco2e,
                kind=kind,
                u_own=[math.hypot(scatter, area.u_own) for _, area in pairs_known],
                group=[one.group for one, _ in pairs_known],
                u_group=[math.hypot(one.u_group, area.u_shared) for one, area in pairs_known],
                u_factor=factor.u,
                assumptions=[
                    sorted_ids(one.assumptions, factor.assumptions, because, area.assumption)
                    for one, area in pairs_known
                ],
            )
        ]

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
            total += self.kwh * (share * tco2e)[self.of]
        return np.where(self.is_known, total, np.nan)


def _activity(carrier: str) -> str:
    return carrier if carrier in ("electricity", "heat") else f"{carrier}.energy"


def _counts(year: int, metered: Mapping[str, BoolArray], any_meter: BoolArray, unmetered: BoolArray) -> dict[str, int]:
    counts = {f"metered_{year}": int(any_meter.sum()), f"unmetered_{year}": int(unmetered.sum())}
    return counts | {f"metered_{carrier}_{year}": int(mask.sum()) for carrier, mask in metered.items()}


def _missing_remarks(features: pd.DataFrame, unknown_uses: Mapping[str, int], unestimated: BoolArray) -> list[Remark]:
    remarks: list[Remark] = []
    if unknown_uses:
        text = "Uses that no mapping knows, taken as 'other': {words}."
        remarks.append(Remark(text, sum(unknown_uses.values()), words=unknown_uses, order="most"))
    if unestimated.any():
        of = np.flatnonzero(unestimated)
        ids = features["id"].iloc[of[:_NAMED]]
        remarks.append(
            Remark(
                "{count} buildings have no meter and no floor area and are not estimated (missing, not zero): {words}. "
                "The assumption buildings.floor_area would fill them.",
                len(of),
                words={str(name): 1 for name in ids},
                shown=_NAMED,
                n_words=len(of),
            )
        )
    return remarks


def _unbuilt_remarks(features: pd.DataFrame, years: Sequence[int]) -> list[Remark]:
    remarks: list[Remark] = []
    for column, year, unit in unbuilt_meters(features, years):
        values = column_or_nan(features, column)
        read = np.isfinite(values)
        if read.any():
            text = (
                f"{column}: readings of {{count}} buildings ({{amount:,.0f}} {unit} in all) are of a year that is not "
                f"built, and count nowhere; to use them add {year} to years."
            )
            remarks.append(Remark(text, int(read.sum()), amount=float(values[read].sum())))
    return remarks


def _meter_remarks(features: pd.DataFrame, meters: Sequence[Meter], resolver: Resolver) -> list[Remark]:
    remarks: list[Remark] = []
    for meter in meters:
        values, column = column_or_nan(features, meter.column), meter.column
        negative = np.flatnonzero(values < 0)
        if negative.size:
            text = f"{column}: {{count}} readings are negative (net feed-in?) and keep their sign: {{words}}."
            ids = features["id"].iloc[negative[:_NAMED]] if "id" in features.columns else negative[:_NAMED]
            words = {str(name): 1 for name in ids}
            remarks.append(Remark(text, negative.size, words=words, shown=_NAMED, n_words=negative.size))
        scaled = f"{column}_months"
        if scaled in features.columns:
            part = int((np.isfinite(values) & (column_or_nan(features, scaled) < 12)).sum())
            if part:
                text = f"{column}: {{count}} buildings have fewer than 12 months, scaled to a year."
                remarks.append(Remark(text, part))
        if np.isfinite(values).any() and taken_as_net(meter, resolver):
            remarks.append(
                Remark(
                    f"{column}: taken as net energy, as the factor is; meters bill gross energy, about a tenth more. "
                    "The assumption gas.net_to_gross turns it into net."
                )
            )
    return remarks
