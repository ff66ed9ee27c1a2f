"""What every format's reader takes and gives: one request, one table of features before any cleaning."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from gis.crs import Bounds
from gis.errors import ColumnMissing, EmptyLayer, did_you_mean, listed
from gis.geometry_column import GeometryColumn
from gis.sources import ContextSource, Source, Where, ZoneSet

Opened = Callable[[str], AbstractContextManager[Any]]
"""Opens an input by its name in the region file, where it is kept and not in the inputs folder, as pyarrow does."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the fraction done, 0 to 1."""


@dataclass(frozen=True)
class Span:
    """Some rows of a GeoParquet file, one after the other."""

    first_row: int
    last_row: int
    """Not included any more."""


@dataclass(frozen=True)
class Request:
    """Which features and columns to read of which file; columns in the file's own names."""

    path: Path
    layer: str | None
    columns: tuple[str, ...]
    where: Where
    encoding: str | None
    crs: str | None
    x: str | None = None
    y: str | None = None
    lonlat: Bounds | None = None
    """Only features whose bounding box meets these bounds are wanted; the others are counted as outside."""
    progress: Progress | None = None
    span: Span | None = None
    """Only these rows; None: the whole file."""
    id_column: str | None = None
    """Which of the columns names features, in messages about those that cannot be read."""
    opened: Callable[[], AbstractContextManager[Any]] | None = None
    """Opens the file where it is kept, of which `path` is a copy; only GeoParquet is read so."""

    @classmethod
    def of(
        cls,
        source: Source | ZoneSet | ContextSource,
        path: Path,
        lonlat: Bounds | None = None,
        progress: Progress | None = None,
        span: Span | None = None,
        opened: Opened | None = None,
    ) -> "Request":
        """The request of a source, zone set or context source."""
        columns = tuple(dict.fromkeys([*source.columns.values(), *source.where]))
        x, y = (None, None) if isinstance(source, ZoneSet) else (source.x, source.y)
        given = (path, source.layer, columns, source.where, source.encoding, source.crs, x, y, lonlat, progress, span)
        elsewhere = None if opened is None else partial(opened, source.file)
        return cls(*given, id_column=source.columns.get("id"), opened=elsewhere)

    def tell(self, fraction: float) -> None:
        """Report progress, where someone listens."""
        if self.progress is not None:
            self.progress(f"reading {self.path.name}" + (f" {self.layer}" if self.layer else ""), fraction)


_ALL = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Raw:
    """Features as the file has them.

    Attributes:
        ids: (n,) texts, or whole numbers.
        geometry: (n,) in `crs`, missing ones allowed.
        values: (n,) rows by the file's names.
        crs: of the coordinates.
        rows: (n,) counts them through what was read; those that were dropped since leave gaps.
        plain: columns of nothing but ASCII text, which no encoding can have misread.
        any_comma: whether every comma in a number is suspect (`gis.tables.Table`).
    """

    ids: NDArray[np.object_] | NDArray[np.int64]
    geometry: GeometryColumn
    values: pd.DataFrame
    crs: CRS
    rows: NDArray[np.int64] = field(default_factory=lambda: _ALL)
    plain: frozenset[str] = frozenset()
    any_comma: bool = False

    def __post_init__(self) -> None:
        if self.rows is _ALL:
            object.__setattr__(self, "rows", np.arange(len(self.ids)))

    @property
    def geometries(self) -> NDArray[np.object_]:
        """(n,) the geometries as objects, made anew each time."""
        return self.geometry.objects()

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> "Raw":
        """The features of a mask or of positions, in order."""
        picked = np.flatnonzero(keep) if keep.dtype == bool else keep
        values = self.values.iloc[picked].reset_index(drop=True)
        return replace(
            self,
            ids=self.ids[picked],
            geometry=self.geometry.take(picked),
            values=values,
            rows=self.rows[picked],
        )


def require_columns(wanted: tuple[str, ...], present: list[str], where: str) -> None:
    """Raise ColumnMissing for the first wanted column the file lacks; lists those it has and the nearest."""
    if wanted and not present:
        raise EmptyLayer(
            f"{where} holds no feature, so that it has no column {listed(wanted)} either; is it the right file?"
        )
    for column in wanted:
        if column not in present:
            raise ColumnMissing(
                f"{where} has no column {column!r}; it has: {listed(present, 60)}.{did_you_mean(column, present)} "
                "Columns in a region file read {ours: theirs}."
            )
