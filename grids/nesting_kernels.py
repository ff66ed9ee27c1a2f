"""Compiled: rows of a sparse matrix added by parent."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled

IntArray = NDArray[np.int64]
PlaceArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]

_FEW = 24  # entries that are put in order one by one, since most parents have no more


@compiled
def order_by_parent(parents: IntArray, starts: IntArray, order: PlaceArray) -> None:
    """List targets parent by parent, ascending.

    Args:
        parents: (targets,) parent of each.
        starts: (parents + 1,) zeros; filled with where the targets of each parent begin in `order`.
        order: (targets,) filled.
    """
    for target in range(parents.size):
        starts[parents[target] + 1] += 1
    for parent in range(1, starts.size):
        starts[parent] += starts[parent - 1]
    places = starts[:-1].copy()
    for target in range(parents.size):
        order[places[parents[target]]] = target
        places[parents[target]] += 1


@compiled
def add_rows(first: int, last: int, families: Any, matrix: Any, n_columns: int) -> Any:
    """Sums of rows for parents first..last, in the order of the rows.

    Args:
        first: of the parents.
        last: the parent to stop before.
        families: (starts, order) as `order_by_parent` left them.
        matrix: (indptr, indices, data) of a csr.
        n_columns: of the matrix.

    Returns:
        Entries per parent, columns ascending within each parent, values.
    """
    starts, order = families
    indptr, indices, data = matrix
    whole, is_touched = np.zeros(n_columns), np.zeros(n_columns, np.bool_)
    counts, most = np.zeros(last - first, np.int64), 0
    for child in range(starts[first], starts[last]):
        most += indptr[order[child] + 1] - indptr[order[child]]
    columns, values, size = np.empty(most, np.int32), np.empty(most), 0
    for parent in range(first, last):
        begin = size
        for child in range(starts[parent], starts[parent + 1]):
            for entry in range(indptr[order[child]], indptr[order[child] + 1]):
                column = indices[entry]
                if not is_touched[column]:
                    is_touched[column] = True
                    columns[size] = column
                    size += 1
                whole[column] += data[entry]
        if size - begin > _FEW:
            columns[begin:size].sort()
        else:
            for place in range(begin + 1, size):
                column, before = columns[place], place
                while before > begin and columns[before - 1] > column:
                    columns[before] = columns[before - 1]
                    before -= 1
                columns[before] = column
        for place in range(begin, size):
            values[place] = whole[columns[place]]
            whole[columns[place]], is_touched[columns[place]] = 0.0, False
        counts[parent - first] = size - begin
    return counts, columns[:size].copy(), values[:size].copy()
