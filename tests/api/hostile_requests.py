"""Hostile requests, byte by byte as they go over the wire: clients tidy up what attackers do not."""

import gzip
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

REGION = "/api/town"
GRID = f"{REGION}/collections/grid-1km"
ITEMS = f"{GRID}/items"
TILES = f"{GRID}/tiles/WebMercatorQuad"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"
SQUARE = [[[9.5, 47.1], [9.6, 47.1], [9.6, 47.2], [9.5, 47.2], [9.5, 47.1]]]


def get(target: str | bytes, *headers: bytes, version: bytes = b"1.1") -> bytes:
    """A GET of a target as it is written, not encoded any further."""
    raw = target if isinstance(target, bytes) else target.encode("latin-1")
    head = [b"GET " + raw + b" HTTP/" + version, b"Host: here", b"Connection: close", *headers]
    return b"\r\n".join(head) + b"\r\n\r\n"


def asked(address: str, **query: str) -> bytes:
    """A GET with parameters, encoded as they must be; what is hostile in them is what they mean."""
    return get(f"{address}?{urlencode({name.replace('_', '-'): value for name, value in query.items()})}")


def post(body: bytes, *headers: bytes, target: str = f"{REGION}/statistics", method: bytes = b"POST") -> bytes:
    """A request with a body that is as long as it says."""
    head = [method + b" " + target.encode() + b" HTTP/1.1", b"Host: here", b"Connection: close", *headers]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body


def polygon(*rings: Any, kind: str = "Polygon") -> bytes:
    return json.dumps({"type": kind, "coordinates": list(rings)}).encode()


def star(vertices: int) -> bytes:
    """A polygon of so many vertices, written short."""
    angle = 2 * math.pi / vertices
    ring = (f"[{9.55 + math.cos(k * angle) / 50:.6f},{47.1 + math.sin(k * angle) / 50:.6f}]" for k in range(vertices))
    points = list(ring)
    return f'{{"type":"Polygon","coordinates":[[{",".join([*points, points[0]])}]]}}'.encode()


def combs(teeth: int) -> bytes:
    """Two combs laid across each other: valid apart, crossing each other teeth x teeth times."""

    def comb(turned: bool) -> list[list[float]]:
        ring = [[9.5, 47.1]]
        for k in range(teeth):
            x = 9.5 + 0.1 * k / teeth
            ring += [[x, 47.2], [x + 0.04 / teeth, 47.2], [x + 0.05 / teeth, 47.1001], [x + 0.09 / teeth, 47.1001]]
        ring += [[9.6, 47.1], [9.5, 47.1]]
        return [[9.5 + (y - 47.1), 47.1 + (x - 9.5)] for x, y in ring] if turned else ring

    return polygon([comb(False)], [comb(True)], kind="MultiPolygon")


