"""Held cells and zones: by hand, against an attacker, and level by level."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from grids import grouping
from grids.aggregate import CollectionSums, LayerShares, collection_sums
from grids.columns import read_columns
from grids.differencing import Subtraction
from grids.disclosure import DisclosureError, Held, PrivateLayer, hold
from grids.errors import GridError
from grids.grouping import Rule, judge, sensitive
from grids.nesting import nests
from grids.protection import region_row

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines may be busy
YEAR = 2023
RULE = Rule(min_count=3, dominance_percent=10)
OFF = Rule(min_count=1, dominance_percent=0)


def line(feature: int, emissions: float, **other: object) -> dict[str, object]:
    return {
        "feature": feature,
        "year": YEAR,
        "carrier": "gas",
        "basis": "direct",
        "method": "metered",
        "activity": 1.0,
        "activity_unit": "kWh",
        "factor_id": f"{other.get('carrier', 'gas')}_factor",
        "emissions_tco2e": float(emissions),
        "u_own": 0.02,
        "group": "",
        "u_group": np.nan,
        "u_factor": 0.05,
        "assumptions": "",
    } | other


def frame(lines) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=list(line(0, 0.0))).astype({"feature": "int32", "year": "int16"})


@dataclass
class City:
    """Metered buildings of one private layer, and what is known of them."""

    lines: pd.DataFrame
    known: PrivateLayer
    rule: Rule = RULE

    def layers(self, shares) -> list[LayerShares]:
        return [LayerShares("stock", "buildings", csr_array(np.asarray(shares, dtype=np.float64)), self.lines)]

    def sums(self, shares) -> CollectionSums:
        n = len(shares)
        return collection_sums(
            self.layers(shares), n_targets=n, year=YEAR, sectors=["buildings"], coverage={"buildings": np.ones(n)}
        )

    def hold(self, shares, above: Held | None = None, parents=None, **other) -> Held:
        return hold(
            self.sums(shares),
            self.layers(shares),
            private={"stock": self.known},
            rule=self.rule,
            above=above,
            index_of_parent=None if parents is None else np.asarray(parents),
            **other,
        )

    def region(self, shares) -> Held:
        return self.hold(region_row(np.sum(shares, axis=0)).toarray())


def whole(*cells: int) -> np.ndarray:
    """Shares of buildings that each lie whole in one cell."""
    shares = np.zeros((max(cells) + 1, len(cells)))
    shares[list(cells), range(len(cells))] = 1.0
    return shares


def city(values, weights=None, rule: Rule = RULE, **other) -> City:
    lines = frame([line(i, e, **other) for i, e in enumerate(values)])
    return City(lines, PrivateLayer(weights=None if weights is None else np.asarray(weights, dtype=float)), rule)


# The rule


@pytest.mark.parametrize(
    ("values", "held", "why"),
    [
        ([], False, "nothing to tell"),
        ([0.0], False, "nothing to tell either"),
        ([5.0], True, "one building"),
        ([5.0, 5.0], True, "each of two knows the other"),
        ([5.0, 5.0, 0.0], True, "a zero protects nobody"),
        ([5.0, 5.0, 5.0], False, "three alike"),
        ([100.0, 50.0, 9.9], True, "the second knows the first within 10 %"),
        ([100.0, 50.0, 10.0], False, "just not within 10 %"),
        ([100.0, 50.0, 4.0, 3.0, 2.0], True, "the small ones together are less than 10 %"),
        ([-100.0, -50.0, 9.9], True, "sizes count, not signs"),
        ([-5.0, 5.0, 5.0], False, "sizes count, not signs"),
    ],
)
def test_the_rule_by_hand(values, held, why):
    row = csr_array(np.array([values], dtype=float).reshape(1, -1))
    row.data = row.data.copy()
    assert sensitive(row, RULE).tolist() == [held], why
    assert RULE.allows(np.array(values, dtype=float)[:, None]) is not held, why


@settings(PATIENT, max_examples=50)
@given(st.lists(st.lists(st.integers(-20, 20), min_size=4, max_size=4), min_size=1, max_size=6))
def test_sparse_and_dense_rule_agree(rows):
    table = np.array(rows, dtype=float)
    expected = [not RULE.allows(row[:, None]) for row in table]
    assert sensitive(csr_array(table), RULE).tolist() == expected


def test_explicit_zeros_are_not_buildings():
    stored = csr_array((np.array([5.0, 5.0, 0.0]), np.array([0, 1, 2]), np.array([0, 3])), shape=(1, 3))
    assert sensitive(stored, RULE).tolist() == [True]


@pytest.mark.parametrize(("count", "percent"), [(0, 10), (3, -1), (3, 101)])
def test_a_rule_that_is_none_is_refused(count, percent):
    with pytest.raises(GridError, match="expected are a count"):
        Rule(count, percent)


# By hand


def test_three_cells_written_out():
    """Cells of one, two and three buildings: the first two are held together, 60 t by weights 1 to 3."""
    town = city([10, 20, 30, 5, 6, 7], weights=[1, 1, 2, 9, 9, 9])
    cells = whole(0, 1, 1, 2, 2, 2)
    region = town.region(cells)
    assert region.table()["buildings_tco2e"].tolist() == [78.0]
    assert not region.held.any()
    table = town.hold(cells, region, [0, 0, 0]).table()
    assert table["held"].tolist() == [True, True, False]
    assert_allclose(table["buildings_tco2e"], [15.0, 45.0, 18.0])
    assert_allclose(table["buildings_gas_direct_tco2e"], [15.0, 45.0, 18.0])
    assert_allclose(table["net_tco2e"], [15.0, 45.0, 18.0])
    assert table["buildings_metered_share"].tolist() == [0.0, 0.0, 1.0]
    assert table["buildings_modelled_share"].tolist() == [1.0, 1.0, 0.0]
    # Half of what was filled in; in the shown cell 5 % of the factor and the meters' 2 % spread over three buildings.
    expected = [7.5, 22.5, np.hypot(0.05 * 18, 0.02 * 18 / np.sqrt(3))]
    assert_allclose(table["buildings_sd_tco2e"], expected)
    assert_allclose(table["net_sd_tco2e"], expected)


def test_held_stands_last_and_every_column_is_documented(project):
    town = city([5, 6, 7])
    names = list(town.hold(np.ones((1, 3))).table().columns)
    assert names[-1] == "held"
    assert read_columns(project / "data" / "schema").in_order(names) == names


def test_order_of_lines_changes_no_bit():
    town = city([10, 20, 30, 5, 6, 7, 8], weights=np.sqrt(np.arange(2, 9)))
    cells = whole(0, 1, 1, 2, 2, 2, 3)
    table = town.hold(cells, town.region(cells), [0] * 4).table()
    town.lines = town.lines.iloc[::-1]
    pd.testing.assert_frame_equal(town.hold(cells, town.region(cells), [0] * 4).table(), table, check_exact=True)


def test_meters_that_read_nothing_look_like_none():
    town = city([0, 0, 5, 6, 7])
    cells = whole(0, 0, 1, 1, 1)
    table = town.hold(cells, town.region(cells), [0, 0]).table()
    assert table["buildings_tco2e"].tolist() == [0.0, 18.0]
    assert not table["held"].any()
    assert table["buildings_metered_share"].isna().tolist() == [True, False]


def test_report_counts_and_keeps_the_shift_apart():
    town = city([10, 20, 30, 100, 50, 1, 5, 6, 7], weights=[1, 1, 2, 1, 1, 1, 9, 9, 9])
    cells = whole(0, 1, 1, 2, 2, 2, 3, 3, 3)
    held = town.hold(cells, town.region(cells), [0] * 4)
    assert held.report == {
        "buildings": {
            "mode": "shared",
            "targets": 4,
            "with_private_meters": 4,
            "too_few": 2,
            "dominated": 1,
            "by_difference": 0,
            "added": 0,
            "groups": 1,
            "held": 3,
            "withheld_columns": [],
        }
    }
    # 211 t by weights 1, 3, 3 instead of 10, 50, 151.
    assert held.largest_shift["buildings"] == pytest.approx(151 - 211 * 3 / 7)


def test_the_lightest_sibling_joins_a_lonely_cell():
    """One sensitive cell alone would follow from the parent; of its siblings the one of least weight is held too."""
    town = city([10] + [5, 6, 7] * 2, weights=[1, 3, 3, 3, 2, 2, 2])
    cells = whole(0, 1, 1, 1, 2, 2, 2)
    held = town.hold(cells, town.region(cells), [0, 0, 0])
    assert held.held.tolist() == [True, False, True]
    assert held.report["buildings"]["added"] == 1
    assert_allclose(held.table()["buildings_tco2e"], [28 / 7, 18, 28 * 6 / 7])


def test_a_group_of_two_lonely_buildings_grows_to_three():
    town = city([10, 10, 5, 6, 7, 5, 6, 7], weights=[1, 1, 2, 2, 2, 3, 3, 3])
    cells = whole(0, 1, 2, 2, 2, 3, 3, 3)
    assert town.hold(cells, town.region(cells), [0] * 4).held.tolist() == [True, True, True, False]


def test_neighbours_form_several_groups():
    """Four cells of two buildings: two groups of four buildings, not one of eight; each keeps its own sum."""
    town = city([1, 2, 3, 4, 5, 6, 7, 8])
    cells = whole(0, 0, 1, 1, 2, 2, 3, 3)
    held = town.hold(cells, town.region(cells), [0] * 4)
    assert held.report["buildings"]["groups"] == 2
    assert_allclose(held.table()["buildings_tco2e"], [5, 5, 13, 13])


def test_what_lies_in_no_zone_is_protected_too():
    """The zone passes, but the region less the zone is one building: the zone is held with what it leaves."""
    town = city([5, 6, 7, 100])
    zones = np.array([[1.0, 1.0, 1.0, 0.0]])
    region = town.hold(np.ones((1, 4)))
    held = town.hold(zones, region, [0])
    assert held.held.tolist() == [True]
    assert_allclose(held.table()["buildings_tco2e"], [118 * 3 / 4])


def test_an_only_child_is_as_public_as_its_parent():
    town = city([5, 6, 7])
    cells = whole(1, 1, 1)
    held = town.hold(cells, town.region(cells), [0, 0])
    assert held.held.tolist() == [False, False]
    assert held.table()["buildings_tco2e"].tolist() == [0.0, 18.0]


def test_below_a_held_target_everything_is_a_share_of_what_it_shows():
    town = city([10, 20, 30, 5, 6, 7], weights=[1, 1, 2, 9, 9, 9])
    coarse, fine = whole(0, 1, 1, 2, 2, 2), whole(0, 1, 2, 3, 3, 3)
    above = town.hold(coarse, town.region(coarse), [0, 0, 0])
    held = town.hold(fine, above, [0, 1, 1, 2])
    assert held.held.tolist() == [True, True, True, False]
    assert_allclose(held.table()["buildings_tco2e"], [15.0, 15.0, 30.0, 18.0])


def test_weights_of_nothing_share_evenly():
    town = city([10, 20, 30], weights=[0, 0, 0])
    cells = whole(0, 0, 1)
    assert_allclose(town.hold(cells, town.region(cells), [0, 0]).table()["buildings_tco2e"], [30, 30])


def test_open_and_modelled_parts_stay_as_they_are():
    """Only the private meter is replaced: beside it stand a modelled gas boiler and a layer that is open."""
    lines = frame([line(0, 10), line(1, 20), line(2, 30), line(2, 4, carrier="oil", method="modelled", u_own=0.5)])
    town = City(lines, PrivateLayer(weights=np.ones(3)))
    cells = whole(0, 0, 1)
    open_layer = LayerShares("open", "buildings", csr_array(np.array([[0.0], [1.0]])), frame([line(0, 8)]))
    layers = [*town.layers(cells), open_layer]
    ones = csr_array(np.ones((1, 1)))
    region_layers = [*town.layers(np.ones((1, 3))), LayerShares("open", "buildings", ones, open_layer.lines)]

    def sums(parts, n):
        return collection_sums(parts, n_targets=n, year=YEAR, sectors=["buildings"], coverage={"buildings": np.ones(n)})

    region = hold(sums(region_layers, 1), region_layers, private={"stock": town.known}, rule=RULE)
    table = hold(
        sums(layers, 2),
        layers,
        private={"stock": town.known},
        rule=RULE,
        above=region,
        index_of_parent=np.zeros(2, int),
    ).table()
    assert_allclose(table["buildings_gas_direct_tco2e"], [40, 20 + 8])
    assert_allclose(table["buildings_oil_direct_tco2e"], [0, 4])
    assert_allclose(table["buildings_tco2e"], [40, 32])
    assert_allclose(table["buildings_metered_share"], [0, 8 / 32])
    assert_allclose(table["buildings_modelled_share"], [1, 24 / 32])
    assert_allclose(
        table["buildings_sd_tco2e"], [20, np.sqrt((0.5 * 20) ** 2 + (0.02 * 8) ** 2 + 2**2 + 0.4**2 + 0.2**2)]
    )


def test_open_layers_are_left_alone():
    town = city([10, 20])
    cells = whole(0, 1)
    held = hold(town.sums(np.ones((1, 2))), town.layers(np.ones((1, 2))), private={}, rule=RULE)
    assert held.report == {}
    below = hold(
        town.sums(cells), town.layers(cells), private={}, rule=RULE, above=held, index_of_parent=np.zeros(2, dtype=int)
    )
    pd.testing.assert_frame_equal(below.table().drop(columns="held"), town.sums(cells).table(), check_exact=True)
    assert not below.held.any()


# What else could tell


def test_no_column_of_a_shown_cell_tells_three_values_apart():
    """Sum and deviation of 5, 6, 7 and of 4, 7, 7 look the same; exact own errors would not."""
    cells = whole(0, 0, 0, 1, 1, 1)
    tables = []
    for values in ([5, 6, 7, 5, 5, 5], [4, 7, 7, 5, 5, 5]):
        town = city(values)
        tables.append(town.hold(cells, town.region(cells), [0, 0]).table())
    pd.testing.assert_frame_equal(*tables, rtol=1e-12)


def test_gas_of_two_factors_is_not_told_apart_by_the_deviation():
    """The sum of both is shown; with the sum of their squared errors too, each would follow, here of one building."""
    cells = whole(0, 0, 0, 0, 1, 1, 1)
    tables = []
    for values in ([5, 6, 7, 8, 5, 5, 5], [8, 6, 5, 7, 5, 5, 5]):
        lines = [line(0, values[0], factor_id="gas_volume", u_factor=0.03), *map(line, range(1, 7), values[1:])]
        town = City(frame(lines), PrivateLayer(weights=np.ones(7)))
        tables.append(town.hold(cells, town.region(cells), [0, 0]).table())
    pd.testing.assert_frame_equal(*tables, rtol=1e-12)
    assert not tables[0]["held"].any()
    # As if all gas had the larger error.
    assert tables[0]["buildings_sd_tco2e"][0] > 26 * 0.05


def test_no_column_of_held_cells_tells_how_a_group_divides():
    cells = whole(0, 1, 1, 2, 2, 2)
    tables = []
    for values in ([10, 20, 30, 5, 6, 7], [30, 20, 10, 5, 6, 7], [1, 1, 58, 5, 6, 7]):
        town = city(values, weights=np.ones(6))
        town.rule = Rule(3, 0)
        tables.append(town.hold(cells, town.region(cells), [0] * 3).table())
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=1e-12)
    pd.testing.assert_frame_equal(tables[0], tables[2], rtol=1e-12)


def two_carriers(gas, power) -> City:
    """Gas and electricity per building, 0 for none."""
    lines = [line(i, e) for i, e in enumerate(gas) if e]
    lines += [line(i, e, carrier="electricity", basis="indirect") for i, e in enumerate(power) if e]
    return City(frame(lines), PrivateLayer(weights=np.ones(len(gas))))


def test_one_gas_boiler_among_three_buildings_is_not_told_by_its_column():
    town = two_carriers(gas=[9, 0, 0, 5, 6, 7], power=[10, 20, 30, 5, 6, 7])
    cells = whole(0, 0, 0, 1, 1, 1)
    table = town.hold(cells, town.region(cells), [0, 0]).table()
    assert table["held"].tolist() == [True, True]
    assert_allclose(table["buildings_gas_direct_tco2e"], [13.5, 13.5])
    assert_allclose(table["buildings_electricity_indirect_tco2e"], [39, 39])


def test_a_carrier_of_one_building_in_the_region_is_withheld_with_another():
    """The total may be shown; gas may not, nor electricity, from which gas would follow, nor the factor's error."""
    tables = []
    for gas in (9, 3):
        town = two_carriers(gas=[gas, 0, 0, 0], power=[19 - gas, 20, 30, 40])
        table = town.hold(np.ones((1, 4))).table()
        assert table["buildings_tco2e"].tolist() == [109.0]
        assert table["buildings_gas_direct_tco2e"].isna().all()
        assert table["buildings_electricity_indirect_tco2e"].isna().all()
        assert not table["held"].any()
        tables.append(table)
    pd.testing.assert_frame_equal(*tables, rtol=1e-12)
    assert town.hold(np.ones((1, 4))).report["buildings"]["withheld_columns"] == [
        "buildings_electricity_indirect_tco2e",
        "buildings_gas_direct_tco2e",
    ]


