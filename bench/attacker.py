"""What all public outputs of some editions say of closed meters: linear equations over what single buildings emit.

The attacker knows where every building stands, which are metered, what a model says of each (floor areas are public),
every line that is no closed meter (receipts tell them), and the rule by which values are held. He does not know the
meters. Nothing here calls what decides on holding (`grids.protection` and below): the equations come from the tables.

A target that is shown says: the sum over buildings of share times emissions is the published value less all known
lines. Held siblings of one group show their group's sum by the weights; they give themselves away by the same ratio of
value to weight, and added up they say one equation. Sums over drawn polygons, statistics, tiles and exports are made
of cells, and receipts of these tables and known lines: they say nothing that does not follow.

Two editions share their unknowns: a meter that reads the same in both is one unknown. Whoever compares them mostly
sees which buildings changed, so that he is taken to know it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack

from grids.edition import Edition
from grids.private_tables import private_name

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Key = tuple[str, str]
"""Layer and id of a feature."""

_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Equations:
    """What is known of the closed meters of one sector, year and carrier (or of the withheld carriers together).

    Attributes:
        what: sector, year and carriers, for people.
        keys: (unknowns,) whose meter it is; one that reads otherwise in two editions comes twice.
        rows: (equations, unknowns) share of each in a sum that is known.
        true: (unknowns,) tCO2e: what the sums are made of, and what a bound is measured against.
    """

    what: str
    keys: list[Key]
    rows: csr_array
    true: FloatArray


@dataclass(frozen=True, eq=False)
class _Sight:
    """One sector and year of one edition: true amounts by label of carriers, and which sums are told."""

    keys: list[Key]
    amounts: dict[str, FloatArray]
    rows: csr_array


class UntrueEquation(Exception):
    """A shown value is not what its buildings add up to: the attacker has misread the tables."""


def equations_of(editions: Sequence[Edition]) -> Iterator[Equations]:
    """Equations of every sector with closed meters, year and carrier, from all public tables of some editions.

    Args:
        editions: of one region.

    Raises:
        UntrueEquation: what was read from the tables is not true; nothing may be concluded from it.
    """
    closed = sorted({layer.sector for edition in editions for layer in edition.manifest.layers if not layer.open})
    years = sorted({year for edition in editions for year in edition.region.years})
    for sector in closed:
        for year in years:
            seen = [_sight(edition, sector, year) for edition in editions if year in edition.region.years]
            for label in sorted({label for each in seen for label in each.amounts}):
                found = _joined(f"{sector} {year} {label}", [each for each in seen if label in each.amounts], label)
                if len(found.true):  # a carrier without meters tells of none
                    yield found


def _joined(what: str, seen: Sequence[_Sight], label: str) -> Equations:
    """One system of several editions; what reads the same in two of them is one unknown."""
    place: dict[tuple[Key, float], int] = {}
    blocks = []
    for each in seen:
        amounts = each.amounts[label]
        some = np.flatnonzero(amounts)
        unknown = [place.setdefault((each.keys[k], float(amounts[k])), len(place)) for k in some]
        entries = each.rows[:, some].tocoo()
        columns = np.array(unknown, dtype=np.int64)[entries.coords[1]]
        blocks.append((entries.data, entries.coords[0], columns, entries.shape[0]))
    rows = [csr_array((data, (row, column)), shape=(n, len(place))) for data, row, column, n in blocks]
    true = np.array([amount for _, amount in place], dtype=np.float64)
    return Equations(what, [key for key, _ in place], csr_array(vstack(rows, format="csr")), true)


class _Layer:
    """One layer of a sector as the attacker has it: ids, known lines, and (to check him) its closed meters."""

    def __init__(self, edition: Edition, layer: str, is_open: bool, year: int) -> None:
        self.name = layer
        self._edition = edition
        features = pq.read_table(edition.private("features", layer))
        self.ids: list[str] = features["id"].to_pylist()
        lines = pq.read_table(edition.private("lines", layer)).to_pandas()
        lines = lines[lines["year"] == year]
        secret = (lines["method"] == "metered").to_numpy() & (not is_open)
        self.pairs = sorted({(str(c), str(b)) for c, b in zip(lines["carrier"], lines["basis"], strict=True)})
        self.known = self._by_pair(lines[~secret])
        self.secret = self._by_pair(lines[secret])
        names = sorted(name for name in features.column_names if name.startswith("modelled_tco2e_"))
        self.weights = np.ones(len(self.ids))
        for name in (*names[-1:], "floor_area_m2"):
            if name in features.column_names:
                values = np.abs(features[name].to_pandas().to_numpy(dtype=np.float64, na_value=np.nan))
                some = np.isfinite(values) & (values > 0)
                if some.any():
                    self.weights = np.where(some, values, values[some].mean())
                    break

    def _by_pair(self, lines: pd.DataFrame) -> dict[tuple[str, str], FloatArray]:
        found = {}
        for pair in self.pairs:
            of = lines[(lines["carrier"] == pair[0]) & (lines["basis"] == pair[1])]
            sums = np.bincount(of["feature"], of["emissions_tco2e"], minlength=len(self.ids))
            found[pair] = sums.astype(np.float64)
        return found

    def shares(self, collection: str, n_targets: int) -> csr_array:
        """(targets, features): geometry, which anybody can measure."""
        table = pq.read_table(self._edition.private("shares", private_name(self.name, collection)))
        place = table["target"].to_numpy(), table["feature"].to_numpy()
        return csr_array((table["share"].to_numpy(), place), shape=(n_targets, len(self.ids)))


def _sight(edition: Edition, sector: str, year: int) -> _Sight:
    found = [layer for layer in edition.manifest.layers if layer.sector == sector]
    layers = [_Layer(edition, layer.id, layer.open, year) for layer in found]
    pairs = sorted({pair for layer in layers for pair in layer.pairs})
    chosen = [
        np.flatnonzero(sum((np.abs(each) for each in layer.secret.values()), np.zeros(len(layer.ids))))
        for layer in layers
    ]
    keys = [(layer.name, layer.ids[k]) for layer, some in zip(layers, chosen, strict=True) for k in some]
    weights = np.concatenate([layer.weights[some] for layer, some in zip(layers, chosen, strict=True)])
    secret = {
        pair: np.concatenate(
            [layer.secret.get(pair, np.zeros(len(layer.ids)))[some] for layer, some in zip(layers, chosen, strict=True)]
        )
        for pair in pairs
    }
    rows, amounts = [csr_array((0, len(keys)))], dict[str, FloatArray]()
    if not keys:
        return _Sight(keys, amounts, rows[0])
    for collection in edition.collections:
        public = edition.table(collection, year).to_pandas()
        ids = _targets(edition, collection, public)
        public = public.set_index("id").reindex(ids)
        shares = [layer.shares(collection, len(ids)) for layer in layers]
        mine = csr_array(hstack([each[:, some] for each, some in zip(shares, chosen, strict=True)], format="csr"))
        known = {pair: np.zeros(len(ids)) for pair in pairs}
        for each, layer in zip(shares, layers, strict=True):
            for pair, lines in layer.known.items():
                known[pair] += each @ lines
        values, amounts = _less_known(public, sector, known, secret)
        rows += _told(collection, public, sector, mine, weights, values, amounts)
    return _Sight(keys, amounts, csr_array(vstack(rows, format="csr")))


def _targets(edition: Edition, collection: str, public: pd.DataFrame) -> list[str]:
    """Ids of targets in the order of shares: cells stand so in their table, zones do not."""
    if edition.collection(collection).kind == "grid":
        return list(public["id"])
    ids: list[str] = pq.read_table(edition.folder / "private" / f"targets-{collection}.parquet")["id"].to_pylist()
    return ids


def _less_known(
    public: pd.DataFrame,
    sector: str,
    known: dict[tuple[str, str], FloatArray],
    secret: dict[tuple[str, str], FloatArray],
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """By label: (targets,) published less known lines, and (features,) the meters behind; withheld carriers as one."""
    total = public[f"{sector}_tco2e"].to_numpy(dtype=np.float64)
    columns = {pair: f"{sector}_{pair[0]}_{pair[1]}_tco2e" for pair in known}
    hidden = [pair for pair, name in columns.items() if name not in public or public[name].isna().all()]
    values, amounts = {}, {}
    rest, of_rest = total.copy(), np.zeros(len(next(iter(secret.values()))))
    for pair, name in columns.items():
        if pair in hidden:
            rest, of_rest = rest - known[pair], of_rest + secret[pair]
        else:
            shown = public[name].to_numpy(dtype=np.float64)
            values["_".join(pair)], amounts["_".join(pair)] = shown - known[pair], secret[pair]
            rest = rest - shown
    if hidden:
        label = "+".join("_".join(pair) for pair in hidden)
        values[label], amounts[label] = rest, of_rest
    return values, amounts


def _told(
    collection: str,
    public: pd.DataFrame,
    sector: str,
    shares: csr_array,
    weights: FloatArray,
    values: dict[str, FloatArray],
    amounts: dict[str, FloatArray],
) -> list[csr_array]:
    """Rows of equations: shown targets one by one, groups of held ones, and the whole collection."""
    total = public[f"{sector}_tco2e"].to_numpy(dtype=np.float64)
    some = (np.diff(shares.indptr) > 0) & np.isfinite(total)
    held = public["held"].fillna(True).to_numpy(dtype=bool)
    scale = _SAME * (1.0 + np.abs(np.nan_to_num(total)))

    def misses(rows: csr_array, chosen: csr_array) -> FloatArray:
        found = np.zeros(rows.shape[0])
        for label, value in values.items():
            off = np.abs(chosen @ np.nan_to_num(value) - rows @ amounts[label])
            found = np.maximum(found, off)
        return found

    # The flag is of all sectors: where another sector is held, this one may be shown; who tries, sees.
    alone = _choice(np.flatnonzero(some), len(total))
    missed = misses(csr_array(alone @ shares), alone) > (alone @ scale)
    wrong = np.flatnonzero(missed & ~held[some])
    if wrong.size:
        name = public.index[np.flatnonzero(some)[wrong[0]]]
        raise UntrueEquation(
            f"{collection} {name}: the published {sector} is not the sum of its buildings and known lines"
        )
    shown = np.flatnonzero(some)[~missed & ~held[some]]
    rows = [csr_array(shares[shown])]
    whole = csr_array(np.ones((1, len(total))) * some)
    groups = [
        whole,
        *_alike(np.flatnonzero(some & held), np.sum(list(values.values()), axis=0), shares @ weights, len(total)),
    ]
    for group in groups:
        row = csr_array(group @ shares)
        if misses(row, group)[0] <= (group @ scale)[0]:
            rows.append(row)
    return rows


def _alike(held: NDArray[np.int64], values: FloatArray, weights: FloatArray, n_targets: int) -> Iterator[csr_array]:
    """Held targets whose values are the same multiple of their weights: each such set may be a group."""
    ratio = values[held] / np.where(weights[held] > 0, weights[held], 1.0)
    order = held[np.argsort(ratio, kind="stable")]
    ratio = np.sort(ratio)
    cuts = np.flatnonzero(np.diff(ratio) > 1e-7 * np.abs(ratio[1:])) + 1
    for some in np.split(order, cuts):
        if some.size > 1:
            row = np.zeros((1, n_targets))
            row[0, some] = 1.0
            yield csr_array(row)


def _choice(places: NDArray[np.int64], n: int) -> csr_array:
    return csr_array((np.ones(len(places)), (np.arange(len(places)), places)), shape=(len(places), n))
