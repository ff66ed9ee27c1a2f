"""Two editions beside each other: what a meter is to who has both, and a town whose change tells of none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import receipt_town
from scipy.sparse import csr_array

from accounting.units import in_base
from bench.attacker import equations_of
from bench.disclosing import span_row
from grids.earlier import Beside, ChangeTold, EarlierSums, had_meters
from grids.earlier_tables import LatestFactors
from grids.edition import Edition
from grids.grouping import Rule

Town = receipt_town.Town
line = receipt_town.line
publish = receipt_town.publish

GAS, POWER = ("gas", "direct"), ("electricity", "indirect")
AUDITED = Rule(3, 20, audit=True)


def earlier(numbers: list[int], gas: list[float], power: list[float] | None = None, *rows: list[float]) -> EarlierSums:
    emissions = np.column_stack([gas, np.zeros(len(gas)) if power is None else power])
    told = csr_array(np.array(rows or [[1.0] * len(gas)]))
    return EarlierSums("0" * 16, {"stock": np.array(numbers)}, emissions, (GAS, POWER), told)


def beside(values: list[list[float]], *before: EarlierSums) -> Beside:
    chosen = {"stock": np.arange(len(values))}
    return Beside.of(chosen, np.array(values, dtype=float), [[GAS], [POWER]], before)


def test_a_feature_whose_gas_has_changed_is_its_power_its_gas_before_and_its_gas_now():
    """Feature 0 burns 3 t instead of 5 t and uses the same power; 1 reads the same; 2 is new, 9 is gone."""
    found = beside([[3, 1], [4, 0], [7, 0]], earlier([0, 1, 9], [5, 4, 6], [1, 0, 0], [1, 1, 0.5]))
    rows = [tuple(row) for row in np.column_stack([found.now, found.place, found.tested[:, 1:]]).tolist()]
    assert sorted(rows) == [
        (-1, -1, 6, 0),  # gone
        (-1, 0, 5, 0),  # before
        (0, 0, 0, 1),
        (0, 0, 3, 0),
        (1, 1, 4, 0),
        (2, 2, 7, 0),
    ]
    assert found.changes.tolist() == [[2, 0], [0, 0], [7, 0]]
    told = found.rows[0].toarray()[0]
    assert dict(zip(rows, told.tolist(), strict=True)) == {
        (-1, -1, 6, 0): 0.5, (-1, 0, 5, 0): 1, (0, 0, 0, 1): 1, (0, 0, 3, 0): 0, (1, 1, 4, 0): 1, (2, 2, 7, 0): 0,
    }  # fmt: skip
    mine = {number for number in found.owner if (found.owner == number).sum() > 1}
    assert len(mine) == 1, "one feature stands behind several unknowns"


def test_a_factor_that_is_another_one_changes_no_reading():
    now = [[k * 0.41, 0] for k in (5, 6, 7, 8)]
    assert not beside(now, earlier([0, 1, 2, 3], [k * 0.45 for k in (5, 6, 7, 8)])).changes.any()
    one = beside([*now[:3], [1.0, 0]], earlier([0, 1, 2, 3], [k * 0.45 for k in (5, 6, 7, 8)])).changes
    assert np.flatnonzero(one[:, 0]).tolist() == [3]


def test_two_readings_that_changed_by_one_ratio_have_changed():
    assert (beside([[3, 0], [6, 0]], earlier([0, 1], [1, 2])).changes[:, 0] > 0).all()


def test_three_editions_know_an_old_reading_again():
    """5 t, then 4 t, then 5 t again: two unknowns, and the first and third edition tell of the same."""
    found = beside([[5, 0], [1, 0]], earlier([0, 1], [5, 1]), earlier([0, 1], [4, 1]))
    at = np.flatnonzero((found.place == 0) & (found.tested[:, 1] == 5))
    assert at.size == 1
    assert found.now[at[0]] == 0
    assert [float(rows.toarray()[0, at[0]]) for rows in found.rows] == [1, 0]


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        ([5, 6, 7, 8], [5, 6, 7, 8], False),
        ([5, 6, 7, 9], [5, 6, 7, 8], True),
        ([5, 6, 8, 9], [5, 6, 7, 8], True),
        ([5, 7, 8.1, 9.2], [5, 6, 7, 8], False),
        ([5, 6.1, 7.1, 90], [5, 6, 7, 8], True),  # one dominates
    ],
)
def test_the_batch_rule_by_hand(now, before, told):
    found, sums = beside([[value, 0] for value in now], known := earlier([0, 1, 2, 3], before)), [known]
    if not told:
        found.refuse_if_told(np.ones(4), sums, Rule(3, 20), "buildings 2024")
        return
    with pytest.raises(ChangeTold, match="buildings 2024: since edition 0000000000000000 the closed meters of"):
        found.refuse_if_told(np.ones(4), sums, Rule(3, 20), "buildings 2024")


def test_a_building_that_is_gone_counts_as_a_change():
    found = beside([[5, 0], [6, 0], [7, 0]], known := earlier([0, 1, 2, 8], [5, 6, 7, 9]))
    with pytest.raises(ChangeTold, match="1 features"):
        found.refuse_if_told(np.ones(3), [known], Rule(3, 20), "buildings 2024")


def test_who_had_a_meter_and_still_stands():
    assert had_meters([earlier([0, 9], [1, 1]), earlier([2, 0], [1, 1])], "stock", 5).tolist() == [0, 2]
    assert had_meters([], "stock", 5).tolist() == []


# A town of three or four meters in each of 16 cells.
AMOUNTS = 10 + np.random.default_rng(5).uniform(0, 10, 60).round(3)
PLACES = [k % 16 for k in range(60)]
CHANGED, NEW, VANISHED = (0, 5, 13, 22, 33), (7, 30, 44), (9, 28, 51)


def quarter(*without: int, factor: float = 1.0, **other) -> Town:
    stock = [
        line(k, AMOUNTS[k] * (factor + k / 1000 if k in CHANGED and factor != 1 else 1), year=year)
        for k in range(60)
        for year in receipt_town.YEARS
        if k not in without
    ]
    return Town(stock, receipt_town.cells(*PLACES), **{"rule": AUDITED, **other})


def narrowest(*editions: Edition) -> float:
    return min(span_row(equations, 200, 20)["narrowest"] for equations in equations_of(editions))


def test_two_editions_leave_every_meter_its_room_and_without_the_rule_they_do_not(tmp_path: Path):
    """Five meters read otherwise, three are new and three have vanished, one or two to a cell."""
    first = publish(quarter(*NEW), tmp_path / "first")
    later = quarter(*VANISHED, factor=1.4)
    alone = publish(later, tmp_path / "alone")
    together = publish(replace(later, before=first), tmp_path / "together")
    assert narrowest(first) >= 20 - 1e-6
    assert narrowest(alone) >= 20 - 1e-6
    assert narrowest(together) >= 20 - 1e-6
    assert narrowest(first, alone) < 1, "each by itself is safe, both are not: what the rule is for"
    assert narrowest(first, together) >= 20 - 1e-6


def test_totals_still_add_beside_an_earlier_edition(tmp_path: Path):
    first = publish(quarter(*NEW), tmp_path / "first")
    later = publish(quarter(*VANISHED, factor=1.4, before=first), tmp_path / "later")
    for year in receipt_town.YEARS:
        sums = [
            sum(row["buildings_tco2e"] for row in receipt_town.rows_of(later, name, year)) for name in later.collections
        ]
        assert sums == pytest.approx([sums[0]] * len(sums), rel=1e-12)


def test_an_edition_without_a_change_is_held_as_before(tmp_path: Path):
    first = publish(quarter(), tmp_path / "first")
    again = publish(quarter(before=first), tmp_path / "again")
    for name in first.collections:
        for year in receipt_town.YEARS:
            assert receipt_town.rows_of(again, name, year) == receipt_town.rows_of(first, name, year)


def test_one_corrected_meter_is_not_published(tmp_path: Path):
    first = publish(quarter(), tmp_path / "first")
    stock = [entry | {"emissions_tco2e": 99.0} if entry["feature"] == 3 else entry for entry in quarter().stock]
    with pytest.raises(ChangeTold, match="1 features have changed, come or gone"):
        replace(quarter(before=first), stock=stock).top(2023)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return publish(quarter(), tmp_path_factory.mktemp("first"))


def drawn(town: Town, shares: np.ndarray) -> Town:
    return replace(town, shares=shares)


def halved(*features: int) -> np.ndarray:
    shares = quarter().shares.copy()
    shares[:, list(features)] /= 2
    return shares


def test_twice_the_difference_of_two_totals_is_no_meter(first: Edition, tmp_path: Path):
    """A footprint that is drawn anew across the region's border: its reading is the same, its share is not."""
    alone = publish(drawn(quarter(), halved(3)), tmp_path / "alone")
    assert narrowest(alone) >= 20 - 1e-6
    assert narrowest(first, alone) < 1, "the attack: nothing but one share has changed"
    with pytest.raises(ChangeTold, match=r"1 features have changed, come or gone, or lie in the region by another"):
        drawn(quarter(before=first), halved(3)).top(2023)


