"""Removals and emissions of forest and land cover: stands where known, else land-cover classes (METHODS C).

Uptake is positive in the formulas; it becomes a negative emission here. Land that loses carbon is a source and stays
one.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.assumptions import Assumptions, id_part, missing_message
from accounting.curves import SpeciesCoefficients
from accounting.emissions import (
    EmissionLines,
    increment_uptake_tco2,
    join_lines,
    line_block,
    tier1_uptake_tco2_ha,
)
from accounting.errors import AssumptionNotFound
from accounting.factors import Factor, FactorTable, Lookup
from accounting.resolution import Resolver
from accounting.sector import Remark, SectorEmissions
from accounting.uncertainty import relative_sd
from gis.columns import distinct_codes, positions_of_each
from gis.stands import Stands

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.intp]

PLAUSIBLE_TCO2_HA = 17.0
"""Above this yearly uptake per hectare something is wrong (METHODS C6)."""


@dataclass(frozen=True)
class Uptake:
    """Uptake of stands of one kind, and where it comes from.

    Attributes:
        of: (m,) positions of the stands.
        per_ha: (m,) tCO2 a year and hectare; positive where carbon is taken up.
        method: modelled (a stand of known species) or default.
        factor_id: row, curve or assumption it comes from.
        u_factor: relative standard deviation of that.
        activity, unit: (m,) what it multiplies: m3 of wood, or hectares.
        group, u_group: the error shared by stands of this kind, beside that of the factor.
        assumptions: ids, space separated.
    """

    of: Positions
    per_ha: FloatArray
    method: str
    factor_id: str
    u_factor: float
    activity: FloatArray
    unit: str = "ha"
    group: str = ""
    u_group: float = 0.0
    assumptions: str = ""


def forest_emissions(
    features: gpd.GeoDataFrame | pd.DataFrame,
    *,
    years: Sequence[int],
    factors: FactorTable,
    assumptions: Assumptions,
    factor_regions: Sequence[str],
    area_m2: FloatArray | None = None,
) -> SectorEmissions:
    """Emission lines of stands and land-cover classes; removals are negative.

    A stand takes the first that it has: its increment and the wood of its species (C1); its age and the uptake curve of
    its species (C3); the region's `forest.uptake.<species>` or `forest.increment.<species>`; else, as any tree cover,
    growth by climate zone, roots and carbon (C4). Classes without trees change nothing at Tier 1 (C5): a line of zero.
    Wetland and unknown ground get no line: not estimated.

    Args:
        features: (n,) stands in a metric CRS, or land-cover classes with `area_ha`; columns `species`, `age_years`,
            `age_class`, `increment_m3_ha`, `land_cover`, `leaf_type`, all optional.
        years: years to build; what stands take up is the same in each.
        factors: factor tables with the region's overrides.
        assumptions: the region's assumptions.
        factor_regions: where factors are looked up, nearest first; names the climate zone.
        area_m2: (n,) geodesic areas; measured from the geometry if not given.

    Returns:
        Lines, and per feature `area_ha`, `species`, `leaf_type`, `age_years` and `uptake_tco2_ha` (losses taken off).

    Raises:
        AssumptionNotFound: tree cover where growth, roots or carbon are a gap; the message names the remedy.
    """
    resolver = Resolver(factors, assumptions, factor_regions)
    stands = Stands.of(features, factors.words, area_m2)
    counts = {"stands": len(features)}
    blocks: list[EmissionLines] = []
    net_per_ha = np.full(len(features), np.nan)
    for year in years:
        is_open = np.ones(len(features), dtype=np.bool_)
        for name, route in _ROUTES.items():
            before = int(is_open.sum())
            for uptake in route(stands, is_open.copy(), year, resolver):
                blocks.append(_lines(stands, uptake, year, resolver))
                net_per_ha[uptake.of] = uptake.per_ha
                is_open[uptake.of] = False
            counts[name] = before - int(is_open.sum())
        losses = _losses(stands, np.flatnonzero(net_per_ha > 0), resolver)
        if losses is not None:
            blocks.append(_lines(stands, losses, year, resolver))
            net_per_ha[losses.of] += losses.per_ha
        counts["not_estimated"] = int(is_open.sum())
    out = pd.DataFrame(
        {
            "area_ha": stands.area_ha,
            "species": stands.species.column_or_null(),
            "leaf_type": stands.leaf_type.column_or_null(),
            "age_years": stands.age,
            "uptake_tco2_ha": net_per_ha,
        }
    )
    remarks = _remarks(stands, net_per_ha, resolver)
    return SectorEmissions(
        compact=join_lines(blocks),
        features=out,
        counts=counts,
        warnings=tuple(map(str, remarks)),
        lookups=dict(resolver.lookups),
        remarks=remarks,
        assumptions=resolver.assumptions.used,
    )


def _by_increment(stands: Stands, is_open: BoolArray, year: int, resolver: Resolver) -> Iterator[Uptake]:
    """C1: the stand's own increment and the wood of its species."""
    measured = is_open & np.isfinite(stands.increment)
    for name, of in stands.species.each(measured):
        wood = _wood(name, resolver)
        if wood is not None:
            yield _from_increment(wood, of, stands.increment[of], stands.area_ha[of], resolver)


