"""The private table of what an edition has told of its private meters, which builds after it look at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from grids.columns import METHODS, Pair
from grids.earlier import EarlierSums
from grids.edition_tables import Edition
from grids.features import METERED, FloatArray, IntArray
from grids.private_tables import PrivateTable

_NEEDED = ["year", "feature", "carrier", "basis", "method", "activity", "activity_unit", "emissions_tco2e"]

Unit = Callable[[str], tuple[str, float]]


@dataclass(frozen=True, eq=False)
class Readings:
    """What meters of one carrier and basis have read in a year, measured by one thing.

    Attributes:
        features: (n,) numbers, each once.
        emissions: (n,) tCO2e.
        activity: (n,) in the base unit.
    """

    features: IntArray
    emissions: FloatArray
    activity: FloatArray

    @property
    def factors(self) -> FloatArray:
        """(n,) tCO2e per unit of activity; NaN where one of them is nothing."""
        both = (self.activity != 0) & (self.emissions != 0)
        found: FloatArray = np.full(len(self.features), np.nan)
        return np.divide(self.emissions, self.activity, out=found, where=both)

    def take(self, which: IntArray) -> "Readings":
        """Some of them."""
        return Readings(self.features[which], self.emissions[which], self.activity[which])


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
    of a carrier or of one place, is no reading that was. Nor is another unit, as long as it measures the same.
    """

    def __init__(self, unit: Unit) -> None:
        """Know none yet.

        Args:
            unit: of a unit, what it measures, and how many base units of that it is (`accounting.units.in_base`).
        """
        self._unit = unit
        self._known: dict[tuple[str, int, Pair, str], FloatArray] = {}

    def see(self, layer: str, lines: Iterable[pa.Table], n_features: int) -> None:
        """Learn those of a layer as it is now, from its emission lines."""
        for table in lines:
            for year in pc.unique(table["year"]).to_pylist():
                for pair, measured, read in self.metered(table, year):
                    self._learn((layer, year, pair, measured), read.features, read.factors, n_features)

    def metered(self, lines: pa.Table, year: int) -> list[tuple[Pair, str, Readings]]:
        """What is metered in a year, by carrier and basis and what the activity is measured by (energy, volume)."""
        wanted = pc.and_(pc.equal(lines["year"], year), pc.equal(lines["method"].cast(pa.string()), METHODS[METERED]))
        frame = lines.select(_NEEDED).filter(wanted).to_pandas()
        of_unit = {unit: self._unit(str(unit)) for unit in frame["activity_unit"].unique()}
        frame["measured"] = (
            frame["activity_unit"].astype(object).map({unit: name for unit, (name, _) in of_unit.items()})
        )
        frame["size"] = frame["activity_unit"].astype(object).map({unit: size for unit, (_, size) in of_unit.items()})
        frame["activity"] = frame["activity"].fillna(0.0) * frame["size"].astype(np.float64)
        found = []
        for (carrier, basis, measured), some in frame.groupby(
            ["carrier", "basis", "measured"], observed=True, sort=True
        ):
            features, of = np.unique(some["feature"].to_numpy(dtype=np.int64), return_inverse=True)
            emissions, activity = (
                np.bincount(of.reshape(-1), some[name], features.size).astype(np.float64)
                for name in ("emissions_tco2e", "activity")
            )
            found.append(((str(carrier), str(basis)), str(measured), Readings(features, emissions, activity)))
        return found

    def restated(self, layer: str, year: int, pair: Pair, measured: str, read: Readings) -> FloatArray:
        """(features,) tCO2e of readings by the factors known; those not yet known are from now on.

        Args:
            layer: of the features.
            year: of the activity.
            pair: carrier and basis.
            measured: by what the activity is.
            read: each feature once; their activity in the base unit of that.
        """
        own = read.factors
        known = self._learn((layer, year, pair, measured), read.features, own, int(read.features.max(initial=-1)) + 1)
        return np.where(np.isfinite(own), read.activity * known[read.features], read.emissions)

    def _learn(
        self, of: tuple[str, int, Pair, str], features: IntArray, own: FloatArray, n_features: int
    ) -> FloatArray:
        """(features so far,) factors, with those of some features that had none."""
        known = self._known.get(of, np.zeros(0))
        if len(known) < n_features:
            known = np.concatenate([known, np.full(n_features - len(known), np.nan)])
            self._known[of] = known
        is_new = np.isnan(known[features])
        known[features[is_new]] = own[is_new]
        return known


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
    metered: list[dict[Pair, FloatArray]] = []
    rows = np.zeros(len(told), dtype=np.int64)
    first = 0
    for layer in sorted(layer.id for layer in edition.manifest.layers if layer.sector == sector and not layer.open):
        ids = PrivateTable(private / f"features-{layer}.parquet").whole(["id"])["id"].to_pylist()
        found = factors.metered(PrivateTable(private / f"lines-{layer}.parquet").whole(_NEEDED), year)
        amounts = {pair: np.zeros((2, len(ids))) for pair, _, _ in found}
        for pair, _, read in found:
            amounts[pair][0, read.features] += read.emissions
        some = np.flatnonzero(np.sum([np.abs(each[0]) for each in amounts.values()] or [np.zeros(len(ids))], axis=0))
        known = numbers(layer)
        chosen[layer] = np.array([known.setdefault(ids[k], len(known)) for k in some], dtype=np.int64)
        place = np.full(len(ids), -1, dtype=np.int64)
        place[some] = np.arange(some.size)
        for pair, measured, read in found:
            here = read.take(np.flatnonzero(place[read.features] >= 0))
            now = replace(here, features=chosen[layer][place[here.features]])
            amounts[pair][1, here.features] += factors.restated(layer, year, pair, measured, now)
        metered.append({pair: each[:, some] for pair, each in amounts.items()})
        mine = in_layer == layer
        at = place[told["feature"].to_numpy()[mine]]
        rows[mine] = np.where(at >= 0, first + at, -1)
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
