"""CQL2 filters: what they choose is what pandas chooses from the table; what cannot be is refused, quickly."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pandas as pd
import pytest
import shapely

from api.crs import DEFAULT
from api.errors import InvalidParameter
from api.filter_parser import MOST_BYTES
from api.filters import MOST_DEPTH, read_filter
from api.models import Problem
from grids.edition import Store

ITEMS = "/api/town/collections/{}/items"
TYPES = {"id": "string", "name_en": "string", "held": "bool", "year": "int16", "net_tco2e": "double"}


@pytest.fixture(scope="module")
def grid(small_store: Path) -> pd.DataFrame:
    return Store(small_store).open("town").table("grid-100m", 2023).to_pandas()


@pytest.fixture(scope="module")
def zones(small_store: Path) -> gpd.GeoDataFrame:
    edition = Store(small_store).open("town")
    table = edition.table("municipality", 2023)
    return gpd.GeoDataFrame(
        table.to_pandas().drop(columns="geometry"), geometry=edition.polygons("municipality", table), crs=edition.crs
    )


def ids(client: httpx.Client, collection: str, text: str | dict[str, Any], **params: str) -> list[str]:
    if isinstance(text, dict):
        text, params = json.dumps(text), {"filter-lang": "cql2-json", **params}
    asked = {"filter": text, "limit": "10000", "properties": "", "skipGeometry": "true", **params}
    response = client.get(ITEMS.format(collection), params=asked)
    assert response.status_code == 200, response.text
    return [feature["id"] for feature in response.json()["features"]]


N, B, T, P = "net_tco2e", "buildings_tco2e", "transport_tco2e", "population"
CHOICES = {
    "net_tco2e > 30": lambda t: t[N] > 30,
    "net_tco2e <= -0.5e1 OR net_tco2e >= 1e2": lambda t: (t[N] <= -5) | (t[N] >= 100),
    "held": lambda t: t.held,
    "held = false AND net_tco2e <> 0": lambda t: ~t.held & t[N].notna() & (t[N] != 0),
    "NOT held = TRUE AND transport_tco2e IS NULL": lambda t: ~t.held & t[T].isna(),
    "population IS NOT NULL": lambda t: t[P].notna(),
    # Neither a null nor what is not a null meets a comparison with it or its opposite.
    "population > 100 OR NOT population > 100": lambda t: t[P].notna(),
    "population > 100 OR held": lambda t: (t[P] > 100) | t.held,
    "NOT (population > 100 AND held)": lambda t: (t[P] <= 100) | ~t.held,
    "population BETWEEN 10 AND 20 AND held": lambda t: t[P].between(10, 20) & t.held,
    "population NOT BETWEEN 10 AND 390": lambda t: t[P].notna() & ~t[P].between(10, 390),
    "population IN (1, 2, 3, 17)": lambda t: t[P].isin([1, 2, 3, 17]),
    "population NOT IN (1, 2, 3)": lambda t: t[P].notna() & ~t[P].isin([1, 2, 3]),
    "population IN (population, 3) AND held": lambda t: t[P].notna() & t.held,
    "held IN (true)": lambda t: t.held,
    "year = 2023 AND row < 52203": lambda t: t.row < 52203,
    "transport_tco2e > buildings_tco2e": lambda t: t[T] > t[B],
    "buildings_tco2e + transport_tco2e * 2 > 100 - population": lambda t: t[B] + t[T] * 2 > 100 - t[P],
    "(buildings_tco2e + 1) ^ 2 / 4 < 100": lambda t: (t[B] + 1) ** 2 / 4 < 100,
    "-net_tco2e > 3": lambda t: -t[N] > 3,
    "population % 7 = 3": lambda t: t[P] % 7 == 3,
    "population div 50 = 2": lambda t: t[P] // 50 == 2,
    "1 / (population - population) > 0": lambda t: t[P] < 0,  # no result, so nothing
    "id LIKE 'CRS32632RES100mN5220%'": lambda t: t.id.str.startswith("CRS32632RES100mN5220"),
    "id LIKE '%E540_00'": lambda t: t.id.str.match(r".*E540.00$"),
    "CASEI(id) LIKE casei('%100MN5220%') AND held": lambda t: t.id.str.contains("100mN5220") & t.held,
    "id >= 'CRS32632RES100mN5224'": lambda t: t.id >= "CRS32632RES100mN5224",
    "DATE('2023-01-01') < DATE('2023-01-02') AND held": lambda t: t.held,
    "TIMESTAMP('2023-01-01T00:00:00Z') = TIMESTAMP('2023-01-01T01:00:00Z')": lambda t: t.row < 0,
}

NOTHING = ("1 / (population - population) > 0", "TIMESTAMP('2023-01-01T00:00:00Z') = TIMESTAMP('2023-01-01T01:00:00Z')")


@pytest.mark.parametrize("text", CHOICES)
def test_a_filter_chooses_what_pandas_chooses(client: httpx.Client, grid: pd.DataFrame, text: str) -> None:
    expected = grid[CHOICES[text](grid)]["id"].tolist()
    assert ids(client, "grid-100m", text) == expected
    assert len(expected) < len(grid)
    assert expected or text in NOTHING


NAMES = {
    "name_ko = '동구'": ["동구"],
    "name_ko LIKE '_구'": ["west", "동구"],
    "name_en LIKE '%a%'": ["동구", "north/enclave"],
    "CASEI(name_en) = CASEI('WEST')": ["west"],
    "ACCENTI(name_en) = ACCENTI('Wést')": ["west"],
    "ACCENTI(name_ko) LIKE ACCENTI('동%')": ["동구"],
    "CASEI(ACCENTI(name_en)) LIKE CASEI(ACCENTI('ÉA%'))": ["동구"],
    "name_en LIKE '.*'": [],
    "name_en LIKE 'We\\%'": [],
    "name_en = 'x'' OR 1=1 --'": [],
    "parent_id IS NULL": ["west", "동구", "north/enclave"],
    "parent_id = 'x' OR parent_id <> 'x'": [],
}


@pytest.mark.parametrize("text", NAMES)
def test_texts_in_any_language(client: httpx.Client, text: str) -> None:
    assert sorted(ids(client, "municipality", text)) == sorted(NAMES[text])


def test_json_says_the_same_as_text(client: httpx.Client) -> None:
    tree = {
        "op": "and",
        "args": [
            {"op": ">", "args": [{"property": "net_tco2e"}, 10]},
            {"op": "not", "args": [{"op": "isNull", "args": [{"property": "population"}]}]},
            {"op": "in", "args": [{"property": "held"}, [True]]},
        ],
    }
    text = "net_tco2e > 10 AND population IS NOT NULL AND held IN (TRUE)"
    assert ids(client, "grid-100m", tree) == ids(client, "grid-100m", text) != []


POINT, BOX = (9.545, 47.15), (9.54, 47.14, 9.56, 47.16)
SHAPES: dict[str, shapely.Geometry] = {
    "POINT(9.545 47.15)": shapely.Point(POINT),
    "BBOX(9.54,47.14,9.56,47.16)": shapely.box(*BOX),
    "LINESTRING(9.53 47.14, 9.58 47.17)": shapely.LineString([(9.53, 47.14), (9.58, 47.17)]),
    "POLYGON((9.53 47.14, 9.58 47.14, 9.55 47.17, 9.53 47.14))": shapely.Polygon(
        [(9.53, 47.14), (9.58, 47.14), (9.55, 47.17)]
    ),
    "MULTIPOINT(9.545 47.15, 9.56 47.16)": shapely.MultiPoint([POINT, (9.56, 47.16)]),
}


@pytest.mark.parametrize("name", ["intersects", "disjoint", "within", "contains", "crosses", "touches", "overlaps"])
@pytest.mark.parametrize("text", SHAPES)
@pytest.mark.parametrize("collection", ["grid-500m", "municipality"])
def test_relations_in_degrees(client: httpx.Client, small_store: Path, collection: str, text: str, name: str) -> None:
    edition = Store(small_store).open("town")
    table = edition.table(collection, 2023)
    rows = gpd.GeoSeries(edition.polygons(collection, table), crs=edition.crs).to_crs("OGC:CRS84")
    expected = np.array(table["id"].to_pylist())[getattr(rows, name)(SHAPES[text]).to_numpy()].tolist()
    assert ids(client, collection, f"S_{name.upper()}(geometry, {text})") == expected
    turned = {"within": "contains", "contains": "within"}.get(name, name)
    if name != "crosses":
        assert ids(client, collection, f"S_{turned.upper()}({text}, geometry)") == expected


def test_filter_crs_says_the_order_of_axes(client: httpx.Client) -> None:
    expected = ids(client, "grid-500m", "S_INTERSECTS(geometry, BBOX(9.54,47.14,9.56,47.16))")
    flipped = "S_INTERSECTS(geometry, POLYGON((47.14 9.54, 47.16 9.54, 47.16 9.56, 47.14 9.56, 47.14 9.54)))"
    uri = "http://www.opengis.net/def/crs/EPSG/0/4326"
    assert ids(client, "grid-500m", flipped, **{"filter-crs": uri}) == expected != []
    metric = "S_INTERSECTS(geometry, POLYGON((541100 5221100, 542400 5221100, 541100 5222400, 541100 5221100)))"
    assert len(ids(client, "grid-500m", metric, **{"filter-crs": "[EPSG:32632]"})) == 6


def test_a_column_is_a_parameter(client: httpx.Client, grid: pd.DataFrame) -> None:
    base = {"limit": "10000"}

    def asked(**params: str) -> list[str]:
        found = client.get(ITEMS.format("grid-100m"), params={**base, **params}).json()["features"]
        return [feature["id"] for feature in found]

    assert asked(held="true") == grid[grid.held]["id"].tolist()
    assert asked(population="17", held="false") == grid[(grid.population == 17) & ~grid.held]["id"].tolist()
    one = grid["id"][5]
    assert asked(id=one) == [one]
    assert asked(held="true", filter="net_tco2e > 30") == grid[grid.held & (grid.net_tco2e > 30)]["id"].tolist()


REFUSED = {
    "nix > 3": "there is no property 'nix'",
    "net_tco2e > 'x'": "a number cannot be compared with a text",
    "net_tco2e": "expected true or false, got a number",
    "held > true": "compared by = and <>",
    "net_tco2e = NULL": "IS NULL",
    "geometry = geometry": "S_EQUALS",
    "foo(net_tco2e) = 1": "no operator or function 'foo'",
    "net_tco2e = DATE('2023-01-01')": "a number cannot be compared with a date",
    "DATE('2023-13-01') = DATE('2023-01-01')": "'2023-13-01' is no date",
    "net_tco2e > 1e999": "too large",
    "net_tco2e >": "not CQL2 text",
    "net_tco2e > 1; DROP TABLE x": "not CQL2 text",
    "": "not CQL2 text",
    "id LIKE net_tco2e": "like needs a text",
    "id LIKE id": "pattern",
    f"id LIKE '{'%a' * 50}'": "10 '%' at most",
    f"id LIKE '{'a' * 300}'": "200 characters",
    "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 0 1, 1 0, 0 0)))": "not valid: Self-intersection",
    "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 0 1)))": "geometry",
    "S_INTERSECTS(geometry, POINT(200 10))": "outside the world",
    "S_INTERSECTS(geometry, POINT(1e999 10))": "not CQL2 text",
    "S_INTERSECTS(geometry, BBOX(10, 48, 9, 47))": "south 48 is above north 47",
    "S_INTERSECTS(geometry, BBOX(179, 0, -179, 1))": "antimeridian",
    "S_INTERSECTS(geometry, 3)": "s_intersects needs a geometry, got a number",
    "net_tco2e IN ('a')": "expected a number, got a text",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_meant_is_refused_by_name(client: httpx.Client, text: str) -> None:
    response = client.get(ITEMS.format("grid-100m"), params={"filter": text})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert REFUSED[text] in Problem.model_validate_json(response.content).detail


TREES: list[Any] = [
    {"op": "and", "args": []},
    {"op": "=", "args": [{"property": "net_tco2e"}]},
    {"op": ["="], "args": [1, 1]},
    {"op": "=", "args": {"a": 1}},
    {"op": "=", "args": [{"property": ["net_tco2e"]}, 1]},
    {"op": "in", "args": [{"property": "net_tco2e"}, []]},
    {"op": "in", "args": [{"property": "net_tco2e"}, [[1]]]},
    {"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Polygon", "coordinates": [[[0, None]]]}]},
    {"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Nothing"}]},
    {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [1, 2, 3]}]},
    {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": ["a", 2, 3, 4]}]},
    {"op": "=", "args": [{"timestamp": "2023-01-01T00:00:00"}, {"timestamp": 5}]},
    {"property": "net_tco2e"},
    {"nothing": 1},
    [1, 2],
    "text",
    {"op": "=", "args": [[1], [1]]},
]


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_trees_that_are_no_condition(client: httpx.Client, tree: Any) -> None:
    params = {"filter": json.dumps(tree), "filter-lang": "cql2-json"}
    response = client.get(ITEMS.format("grid-100m"), params=params)
    assert response.status_code == 400, response.text
    assert response.json()["detail"].startswith("filter: ")


HOSTILE = {
    "brackets": "(" * 10_000 + "held" + ")" * 10_000,
    "brackets without end": "( " * 20 + "held",
    "brackets around much": "(" * 8 + "held AND " * 500 + "held held" + ")" * 8,
    "brackets around nothing": "S_INTERSECTS(geometry, POLYGON(" + "(" * 20 + "1 x",
    "few brackets": "(" * 40 + "held" + ")" * 40,
    "nots": "NOT " * 1_000 + "held",
    "signs": "net_tco2e = " + "-" * 5_000 + "net_tco2e",
    "signs and spaces": "net_tco2e = " + "- " * 2_000 + "net_tco2e",
    "powers": "net_tco2e = " + "2^" * 3_000 + "2",
    "sums": "net_tco2e = " + "1+" * 3_000 + "1",
    "differences": "net_tco2e = " + "1 -" * 2_000 + "1",
    "functions": "casei(" * 60 + "id" + ")" * 60 + " = 'x'",
    "not and minus": "NOT -" * 1_000 + "held",
    "long": "held AND " * (MOST_BYTES // 9 + 1) + "held",
    "in a name": '"' + "(" * 200 + '" = 1',
    "NOT in a box": "BBOX(" + "NOT " * 2_040 + "held)",
    "NOT in a polygon": "POLYGON(" + "NOT " * 2_000 + "held)",
    "signs in a box": "BBOX(" + "-" * 8_000 + "1)",
    "signs and spaces in a box": "S_INTERSECTS(geometry, BBOX(" + "- " * 4_000 + "1))",
    "signs of digits in a box": "BBOX(" + "-1" * 4_000 + ")",
    "powers in a point": "POINT(" + "2^" * 3_000 + "2)",
    "comparisons": "1" + "=1" * 4_000,
    "comparisons in a box": "BBOX(1" + "=1" * 4_000 + ")",
    "not equal": "1" + "!=1" * 2_600,
    "likenesses": "id" + " LIKE 'a'" * 800,
    "likenesses glued together": "1" + " LIKEid" * 1_000,
    "lists": "1" + " IN(1)" * 1_300,
    "quotients glued together": "1" + " div1" * 1_600,
    "comparisons in five brackets": ("1" + "=1" * 90 + "=(") * 5 + "1" + ")" * 5,
    "comparisons behind brackets": "(1)" + "=(1)" * 1_900,
    "boxes in boxes": "BBOX(-1" * 40 + ")" * 40,
    **{
        f"{word} glued to the next": f"1{word}1" + f"{word}1" * (MOST_BYTES // (len(word) + 1) - 1)
        for word in ("LIKE", "like", "in", "div", "is", "NOTLIKE", "notin", "between", "notbetween", "isnull", "notdiv")
    },
    "NOT glued to NOT": "NOT" * 2_700 + "1",
    "truths glued together": "true" + "LIKEtrue" * 1_000,
    "words glued in a box": "BBOX(1" + "LIKE1" * 1_600 + ")",
    "words glued in few brackets": "(" * 3 + "1" + "LIKE1" * 1_600 + ")" * 3,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_overflow_a_parsers_stack_never_reaches_it(name: str) -> None:
    with pytest.raises(InvalidParameter, match="filter: "):
        read_filter(HOSTILE[name], "cql2-text", DEFAULT, TYPES)


_TERM = "1" + "=1" * 90
AT_THE_LIMITS = {
    "operators": "held AND " + "NOT " * 100 + "held",
    "signs": "net_tco2e = " + "- " * 98 + "net_tco2e",
    "comparisons": "1" + "=1" * 120,
    "comparisons in brackets": ("1" + "=1" * 23 + "=(") * 5 + "1" + ")" * 5,
    "terms": "held" + " AND held" * 860,
    "terms in turns": "held" + " AND held OR held" * 450,
    "signs of numbers in terms": "1" + " OR -1" * 1_000,
    "long terms": " OR ".join([_TERM] * 40),
    "operators behind terms": "1" + " OR 1" * 900 + " OR " + "NOT " * 100 + "1",
    "ranges": "1 BETWEEN 1 AND 1" + " AND 1 BETWEEN 1 AND 1" * 300,
    "a line": "POINT(1 1) = LINESTRING(" + ", ".join(["-1 -1"] * 1_100) + ")",
}
_PARSE_ON_A_SMALL_STACK = """
import sys, threading
from api import filter_parser, filters
from api.errors import InvalidParameter
from api.filters import read_filter
from api.crs import DEFAULT

