"""What all sums tell together: witnesses by hand, against linear programs, and targets joined until nothing is told."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from grids.audit import joined_blocks, told_sums
from grids.exposure import Told, exposed
from grids.grouping import Rule

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
RULE = Rule(3, 20)


def whole(*targets: int) -> np.ndarray:
    """Shares of features that each lie whole in one target."""
    shares = np.zeros((max(targets) + 1, len(targets)))
    shares[list(targets), range(len(targets))] = 1.0
    return shares


def audit(values, *collections, rule: Rule = RULE) -> list[int]:
    """Features that are exposed by some collections, all of whose targets are shown."""
    told = Told.nothing(len(values)).and_also(*map(csr_array, collections))
    found = exposed(told, np.asarray(values, dtype=float)[:, None], rule)
    return np.flatnonzero(found).tolist()


def room(values: np.ndarray, rows: np.ndarray, feature: int, owner: int) -> float:
    """How far a value can be off, at least, as a fraction of it, for who knows all sums and the owner's value."""
    bounds = [(0.0, None)] * len(values)
    bounds[owner] = (values[owner], values[owner])
    wide = []
    for sign in (1.0, -1.0):
        answer = linprog(sign * (np.arange(len(values)) == feature), A_eq=rows, b_eq=rows @ values, bounds=bounds)
        assert answer.status in (0, 3)
        wide.append(np.inf if answer.status == 3 else sign * (values[feature] - sign * answer.fun))
    return min(wide) / values[feature]


def test_three_alike_are_safe_and_two_are_not():
    assert audit([5, 5, 5], whole(0, 0, 0)) == []
    assert audit([5, 5], whole(0, 0)) == [0, 1]
    assert audit([5], whole(0)) == [0]


def test_a_large_one_needs_others_of_a_fifth_of_it_beside_the_next():
    assert audit([100, 50, 20], whole(0, 0, 0)) == []
    assert audit([100, 50, 19], whole(0, 0, 0)) == [0]
    assert audit([100, 50, 19], whole(0, 0, 0), rule=Rule(3, 10)) == []


def test_a_zone_less_two_cells_leaves_one_building():
    """No single difference is small; the zone less both of its whole cells is the seventh building."""
    cells, zones = whole(0, 0, 0, 1, 1, 1, 2, 2, 2, 2), whole(0, 0, 0, 0, 0, 0, 0, 1, 1, 1)
    values = [5, 6, 7, 5, 6, 7, 9, 5, 6, 7]
    assert audit(values, cells) == []
    assert audit(values, zones) == []
    assert audit(values, cells, zones) == [6]


def test_a_building_cut_by_a_border_is_made_up_for_on_both_sides():
    shares = np.hstack([whole(0, 0, 0, 1, 1, 1), [[0.4], [0.6]]])
    assert audit([5, 6, 7, 5, 6, 7, 8], shares) == []
    assert audit([5, 6, 7, 5, 0.1, 0.1, 8], shares) == [3, 6], "on one side, only its largest neighbour could"


def test_cut_by_borders_of_two_collections():
    """Cells and zones cut the ninth building; a building for each corner of both makes up for it, with one to spare."""
    corners = [(a, b) for a in (0, 1) for b in (0, 1) for _ in range(3)]
    cells = np.hstack([whole(*(a for a, _ in corners)), [[0.5], [0.5]]])
    zones = np.hstack([whole(*(b for _, b in corners)), [[0.3], [0.7]]])
    assert audit([5.0] * 12 + [8.0], cells, zones) == []


def test_negative_values_count_by_their_size():
    assert audit([-5, -6, -7], whole(0, 0, 0)) == []
    assert audit([-5, -6], whole(0, 0)) == [0, 1]


def test_zeros_hide_nobody():
    assert audit([5, 6, 0, 0], whole(0, 0, 0, 0)) == [0, 1]


