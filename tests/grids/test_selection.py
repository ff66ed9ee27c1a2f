"""Choosing and sorting rows of a table, against doing the same by hand on the whole of it."""

import gc
import tracemalloc
import weakref
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from numpy.typing import NDArray

from grids import selection
from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.grid import Grid
from grids.places import Places, Relation
from grids.projections import LONLAT
from grids.recent import Recent
from grids.selection import Related, Selection
from grids.store_errors import ColumnNotFound, QueryTooLarge

CRS = "EPSG:5186"
WEST, SOUTH = 198_000, 550_000  # Seoul
SIDE = 90


@dataclass(frozen=True)
class Above:
    """Rows whose value is above a number and, if a shape is given, that are related to it."""

    least: float
    relation: Relation | None = None
    shape: shapely.Geometry | None = None
    crs: str = CRS

    @property
    def columns(self) -> tuple[str, ...]:
        return ("net_tco2e",)

    @property
    def said(self) -> bytes:
        shape = b"" if self.shape is None else shapely.to_wkb(self.shape)
        return repr((self.least, self.relation, self.crs)).encode() + shape

    def holds(self, rows: pa.Table, related: Related) -> NDArray[np.bool_]:
        found = rows["net_tco2e"].to_numpy() > self.least
        return found if self.relation is None else found & related(self.relation, self.shape, self.crs)


@dataclass(frozen=True)
class Named:
    """A condition with a long text."""

    text: str

    columns: tuple[str, ...] = ("id",)

    @property
    def said(self) -> bytes:
        return self.text.encode()

    def holds(self, rows: pa.Table, related: Related) -> NDArray[np.bool_]:
        return np.zeros(rows.num_rows, dtype=np.bool_)


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    store = tmp_path_factory.mktemp("selection")
    random = np.random.default_rng(11)
    rows, cols = (axis.ravel() for axis in np.indices((SIDE, SIDE)))
    rows, cols = rows + SOUTH // 100, cols + WEST // 100
    cells = pd.DataFrame({"id": Grid(CRS, (0, 0), 100, "inspire").codes(rows, cols).astype(object)})
    cells = cells.assign(row=rows, col=cols, area_ha=1.0, kind=random.choice(["a", "b", None], len(cells)))
    cells["net_tco2e"] = np.where(random.random(len(cells)) < 0.1, np.nan, random.integers(-5, 5, len(cells)))
    edges = np.linspace(0, SIDE * 100, 5)
    zones = pd.DataFrame({"id": [f"z{k}" for k in range(16)], "area_ha": 1.0, "net_tco2e": np.arange(16.0)})
    shapes = [
        shapely.box(WEST + edges[i], SOUTH + edges[j], WEST + edges[i + 1], SOUTH + edges[j + 1])
        for i in range(4)
        for j in range(4)
    ]
    grid = CollectionInfo(
        id="grid-100m", title={"en": "cells"}, kind="grid", cell_size_m=100, origin_m=(0, 0), codes="inspire"
    )
    with EditionWriter(store, "seoul", "0" * 16, crs=CRS) as writer:
        writer.write_table(grid, 2023, cells)
        writer.write_table(CollectionInfo(id="zones", title={"en": "zones"}, kind="zones"), 2023, zones, shapes)
        writer.publish(
            {
                "region": {
                    "id": "seoul",
                    "name": {"en": "Seoul"},
                    "languages": ["en"],
                    "crs": CRS,
                    "bbox": (126.9, 37.5, 127.1, 37.6),
                    "synthetic": True,
                    "years": [2023],
                },
                "sectors": [],
                "illustrative": {},
                "code": {"version": "0", "sha256": "0" * 64},
            }
        )
    return Store(store).open("seoul")


@lru_cache(maxsize=8)
def whole(edition: Edition, collection: str, crs: str = CRS) -> gpd.GeoDataFrame:
    """The table with its polygons, in a CRS."""
    table = edition.table(collection)
    frame = table.to_pandas().drop(columns="geometry", errors="ignore")
    return gpd.GeoDataFrame(frame, geometry=edition.polygons(collection, table), crs=CRS).to_crs(crs)


SHAPES = {
    "triangle": shapely.Polygon([(WEST + 150, SOUTH + 80), (WEST + 5_030, SOUTH + 990), (WEST + 900, SOUTH + 7_000)]),
    "line": shapely.LineString([(WEST - 500, SOUTH + 10), (WEST + 9_400, SOUTH + 8_888)]),
    "corner": shapely.Point(WEST + 2_250, SOUTH + 2_250),
    "cell": shapely.box(WEST + 300, SOUTH + 300, WEST + 400, SOUTH + 400),
    "quarter": shapely.box(WEST, SOUTH, WEST + 2_250, SOUTH + 2_250),
    "elsewhere": shapely.box(WEST - 9_000, SOUTH, WEST - 8_000, SOUTH + 500),
    "nothing": shapely.Polygon(),
}