BOXES = {
    "nan": "nan,nan,nan,nan",
    "one NaN": "9.5,47.1,NaN,47.2",
    "infinite": "-inf,-inf,inf,inf",
    "Infinity": "-Infinity,0,Infinity,1",
    "beyond a double": "9.5,47.1,1e999,47.2",
    "beyond the world": "-181,0,0,1",
    "beyond a pole": "0,-91,1,0",
    "as wide as a double": "-1.7e308,-1.7e308,1.7e308,1.7e308",
    "upside down": "9.5,47.3,9.6,47.1",
    "across the antimeridian": "170,47,-170,48",
    "inside out": "9.7,47.3,9.5,47.1",
    "nothing": "",
    "commas": ",,,",
    "one number": "9.5",
    "three": "9.5,47.1,9.6",
    "five": "9.5,47.1,9.6,47.2,1",
    "six, upside down": "9.5,47.3,0,9.6,47.1,100",
    "three thousand": ",".join(["1"] * 3_000),
    "words": "west,south,east,north",
    "a hexadecimal number": "0x9,47.1,9.6,47.2",
    "a complex number": "9j,47.1,9.6,47.2",
    "semicolons": "9.5;47.1;9.6;47.2",
    "a null byte": "9.5,47.1,9.6\x00,47.2",
    "SQL": "1,1,1,1); DROP TABLE items;--",
    "a number of 12,000 digits": f"{'9' * 12_000},47.1,9.6,47.2",
    "JSON": "[9.5,47.1,9.6,47.2]",
}
DATES = {
    "no date": "yesterday",
    "nothing": "",
    "open at both ends": "../..",
    "only a slash": "/",
    "three parts": "2022/2023/2024",
    "backwards": "2023-12-31/2022-01-01",
    "a 30th of February": "2023-02-30",
    "month 13": "2023-13-01",
    "year 0": "0000-01-01",
    "year 10000": "10000-01-01",
    "a negative year": "-2023-01-01",
    "an impossible zone": "2023-01-01T00:00:00+99:99",
    "a zone beyond the calendar": "0001-01-01T00:00:00+23:59",
    "digits that are none of ASCII": "２０２３-01-01",
    "10,000 digits": "2" * 10_000,
    "a null byte": "2023\x00",
    "a duration": "2022-01-01/P1Y",
}
DEEP = 3_000
FILTERS = {
    "nothing": "",
    "nested brackets": "(" * 2_000 + "held" + ")" * 2_000,
    "nested brackets never closed": "(" * 4_000,
    "NOT upon NOT": "NOT " * 1_900 + "held",
    "NOT upon NOT in a box": "BBOX(" + "NOT " * 2_040 + "held)",
    "sign upon sign in a box": "BBOX(" + "-" * 8_000 + "1)",
    "comparison upon comparison": "1" + "=1" * 4_000,
    "words glued to the next": "1" + "LIKE1" * 1_600,
    "lists glued to the next": "1" + "in1" * 2_600,
    "NOT glued to NOT": "NOT" * 2_700 + "1",
    "sign upon sign": "net_tco2e > " + "-" * 4_000 + "1",
    "a tower of powers": "net_tco2e = " + "^".join(["2"] * 1_500),
    "twelve hundred ANDs": " AND ".join(["held"] * 1_200),
    "a bracket wrong in the deepest": "(" * 30 + "held AND" + ")" * 30,
    "longer than may be": f"id = '{'a' * 9_000}'",
    "a quote too many": "id = 'x' OR '1'='1' --'",
    "SQL behind it": "held; DROP TABLE items",
    "a comment": "held /* */ = true",
    "UNION SELECT": "id = 'a' UNION SELECT name FROM sqlite_master",
    "a function of the database": "pg_sleep(10) = 1",
    "a function of the system": "load_extension('/srv/x') = 1",
    "an unknown column": "secret = 1",
    "a column of the private tables": "emissions_tco2e > 0",
    "a column with SQL in its name": '"net_tco2e; DROP" > 1',
    "an attribute of Python": "__class__ = 1",
    "a text for a number": "net_tco2e = 'a'",
    "a number too large": "net_tco2e > 1e999",
    "a pattern of wildcards": "id LIKE '" + "%a" * 80 + "'",
    "a long pattern": "id LIKE '" + "_" * 4_000 + "'",
    "a pattern that is a column": "id LIKE id",
    "an empty list": "net_tco2e IN ()",
    "a geometry across the antimeridian": "S_INTERSECTS(geometry, BBOX(170,47,-170,48))",
    "a geometry of NaN": "S_INTERSECTS(geometry, POINT(nan nan))",
    "a geometry beyond the world": "S_INTERSECTS(geometry, POINT(1e300 1e300))",
    "a bow tie": "S_INTERSECTS(geometry, POLYGON((9.5 47.1, 9.6 47.2, 9.6 47.1, 9.5 47.2, 9.5 47.1)))",
    "eleven conditions about places": " OR ".join(
        f"S_TOUCHES(geometry, LINESTRING(9.5 47.{k:02}, 9.6 47.2))" for k in range(11)
    ),
    "a hundred conditions about places": " OR ".join(
        f"S_TOUCHES(geometry,LINESTRING(9.5 47.{k:03},9.6 47.2))" for k in range(100)
    ),
    "a ring of two points": "S_INTERSECTS(geometry, POLYGON((9.5 47.1, 9.6 47.2)))",
    "no truth": "net_tco2e",
    "no text": "\x00\x01\x02",
    "a wrong date": "net_tco2e > DATE('2023-99-99')",
}
JSON_FILTERS = {
    "nothing": "",
    "no JSON": "{",
    "a number": "1",
    "null": "null",
    "a list": "[]",
    "an empty object": "{}",
    "nested lists": "[" * DEEP + "]" * DEEP,
    "NOT upon NOT": '{"op":"not","args":[' * 300 + "true" + "]}" * 300,
    "an operator that is a number": '{"op":1,"args":[]}',
    "arguments that are an object": '{"op":"=","args":{}}',
    "arguments that are none": '{"op":"="}',
    "a property that is a list": '{"op":"=","args":[{"property":["id"]},1]}',
    "a property with a quote": '{"op":"=","args":[{"property":"id\\" OR 1=1 --"},"x"]}',
    "a number too large": '{"op":">","args":[{"property":"net_tco2e"},1e999]}',
    "a whole number too large": '{"op":">","args":[{"property":"net_tco2e"},' + "9" * 4_000 + "]}",
    "NaN": '{"op":">","args":[{"property":"net_tco2e"},NaN]}',
    "a geometry of nothing": '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Polygon"}]}',
    "a geometry of null": '{"op":"s_within","args":[{"property":"geometry"},{"type":"Point","coordinates":[null,1]}]}',
    "a geometry of text": '{"op":"s_within","args":[{"property":"geometry"},{"type":"Point","coordinates":"x"}]}',
    "a box of texts": '{"op":"s_within","args":[{"property":"geometry"},{"bbox":["a","b","c","d"]}]}',
    "a box of a thousand numbers": '{"op":"s_within","args":[{"property":"geometry"},{"bbox":[' + "1," * 999 + "1]}]}",
    "an operator with SQL": '{"op":"= 1; DROP TABLE x; --","args":[1,1]}',
    "a time before the calendar": '{"op":"=","args":[{"timestamp":"0001-01-01T00:00:00+23:59"},{"property":"id"}]}',
    "a time after the calendar": '{"op":"=","args":[{"timestamp":"9999-12-31T23:59:59-23:59"},{"property":"id"}]}',
    "a date that is an object": '{"op":"=","args":[{"date":{}},{"date":[]}]}',
}
PARAMETERS = {
    "an unknown one": ("x", "1"),
    "its own name in capitals": ("LIMIT", "1"),
    "a name of another column": ("secret", "1"),
    "Python's": ("__proto__", "1"),
    "a limit of 0": ("limit", "0"),
    "a limit below 0": ("limit", "-1"),
    "a limit that is no number": ("limit", "ten"),
    "a limit of NaN": ("limit", "nan"),
    "a limit in thousands": ("limit", "1e3"),
    "a limit of 5,000 digits": ("limit", "9" * 5_000),
    "an offset below 0": ("offset", "-1"),
    "an offset that is no number": ("offset", "0x10"),
    "an offset of 5,000 digits": ("offset", "9" * 5_000),
    "a year of no table": ("year", "1999"),
    "a year beyond years": ("year", "10000"),
    "a year of 5,000 digits": ("year", "9" * 5_000),
    "a year below 0": ("year", "-2023"),
    "an edition that climbs": ("edition", "../../../etc/passwd"),
    "an edition in capitals": ("edition", "0123456789ABCDEF"),
    "an edition with a null byte": ("edition", "0123456789abcde\x00"),
    "an edition that is not there": ("edition", "f" * 16),
    "an edition of digits of another script": ("edition", "０" * 16),
    "a column that is not there": ("properties", "secret"),
    "a column of the private tables": ("properties", "geometry,feature"),
    "columns beyond all bounds": ("properties", ",".join(f"c{k}" for k in range(2_000))),
    "an order by a column that is not there": ("sortby", "secret"),
    "an order by SQL": ("sortby", "(SELECT 1)"),
    "an order by everything twice": ("sortby", ",".join(["id"] * 500)),
    "a form that is a path": ("f", "../../etc/passwd"),
    "a form that is markup": ("f", "<script>alert(1)</script>"),
    "a CRS of a file": ("crs", "file:///etc/passwd"),
    "a CRS from elsewhere": ("crs", "http://169.254.169.254/latest/meta-data"),
    "a CRS that is a pipeline": ("crs", "+proj=pipeline +step +proj=hgridshift +grids=/etc/passwd"),
    "a CRS that is JSON": ("crs", '{"type":"GeographicCRS"}'),
    "a CRS of another place": ("crs", f"{EPSG}/5179"),
    "a bbox-crs of a file": ("bbox-crs", "/etc/passwd"),
    "a filter-lang that is none": ("filter-lang", "sql"),
    "a filter-crs that is none": ("filter-crs", "x" * 5_000),
}
PATHS = {
    "dots": "/api/../../../../etc/passwd",
    "encoded dots": "/api/%2e%2e/%2e%2e/etc/passwd",
    "encoded slashes": "/api/..%2f..%2f..%2fetc%2fpasswd",
    "dots encoded twice": "/api/%252e%252e%252fetc%252fpasswd",
    "backslashes": "/api/..\\..\\windows\\win.ini",
    "encoded backslashes": "/api/..%5c..%5cwindows%5cwin.ini",
    "a drive": "/C:/windows/win.ini",
    "a share": "//server/share",
    "an overlong dot": "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "an overlong slash": "/..%c0%af..%c0%afetc/passwd",
    "no UTF-8": "/api/%ff%fe",
    "a null byte": "/index.html%00.js",
    "a null byte in a region": "/api/town%00/collections",
    "an unfinished escape": "/api/town%/collections/x%",
    "a wrong escape": "/api/%zz/collections",
    "full-width dots": "/api/%ef%bc%8e%ef%bc%8e/",
    "a region that climbs": "/api/..%2ftown/",
    "a region of dots": "/api/%2e/",
    "a device": "/api/con/",
    "a reserved word": "/api/current/",
    "a region in capitals": "/api/TOWN/",
    "a region of a mile": f"/api/{'a' * 5_000}/",
    "a collection that climbs": f"{REGION}/collections/..%2f..%2fprivate/items",
    "a private table": f"{REGION}/collections/lines-meters/items",
    "private files by name": f"{REGION}/private/lines-meters.parquet",
    "a table by name": f"{REGION}/0123456789abcdef/tables/grid-1km/2023.parquet",
    "an item that climbs": f"{ITEMS}/..%2f..%2f..%2fmanifest.json",
    "an item of a null byte": f"{ITEMS}/%00",
    "a download that climbs": f"{REGION}/downloads/..%2f..%2fmanifest.json",
    "a download of private rows": f"{REGION}/downloads/lines-meters.parquet",
    "a download with a null byte": f"{REGION}/downloads/grid-1km_2023.csv%00",
    "a download of a mile": f"{REGION}/downloads/{'a' * 5_000}",
    "a difference of paths": f"{REGION}/editions/..%2f0/diff/..%2f1",
    "a STAC item that climbs": f"{REGION}/stac/items/..%2f..%2fmanifest",
    "the map's secret": "/assets/..%2f..%2fsecret.txt",
    "the map's secret, plainly": "/assets/../../secret.txt",
    "a query in place of a path": "/api/?/../../etc",
    "a slash too many": "/api//town/collections",
    "a thousand slashes": "/api" + "/" * 1_000,
    "five hundred folders": "/api" + "/a" * 500,
}
ADDRESSES = {
    "too deep": "23/0/0",
    "beyond any number": f"{'9' * 5_000}/0/0",
    "above the world": "-1/0/0",
    "a row that is not there": "3/8/0",
    "a column that is not there": "3/0/8",
    "before the first row": "3/-1/0",
    "a row of 64 bits": "22/18446744073709551616/0",
    "a fraction": "1.5/0/0",
    "a word": "z/y/x",
    "nothing": "//",
    "NaN": "nan/nan/nan",
    "an exponent": "1e1/0/0",
    "a climb": "3/..%2f..%2f0/0",
    "a file's ending": "3/4/4.pbf%00.png",
    "a space": "%203/4%20/+4x",
}
BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe\x00",
    "a text": b'"x"',
    "null": b"null",
    "lists in lists": b"[" * 100_000 + b"]" * 100_000,
    "objects in objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "lists never closed": b"[" * 1_000_000,
    "coordinates in coordinates": b'{"type":"Polygon","coordinates":' + b"[" * 900 + b"]" * 900 + b"}",
    "collections in collections": b'{"type":"GeometryCollection","geometries":[' * 200 + b"]}" * 200,
    "a feature of features": b'{"type":"Feature","geometry":' * 200 + b"null" + b"}" * 200,
    "a point": b'{"type":"Point","coordinates":[9.5,47.1]}',
    "a FeatureCollection": b'{"type":"FeatureCollection","features":[]}',
    "a polygon without coordinates": b'{"type":"Polygon"}',
    "coordinates of null": b'{"type":"Polygon","coordinates":null}',
    "coordinates of nulls": b'{"type":"Polygon","coordinates":[[[null,null],[null,null],[null,null],[null,null]]]}',
    "coordinates of texts": b'{"type":"Polygon","coordinates":[[["a","b"],["c","d"],["e","f"],["a","b"]]]}',
    "coordinates of truths": b'{"type":"Polygon","coordinates":[[[true,false],[false,true],[true,true],[true,false]]]}',
    "a coordinate in an object": b'{"type":"Polygon","coordinates":{"0":{"0":[9.5,47.1]}}}',
    "positions of one number": b'{"type":"Polygon","coordinates":[[[9.5],[9.6],[9.6],[9.5]]]}',
    "a ring of nothing": polygon([]),
    "a ring of one position": polygon([[9.5, 47.1]]),
    "a ring that is open": polygon(SQUARE[0][:-1]),
    "an empty position": polygon([[], [], [], []]),
    "a bow tie": polygon([[9.5, 47.1], [9.6, 47.2], [9.6, 47.1], [9.5, 47.2], [9.5, 47.1]]),
    "a line there and back": polygon([[9.5, 47.1], [9.6, 47.2], [9.5, 47.1], [9.5, 47.1]]),
    "a hole outside": polygon(SQUARE[0], [[10, 48], [11, 48], [11, 49], [10, 48]]),
    "two squares on each other": polygon(SQUARE, SQUARE, kind="MultiPolygon"),
    "combs across each other": combs(600),
    "NaN": b'{"type":"Polygon","coordinates":[[[NaN,NaN],[1,1],[1,2],[NaN,NaN]]]}',
    "1e999": b'{"type":"Polygon","coordinates":[[[1e999,47],[1e999,48],[9,48],[1e999,47]]]}',
    "-1e999": b'{"type":"Polygon","coordinates":[[[-1e999,-1e999],[1,1],[1,2],[-1e999,-1e999]]]}',
    "a coordinate of a million digits": b'{"type":"Polygon","coordinates":[[['
    + b"9" * 1_000_000
    + b",1],[1,1],[1,2],[1,1]]]}",
    "beyond the world": polygon([[200, 0], [201, 0], [201, 1], [200, 0]]),
    "latitude first": polygon([[47.1, 95], [47.2, 95], [47.2, 96], [47.1, 95]]),
    "across the antimeridian": polygon([[-179, 0], [179, 0], [179, 1], [-179, 1], [-179, 0]]),
    "the whole world": polygon([[-90, -90], [90, -90], [90, 90], [-90, 90], [-90, -90]]),
    "10,001 vertices": star(10_001),
    "80,000 vertices": star(80_000),
    "a million vertices": star(1_000_000),
    "20,001 arrays": b'{"type":"Polygon","coordinates":[' + b"[]," * 19_999 + b"[]]}",
    "600,000 empty rings": b'{"type":"Polygon","coordinates":[' + b"[]," * 600_000 + b"[]]}",
    "a position of 600,000 numbers": b'{"type":"Polygon","coordinates":[[[' + b"1," * 600_000 + b"1]]]}",
    "a CRS of its own": json.dumps(
        {"type": "Polygon", "coordinates": SQUARE, "crs": {"type": "link", "properties": {"href": "http://127.0.0.1/"}}}
    ).encode(),
    "ids that are a text": b'{"collection":"municipality","ids":"west"}',
    "ids of numbers": b'{"collection":"municipality","ids":[1,2]}',
    "no ids": b'{"collection":"municipality","ids":[]}',
    "an id 20,000 times": json.dumps({"collection": "municipality", "ids": ["west"] * 20_000}).encode(),
    "an id twice": b'{"collection":"municipality","ids":["west","west"]}',
    "20,000 ids": json.dumps({"collection": "municipality", "ids": [str(k) for k in range(20_000)]}).encode(),
    "an id with a null byte": b'{"collection":"municipality","ids":["west\\u0000"]}',
    "an id of half a letter": b'{"collection":"municipality","ids":["\\ud800"]}',
    "a collection that climbs": b'{"collection":"../private","ids":["west"]}',
    "a collection that is a list": b'{"collection":["municipality"],"ids":["west"]}',
    "an unknown member": b'{"collection":"municipality","ids":["west"],"__proto__":{}}',
    "XML with entities": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "a form": b"type=Polygon&coordinates=1",
    "a pickle": b"cos\nsystem\n(S'id'\ntR.",
    "gzip that nobody unpacks": gzip.compress(polygon(*SQUARE)),
    "a bomb of gzip": gzip.compress(bytes(100_000_000), 9),
}
SCENARIOS = f"{REGION}/scenarios/results"
_RETROFIT = {"id": "r", "kind": "retrofit", "level": 0.5}
_ZONE = {"collection": "municipality", "ids": ["west"]}