def test_withheld_columns_stay_withheld_below():
    town = two_carriers(gas=[9, 0, 0, 0, 0, 0], power=[10, 20, 30, 40, 50, 60])
    cells = whole(0, 0, 0, 1, 1, 1)
    table = town.hold(cells, town.region(cells), [0, 0]).table()
    assert table["buildings_gas_direct_tco2e"].isna().all()
    assert_allclose(table["buildings_tco2e"], [69, 150])


# A region that may not be told at all


def test_a_region_of_two_meters_shows_its_model():
    model = frame([line(0, 12, method="modelled", u_own=0.3), line(1, 8, method="modelled", carrier="oil")])
    town = City(frame([line(0, 10), line(1, 20)]), PrivateLayer(modelled=model))
    cells = whole(0, 1)
    region = town.region(cells)
    assert region.report["buildings"]["mode"] == "modelled"
    assert_allclose(region.table()["buildings_tco2e"], [20])
    held = town.hold(cells, region, [0, 0])
    table = held.table()
    assert_allclose(table["buildings_tco2e"], [12, 8])
    assert_allclose(table["buildings_oil_direct_tco2e"], [0, 8])
    assert_allclose(table["buildings_sd_tco2e"], [6, 4])
    assert table["buildings_modelled_share"].tolist() == [1.0, 1.0]
    assert table["held"].all()