def test_other_sums_of_two_totals_are_no_meter_either(first: Edition):
    """All shares but one are halved, so that many have changed; twice the new total less the old one is that one."""
    with pytest.raises(ChangeTold, match=r"with what 00000000000000aa told, may bind the closed meters of 1 features"):
        drawn(quarter(before=first), halved(*range(3), *range(4, 60))).top(2023)


def test_a_border_of_zones_drawn_anew_tells_of_no_meter_between_the_old_one_and_the_new(tmp_path: Path):
    """One meter a cell, so that fine cells are held; zones of every other cell, one of which changes its zone."""
    zone_of = np.arange(16) % 2
    moved = np.where(np.arange(16) == 5, 0, zone_of)
    sparse = quarter(*range(16, 60), zone_of=zone_of)
    first = publish(sparse, tmp_path / "first")
    alone = publish(replace(sparse, zone_of=moved), tmp_path / "alone")
    together = publish(replace(sparse, zone_of=moved, before=first), tmp_path / "together")
    assert narrowest(first) >= 20 - 1e-6
    assert narrowest(alone) >= 20 - 1e-6
    assert narrowest(first, alone) < 1, "west now, less west before, is one meter"
    assert narrowest(first, together) >= 20 - 1e-6


def test_a_footprint_drawn_anew_within_the_region_tells_nothing_of_its_meter(first: Edition, tmp_path: Path):
    shares = halved(3)
    shares[13, 3] += 0.5
    alone = publish(drawn(quarter(), shares), tmp_path / "alone")
    together = publish(drawn(quarter(before=first), shares), tmp_path / "together")
    assert narrowest(first, alone) < 1
    assert narrowest(first, together) >= 20 - 1e-6


