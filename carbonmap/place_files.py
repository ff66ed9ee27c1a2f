"""Tables of places (cells, zones) as files other programs read: GeoParquet, GeoJSON and CSV, labelled."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shapely

from grids.edition import Edition
from grids.exports.formulas import harmless_rows
from grids.exports.labels import record, record_text, tags
from grids.projections import LONLAT, reproject
from grids.tables import Geometries, with_geometry

_DIGITS = 7  # of a degree: a centimetre


@dataclass(frozen=True, eq=False)
class PlaceTable:
    """A table of places.

    Attributes:
        name: of its files, without ending.
        columns: name -> (n,) texts or numbers, in order; `id` first; NaN is unknown.
        polygons: (n,) in the region's CRS.
        meanings: name -> unit and meaning, of the columns that need it.
        about: what else must stand beside the numbers, as JSON.
    """

    name: str
    columns: Mapping[str, Any]
    polygons: Geometries
    meanings: Mapping[str, str]
    about: Mapping[str, Any]

    @property
    def rows(self) -> pa.Table:
        """Its columns as Arrow."""
        return pa.table({name: pa.array(values, from_pandas=True) for name, values in self.columns.items()})


class Folder(AbstractContextManager["Folder"]):
    """A folder into which files are written whole or not at all; drafts are removed whatever happens, Ctrl-C too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self.bytes = 0

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        self._drafts = Path(tempfile.mkdtemp(prefix=".making-", dir=self.path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._drafts, ignore_errors=True)

    def write(self, name: str, make: Callable[[Path], None]) -> None:
        """Make a file under a draft's name, then put it in its place."""
        draft = self._drafts / name
        make(draft)
        self.bytes += draft.stat().st_size
        draft.replace(self.path / name)
        self.names.append(name)

    def write_text(self, name: str, text: str) -> None:
        """Write a text (UTF-8)."""
        self.write(name, lambda path: _write_text(path, text))


def write_table(folder: Folder, table: PlaceTable, edition: Edition, formats: Sequence[str]) -> None:
    """Write a table in some of `FORMATS`."""
    for name in formats:
        ending, write = FORMATS[name]
        folder.write(f"{table.name}.{ending}", lambda path, write=write: write(table, edition, path))  # type: ignore[misc]


def _write_geoparquet(table: PlaceTable, edition: Edition, path: Path) -> None:
    """GeoParquet 1.1 in the region's CRS; `carbonmap` of its metadata holds labels, units and meanings."""
    rows = with_geometry(table.rows, table.polygons, edition.crs)
    about = record_text(edition, columns=dict(table.meanings), **table.about)
    pq.write_table(rows.replace_schema_metadata({**rows.schema.metadata, "carbonmap": about}), path, compression="zstd")


def _write_geojson(table: PlaceTable, edition: Edition, path: Path) -> None:
    """GeoJSON (RFC 7946: WGS 84), with the labels as members beside the features."""
    shapes = reproject(table.polygons, edition.crs, LONLAT)
    geometries = shapely.to_geojson(shapely.transform(shapes, lambda points: np.round(points, _DIGITS)))
    head = {**record(edition), "columns": dict(table.meanings), **table.about}
    del head["crs"]  # that of the tables; in GeoJSON the member says something else, and is forbidden
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type":"FeatureCollection",' + _json(head)[1:-1] + ',"features":[\n')
        for place, (row, geometry) in enumerate(zip(table.rows.to_pylist(), geometries, strict=True)):
            name = row.pop("id")
            feature = f'{{"type":"Feature","id":{_json(name)},"geometry":{geometry},"properties":{_json(row)}}}'
            file.write((",\n" if place else "") + feature)
        file.write("\n]}\n")


def _write_csv(table: PlaceTable, edition: Edition, path: Path) -> None:
    """CSV (RFC 4180) with `lon` and `lat` of a point inside each place, and the labels as columns."""
    rows = table.rows
    points = reproject(shapely.point_on_surface(table.polygons), edition.crs, LONLAT)
    for name, values in (("lon", shapely.get_x(points)), ("lat", shapely.get_y(points))):
        rows = rows.append_column(name, pa.array(np.round(values, _DIGITS)))
    said = tags(edition) | {"illustrative": str(table.about.get("illustrative_result", "")).lower()}
    for name in ("edition", "synthetic", "illustrative", "attribution"):
        rows = rows.append_column(name, pa.array([said[name]] * len(rows), type=pa.string()))
    pyarrow.csv.write_csv(harmless_rows(rows), path, pyarrow.csv.WriteOptions(quoting_style="needed"))


FORMATS: dict[str, tuple[str, Callable[[PlaceTable, Edition, Path], None]]] = {
    "geoparquet": ("parquet", _write_geoparquet),
    "geojson": ("geojson", _write_geojson),
    "csv": ("csv", _write_csv),
}


def json_text(document: Any) -> str:
    """A document as indented JSON."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
