"""Targets whose bytes are the body of a request, or headers that we read ourselves."""

import math

import shapely
from fastapi import Request

from api.drawn import MOST_AREA_HA, MOST_VERTICES, read_drawn
from api.errors import InvalidParameter, NotAcceptable
from api.formats import DOCUMENT, ITEMS, chosen, takes_gzip
from api.scenario_runs import MOST_MEASURES
from api.scenario_runs import read_document as read_scenario_document
from api.sent_files import span_of
from api.statistics import read_document
from fuzz.editions import opened_edition
from fuzz.target import Target
from scenarios.errors import InvalidScenario

_SIZE = 1000  # bytes of the file of which a range is asked


def run_drawn(data: bytes) -> bool:
    """A posted polygon is refused, or is valid ground in the region's CRS."""
    try:
        drawn = read_drawn(read_document(data), opened_edition())
    except InvalidParameter:
        return False
    assert shapely.is_valid(drawn.shape)
    assert shapely.get_type_id(drawn.shape) in (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    # What is cut off far away leaves corners of its own: at most some for each edge that crosses the region's border.
    assert shapely.get_num_coordinates(drawn.shape) <= 4 * MOST_VERTICES
    assert math.isfinite(shapely.area(drawn.shape))
    assert 0 <= drawn.area_ha <= MOST_AREA_HA
    return True


def run_scenario(data: bytes) -> bool:
    """A scenario's document is refused in words that can be sent, or says the same when it is written and read again.

    Anybody may send one, and a planner's is kept.
    """
    try:
        scenario = read_scenario_document(data)
    except (InvalidParameter, InvalidScenario) as refusal:
        str(refusal).encode("utf-8")
        return False
    assert len(scenario.measures) <= MOST_MEASURES
    written = scenario.model_dump_json(by_alias=True)
    assert read_scenario_document(written.encode("utf-8")) == scenario
    return True


def run_range(data: bytes) -> bool:
    """A Range header is one span of bytes, or the whole file is sent."""
    found = span_of(data.decode("latin-1"), _SIZE)
    if found is None:
        return False
    first, last = found
    assert first >= 0
    assert first <= last < _SIZE or first >= _SIZE, "either within the file, or wholly beyond it"
    return True


def run_accept(data: bytes) -> bool:
    """An Accept header chooses one of the forms that are offered, or is refused."""
    text = data.decode("latin-1")
    assert isinstance(takes_gzip(text), bool)
    request = Request({"type": "http", "query_string": b"", "headers": [(b"accept", data)]})
    taken = False
    for offered in (ITEMS, DOCUMENT):
        try:
            assert chosen(request, offered) in offered
        except NotAcceptable:
            continue
        taken = True
    return taken


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    ring = b"[[9.53,47.14],[9.56,47.14],[9.56,47.16],[9.53,47.14]]"
    polygons = (
        b'{"type":"Polygon","coordinates":[' + ring + b"]}",
        b'{"type":"MultiPolygon","coordinates":[[' + ring + b"],[[[8,46],[9,46],[9,47],[8,46]]]]}",
        b'{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[' + ring + b"]}}",
        b'{"type":"Polygon","coordinates":[[[0,40,5],[20,40,5],[20,55,5],[0,40,5]],' + ring + b"]}",
    )
    scenarios = (
        b'{"year":2040,"measures":[{"id":"a","kind":"use_change","source":"office","target":"house","level":0.5,'
        b'"start":2030,"ramp_years":5,"parameters":{},"costs":{"capital_per_unit":1e3}}]}',
        b'{"name":"\xec\xa0\x84","year":2050,"measures":[{"id":"b","kind":"growth","form":"polycentric",'
        b'"people":1e4,"centres":[[9.54,47.15]],"area":{"polygon":[' + ring + b"]}}]}",
        b'{"year":2040,"measures":[{"id":"c","kind":"transit_stops","line":[[9.53,47.14],[9.56,47.16]],'
        b'"area":{"collection":"zones","ids":["a","b"]}}]}',
        b'{"year":2030}',
    )
    parts = (
        *(b"null", b"[]", b"{}", b"1e400", b"-1", b"NaN", b"9" * 400, b'"\\ud800"', b'"\\u0000"', b'"kind":'),
        *(b'"measures":', b'"area":', b'"ids":["a","a"]', b'"growth"', b'"parameters":{"x":', ring + b",", b"true"),
    )
    shapes = (b"[]", b"[[", b"]]", b"null", b"1e308", b"-180", b"90", b"NaN", b'"crs"', b'"Point"', ring + b",", b"{}")
    ranges = (
        b"bytes=0-99",
        b"bytes=500-",
        b"bytes=-1",
        b"bytes=999-5000",
        b"BYTES = 1 - 2",
        b"bytes=1000-",
        b"bytes=-0",
    )
    accepts = (
        b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        b"application/geo+json;q=0.5, text/csv",
        b"application/*;q=0.1;v=1",
        b"*/*;q=0",
    )
    return (
        Target("drawn", "a posted polygon", run_drawn, polygons, shapes),
        Target("scenario", "a posted scenario", run_scenario, scenarios, parts),
        Target(
            "range", "Range of a download", run_range, ranges, (b"-", b"=", b",", b"9" * 40, b"bytes", b" ", b"\xb2")
        ),
        Target("accept", "Accept", run_accept, accepts, (b";q=", b"nan", b"inf", b"1e999", b",", b"*/*", b"/", b";")),
    )
