"""Totals and deviations: by hand on small grids, then properties."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from grids.aggregate import LayerShares, SumsMismatch, collection_sums
from grids.columns import read_columns
from grids.features import BadLines
from grids.nesting import to_coarser
from grids.shares import Shares

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines may be busy
YEAR = 2023


def line(feature: int, emissions: float, **other: object) -> dict[str, object]:
    """One emission line; a gas boiler without any error unless told otherwise."""
    return {
        "feature": feature,
        "year": YEAR,
        "carrier": "gas",
        "basis": "direct",
        "method": "modelled",
        "activity": 1.0,
        "activity_unit": "kWh",
        "factor_id": "gas_factor",
        "emissions_tco2e": emissions,
        "u_own": 0.0,
        "group": "",
        "u_group": 0.0,
        "u_factor": 0.0,
        "assumptions": "",
    } | other


def layer(lines, shares, sector: str = "buildings", name: str = "") -> LayerShares:
    frame = pd.DataFrame(lines, columns=list(line(0, 0.0))).astype({"feature": "int32", "year": "int16"})
    return LayerShares(name or sector, sector, csr_array(np.asarray(shares, dtype=np.float64)), frame)


def totals(*layers: LayerShares, sectors=("buildings",), coverage=None, **other) -> pd.DataFrame:
    n_targets = layers[0].shares.shape[0] if layers else other.pop("n_targets")
    coverage = {each.sector: np.ones(n_targets) for each in layers} if coverage is None else coverage
    return collection_sums(
        layers, n_targets=n_targets, year=other.pop("year", YEAR), sectors=sectors, coverage=coverage, **other
    ).table()


# A house in the middle cell of 3 x 3, and one on the crossing of the four upper right cells.
HOUSES = np.zeros((9, 2))
HOUSES[4, 0] = 1.0
HOUSES[[4, 5, 7, 8], 1] = 0.25


def test_two_houses_on_three_by_three_cells():
    table = totals(
        layer(
            [
                line(0, 8.0),
                line(0, 2.0, carrier="electricity", basis="indirect", method="metered"),
                line(1, 4.0, method="default", assumptions="eui"),
            ],
            HOUSES,
        )
    )
    assert_array_equal(table["buildings_tco2e"], [0, 0, 0, 0, 11, 1, 0, 1, 1])
    assert_array_equal(table["net_tco2e"], table["buildings_tco2e"])
    assert_array_equal(table["buildings_gas_direct_tco2e"], [0, 0, 0, 0, 9, 1, 0, 1, 1])
    assert_array_equal(table["buildings_electricity_indirect_tco2e"], [0, 0, 0, 0, 2, 0, 0, 0, 0])
    nan = np.nan
    assert_allclose(table["buildings_modelled_share"], [nan, nan, nan, nan, 8 / 11, 0, nan, 0, 0])
    assert_allclose(table["buildings_metered_share"], [nan, nan, nan, nan, 2 / 11, 0, nan, 0, 0])
    assert_allclose(table["buildings_default_share"], [nan, nan, nan, nan, 1 / 11, 1, nan, 1, 1])
    assert_array_equal(table["buildings_illustrative"], [False, False, False, False, True, True, False, True, True])
    assert table["population"].isna().all()
    assert (table["year"] == YEAR).all()


def test_removals_stay_negative_and_add_to_net():
    table = totals(
        layer([line(0, 3.0)], [[1.0], [0.0]]),
        layer([line(0, -5.0, carrier="biomass")], [[0.4], [0.6]], sector="forest"),
        sectors=("buildings", "forest"),
    )
    assert_allclose(table["forest_tco2e"], [-2.0, -3.0])
    assert_allclose(table["net_tco2e"], [1.0, -3.0])
    assert_allclose(table["forest_modelled_share"], [1.0, 1.0])


def test_absent_is_zero_inside_coverage_and_null_outside():
    table = totals(
        layer([line(0, 3.0)], [[1.0], [0.0], [0.0]]),
        coverage={"buildings": np.array([1.0, 0.5, 0.0])},
    )
    assert_array_equal(table["buildings_tco2e"], [3.0, 0.0, np.nan])
    assert_array_equal(table["buildings_sd_tco2e"], [0.0, 0.0, np.nan])
    assert_array_equal(table["buildings_gas_direct_tco2e"], [3.0, 0.0, np.nan])
    assert_array_equal(table["net_tco2e"], [3.0, np.nan, np.nan])  # of half a place there is no net
    assert_array_equal(table["buildings_coverage"], [1.0, 0.5, 0.0])


def test_a_road_on_the_very_edge_is_not_lost():
    """Half-open cells put it where the region has no ground; coverage is unknown there, emissions and net are not."""
    table = totals(
        layer([line(0, 3.0, carrier="petrol")], [[0.0], [1.0]], sector="transport"),
        layer([line(0, 4.0)], [[1.0], [0.0]], name="houses"),
        sectors=("transport", "buildings"),
        coverage={"transport": np.array([1.0, np.nan]), "buildings": np.array([1.0, np.nan])},
    )
    assert_array_equal(table["transport_tco2e"], [0.0, 3.0])
    assert_array_equal(table["buildings_tco2e"], [4.0, 0.0])
    assert_array_equal(table["net_tco2e"], [4.0, 3.0])
    assert_array_equal(table["transport_coverage"], [1.0, np.nan])


def test_a_sector_without_a_source_is_unknown_and_so_is_net():
    table = totals(layer([line(0, 3.0)], [[1.0]]), sectors=("forest", "buildings"))
    assert table["forest_tco2e"].isna().all()
    assert table["net_tco2e"].isna().all()
    assert table["net_sd_tco2e"].isna().all()
    assert table["buildings_tco2e"].tolist() == [3.0]
    assert table["forest_coverage"].tolist() == [0.0]


def test_lines_of_other_years_are_not_zeros_of_this_one():
    table = totals(layer([line(0, 3.0, year=2019)], [[1.0]]))
    assert table["buildings_tco2e"].isna().all()
    assert table["buildings_coverage"].tolist() == [0.0]
    assert "buildings_gas_direct_tco2e" in table.columns


def test_a_covering_source_without_features_is_zero():
    table = totals(layer([], np.zeros((2, 0)), sector="forest"), sectors=("forest",))
    assert table["forest_tco2e"].tolist() == [0.0, 0.0]
    assert table["net_tco2e"].tolist() == [0.0, 0.0]


def test_only_documented_columns_in_their_order(project):
    table = totals(
        layer([line(0, 3.0), line(0, 1.0, carrier="wood"), line(0, 1.0, carrier="heat", basis="indirect")], [[1.0]]),
        layer([line(0, 3.0, carrier="diesel")], [[1.0]], sector="transport"),
        sectors=("buildings", "transport", "forest"),
        population=np.array([12.0]),
    )
    documented = read_columns(project / "data" / "schema")
    assert documented.in_order(table.columns) == list(table.columns)
    for name in table.columns:
        assert str(table[name].dtype) == documented.describe(name).type


# Deviations


def test_own_errors_of_modelled_lines_add_and_those_of_meters_in_quadrature():
    modelled = totals(
        layer([line(0, 3.0, u_own=1.0), line(0, 4.0, u_own=1.0, carrier="wood", method="default")], [[1.0]])
    )
    assert modelled["buildings_sd_tco2e"].tolist() == [7.0]
    metered = totals(
        layer(
            [line(0, 3.0, u_own=1.0, method="metered"), line(0, 4.0, u_own=1.0, carrier="wood", method="metered")],
            [[1.0]],
        )
    )
    assert metered["buildings_sd_tco2e"].tolist() == [5.0]


def test_own_shared_and_factor_errors_written_out():
    """Two offices, 10 t and 20 t: own 50 %, intensity of offices 40 %, factor 5 %."""
    offices = [line(i, e, u_own=0.5, group="eui:office", u_group=0.4, u_factor=0.05) for i, e in ((0, 10.0), (1, 20.0))]
    apart = totals(layer(offices, np.eye(2)))
    together = totals(layer(offices, [[1.0, 1.0]]))
    assert_allclose(apart["buildings_sd_tco2e"], [np.hypot(np.hypot(5, 4), 0.5), np.hypot(np.hypot(10, 8), 1.0)])
    assert_allclose(together["buildings_sd_tco2e"], [np.sqrt(5**2 + 10**2 + 12**2 + 1.5**2)])


def test_a_stand_cut_over_a_hundred_cells_has_one_error():
    """Whole at both coarser levels: the same deviation there, and a tenth of a tenth in each cell."""
    stand = [line(0, -100.0, carrier="biomass", u_own=0.3, group="growth:pine", u_group=0.2)]
    fine = Shares(csr_array(np.full((100, 1), 0.01)), np.zeros(1))
    middle = to_coarser(np.arange(100) // 50, 2, fine)
    whole = to_coarser(np.zeros(2, dtype=int), 1, middle)
    sd = {
        shares.n_targets: totals(layer(stand, shares.matrix.toarray(), sector="forest"), sectors=("forest",))[
            "forest_sd_tco2e"
        ].to_numpy()
        for shares in (fine, middle, whole)
    }
    expected = np.hypot(30.0, 20.0)
    assert_allclose(sd[100], expected / 100)
    assert_allclose(sd[2], expected / 2)
    assert_allclose(sd[1], expected)


def test_twenty_thousand_defaulted_buildings_are_not_falsely_precise():
    n = 20_000
    table = totals(
        layer(
            [line(i, 1.0, method="default", u_own=0.5, group="eui:yes", u_group=0.3) for i in range(n)], np.ones((1, n))
        )
    )
    relative = table["buildings_sd_tco2e"][0] / n
    assert relative == pytest.approx(np.hypot(0.3, 0.5 / np.sqrt(n)))
    assert relative > 0.3


def test_errors_shared_by_sectors_add_in_net():
    """Electricity in buildings and in cars has one factor; a removal of the same factor would take away from it."""
    shared = {"factor_id": "grid", "u_factor": 0.1, "carrier": "electricity", "basis": "indirect"}
    table = totals(
        layer([line(0, 30.0, **shared)], [[1.0]]),
        layer([line(0, 40.0, **shared)], [[1.0]], sector="transport"),
        layer([line(0, -20.0, **shared, u_own=1.0)], [[1.0]], sector="forest"),
        sectors=("buildings", "transport", "forest"),
    )
    assert_allclose(table["buildings_sd_tco2e"], 3.0)
    assert_allclose(table["transport_sd_tco2e"], 4.0)
    assert_allclose(table["net_sd_tco2e"], np.hypot(3.0 + 4.0 - 2.0, 20.0))


def test_sum_and_product_rules_of_the_method_note(shared):
    oracle = json.loads((shared / "science" / "oracles.json").read_text(encoding="utf-8"))["uncertainty"]
    x, u = oracle["sum_rule"]["x"], np.array(oracle["sum_rule"]["u_percent"]) / 196
    rows = [line(i, float(v), u_own=float(d)) for i, (v, d) in enumerate(zip(x, u, strict=True))]
    table = totals(layer(rows, [[1.0, 1.0]]))
    percent = 196 * table["buildings_sd_tco2e"][0] / table["buildings_tco2e"][0]
    assert percent == pytest.approx(oracle["sum_rule"]["combined_percent"], abs=oracle["sum_rule"]["tol"])
    own, factor = np.array(oracle["product_rule"]["u_percent"]) / 196
    table = totals(layer([line(0, 7.0, u_own=own, u_factor=factor)], [[1.0]]))
    percent = 196 * table["buildings_sd_tco2e"][0] / 7.0
    assert percent == pytest.approx(oracle["product_rule"]["combined"], abs=oracle["product_rule"]["tol"])


# Order, levels and bits


@st.composite
def cities(draw):
    n_targets, n_features = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    parts = draw(
        st.lists(
            st.lists(st.integers(0, 9), min_size=n_targets, max_size=n_targets),
            min_size=n_features,
            max_size=n_features,
        )
    )
    whole = np.array(parts, dtype=np.float64).T
    shares = whole / np.maximum(whole.sum(axis=0), 1.0)
    words = st.sampled_from([("gas", "direct"), ("electricity", "indirect"), ("oil", "direct")])
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, n_features - 1),
                st.floats(-1e3, 1e3),
                words,
                st.sampled_from(["metered", "modelled", "default"]),
                st.sampled_from(["", "eui:office", "eui:house"]),
            ),
            max_size=30,
        )
    )
    lines = [
        line(
            f,
            e,
            carrier=c,
            basis=b,
            method=m,
            group=g,
            factor_id=c,
            u_own=0.3,
            u_group=0.2 if g else np.nan,
            u_factor=0.1,
        )
        for f, e, (c, b), m, g in rows
    ]
    return layer(lines, shares), draw(st.permutations(range(len(lines))))


@settings(PATIENT, max_examples=50)
@given(cities())
def test_order_of_lines_changes_no_bit(city):
    built, order = city
    shuffled = LayerShares(built.layer, built.sector, built.shares, built.lines.iloc[list(order)])
    pd.testing.assert_frame_equal(totals(built), totals(shuffled), check_exact=True)


@settings(PATIENT, max_examples=50)
@given(cities())
def test_totals_add_and_deviations_do_not(city):
    built, _ = city
    shares = Shares(built.shares, np.zeros(built.shares.shape[1]))
    whole = to_coarser(np.zeros(shares.n_targets, dtype=int), 1, shares)
    fine, coarse = totals(built), totals(LayerShares(built.layer, built.sector, whole.matrix, built.lines))
    assert_allclose(fine["buildings_tco2e"].sum(), coarse["buildings_tco2e"][0], atol=1e-9)
    carriers = [name for name in fine if name.endswith(("direct_tco2e", "indirect_tco2e"))]
    assert_array_equal(fine["buildings_tco2e"], fine[carriers].sum(axis=1) if carriers else 0.0)
    # The triangle inequality: a sum is never less certain than its parts side by side.
    assert coarse["buildings_sd_tco2e"][0] <= fine["buildings_sd_tco2e"].sum() * (1 + 1e-9) + 1e-9


def test_order_of_layers_changes_no_bit():
    first = layer([line(0, 0.1, u_own=0.1)], [[1 / 3]], name="a")
    second = layer([line(0, 0.7, u_factor=0.3)], [[1 / 7]], name="b")
    pd.testing.assert_frame_equal(totals(first, second), totals(second, first), check_exact=True)


def test_unsorted_shares_give_the_bits_of_sorted_ones():
    shares = csr_array((np.array([0.3, 0.1, 0.2]), np.array([2, 0, 1]), np.array([0, 3])), shape=(1, 3))
    lines = layer([line(i, e, u_own=0.3) for i, e in enumerate((0.1, 0.7, 1e9))], np.ones((1, 3))).lines
    mixed = LayerShares("b", "buildings", shares, lines)
    ordered = LayerShares("b", "buildings", csr_array(shares.toarray()), lines)
    pd.testing.assert_frame_equal(totals(mixed), totals(ordered), check_exact=True)


def test_coarser_shares_written_out():
    fine = Shares(csr_array(np.array([[0.5, 0.0], [0.25, 1.0], [0.25, 0.0]])), np.array([0.0, 0.0]))
    coarse = to_coarser(np.array([1, 0, 1]), 2, fine)
    assert_array_equal(coarse.matrix.toarray(), [[0.25, 1.0], [0.75, 0.0]])
    assert_array_equal(coarse.outside, fine.outside)


@pytest.mark.parametrize("parents", [[0, 2], [0, -1], [0], [0.0, 1.0]])
def test_a_target_without_a_parent_is_refused(parents):
    with pytest.raises(SumsMismatch, match="parent"):
        to_coarser(np.array(parents), 2, Shares(csr_array(np.eye(2)), np.zeros(2)))


# What is refused


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"emissions_tco2e": np.nan}, r"'buildings', feature 1, year 2023: emissions_tco2e is nan"),
        ({"emissions_tco2e": np.inf}, "emissions_tco2e is inf"),
        ({"u_own": np.nan}, "u_own is nan"),
        ({"u_factor": -0.1}, "a finite number, 0 or more"),
        ({"group": "eui:x", "u_group": np.nan}, "u_group is nan"),
        ({"feature": 2}, "positions 0 to 1"),
        ({"feature": -1}, "positions 0 to 1"),
        ({"method": "guessed"}, "one of metered, modelled, default"),
        ({"carrier": "steam"}, "carrier is steam"),
        ({"basis": ""}, "one of direct, indirect"),
        ({"factor_id": "", "u_factor": 0.1}, "the id of the factor"),
    ],
)
def test_bad_lines_name_layer_and_feature(wrong, said):
    with pytest.raises(BadLines, match=said):
        totals(layer([line(0, 1.0), line(1, 1.0) | wrong], [[1.0, 1.0]]))


def test_missing_columns_are_named():
    built = layer([line(0, 1.0)], [[1.0]])
    with pytest.raises(BadLines, match=r"lack (u_own, assumptions|assumptions, u_own)"):
        totals(LayerShares("b", "buildings", built.shares, built.lines.drop(columns=["u_own", "assumptions"])))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sectors": ("forest",)}, "the region has forest"),
        ({"coverage": {}}, "no coverage is given"),
        ({"coverage": {"buildings": np.ones(3)}}, "fractions from 0 to 1"),
        ({"coverage": {"buildings": np.array([1.0, 1.1])}}, "fractions from 0 to 1"),
        ({"coverage": {"buildings": np.ones(2), "forest": np.ones(2)}}, "coverage is given for forest"),
        ({"population": np.ones(3)}, "population has the shape"),
    ],
)
def test_parts_that_do_not_belong_together(change, said):
    with pytest.raises(SumsMismatch, match=said):
        totals(layer([line(0, 1.0)], [[1.0], [0.0]]), **change)


def test_layers_of_one_name_and_shares_of_another_grid_are_refused():
    one = layer([line(0, 1.0)], [[1.0], [0.0]])
    with pytest.raises(SumsMismatch, match="only once"):
        totals(one, one)
    with pytest.raises(SumsMismatch, match="expected are 2"):
        totals(one, layer([line(0, 1.0)], [[1.0]], name="other"))
    with pytest.raises(SumsMismatch, match="not fractions"):
        totals(layer([line(0, 1.0)], [[1.5]]))


def test_sums_and_table_agree():
    built = layer([line(0, 8.0, u_own=0.1), line(1, 4.0)], HOUSES)
    sums = collection_sums([built], n_targets=9, year=YEAR, sectors=["buildings"], coverage={"buildings": np.ones(9)})
    assert_array_equal(sums.sectors["buildings"].total, totals(built)["buildings_tco2e"])
    pd.testing.assert_frame_equal(sums.table(), totals(built), check_exact=True)