def test_each_carrier_is_asked_for():
    gas = np.array([9.0, 0, 0, 5, 6, 7])
    power = np.array([10.0, 20, 30, 5, 6, 7])
    shares = csr_array(whole(0, 0, 0, 1, 1, 1))
    found = exposed(Told.nothing(6).and_also(shares), np.column_stack([gas + power, gas, power]), RULE)
    assert found.tolist() == [True, False, False, False, False, False]


def test_a_rule_of_nothing_asks_for_nothing():
    assert audit([5], whole(0), rule=Rule(1, 0)) == []


@st.composite
def overlays(draw):
    """Up to 12 buildings in cells and in zones that cut across them, some over a border."""
    n = draw(st.integers(3, 12))
    values = np.array(draw(st.lists(st.integers(1, 40), min_size=n, max_size=n)), dtype=float)

    def drawn(count: int) -> np.ndarray:
        shares = np.zeros((count, n))
        for feature in range(n):
            at, cut = draw(st.integers(0, count - 1)), draw(st.sampled_from([0.0, 0.0, 0.25]))
            shares[at, feature] += 1 - cut
            shares[(at + 1) % count, feature] += cut
        return shares

    return values, drawn(4), drawn(3)


@settings(PATIENT, max_examples=15)
@given(overlays())
def test_whoever_is_not_exposed_has_room_against_every_owner(example):
    values, cells, zones = example
    rows = np.vstack([cells, zones])
    safe = sorted(set(range(len(values))) - set(audit(values, cells, zones)))
    for feature in safe[:4]:
        for owner in range(len(values)):
            assert owner == feature or room(values, rows, feature, owner) >= 0.2 - 1e-6


@settings(PATIENT, max_examples=15)
@given(overlays())
def test_joined_targets_expose_nobody(example):
    values, cells, zones = example
    n = len(values)
    region, tested = csr_array(np.ones((1, n))), values[:, None]
    if exposed(Told.nothing(n).and_also(region), tested, RULE).any():
        return
    known, passed_over = [region], np.zeros(n, dtype=bool)
    for shares in (cells, zones):
        rows = csr_array(shares)
        start = np.where(np.diff(rows.indptr) > 0, np.arange(len(shares)), -1)
        family = np.zeros(len(shares), dtype=np.int64)
        weights = np.asarray(shares.sum(axis=1))
        block, unproven = joined_blocks(rows, family, start, weights, known, tested, RULE, passed_over)
        assert not unproven.any()
        known.append(told_sums(rows, block))
    told = np.vstack([rows.toarray() for rows in known])
    for feature, owner in list(combinations(range(n), 2))[:12]:
        assert room(values, told, feature, owner) >= 0.2 - 1e-6


def test_only_what_has_to_be_is_joined():
    """The zone that gives the seventh building away is joined with its neighbour, where the building's cell goes on."""
    cells = csr_array(whole(0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3))
    zones = csr_array(whole(0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2))
    values = np.array([5, 6, 7, 5, 6, 7, 9, 5, 6, 7, 1, 1, 1.0])
    family, weights = np.zeros(3, dtype=np.int64), np.array([7.0, 5.0, 1.0])
    known = [csr_array(np.ones((1, 13))), cells]
    block, unproven = joined_blocks(
        zones, family, np.arange(3), weights, known, values[:, None], RULE, np.zeros(13, dtype=bool)
    )
    assert block.tolist() == [0, 0, 2]
    assert not unproven.any()


def test_targets_are_joined_that_hold_nothing_of_the_exposed_feature():
    """The cell A holds 50, 10 and half of 20, and cannot be joined; b1 tells that little can change against that half.

    Only b1 and b2, joined, leave the 50 as much room as their parent does.
    """
    values = np.array([50, 10, 20, 7, 2, 100, 60, 60.0])
    outer = csr_array(np.array([[1, 1, 0.5, 0, 0, 0, 0, 0], [0, 0, 0.5, 1, 1, 1, 1, 1]]))
    inner = csr_array(np.array([[1, 1, 0.5, 0, 0, 0, 0, 0], [0, 0, 0.5, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1.0]]))
    weights = np.asarray(inner @ values)
    nobody = np.zeros(8, dtype=bool)
    block, unproven = joined_blocks(
        inner, np.array([0, 1, 1]), np.arange(3), weights, [outer], values[:, None], RULE, nobody
    )
    assert block.tolist() == [0, 1, 1]
    assert not unproven.any()
    told = np.vstack([outer.toarray(), told_sums(inner, block).toarray()])
    apart = np.vstack([outer.toarray(), inner.toarray()])
    assert room(values, apart, 0, 1) < 0.2 <= room(values, told, 0, 1) + 1e-6


