"""What features of open layers add up to in cells: floor area by use and vintage, jobs, vehicle-km, green.

Only layers whose source is declared open are looked at: what a closed one says of single features stays inside, and a
state made without it uses stated coefficients instead.
"""

from dataclasses import dataclass

import numpy as np

from grids.edition import Edition
from grids.private_tables import PrivateTable, private_name
from grids.store_errors import CollectionNotFound, EditionBroken
from scenarios.forms import DWELLINGS
from scenarios.frame import FloatArray, IntArray
from scenarios.state import Stock

VINTAGES = ((1980, "before 1980"), (2000, "1980-1999"), (10_000, "2000 on"))
UNKNOWN_VINTAGE = "unknown"
_DAYS = 365.0


@dataclass(frozen=True, eq=False)
class Floors:
    """Floor area (stocks, n) m2 and modelled emissions (stocks, n) t, over the rows of the public table."""

    stocks: tuple[Stock, ...]
    floor_area_m2: FloatArray
    modelled_tco2e: FloatArray


def open_layers(edition: Edition, sector: str) -> list[str] | None:
    """Ids of the sector's layers; None if there is none or one of them is closed."""
    layers = [layer for layer in edition.manifest.layers if layer.sector == sector]
    return [layer.id for layer in layers] if layers and all(layer.open for layer in layers) else None


def floors(edition: Edition, collection: str, year: int, rows: int) -> Floors | None:
    """Floor area by use and vintage from open building layers; None without."""
    found: dict[Stock, tuple[FloatArray, FloatArray]] = {}
    for layer in open_layers(edition, "buildings") or ():
        table = open_features(edition, layer)
        names = set(table.columns)
        if not {"use", "floor_area_m2"} <= names:
            return None
        modelled = f"modelled_tco2e_{year}"
        columns = [name for name in ("use", "floor_area_m2", "year_built", modelled) if name in names]
        frame = table.whole(columns).to_pandas()
        target, feature, share = _shares(edition, layer, collection, table)
        area = np.nan_to_num(frame["floor_area_m2"].to_numpy(np.float64))
        tonnes = np.nan_to_num(frame[modelled].to_numpy(np.float64)) if modelled in columns else area
        built = frame["year_built"].to_numpy(np.float64) if "year_built" in columns else np.full(len(frame), np.nan)
        homes = frame["use"].astype(object).isin(DWELLINGS).to_numpy()
        vintage = np.full(len(frame), UNKNOWN_VINTAGE, dtype=object)
        for before, name in reversed(VINTAGES):
            vintage[built < before] = name
        for use, mine in (("residential", homes), ("nonresidential", ~homes)):
            for name in sorted(set(vintage[mine])):
                chosen = (mine & (vintage == name))[feature]
                at, weight, of = target[chosen], share[chosen], feature[chosen]
                m2 = np.bincount(at, weight * area[of], minlength=rows)
                t = np.bincount(at, weight * tonnes[of], minlength=rows)
                before_m2, before_t = found.get(Stock(use, name), (np.zeros(rows), np.zeros(rows)))
                found[Stock(use, name)] = (before_m2 + m2, before_t + t)
    if not found:
        return None
    order = sorted(found, key=lambda stock: (stock.use != "residential", _age(stock.vintage)))
    return Floors(tuple(order), np.stack([found[s][0] for s in order]), np.stack([found[s][1] for s in order]))


def _age(vintage: str) -> int:
    """Oldest first; the newest last, since new floor area joins it."""
    return [UNKNOWN_VINTAGE, *(name for _, name in VINTAGES)].index(vintage)


@dataclass(frozen=True, eq=False)
class Jobs:
    """Jobs (n,) over the rows of the public table, and how many features have no number, which count as none."""

    jobs: FloatArray
    unknown: int


def jobs_told(edition: Edition, collection: str, year: int, rows: int) -> Jobs | None:
    """Jobs from open sources of them, of one place each or spread evenly over it; None without."""
    layers, total, known, unknown = open_layers(edition, "jobs"), np.zeros(rows), 0, 0
    for layer in layers or ():
        table = open_features(edition, layer)
        counted = table.whole([f"jobs_{year}"]).to_pandas()[f"jobs_{year}"].to_numpy(np.float64)
        known += int(np.isfinite(counted).sum())
        unknown += int(np.isnan(counted).sum())
        target, feature, share = _shares(edition, layer, collection, table)
        total += np.bincount(target, share * np.nan_to_num(counted)[feature], minlength=rows)
    return Jobs(total, unknown) if known else None  # a declared zero is a number too


def vehicle_km(edition: Edition, collection: str, year: int, rows: int) -> FloatArray | None:
    """Vehicle-km a year (n,) of all classes from open road layers; None without."""
    total = np.zeros(rows)
    layers = open_layers(edition, "transport")
    for layer in layers or ():
        table = open_features(edition, layer)
        if not {"length_km", f"aadt_{year}"} <= set(table.columns):
            return None
        frame = table.whole(["length_km", f"aadt_{year}"]).to_pandas()
        km = np.nan_to_num((frame["length_km"] * frame[f"aadt_{year}"]).to_numpy(np.float64)) * _DAYS
        target, feature, share = _shares(edition, layer, collection, table)
        total += np.bincount(target, share * km[feature], minlength=rows)
    return total if layers else None


def green_ha(edition: Edition, collection: str, rows: int) -> FloatArray | None:
    """Hectares (n,) that take up carbon, from open forest layers; None without."""
    total = np.zeros(rows)
    layers = open_layers(edition, "forest")
    for layer in layers or ():
        table = open_features(edition, layer)
        if not {"area_ha", "uptake_tco2_ha"} <= set(table.columns):
            return None
        frame = table.whole(["area_ha", "uptake_tco2_ha"]).to_pandas()
        hectares = np.nan_to_num(frame["area_ha"].to_numpy(np.float64))
        hectares[~(frame["uptake_tco2_ha"].to_numpy(np.float64) > 0)] = 0.0
        target, feature, share = _shares(edition, layer, collection, table)
        total += np.bincount(target, share * hectares[feature], minlength=rows)
    return total if layers else None


def open_features(edition: Edition, layer: str) -> PrivateTable:
    """The features of a layer that is open; what is read of it is checked.

    Raises:
        EditionBroken: the edition has lost them, or they cannot be read.
    """
    try:
        return PrivateTable(edition.private("features", layer))
    except CollectionNotFound as error:
        raise EditionBroken(f"{error}: build the region again") from error


def _shares(
    edition: Edition, layer: str, collection: str, features: PrivateTable
) -> tuple[IntArray, IntArray, FloatArray]:
    try:
        path = edition.private("shares", private_name(layer, collection))
    except CollectionNotFound:  # the layer has nothing there
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0)
    table = PrivateTable(path).whole(["target", "feature", "share"])
    target, feature = (table[name].to_numpy().astype(np.int64) for name in ("target", "feature"))
    if len(feature) and (feature.min() < 0 or feature.max() >= features.rows or target.min() < 0):
        raise EditionBroken(
            f"private table {path.name} names feature {feature.max()} of {features.rows}, or a place before the first: "
            "it belongs to another edition; build the region again"
        )
    return target, feature, table["share"].to_numpy().astype(np.float64)