def with_factors(town: Town, *features: int, ratio: float = 0.5) -> Town:
    """The same activity of some features by another factor."""
    stock = [
        entry | {"emissions_tco2e": entry["emissions_tco2e"] * (ratio if entry["feature"] in features else 1)}
        for entry in town.stock
    ]
    return replace(town, stock=stock)


def test_a_factor_of_one_place_hides_no_corrected_meter(first: Edition):
    """Four buildings of one cell have another factor, of which everybody knows; a fifth one reads otherwise."""
    later = with_factors(quarter(before=first), 0, 16, 32, 48)
    stock = [
        entry | ({"emissions_tco2e": 99.0, "activity": 990.0} if entry["feature"] == 3 else {}) for entry in later.stock
    ]
    with pytest.raises(ChangeTold, match="1 features have changed"):
        replace(later, stock=stock).top(2023)


@pytest.mark.parametrize(("per_unit", "ratio"), [(1e-3, 1.0), (1e-3, 0.5), (3.6e-3, 1.0)])
def test_a_unit_of_one_source_hides_no_corrected_meter(first: Edition, per_unit: float, ratio: float):
    """Eight buildings are read in MWh or GJ now, by the same factor or by another one; a ninth one reads otherwise."""
    unit = {"activity_unit": "MWh" if per_unit == 1e-3 else "GJ"}
    moved = range(0, 32, 4)
    later = with_factors(quarter(before=first), *moved, ratio=ratio)
    stock = [
        entry | ({"activity": entry["activity"] * per_unit, **unit} if entry["feature"] in moved else {})
        for entry in later.stock
    ]
    corrected = [
        entry | ({"emissions_tco2e": 99.0, "activity": 990.0} if entry["feature"] == 3 else {}) for entry in stock
    ]
    if ratio == 1.0:
        replace(later, stock=stock).top(2023)  # nothing has changed
    with pytest.raises(ChangeTold, match="1 features have changed"):
        replace(later, stock=corrected).top(2023)