def test_a_region_of_two_meters_without_a_model_is_unknown_where_they_are():
    town = city([10, 20])
    cells = whole(0, 2)
    region = town.region(cells)
    assert region.report["buildings"]["mode"] == "null"
    table = town.hold(cells, region, [0, 0, 0]).table()
    assert_array_equal(table["buildings_tco2e"], [np.nan, 0.0, np.nan])
    assert_array_equal(table["net_tco2e"], [np.nan, 0.0, np.nan])
    assert_array_equal(table["buildings_gas_direct_tco2e"], [np.nan, 0.0, np.nan])
    assert_array_equal(table["buildings_sd_tco2e"], [np.nan, 0.0, np.nan])
    assert table["held"].tolist() == [True, False, True]


def test_the_model_adds_no_column_where_meters_may_be_told():
    model = frame([line(i, 5, method="modelled", carrier="oil") for i in range(3)])
    town = City(frame([line(i, 5) for i in range(3)]), PrivateLayer(modelled=model))
    assert "buildings_oil_direct_tco2e" not in town.hold(np.ones((1, 3))).table().columns


# Other collections


def test_a_hexagon_inside_a_district_would_leave_one_building():
    town = city([5, 6, 7, 100, 5, 5, 5, 6, 7, 8])
    districts = whole(0, 0, 0, 0, 0, 0, 1, 1, 1, 1)
    hexagons = whole(0, 0, 0, 1, 0, 0, 2, 2, 1, 1)
    region = town.region(districts)
    shown = town.hold(districts, region, [0, 0])
    assert not shown.held.any()
    alone = town.hold(hexagons, region, [0, 0, 0])
    assert alone.held.tolist() == [False, True, True]
    beside = town.hold(hexagons, region, [0, 0, 0], beside=[shown])
    assert beside.held.tolist() == [True, True, True]
    assert beside.report["buildings"]["by_difference"] == 1
    # One group of ten buildings by number: on its own the first would keep its true 28 t.
    assert_allclose(beside.table()["buildings_tco2e"], [77.0, 46.2, 30.8])


