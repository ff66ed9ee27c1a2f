"""Targets whose bytes are texts of a request or of a server's settings."""

import math
import tempfile
from pathlib import Path

from api.coordinates import read_place
from api.crs import offered, reference
from api.errors import InvalidParameter, SettingsError
from api.filters import Language, read_filter
from api.geometries import read_box
from api.item_query import numbers_of
from api.settings import Settings
from api.times import years_met
from fuzz.editions import opened_edition
from fuzz.target import Target
from grids.codes import cell_codes, parse_cell_code
from grids.errors import CellCodeError
from grids.selection import Selection
from grids.store_errors import QueryTooLarge

_FILTERS = (
    b"net_tco2e > 3 AND NOT held",
    b"id LIKE 'a%' OR name_en IN ('A', 'B''s') AND net_tco2e BETWEEN -1 AND 1e3",
    b"S_INTERSECTS(geometry, POLYGON((9.5 47.1, 9.6 47.1, 9.6 47.2, 9.5 47.1)))",
    b"S_WITHIN(geometry, BBOX(9,47,10,48)) AND CASEI(id) = ACCENTI('\xc3\xa9')",
    b"year + 1 * 2 - -3 / net_tco2e ^ 2 % 5 div 3 <= 7 OR net_tco2e IS NOT NULL",
    b"TIMESTAMP('2023-01-01T00:00:00Z') > TIMESTAMP('2022-01-01T00:00:00+09:00')",
    b"((held) AND (true <> false))",
    b"S_WITHIN(geometry, BBOX(-9,-47,10,48)) AND " + b"NOT " * 99 + b"held",
    b"held OR 1" + b" = 1" * 99,
    b"1" + b"LIKE1" * 99,
    b"idINid OR trueANDtrueNOTLIKE'a'notin1",
)
_JSON_FILTERS = (
    b'{"op":">","args":[{"property":"net_tco2e"},3]}',
    b'{"op":"and","args":[{"op":"not","args":[{"property":"held"}]},{"op":"like","args":[{"property":"id"},"a%"]}]}',
    b'{"op":"in","args":[{"property":"id"},["a","b"]]}',
    b'{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Point","coordinates":[9.55,47.15]}]}',
    b'{"op":"s_within","args":[{"property":"geometry"},{"bbox":[9,47,10,48]}]}',
    b'{"op":"=","args":[{"op":"casei","args":[{"property":"id"}]},"A"]}',
    b'{"op":"between","args":[{"op":"*","args":[{"property":"year"},2]},1,9999]}',
    b'{"op":"=","args":[{"date":"2023-01-01"},{"date":"2023-12-31"}]}',
)
_WORDS = (
    *(b"(", b")", b"NOT ", b" AND ", b" OR ", b"''", b'"', b",", b"-", b"^", b" NULL", b" IS ", b" IN ", b" LIKE "),
    *(b"held", b"id", b"geometry", b"1e308", b"DATE('2023-01-01')", b"POINT(", b"EMPTY"),
    *(b"BBOX(", b"NOT " * 500, b"-" * 2000, b" = 1" * 1000, b" LIKEid" * 500),
    *(b"LIKE1" * 1600, b"in1" * 2000, b"div1" * 1500, b"NOT" * 2000, b"between1", b"isnull", b"notin"),
)
_JSON_WORDS = (b"null", b"[]", b"{}", b"[[", b"]]", b"1e308", b"-1", b'"op"', b'"args"', b'"property"', b'"\\u0000"')


def _filter(text: str, language: Language) -> bool:
    edition = opened_edition()
    for collection in ("zones", "grid-1km"):
        crs = offered(edition)[len(text) % 3]
        try:
            where = read_filter(text, language, crs, edition.types(collection, 2023))
            found = edition.page(collection, 2023, ["id"], Selection(where=where))
        except (InvalidParameter, QueryTooLarge):
            return False
        assert found.matched == len(found.positions) <= 16
    return True


