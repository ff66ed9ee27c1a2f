"""Emission lines as tables: of a part, with the number of the kind of each; of a whole layer, by year and in words."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from accounting.emissions import LINE_COLUMNS, EmissionLines, Kind, empty_lines

_TYPES = {"int16": pa.int16(), "int32": pa.int32(), "float64": pa.float64(), "category": pa.string()}
_KIND = pa.struct([pa.field(name, _TYPES[LINE_COLUMNS[name]], nullable=False) for name in Kind._fields])
_WORDS = pa.dictionary(pa.int32(), pa.string())

LINES = pa.schema(
    [
        pa.field(name, _WORDS if kind == "category" else _TYPES[kind], nullable=name == "activity")
        for name, kind in LINE_COLUMNS.items()
    ]
)
"""Emission lines as they are kept for receipts; only an activity may be unknown."""


def line_table(lines: EmissionLines) -> pa.Table:
    """Lines of a part: `feature`, `kind` (a dictionary of structs), `activity`, `emissions_tco2e`; (n,) rows."""
    kinds = pa.array([kind._asdict() for kind in lines.kinds], _KIND)
    return pa.table(
        {
            "feature": lines.feature,
            "kind": pa.DictionaryArray.from_arrays(pa.array(lines.kind), kinds),
            "activity": lines.activity,
            "emissions_tco2e": lines.emissions_tco2e,
        }
    )


def lines_in(table: pa.Table, offset: int) -> EmissionLines:
    """Lines as `line_table` wrote them, with `offset` added to their features."""
    if not table.num_rows:
        return empty_lines()
    kind = table["kind"].combine_chunks()
    if isinstance(kind, pa.ChunkedArray):
        kind = kind.chunk(0)
    return EmissionLines(
        kinds=tuple(Kind(**values) for values in kind.dictionary.to_pylist()),
        feature=table["feature"].to_numpy() + np.int32(offset),
        kind=kind.indices.to_numpy(),
        activity=table["activity"].to_numpy(),
        emissions_tco2e=table["emissions_tco2e"].to_numpy(),
    )


def lines_by_year(pieces: Callable[[], Iterable[EmissionLines]]) -> Iterator[pa.Table]:
    """Lines of a layer by year, then by feature, with the columns of `LINES`; at least one table.

    Args:
        pieces: gives the lines of consecutive parts, features numbered through the layer; asked again for each year,
            so that one part's lines of one year are in memory at a time.
    """
    kinds = sorted({kind for piece in pieces() for kind in piece.kinds})
    place = {kind: position for position, kind in enumerate(kinds)}
    columns = {name: _by_kind([getattr(kind, name) for kind in kinds], name) for name in Kind._fields}
    for year in sorted({kind.year for kind in kinds}):
        for piece in pieces():
            years = np.array([kind.year for kind in piece.kinds], dtype=np.int16)
            first, last = np.searchsorted(years[piece.kind], [year, year + 1])  # lines stand by year
            if first < last:
                here = slice(int(first), int(last))
                of = np.array([place[kind] for kind in piece.kinds], dtype=np.int64)
                yield _table(piece, here, {name: (values[of], words) for name, (values, words) in columns.items()})
    if not kinds:
        yield LINES.empty_table()


def _by_kind(values: Sequence[Any], name: str) -> tuple[NDArray[Any], pa.Array | None]:
    """A column of kinds: per kind its number, or its place among the words, which are the same for a whole layer."""
    if LINE_COLUMNS[name] != "category":
        return np.array(values, dtype=LINE_COLUMNS[name]), None
    words = sorted(set(values))
    at = {word: position for position, word in enumerate(words)}
    return np.array([at[value] for value in values], dtype=np.int32), pa.array(words, pa.string())


def _table(piece: EmissionLines, here: slice, columns: dict[str, tuple[NDArray[Any], pa.Array | None]]) -> pa.Table:
    kind = piece.kind[here]
    arrays = []
    for name in LINE_COLUMNS:
        if name not in columns:
            arrays.append(pa.array(getattr(piece, name)[here], from_pandas=name == "activity"))
            continue
        values, words = columns[name]
        numbers = pa.array(values[kind])
        arrays.append(numbers if words is None else pa.DictionaryArray.from_arrays(numbers, words))
    return pa.Table.from_arrays(arrays, schema=LINES)