def told_by_difference(shown, targets, tested, rule):
    """Targets that must be held because one shown elsewhere, less this one, or the reverse, would tell of a feature.

    Args:
        shown: (others, features) shares in the targets that are shown true.
        targets: (targets, features) shares in the targets to be judged.
        tested: (features, sums) values whose sums must pass the rule.
        rule: the least count and the p % rule.

    Returns:
        (targets,) true where a difference is sensitive; what the outer of two targets tells by itself is not asked.
    """
    return Subtraction(targets, tested, rule, judge(targets, tested, rule, with_bounds=True)).told_by(shown)


def test_differences_by_hand():
    district = csr_array(np.array([[1.0, 1.0, 1.0, 1.0, 0.5]]))
    inside = csr_array(
        np.array(
            [
                [1.0, 1.0, 1.0, 0.0, 0.5],  # leaves the fourth
                [1.0, 1.0, 1.0, 1.0, 0.5],  # leaves nothing
                [1.0, 0.0, 0.0, 0.0, 0.0],  # leaves four
                [1.0, 1.0, 1.0, 0.0, 1.0],  # reaches beyond the district: no difference of features
                [1.0, 1.0, 1.0, 1.0, 1.0],  # holds the district and half of the fifth
            ]
        )
    )
    values = np.full((5, 1), 5.0)
    assert told_by_difference(district, inside, values, RULE).tolist() == [True, False, False, False, True]