def test_factors_of_many_parts_are_those_of_one():
    """A part of a large layer holds few of its features: the factors that it tells of are those alone."""
    lines = [line(k, 5.0 + k, activity=10.0 + k, year=year) for k in range(40) for year in receipt_town.YEARS]
    lines += [line(k, 1.0, activity=2.0, activity_unit="Nm3") for k in (3, 4)]
    whole, parts = LatestFactors(in_base), LatestFactors(in_base)
    whole.see("stock", [as_table(lines)], 40)
    parts.see("stock", [as_table([entry]) for entry in lines], 40)
    for year in receipt_town.YEARS:
        for pair, measured, read in whole.metered(as_table(lines), year):
            assert len(read.features) == (2 if measured == "gas volume" else 40)
            twice = replace(read, activity=2 * read.activity)
            of = [each.restated("stock", year, pair, measured, twice).tolist() for each in (whole, parts)]
            assert of[0] == of[1] == pytest.approx(2 * read.emissions)


def as_table(lines: list[dict]) -> pa.Table:
    return pa.Table.from_pandas(receipt_town.frame(lines), preserve_index=False)


def test_a_factor_of_one_meter_tells_what_it_reads(first: Edition):
    with pytest.raises(ChangeTold, match="1 features have changed"):
        with_factors(quarter(before=first), 3).top(2023)


def test_a_factor_of_all_changes_nothing_that_is_held(first: Edition, tmp_path: Path):
    later = publish(with_factors(quarter(before=first), *range(60)), tmp_path / "later")
    for name in first.collections:
        held = [[row["held"] for row in receipt_town.rows_of(of, name, 2023)] for of in (first, later)]
        assert held[0] == held[1]


def test_the_same_activity_is_one_unknown_that_stands_in_both_by_their_factors():
    then = earlier([0, 1, 2], [5, 6, 8])
    found = beside([[2.5, 0], [6, 0], [7, 0]], replace(then, restated=np.array([[2.5, 0], [6, 0], [8, 0]])))
    at = np.flatnonzero(found.place == 0)
    assert at.size == 1
    assert found.rows[0].toarray()[0, at[0]] == 2, "of 2.5 t now it told 5 t"
    assert (found.place == 2).sum() == 2


def test_any_number_of_editions_can_be_laid_beside_each_other():
    editions = [earlier([0, 1], [5 + k, 1]) for k in range(80)]
    found = beside([[5, 0], [1, 0]], *editions)
    assert len(found.rows) == 80
    assert (found.place == 0).sum() == 80
    assert (found.place == 1).sum() == 1
