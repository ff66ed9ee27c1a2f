"""From a layer to its emissions: which room's function answers for which sector, and what it is given."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accounting.assumptions import Assumptions
from accounting.emissions import empty_lines
from accounting.factors import FactorTable
from accounting.sector import SectorEmissions
from carbonmap.errors import RegionError
from carbonmap.region import Region
from carbonmap.resources import data_folder
from gis.buildings import building_emissions
from gis.errors import did_you_mean, listed
from gis.forest import forest_emissions
from gis.layers import Layer
from gis.sources import Source
from gis.transport import road_emissions
from gis.uses import USES, check_uses, read_uses

PER_KIND = ("eui", "levels", "storey_height", "floor_area", "carrier_shares", "occupancy", "aadt", "speed", "fleet")
"""Assumptions given per building use or road class: `buildings.eui.office`, `transport.aadt.primary`."""


@dataclass(frozen=True)
class Accounts:
    """The factor tables with the region's overrides, and the region's assumptions."""

    factors: FactorTable
    assumptions: Assumptions

    @classmethod
    def of(cls, region: Region) -> Self:
        """Load the tables and check what the region file says of factors and assumptions.

        Raises:
            AccountingError: a table, an override or an assumption is wrong.
            RegionError: an assumption for a use or a road class that does not exist; it would never be used.
        """
        data = data_folder()
        factors = FactorTable.load(data / "factors", region.factors)
        assumptions = Assumptions.load(region.assumptions, data / "schema" / "assumptions.csv")
        known = {"buildings": USES, "transport": (*factors.words.road_classes, "unknown")}
        for name in assumptions.items:
            sector, *rest = name.split(".")
            if sector in known and len(rest) == 2 and rest[0] in PER_KIND and rest[1] not in known[sector]:
                raise RegionError(
                    f"assumptions: {name!r} is for {rest[1]!r}, which is none of {listed(known[sector], 40)}."
                    f"{did_you_mean(rest[1], known[sector])}"
                )
        return cls(factors, assumptions)

    def apart(self) -> Self:
        """The same with its own memory of the assumptions that were used, for one part of a build."""
        return replace(self, assumptions=self.assumptions.apart())


def years_of(source: Source, region: Region) -> tuple[int, ...]:
    """The region's years that a source speaks for; all of them unless it says otherwise."""
    return tuple(year for year in region.years if not source.years or year in source.years)


def sector_emissions(
    source: Source,
    features: pd.DataFrame,
    region: Region,
    accounts: Accounts,
    sizes: NDArray[np.float64] | None = None,
) -> SectorEmissions:
    """Emission lines of one source's features.

    Args:
        source: as the region file says it.
        features: (n,) rows of the layer, our columns; without `sizes` a GeoDataFrame of buildings, roads or stands.
        region: years and where factors are looked up.
        accounts: factors and assumptions.
        sizes: (n,) of `gis.measure.sizes_of`.

    Raises:
        AccountingError: a factor or an assumption that is needed is not there; names the candidates and the remedy.
    """
    years, places = years_of(source, region), region.factor_regions
    factors, assumptions = accounts.factors, accounts.assumptions
    if source.sector == "buildings":
        return building_emissions(
            features,
            years=years,
            factors=factors,
            assumptions=assumptions,
            factor_regions=places,
            uses=_uses(source),
            footprint_m2=sizes,
        )
    if source.sector == "transport":
        return road_emissions(
            features, years=years, factors=factors, assumptions=assumptions, factor_regions=places, length_km=sizes
        )
    if source.sector in ("forest", "land_cover"):
        return forest_emissions(
            features, years=years, factors=factors, assumptions=assumptions, factor_regions=places, area_m2=sizes
        )
    return SectorEmissions(empty_lines(), _counted(features, region, source.sector))


def features_table(layer: Layer, emissions: SectorEmissions, outside: NDArray[np.float64]) -> pd.DataFrame:
    """The private table of a layer but for geometry: what was read, what was derived, how much lies outside."""
    read = layer.table
    derived = emissions.features.reset_index(drop=True)
    kept = [column for column in read.columns if column not in derived.columns]
    table = pd.concat([read[kept].reset_index(drop=True), derived], axis=1)
    table["outside_share"] = outside
    return table


def _uses(source: Source) -> dict[str, str]:
    if isinstance(source.uses, str):
        return read_uses(source.uses, data_folder() / "schema")
    return check_uses(source.uses or {}, f"source {source.id}, uses")


def _counted(features: pd.DataFrame, region: Region, what: str) -> pd.DataFrame:
    """Residents or jobs per feature in each year: that year's column, else the one without a year."""
    table = pd.DataFrame(index=range(len(features)))
    for year in region.years:
        column = f"{what}_{year}" if f"{what}_{year}" in features.columns else what
        known = column in features.columns
        table[f"{what}_{year}"] = features[column].to_numpy(dtype=np.float64) if known else np.nan
    return table
