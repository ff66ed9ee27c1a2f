"""Vector files through GDAL (pyogrio), and GeoParquet through pyarrow; local plain files of known drivers only."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FieldError, GeometryError

from gis.crs import check_degrees, source_crs
from gis.dbf import dbf_fields, digits
from gis.encodings import check_text, check_utf8, is_ascii, shapefile_encoding
from gis.errors import LayerMissing, UnreadableFile, WrongEncoding, WrongGeometry, did_you_mean, listed
from gis.files import file_kind, unpacked
from gis.gdal_messages import heard
from gis.geoarrow import ENCODINGS, wkb_of
from gis.geometry_column import UNREADABLE as NO_GEOMETRY
from gis.geometry_column import GeometryColumn
from gis.layers import ReadReport
from gis.mistyped import restore_mistyped
from gis.parquet_files import open_parquet, told_by_row_group
from gis.raw import Raw, Request, Span, require_columns
from gis.shapefiles import check_parts
from gis.values import texts

_PLAIN = frozenset({"string", "empty", "integer", "floating", "mixed-integer-float", "boolean", "bytes"})
"""Kinds of values, as pandas tells them, among which there are no lists or records."""

_ROWS_OF_A_BATCH = 1 << 15
_LONGEST_IN_FLOATS = 2**53
"""Above it floats skip whole numbers, and a parcel's 19 digits would be those of another."""

UNREADABLE = (
    "its geometry cannot be read (damaged, a curve, a ring that is open or has too few points, a line of one point, or "
    "a null among its vertices)"
)


def read_vector(request: Request, report: ReadReport) -> Raw:
    """Read one layer of a vector file, a zipped one, or a GeoParquet file.

    Args:
        request: file, layer, columns.
        report: gets `read`, `crs`, `encoding`, refusals of unreadable geometries, and notes.

    Returns:
        All features; ids are the file's own feature numbers.

    Raises:
        LayerMissing, ColumnMissing, CrsError, WrongEncoding, UnreadableFile.
    """
    kind = file_kind(request.path)
    if kind == "zip":
        with unpacked(request.path) as inner:
            return _read_gdal(inner, request, report)
    if kind == "parquet":
        return _read_parquet(request, report)
    return _read_gdal(request.path, request, report)


