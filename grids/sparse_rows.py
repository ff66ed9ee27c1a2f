"""Rows of sparse matrices: in one order, by themselves, and as compiled code takes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from grids.total_kernels import add_squares

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def canonical(matrix: csr_array) -> csr_array:
    """Sorted and without duplicates, because the order of entries is the order of summing."""
    if matrix.has_canonical_format:
        return matrix
    ordered = matrix.copy()
    ordered.sum_duplicates()
    return ordered


def csr_parts(matrix: csr_array) -> tuple[IntArray, NDArray[np.int32], FloatArray]:
    """A sparse matrix as compiled code takes it: where rows begin, columns, values."""
    indices = matrix.indices.astype(np.int32, copy=False)
    return matrix.indptr.astype(np.int64, copy=False), indices, matrix.data


def csr_of(counts: IntArray, columns: NDArray[np.int32], values: FloatArray, n_columns: int) -> csr_array:
    """A sparse matrix from the entries of each row, one row after the other; indices of 32 bits where they fit."""
    indptr = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    kind = np.int32 if len(columns) < 1 << 31 else np.int64
    return csr_array((values, columns, indptr.astype(kind)), shape=(len(counts), n_columns))


def joined(arrays: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    """Arrays as one; the one itself, where there is only one."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.zeros(0, dtype=dtype), *arrays])


def rows_of(matrix: csr_array, first: int, last: int) -> csr_array:
    """The rows from `first` up to `last`; entries are not copied."""
    indptr = matrix.indptr[first : last + 1]
    here = slice(indptr[0], indptr[-1])
    shape = len(indptr) - 1, matrix.shape[1]
    rows = csr_array((matrix.data[here], matrix.indices[here], indptr - indptr[0]), shape=shape)
    if matrix.has_canonical_format:
        rows.has_canonical_format = True
    return rows


def squares_by_row(matrix: csr_array) -> FloatArray:
    """(rows,) sums of squared values, in the order of columns."""
    ordered = canonical(matrix)
    sums = np.zeros(ordered.shape[0])
    add_squares(ordered.indptr.astype(np.int64, copy=False), ordered.data, sums)
    return sums