def parse():
    try:
        read_filter(sys.stdin.read(), "cql2-text", DEFAULT, {"id": "string", "held": "bool", "net_tco2e": "double"})
    except InvalidParameter as refusal:
        print(refusal)

filters.LIGHT_WORK = 1 << 30  # all of it here, not beside
filter_parser.STACK_BYTES = 1 << 20  # an eighth of what threads of a server usually have
threading.stack_size(1 << 20)
thread = threading.Thread(target=parse)
thread.start()
thread.join()
print("survived")
"""


@pytest.mark.parametrize("name", AT_THE_LIMITS)
def test_what_is_let_through_is_parsed_on_a_small_stack(project: Path, name: str) -> None:
    command = [sys.executable, "-P", "-c", _PARSE_ON_A_SMALL_STACK]
    environment = {"PYTHONPATH": str(project)}
    text = AT_THE_LIMITS[name]
    done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("survived\n"), f"ended with {done.returncode}: {done.stderr[-400:]}"
    assert "too many" not in done.stdout
    assert "not CQL2" not in done.stdout


@pytest.mark.parametrize("opening", ['{"op":"not","args":[', "["])
def test_deep_json_is_refused(opening: str) -> None:
    closing = opening.replace("[", "]").replace('{"op":"not","args":]', "]}")
    with pytest.raises(InvalidParameter, match=f"more than {MOST_DEPTH} deep"):
        read_filter(opening * 200 + "true" + closing * 200, "cql2-json", DEFAULT, TYPES)


def test_a_filter_of_a_megabyte_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidParameter, match=f"expected {MOST_BYTES} at most"):
        read_filter("held AND " * 120_000 + "held", "cql2-text", DEFAULT, TYPES)


def test_as_much_as_is_allowed_is_answered(client: httpx.Client, grid: pd.DataFrame) -> None:
    some = grid["id"][:200].tolist()
    text = f"id IN ({', '.join(repr(one) for one in some)})"
    assert len(text) < MOST_BYTES
    assert ids(client, "grid-100m", text) == some
    deep = "(" * 12 + "held" + ")" * 12
    assert ids(client, "grid-100m", deep) == grid[grid.held]["id"].tolist()
    tree: Any = {"property": "held"}
    for _ in range(14):
        tree = {"op": "not", "args": [tree]}
    assert ids(client, "grid-100m", tree) == grid[grid.held]["id"].tolist()
    wide = " OR ".join(f"population = {k}" for k in range(300))
    assert ids(client, "grid-100m", wide) == grid[grid.population < 300]["id"].tolist()
    # Negative coordinates are no arithmetic.
    line = ", ".join(f"{-k / 10} -{k / 10}" for k in range(400))
    assert ids(client, "grid-100m", f"S_INTERSECTS(geometry, LINESTRING({line}))") == []


def test_ten_conditions_about_places_are_taken_and_no_more(client: httpx.Client) -> None:
    def asked(count: int) -> httpx.Response:
        lines = (f"S_CROSSES(geometry, LINESTRING(9.5 47.1{k}, 9.7 47.1{k}))" for k in range(count))
        return client.get("/api/town/collections/grid-1km/items", params={"filter": " OR ".join(lines), "limit": 1})

    assert asked(10).json()["numberMatched"] > 0
    refused = asked(11)
    assert refused.status_code == 400
    assert "more than 10 conditions about places" in refused.json()["detail"]


def test_equal_filters_are_found_again() -> None:
    one = read_filter("net_tco2e>1", "cql2-text", DEFAULT, TYPES)
    other = read_filter("net_tco2e   > 1.0", "cql2-text", DEFAULT, TYPES)
    third = read_filter("net_tco2e > 2", "cql2-text", DEFAULT, TYPES)
    assert one == other != third
    assert hash(one) == hash(other)