def plan(*measures: Mapping[str, Any], **more: Any) -> bytes:
    return json.dumps({"year": 2040, "measures": measures, **more}).encode()


def acting(area: Any) -> bytes:
    """A measure in an area."""
    return plan(_RETROFIT | {"area": area})


PLANS = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe\x00",
    "a list": b"[]",
    "lists in lists": b"[" * 100_000 + b"]" * 100_000,
    "objects in objects": b'{"a":' * 80_000 + b"1" + b"}" * 80_000,
    "a year of 5,000 digits": b'{"year":' + b"9" * 5_000 + b"}",
    "a year of NaN": b'{"year":NaN}',
    "a year long gone": plan()[:-1] + b',"year":1}',
    "a year that is an object": b'{"year":{}}',
    "measures that are an object": b'{"year":2040,"measures":{}}',
    "a kind that nobody knows": plan({"id": "x", "kind": "__class__"}),
    "5,000 unknown kinds": plan(*({"id": f"x{k}", "kind": "y"} for k in range(5_000))),
    "51 measures": plan(*(_RETROFIT | {"id": f"m{k}"} for k in range(51))),
    "13 measures of roads": plan(
        *({"id": f"m{k}", "kind": "road_speed", "kmh": 30, "roads": ["a"]} for k in range(13))
    ),
    "seven forms": plan(*({"id": f"g{k}", "kind": "growth", "form": "compact", "people": 5} for k in range(7))),
    "an id twice": plan(_RETROFIT, _RETROFIT),
    "a level of 1e999": b'{"year":2040,"measures":[{"id":"r","kind":"retrofit","level":1e999}]}',
    "a level of Infinity": b'{"year":2040,"measures":[{"id":"r","kind":"retrofit","level":Infinity}]}',
    "an id that climbs": plan(_RETROFIT | {"id": "../../etc/passwd"}),
    "parameters of nobody": plan(_RETROFIT, parameters={f"p{k}": 1.0 for k in range(100)}),
    "a road without roads": plan({"id": "c", "kind": "car_free_area", "area": _ZONE}),
    "1e9 people of 1e9": plan({"id": "g", "kind": "growth", "form": "compact", "people": 1e300}),
    "a name of a megabyte": plan(name="x" * 1_000_000),
    "a polygon of 10,001 vertices": acting({"polygon": json.loads(star(10_001))["coordinates"]}),
    "a hundred rings of a hundred": acting({"polygon": [json.loads(star(100))["coordinates"][0]] * 100}),
    "a bow tie": acting({"polygon": [[[9.5, 47.1], [9.6, 47.2], [9.6, 47.1], [9.5, 47.2], [9.5, 47.1]]]}),
    "across the antimeridian": acting({"polygon": [[[-179, 0], [179, 0], [179, 1], [-179, 1], [-179, 0]]]}),
    "the whole world": acting({"polygon": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]}),
    "a polygon and ids": acting({"polygon": SQUARE, **_ZONE}),
    "a zone 9,000 times": acting({"collection": "municipality", "ids": ["west"] * 9_000}),
    "9,000 zones of nowhere": acting({"collection": "municipality", "ids": [str(k) for k in range(9_000)]}),
    "a private table": acting({"collection": "../private/lines-meters", "ids": ["west"]}),
    "a zone of half a letter": acting(_ZONE).replace(b'"west"', b'"\\ud800"'),
    "a zone with a null byte": acting({"collection": "municipality", "ids": ["west\x00"]}),
    "a line of 5,000 miles": plan({"id": "t", "kind": "transit_stops", "line": [[-170, 60], [170, -60]]}),
    "gzip": gzip.compress(plan()),
}
AREAS = {
    "neither": {},
    "a text": "west",
    "a zone twice": {"collection": "municipality", "ids": ["west", "west"]},
    "20,000 zones": {"collection": "municipality", "ids": [str(k) for k in range(20_000)]},
    "ids of numbers": {"collection": "municipality", "ids": [1]},
    "a collection that climbs": {"collection": "../private", "ids": ["west"]},
    "10,001 vertices": json.loads(star(10_001)),
    "a bow tie": json.loads(polygon([[9.5, 47.1], [9.6, 47.2], [9.6, 47.1], [9.5, 47.2], [9.5, 47.1]])),
    "a megabyte": {"collection": "municipality", "ids": ["x" * 1_000_000]},
}
EXECUTIONS = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "no inputs": b"{}",
    "inputs that are a list": b'{"inputs":[]}',
    "an unknown input": b'{"inputs":{"scenario":{"year":2040},"x":1}}',
    "an input from elsewhere": b'{"inputs":{"scenario":{"href":"http://169.254.169.254/"}}}',
    "somebody to call back": b'{"inputs":{"scenario":{"year":2040}},"subscriber":{"successUri":"http://127.0.0.1/"}}',
    "samples beyond bounds": b'{"inputs":{"scenario":{"year":2040},"samples":1000000}}',
    "inputs in inputs": b'{"inputs":{"scenario":' * 300 + b"1" + b"}}" * 300,
    "30,000 arrays": b'{"inputs":{"scenario":[' + b"[]," * 30_000 + b"[]]}}",
}
RESULTS = {
    "a digest that climbs": f"{SCENARIOS}/..%2f..%2fjobs/items",
    "a digest of nobody": f"{SCENARIOS}/{'0' * 64}/items",
    "a digest of a mile": f"{SCENARIOS}/{'a' * 5_000}/items",
    "a tile of nobody": f"{SCENARIOS}/{'0' * 64}/tiles/WebMercatorQuad/8/90/134",
    "a scenario of nobody": f"{REGION}/scenarios/{'0' * 22}",
    "a scenario that climbs": f"{REGION}/scenarios/..%2f..%2fkeys.sqlite",
    "a process of nobody": f"{REGION}/processes/..%2fscenario",
    "roads of another year": f"{SCENARIOS.removesuffix('results')}roads?lon=9.5&lat=47.1&year=1999",
    "a job of nobody": f"{REGION}/jobs/{'0' * 32}",
    "a job that climbs": f"{REGION}/jobs/..%2f..%2fmanifest.json/results",
}
REPEATED = {
    "limit": f"{ITEMS}?limit=1&limit=2",
    "limit, 2,000 times": f"{ITEMS}?{'limit=1&' * 1_500}limit=1",
    "edition": f"{ITEMS}?edition={'0' * 16}&edition=0123456789abcdef",
    "ids": f"{REGION}/statistics?collection=municipality&ids=west&ids=west",
    "an id within ids": f"{REGION}/statistics?collection=municipality&ids=west,west",
    "3,000 ids": f"{REGION}/statistics?collection=municipality&ids={','.join(str(k) for k in range(3_000))}",
    "an id in a series": f"{REGION}/collections/municipality/timeseries?ids=west,west",
    "3,000 ids of a series": f"{REGION}/collections/municipality/timeseries?ids={','.join(map(str, range(3_000)))}",
    "year of a tile": f"{TILES}/8/90/134?year=2022&year=2023",
    "properties of a tile": f"{TILES}/8/90/134?properties=id&properties=id",
}
SEARCHES = {
    "nothing": "",
    "spaces": " " * 100,
    "5,000 letters": "a" * 5_000,
}
RANKINGS = {
    "an id": {"column": "id"},
    "a column that is not there": {"column": "secret"},
    "a unit that is none": {"column": "net_tco2e", "unit": "kg"},
    "an order that is none": {"column": "net_tco2e", "order": "random()"},
    "a limit beyond bounds": {"column": "net_tco2e", "limit": "1000000000"},
    "a parent that climbs": {"column": "net_tco2e", "parent": "../../x"},
    "no column": {},
}


