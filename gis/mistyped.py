"""Values of a GeoPackage that are not of their column's type: SQLite keeps them, and GDAL makes them 0 in silence."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import UnreadableFile

_LONGEST_INT32 = 2**31 - 1


def restore_mistyped(
    path: Path, layer: str, kinds: Mapping[str, str], fids: NDArray[np.int64], values: pd.DataFrame
) -> None:
    """Put what is written where GDAL read a number: text where 'about 400' became 0, 2.5 where it became 2.

    Args:
        path: of the GeoPackage.
        layer: one of its tables or views.
        kinds: column -> what GDAL takes it for, as numpy has it.
        fids: (n,) of the features.
        values: (n,) rows; columns that hold such values are changed.

    Raises:
        UnreadableFile: a view has such values, of which nobody can tell to which feature they belong.
    """
    asked = {name: clause for name in map(str, values.columns) if (clause := _is_odd(name, kinds.get(name, "")))}
    if not asked:
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
            for name, clause in asked.items():
                written = f"SELECT rowid, {_quoted(name)} FROM {_quoted(layer)} WHERE {clause}"
                _put(file.execute(written).fetchall(), name, (path, layer), fids, values)
    except sqlite3.Error as problem:
        raise UnreadableFile(
            f"{path.name}, layer {layer}: SQLite cannot read it ({problem}); it is damaged"
        ) from problem


def _is_odd(name: str, kind: str) -> str:
    """What holds where a value is no number of the kind; empty where any value will do."""
    value = _quoted(name)
    if kind.startswith(("int", "uint")):
        too_long = f" OR (typeof({value}) = 'integer' AND abs({value}) > {_LONGEST_INT32})" if kind == "int32" else ""
        return f"typeof({value}) NOT IN ('null', 'integer'){too_long}"
    return f"typeof({value}) IN ('text', 'blob')" if kind.startswith("float") else ""


def _put(
    found: Sequence[tuple[int | None, object]],
    name: str,
    where: tuple[Path, str],
    fids: NDArray[np.int64],
    values: pd.DataFrame,
) -> None:
    if not found:
        return
    if any(row is None for row, _ in found):
        path, layer = where
        raise UnreadableFile(
            f"{path.name}, view {layer}: column {name!r} holds {found[0][1]!r} among its numbers, which GDAL would "
            "read as 0; give the column one type in the view (CAST), or name the table"
        )
    places = pd.Index(fids).get_indexer(pd.Index([row for row, _ in found]))
    column = values[name].astype(object)
    for place, (_, value) in zip(places.tolist(), found, strict=True):
        if place >= 0:
            column.iloc[place] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    values[name] = column


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
