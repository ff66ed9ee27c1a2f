"""The optimiser where measures share ground or roofs: nothing is taken twice, and the best that fits is chosen."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from scenarios import combinations as combining
from scenarios.combinations import combinations
from scenarios.marginal_curve import marginal_curve
from scenarios.mix import Candidate, Mix
from scenarios.options import Options
from scenarios.portfolio import best_portfolio
from scenarios.run import baseline_of, run
from scenarios.scenario import Scenario
from scenarios.solver import Settings
from scenarios.where_errors import InvalidOptions
from tests.scenarios.portfolio_cases import every_choice, made_options

CLOSE = Settings(gap=1e-4, time_limit_s=10)
COSTS = {"capital_per_unit": 100.0, "lifetime_years": 30, "discount_rate": 0.03}


def sharing(seed: int) -> Options:
    """A measure of a group, one that adds, and three of which two share ground and one has roofs to itself."""
    options = made_options(2, 5, 3, seed, alone=4)
    uses = np.zeros((5, 3))
    uses[2:, 1:] = np.random.default_rng(seed).uniform(0.2, 1, (3, 2))
    return replace(options, resource=("", "", "ground", "ground", "roofs"), uses=uses)


@given(seed=st.integers(0, 10_000), part=st.floats(0.05, 1.0))
@settings(max_examples=20, deadline=None)
def test_the_best_is_the_best_of_all_that_fits(seed: int, part: float) -> None:
    options = sharing(seed)
    chosen, saved, spent = every_choice(options)
    ground = options.uses[2, chosen[:, :, 2]] + options.uses[3, chosen[:, :, 3]]
    fits = (ground <= 1 + 1e-9).all(axis=1)
    saved, spent = saved.sum(axis=1)[fits], spent.sum(axis=1)[fits]
    budget = part * float(spent.max())
    best = best_portfolio(options, budget=budget, settings=CLOSE)
    assert (options.taken(best.levels)["ground"] <= 1 + 1e-9).all()
    assert best.total_tco2e == pytest.approx(saved[spent <= budget * (1 + 1e-9)].max(), rel=1e-3)
    target = part * float(saved.max())
    cheapest = best_portfolio(options, target_tco2e=target, settings=CLOSE)
    assert cheapest.total_cost == pytest.approx(spent[saved >= target * (1 - 1e-9)].min(), rel=1e-3)
    curve = marginal_curve(combinations(options))
    assert curve.saved_tco2e.sum() == pytest.approx(saved.max())


def test_a_choice_that_takes_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    options = sharing(1)
    uses = options.uses.copy()
    uses[2:4, 2] = 0.7
    options = replace(options, uses=uses)
    with pytest.raises(InvalidOptions, match="takes 140% of the ground in zone 1"):
        options.reduction_tco2e(np.array([[2, 2, 2, 0, 2], [0, 0, 2, 2, 0]]))
    assert options.taken(np.array([[2, 2, 2, 0, 2], [0, 0, 0, 2, 0]]))["ground"] == pytest.approx([0.7, 0.7])
    with pytest.raises(InvalidOptions, match="may"):
        replace(options, resource=("ground", "", "", "", ""))
    with pytest.raises(InvalidOptions, match="beyond 0 to 1"):
        replace(options, uses=2 * uses)
    monkeypatch.setattr(combining, "MOST_SHARING", 4)
    with pytest.raises(InvalidOptions, match="measure 2, measure 3 share"):
        combinations(replace(options, uses=np.zeros_like(uses)))


def test_the_mix_plants_no_ground_and_covers_no_roof_twice(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    built = state.floor_area_m2.sum(axis=0) / 4 / 1e4
    free = float(np.maximum(state.area_ha - state.green_ha - built, 0).sum())

    def candidate(levels: tuple[float, ...], **members: Any) -> Candidate:
        [measure] = Scenario.model_validate({"year": 2040, "measures": [{**members, "costs": COSTS}]}).measures
        return Candidate(measure, levels)

    pv = {"kind": "rooftop_pv", "level": 1, "parameters": {"pv.roof_share": 0.4}}
    chosen = (
        candidate((0.5 * free, 0.9 * free), id="parks", kind="park", hectares=1),
        candidate((0.5 * free, 0.9 * free), id="woods", kind="afforestation", hectares=1),
        candidate((0.6, 1.0), id="pv1", **pv),
        candidate((0.4, 1.0), id="pv2", **pv),
    )
    cut = np.array([0.0, 2.5, 6.0])  # a border that cuts through cells
    along = np.clip(np.minimum(cut[1:, None], np.arange(6) + 1) - np.maximum(cut[:-1, None], np.arange(6)), 0, 1)
    shares = np.einsum("ar,bc->abrc", along, along).reshape(4, 36)
    mix = Mix(baseline_of(state), 2040, chosen, csr_array(shares), [f"z{k}" for k in range(4)])
    assert mix.options.resource == ("ground", "ground", "roofs", "roofs")
    np.testing.assert_allclose(mix.options.uses, [[0, 0.5, 0.9], [0, 0.5, 0.9], [0, 0.6, 1], [0, 0.4, 1]])
    best = best_portfolio(mix.options, budget=1e12, simulate=mix.simulate, settings=CLOSE)
    quantities = mix.quantities(best.levels)
    roofs = state.floor_area_m2.sum() / 4 * 0.4 * 0.2
    assert 0.85 * free < quantities[:, :2].sum() <= free * (1 + 1e-9)
    assert quantities[:, 2:].sum() == pytest.approx(roofs)
    assert best.agrees
    result = run(mix.baseline, mix.scenario(best.levels), mix.coverage)
    assert -result.first.total_tco2e == pytest.approx(best.total_tco2e)
