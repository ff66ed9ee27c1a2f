"""What the files of a folder are: layers with geometry, columns, CRS and place; rasters with their classes; tables."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import rasterio
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from gis.crs import LONLAT, Bounds, any_crs, moved_bounds
from gis.encodings import plausible_encodings, shapefile_encoding
from gis.errors import CrsError, GisError, UnreadableFile, WrongEncoding
from gis.files import READABLE, file_kind, input_file, unpacked
from gis.found_osm import FoundOsm, found_osm
from gis.tables import read_table
from gis.vector import layer_info, layer_names, parquet_geometry

_GEOMETRIES = {"Polygon": "polygon", "LineString": "line", "Point": "point"}
_DEPTH = 3
_MOST_ROWS = 200_000
_MOST_TABLE_BYTES = 200_000_000
_SAMPLES = 12
_RASTER_LOOK = 768
_SKIPPED = ("store", "node_modules", "forms")


@dataclass(frozen=True)
class FoundLayer:
    """One layer of a file, or a table, or a raster.

    Attributes:
        file: below the inputs folder.
        layer: its name, where the file has several.
        kind: `vector`, `table` or `raster`.
        geometry: `polygon`, `line`, `point`; empty for tables and rasters.
        features: how many; of a raster its pixels.
        crs: `EPSG:3067`, or the system's name; empty where the file does not say.
        metric: whether that is projected, in metres, and no Web Mercator.
        lonlat: west, south, east, north in degrees; None where it cannot be known.
        samples: column -> some of its distinct values, as text; empty for rasters.
        unique: columns whose every value is there once.
        codes: classes met in a raster, of a thinned-out look.
        encoding: that must be stated in the region file; empty where the file says it, or needs none.
    """

    file: str
    layer: str | None
    kind: str
    geometry: str = ""
    features: int = 0
    crs: str = ""
    metric: bool = False
    lonlat: Bounds | None = None
    samples: dict[str, tuple[str, ...]] | None = None
    unique: frozenset[str] = frozenset()
    codes: tuple[int, ...] = ()
    encoding: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, as the file has them."""
        return tuple(self.samples or ())

    @property
    def title(self) -> str:
        """File and layer, for people."""
        return self.file if self.layer is None else f"{self.file} ({self.layer})"


@dataclass(frozen=True)
class FoundFiles:
    """Everything readable in a folder.

    Attributes:
        osm: OpenStreetMap files.
        layers: all others, layer by layer.
        unreadable: file -> why it cannot be used.
    """

    osm: tuple[FoundOsm, ...]
    layers: tuple[FoundLayer, ...]
    unreadable: dict[str, str]


def found_files(folder: Path) -> FoundFiles:
    """Look at every readable file of a folder and the folders in it, three levels deep; nothing is changed.

    Raises:
        FileMissing: no such folder (as `gis.files.input_file` says it).
    """
    osm: list[FoundOsm] = []
    layers: list[FoundLayer] = []
    unreadable: dict[str, str] = {}
    for name in _names(folder):
        try:
            path = input_file(folder, name)
            if file_kind(path) == "osm":
                osm.append(found_osm(path, name))
            else:
                layers += _layers(path, name)
        except (GisError, OSError) as problem:
            unreadable[name] = str(problem)
    return FoundFiles(tuple(osm), tuple(layers), unreadable)


