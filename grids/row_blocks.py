"""Rows of a page in an order that scatters them over a table: read for the pages around it too.

A row is read with its row group. A page of a sorted table has rows in nearly all of them, and so would every page that
follows: what one page must decode serves ten of them, if the rows of all ten are taken out of it at once.
"""

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from grids.recent import Recent
from grids.selection import taken
from grids.table_files import TableFile

BLOCK_ROWS = 10_000
"""As many as the largest page: no page needs more than two blocks."""
SCATTERED = 16
"""Row groups of a page, more of which are not kept in memory themselves (`grids.table_files`)."""

_BLOCKS: Recent[pa.Table] = Recent(64_000_000)
"""Of all tables of this process: some twenty blocks of cells with all their columns."""


def rows_between(
    file: TableFile, question: bytes, order: NDArray[np.int32], first: int, end: int, columns: list[str]
) -> pa.Table:
    """Return the rows of a page: those at `order[first:end]`.

    Args:
        file: the table.
        question: digest of what was asked of it; it stands for `order`.
        order: positions of all rows that match, in the order asked for, each once.
        first: place in the order of the page's first row.
        end: place after its last row.
        columns: to read.
    """
    positions = order[first:end].astype(np.int64)
    # Shapes of zones may be of any size, and who wants all rows at once decodes nothing twice.
    if file.has_shapes or len(positions) > BLOCK_ROWS or file.groups_of(positions) <= SCATTERED:
        return taken(file, positions, columns)
    begin = first // BLOCK_ROWS
    blocks = [_block(file, question, order, k, columns) for k in range(begin, (end - 1) // BLOCK_ROWS + 1)]
    table = pa.concat_tables(blocks).slice(first - begin * BLOCK_ROWS, len(positions))
    return table if len(blocks) == 1 else table.combine_chunks()


def _block(file: TableFile, question: bytes, order: NDArray[np.int32], number: int, columns: list[str]) -> pa.Table:
    key = hashlib.sha256(b"%s/%d/%s" % (question, number, repr(columns).encode())).digest()
    block = _BLOCKS.get(key)
    if block is None:
        positions = order[number * BLOCK_ROWS : (number + 1) * BLOCK_ROWS].astype(np.int64)
        block = taken(file, positions, columns)
        _BLOCKS.keep(key, block)
    return block
