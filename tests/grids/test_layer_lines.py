"""Emission lines made compact: kinds, order, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grids import features
from grids.features import BadLines, LayerLines

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines may be busy
PAIRS = (("gas", "direct"), ("electricity", "indirect"))


def frame(n: int, seed: int = 0, kinds: int = 4) -> pd.DataFrame:
    """Lines of several years and kinds, in no order; some nulls where no group is."""
    random = np.random.default_rng(seed)
    of = random.integers(0, kinds, n)
    carrier, basis = np.array(PAIRS, dtype=object)[of % 2].T
    grouped = of % 3 == 0
    return pd.DataFrame(
        {
            "feature": random.integers(0, max(n // 2, 1), n).astype(np.int32),
            "year": random.choice([2021, 2023], n).astype(np.int16),
            "carrier": carrier,
            "basis": basis,
            "method": np.array(["metered", "modelled", "default"], dtype=object)[of % 3],
            "group": np.where(grouped, "eui:office", None),
            "factor_id": "f" + pd.Series(of % 2).astype(str),
            "assumptions": np.where(of % 5 == 0, "a.b", ""),
            "emissions_tco2e": random.normal(0, 10, n).round(1),
            "u_own": of / 7.0,
            "u_group": np.where(grouped, 0.5, np.nan),
            "u_factor": 0.1,
        }
    )


def plain(lines: LayerLines) -> list[tuple[object, ...]]:
    found = []
    for year, part in lines.by_year.items():
        feature = np.repeat(np.arange(lines.n_features), np.diff(part.starts))
        for of, kind, amount in zip(feature.tolist(), part.kind.tolist(), part.emissions.tolist(), strict=True):
            assert lines.kinds[kind].year == year
            found.append((year, of, lines.kinds[kind], amount))
    return found


def same(one: LayerLines, other: LayerLines) -> None:
    assert one.kinds == other.kinds
    assert list(one.by_year) == list(other.by_year)
    for year, part in one.by_year.items():
        for mine, theirs in zip(part, other.by_year[year], strict=True):
            assert mine.tobytes() == theirs.tobytes()


@settings(PATIENT, max_examples=40)
@given(st.integers(0, 60), st.integers(0, 2**32 - 1), st.sampled_from([1, 4, 50]))
def test_every_line_is_kept_in_order(n, seed, kinds):
    rows = frame(n, seed, kinds)
    lines = LayerLines.of("b", rows, 100)
    expected = sorted(
        (
            row.year,
            row.feature,
            (row.carrier, row.basis, row.method, "" if pd.isna(row.group) else row.group, row.factor_id, row.u_own),
            row.emissions_tco2e,
        )
        for row in rows.itertuples()
    )
    kept = [
        (year, of, (kind.carrier, kind.basis, kind.method, kind.group, kind.factor_id, kind.u_own), amount)
        for year, of, kind, amount in plain(lines)
    ]
    assert kept == expected
    assert all(kind.u_group == (0.5 if kind.group else 0.0) for kind in lines.kinds)
    assert {kind.is_assumed for kind in lines.kinds} == set((rows["assumptions"] != "").tolist())


@settings(PATIENT, max_examples=20)
@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_neither_order_nor_frames_nor_types_change_a_bit(n, seed):
    rows = frame(n, seed)
    whole = LayerLines.of("b", rows, 100)
    same(whole, LayerLines.of("b", rows.sample(frac=1, random_state=seed), 100))
    words = ["carrier", "basis", "method", "group", "factor_id", "assumptions"]
    categories = rows.astype(dict.fromkeys(words, "category"))
    same(whole, LayerLines.of("b", categories, 100))
    same(whole, LayerLines.of("b", [categories.iloc[: n // 3], rows.iloc[n // 3 :], rows.iloc[:0]], 100))


def test_blocks_of_lines_and_many_kinds(monkeypatch):
    rows = frame(4_000, 3, kinds=3_000)
    assert rows["u_own"].nunique() > 1_500, "more than the first table of kinds holds"
    whole = LayerLines.of("b", rows, 4_000)
    monkeypatch.setattr(features, "_LINES_AT_ONCE", 170)
    same(whole, LayerLines.of("b", rows, 4_000))


def test_a_line_without_use_is_refused_whatever_its_kind():
    rows = frame(50)
    rows.loc[17, "u_own"] = -1.0
    with pytest.raises(BadLines, match=rf"'b', feature {rows.loc[17, 'feature']}, .*u_own is -1.0.*1 of 50 lines"):
        LayerLines.of("b", rows, 100)
    with pytest.raises(BadLines, match="positions 0 to 2"):
        LayerLines.of("b", frame(50), 3)


def test_columns_must_hold_every_pair_and_group():
    lines = LayerLines.of("b", frame(50), 100)
    with pytest.raises(BadLines, match="has no column"):
        lines.columns(PAIRS[:1], sorted(lines.groups))
    with pytest.raises(BadLines, match="has no column"):
        lines.columns(PAIRS, [])
    skip = np.array([kind.carrier != "gas" for kind in lines.kinds])
    assert (lines.columns(PAIRS[:1], sorted(lines.groups), skip).pair == np.where(skip, -1, 0)).all()