@pytest.mark.parametrize("crs", [CRS, LONLAT])
@pytest.mark.parametrize("collection", ["grid-100m", "zones"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("relation", ["intersects", "equals", "touches", "crosses", "overlaps", "within", "contains"])
def test_relations_are_those_of_shapely_on_every_row(
    edition: Edition, collection: str, shape: str, relation: Relation, crs: str
) -> None:
    asked = gpd.GeoSeries([SHAPES[shape]], crs=CRS).to_crs(crs).iloc[0]
    frame = whole(edition, collection, crs)
    expected = frame[getattr(shapely, relation)(frame.geometry.to_numpy(), asked) & (frame.net_tco2e > -2)]
    page = edition.page(collection, asked=Selection(where=Above(-2, relation, asked, crs)))
    assert page.rows["id"].to_pylist() == expected["id"].tolist()
    assert page.positions.tolist() == expected.index.tolist()


def test_the_relations_above_find_something(edition: Edition) -> None:
    found = {
        (name, relation): edition.page("zones", asked=Selection(where=Above(-2, relation, shape))).matched
        for name, shape in SHAPES.items()
        for relation in ("intersects", "equals", "touches", "crosses", "overlaps", "within", "contains")
    }
    assert found["triangle", "overlaps"] > 2
    assert found["line", "crosses"] > 3
    assert found["corner", "touches"] == 4
    assert found["cell", "contains"] == 1
    assert found["quarter", "equals"] == found["quarter", "within"] == 1


@pytest.mark.parametrize("collection", ["grid-100m", "zones"])
@pytest.mark.parametrize(
    "box",
    [
        (WEST + 110, SOUTH + 210, WEST + 470, SOUTH + 390),
        (WEST + 100, SOUTH + 200, WEST + 400, SOUTH + 300),  # on lines of the grid: neighbours meet it too
        (WEST + 2_250, SOUTH + 2_250, WEST + 2_250, SOUTH + 2_250),
        (WEST - 1e7, SOUTH - 1e7, WEST + 1e7, SOUTH + 1e7),
        (0, 0, 1, 1),
    ],
)
def test_a_box_in_the_regions_crs(edition: Edition, collection: str, box: tuple[float, float, float, float]) -> None:
    frame = whole(edition, collection)
    expected = frame[frame.intersects(shapely.box(*box))]["id"].tolist()
    assert edition.page(collection, asked=Selection(box, CRS)).rows["id"].to_pylist() == expected


@pytest.mark.parametrize("falling", [False, True])
def test_sorted_rows_keep_the_tables_order_where_equal_and_nulls_come_last(edition: Edition, falling: bool) -> None:
    frame = whole(edition, "grid-100m")
    expected = frame.sort_values("net_tco2e", ascending=not falling, kind="stable", na_position="last")["id"].tolist()
    order = (("net_tco2e", falling),)
    assert edition.page("grid-100m", asked=Selection(order=order)).rows["id"].to_pylist() == expected
    asked = Selection(order=order)
    pages = [edition.page("grid-100m", None, ["id"], asked, offset=start, limit=777) for start in range(0, 8_100, 777)]
    assert [name for page in pages for name in page.rows["id"].to_pylist()] == expected
    assert {page.matched for page in pages} == {len(frame)}


@pytest.mark.parametrize("shape", [None, "triangle"])
def test_conditions_are_looked_at_piece_by_piece(
    edition: Edition, monkeypatch: pytest.MonkeyPatch, shape: str | None
) -> None:
    where = Above(0.25) if shape is None else Above(-2, "intersects", SHAPES[shape])
    box = (WEST + 150, SOUTH + 150, WEST + 4_050, SOUTH + 6_050)
    expected = [edition.page("grid-100m", asked=Selection(box, CRS, where, order)) for order in ((), (("kind", True),))]
    assert expected[0].matched > 50
    sizes: list[int] = []
    compared: list[Relation] = []
    holds, related = Above.holds, Places.related

    def watched(self: Above, rows: pa.Table, asked: Related) -> NDArray[np.bool_]:
        sizes.append(rows.num_rows)
        return holds(self, rows, asked)

    def counted(self: Places, relation: Relation, *asked: Any) -> NDArray[np.int64]:
        compared.append(relation)
        return related(self, relation, *asked)

    monkeypatch.setattr(selection, "ROWS_AT_ONCE", 100)
    monkeypatch.setattr(Above, "holds", watched)
    monkeypatch.setattr(Places, "related", counted)
    again = Store(edition.folder.parents[1]).open(edition.region.id)
    for page, order in zip(expected, ((), (("kind", True),)), strict=True):
        found = again.page("grid-100m", asked=Selection(box, CRS, where, order))
        assert found.rows["id"].equals(page.rows["id"])
    assert max(sizes) == 100
    assert len(sizes) > 20
    assert len(compared) == (0 if shape is None else 2), "once for each question, however many pieces"


def test_several_keys_with_a_box_and_a_condition(edition: Edition) -> None:
    frame = whole(edition, "grid-100m")
    box = (WEST + 150, SOUTH + 150, WEST + 4_050, SOUTH + 6_050)
    frame = frame[frame.intersects(shapely.box(*box)) & (frame.net_tco2e > 0)]
    expected = frame.sort_values("net_tco2e", ascending=False, kind="stable").sort_values(
        "kind", kind="stable", na_position="last"
    )
    order = (("kind", False), ("net_tco2e", True))
    asked = Selection(box, CRS, Above(0), order)
    page = edition.page("grid-100m", None, ["id"], asked, offset=100, limit=50)
    assert page.matched == len(expected)
    assert page.rows["id"].to_pylist() == expected["id"].tolist()[100:150]


def test_columns_that_are_not_there_are_refused(edition: Edition) -> None:
    with pytest.raises(ColumnNotFound, match="no column 'nix'"):
        edition.page("grid-100m", asked=Selection(order=(("nix", False),)))


def test_too_many_polygons_are_not_compared(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grids.places.MOST_LOOKED_AT", 100)
    with pytest.raises(QueryTooLarge, match="at most 100 are compared"):
        edition.page("grid-100m", asked=Selection(where=Above(-9, "intersects", SHAPES["triangle"])))
    assert (
        edition.page("grid-100m", asked=Selection(where=Above(-9, "intersects", SHAPES["quarter"]))).matched > 400
    )  # a box is no trouble


@dataclass(frozen=True)
class Touching:
    """Rows that touch one of several shapes."""

    shapes: tuple[shapely.Geometry, ...]

    columns: tuple[str, ...] = ("id",)
    said: bytes = b""

    def holds(self, rows: pa.Table, related: Related) -> NDArray[np.bool_]:
        return np.logical_or.reduce([related("touches", shape, CRS) for shape in self.shapes])


def test_polygons_are_counted_for_every_shape_of_a_question(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = [shapely.box(WEST + 1_000 * k, SOUTH, WEST + 1_000 * k + 900, SOUTH + 900) for k in range(4)]
    monkeypatch.setattr("grids.places.MOST_LOOKED_AT", 300)  # close to each of them are 100 and a few
    for count in (1, 2):
        where = Touching(tuple(boxes[:count]), said=bytes([count]))
        assert edition.page("grid-100m", asked=Selection(where=where)).matched > 0
    with pytest.raises(QueryTooLarge, match="added up; at most 300 are compared"):
        edition.page("grid-100m", asked=Selection(where=Touching(tuple(boxes), said=b"all")))


def test_types_are_those_of_the_table(edition: Edition) -> None:
    types = edition.types("grid-100m")
    assert list(types) == ["id", "row", "col", "area_ha", "kind", "net_tco2e", "year"] or "year" in types
    assert (types["id"], types["row"], types["net_tco2e"]) == ("string", "int32", "double")


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    kept = Recent(most_bytes=2_100)
    for name in (b"a", b"b", b"c"):
        kept.keep(name, np.arange(100, dtype=np.int32))
        kept.get(b"a")
    assert kept.get(b"b") is None
    assert kept.get(b"a") is not None
    assert kept.get(b"c") is not None
    kept.keep(b"big", np.arange(525, dtype=np.int32))
    assert kept.get(b"big") is None
    assert kept.get(b"a") is not None


def test_no_more_questions_are_kept_than_allowed() -> None:
    kept = Recent(most_questions=3)
    for number in range(10):
        kept.keep(bytes([number]), np.empty(0, dtype=np.int32))
    assert len(kept) == 3
    assert [number for number in range(10) if kept.get(bytes([number])) is not None] == [7, 8, 9]


def test_empty_answers_to_long_questions_take_no_more_than_said(edition: Edition) -> None:
    """Anybody may ask ever new questions: neither their texts nor what was compiled from them stays."""
    limit = 20_000
    recent = Recent(most_bytes=limit)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(200):
            asked = Selection(where=Named(str(number) * 8_000))
            recent.keep(asked.digest("grid-100m", 2023), np.empty(0, dtype=np.int32))
            del asked
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0 < len(recent) < 50
    assert grown < 1.5 * limit


def test_a_condition_is_not_held_by_what_is_kept_of_it(edition: Edition) -> None:
    where = Above(3.5)
    seen = weakref.ref(where)
    edition.page("grid-100m", asked=Selection(where=where))
    del where
    gc.collect()
    assert seen() is None


def test_questions_that_differ_have_digests_that_differ() -> None:
    asked = [
        Selection(),
        Selection((0, 0, 1, 1)),
        Selection((0, 0, 1, 2)),
        Selection((0, 0, 1, 1), CRS),
        Selection(where=Above(1)),
        Selection(where=Above(2)),
        Selection(where=Above(1), order=(("id", True),)),
        Selection(where=Above(1), order=(("id", False),)),
    ]
    digests = [one.digest(name, year) for one in asked for name in ("a", "b") for year in (2022, 2023)]
    assert len(set(digests)) == len(digests) == 32
    assert {len(one) for one in digests} == {32}
    assert Selection(where=Above(1)).digest("a", 2022) == Selection(where=Above(1)).digest("a", 2022)