@pytest.mark.parametrize("passed_over", [False, True])
def test_what_was_exposed_before_is_not_mended_here(passed_over):
    """A single cell of one building stands already: joining zones would not undo that."""
    cells, zones = csr_array(whole(0, 1, 1, 1)), csr_array(whole(0, 0, 1, 1))
    values = np.array([5.0, 5, 5, 5])
    over = np.array([passed_over, False, False, False])
    block, unproven = joined_blocks(
        zones, np.zeros(2, dtype=np.int64), np.arange(2), np.ones(2), [cells], values[:, None], RULE, over
    )
    assert unproven[0]
    assert block.tolist() == [0, 0]


def test_after_so_many_rounds_all_of_a_parent_are_joined(monkeypatch):
    """The audit ends: who needs more neighbours than that is hidden among all."""
    monkeypatch.setattr("grids.audit._ROUNDS", 0)
    cells = csr_array(whole(0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4))
    zones = csr_array(whole(0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3))
    values = np.array([5, 6, 7, 5, 6, 7, 9, 5, 6, 7, 1, 1, 1, 2, 2, 2.0])
    known = [csr_array(whole(*[0] * 13, *[1] * 3)), cells]
    block, unproven = joined_blocks(
        zones, np.array([0, 0, 0, 1]), np.arange(4), np.ones(4), known, values[:, None], RULE, np.zeros(16, dtype=bool)
    )
    assert block.tolist() == [0, 0, 0, 3]
    assert not unproven.any()


@pytest.mark.parametrize(("owner", "is_exposed"), [(None, False), ([0, 1, 2, 3, 4], False), ([0, 1, 1, 2, 3], True)])
def test_an_owner_knows_all_his_readings(owner, is_exposed):
    """The first of five is made up for by the second or by the third; who owns both knows it."""
    rows = csr_array(np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1.0]]))
    told, values = Told.nothing(5).and_also(rows), np.full((5, 1), 10.0)
    found = exposed(told, values, RULE, owner=None if owner is None else np.array(owner))
    assert bool(found[0]) is is_exposed


def test_an_old_reading_is_made_up_for_by_new_ones_however_wide_the_region_is():
    """700 cells of three meters told before, in 30 of them a fourth that has changed; now the region's total alone.

    The old reading may be larger and its neighbour smaller, if a new reading somewhere is larger.
    """
    n_cells, n_changed = 700, 30
    same = 3 * n_cells
    old, new = same + np.arange(n_changed), same + n_changed + np.arange(n_changed)
    cell_of = np.concatenate([np.repeat(np.arange(n_cells), 3), np.arange(n_changed)])
    before = csr_array((np.ones(len(cell_of)), (cell_of, np.arange(len(cell_of)))), shape=(n_cells, new[-1] + 1))
    region = np.ones((2, new[-1] + 1))
    region[0, new], region[1, old] = 0, 0
    values = np.full((new[-1] + 1, 2), 10.0)
    told = Told.nothing(len(values)).and_also(before, csr_array(region[:1]))
    owner = np.concatenate([np.arange(same), np.arange(n_changed), np.arange(n_changed)])
    owner[same:] += same
    rule = Rule(3, 20, audit=True)
    assert exposed(told, values, rule, owner=owner)[old].sum() == 0
    assert exposed(told.and_also(csr_array(region[1:])), values, rule, owner=owner).sum() == 0
    region[1], region[1, new[1:]] = 1, 0
    assert exposed(told.and_also(csr_array(region[1:])), values, rule, owner=owner)[new[0]], "one new meter is told"