def layer_names(path: Path) -> list[str]:
    """Names of the layers of a vector file; UnreadableFile when GDAL cannot open it."""
    try:
        with heard():
            return [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except DataSourceError as problem:
        raise UnreadableFile(
            f"{path.name} cannot be opened: it is damaged, truncated or not what its name says ({_first_line(problem)})"
        ) from problem


def layer_info(path: Path, layer: str | None, **options: str) -> dict[str, Any]:
    """What GDAL says of one layer, opened with its driver's options: crs, fields, features, geometry_type."""
    with heard():
        info: dict[str, Any] = pyogrio.read_info(path, layer=layer, **options)
    return info


def choose_layer(path: Path, name: str, wanted: str | None) -> str:
    """The layer asked for, or the only one; LayerMissing lists those there are."""
    layers = layer_names(path)
    if wanted is None:
        if len(layers) == 1:
            return layers[0]
        raise LayerMissing(
            f"{name} has {len(layers)} layers: {listed(layers, 30)}; choose one with layer: in the region file"
        )
    if wanted in layers:
        return wanted
    raise LayerMissing(f"{name} has no layer {wanted!r}; it has: {listed(layers, 30)}.{did_you_mean(wanted, layers)}")


def _read_gdal(path: Path, request: Request, report: ReadReport) -> Raw:
    name = request.path.name
    encoding, of_dbf = request.encoding, []
    if path.suffix.lower() == ".shp":
        encoding, note = shapefile_encoding(path, request.encoding)
        if note:
            report.notes.append(note)
        of_dbf = dbf_fields(path)
        check_parts(path)
    layer = choose_layer(path, name, request.layer)
    # Else GDAL takes long whole numbers for floats. It looks through all rows for that, so only where there are some.
    options = {"ADJUST_TYPE": "YES"} if any(field.is_long for field in of_dbf) else {}
    try:
        info = layer_info(path, layer, **options)
        if info["geometry_type"] is None:
            raise WrongGeometry(
                f"{name}, layer {layer}: a table without geometry; join it to a source with geometry (joins)"
            )
        require_columns(request.columns, [str(field) for field in info["fields"]], f"{name}, layer {layer}")
        with heard() as said:
            meta, fids, wkb, fields = pyogrio.raw.read(
                path,
                layer=layer,
                encoding=encoding,
                columns=list(request.columns),
                return_fids=True,
                datetime_as_string=True,
                **options,
            )
    except UnicodeDecodeError as problem:
        raise WrongEncoding(
            f"{name} is not {encoding or 'in the encoding it claims'} ({problem.reason} at byte "
            f"{problem.start}); give the true one in the region file, e.g. encoding: cp949"
        ) from problem
    except (DataSourceError, DataLayerError, FieldError, GeometryError) as problem:
        raise UnreadableFile(
            f"{name}, layer {layer}: reading failed ({_first_line(problem)}); the file is damaged or "
            "truncated, or not what its suffix says"
        ) from problem
    report.notes.extend(said)
    report.layer, report.encoding = layer, str(encoding or meta["encoding"] or "UTF-8")
    declared = meta["crs"]
    if declared is None and _is_topojson(path):
        declared = "EPSG:4326"
        report.notes.append("TopoJSON has no CRS; its coordinates are longitude and latitude by definition")
    values = pd.DataFrame(
        {str(column): pd.Series(array, dtype=object) for column, array in zip(meta["fields"], fields, strict=True)},
        index=range(len(fids)),
    )
    fields_of_file = list(map(str, info["fields"]))
    kinds = dict(zip(fields_of_file, map(str, info["dtypes"]), strict=True))
    for field in _rounded(values, kinds):
        _, again = pyogrio.raw.read_arrow(path, layer=layer, columns=[field], read_geometry=False, **options)
        values[field] = _values(again[field])
    if path.suffix.lower() == ".gpkg":
        restore_mistyped(path, layer, kinds, np.asarray(fids, np.int64), values)
    long = {name: field for name, field in zip(fields_of_file, of_dbf, strict=False) if field.is_long}
    for name in _rounded(values, dict.fromkeys(long, "int64")):  # one of them has no place in 64 bits
        values[name] = pd.Series(digits(path, long[name], np.asarray(fids, np.int64)), dtype=object)
    column = pa.array(wkb, pa.large_binary(), from_pandas=True)
    return _finish(np.asarray(fids, np.int64), column, values, declared, request, report)


def _rounded(values: pd.DataFrame, kinds: dict[str, str]) -> list[str]:
    """Columns of whole numbers that came as floats, some of which are too long for floats to be exact."""
    some = [name for name in map(str, values.columns) if kinds.get(name) in ("int64", "uint64")]
    return [
        name
        for name in some
        if any(isinstance(value, float) and abs(value) >= _LONGEST_IN_FLOATS for value in values[name])
    ]


def _finish(
    ids: NDArray[np.int64],
    wkb: Any,
    values: pd.DataFrame,
    declared: Any,
    request: Request,
    report: ReadReport,
    plain: frozenset[str] = frozenset(),
) -> Raw:
    """Look at geometries, check text, CRS and coordinates; refuse unreadable geometries."""
    name = request.path.name
    report.read += len(ids)
    for column in values.columns:
        if values[column].dtype == object and column not in plain:
            values[column] = _flat(values[column])
            check_text(values[column].to_numpy(dtype=object), str(column), name)
    crs = source_crs(declared, request.crs, name, report.notes)
    report.crs = crs.to_string() if crs.to_authority() is None else ":".join(crs.to_authority())
    geometry = GeometryColumn.of_arrow(wkb)
    unreadable = geometry.types == NO_GEOMETRY
    check_degrees(geometry.bounds, crs, name)
    raw = Raw(ids, geometry, values, crs, plain=plain)
    if unreadable.any():
        report.refused.extend((name, UNREADABLE) for name in _names(raw.take(unreadable), request.id_column))
        raw = raw.take(~unreadable)
    return raw


def _names(raw: Raw, column: str | None) -> list[str]:
    """What features are called: by the column of ids, else by their numbers in the file."""
    numbers = [str(number) for number in raw.ids]
    if column not in raw.values:
        return numbers
    named = zip(texts(raw.values[column]), numbers, strict=True)
    return [number if name is None else str(name) for name, number in named]


def _flat(values: pd.Series) -> pd.Series:
    """Lists and records, which GeoJSON and Parquet know, as text: nothing after this expects a value of several."""
    if pd.api.types.infer_dtype(values, skipna=True) in _PLAIN:
        return values
    several = [isinstance(value, list | tuple | dict | set | np.ndarray) for value in values]
    if not any(several):
        return values
    plain = [
        str(value.tolist() if isinstance(value, np.ndarray) else value) if nested else value
        for value, nested in zip(values, several, strict=True)
    ]
    return pd.Series(plain, index=values.index, dtype=object)


def _values(column: pa.ChunkedArray) -> pd.Series:
    """A column as pandas: numbers stay numbers where nothing is lost, all else becomes objects."""
    if pa.types.is_floating(column.type) or (pa.types.is_integer(column.type) and not column.null_count):
        return pd.Series(column.to_numpy())
    if pa.types.is_integer(column.type) and column.type.bit_width <= 32:
        return pd.Series(column.cast(pa.float64()).to_numpy())
    return pd.Series(column.to_pandas(integer_object_nulls=True).astype(object), dtype=object)


def _is_topojson(path: Path) -> bool:
    if path.suffix.lower() not in (".json", ".topojson"):
        return False
    with path.open("rb") as stream:
        return b'"Topology"' in stream.read(4096)


def _first_line(problem: object) -> str:
    return str(problem).strip().splitlines()[0][:200] if str(problem).strip() else type(problem).__name__


def parquet_geometry(path: Path, source: Any = None) -> tuple[pq.ParquetFile, str, Any]:
    """Open a GeoParquet file: the file, its primary geometry column, and its CRS (PROJJSON; OGC:CRS84 when not said).

    Args:
        path: of the file.
        source: the file itself, opened by pyarrow, where it is not read from the path; what goes wrong then while its
            footer is read is raised as it is.

    Raises:
        UnreadableFile: not Parquet, or without GeoParquet's metadata, or in an encoding that it does not know.
    """
    try:
        file = open_parquet(path if source is None else source)
    except (pa.ArrowInvalid, OSError) as problem:
        if source is not None and isinstance(problem, OSError):
            raise
        raise UnreadableFile(f"{path.name} is not a readable Parquet file ({_first_line(problem)})") from problem
    text = (file.metadata.metadata or {}).get(b"geo")
    if text is None:
        raise UnreadableFile(
            f"{path.name} is Parquet without GeoParquet metadata (no 'geo' key); write it with GeoPandas or GDAL"
        )
    try:
        geo = json.loads(text)
        column = str(geo["primary_column"])
        described = geo["columns"][column]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise UnreadableFile(f"{path.name}: its GeoParquet metadata cannot be read ({problem})") from problem
    if not isinstance(described, dict) or column not in file.schema_arrow.names:
        raise UnreadableFile(
            f"{path.name}: its GeoParquet metadata names {column!r} as the column of geometry, which it lacks or does "
            "not describe; write it again with GeoPandas or GDAL"
        )
    if described.get("encoding") not in ("WKB", *ENCODINGS):
        raise UnreadableFile(
            f"{path.name}: geometry is encoded as {described.get('encoding')!r}; WKB or one of {', '.join(ENCODINGS)} "
            "was expected: write it again with GeoPandas (to_parquet) or GDAL"
        )
    # GeoParquet: an absent crs means OGC:CRS84, an explicit null means unknown.
    return file, column, described.get("crs", "OGC:CRS84")


def _read_parquet(request: Request, report: ReadReport) -> Raw:
    name = request.path.name
    if request.layer is not None:
        raise LayerMissing(f"{name}: a GeoParquet file has no layers; drop layer: {request.layer} from the region file")
    with nullcontext() if request.opened is None else request.opened() as source:
        file, geometry, declared = parquet_geometry(request.path, source)
        names = file.schema_arrow.names
        twice = sorted({column for column in (geometry, *request.columns) if names.count(column) > 1})
        if twice:
            raise UnreadableFile(
                f"{name} has several columns named {listed(map(repr, twice))}; write it with unique names"
            )
        require_columns(request.columns, [column for column in names if column != geometry], name)
        wanted = [geometry, *(column for column in request.columns if column != geometry)]
        first_row = request.span.first_row if request.span else 0
        with told_by_row_group(request.path, wanted, elsewhere=source is not None):
            table = file.read(columns=wanted) if request.span is None else _rows_of(file, wanted, request.span)
    check_utf8(table, request.columns, name)
    values = pd.DataFrame(
        {column: _values(table[column]) for column in request.columns},
        index=range(table.num_rows),
    )
    report.encoding = "UTF-8"
    ids = np.arange(first_row, first_row + table.num_rows)
    plain = frozenset(column for column in request.columns if is_ascii(table[column]))
    encoding = json.loads(file.metadata.metadata[b"geo"])["columns"][geometry]["encoding"]
    shapes = table[geometry] if encoding == "WKB" else wkb_of(table[geometry], encoding, name)
    try:
        return _finish(ids, shapes, values, declared, request, report, plain)
    except TypeError as problem:
        raise UnreadableFile(
            f"{name}: column {geometry!r} does not hold WKB geometry ({_first_line(problem)}); write it again with "
            "GeoPandas (to_parquet) or GDAL"
        ) from problem


def _rows_of(file: pq.ParquetFile, columns: list[str], span: Span) -> pa.Table:
    """Some rows of a file: whole row groups at once; of a row group that is cut, batch by batch up to the last row."""
    groups: list[int] = []
    begin, first = 0, 0
    for group in range(file.metadata.num_row_groups):
        end = begin + file.metadata.row_group(group).num_rows
        if end > span.first_row and begin < span.last_row:
            first = first if groups else begin
            groups.append(group)
        begin = end
    skipped, wanted = span.first_row - first, span.last_row - span.first_row
    if not skipped and sum(file.metadata.row_group(group).num_rows for group in groups) == wanted:
        return file.read_row_groups(groups, columns=columns)
    kept: list[pa.RecordBatch] = []
    for batch in file.iter_batches(_ROWS_OF_A_BATCH, row_groups=groups, columns=columns):
        piece = batch.slice(skipped, wanted)
        skipped, wanted = max(skipped - batch.num_rows, 0), wanted - piece.num_rows
        kept += [piece] if piece.num_rows else []
        if not wanted:
            break
    return pa.Table.from_batches(kept)