@settings(PATIENT, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_only_differences_that_cannot_tell_are_left_out(seed):
    random = np.random.default_rng(seed)
    n, n_cells, n_districts = random.integers(3, 60), random.integers(1, 12), random.integers(1, 4)
    cells = np.zeros((n_cells, n))
    home, cut = random.integers(0, n_cells, n), random.choice([0.0, 0.5, 1e-10], n)
    cells[home, np.arange(n)] += 1 - cut
    cells[(home + 1) % n_cells, np.arange(n)] += cut
    of = random.integers(0, n_districts, n_cells)
    districts = np.array([cells[of == district].sum(axis=0) for district in range(n_districts)])
    gas = random.lognormal(0, 1.5, n) * (random.random(n) < 0.2)
    values = np.column_stack([random.lognormal(0, 1.5, n) + gas, gas])

    def told(shares):
        return not RULE.allows(np.where(np.abs(shares) > 1e-9, shares, 0.0)[:, None] * values)

    for shown, targets in ((districts, cells), (cells, districts)):
        shown = np.array([shares for shares in shown if not told(shares)]).reshape(-1, n)
        found = told_by_difference(csr_array(shown), csr_array(targets), values, RULE)
        for mine, is_told in zip(targets, found, strict=True):
            nested = [o for o in shown if ((o > 0) <= (mine > 0)).all() or ((mine > 0) <= (o > 0)).all()]
            left = [o - mine for o in nested if ((o > 0) & (mine > 0)).any()]
            left = [each for each in left if (each >= -1e-9).all() or (each <= 1e-9).all()]
            assert is_told == any(told(each) for each in left) or told(mine)


def test_a_district_less_one_of_its_many_cells_is_settled_by_sums():
    """Else a country's districts would be subtracted from each of their cells, building by building."""
    cells = csr_array(np.kron(np.eye(40), np.ones((1, 10))))
    district = csr_array(np.ones((1, 400)))
    values = np.linspace(1, 2, 400)[:, None]

    def doubtful():
        judged = judge(cells, values, RULE, with_bounds=True)
        return sorted(Subtraction(cells, values, RULE, judged).doubtful(district)[1])

    assert doubtful() == []
    values[7] = 300  # half of what all the others together hold: no cell less makes that too little
    assert doubtful() == []
    values[7] = 5900  # the others hold hardly more than a tenth of it
    assert doubtful() == list(range(40))


@pytest.mark.parametrize("seed", range(4))
def test_targets_of_few_features_are_judged_where_they_are_met(seed, monkeypatch):
    """What is kept of targets of many features, and what is judged again of those of few, lead to the same pairs."""
    random = np.random.default_rng(seed)
    values = random.exponential(size=(60, 2)) ** 3
    small = csr_array((random.random((40, 60)) < 0.08) * random.uniform(0.1, 1, (40, 60)))
    large = csr_array((random.random((12, 60)) < 0.9) * random.uniform(0.1, 1, (12, 60)))
    found = []
    for few in (0, 5, 100):
        monkeypatch.setattr(grouping, "_FEW", few)
        for shown, targets in ((small, large), (large, small)):
            judged = judge(targets, values, RULE, with_bounds=True)
            assert np.array_equal(judged.place_of >= 0, np.diff(targets.indptr) > few)
            found.append(np.stack(Subtraction(targets, values, RULE, judged).doubtful(shown)))
    assert found[0].size + found[1].size > 0
    for again in (found[2:4], found[4:6]):
        assert all(np.array_equal(one, other) for one, other in zip(found[:2], again, strict=True))


# What is refused


def test_levels_that_do_not_belong_together():
    town = city([5, 6, 7])
    cells = whole(0, 1, 1)
    region = town.region(cells)
    with pytest.raises(DisclosureError, match="protect the region first"):
        town.hold(cells)
    with pytest.raises(GridError, match="parent"):
        town.hold(cells, region)
    other = city([5, 6, 7, 8]).region(np.ones((1, 4)))
    with pytest.raises(DisclosureError, match="4 private features and this one 3"):
        town.hold(cells, other, [0, 0])
    with pytest.raises(DisclosureError, match="not among the layers"):
        hold(town.sums(cells), town.layers(cells), private={"meters": PrivateLayer()}, rule=RULE, above=region)
    with pytest.raises(DisclosureError, match="weights must be 3"):
        city([5, 6, 7], weights=[1, 2]).hold(np.ones((1, 3)))
    with pytest.raises(DisclosureError, match="weights must be 3"):
        city([5, 6, 7], weights=[1, 2, -1]).hold(np.ones((1, 3)))
    with pytest.raises(DisclosureError, match="u_filled"):
        town.hold(np.ones((1, 3)), u_filled=np.nan)
    opened = hold(town.sums(np.ones((1, 3))), town.layers(np.ones((1, 3))), private={}, rule=RULE)
    with pytest.raises(DisclosureError, match="has no private layer of the sector 'buildings'"):
        town.hold(cells, opened, [0, 0])


def test_children_beyond_their_parents_are_refused():
    town = city([5, 6, 7, 8, 9, 10])
    gu = np.array([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    dong = np.array([[1.0, 1, 1, 0.5, 0, 0], [0, 0, 0, 0.5, 1, 1]])
    region = town.region(gu)
    assert nests(csr_array(gu), csr_array(gu), np.array([0, 1]))
    assert not nests(csr_array(gu), csr_array(dong), np.array([0, 1]))
    with pytest.raises(DisclosureError, match="directly under the region"):
        town.hold(dong, town.hold(gu, region, [0, 0]), [0, 1])
    assert not town.hold(dong, region, [0, 0]).held.any()


# An attacker


@st.composite
def small_cities(draw):
    """Up to 14 buildings on 4 x 4 cells, some over a border; 2 x 2 coarse cells; two districts that leave some out."""
    n = draw(st.integers(3, 14))
    fine = np.zeros((16, n))
    for building in range(n):
        cell, cut = draw(st.integers(0, 15)), draw(st.sampled_from([0.0, 0.0, 0.25, 0.5]))
        fine[cell, building] += 1 - cut
        fine[(cell + 1) % 16, building] += cut
    values = draw(st.lists(st.integers(0, 60), min_size=n, max_size=n))
    power = draw(st.lists(st.sampled_from([0, 0, 7, 20]), min_size=n, max_size=n))
    district = np.array(draw(st.lists(st.integers(-1, 1), min_size=16, max_size=16)))
    lines = [line(i, e) for i, e in enumerate(values)]
    lines += [line(i, e, carrier="electricity", basis="indirect") for i, e in enumerate(power) if e]
    # Irrational weights: nothing that is filled in equals the truth by chance.
    return City(frame(lines), PrivateLayer(weights=np.sqrt(np.arange(2, n + 2)))), fine, district


def levels(town: City, fine: np.ndarray, district: np.ndarray):
    """Every level with its shares, its parents and the level above."""
    to_coarse = (np.arange(16) // 4) // 2 * 2 + (np.arange(16) % 4) // 2
    coarse = np.array([fine[to_coarse == parent].sum(axis=0) for parent in range(4)])
    zones = np.array([fine[district == zone].sum(axis=0) for zone in range(2)])
    top = fine.sum(axis=0)[None, :]
    region = town.hold(top)
    middle = town.hold(coarse, region, [0] * 4)
    lowest = town.hold(fine, middle, to_coarse)
    return [
        (region, top, middle, coarse, np.zeros(4, dtype=int)),
        (middle, coarse, lowest, fine, to_coarse),
        (region, top, town.hold(zones, region, [0] * 2), zones, np.zeros(2, dtype=int)),
    ]


def columns_of(town: City, held: Held) -> np.ndarray:
    """(features, sums) what each building adds to the columns that are shown."""
    withheld = held.states["buildings"].withheld
    by_pair = town.lines.pivot_table(
        index="feature", columns=["carrier", "basis"], values="emissions_tco2e", aggfunc="sum", fill_value=0.0
    )
    shown = [pair for pair in by_pair.columns if pair not in withheld]
    return np.column_stack([by_pair.sum(axis=1), *(by_pair[pair] for pair in shown)])


def exposures(town: City, built) -> list[str]:
    """Whatever an attacker learns of fewer than three buildings, or of one that dominates.

    He takes parents, shown siblings, and every set of held siblings whose published sum is the truth.
    """
    found = []
    for above, parents, below, targets, index in built:
        if above.states["buildings"].mode != "shared":
            continue
        values = columns_of(town, above)
        total = below.sums.sectors["buildings"].total
        for parent in range(len(parents)):
            family = np.flatnonzero(index == parent)
            shown, held = family[~below.held[family]], family[below.held[family]]
            told = [("cell", targets[[child]].sum(axis=0)) for child in shown]
            if not above.held[parent]:
                told.append(("remainder", parents[parent] - targets[shown].sum(axis=0)))
            for size in range(1, min(len(held), 4) + 1):
                for some in combinations(held, size):
                    true = targets[list(some)].sum(axis=0)
                    if abs(total[list(some)].sum() - true @ values[:, 0]) < 1e-9:
                        told.append(("group", true))
            for what, shares in told:
                if not RULE.allows(np.where(shares > 1e-9, shares, 0.0)[:, None] * values):
                    found.append(f"{what} of parent {parent}: {shares}")
    return found


@settings(PATIENT, max_examples=30)
@given(small_cities())
def test_no_district_less_a_cell_tells_of_a_building(example):
    town, fine, district = example
    (region, *_), (middle, coarse, lowest, cells, _), _ = levels(*example)
    zones = np.array([fine[district == zone].sum(axis=0) for zone in range(2)])
    if region.states["buildings"].mode != "shared":
        return
    beside = town.hold(zones, region, [0] * 2, beside=[middle, lowest])
    values = columns_of(town, region)
    for other, shares in ((middle, coarse), (lowest, cells)):
        for zone in np.flatnonzero(~beside.held):
            for target in np.flatnonzero(~other.held):
                left = zones[zone] - shares[target]
                if (left >= -1e-9).all() or (left <= 1e-9).all():
                    assert RULE.allows(np.where(np.abs(left) > 1e-9, left, 0.0)[:, None] * values)


def test_without_holding_the_attacker_succeeds():
    """The attack is a real one: with the rule switched off, the same city tells of single buildings."""
    fine = whole(0, 1, 1, 2, 2, 2, 15)
    town = city([10, 20, 30, 5, 6, 7, 8], weights=np.sqrt(np.arange(2, 9)))
    fine = np.vstack([fine, np.zeros((16 - len(fine), 7))])
    district = np.arange(16) // 8
    assert exposures(town, levels(town, fine, district)) == []
    town.rule = OFF
    assert len(exposures(town, levels(town, fine, district))) > 3


@settings(PATIENT, max_examples=50)
@given(small_cities())
def test_no_subtraction_tells_of_a_building_and_public_totals_add(example):
    town, *_ = example
    built = levels(*example)
    assert exposures(town, built) == []
    for above, parents, below, targets, index in built:
        table = below.table()
        shares = table[[name for name in table if name.endswith("_share")]].dropna()
        assert_allclose(shares.sum(axis=1), 1.0)
        assert (table["buildings_sd_tco2e"].dropna() >= 0).all()
        if above.states["buildings"].mode == "shared":
            names = ["buildings_tco2e", "buildings_gas_direct_tco2e", "net_tco2e"]
            added = table[names].groupby(index).sum(min_count=1).reindex(range(len(parents)))
            missing = parents - np.array([targets[index == p].sum(axis=0) for p in range(len(parents))])
            tiled = np.abs(missing).max(axis=1) < 1e-9
            assert_allclose(added[tiled], above.table()[names][tiled], rtol=1e-9, atol=1e-9)
    region = built[0][0]
    if region.states["buildings"].mode == "shared":
        assert region.table()["buildings_tco2e"][0] == pytest.approx(town.lines["emissions_tco2e"].sum())
