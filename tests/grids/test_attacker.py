"""The attacker of `bench disclosure`: spans by hand, equations out of published tables, and two editions subtracted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import receipt_town
from scipy.sparse import csr_array

from bench.attacker import Equations, equations_of
from bench.disclosing import correct_one_meter, span_row
from bench.spans import Places
from grids.grouping import Rule

Town = receipt_town.Town
cells = receipt_town.cells
line = receipt_town.line
publish = receipt_town.publish


def known(values: list[float], *rows: list[float]) -> Equations:
    keys = [("stock", str(k)) for k in range(len(values))]
    return Equations("by hand", keys, csr_array(np.array(rows, dtype=float)), np.array(values))


def test_one_sum_of_three_by_hand():
    """18 t in all: whoever owns the 6 t knows that the 7 t is at most 12, whoever owns the 5 t at most 13."""
    span = Places(known([5, 6, 7], [1, 1, 1])).span(2, enough=0.9)
    assert span.below == pytest.approx(1.0)
    assert span.above == pytest.approx((12 - 7) / 7)
    assert span.is_narrowest


def test_two_cells_and_the_zone_around_them_leave_one_building():
    cell, other, zone = [1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 0], [1] * 7
    places = Places(known([5, 6, 7, 5, 6, 7, 9], cell, other, zone))
    assert places.exposed_first()[0] == 6
    assert places.span(6, enough=0.2).least == pytest.approx(0.0, abs=1e-9)
    assert span_row(known([5, 6, 7, 5, 6, 7, 9], cell, other, zone), 7, 20)["narrow"] == 1


def test_what_an_owner_knows_elsewhere_counts():
    """The third building is cut: its owner subtracts a part from both sums, its neighbours know only their own."""
    places = Places(known([4, 6, 8, 5, 7], [1, 1, 0.5, 0, 0], [0, 0, 0.5, 1, 1]))
    assert places.span(1, enough=0.9).above == pytest.approx(4 / 6)
    assert places.span(4, enough=0.9).above == pytest.approx(4 / 7)


def test_nothing_bounds_what_is_in_no_sum():
    span = Places(known([5, 6, 7, 8], [1, 1, 1, 0])).span(3, enough=0.2)
    assert span.above == np.inf
    assert span.below == pytest.approx(1.0)


def least_room(quarter: Town, *folders: Path) -> float:
    editions = [publish(quarter, folder) for folder in folders]
    return min(span_row(equations, 100, 20)["narrowest"] for equations in equations_of(editions))


def test_tables_of_a_town_are_read_and_the_rule_matters(tmp_path: Path):
    """Six meters in two cells: with the rule each keeps its room, without it two are read off the tables."""
    stock = [line(k, 10 + k, year=year) for k in range(6) for year in receipt_town.YEARS]
    quarter = Town(stock, cells(0, 0, 0, 0, 15, 15), rule=Rule(3, 20))
    assert least_room(quarter, tmp_path / "kept") >= 20
    assert least_room(replace(quarter, rule=Rule(1, 0)), tmp_path / "open") == pytest.approx(0.0, abs=1e-4)


def test_the_audit_closes_what_no_pair_of_targets_tells(tmp_path: Path):
    """A zone is two coarse cells and one building more; less either cell it is no secret, less both it is a meter."""
    places = [0, 0, 0, 8, 8, 8, 4, 5, 5, 5, 12, 12, 12]
    stock = [line(k, 10 + k % 4, year=year) for k in range(len(places)) for year in receipt_town.YEARS]
    zone_of = np.isin(np.arange(16), [0, 1, 2, 3, 8, 9, 10, 11, 4], invert=True).astype(int)
    quarter = Town(stock, cells(*places), zone_of=zone_of, rule=Rule(3, 20))
    assert least_room(quarter, tmp_path / "pairs") == pytest.approx(0.0, abs=1e-4)
    audited = replace(quarter, rule=Rule(3, 20, audit=True))
    assert least_room(audited, tmp_path / "audit") >= 20
    report = audited.protections(2023)["gu"].report["buildings"]
    assert (report["by_audit"], report["unproven"]) == (2, 0)
    assert "by_audit" not in quarter.protections(2023)["gu"].report["buildings"]


def test_a_meter_that_is_new_in_the_second_edition_is_the_difference(tmp_path: Path):
    """Each edition by itself leaves room; who subtracts them reads the new meter."""
    stock = [line(k, 10 + k) for k in range(5)]
    before = Town(stock, cells(0, 0, 0, 0, 0, 0), rule=Rule(3, 20))
    after = replace(before, stock=[*stock, line(5, 12.5)])
    first, second = publish(before, tmp_path / "first"), publish(after, tmp_path / "second")
    alone = [
        span_row(equations, 100, 20)["narrow"] for edition in (first, second) for equations in equations_of([edition])
    ]
    assert not any(alone)
    both = [equations for equations in equations_of([first, second]) if len(equations.true) == 6]
    assert len(both) == 1
    new = next(k for k, key in enumerate(both[0].keys) if both[0].true[k] == 12.5)
    assert Places(both[0]).span(new, 0.2).least == pytest.approx(0.0, abs=1e-6)


def test_correcting_a_meter_changes_one_building(tmp_path: Path):
    file = tmp_path / "meters.csv"
    frame = pd.DataFrame(
        {"id": list("aabbcc"), "month": [1, 2] * 3, "carrier": ["gas"] * 6, "value": [1.0] * 6, "unit": ["kWh"] * 6}
    )
    frame.to_csv(file, index=False, encoding="cp949")
    assert correct_one_meter(file, 3.0) == "b"
    assert pd.read_csv(file)["value"].tolist() == [1, 1, 3, 3, 1, 1]
