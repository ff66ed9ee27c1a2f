"""The experiments on intervals and on thinned maps: small, seeded, and able to fail."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.interval_trials import INTERVALS, drawn_truths, held_share, intervals_question, made_town
from bench.likeness import (
    FILE,
    METRES_PER_DEGREE,
    correlogram,
    fitted,
    likeness_question,
    metered_buildings,
    pairs_of,
)
from bench.thinned_maps import coverage_question

STATED, DEFAULT, UNKNOWN, WITHOUT = INTERVALS


def silent(_: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], dict[str, Any]]:
    report = intervals_question(trials=400, buildings=2_500, seed=3, tell=silent)
    return {(row["neighbours"], row["intervals"]): row for row in report.rows}


@pytest.mark.parametrize("level", ["cell", "zone", "city"])
@pytest.mark.parametrize("neighbours", ["0%", "10%", "30%"])
def test_published_intervals_hold_the_truth_however_alike_neighbours_are(rows: Any, level: str, neighbours: str):
    assert 87 < rows[neighbours, STATED][level] < 93


def test_without_shared_errors_intervals_fail(rows: Any):
    without = rows["0%", WITHOUT]
    assert without["city"] < 30
    assert without["zone"] < 65
    assert without["cell"] < 88


def test_intervals_that_know_nothing_of_neighbours_fail_where_these_are_alike(rows: Any):
    assert rows["30%", UNKNOWN]["cell"] < 86
    assert rows["30%", UNKNOWN]["zone"] < 80
    assert rows["30%", UNKNOWN]["city"] < 86
    assert rows["30%", WITHOUT]["city"] < 30


def test_what_the_tables_say_of_neighbours_is_better_than_nothing_where_they_are_alike(rows: Any):
    for neighbours in ("10%", "30%"):
        for level in ("cell", "zone"):
            by_default, unknown = (abs(rows[neighbours, how][level] - 90) for how in (DEFAULT, UNKNOWN))
            assert by_default < unknown
    for level in ("cell", "zone", "city"):  # where they are not, intervals are wide, never narrow
        assert rows["0%", DEFAULT][level] > rows["0%", UNKNOWN][level]


def test_truths_are_estimates_on_average_with_the_declared_spread():
    town = made_town(1_500, np.random.default_rng(2))
    truths = np.concatenate(list(drawn_truths(town, 800, 0.1, np.random.default_rng(5))), axis=1)
    estimated = sum(town.emissions.values())
    assert truths.mean() == pytest.approx(np.mean(estimated), rel=0.01)
    spread = (truths.std(axis=1) / truths.mean(axis=1)).mean()
    shared = np.hypot(np.average(town.u_use[town.use]), 0.03)
    assert spread == pytest.approx(np.hypot(town.u_own, shared), rel=0.1)
    assert 0 < held_share(town, "cell", [truths], STATED, 0.1) < 1


def test_what_neighbours_have_in_common_is_found_in_made_up_places():
    """Fields of three tenths of the variance that fade with 200 m, on buildings in 3 km; then without their places."""
    rng = np.random.default_rng(8)
    n, found, mixed = 700, [], []
    for _ in range(8):
        place = rng.uniform(0, 3_000, (n, 2))
        apart = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
        field = np.linalg.cholesky(0.3 * np.exp(-apart / 200) + 0.7 * np.eye(n)) @ rng.standard_normal(n)
        found.append(pairs_of(field, place))
        mixed.append(pairs_of(rng.permutation(field), place))
    part, range_m = fitted(*correlogram(*np.concatenate(found, axis=1)))
    assert part == pytest.approx(0.3, abs=0.1)
    assert range_m == pytest.approx(200, rel=0.4)
    common, _ = correlogram(*np.concatenate(mixed, axis=1))
    assert np.abs(common[2:]).max() < 0.05


def test_deviations_of_meters_are_from_the_mean_of_their_use(tmp_path: Path):
    n, area = 40, np.full(40, 10_000.0)
    use = np.where(np.arange(n) % 2, "Office", "Hotel")
    table = pd.DataFrame(
        {
            "SiteEnergyUse(kBtu)": area * np.where(use == "Office", 60, 90) * np.exp(0.1 * (np.arange(n) // 2 % 3)),
            "PropertyGFABuilding(s)": area,
            "Electricity(kWh)": 1.0,
            "PrimaryPropertyType": use,
            "BuildingType": np.where(use == "Hotel", "NonResidential", "Multifamily HR (10+)"),
            "Latitude": 47.6 + np.arange(n) * 100 / METRES_PER_DEGREE,
            "Longitude": -122.3,
        }
    )
    table.loc[0, "SiteEnergyUse(kBtu)"] = 0.0  # no reading
    table.loc[1, "PrimaryPropertyType"] = "Lighthouse"  # the only one
    table.to_csv(tmp_path / FILE, index=False, encoding="utf-8-sig")
    deviation, place, is_home = metered_buildings(tmp_path / FILE)
    assert (len(deviation), int(is_home.sum())) == (38, 19)
    assert np.diff(place[:, 1]) == pytest.approx(100, rel=1e-6)
    for kind in (is_home, ~is_home):
        assert deviation[kind].mean() == pytest.approx(0, abs=1e-12)
        assert np.ptp(deviation[kind]) == pytest.approx(0.2)


def test_the_tables_say_of_neighbours_what_seattles_meters_do(shared: Path):
    report = likeness_question(inputs=shared / "data" / "seattle-energy-traffic-2016", tell=silent)
    assert [note.split(":")[0] for note in report.notes] == ["homes", "others", "both"]
    said = made_town(200, np.random.default_rng(1)).by_default
    found = [[float(each) for each in re.findall(r"[\d.]+", note.split(":")[1])] for note in report.notes[:2]]
    assert min(part for part, _ in found) <= 100 * said.part <= max(part for part, _ in found)
    assert said.range_m == pytest.approx(np.sqrt(found[0][1] * found[1][1]), rel=0.05)


def test_calibration_mends_totals_of_a_thinned_map_and_not_its_cells(tiny: Any, tmp_path: Path):
    """Some hundred houses in two districts: with the totals known, a fifth of them makes the same totals."""
    rng = np.random.default_rng(4)
    houses = []
    for number, (x, y) in enumerate(rng.uniform(20, 1950, (400, 2)).tolist()):
        ring = [(x, y), (x + 12, y), (x + 12, y + 12), (x, y + 12), (x, y)]
        shape = {"type": "Polygon", "coordinates": [[[540_000 + a, 5_220_000 + b] for a, b in ring]]}
        use = {"bid": f"h{number}", "kind": "office", "floors": 2, "area": float(rng.uniform(100, 400))}
        houses.append({"type": "Feature", "properties": use, "geometry": shape})
    tiny.layers["buildings.geojson"]["features"] = houses
    tiny.source("buildings").pop("joins")
    tiny.source("buildings")["open"] = True
    report = coverage_question(
        region=str(tiny.write()), inputs=None, store=tmp_path / "store", draws=3, seed=1, tell=silent
    )
    found = {(row["sector"], row["left"], row["how"]): row for row in report.rows}
    for left, missing in (("80%", -20), ("50%", -50), ("20%", -80)):
        bare, met = found["buildings", left, "none"], found["buildings", left, "ratio"]
        assert bare["total"] == pytest.approx(missing, abs=6)
        assert abs(met["total"]) < 1e-9
        assert met["zone"] < 1e-9 < bare["zone"]
        assert met["fine"] > 10
    cells = [found["buildings", left, "ratio"]["fine"] for left in ("80%", "50%", "20%")]
    assert cells == sorted(cells)
