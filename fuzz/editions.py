"""A small edition that targets read from, and its files under attack."""

import io
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from fuzz.target import Target
from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.grid import Grid
from grids.manifest import MANIFEST_FILE, read_manifest
from grids.store_errors import EditionBroken, EditionError
from grids.table_files import TableFile
from grids.tiles import Tile, collection_tile, context_tile

_CRS = "EPSG:32632"
_ID = "0" * 16
_GRID = CollectionInfo(
    id="grid-1km",
    title={"en": "1 km cells"},
    kind="grid",
    level=0,
    cell_size_m=1000,
    origin_m=(0, 0),
    codes="inspire",
)
_ZONES = CollectionInfo(id="zones", title={"en": "Zones"}, kind="zones", zone_kind="administrative")


def _manifest() -> dict[str, Any]:
    return {
        "region": {
            "id": "town",
            "name": {"en": "Town"},
            "languages": ["en"],
            "crs": _CRS,
            "bbox": [9.52, 47.13, 9.58, 47.17],
            "synthetic": True,
            "years": [2023],
            "attributions": [{"text": "made up", "licence": "CC0", "url": "https://example.org"}],
            "factor_regions": ["LI"],
        },
        "sectors": ["buildings"],
        "illustrative": {"buildings": True},
        "inputs": [{"file": "town.gpkg", "bytes": 10, "sha256": "0" * 64}],
        "factors": [],
        "layers": [],
        "residuals": {},
        "totals": {2023: {"buildings": 1.0, "net": 1.0}},
        "disclosure": {},
        "code": {"version": "0", "sha256": "0" * 64},
        "libraries": {},
    }


@cache
def _store() -> Path:
    store = Path(tempfile.mkdtemp(prefix="carbonmap-fuzz-"))
    rows, cols = (axis.ravel() for axis in np.meshgrid(np.arange(5220, 5224), np.arange(540, 544), indexing="ij"))
    codes = Grid(_CRS, (0, 0), 1000, "inspire").codes(rows, cols)
    cells = pd.DataFrame({"id": np.asarray(codes, dtype=object), "row": rows, "col": cols, "area_ha": 100.0})
    cells = cells.assign(buildings_tco2e=np.arange(16.0), net_tco2e=np.arange(16.0), held=False)
    shapes = [shapely.box(540_000, 5_220_000, 542_000, 5_224_000), shapely.box(542_000, 5_220_000, 544_000, 5_224_000)]
    zones = pd.DataFrame({"id": ["a", "b"], "name_en": ["A", "B"], "area_ha": 800.0, "net_tco2e": [1.0, np.nan]})
    river = gpd.GeoDataFrame(
        {"kind": ["water"]}, geometry=[shapely.box(541_000, 5_221_000, 541_500, 5_223_000)], crs=_CRS
    )
    with EditionWriter(store, "town", _ID, crs=_CRS) as writer:
        writer.write_table(_GRID, 2023, cells)
        writer.write_table(_ZONES, 2023, zones, geometry=shapes)
        writer.write_context("water", river)
        writer.publish(_manifest())
    return store


@cache
def opened_edition() -> Edition:
    """Return an edition of sixteen cells and two zones near Liechtenstein, written once for a process."""
    return Store(_store()).open("town")


def run_manifest(data: bytes) -> bool:
    """What `manifest.json` of an edition says."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "town" / _ID
        place.mkdir(parents=True)
        (place / MANIFEST_FILE).write_bytes(data)
        try:
            read_manifest(place)
        except EditionBroken:
            return False
    return True


def _table(data: bytes, info: CollectionInfo, expected: bytes) -> bool:
    """A table that is damaged is refused, or read as it was written."""
    whole = pq.read_table(io.BytesIO(expected))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _ID / "tables" / info.id / "2023.parquet"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        try:
            file = TableFile(path, info)
            file.meeting((540_000, 5_220_000, 550_000, 5_230_000))
            read = file.take(np.arange(file.rows), list(whole.column_names))
            file.position("a")
        except EditionBroken:
            return False
        assert isinstance(read, pa.Table)
        read.validate(full=True)
    return True


def run_cell_table(data: bytes) -> bool:
    """The table of a grid as it lies in an edition."""
    return _table(data, _GRID, _bytes("tables/grid-1km/2023.parquet"))


def run_zone_table(data: bytes) -> bool:
    """The table of zones, with geometry, as it lies in an edition."""
    return _table(data, _ZONES, _bytes("tables/zones/2023.parquet"))


@cache
def _bytes(name: str) -> bytes:
    return (_store() / "town" / _ID / name).read_bytes()


def run_tile(data: bytes) -> bool:
    """The address of a tile, and what is drawn there: well-formed, or no such tile."""
    try:
        z, y, x = (int(part) for part in data.decode("ascii").split("/"))
        place = Tile(z, y, x)
        drawn = [collection_tile(opened_edition(), name, None, place) for name in ("grid-1km", "zones")]
        drawn.append(context_tile(opened_edition(), place))
    except (EditionError, ValueError):
        return False
    for tile in drawn:
        for number, layer in fields(tile):
            assert number == 3, "a tile holds layers"
            inner = fields(layer)
            assert {of for of, _ in inner} <= {1, 2, 3, 4, 5, 15}
            assert (15, 2) in inner, "layers are of version 2"
            assert (5, 4096) in inner
    return True


def fields(message: bytes | int) -> list[tuple[int, Any]]:
    """Return the numbers and values of a protobuf message's fields; fails on what is none."""
    assert isinstance(message, bytes)
    found: list[tuple[int, Any]] = []
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == 2:
            length, at = _varint(message, at)
            assert at + length <= len(message)
            found.append((key >> 3, message[at : at + length]))
            at += length
        else:
            assert key & 7 == 0, "vector tiles' own fields are numbers or bytes"
            value, at = _varint(message, at)
            found.append((key >> 3, value))
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while message[at] & 128:
        value |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1


def targets() -> tuple[Target, ...]:
    """Return the targets of this module; their seeds are an edition's own files."""
    manifest = json.dumps(json.loads(_bytes(MANIFEST_FILE))).encode()
    cells, zones = _bytes("tables/grid-1km/2023.parquet"), _bytes("tables/zones/2023.parquet")
    words = (b"null", b"{}", b"[]", b"1e999", b"-1", b'"../x"', b'"\\u0000"', b"true", b"NaN", b'{"a":')
    tiles = (b"0/0/0", b"8/90/134", b"12/1447/2156", b"15/11577/17250", b"22/0/0", b"-1/0/0")
    return (
        Target("manifest", "manifest.json of an edition", run_manifest, (manifest, b"{}"), words),
        Target("cell-table", "Parquet of a grid in an edition", run_cell_table, (cells,), (b"PAR1",), native=True),
        Target("zone-table", "Parquet of zones in an edition", run_zone_table, (zones,), (b"PAR1",), native=True),
        Target("tile", "addresses of tiles, and their bytes", run_tile, tiles, (b"/", b"0", b"4194303", b"-", b"_")),
    )
