"""Private tables of an edition: of rows that receipts ask for only their row groups are read; scenarios read columns.

Their rows stand in order (shares by target, lines by year and feature, features by position), so that the statistics
in a file's footer say where each row can be; see docs/architecture.md for the columns.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from grids.manifest import Manifest, checked_name
from grids.store_errors import EditionBroken
from grids.table_files import TableFile

IntArray = NDArray[np.int64]

_BETWEEN = "."
"""Stands between layer and collection in a name; it can stand in the id of neither."""


def private_name(layer: str, collection: str) -> str:
    """The name of a private table of a layer in a collection."""
    return f"{layer}{_BETWEEN}{collection}"


def private_file(kind: str, name: str) -> str:
    """The file that a private table is kept in.

    Args:
        kind: such as `shares`.
        name: an id, or a `private_name`.

    Raises:
        InvalidName: something else.
    """
    for part in (kind, *name.split(_BETWEEN, 1)):
        checked_name(part, "private table")
    return f"{kind}-{name}.parquet"


def private_path(folder: Path, manifest: Manifest, kind: str, name: str) -> Path:
    """Where an edition has a private table, or would have it.

    Editions of older programs have a hyphen between layer and collection. It is read as long as only one layer
    and collection of the edition can be meant by it.

    Args:
        folder: of the edition.
        manifest: of the edition.
        kind: as `private_file` takes it.
        name: as `private_file` takes it.

    Raises:
        InvalidName: a name that no private table can have.
        EditionBroken: an older edition, in which tables of two layers have one name.
    """
    path = folder / "private" / private_file(kind, name)
    layer, between, collection = name.partition(_BETWEEN)
    older = path.with_name(f"{kind}-{layer}-{collection}.parquet")
    if not between or path.is_file() or not older.is_file():
        return path
    meant = [
        f"{one.id} in {other.id}"
        for one in manifest.layers
        for other in manifest.collections
        if f"{one.id}-{other.id}" == f"{layer}-{collection}"
    ]
    if len(meant) > 1:
        raise EditionBroken(
            f"private table {older.name} of edition {folder.name} can be of {' or of '.join(meant)}: an older version "
            "wrote both to one file; build the region again"
        )
    return older


class PrivateTable(TableFile):
    """A private table; the footer is read once, rows when they are asked for.

    Raises:
        EditionBroken: missing or unreadable.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, None)
        self._bounds: dict[str, IntArray] = {}

    @cached_property
    def _leaves(self) -> dict[str, int]:
        return {self._footer.schema.column(k).path: k for k in range(len(self._footer.schema))}

    def bounds(self, column: str) -> IntArray:
        """(groups, 2) smallest and largest value of an integer column in each row group, from the footer.

        Those of a row group without rows (a table without rows has one) stand the wrong way round: nothing lies there.

        Raises:
            EditionBroken: there is no such column, or it has no statistics.
        """
        if column not in self._bounds:
            leaf = self._leaves.get(column)
            found = np.empty((self._footer.num_row_groups, 2), dtype=np.int64)
            for group in range(len(found)):
                if leaf is not None and not self._footer.row_group(group).num_rows:
                    found[group] = 1, 0
                    continue
                statistics = None if leaf is None else self._footer.row_group(group).column(leaf).statistics
                if statistics is None or not statistics.has_min_max:
                    raise EditionBroken(
                        f"private table {self._path.name} has no statistics of {column}: an older version wrote it; "
                        "build the region again"
                    )
                found[group] = statistics.min, statistics.max
            self._bounds[column] = found
        return self._bounds[column]

    def whole(self, columns: Sequence[str]) -> pa.Table:
        """Columns of all rows.

        Raises:
            EditionBroken: there is no such column, or the table cannot be read.
        """
        missing = [name for name in columns if name not in self.columns]
        if missing:
            raise EditionBroken(
                f"private table {self._path.name} has no column {missing[0]}: an older version wrote it; build the "
                "region again"
            )
        return self._read(np.arange(self._footer.num_row_groups), list(columns))

    def rows_with(
        self, column: str, values: IntArray, columns: list[str] | None = None, year: int | None = None
    ) -> pa.Table:
        """Rows whose integer column has one of some values, in the order of the file.

        Args:
            column: the column looked at.
            values: ascending.
            columns: what to read; all if none.
            year: only rows of this year, for a table with a column `year`.
        """
        low, high = self.bounds(column).T
        meets = (np.searchsorted(values, low) < np.searchsorted(values, high, side="right")) & (low <= high)
        wanted = {column: pa.array(values)}
        if year is not None:
            first, last = self.bounds("year").T
            meets &= (first <= year) & (year <= last)
            wanted["year"] = pa.array([year])
        names = list(self.columns) if columns is None else columns
        table = self._read(np.flatnonzero(meets), list(dict.fromkeys([*names, *wanted])))
        kept = None
        for name, among in wanted.items():
            here = pc.is_in(table[name], value_set=among.cast(table[name].type))
            kept = here if kept is None else pc.and_(kept, here)
        return table.filter(kept).select(names)
