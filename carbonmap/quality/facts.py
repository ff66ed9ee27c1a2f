"""What the quality report tells, gathered from an edition: public tables by zone and cell, and sums of the region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accounting.uncertainty import Z90
from carbonmap.completeness import Completeness, completeness_of
from carbonmap.errors import RegionError
from carbonmap.quality.value import InputValue, SectorErrors, region_errors, value_of_information
from gis.errors import did_you_mean, listed
from grids.columns import METHODS
from grids.edition import Edition
from grids.projections import LONLAT, reproject
from grids.tables import Geometries

FloatArray = NDArray[np.float64]

FAR = 3.5
"""Robust standard scores beyond which a place is an outlier (Iglewicz and Hoaglin, 1993)."""
MOST_OUTLIERS = 15
"""Of a sector: the first must not starve the others."""
LEAST_AMOUNT = 0.01
"""Of the mean place: with less, a place only touches something, such as a cell on the region's edge."""
LEAST_PLACES = 12
"""Fewer places have no distribution to lie outside of."""


@dataclass(frozen=True)
class Outlier:
    """A place that lies far from the others, and what is known of why.

    Attributes:
        collection, id, label: of the place.
        sector: whose density stands out.
        tonnes_ha: tCO2e per hectare.
        score: robust standard score of its logarithm.
        reasons: codes with values: `default` (share), `one_carrier` (carrier, share), `small` (hectares), `held`,
            `wide` (relative half width of the interval), `metered` (share), `plain` (nothing stands out).
    """

    collection: str
    id: str
    label: str
    sector: str
    tonnes_ha: float
    score: float
    reasons: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Facts:
    """All that the report tells.

    Attributes:
        edition, year, zone_set: what it is of.
        zones: public columns by zone, with `label`.
        shapes: (zones,) in degrees.
        errors: by sector and net, of the region.
        values: inputs by what knowing them would do.
        completeness: of buildings by zone.
        widths: sector -> relative half widths of 90 % intervals of cells of the coarsest grid.
        outliers: places far from the others.
        residuals: collection -> largest residual of conservation.
        calibration: the manifest's record, if any.
    """

    edition: Edition
    year: int
    zone_set: str
    zones: pd.DataFrame
    shapes: Geometries
    errors: Mapping[str, SectorErrors]
    values: Sequence[InputValue]
    completeness: Completeness
    widths: Mapping[str, FloatArray]
    outliers: Sequence[Outlier]
    residuals: Mapping[str, float]
    calibration: Mapping[str, Any] | None

    @property
    def sectors(self) -> list[str]:
        """Sectors that have values somewhere."""
        return [name for name in self.edition.manifest.sectors if self.zones[f"{name}_tco2e"].notna().any()]


def facts_of(edition: Edition, *, zone_set: str | None = None, year: int | None = None, language: str = "en") -> Facts:
    """Gather everything.

    Args:
        edition: of a store.
        zone_set: the coarsest one if None.
        year: the latest if None.
        language: of the zones' names, where they have it.

    Raises:
        RegionError: no such zone set or year.
    """
    years = edition.manifest.region.years
    chosen = max(years) if year is None else year
    if chosen not in years:
        raise RegionError(f"edition {edition.id} has no year {chosen}; it has {listed(map(str, years))}")
    name = _zone_set(edition, zone_set)
    table = edition.table(name, chosen)
    zones = table.drop_columns(["geometry"]).to_pandas() if "geometry" in table.column_names else table.to_pandas()
    zones["label"] = _labels(zones, language)
    shapes = reproject(_geometries(edition, name, chosen), edition.crs, LONLAT)
    errors = region_errors(edition, chosen)
    grid = next(info.id for info in edition.manifest.collections if info.kind == "grid")
    cells = edition.table(grid, chosen).to_pandas()
    cells["label"] = cells["id"]
    sectors = [each for each in edition.manifest.sectors if zones[f"{each}_tco2e"].notna().any()]
    record = edition.manifest.calibration
    return Facts(
        edition=edition,
        year=chosen,
        zone_set=name,
        zones=zones,
        shapes=shapes,
        errors=errors,
        values=value_of_information(errors),
        completeness=completeness_of(edition, name, chosen),
        widths={sector: relative_widths(cells, sector) for sector in sectors},
        outliers=[*outliers(zones, name, sectors), *outliers(cells, grid, sectors)],
        residuals={
            collection: max((abs(each.residual) for each in found), default=0.0)
            for collection, found in edition.manifest.residuals.items()
        },
        calibration=record if isinstance(record, dict) else None,
    )


