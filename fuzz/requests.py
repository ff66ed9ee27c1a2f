"""Targets whose bytes are the body of a request, or headers that we read ourselves."""

import math

import shapely
from fastapi import Request

from api.drawn import MOST_AREA_HA, MOST_VERTICES, read_drawn
from api.errors import InvalidParameter, NotAcceptable
from api.formats import DOCUMENT, ITEMS, chosen, takes_gzip
from api.sent_files import span_of
from api.statistics import read_document
from fuzz.editions import opened_edition
from fuzz.target import Target

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
        Target(
            "range", "Range of a download", run_range, ranges, (b"-", b"=", b",", b"9" * 40, b"bytes", b" ", b"\xb2")
        ),
        Target("accept", "Accept", run_accept, accepts, (b";q=", b"nan", b"inf", b"1e999", b",", b"*/*", b"/", b";")),
    )
