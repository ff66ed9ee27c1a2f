"""The private table of what an edition has told of its private meters, which builds after it look at."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from grids.columns import METHODS, Pair
from grids.earlier import EarlierSums
from grids.edition_tables import Edition
from grids.features import METERED, FloatArray, IntArray
from grids.private_tables import PrivateTable

_NEEDED = ["year", "feature", "carrier", "basis", "method", "activity", "emissions_tco2e"]


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


class LatestFactors:
    """tCO2e per unit of activity of each meter, as the first edition seen has it: the one of now, then those before.

    With it a reading of another edition is said as it would be by the same factor, so that a factor which was changed,
    of a carrier or of one place, is no reading that was.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, Pair], FloatArray] = {}

    def see(self, layer: str, lines: Iterable[pa.Table], n_features: int) -> None:
        """Learn those of a layer as it is now, from its emission lines."""
        for table in lines:
            for year in pc.unique(table["year"]).to_pylist():
                for pair, (emissions, activity) in _metered(table, year, n_features).items():
                    self.restated(layer, year, pair, np.arange(n_features), emissions, activity)

    def restated(
        self, layer: str, year: int, pair: Pair, features: IntArray, emissions: FloatArray, activity: FloatArray
    ) -> FloatArray:
        """(features,) tCO2e of some features' activity by the factors known; those not yet known are from now on.

        Args:
            layer: of the features.
            year: of the activity.
            pair: carrier and basis.
            features: (features,) numbers, each once.
            emissions: (features,) tCO2e.
            activity: (features,) in the unit that it was read in; another unit now is a ratio that all readings share.
        """
        own = np.divide(
            emissions, activity, out=np.full(len(features), np.nan), where=(activity != 0) & (emissions != 0)
        )
        before = self._known.get((layer, year, pair), np.zeros(0))
        known = np.full(max(len(before), int(features.max(initial=-1)) + 1), np.nan)
        known[: len(before)] = before
        is_new = np.isnan(known[features])
        known[features[is_new]] = own[is_new]
        self._known[layer, year, pair] = known
        return np.where(np.isfinite(own), activity * known[features], emissions)


def read_told(
    edition: Edition, sector: str, year: int, numbers: Callable[[str], dict[str, int]], factors: LatestFactors
) -> EarlierSums | None:
    """What an edition has told of a sector in a year; None if it tells nothing of it.

    Args:
        edition: with its private tables.
        sector: of closed layers.
        year: of the activity.
        numbers: of a layer, id -> number of a feature; features that are not in it are added.
        factors: of the features as far as known; those of features that are gone are added.

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
    metered: list[dict[Pair, tuple[FloatArray, FloatArray]]] = []
    rows = np.zeros(len(told), dtype=np.int64)
    first = 0
    for layer in sorted(layer.id for layer in edition.manifest.layers if layer.sector == sector and not layer.open):
        ids = PrivateTable(private / f"features-{layer}.parquet").whole(["id"])["id"].to_pylist()
        amounts = _metered(PrivateTable(private / f"lines-{layer}.parquet").whole(_NEEDED), year, len(ids))
        read = np.sum([np.abs(each) for each, _ in amounts.values()], axis=0) if amounts else np.zeros(len(ids))
        some = np.flatnonzero(read)
        known = numbers(layer)
        chosen[layer] = np.array([known.setdefault(ids[k], len(known)) for k in some], dtype=np.int64)
        metered.append({
            pair: (each[some], factors.restated(layer, year, pair, chosen[layer], each[some], activity[some]))
            for pair, (each, activity) in amounts.items()
        })  # fmt: skip
        place = np.full(len(ids), -1, dtype=np.int64)
        place[some] = first + np.arange(some.size)
        mine = in_layer == layer
        rows[mine] = place[told["feature"].to_numpy()[mine]]
        first += some.size
    pairs = tuple(sorted(set().union(*metered))) if metered else ()
    both = np.zeros((2, first, len(pairs)))
    start = 0
    for told_amounts, some in zip(metered, chosen.values(), strict=True):
        for column, pair in enumerate(pairs):
            if pair in told_amounts:
                both[:, start : start + len(some), column] = told_amounts[pair]
        start += len(some)
    kept = rows >= 0
    if not kept.any():
        return None
    place_of = told["sum"].to_numpy()[kept].astype(np.int64), rows[kept]
    shape = int(np.max(place_of[0], initial=-1)) + 1, first
    rows_told = csr_array((told["share"].to_numpy()[kept], place_of), shape)
    return EarlierSums(edition.id, chosen, both[0], pairs, rows_told, both[1])


def _metered(lines: pa.Table, year: int, n_features: int) -> dict[Pair, tuple[FloatArray, FloatArray]]:
    """Pair -> (features,) metered tCO2e, and the activity behind it."""
    wanted = pc.and_(pc.equal(lines["year"], year), pc.equal(lines["method"].cast(pa.string()), METHODS[METERED]))
    frame = lines.select(_NEEDED).filter(wanted).to_pandas()
    found: dict[Pair, tuple[FloatArray, FloatArray]] = {}
    for (carrier, basis), some in frame.groupby(["carrier", "basis"], observed=True, sort=True):
        amounts = (some["emissions_tco2e"], some["activity"].fillna(0.0))
        told, activity = (np.bincount(some["feature"], each, minlength=n_features) for each in amounts)
        found[str(carrier), str(basis)] = told.astype(np.float64), activity.astype(np.float64)
    return found