def run_filter(data: bytes) -> bool:
    """A CQL2 text is refused before a row is read, or selects rows."""
    return _filter(data.decode("utf-8", "replace"), "cql2-text")


def run_json_filter(data: bytes) -> bool:
    """The same as CQL2 JSON."""
    return _filter(data.decode("utf-8", "replace"), "cql2-json")


def run_box(data: bytes) -> bool:
    """A `bbox` and the CRS it is given in, after a semicolon."""
    text, _, name = data.decode("utf-8", "replace").partition(";")
    edition = opened_edition()
    try:
        west, south, east, north = read_box(numbers_of(text), reference(edition, name or None, "bbox-crs"), "bbox")
    except InvalidParameter:
        return False
    assert west <= east
    assert south <= north
    assert math.isfinite(west + south + east + north)
    return True


def run_time(data: bytes) -> bool:
    """The `datetime` of a request."""
    years = [1, 1999, 2022, 2023, 9999]
    try:
        met = years_met(data.decode("utf-8", "replace"), years)
    except InvalidParameter:
        return False
    assert met == sorted(set(met) & set(years))
    return True


def run_place(data: bytes) -> bool:
    """Coordinates as people type them."""
    places = read_place(data.decode("utf-8", "replace"))
    assert all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in places)
    return bool(places)


def run_code(data: bytes) -> bool:
    """A cell's code: read, written and read again it is the same cell."""
    try:
        cell = parse_cell_code(data.decode("utf-8", "replace"))
        if cell.size_m > 100_000:
            return True
        [written] = cell_codes(cell.scheme, f"EPSG:{cell.epsg}", [cell.east_m], [cell.north_m], cell.size_m)
    except CellCodeError:
        return False
    assert parse_cell_code(str(written)) == cell
    return True


def run_settings(data: bytes) -> bool:
    """A server's settings file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "server.toml"
        file.write_bytes(data)
        try:
            settings = Settings.load(file, environment={})
        except SettingsError:
            return False
    assert Settings.load(environment=settings.as_environment()) == settings
    return True


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    boxes = (b"9.5,47.1,9.6,47.2", b"47.1,9.5,47.2,9.6;[EPSG:4326]", b"540000,5220000,541000,5221000;[EPSG:32632]")
    times = (b"2023-07-01", b"2023-07-01T12:00:00.5Z", b"2022-01-01/..", b"../2023", b"2023-06-30T23:59:60Z")
    places = (b"47.14, 9.52", b"47\xc2\xb08'24\"N 9\xc2\xb031'12\"E", b"-33.9 18.4", b"9.52E 47.14N")
    codes = ("다사6443", "다사64a43b", "다사644437", "CRS32632RES1000mN5220000E540000", "1kmN2684E4334")
    settings = (
        b'store = "s"\ngzip_level = 1\nconcurrency = 7\ncors_origins = ["https://a.example"]\n',
        b'store = "s"\npublic_url = "https://map.example.org/x/"\nrequest_seconds = 1.5\nmetrics = false\n',
    )
    toml = (b"nan", b"inf", b"1979-05-27", b"[]", b"{}", b'"""', b"[a]\n", b"-1", b"0x1f", b"\n", b'"\\u0000"', b"_")
    return (
        Target("filter", "CQL2 as text", run_filter, _FILTERS, _WORDS),
        Target("filter-json", "CQL2 as JSON", run_json_filter, _JSON_FILTERS, _JSON_WORDS),
        Target("box", "bbox and bbox-crs", run_box, boxes, (b",", b";", b"nan", b"inf", b"1e999", b"-", b"_", b"[")),
        Target("time", "datetime", run_time, times, (b"/", b"..", b"T", b"Z", b"-", b"+", b":", b"\xd9\xa3")),
        Target("place", "coordinates in a search", run_place, places, (b"\xc2\xb0", b"'", b'"', b"N", b"-", b",")),
        Target("code", "cell codes", run_code, tuple(map(str.encode, codes)), (b"0" * 20, b"9" * 30, b"E", b"km")),
        Target("settings", "settings of a server in TOML", run_settings, settings, toml),
    )
