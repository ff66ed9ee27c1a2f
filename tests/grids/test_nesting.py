"""Rows added by parent, and rows by themselves, against dense arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from grids import nesting
from grids.nesting import block_sums
from grids.sparse_rows import rows_of, squares_by_row


def some_matrix(random: np.random.Generator, rows: int, columns: int) -> csr_array:
    return csr_array((random.random((rows, columns)) < 0.4) * random.integers(1, 9, (rows, columns)) / 8)


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(2, 6), st.integers(1, 60))
@settings(deadline=None, max_examples=60)
def test_rows_are_added_by_parent(seed: int, n_rows: int, n_parents: int, n_columns: int) -> None:
    random = np.random.default_rng(seed)
    matrix = some_matrix(random, n_rows, n_columns)
    parents = random.integers(0, n_parents, n_rows)
    sums = block_sums(parents, n_parents, matrix)
    expected = np.zeros((n_parents, n_columns))
    np.add.at(expected, parents, matrix.toarray())
    assert np.array_equal(sums.toarray(), expected)
    assert sums.has_canonical_format
    assert sums.indices.dtype == sums.indptr.dtype == np.int32
    assert np.array_equal(block_sums(np.zeros(n_rows, dtype=int), 1, matrix).toarray()[0], expected.sum(axis=0))


@pytest.mark.parametrize("threads", ["1", "3"])
def test_blocks_and_threads_change_no_bit(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    matrix = csr_array((random.random((500, 40)) < 0.3) * random.random((500, 40)))
    parents = random.integers(0, 60, 500)
    whole = block_sums(parents, 60, matrix)
    monkeypatch.setenv("CARBONMAP_THREADS", threads)
    monkeypatch.setattr(nesting, "_ENTRIES_AT_ONCE", 100)
    again = block_sums(parents, 60, matrix)
    assert all(np.array_equal(getattr(whole, name), getattr(again, name)) for name in ("indptr", "indices", "data"))


def test_some_rows_by_themselves() -> None:
    matrix = some_matrix(np.random.default_rng(3), 9, 5)
    for first, last in ((0, 9), (2, 5), (4, 4), (8, 9)):
        assert np.array_equal(rows_of(matrix, first, last).toarray(), matrix.toarray()[first:last])
        assert np.array_equal(squares_by_row(rows_of(matrix, first, last)), squares_by_row(matrix)[first:last])
    assert np.allclose(squares_by_row(matrix), (matrix.toarray() ** 2).sum(axis=1))