def _by_age(stands: Stands, is_open: BoolArray, year: int, resolver: Resolver) -> Iterator[Uptake]:
    """C3: uptake of the species at the stand's age; by the curve of its group of species it is only a default."""
    curves = resolver.factors.curves.uptake
    for name, of in stands.species.each(is_open & np.isfinite(stands.age)):
        word = resolver.factors.words.species.get(name)
        if word is None or word.uptake not in curves:
            continue
        curve = curves[word.uptake]
        points = ", ".join(f"{age:g}: {value:g}" for age, value in zip(curve.age_years, curve.tco2_ha, strict=True))
        row = Factor(
            id=curve.id,
            activity=f"forest.uptake.{word.uptake}",
            value=float(curve.at(np.array([30.0]))[0]),
            unit="tCO2/ha/yr",
            source=curve.source,
            u95_percent=curve.u95_percent,
            note=f"value at 30 years; the curve by age: {points}",
        )
        resolver.lookups[curve.id] = Lookup(row, f"uptake by age of {word.uptake}, interpolated")
        yield Uptake(
            of=of,
            per_ha=curve.at(stands.age[of]),
            method="default" if word.via_group else "modelled",
            factor_id=curve.id,
            u_factor=relative_sd(curve.u95_percent),
            activity=stands.area_ha[of],
            group=f"forest:{name}" if word.via_group else "",
            u_group=resolver.u("forest.group") if word.via_group else 0.0,
        )


def _by_assumption(stands: Stands, is_open: BoolArray, year: int, resolver: Resolver) -> Iterator[Uptake]:
    """What the region assumes of a species or land cover: an uptake, or the increment of a known wood."""
    for values in (stands.species, stands.cover):
        for name, of in values.each(is_open):
            area = stands.area_ha[of]
            uptake = resolver.assumptions.number("tCO2/ha/yr", f"forest.uptake.{id_part(name)}")
            wood = _wood(name, resolver)
            if uptake is not None:
                value, given = uptake
                group = f"forest:{name}"
                per_ha = np.full(len(of), value)
                yield Uptake(of, per_ha, "default", given.id, 0.0, area, "ha", group, given.relative_sd, given.id)
            elif wood is not None:
                increment = resolver.assumptions.number("m3/ha/yr", f"forest.increment.{id_part(name)}")
                if increment is None:
                    continue
                value, given = increment
                by_wood = _from_increment(wood, of, np.full(len(of), value), area, resolver)
                yield dataclasses.replace(
                    by_wood,
                    method="default",
                    group=f"forest:{name}",
                    u_group=given.relative_sd,
                    assumptions=given.id,
                )
            else:
                continue
            is_open[of] = False