def relative_widths(table: pd.DataFrame, sector: str) -> FloatArray:
    """Half widths of 90 % intervals over values, of all places that have a value other than 0."""
    value, sd = table[f"{sector}_tco2e"].to_numpy(float), table[f"{sector}_sd_tco2e"].to_numpy(float)
    some = np.isfinite(value) & (value != 0)
    return np.asarray(Z90 * sd[some] / np.abs(value[some]))


def outliers(table: pd.DataFrame, collection: str, sectors: Sequence[str]) -> list[Outlier]:
    """Places whose density of emissions is far from that of the others, the farthest first, by sector.

    Densities are compared as logarithms, by distance from the median over 1.4826 x the median distance.
    """
    found: list[Outlier] = []
    for sector in sectors:
        amount = np.abs(table[f"{sector}_tco2e"].to_numpy(float))
        density = amount / table["area_ha"].to_numpy(float)
        least = LEAST_AMOUNT * np.nanmean(amount) if np.isfinite(amount).any() else 0.0
        some = np.flatnonzero(np.isfinite(density) & (amount > least))
        if len(some) < LEAST_PLACES:
            continue
        logs = np.log(density[some])
        middle = np.median(logs)
        spread = 1.4826 * np.median(np.abs(logs - middle))
        if spread <= 0:
            continue
        scores = (logs - middle) / spread
        for at in np.argsort(-np.abs(scores), kind="stable")[:MOST_OUTLIERS].tolist():
            if abs(scores[at]) <= FAR:
                break
            row = table.iloc[int(some[at])]
            tonnes = float(row[f"{sector}_tco2e"] / row["area_ha"])
            why = tuple(_reasons(table, row, sector))
            found.append(Outlier(collection, str(row["id"]), str(row["label"]), sector, tonnes, float(scores[at]), why))
    return found


def _reasons(table: pd.DataFrame, row: "pd.Series[Any]", sector: str) -> list[tuple[str, Any]]:
    reasons: list[tuple[str, Any]] = []
    if bool(row["held"]):
        reasons.append(("held", None))
    shares = {method: float(row[f"{sector}_{method}_share"]) for method in METHODS}
    if shares["default"] > 0.5:
        reasons.append(("default", shares["default"]))
    if shares["metered"] > 0.5:
        reasons.append(("metered", shares["metered"]))
    total = float(row[f"{sector}_tco2e"])
    carriers = [name for name in table.columns if name.startswith(f"{sector}_") and name.endswith("ect_tco2e")]
    if len(carriers) > 1 and total:
        parts = {name: abs(float(row[name]) / total) for name in carriers if np.isfinite(row[name])}
        if parts and max(parts.values()) > 0.9:
            largest = max(parts, key=lambda name: parts[name])
            reasons.append(("one_carrier", (largest.split("_")[1], parts[largest])))
    if float(row["area_ha"]) < 0.2 * float(table["area_ha"].median()):
        reasons.append(("small", float(row["area_ha"])))
    width = Z90 * float(row[f"{sector}_sd_tco2e"]) / abs(total)
    if width > 0.5:
        reasons.append(("wide", width))
    return reasons or [("plain", None)]


def _zone_set(edition: Edition, asked: str | None) -> str:
    sets = [info.id for info in edition.manifest.collections if info.kind == "zones"]
    if asked is not None and asked not in sets:
        raise RegionError(f"{asked!r} is no zone set; expected {listed(sets)}.{did_you_mean(asked, sets)}")
    if not sets:
        raise RegionError(f"edition {edition.id} of {edition.region.id} has no zone set to report by")
    return asked or sets[0]


def _labels(zones: pd.DataFrame, language: str) -> list[str]:
    names = [f"name_{language}", *(name for name in zones.columns if name.startswith("name_")), "id"]
    columns = [zones[name] for name in names if name in zones.columns]
    return [next(str(value) for value in row if isinstance(value, str)) for row in zip(*columns, strict=True)]


def _geometries(edition: Edition, collection: str, year: int) -> Geometries:
    import shapely

    return np.asarray(shapely.from_wkb(edition.table(collection, year)["geometry"].to_numpy(zero_copy_only=False)))
