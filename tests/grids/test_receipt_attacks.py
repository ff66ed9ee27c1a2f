"""Public receipts against whoever looks for single meters in them, with all tables and all receipts at hand."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import receipt_town
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import grids.large_targets
import grids.public_receipts
from grids.edition import CollectionInfo, Edition, Store

COARSE = receipt_town.COARSE
EXAMPLE = receipt_town.EXAMPLE
FINE = receipt_town.FINE
PAIRS = receipt_town.PAIRS
PATIENT = receipt_town.PATIENT
YEARS = receipt_town.YEARS
ZONES = receipt_town.ZONES
Town = receipt_town.Town
buildings = receipt_town.buildings
cells = receipt_town.cells
every_receipt = receipt_town.every_receipt
frame = receipt_town.frame
line = receipt_town.line
model = receipt_town.model
publish = receipt_town.publish
rows_of = receipt_town.rows_of
towns = receipt_town.towns


# --- against whoever looks for single meters --------------------------------------------------------------------------


def with_other_meters(edition: Edition, how: str) -> None:
    """Change every closed meter in the private tables, and nothing that is published."""
    for path in [edition.folder / "private" / "lines-stock.parquet", *edition.folder.glob("private/sums-stock-*")]:
        table = pq.read_table(path)
        metered = np.array([word == "metered" for word in table["method"].to_pylist()], dtype=bool)
        if how == "gone":
            table = table.filter(pa.array(~metered))
        else:
            for name in ("activity", "emissions_tco2e"):
                values = table[name].to_numpy().copy()
                values[metered] *= np.linspace(0.1, 50, metered.sum())
                table = table.set_column(table.column_names.index(name), name, pa.array(values))
        pq.write_table(table, path, row_group_size=1000)


def guard_independence(quarter: Town, folder: Path, how: str) -> None:
    """Receipts stay as they are to the last bit when closed meters change and tables do not."""
    edition = publish(quarter, folder)
    before = [found for *_, found in every_receipt(edition)]
    with_other_meters(edition, how)
    assert [found for *_, found in every_receipt(Store(folder).open("town"))] == before


@pytest.mark.parametrize("how", ["others", "gone"])
@pytest.mark.parametrize("large", [4096, 2])
def test_receipts_know_no_closed_meter(tmp_path, monkeypatch, how, large):
    monkeypatch.setattr(grids.large_targets, "LARGE", large)
    guard_independence(EXAMPLE, tmp_path / "store", how)


@settings(PATIENT, max_examples=4)
@given(towns(), st.sampled_from(["others", "gone"]))
def test_no_town_s_receipts_know_a_closed_meter(tmp_path_factory, quarter, how):
    guard_independence(quarter, tmp_path_factory.mktemp("store"), how)


@pytest.mark.parametrize("large", [4096, 2])
def test_without_the_rule_receipts_would_know_them(tmp_path, monkeypatch, large):
    monkeypatch.setattr(grids.large_targets, "LARGE", large)
    monkeypatch.setattr(grids.public_receipts, "may_be_told", lambda layer, method: True)
    with pytest.raises(AssertionError):
        guard_independence(EXAMPLE, tmp_path / "store", "others")


@settings(PATIENT, max_examples=10)
@given(towns(), st.integers(0, 2**32 - 1))
def test_what_is_held_depends_on_nothing_that_is_told(quarter, seed):
    """Disclosure control reckons with readers who know all lines but closed meters: it does not look at those."""
    rng = np.random.default_rng(seed)
    stock = [
        one if one["method"] == "metered" else one | {"emissions_tco2e": float(rng.exponential(30))}
        for one in quarter.stock
    ]
    stock += [model(0, 11, carrier="oil", factor_id="oil")]
    plants = [one | {"emissions_tco2e": float(rng.exponential(30))} for one in quarter.plants]
    other = replace(quarter, stock=stock, plants=plants)
    for year in YEARS:
        for one, changed in zip(quarter.protections(year).values(), other.protections(year).values(), strict=True):
            assert one.held.tolist() == changed.held.tolist()
            for state, again in zip(one.states.values(), changed.states.values(), strict=True):
                assert state.mode == again.mode
                by_pair = dict(zip(again.part.pairs, again.published.T, strict=True))
                for pair, column in zip(state.part.pairs, state.published.T, strict=True):
                    assert column.tolist() == by_pair[pair].tolist()


Meter = tuple[int, int, tuple[str, str]]


class Attacker:
    """Someone who knows where closed features lie, which are metered, and every line that is no closed meter.

    He writes down whatever follows for the meters from tables and receipts, all collections and years together, as
    equations, and asks how small and how large each meter can be.
    """

    def __init__(self, quarter: Town) -> None:
        table = frame(quarter.stock)
        table = table[table["method"] == "metered"]
        self.meters: list[Meter] = [(int(r.feature), int(r.year), (r.carrier, r.basis)) for r in table.itertuples()]
        self.factor = {meter: r.factor_id for meter, r in zip(self.meters, table.itertuples(), strict=True)}
        self.true = table["emissions_tco2e"].to_numpy()
        self.quarter = quarter
        self.rows: list[np.ndarray] = []
        self.sums: list[float] = []

    def knows(
        self, shares: np.ndarray, year: int, pairs: set[tuple[str, str]], amount: float, factor: str = ""
    ) -> None:
        """The meters of a year and some carriers, by these shares, are so much together."""
        self.rows.append(
            np.array(
                [
                    float(of == year and pair in pairs and factor in ("", self.factor[feature, of, pair]))
                    * shares[feature]
                    for feature, of, pair in self.meters
                ]
            )
        )
        self.sums.append(amount)

    def bounds(self, weights: np.ndarray) -> tuple[float, float]:
        """How small and how large a weighted sum of meters can be."""
        found = []
        links, most = self._links()
        for sign in (1, -1):
            answer = linprog(
                sign * weights, A_ub=links, b_ub=most, A_eq=np.array(self.rows), b_eq=self.sums, bounds=(0, 1e4)
            )
            assert answer.status == 0, answer.message
            found.append(sign * answer.fun)
        return found[0], found[1]

    def _links(self) -> tuple[np.ndarray, np.ndarray]:
        """A meter read in both years changed by a fifth at most."""
        place = {meter: k for k, meter in enumerate(self.meters)}
        rows = [np.zeros(len(self.meters))]
        for (feature, year, pair), k in place.items():
            later = place.get((feature, year + 1, pair))
            if later is not None:
                for one, other in ((k, later), (later, k)):
                    row = np.zeros(len(self.meters))
                    row[one], row[other] = 1, -1.2
                    rows.append(row)
        return np.array(rows), np.zeros(len(rows))


def read_tables(attacker: Attacker, edition: Edition) -> None:
    """Public sums less what is no closed meter: shown targets, and groups of held ones whose sum is the truth."""
    quarter = attacker.quarter
    for info in (COARSE, FINE, ZONES):
        shares = quarter.on(info, quarter.shares)
        for year in YEARS:
            told = known_lines(quarter, info, year)
            rows = rows_of(edition, info.id, year)
            parts: list[dict[tuple[str, str], float] | None] = []
            for position, row in enumerate(rows):
                columns = {pair: row.get(f"buildings_{'_'.join(pair)}_tco2e") for pair in PAIRS}
                if row["buildings_tco2e"] is None:
                    parts.append(None)
                    continue
                here = {pair: value - told[pair][position] for pair, value in columns.items() if value is not None}
                parts.append(here)
                if not row["held"]:
                    for pair, amount in here.items():
                        attacker.knows(shares[position], year, {pair}, amount)
                    rest = row["buildings_tco2e"] - sum(told[pair][position] for pair in PAIRS)
                    attacker.knows(shares[position], year, set(PAIRS), rest)
            held = [k for k, row in enumerate(rows) if row["held"] and parts[k] is not None]
            for size in (2, 3, 4):
                for some in combinations(held, size):
                    together = shares[list(some)].sum(axis=0)
                    amounts = {pair: sum(parts[k][pair] for k in some) for pair in parts[some[0]] or {}}  # type: ignore[index]
                    if all(abs(true_sum(attacker, together, year, p) - v) < 1e-9 for p, v in amounts.items()):
                        for pair, amount in amounts.items():
                            attacker.knows(together, year, {pair}, amount)


def true_sum(attacker: Attacker, shares: np.ndarray, year: int, pair: tuple[str, str]) -> float:
    return sum(
        shares[feature] * value
        for (feature, of, carrier), value in zip(attacker.meters, attacker.true, strict=True)
        if of == year and carrier == pair
    )


def known_lines(quarter: Town, info: CollectionInfo, year: int) -> dict[tuple[str, str], np.ndarray]:
    """Carrier -> (targets,) what is no closed meter."""
    found = {pair: np.zeros(len(quarter.on(info, quarter.shares))) for pair in PAIRS}
    for lines, shares in ((quarter.stock, quarter.shares), (quarter.plants, quarter.plant_shares)):
        for one in lines:
            if one["year"] == year and (lines is quarter.plants or one["method"] != "metered"):
                column = quarter.on(info, shares)[:, one["feature"]]
                found[one["carrier"], one["basis"]] += column * one["emissions_tco2e"]
    return found


def read_receipts(attacker: Attacker, edition: Edition) -> None:
    """All that receipts say of closed meters: their sums where nothing is held, and every part told of them."""
    quarter = attacker.quarter
    on = {info.id: quarter.on(info, quarter.shares) for info in (COARSE, FINE, ZONES)}
    for name, year, position, _, found in every_receipt(edition):
        for carrier in buildings(found).carriers:
            told = [part for part in carrier.parts if not part.open and part.method == "metered"]
            if not found.held and carrier.closed_tco2e is not None:
                together = carrier.closed_tco2e + sum(part.tco2e for part in told)
                attacker.knows(on[name][position], year, {carrier.pair}, together)
            for part in told:
                attacker.knows(on[name][position], year, {carrier.pair}, part.tco2e, *part.factors)


def guard_attack(quarter: Town, folder: Path) -> int:
    """No meter, nor all meters of a feature and year, is known more closely with receipts than without; how many."""
    edition = publish(quarter, folder)
    by_tables = Attacker(quarter)
    if not by_tables.meters:
        return 0
    read_tables(by_tables, edition)
    by_both = Attacker(quarter)
    by_both.rows, by_both.sums = list(by_tables.rows), list(by_tables.sums)
    read_receipts(by_both, edition)
    if not by_tables.rows:
        return 0
    asked = 0
    for feature, year in sorted({meter[:2] for meter in by_tables.meters}):
        weights = np.array([float(meter[:2] == (feature, year)) for meter in by_tables.meters])
        least, most = by_tables.bounds(weights)
        with_least, with_most = by_both.bounds(weights)
        scale = 1e-5 * (1 + abs(most))
        assert with_least <= least + scale, f"feature {feature} in {year} is at least {with_least}, not {least}"
        assert with_most >= most - scale, f"feature {feature} in {year} is at most {with_most}, not {most}"
        asked += 1
    return asked


def test_receipts_do_not_help_an_attacker_in_the_example(tmp_path):
    assert guard_attack(EXAMPLE, tmp_path / "store") == 9


@pytest.mark.slow
@settings(PATIENT, max_examples=5)
@given(towns())
def test_receipts_do_not_help_an_attacker(tmp_path_factory, quarter):
    guard_attack(quarter, tmp_path_factory.mktemp("store"))


def test_without_the_rule_the_attacker_succeeds(tmp_path, monkeypatch):
    monkeypatch.setattr(grids.public_receipts, "may_be_told", lambda layer, method: True)
    with pytest.raises(AssertionError, match=r"feature \d+ in 2023 is at (least|most)"):
        guard_attack(EXAMPLE, tmp_path / "store")


def test_closed_meters_told_by_factor_would_help_the_attacker_where_nothing_is_held(tmp_path, monkeypatch):
    """One of four gas meters counts in cubic metres: a part of its own would be its reading."""
    lines = [line(k, 10 + k, year=year) for k in range(1, 4) for year in YEARS]
    quarter = Town([*lines, *(line(0, 12, factor_id="gas_volume", year=year) for year in YEARS)], cells(0, 0, 0, 0))
    assert not any(row["held"] for *_, row, _ in every_receipt(publish(quarter, tmp_path / "shown")))
    assert guard_attack(quarter, tmp_path / "store") == 8
    monkeypatch.setattr(grids.public_receipts, "may_be_told", lambda layer, method: True)
    with pytest.raises(AssertionError, match=r"feature 0 in 2023 is at (least|most) 12"):
        guard_attack(quarter, tmp_path / "open")


def test_no_id_of_a_feature_is_told(tmp_path):
    for *_, found in every_receipt(publish(EXAMPLE, tmp_path / "store")):
        assert "canary" not in repr(found)
