"""Cells in Z-order, found without a search, against numpy's sorting of the keys themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.cell_index import MISSING, CellIndex, keys_of
from grids.errors import GridError

FAR = 2**31 - 1
PLACES = st.one_of(st.integers(-20, 20), st.integers(-FAR, FAR))


def interleaved(row: int, col: int) -> int:
    """The key by its definition, bit by bit."""
    row, col = row + 2**31, col + 2**31
    return sum(((col >> bit & 1) << 2 * bit) | ((row >> bit & 1) << (2 * bit + 1)) for bit in range(32))


@given(st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_cells_stand_in_the_order_of_their_keys(cells: list[tuple[int, int]]) -> None:
    rows, cols = np.array(cells, dtype=np.int64).T
    keys = [interleaved(*cell) for cell in cells]
    assert keys_of(rows, cols).tolist() == keys
    half = len(cells) // 2
    index = CellIndex([(rows[:half], cols[:half]), (rows[half:], cols[half:])])
    assert list(zip(*(along.tolist() for along in index.cells()), strict=True)) == sorted(
        set(cells), key=lambda cell: interleaved(*cell)
    )
    distinct = sorted(set(keys))
    assert index.places(rows, cols).tolist() == [distinct.index(key) for key in keys]


@given(st.sets(st.tuples(PLACES, PLACES), max_size=30), st.tuples(PLACES, PLACES))
@settings(deadline=None, max_examples=60)
def test_what_is_not_there_is_missing(cells: set[tuple[int, int]], other: tuple[int, int]) -> None:
    index = CellIndex([([row for row, _ in cells], [col for _, col in cells])])
    assert index.size == len(cells)
    assert (index.places([other[0]], [other[1]])[0] == MISSING) == (other not in cells)


def test_many_squares_outgrow_the_table() -> None:
    cells = np.random.default_rng(7).integers(-100_000, 100_000, (2, 50_000))
    index = CellIndex(np.array_split(cells, 7, axis=1))
    keys, first, place = np.unique(keys_of(*cells), return_index=True, return_inverse=True)
    assert index.size == keys.size
    assert np.array_equal(np.stack(index.cells()), cells[:, first])
    assert np.array_equal(index.places(*cells), place)


def test_rows_without_columns_and_places_beyond_the_curve_are_refused() -> None:
    with pytest.raises(GridError, match="2 rows and 1 columns"):
        CellIndex([([1, 2], [1])])
    with pytest.raises(GridError, match=r"beyond 2\^31"):
        CellIndex([([1], [2**31])])
    with pytest.raises(GridError, match=r"beyond 2\^31"):
        CellIndex([([1], [1])]).places([-(2**31)], [0])
