"""No public column says more of closed meters than the sums that the attacker of `bench disclosure` reads.

Meters are moved so that every told sum stays as it is. Then every column of every public table has to stay as well:
deviations, shares of what is metered, marks and net. Scenarios, statistics, tiles and exports are made of these tables,
so that they say nothing more either.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import receipt_town
from scipy.linalg import null_space
from scipy.sparse import vstack

from grids.grouping import Rule

YEAR = 2023
CARRIERS = {
    "gas": {},
    "electricity": {"carrier": "electricity", "basis": "indirect", "factor_id": "grid", "u_factor": 0.03},
}


def town(below_zero: bool) -> receipt_town.Town:
    """Sixty buildings burn gas, every second one uses power, or feeds in more than it uses; two more are open."""
    random = np.random.default_rng(7)
    stock = [receipt_town.line(k, random.uniform(10, 20), year=YEAR) for k in range(60)]
    for k in range(0, 60, 2):
        sign = -1 if below_zero and k % 10 == 0 else 1
        stock.append(receipt_town.line(k, sign * random.uniform(5, 9), year=YEAR, **CARRIERS["electricity"]))
    stock += [receipt_town.model(k, 4.0, year=YEAR, carrier="oil") for k in range(5)]
    shares = receipt_town.cells(*(k % 13 for k in range(56)), 13, 13, 14, 15)
    shares[3, 3], shares[4, 3] = 0.7, 0.3
    plants = [receipt_town.line(k, 2.0 + k, year=YEAR) for k in range(2)]
    return receipt_town.Town(stock, shares, plants, receipt_town.cells(0, 9), rule=Rule(3, 10, audit=True))


def moved(city: receipt_town.Town) -> receipt_town.Town:
    """Other readings that agree with every told sum, carrier by carrier."""
    top = city.top(YEAR)
    states = [top.states["buildings"], *(each.states["buildings"] for each in city.protections(YEAR).values())]
    rows = vstack([state.told for state in states]).toarray()
    random, stock = np.random.default_rng(3), [dict(entry) for entry in city.stock]
    for carrier in CARRIERS:
        mine = [entry for entry in stock if entry["carrier"] == carrier and entry["method"] == "metered"]
        free = null_space(rows[:, [entry["feature"] for entry in mine]])
        assert free.shape[1] > 5
        step = free @ random.normal(size=free.shape[1])
        step *= 0.02 * min(abs(entry["emissions_tco2e"]) for entry in mine) / np.abs(step).max()
        for entry, by in zip(mine, step, strict=True):
            entry["emissions_tco2e"] += by
    return replace(city, stock=stock)


def tables(city: receipt_town.Town) -> dict[str, pd.DataFrame]:
    return {
        name: city.held(receipt_town.COLLECTIONS[name], YEAR, protection).table()
        for name, protection in city.protections(YEAR).items()
    }


@pytest.mark.parametrize("below_zero", [False, True], ids=["above zero", "some below zero"])
def test_readings_that_agree_with_all_told_sums_give_the_same_tables(below_zero):
    city = town(below_zero)
    before, after = tables(city), tables(moved(city))
    assert any(frame["held"].any() for frame in before.values())
    assert not all(frame["held"].all() for frame in before.values())
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, after[name], rtol=1e-9, atol=1e-9, obj=name)


def test_readings_that_move_a_told_sum_are_seen():
    """The test above would fail if tables did not depend on readings at all."""
    city = town(below_zero=False)
    stock = [entry | {"emissions_tco2e": entry["emissions_tco2e"] * 1.01} for entry in city.stock]
    before, after = tables(city), tables(replace(city, stock=stock))
    for name, frame in before.items():
        assert (frame["buildings_sd_tco2e"] != after[name]["buildings_sd_tco2e"]).all(), name
