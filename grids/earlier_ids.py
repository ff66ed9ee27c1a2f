"""Whether a feature is called now as an earlier edition called it: readings are compared by source and id.

Under other names all meters would be gone and all be new, which are many changes, and hide the one meter that was
corrected. What a feature is called is therefore held against where it stands.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from grids.columns import METHODS
from grids.edition_tables import Edition
from grids.errors import GridError
from grids.features import METERED, BoolArray, IntArray
from grids.private_tables import PrivateTable

Marks = NDArray[np.uint64]

_CENTIMETRES = 100.0
"""In a metre. A footprint whose bounds are the same by these is the same: libraries round projections anew."""

_BETWEEN = 0.6180339887
"""Where within a centimetre one place ends. Coordinates have few decimals: many lie at halves, where the last digit of
a double would tell a footprint from itself, and none lies here."""


class IdsChanged(GridError):
    """Closed meters of an earlier edition stand under other names now; nothing was published."""


@dataclass(frozen=True)
class ClosedLayer:
    """A layer of now that is not open.

    Attributes:
        id: of the layer.
        sector: of its features.
        footprints: gives tables of `id` and, where there is one, `geometry` (WKB) of all features, in parts.
    """

    id: str
    sector: str
    footprints: Callable[[], Iterable[pa.Table]]


@dataclass(frozen=True, eq=False)
class _Named:
    """Features by 64 bits of layer and id, and by 64 bits of where they stand (0: nobody knows)."""

    key: Marks
    place: Marks

    @property
    def alone(self) -> IntArray:
        """Positions of those that stand where no other one does, by ascending place."""
        places, first, counts = np.unique(self.place, return_index=True, return_counts=True)
        found: IntArray = first[(counts == 1) & (places != 0)].astype(np.int64)
        return found


def refuse_if_renamed(editions: Sequence[Edition], now: Sequence[ClosedLayer]) -> None:
    """Refuse layers whose metered features an earlier edition had under other names.

    A feature is renamed if where it stood alone then another one stands alone now. Where footprints were drawn anew as
    well, most features being gone and as many new says it.

    Args:
        editions: earlier ones, with their private tables.
        now: all layers of now that are not open.

    Raises:
        IdsChanged: says how many of which edition, one of them by name, and what to do.
        EditionBroken: a private table is missing or damaged.
    """
    for sector in sorted({layer.sector for layer in now}) if editions else ():
        layers = [layer for layer in now if layer.sector == sector]
        here = _joined([_named(layer.id, table) for layer in layers for table in layer.footprints()])
        for edition in editions:
            _refuse(edition, sector, here)


def _refuse(edition: Edition, sector: str, now: _Named) -> None:
    private = edition.folder / "private"
    closed = sorted(layer.id for layer in edition.manifest.layers if layer.sector == sector and not layer.open)
    read = [_features(PrivateTable(private / f"features-{layer}.parquet")) for layer in closed]
    lines = [PrivateTable(private / f"lines-{layer}.parquet") for layer in closed]
    then = _joined([_named(layer, table) for layer, table in zip(closed, read, strict=True)])
    meters = [_has_meter(each, of.num_rows) for each, of in zip(lines, read, strict=True)]
    metered = np.concatenate([np.zeros(0, dtype=np.bool_), *meters])
    renamed = _renamed(then, now) & metered
    gone = ~np.isin(then.key, now.key) & metered
    n_fresh = int((~np.isin(now.key, then.key)).sum())
    if renamed.any():
        said, which = "stand where they stood and have another name", np.flatnonzero(renamed)
    elif 2 * min(int(gone.sum()), n_fresh) > metered.sum():
        said, which = "are not found by their names, while others are new", np.flatnonzero(gone)
    else:
        return
    ends = np.cumsum([table.num_rows for table in read])
    of = int(np.searchsorted(ends, which[0], side="right"))
    name = read[of]["id"][int(which[0] - ends[of] + read[of].num_rows)].as_py()
    raise IdsChanged(
        f"{sector}: of {int(metered.sum())} features with a closed meter in edition {edition.id}, {which.size} {said}, "
        f"such as {name!r} of source {closed[of]}. Each would count as a meter that is gone and one that is new, and "
        "so many changes would hide one corrected meter from the check against that edition. Give the source the id, "
        "and features the ids (columns: {id: ...}), that they had then; or take the edition out of the store, if "
        "nobody has seen it. What was published still is"
    )


def _renamed(then: _Named, now: _Named) -> BoolArray:
    """(then,) where one feature stood alone and another one does now."""
    before, after = then.alone, now.alone
    _, same, again = np.intersect1d(then.place[before], now.place[after], assume_unique=True, return_indices=True)
    found: BoolArray = np.zeros(len(then.key), dtype=np.bool_)
    found[before[same]] = then.key[before[same]] != now.key[after[again]]
    return found


def _named(layer: str, table: pa.Table) -> _Named:
    ids = table["id"].cast(pa.string()).to_pandas()
    key: Marks = np.asarray(
        pd.util.hash_pandas_object(pd.DataFrame({"layer": layer, "id": ids}), index=False), np.uint64
    )
    place: Marks = np.zeros(len(ids), dtype=np.uint64)
    if "geometry" in table.column_names:
        wkb = table["geometry"].to_numpy()
        bounds = shapely.bounds(shapely.from_wkb(wkb, on_invalid="ignore")) * _CENTIMETRES
        known = np.isfinite(bounds).all(axis=1)
        rounded = pd.DataFrame(np.floor(bounds[known] + _BETWEEN).astype(np.int64))
        place[known] = pd.util.hash_pandas_object(rounded, index=False).to_numpy(dtype=np.uint64)
    return _Named(key, place)


def _joined(parts: Sequence[_Named]) -> _Named:
    none: Marks = np.zeros(0, dtype=np.uint64)
    return _Named(
        np.concatenate([none, *(part.key for part in parts)]), np.concatenate([none, *(part.place for part in parts)])
    )


def _features(table: PrivateTable) -> pa.Table:
    return table.whole([name for name in ("id", "geometry") if name in table.columns])


def _has_meter(table: PrivateTable, n_features: int) -> BoolArray:
    """(features,) with a metered line in any year."""
    lines = table.whole(["feature", "method"])
    found: BoolArray = np.zeros(n_features, dtype=np.bool_)
    found[lines["feature"].to_numpy()[pc.equal(lines["method"].cast(pa.string()), METHODS[METERED]).to_numpy()]] = True
    return found