def _names(folder: Path) -> list[str]:
    """Files with a suffix that is read, below the folder, in order; none of a store, none hidden."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") or part in _SKIPPED for part in name.parts)
        if hidden or len(name.parts) > _DEPTH or not path.is_file():
            continue
        if path.name.lower().endswith(READABLE):
            found.append(name.as_posix())
    return found


def _layers(path: Path, name: str) -> list[FoundLayer]:
    kind = file_kind(path)
    if kind == "raster":
        return [_raster(path, name)]
    if kind == "table":
        return [_table(path, name)]
    if kind == "parquet":
        return [_parquet(path, name)]
    if kind == "zip":
        with unpacked(path) as inner:
            return list(_vector(inner, name))
    return list(_vector(path, name))


def _vector(path: Path, name: str) -> Iterator[FoundLayer]:
    names = layer_names(path)
    for layer in names:
        info = layer_info(path, layer)
        crs = info["crs"]
        if crs is None and path.suffix.lower() in (".json", ".topojson"):
            crs = "EPSG:4326"  # TopoJSON has none; what is not TopoJSON says so when it is read
        encoding, stated = _shapefile_encoding(path) if path.suffix.lower() == ".shp" else (None, "")
        with_rows = 0 <= info["features"] <= _MOST_ROWS
        bounds = pyogrio.read_info(path, layer=layer, force_total_bounds=True)["total_bounds"]
        _, _, _, fields = pyogrio.raw.read(
            path, layer=layer, encoding=encoding, read_geometry=False, datetime_as_string=True,
            max_features=None if with_rows else _MOST_ROWS // 10,
        )  # fmt: skip
        values = {
            str(field): pd.Series(array, dtype=object) for field, array in zip(info["fields"], fields, strict=True)
        }
        samples, unique = _looked_at(values, whole=with_rows)
        geometry = _family(str(info["geometry_type"]), path, layer, encoding)
        yield FoundLayer(
            name, layer if len(names) > 1 else None, "vector" if geometry else "table", geometry, int(info["features"]),
            *_place(crs, bounds), samples=samples, unique=unique, encoding=stated,
        )  # fmt: skip


def _shapefile_encoding(path: Path) -> tuple[str | None, str]:
    """Which encoding to read with, and the same where the region file has to say it."""
    try:
        return shapefile_encoding(path, None)[0], ""
    except WrongEncoding:
        body = path.with_suffix(".dbf").read_bytes()[32:]
        fits = [name for name in plausible_encodings(body) if name != "utf-8"]
        if not fits:
            raise
        return fits[0], fits[0]


def _family(declared: str, path: Path, layer: str, encoding: str | None) -> str:
    """`polygon`, `line` or `point`; where a file declares any geometry, its first features say."""
    names = [declared]
    if declared not in ("None", "") and not any(name in declared for name in _GEOMETRIES):
        import shapely

        wkb = pyogrio.raw.read(path, layer=layer, encoding=encoding, columns=[], max_features=50)[2]
        parts = shapely.get_parts(shapely.from_wkb([blob for blob in wkb if blob is not None]))
        names = [shape.geom_type for shape in shapely.get_parts(parts)]
    for name in names:
        for geometry, family in _GEOMETRIES.items():
            if geometry in name:
                return family
    return ""


def _parquet(path: Path, name: str) -> FoundLayer:
    try:
        file, geometry, crs = parquet_geometry(path)
    except UnreadableFile:
        import pyarrow.parquet as pq

        file, geometry, crs = pq.ParquetFile(path), "", None
    head = next(file.iter_batches(_MOST_ROWS // 10), None)
    table = head.to_pandas() if head is not None else pd.DataFrame()
    values = {str(column): table[column].astype(object) for column in table if column != geometry}
    samples, unique = _looked_at(values, whole=file.metadata.num_rows == len(table))
    if not geometry:
        return FoundLayer(name, None, "table", features=file.metadata.num_rows, samples=samples, unique=unique)
    described = json.loads((file.metadata.metadata or {})[b"geo"])["columns"][geometry]
    family = next((value for key, value in _GEOMETRIES.items() if key in str(described.get("geometry_types"))), "")
    bounds = described.get("bbox")
    place = _place(crs, None if bounds is None else np.asarray(bounds)[[0, 1, len(bounds) // 2, len(bounds) // 2 + 1]])
    return FoundLayer(name, None, "vector", family, file.metadata.num_rows, *place, samples=samples, unique=unique)


def _table(path: Path, name: str) -> FoundLayer:
    if path.stat().st_size > _MOST_TABLE_BYTES:
        with path.open("rb") as stream:
            header = stream.readline(65_536).decode("utf-8", errors="replace").strip()
        columns = [column.strip('"') for column in header.split(max(",;|\t", key=header.count))]
        return FoundLayer(name, None, "table", samples=dict.fromkeys(columns, ()))
    encoding = ""
    try:
        table = read_table(path)
    except WrongEncoding:
        encoding = next((fit for fit in plausible_encodings(path.read_bytes()[:1_000_000]) if fit != "utf-8"), "")
        if not encoding:
            raise
        table = read_table(path, encoding=encoding)
    samples, unique = _looked_at({str(column): table.rows[column] for column in table.rows}, whole=True)
    return FoundLayer(name, None, "table", features=len(table.rows), samples=samples, unique=unique, encoding=encoding)


def _raster(path: Path, name: str) -> FoundLayer:
    try:
        with rasterio.open(path, driver="GTiff") as dataset:
            crs = dataset.crs
            lonlat = None if crs is None else transform_bounds(crs, LONLAT.to_wkt(), *dataset.bounds, densify_pts=21)
            shape = (min(dataset.height, _RASTER_LOOK), min(dataset.width, _RASTER_LOOK))
            codes: tuple[int, ...] = ()
            if dataset.dtypes[0].startswith(("int", "uint")):
                values = dataset.read(1, out_shape=shape, resampling=Resampling.nearest)
                codes = tuple(int(code) for code in np.unique(values) if code != dataset.nodata)
            pixels = dataset.height * dataset.width
            said, metric = _said(None if crs is None else crs.to_wkt())
    except RasterioError as problem:
        raise UnreadableFile(f"{name} cannot be opened as GeoTIFF ({problem})") from problem
    return FoundLayer(name, None, "raster", "", pixels, said, metric, lonlat, {}, codes=codes)


def _looked_at(values: dict[str, pd.Series], *, whole: bool) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """Some distinct values of every column, and the columns that could be ids."""
    samples: dict[str, tuple[str, ...]] = {}
    unique: set[str] = set()
    for name, column in values.items():
        present = column.dropna().astype(str)
        present = present[present.str.strip() != ""]
        samples[name] = tuple(present.drop_duplicates().head(_SAMPLES))
        if whole and len(column) and len(present) == len(column) and present.is_unique:
            unique.add(name)
    return samples, frozenset(unique)


def _said(crs: object) -> tuple[str, bool]:
    """How a file's CRS is written in a region file, and whether it is in metres."""
    if crs is None:
        return "", False
    known: CRS = any_crs(crs, "the file")
    authority = known.to_authority(min_confidence=60)
    metric = known.is_projected and {axis.unit_name for axis in known.axis_info[:2]} == {"metre"}
    return ":".join(authority) if authority else known.name, metric and "Pseudo" not in known.name


def _place(crs: object, bounds: object) -> tuple[str, bool, Bounds | None]:
    said, metric = _said(crs)
    if crs is None or bounds is None:
        return said, metric, None
    try:
        west, south, east, north = (float(value) for value in np.asarray(bounds, dtype=float))
        moved = moved_bounds((west, south, east, north), any_crs(crs, "the file"), LONLAT)
    except (CrsError, ValueError):
        return said, metric, None
    return said, metric, moved if np.isfinite(moved).all() else None
