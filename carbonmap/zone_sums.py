"""Our sums by zone and for the region, with deviations that know which errors sectors share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from carbonmap.completeness import Completeness, completeness_of
from carbonmap.quality.value import SectorErrors, region_errors
from grids.columns import BASES, CARRIERS
from grids.edition import Edition

WHOLE = ""
"""Id of the region as a whole among the zones of a reconciliation."""

GAP = 1e-6
"""Part of a sector's emissions in no zone from which on the region is more than its zones."""


@dataclass(frozen=True)
class ZoneSums:
    """Our sums by zone, and of the region in the last row."""

    ids: list[str]
    labels: list[str]
    names: list[set[str]]
    frame: pd.DataFrame
    completeness: Completeness
    alike: Mapping[tuple[str, str], float]
    remarks: tuple[str, ...] = ()

    def ours(self, row: int, sectors: Sequence[str], carrier: str, basis: str) -> tuple[float, float] | None:
        """Sum and standard deviation; None where the map says nothing. The deviation is the sector's, in proportion.

        Sectors share factors: their deviations are as correlated as those of the region's totals.
        """
        value, deviations, any_known = 0.0, dict[str, float](), False
        for sector in sectors:
            total, sd = (float(self.frame[f"{sector}_{what}tco2e"].iloc[row]) for what in ("", "sd_"))
            if np.isnan(total):
                return None
            if not carrier and not basis:
                part = total
            else:
                columns = [
                    f"{sector}_{one}_{other}_tco2e"
                    for one in ((carrier,) if carrier else CARRIERS)
                    for other in ((basis,) if basis else BASES)
                ]
                there = [name for name in columns if name in self.frame.columns]
                found = self.frame[there].iloc[row].to_numpy(float) if there else np.zeros(0)
                if np.isnan(found).any():
                    return None
                part = float(found.sum())
            any_known = True
            value += part
            deviations[sector] = sd * part / total if total else 0.0
        variance = sum(one**2 for one in deviations.values())
        for one, other in combinations(sorted(deviations), 2):
            variance += 2 * self.alike.get((one, other), 0.0) * deviations[one] * deviations[other]
        return (value, float(np.sqrt(max(variance, 0.0)))) if any_known else None


def zone_sums(edition: Edition, year: int, zone_set: str) -> ZoneSums:
    """The sums of a zone set in a year, the region in the last row.

    Raises:
        EditionError: the edition has no such table.
    """
    table = edition.table(zone_set, year).to_pandas()
    named = [name for name in table.columns if name.startswith("name_")]
    told = completeness_of(edition, zone_set, year)
    numbers = table.select_dtypes("number")
    whole = numbers.sum(min_count=len(numbers)).to_frame().T
    for name in [column for column in numbers if column.endswith("_coverage")]:
        whole[name] = float((numbers[name] * numbers["area_ha"]).sum() / numbers["area_ha"].sum())
    sectors = region_errors(edition, year)
    for sector, errors in sectors.items():  # which zones share: they add up neither way
        whole[f"{sector}_sd_tco2e"] = errors.sd
    remarks = _with_gaps(whole, edition, year)
    whole["held"] = False
    frame = pd.concat([table, whole], ignore_index=True)
    names = [{str(table["id"].iloc[row]), *map(str, table[named].iloc[row].dropna())} for row in range(len(table))]
    labels = [str(table[named[0]].iloc[row]) if named else str(table["id"].iloc[row]) for row in range(len(table))]
    whole_told = Completeness(
        np.append(told.floor_area_m2, told.floor_area_m2.sum()),
        np.append(told.residents, told.residents.sum()),
        np.append(told.m2_per_person, told.floor_area_m2.sum() / told.residents.sum() if told.known else np.nan),
        told.median,
        np.append(told.thin, bool(told.thin.any())),
        told.least,
        told.whose,
        told.remarks,
    )
    return ZoneSums(
        [*map(str, table["id"]), WHOLE],
        [*labels, ""],
        [*names, set()],
        frame,
        whole_told,
        correlations(sectors),
        remarks,
    )


def _with_gaps(whole: pd.DataFrame, edition: Edition, year: int) -> tuple[str, ...]:
    """Give the region what lies in no zone, where cells hold more than the zones do; says of which sectors."""
    cells = edition.table(next(info.id for info in edition.manifest.collections if info.kind == "grid"), year)
    grid = cells.to_pandas().select_dtypes("number").sum(min_count=1)
    told = []
    for sector in edition.manifest.sectors:
        name = f"{sector}_tco2e"
        ours, all_of_it = float(whole[name].iloc[0]), float(grid.get(name, np.nan))
        if np.isfinite(ours) and np.isfinite(all_of_it) and abs(all_of_it - ours) > GAP * abs(all_of_it):
            for column in [name, *(each for each in whole if str(each).startswith(f"{sector}_"))]:
                if str(column).endswith("ect_tco2e") or column == name:
                    whole[column] = grid.get(column, np.nan)
            told.append(f"{sector} {1 - ours / all_of_it:.1%}")
    return (f"zones leave ground out (of {', '.join(told)}): the whole region is the sum of its cells",) if told else ()


def correlations(sectors: Mapping[str, SectorErrors]) -> dict[tuple[str, str], float]:
    """Correlation of the totals of two sectors, by the errors that they share, such as those of factors."""
    found: dict[tuple[str, str], float] = {}
    for one, other in combinations(sorted(sectors), 2):
        mine, theirs = sectors[one], sectors[other]
        shared = sum(loading * theirs.loadings.get(group, 0.0) for group, loading in mine.loadings.items())
        if mine.sd and theirs.sd:
            found[one, other] = shared / (mine.sd * theirs.sd)
    return found
