"""GeoParquet written piece by piece, one row group per piece, with the same bytes every time."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

__all__ = ["GeoParquetWriter"]


class GeoParquetWriter:
    """A GeoParquet 1.0 file being written.

    Args:
        path: of the file.
        fields: name -> Arrow type of the columns beside the geometry, in order.
        crs: of the coordinates, e.g. EPSG:5179.
    """

    def __init__(self, path: Path, fields: Mapping[str, pa.DataType], crs: str) -> None:
        self._schema = pa.schema([*fields.items(), ("geometry", pa.binary())])
        self._crs = pyproj.CRS.from_user_input(crs).to_json_dict()
        self._bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])
        self._types: set[str] = set()
        # The Arrow schema is written at the start, before the bounds are known; readers that find it look for `geo`
        # there and not in the file's own metadata, which is complete only at the end. So it is left out.
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", store_schema=False)

    def write(self, columns: Mapping[str, Any], geometry: npt.NDArray[np.object_]) -> None:
        """Append rows as one row group; nothing is written for no rows."""
        if not len(geometry):
            return
        arrays = []
        for name in self._schema.names[:-1]:
            given = columns[name]
            kind = self._schema.field(name).type
            arrays.append(given.cast(kind) if isinstance(given, pa.Array) else pa.array(given, kind))
        arrays.append(pa.array(shapely.to_wkb(geometry), pa.binary()))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=len(geometry))
        bounds = shapely.total_bounds(geometry)
        self._bounds = np.concatenate(
            [np.minimum(self._bounds[:2], bounds[:2]), np.maximum(self._bounds[2:], bounds[2:])]
        )
        self._types |= {_TYPE_NAMES[t] for t in np.unique(shapely.get_type_id(geometry)).tolist()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        column: dict[str, Any] = {"encoding": "WKB", "geometry_types": sorted(self._types), "crs": self._crs}
        if np.isfinite(self._bounds).all():
            column["bbox"] = self._bounds.tolist()
        geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": column}}
        self._writer.add_key_value_metadata({"geo": json.dumps(geo, sort_keys=True)})
        self._writer.close()


_TYPE_NAMES = {0: "Point", 1: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}