def _by_tree_cover(stands: Stands, is_open: BoolArray, year: int, resolver: Resolver) -> Iterator[Uptake]:
    """C4, Tier 1: growth of the climate zone x roots x carbon by leaf type, on the ground that crowns cover."""
    trees = is_open & stands.has_trees(resolver.factors.words)
    for leaf, cover, of in _by_leaf_and_cover(stands, trees):
        growth = _tier1_number("growth", "t d.m./ha/yr", leaf, year, resolver)
        roots = _tier1_number("root_shoot", "1", leaf, year, resolver)
        carbon = _tier1_number("carbon_fraction", "tC/t d.m.", leaf, year, resolver)
        names = [f"forest.crown_fraction.{id_part(cover)}"] * bool(cover)
        crowns = resolver.assumptions.number("1", *names, "forest.crown_fraction")
        per_ha = tier1_uptake_tco2_ha(growth.value, roots.value, carbon.value) * (crowns[0] if crowns else 1.0)
        used = {growth.assumption, roots.assumption, carbon.assumption, crowns[1].id if crowns else ""}
        yield Uptake(
            of=of,
            per_ha=np.full(len(of), per_ha),
            method="default",
            factor_id=growth.id,
            u_factor=growth.u,
            activity=stands.area_ha[of],
            group=f"forest:{leaf or 'tree'}",
            # Of 1 + R only R is uncertain.
            u_group=math.hypot(
                roots.u * roots.value / (1 + roots.value), carbon.u, crowns[1].relative_sd if crowns else 0.0
            ),
            assumptions=" ".join(sorted(used - {""})),
        )


def _unchanged(stands: Stands, is_open: BoolArray, year: int, resolver: Resolver) -> Iterator[Uptake]:
    """C5: land covers in which nothing changes at Tier 1."""
    words = resolver.factors.words.land_cover
    for cover, of in stands.cover.each(is_open):
        lookup = resolver.value("land_cover.no_change", year=year)
        if lookup is not None and cover in words and words[cover].means == "no_change":
            per_ha = np.full(len(of), lookup.factor.value)
            yield Uptake(of, per_ha, "default", lookup.factor.id, 0.0, stands.area_ha[of])


_ROUTES = {
    "by_increment": _by_increment,
    "by_age": _by_age,
    "by_assumption": _by_assumption,
    "by_tree_cover": _by_tree_cover,
    "unchanged": _unchanged,
}


@dataclass(frozen=True)
class _Number:
    value: float
    id: str
    u: float
    assumption: str


def _tier1_number(name: str, unit: str, leaf: str, year: int, resolver: Resolver) -> _Number:
    keys = [f"forest.{name}.{leaf}"] * (leaf in ("needleleaf", "broadleaf")) + [f"forest.{name}"]
    assumed = resolver.assumptions.number(unit, *keys)
    if assumed is not None:
        return _Number(assumed[0], assumed[1].id, assumed[1].relative_sd, assumed[1].id)
    for key in keys:
        lookup = resolver.value(key, year=year)
        if lookup is not None:
            return _Number(lookup.factor.value, lookup.factor.id, resolver.relative_sd_of(lookup.factor), "")
    why = f"Tree cover ({leaf or 'leaf type unknown'}) needs forest.{name} in {', '.join(resolver.regions)}."
    raise AssumptionNotFound(missing_message(keys[::-1], unit, why))


def _wood(species: str, resolver: Resolver) -> SpeciesCoefficients | None:
    word = resolver.factors.words.species.get(species)
    return resolver.factors.curves.species.get(word.wood if word is not None else species)


def _from_increment(
    wood: SpeciesCoefficients, of: Positions, increment: FloatArray, area_ha: FloatArray, resolver: Resolver
) -> Uptake:
    row = Factor(
        id=wood.id,
        activity=f"forest.wood.{wood.species}",
        value=wood.tco2_m3,
        unit="tCO2/m3",
        source=wood.source,
        u95_percent=wood.u95_percent,
        note=f"D {wood.density:g}, BEF {wood.bef:g}, R {wood.root_shoot:g}, CF {wood.carbon_fraction:g}",
    )
    resolver.lookups[wood.id] = Lookup(row, f"wood of {wood.species}")
    return Uptake(
        of=of,
        per_ha=increment_uptake_tco2(np.ones(len(of)), increment, np.full(len(of), wood.tco2_m3)),
        method="modelled",
        factor_id=wood.id,
        u_factor=relative_sd(wood.u95_percent),
        activity=area_ha * increment,
        unit="m3",
    )


