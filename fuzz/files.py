"""Targets whose bytes are files that a build reads: tables, maps, OpenStreetMap, region files."""

import io
import tempfile
from functools import cache
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from carbonmap.errors import RegionError
from carbonmap.region import RegionFile
from fuzz.target import Target
from gis.csv_blocks import survey
from gis.errors import GisError
from gis.layers import ReadReport
from gis.raw import Request
from gis.readers import read_raw
from gis.table_blocks import open_table
from gis.tables import read_table


def run_csv(data: bytes) -> bool:
    """A CSV table: in blocks it says what the whole says, or is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(data)
        try:
            table = survey(path, None)
            blocks = (
                None
                if table is None
                else [tuple(row.values()) for b in table.blocks(table.names) for row in b.to_pylist()]
            )
        except GisError:
            blocks = None
        try:
            whole = [tuple(row) for row in read_table(path, None, None).rows.itertuples(index=False, name=None)]
        except GisError:
            assert blocks is None
            return False
    assert blocks is None or blocks == whole
    return True


def run_joined(data: bytes) -> bool:
    """A Parquet table of meters that is joined by key."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "meters.parquet"
        path.write_bytes(data)
        try:
            table = open_table(path, "key", ("kwh", "name"), None, None)
            rows = sum(block.rows for block in table.blocks())
        except GisError:
            return False
    assert rows == table.rows
    return True


def _layer(data: bytes, name: str, columns: tuple[str, ...], layer: str | None = None, crs: str | None = None) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        report = ReadReport("fuzzed", name)
        try:
            raw = read_raw(Request(path, layer, columns, {}, None, crs), report)
        except GisError:
            return False
    assert len(raw.ids) <= report.read
    return True


def run_geoparquet(data: bytes) -> bool:
    """A GeoParquet layer."""
    return _layer(data, "layer.parquet", ("use",))


def run_geojson(data: bytes) -> bool:
    """A GeoJSON layer, by GDAL; TopoJSON is told apart from it."""
    return _layer(data, "layer.geojson", ("use",))


def run_osm(data: bytes) -> bool:
    """OpenStreetMap XML, plain or as Overpass writes it."""
    return _layer(data, "map.osm", ("building",), "buildings")


def run_region(data: bytes) -> bool:
    """A region file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "region.yaml"
        path.write_bytes(data)
        try:
            RegionFile(path)
        except RegionError:
            return False
    return True


def _parquet(frame: pd.DataFrame | gpd.GeoDataFrame) -> bytes:
    out = io.BytesIO()
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(out)
    else:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), out, write_page_checksum=True)
    return out.getvalue()


@cache
def _geoparquet() -> bytes:
    boxes = [shapely.box(9.5 + k / 100, 47.1, 9.505 + k / 100, 47.11) for k in range(5)]
    return _parquet(gpd.GeoDataFrame({"use": list("abcde")}, geometry=boxes, crs="EPSG:4326"))


_OSM = b"""<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6"><bounds minlat="47" minlon="9" maxlat="48" maxlon="10"/>
<node id="1" lat="47.0" lon="9.0"/><node id="2" lat="47.0" lon="9.001"/><node id="3" lat="47.001" lon="9.001"/>
<way id="5"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="building" v="house"/></way>
<relation id="7"><member type="way" ref="5" role="outer"/><tag k="type" v="multipolygon"/></relation></osm>
"""
_OUT_GEOM = (
    _OSM.replace(b'<nd ref="1"/>', b'<nd ref="1" lat="47.0" lon="9.0"/>')
    .replace(b'<nd ref="2"/>', b'<nd ref="2" lat="47.0" lon="9.001"/>')
    .replace(b'<nd ref="3"/>', b'<nd ref="3" lat="47.001" lon="9.001"/>')
)
_XML = (
    b"<",
    b">",
    b'"',
    b"/>",
    b"<nd ",
    b'ref="9"',
    b"<!DOCTYPE x>",
    b"&lt;",
    b'id="-1"',
    b'lat="nan"',
    b'lat="1e999"',
    b"<way ",
    b"</way>",
    b'ref="99999999999999999999"',
    b"\xff",
)
_YAML = (
    b": ",
    b"- ",
    b"&a ",
    b"*a",
    b"!!python/object:os.system ",
    b"\n  ",
    b"null",
    b"1e999",
    b".nan",
    b"2023-13-45",
    b"{",
    b"[",
    b"|\n",
    b"'",
    b"? ",
    b"<<: *a",
)


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    meters = pd.DataFrame({"key": ["a", "b", "c"] * 40, "kwh": [1.5] * 120, "name": ["x", None, "전"] * 40})
    features = b'{"type":"Feature","properties":{"use":"a"},"geometry":{"type":"Point","coordinates":[9.5,47.1]}}'
    geojson = b'{"type":"FeatureCollection","features":[' + features + b"," + features + b"]}"
    csv = (b"key,kwh\na,1\nb,2\n", b'key;v\r\n"a;b";1,5\r\n"c\r\nd";\r\n', "k\tv\n전\t1\n".encode("cp949"))
    shipped = Path(__file__).parent.parent / "data" / "regions"
    regions = tuple(path.read_bytes() for path in sorted(shipped.glob("*.yaml"))[:3])
    json_words = (
        b"null",
        b"[]",
        b"[[",
        b"1e999",
        b"NaN",
        b'"type"',
        b'"Topology"',
        b'"\\ud800"',
        b"]",
        b"}",
        b'"crs":',
    )
    return (
        Target("csv", "tables of CSV", run_csv, csv, (b",", b";", b'"', b"\r", b"\n", b"\t", b"\0", b"\xef\xbb\xbf")),
        Target("joined", "Parquet that is joined", run_joined, (_parquet(meters),), (b"PAR1",), native=True),
        Target(
            "geoparquet",
            "GeoParquet layers",
            run_geoparquet,
            (_geoparquet(),),
            (b"PAR1", b'"crs":null', b'"encoding":"point"'),
            native=True,
        ),
        Target("geojson", "GeoJSON layers", run_geojson, (geojson, features), json_words, native=True),
        Target("osm", "OpenStreetMap XML", run_osm, (_OSM, _OUT_GEOM), _XML, native=True),
        Target("region", "region files", run_region, regions, _YAML),
    )
