"""Errors of lines after calibration, against linear Gaussian conditioning written out with small matrices."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array, vstack

from accounting.calibration import fitted_factors
from accounting.control_totals import ControlTotal
from accounting.emissions import EmissionLines, join_lines, line_block
from carbonmap.calibrated_lines import calibrated
from carbonmap.calibration import problem_of, scaling_of
from carbonmap.calibration_sums import Key, KeySums, PartZones, add_part
from grids.aggregate import CollectionSums, LayerShares, collection_sums
from grids.shared_errors import named, shared_errors

ZONES = ("a", "b")


def some(first: int, count: int, tonnes: float, **errors: Any) -> EmissionLines:
    """Features that emit as much each."""
    told = {"method": "modelled", "group": "", "u_group": 0.0, "u_own": 0.0, "factor_id": "", "u_factor": 0.0} | errors
    return line_block(
        np.arange(first, first + count), activity=tonnes, emissions_tco2e=tonnes, year=2023, carrier="gas",
        basis="direct", activity_unit="m3", assumptions="", **told,
    )  # fmt: skip


def held_to(total: float, percent: float, lines: EmissionLines, in_a: int) -> CollectionSums:
    """Zones after calibration by ratio; the first features lie in a, the others in b. The last row is the region."""
    features = int(lines.feature.max()) + 1
    rows = np.where(np.arange(features) < in_a, 0, 1)
    shares = csr_array((np.ones(features), (rows, np.arange(features))), shape=(3, features))
    totals = [ControlTotal("totals.csv, row 2", 2023, "", "buildings", "", "", total, "tCO2e", percent, "a test")]
    sums: dict[Key, KeySums] = {}
    where = PartZones(shares)
    add_part(sums, lines, where, "buildings", totals, scalable=True, is_open=True)
    problem = problem_of(totals, ZONES, sums)
    factors = fitted_factors(problem, "ratio", (0.2, 5.0))
    after = calibrated(lines, where, "buildings", scaling_of(problem, ZONES, sums, factors, None))
    assert after is not None
    everywhere = csr_array(vstack([shares[:2], csr_array(np.ones((1, features)))], format="csr"))
    layer = LayerShares("buildings", "buildings", everywhere, after.frame())
    return collection_sums([layer], n_targets=3, year=2023, sectors=["buildings"], coverage={"buildings": np.ones(3)})


def deviations(sums: CollectionSums) -> list[float]:
    return np.sqrt(sums.sectors["buildings"].variance).tolist()


def test_zones_under_one_total_are_as_unsure_as_conditioning_says():
    """Houses of 8,000 t in a, a thousand offices of 2 t in b, 40 % each; their sum is known to 10 % (95 %)."""
    lines = join_lines(
        [some(0, 100, 80.0, group="eui:house", u_group=0.4), some(100, 1000, 2.0, group="eui:office", u_group=0.4)]
    )
    before, of_total = np.diag([3200.0**2, 800.0**2]), (10_000 * 0.1 / 1.96) ** 2
    gain = np.array([[0.8], [0.2]])  # of the ratio: a surplus goes where emissions are
    left = np.eye(2) - gain @ np.ones((1, 2))
    oracle = left @ before @ left.T + of_total * gain @ gain.T
    found = deviations(held_to(10_000, 10, lines, 100))
    assert found == pytest.approx([*np.sqrt(np.diag(oracle)), np.sqrt(oracle.sum())], rel=1e-6)
    # The ratio is never surer than the best use of the total.
    best = before @ np.ones((2, 1)) / (before.sum() + of_total)
    posterior = before - best @ (np.ones((1, 2)) @ before)
    assert found[1] >= np.sqrt(posterior[1, 1]) > 770
    assert found[2] == pytest.approx(np.sqrt(of_total), rel=1e-6)


def test_what_is_measured_is_no_surer_after_calibration():
    """8,000 t of 10,000 (1 %) are metered, with a factor known to 5 %: the modelled 2,000 t are what it leaves."""
    meters = some(0, 10, 800.0, method="metered", factor_id="gas", u_factor=0.05)
    lines = join_lines([meters, some(10, 100, 20.0, group="eui:house", u_group=0.4)])
    metered, of_total = 8_000 * 0.05, 10_000 * 0.01 / 1.96
    found = deviations(held_to(10_000, 1, lines, 10))
    assert found == pytest.approx([metered, np.hypot(metered, of_total), of_total], rel=1e-6)


def test_errors_of_single_meters_count_in_what_is_left():
    lines = join_lines([some(0, 4, 1000.0, method="metered", u_own=0.05), some(4, 10, 600.0)])
    found = deviations(held_to(10_000, 1, lines, 4))
    assert found[1] == pytest.approx(np.sqrt(4 * 50.0**2 + (100 / 1.96) ** 2), rel=1e-6)


def test_groups_with_signs_are_read_as_they_were_written():
    text = named("total:buildings:all:a|b", {"eui:house": -0.25, "factor:x=y": 0.5, "nothing": 0.0})
    assert shared_errors(text, 0.1, "gas", 0.02) == [
        ("total:buildings:all:a/b", 0.1), ("eui:house", -0.25), ("factor:x=y", 0.5), ("factor:gas", 0.02),
    ]  # fmt: skip
    assert shared_errors("", 0.1, "", 0.0) == []
