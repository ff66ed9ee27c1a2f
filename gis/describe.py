"""What a file holds, without reading it through: layers, columns, counts, CRS; for people and for error messages."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import RasterioError

from gis.errors import UnreadableFile, listed
from gis.files import Kind, file_kind, unpacked
from gis.sources import OSM_LAYERS
from gis.tables import read_table, sheet_names
from gis.vector import layer_info, layer_names, parquet_geometry


@dataclass(frozen=True)
class LayerDescription:
    """One layer, sheet or band."""

    name: str
    columns: tuple[str, ...] = ()
    features: int | None = None
    """None where counting would mean reading."""
    geometry: str = ""
    crs: str = ""


@dataclass(frozen=True)
class FileDescription:
    """What a file holds."""

    file: str
    kind: Kind
    bytes: int
    layers: tuple[LayerDescription, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def summary(self) -> str:
        """One line per layer, for the terminal."""
        lines = [f"{self.file}: {self.kind}, {self.bytes:,} bytes"]
        for layer in self.layers:
            count = "" if layer.features is None else f", {layer.features:,} features"
            what = " ".join(part for part in (layer.geometry, layer.crs) if part)
            lines.append(f"  {layer.name}{count}{f', {what}' if what else ''}: {listed(layer.columns, 60)}")
        return "\n".join(lines)


def describe_file(path: Path, encoding: str | None = None) -> FileDescription:
    """Describe any file that a source may name.

    Args:
        path: an existing file.
        encoding: of a CSV.

    Raises:
        UnknownFormat, UnreadableFile, WrongEncoding: as the readers do.
    """
    kind = file_kind(path)
    if kind == "zip":
        with unpacked(path) as inner:
            layers = _vector(inner)
    elif kind == "vector":
        layers = _vector(path)
    elif kind == "parquet":
        file, geometry, crs = parquet_geometry(path)
        columns = tuple(name for name in file.schema_arrow.names if name != geometry)
        name = crs if isinstance(crs, str) else "" if crs is None else str(crs.get("name", ""))
        layers = [LayerDescription(path.stem, columns, int(file.metadata.num_rows), "WKB", name)]
    elif kind == "table":
        layers = _table(path, encoding)
    elif kind == "raster":
        layers = _raster(path)
    else:
        layers = [LayerDescription(name, ("id", "class", "any tag"), None, "", "EPSG:4326") for name in OSM_LAYERS]
    return FileDescription(path.name, kind, path.stat().st_size, tuple(layers))


def _vector(path: Path) -> list[LayerDescription]:
    made = []
    for name in layer_names(path):
        info = layer_info(path, name)
        count = int(info["features"])
        made.append(
            LayerDescription(
                name,
                tuple(str(field) for field in info["fields"]),
                count if count >= 0 else None,
                str(info["geometry_type"] or "no geometry"),
                str(info["crs"] or "no CRS"),
            )
        )
    return made


def _table(path: Path, encoding: str | None) -> list[LayerDescription]:
    sheets = sheet_names(path) if path.suffix.lower() == ".xlsx" else [None]
    made = []
    for sheet in sheets:
        rows = read_table(path, sheet, encoding).rows
        made.append(LayerDescription(sheet or path.stem, tuple(map(str, rows.columns)), len(rows)))
    return made


def _raster(path: Path) -> list[LayerDescription]:
    try:
        with rasterio.open(path, driver="GTiff") as dataset:
            size = f"{dataset.width} x {dataset.height} pixels of {abs(dataset.transform.a):.6g}"
            crs = dataset.crs.to_string() if dataset.crs else "no CRS"
            return [
                LayerDescription(f"band {band}", (), None, f"{kind}, {size}, nodata {nodata}", crs)
                for band, (kind, nodata) in enumerate(zip(dataset.dtypes, dataset.nodatavals, strict=True), start=1)
            ]
    except RasterioError as problem:
        raise UnreadableFile(f"{path.name} cannot be opened as GeoTIFF ({problem}); it is damaged") from problem
