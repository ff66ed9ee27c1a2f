"""Input files that would make a reader fetch addresses, open other files or run commands: nothing is, and they say so.

An attack class of its own (server-side requests through /vsicurl, VRT in disguise): a server really listens here.
"""

import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gis.errors import UnreadableFile
from gis.files import input_file, unpacked
from gis.layers import ReadReport
from gis.raw import Request
from gis.readers import read_raw

FEATURE = {"type": "Feature", "properties": {"use": "a"}, "geometry": {"type": "Point", "coordinates": [9.5, 47.1]}}


@pytest.fixture
def listening() -> Iterator[tuple[str, list[str]]]:
    """An address, and what was asked of it."""
    asked: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'GEOGCS["x"]')

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listening)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/asked", asked
    finally:
        server.shutdown()
        server.server_close()


def read(folder: Path, name: str, text: str | bytes) -> int:
    """Read a file as a build does; return how many features there were."""
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    path = input_file(folder, name)
    return len(read_raw(Request(path, None, ("use",), {}, None, None), ReadReport("x", name)).ids)


def collection(**more: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": [FEATURE], **more})


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "link", "properties": {"href": "{}", "type": "ogcwkt"}},
        {"type": "LINK", "properties": {"href": "{}"}},
        {"type": "url", "properties": {"url": "{}"}},
        {"properties": {"href": "{}"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("escaped", [False, True])
def test_a_system_that_has_to_be_fetched_is_refused(
    tmp_path: Path, listening: tuple[str, list[str]], crs: dict[str, Any], escaped: bool
) -> None:
    address, asked = listening
    text = collection(crs=crs).replace("{}", address)
    text = text.replace('"crs"', '"\\u0063r\\u0073"') if escaped else text
    with pytest.raises(UnreadableFile, match="nothing is fetched"):
        read(tmp_path, "layer.geojson", text)
    with zipfile.ZipFile(tmp_path / "layer.zip", "w") as archive:
        archive.writestr("layer.geojson", text)
    with pytest.raises(UnreadableFile, match="nothing is fetched"), unpacked(tmp_path / "layer.zip"):
        pass
    assert not asked


@pytest.mark.parametrize(
    "reference",
    ["{}", {"type": "Reference", "href": "{}"}, ["http://www.opengis.net/def/crs/EPSG/0/5714", "{}"], "/vsicurl/{}"],
    ids=str,
)
def test_a_reference_of_json_fg_is_not_followed(
    tmp_path: Path, listening: tuple[str, list[str]], reference: Any
) -> None:
    address, asked = listening
    told = {"conformsTo": ["http://www.opengis.net/spec/json-fg-1/0.2/conf/core"], "coordRefSys": reference}
    with pytest.raises(UnreadableFile, match="nothing is fetched"):
        read(tmp_path, "layer.json", collection(**told).replace("{}", address))
    assert not asked


@pytest.mark.parametrize("name", ["layer.json", "layer.geojson", "layer.topojson"])
@pytest.mark.parametrize("source", ["/vsicurl/{}", "{}", "/etc/passwd"])
def test_a_pipeline_of_gdal_is_not_run(
    tmp_path: Path, listening: tuple[str, list[str]], name: str, source: str
) -> None:
    address, asked = listening
    command = f"gdal vector pipeline ! read {source.format(address)} ! reproject --dst-crs EPSG:4326"
    with pytest.raises(UnreadableFile, match="a pipeline of GDAL's"):
        read(tmp_path, name, json.dumps({"type": "gdal_streamed_alg", "command_line": command}))
    assert not asked


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.fgb", "a.tif", "a.geojson", "a.json", "a.parquet"])
@pytest.mark.parametrize(
    "text",
    [
        "<OGRVRTDataSource><OGRVRTLayer><SrcDataSource>/vsicurl/{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        "<OGRWFSDataSource><URL>{}</URL></OGRWFSDataSource>",
        "<GDAL_WMS><Service name='TMS'><ServerUrl>{}</ServerUrl></Service></GDAL_WMS>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "{}">]><gml>&e;</gml>',
    ],
    ids=["VRT", "WFS", "WMS", "GML with an entity"],
)
def test_a_description_of_a_service_in_disguise_is_refused(
    tmp_path: Path, listening: tuple[str, list[str]], name: str, text: str
) -> None:
    address, asked = listening
    with pytest.raises(UnreadableFile):
        read(tmp_path, name, text.format(address))
    assert not asked


@pytest.mark.parametrize(
    "more",
    [
        {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}},
        {"crs": {"type": "EPSG", "properties": {"code": 4326}}},
        {"crs": None},
        {"coordRefSys": "http://www.opengis.net/def/crs/EPSG/0/4326"},
        {"links": [{"rel": "next", "href": "{}"}]},
    ],
    ids=str,
)
def test_what_names_a_system_is_read_and_links_are_left_alone(
    tmp_path: Path, listening: tuple[str, list[str]], more: dict[str, Any]
) -> None:
    address, asked = listening
    assert read(tmp_path, "layer.geojson", collection(**more).replace("{}", address)) == 1
    assert not asked
