"""Texts of a layer as codes of their words."""

import numpy as np
import pandas as pd
import pytest

from gis.columns import coded, distinct_codes, positions_of_each, words_of

TEXTS = ["b", None, "a", "b", "", None, "c"]


@pytest.mark.parametrize("dtype", ["object", "str", "category", pd.CategoricalDtype(["z", "c", "a", "", "b"])])
def test_words_come_as_they_appear_whatever_the_type(dtype):
    codes, words = words_of(pd.Series(TEXTS, dtype=dtype))
    assert words == ["b", "a", "", "c"]
    assert codes.tolist() == [0, -1, 1, 0, 2, -1, 3]


def test_numbers_and_absent_columns():
    codes, words = words_of(pd.Series([3, 3, 1]))
    assert (codes.tolist(), words) == ([0, 0, 1], ["3", "1"])
    codes, words = coded(pd.DataFrame(index=range(2)), "use")
    assert (codes.tolist(), words) == ([-1, -1], [])
    codes, words = words_of(pd.Series([None, None], dtype="category"))
    assert (codes.tolist(), words) == ([-1, -1], [])


@pytest.mark.parametrize("size", [10, 10**9])
def test_distinct_codes_and_their_positions(size):
    given = np.array([7, 2, 7, 9], dtype=np.intp)
    found, place = distinct_codes(given, size)
    assert (found, place.tolist()) == ([2, 7, 9], [1, 0, 1, 2])
    assert [positions.tolist() for positions in positions_of_each(place, 3)] == [[1], [0, 2], [3]]
    nothing, none = distinct_codes(given[:0], size)
    assert (nothing, none.tolist(), positions_of_each(none, 0)) == ([], [], [])
