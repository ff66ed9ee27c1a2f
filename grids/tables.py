"""Frames as tables of an edition: one order of rows, one set of types, no clock, no pandas metadata: equal bytes."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from grids.store_errors import InvalidTable

ROW_GROUP = 4096
GEOMETRY = "geometry"
COVERING = "bbox"
COVERING_FIELDS = ("xmin", "ymin", "xmax", "ymax")

Geometries = NDArray[np.object_]

_INTEGERS = {"row": pa.int32(), "col": pa.int32(), "year": pa.int16()}


def geometry_order(geometries: Geometries, ids: Sequence[str]) -> NDArray[np.intp]:
    """Return the order of geometries along a Hilbert curve over their extent, by centre of bounds; ties by id."""
    along = gpd.GeoSeries(geometries).hilbert_distance(level=16).to_numpy()
    rank = np.argsort(np.argsort(np.asarray(ids, dtype=object), kind="stable"), kind="stable")
    return np.lexsort((rank, along))


def with_year(frame: pd.DataFrame, year: int, where: str) -> pd.DataFrame:
    """Return the frame with a `year` column; one that is there must say the same."""
    if "year" not in frame.columns:
        place = next((k for k, name in enumerate(frame.columns) if str(name).endswith("area_ha")), len(frame.columns))
        frame = frame.copy(deep=False)
        frame.insert(place, "year", np.full(len(frame), year, dtype=np.int16))
    elif not (frame["year"] == year).all():
        raise InvalidTable(f"{where}: the year column holds other years: {sorted(set(frame['year']) - {year})[:5]}")
    return frame


def check_ids(frame: pd.DataFrame, where: str) -> None:
    """Refuse a frame whose `id` column is missing or does not name every row by a text of its own."""
    if "id" not in frame.columns:
        raise InvalidTable(f"{where}: there is no column id, only {', '.join(map(str, frame.columns[:8]))}")
    ids = frame["id"]
    if (pd.api.types.infer_dtype(ids, skipna=False) != "string" and len(ids)) or (ids == "").any():
        first = int(np.argmax([not isinstance(value, str) or not value for value in ids]))
        raise InvalidTable(f"{where}: every id must be a text, that of row {first} is {ids.iloc[first]!r}")
    if ids.duplicated().any():
        raise InvalidTable(f"{where}: id {ids[ids.duplicated()].iloc[0]!r} stands for several rows")


def public_table(frame: pd.DataFrame, where: str) -> pa.Table:
    """Turn a frame of public columns into an Arrow table of fixed types.

    `row`, `col` are int32, `year` is int16, truth values bool, texts string, every other number
    float64; NaN becomes null.

    Raises:
        InvalidTable: infinite numbers, mixed types, fractional integers, a column of no use.
    """
    twice = sorted({str(name) for name in frame.columns if list(frame.columns).count(name) > 1})
    if twice:
        raise InvalidTable(f"{where}: column {', '.join(twice)} is given more than once")
    names = [str(name) for name in frame.columns]
    return pa.table(
        [_array(frame[column], name, where) for column, name in zip(frame.columns, names, strict=True)], names=names
    )


def _array(series: "pd.Series[Any]", name: str, where: str) -> pa.Array:
    kind = series.dtype.kind if isinstance(series.dtype, np.dtype) else None
    try:
        if name in _INTEGERS:
            return pa.array(series, type=_INTEGERS[name], from_pandas=True)
        if pd.api.types.is_bool_dtype(series.dtype):
            return pa.array(series, type=pa.bool_(), from_pandas=True)
        if pd.api.types.is_numeric_dtype(series.dtype) and kind != "c":
            values = pa.array(series.to_numpy(dtype=np.float64, na_value=np.nan), from_pandas=True)
            if np.isinf(values.to_numpy(zero_copy_only=False)).any():
                raise InvalidTable(
                    f"{where}: column {name!r} holds an infinite number: unknown must be null, totals must be finite"
                )
            return values
        return pa.array(series.astype(object), type=pa.string(), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        if isinstance(error, InvalidTable):
            raise
        raise InvalidTable(f"{where}: column {name!r} ({series.dtype}) cannot be published: {error}") from error


def with_geometry(table: pa.Table, geometries: Geometries, crs: str) -> pa.Table:
    """Add WKB geometry, its bounding boxes (GeoParquet 1.1 covering) and the GeoParquet metadata to a table.

    Args:
        table: n rows.
        geometries: (n,) shapely geometries, none missing or empty.
        crs: anything pyproj reads; stored as PROJJSON.
    """
    bounds = shapely.bounds(geometries)
    covering = pa.StructArray.from_arrays([pa.array(bounds[:, k]) for k in range(4)], names=list(COVERING_FIELDS))
    wkb = pa.array(shapely.to_wkb(geometries, output_dimension=2, byte_order=1), type=pa.binary())
    table = table.append_column(GEOMETRY, wkb).append_column(COVERING, covering)
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted({str(name) for name in _type_names(geometries)}),
        "crs": _projjson(crs),
        "covering": {"bbox": {field: [COVERING, field] for field in COVERING_FIELDS}},
    }
    if len(geometries):
        column["bbox"] = [*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist()]
    geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
    return table.replace_schema_metadata({"geo": json.dumps(geo, sort_keys=True, separators=(",", ":"))})


def _type_names(geometries: Geometries) -> list[str]:
    names = (
        "Point",
        "LineString",
        "LinearRing",
        "Polygon",
        "MultiPoint",
        "MultiLineString",
        "MultiPolygon",
        "GeometryCollection",
    )
    return [names[k] for k in np.unique(shapely.get_type_id(geometries))]


@lru_cache(maxsize=32)
def _projjson(crs: str) -> dict[str, Any]:
    return CRS.from_user_input(crs).to_json_dict()


def cells_of(frame: pd.DataFrame, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of cells, which a grid's table must have.

    Raises:
        InvalidTable: one of the columns is missing, or holds what is no whole number.
    """
    missing = [name for name in ("row", "col") if name not in frame.columns]
    if missing:
        raise InvalidTable(f"{where}: a grid's table needs the columns row and col, {' and '.join(missing)} is missing")
    table = public_table(frame[["row", "col"]], where)
    if table["row"].null_count or table["col"].null_count:
        raise InvalidTable(f"{where}: row and col of a cell cannot be null")
    return table["row"].to_numpy().astype(np.int64), table["col"].to_numpy().astype(np.int64)


def polygons_of(geometry: Any, frame: pd.DataFrame, crs: str, where: str) -> Geometries:
    """The polygons of zones or hexagons, one for every row of their frame.

    Raises:
        InvalidTable: not as many as rows, something else than polygons, or in another CRS.
    """
    if geometry is None:
        raise InvalidTable(f"{where}: zones and hexagons need a polygon for every row")
    given = getattr(geometry, "crs", None)
    if given is not None and CRS.from_user_input(given) != CRS.from_user_input(crs):
        raise InvalidTable(
            f"{where}: geometry is in {CRS.from_user_input(given).name!r}, expected the region's CRS {crs}"
        )
    shapes = np.asarray(geometry, dtype=object)
    if shapes.shape != (len(frame),):
        raise InvalidTable(f"{where}: {shapes.shape} geometries for {len(frame)} rows")
    bad = ~np.isin(shapely.get_type_id(shapes), (3, 6)) | shapely.is_empty(shapes)
    if bad.any():
        raise InvalidTable(
            f"{where}: {int(bad.sum())} rows have no polygon, first id {frame['id'].iloc[int(np.argmax(bad))]!r}"
        )
    return shapes
