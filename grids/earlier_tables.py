"""The private table of what an edition has told of its private meters, which builds after it look at."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from grids.columns import METHODS, Pair
from grids.earlier import EarlierSums
from grids.edition_tables import Edition
from grids.features import METERED, FloatArray, IntArray
from grids.private_tables import PrivateTable


def told_table(sums: Sequence[csr_array], chosen: Mapping[str, IntArray]) -> pa.Table:
    """The sums that an edition has told of a sector in a year: `sum`, `layer`, `feature` (of the layer), `share`."""
    layer = np.repeat(np.array([*chosen], dtype=object), [len(some) for some in chosen.values()])
    feature = np.concatenate([np.zeros(0, dtype=np.int64), *chosen.values()])
    rows, first = [], 0
    for each in sums:
        entries = each.tocoo()
        rows.append((entries.coords[0] + first, entries.coords[1], entries.data))
        first += each.shape[0]
    number, of, share = (np.concatenate([np.zeros(0, kind), *parts]) for kind, parts in zip(
        (np.int64, np.int64, np.float64), zip(*rows, strict=True) if rows else ((), (), ()), strict=True
    ))  # fmt: skip
    return pa.table({
        "sum": number.astype(np.int32),
        "layer": pa.array(layer[of], pa.string()),
        "feature": feature[of].astype(np.int32),
        "share": share,
    })  # fmt: skip


def has_told(edition: Edition) -> bool:
    """Whether an edition has kept what it told: it was audited, and its private tables are here."""
    return any((edition.folder / "private").glob("told-*.parquet"))


def read_told(edition: Edition, sector: str, year: int, numbers: Callable[[str], dict[str, int]]) -> EarlierSums | None:
    """What an edition has told of a sector in a year; None if it tells nothing of it.

    Args:
        edition: with its private tables.
        sector: of closed layers.
        year: of the activity.
        numbers: of a layer, id -> number of a feature; features that are not in it are added.

    Raises:
        EditionBroken: a private table is missing or damaged.
    """
    private = edition.folder / "private"
    file = private / f"told-{sector}-{year}.parquet"
    if not file.is_file():
        return None
    told = PrivateTable(file).whole(["sum", "layer", "feature", "share"])
    if not len(told):
        return None
    in_layer = told["layer"].to_pandas().to_numpy(dtype=str)
    chosen: dict[str, IntArray] = {}
    metered: list[dict[Pair, FloatArray]] = []
    rows = np.zeros(len(told), dtype=np.int64)
    first = 0
    for layer in sorted(layer.id for layer in edition.manifest.layers if layer.sector == sector and not layer.open):
        ids = PrivateTable(private / f"features-{layer}.parquet").whole(["id"])["id"].to_pylist()
        amounts = _metered(private / f"lines-{layer}.parquet", year, len(ids))
        read = np.sum([np.abs(each) for each in amounts.values()], axis=0) if amounts else np.zeros(len(ids))
        some = np.flatnonzero(read)
        known = numbers(layer)
        chosen[layer] = np.array([known.setdefault(ids[k], len(known)) for k in some], dtype=np.int64)
        metered.append({pair: each[some] for pair, each in amounts.items()})
        place = np.full(len(ids), -1, dtype=np.int64)
        place[some] = first + np.arange(some.size)
        mine = in_layer == layer
        rows[mine] = place[told["feature"].to_numpy()[mine]]
        first += some.size
    pairs = tuple(sorted(set().union(*metered))) if metered else ()
    emissions = np.zeros((first, len(pairs)))
    start = 0
    for amounts, some in zip(metered, chosen.values(), strict=True):
        for column, pair in enumerate(pairs):
            emissions[start : start + len(some), column] = amounts.get(pair, 0.0)
        start += len(some)
    kept = rows >= 0
    if not kept.any():
        return None
    place_of = told["sum"].to_numpy()[kept].astype(np.int64), rows[kept]
    shape = int(np.max(place_of[0], initial=-1)) + 1, first
    return EarlierSums(
        edition.id, chosen, emissions, pairs, csr_array((told["share"].to_numpy()[kept], place_of), shape)
    )


def _metered(file: Path, year: int, n_features: int) -> dict[Pair, FloatArray]:
    """Pair -> (features,) metered tCO2e."""
    names = ["year", "feature", "carrier", "basis", "method", "emissions_tco2e"]
    lines = PrivateTable(file).whole(names)
    wanted = pc.and_(pc.equal(lines["year"], year), pc.equal(lines["method"].cast(pa.string()), METHODS[METERED]))
    frame = lines.filter(wanted).to_pandas()
    found: dict[Pair, FloatArray] = {}
    for (carrier, basis), some in frame.groupby(["carrier", "basis"], observed=True, sort=True):
        sums = np.bincount(some["feature"], some["emissions_tco2e"], minlength=n_features)
        found[str(carrier), str(basis)] = sums.astype(np.float64)
    return found