def hostile() -> Iterator[tuple[str, bytes]]:
    """Every request and what to call it."""
    groups: tuple[tuple[str, Mapping[str, Any], Callable[[Any], bytes]], ...] = (
        ("box", BOXES, lambda given: asked(ITEMS, bbox=given)),
        ("box in metres", {"NaN": "nan,nan,nan,nan", "far": "1e9,1e9,2e9,2e9"}, _box_in_metres),
        ("time", DATES, lambda given: asked(ITEMS, datetime=given)),
        ("filter", FILTERS, lambda given: get(f"{ITEMS}?filter={quote(given, safe='', errors='surrogatepass')}")),
        ("JSON filter", JSON_FILTERS, lambda given: asked(ITEMS, filter=given, filter_lang="cql2-json")),
        ("parameter", PARAMETERS, lambda given: get(f"{ITEMS}?{given[0]}={quote(given[1], safe='')}")),
        ("path", PATHS, get),
        ("tile", ADDRESSES, lambda given: get(f"{TILES}/{given}")),
        ("body", BODIES, post),
        ("scenario", PLANS, lambda given: post(given, target=SCENARIOS)),
        ("scenario in an area", AREAS, _in_area),
        ("samples", {"-1": "-1", "NaN": "nan", "501": "501"}, _with_samples),
        ("execution", EXECUTIONS, lambda given: post(given, target=f"{REGION}/processes/scenario/execution")),
        ("result", RESULTS, get),
        ("given twice", REPEATED, get),
        ("search", SEARCHES, lambda given: asked(f"{REGION}/search", q=given)),
        ("ranking", RANKINGS, lambda given: asked(f"{GRID}/ranking", **given)),
    )
    for group, members, make in groups:
        for name, given in members.items():
            yield f"{group}: {name}", make(given)


def _box_in_metres(given: str) -> bytes:
    return asked(ITEMS, bbox=given, bbox_crs=f"{EPSG}/32632")


def _in_area(given: Any) -> bytes:
    body = json.dumps({"scenario": {"year": 2040, "measures": [_RETROFIT]}, "area": given}).encode()
    return post(body, target=f"{SCENARIOS}/statistics")


def _with_samples(given: str) -> bytes:
    return post(plan(_RETROFIT), target=f"{SCENARIOS}?samples={given}")


HOSTILE = dict(hostile())