def _losses(stands: Stands, growing: Positions, resolver: Resolver) -> Uptake | None:
    """C1: what harvest and fire take from growing forest, as an uptake below zero; the sum may be a source.

    Its lines are its own, for its error is: taken off the uptake, it would shrink the error of the growth with it.
    """
    loss = resolver.assumptions.number("tCO2/ha/yr", "forest.loss") if len(growing) else None
    if loss is None:
        return None
    value, given = loss
    return Uptake(
        of=growing,
        per_ha=np.full(len(growing), -value),
        method="default",
        factor_id=given.id,
        u_factor=given.relative_sd,
        activity=stands.area_ha[growing],
        assumptions=given.id,
    )


def _lines(stands: Stands, uptake: Uptake, year: int, resolver: Resolver) -> EmissionLines:
    # Adding 0.0 turns the -0.0 of unchanged land into a plain zero.
    return line_block(
        uptake.of,
        year=year,
        carrier="biomass",
        basis="direct",
        method=uptake.method,
        activity=uptake.activity,
        activity_unit=uptake.unit,
        factor_id=uptake.factor_id,
        emissions_tco2e=-stands.area_ha[uptake.of] * uptake.per_ha + 0.0,
        u_own=resolver.u("forest.area"),
        group=uptake.group,
        u_group=uptake.u_group,
        u_factor=uptake.u_factor,
        assumptions=uptake.assumptions,
    )


def _by_leaf_and_cover(stands: Stands, where: BoolArray) -> Iterator[tuple[str, str, Positions]]:
    """Distinct pairs of leaf type and land cover among the stands chosen, with the stands of each."""
    leaf, cover = stands.leaf_type, stands.cover
    chosen = np.flatnonzero(where)
    size = len(cover.names)
    found, place = distinct_codes(leaf.of[chosen] * size + cover.of[chosen], len(leaf.names) * size)
    for one, positions in zip(found, positions_of_each(place, len(found)), strict=True):
        yield leaf.names[one // size], cover.names[one % size], chosen[positions]


def _remarks(stands: Stands, per_ha: FloatArray, resolver: Resolver) -> tuple[Remark, ...]:
    words = resolver.factors.words
    remarks: list[Remark] = []
    high = np.flatnonzero(per_ha > PLAUSIBLE_TCO2_HA)
    if len(high):
        text = (
            f"{{count}} stands take up more than {PLAUSIBLE_TCO2_HA:g} tCO2 a year and hectare, "
            "at most {largest:.1f}, which is not plausible: {words}."
        )
        pairs = set(zip(stands.species.of[high].tolist(), stands.cover.of[high].tolist(), strict=True))
        kinds = {stands.species.names[name] or stands.cover.names[cover]: 1 for name, cover in pairs}
        remarks.append(Remark(text, len(high), float(per_ha[high].max()), kinds, "name"))
    species = stands.species.unknown(words.species)
    if species:
        text = "Species that no table knows, taken as tree cover: {words}."
        remarks.append(Remark(text, words=species, order="name"))
    covers = stands.cover.unknown(words.land_cover)
    if covers:
        text = "Land covers that data/schema/land_cover.csv lacks, not estimated: {words}."
        remarks.append(Remark(text, words=covers, order="name"))
    if (per_ha > 0).any() and "forest.loss" not in resolver.assumptions.items:
        remarks.append(
            Remark(
                "Removals are the growth of forest, of which harvest, fire and other losses are not taken off; the "
                "assumption forest.loss would."
            )
        )
    return tuple(remarks)
