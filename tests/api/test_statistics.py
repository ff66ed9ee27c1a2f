"""Sums of drawn polygons and of listed items: they add up, they say how, and nothing hostile gets far."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from api import geometries
from grids import covered_ground
from grids.edition import Store
from grids.effort import cutting_effort, meetings_of
from grids.projections import LONLAT, reproject
from grids.selection import Selection
from grids.statistics import chosen_cells, statistics
from tests.grids.test_covered_ground import ZONES, publish

CRS = "EPSG:32632"
WEST, SOUTH, EAST, NORTH = 540_000, 5_220_000, 546_000, 5_225_000
ADDRESS = "/api/town/statistics"


def drawn(shape: shapely.Geometry) -> dict[str, Any]:
    """A shape in the region's metres as the GeoJSON that somebody would post."""
    moved = reproject(np.array([shape], dtype=object), CRS, LONLAT)[0]
    document: dict[str, Any] = json.loads(shapely.to_geojson(moved))
    return document


def asked(client: httpx.Client, shape: shapely.Geometry, **params: Any) -> dict[str, Any]:
    response = client.post(ADDRESS, json=drawn(shape), params=params)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def totals(found: dict[str, Any]) -> dict[str, float | None]:
    return {one["sector"]: one["tco2e"] for one in found["sectors"]}


def test_a_polygon_of_whole_cells_is_their_sum(client: httpx.Client, small_store: Path) -> None:
    box = shapely.box(WEST + 1000, SOUTH + 1000, WEST + 3000, SOUTH + 2000)
    found = asked(client, box)
    edition = Store(small_store).open("town")
    box = (WEST + 1001, SOUTH + 1001, WEST + 2999, SOUTH + 1999)
    rows = edition.page("grid-100m", 2023, asked=Selection(box, CRS))
    table = rows.rows.to_pandas()
    assert (found["collection"], found["year"], found["rows"]) == ("grid-100m", 2023, len(table))
    assert found["partly"] == 0
    assert found["held"] == table["held"].sum() > 0
    assert found["population"] == pytest.approx(table["population"].sum())
    assert found["population_unknown"] == table["population"].isna().sum() > 0
    for one in found["sectors"]:
        column = table[f"{one['sector']}_tco2e"]
        assert one["tco2e"] == pytest.approx(column.sum(), rel=1e-9)
        assert one["unknown"] == column.isna().sum()
        deviations = table.loc[column.notna(), f"{one['sector']}_sd_tco2e"]
        assert one["sd_at_most_tco2e"] == pytest.approx(deviations.sum(), rel=1e-9)
        low, high = one["interval_90"]
        assert high - low == pytest.approx(2 * 1.6448536 * one["sd_at_most_tco2e"])
    buildings = found["sectors"][0]
    parts = {(part["carrier"], part["basis"]): part["tco2e"] for part in buildings["by_carrier"]}
    assert parts["gas", "direct"] == pytest.approx(table["buildings_gas_direct_tco2e"].sum(), rel=1e-9)
    assert sum(parts.values()) == pytest.approx(buildings["tco2e"], rel=1e-9)
    assert buildings["by_basis"] == pytest.approx(
        {"direct": parts["gas", "direct"], "indirect": parts["electricity", "indirect"]}
    )
    expected = np.average(table["buildings_metered_share"], weights=table["buildings_tco2e"])
    assert buildings["methods"]["metered"] == pytest.approx(expected)
    assert buildings["illustrative"] is True
    assert found["synthetic"] is True
    assert found["edition"] == "0123456789abcdef"


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(
    cuts=st.lists(st.integers(3, 97), min_size=1, max_size=4, unique=True),
    slant=st.floats(-900, 900),
)
def test_statistics_add_over_a_partition(client: httpx.Client, cuts: list[int], slant: float) -> None:
    """Whatever slanting cuts divide a polygon: its parts add up to the whole, sector by sector."""
    places = [0.0, *(cut / 100 for cut in sorted(cuts)), 1.0]
    south, north = SOUTH + 731.0, SOUTH + 3377.0
    bottom = [WEST + 1013.0 + 3999.0 * place for place in places]
    top = [x + slant for x in bottom]
    whole = shapely.Polygon([(x, south) for x in bottom] + [(x, north) for x in reversed(top)])
    pieces = [
        shapely.Polygon([(bottom[k], south), (bottom[k + 1], south), (top[k + 1], north), (top[k], north)])
        for k in range(len(places) - 1)
    ]
    found = asked(client, whole, collection="grid-100m")
    parts = [asked(client, piece, collection="grid-100m") for piece in pieces]
    for sector, total in totals(found).items():
        assert sum(totals(part)[sector] or 0.0 for part in parts) == pytest.approx(total, rel=1e-7, abs=1e-6)
    assert sum(part["area_ha"] for part in parts) == pytest.approx(found["area_ha"], rel=1e-7)
    assert sum(part["population"] or 0.0 for part in parts) == pytest.approx(found["population"], rel=1e-7)


def test_a_part_of_a_cell_counts_by_its_area(client: httpx.Client) -> None:
    cell = shapely.box(WEST, SOUTH, WEST + 1000, SOUTH + 1000)
    quarter = shapely.box(WEST + 250, SOUTH + 100, WEST + 750, SOUTH + 600)
    whole, part = (asked(client, shape, collection="grid-1km") for shape in (cell, quarter))
    assert (whole["rows"], whole["partly"], part["rows"], part["partly"]) == (1, 0, 1, 1)
    assert part["area_ha"] == pytest.approx(whole["area_ha"] / 4)
    for sector, total in totals(whole).items():
        assert totals(part)[sector] == (None if total is None else pytest.approx(total / 4))
    assert part["drawn_ha"] == pytest.approx(25.0, rel=2e-3)


def test_many_parts_within_one_cell_add_up(client: httpx.Client) -> None:
    squares = [
        shapely.box(x, y, x + 20, y + 20)
        for x in range(WEST + 1010, WEST + 1290, 30)
        for y in range(SOUTH + 1010, SOUTH + 1290, 30)
    ]
    found = asked(client, shapely.MultiPolygon(squares), collection="grid-1km")
    whole = asked(client, shapely.box(WEST + 1000, SOUTH + 1000, WEST + 2000, SOUTH + 2000), collection="grid-1km")
    share = len(squares) * 400 / 1e6
    assert found["rows"] == 1
    assert totals(found)["buildings"] == pytest.approx(share * (totals(whole)["buildings"] or 0.0), rel=1e-7)


def test_items_by_get_and_by_post_are_the_same(client: httpx.Client, small_store: Path) -> None:
    edition = Store(small_store).open("town")
    table = edition.table("municipality", 2022).to_pandas().set_index("id")
    params = {"collection": "municipality", "ids": "west,north/enclave", "year": "2022"}
    response = client.get(ADDRESS, params=params)
    found = response.json()
    body = {"collection": "municipality", "ids": ["north/enclave", "west"]}
    posted = client.post(ADDRESS, json=body, params={"year": 2022})
    assert posted.json() == found
    assert posted.headers["cache-control"] == "no-store"
    assert totals(found)["buildings"] == pytest.approx(table.loc[["west", "north/enclave"], "buildings_tco2e"].sum())
    again = client.get(ADDRESS, params=params, headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


def test_a_profile_has_every_year(client: httpx.Client) -> None:
    box = shapely.box(WEST + 150, SOUTH + 150, WEST + 1650, SOUTH + 1220)
    found = asked(client, box, profile="true", collection="grid-500m")
    assert [one["year"] for one in found["profile"]] == [2022, 2023]
    for one in found["profile"]:
        alone = asked(client, box, year=one["year"], collection="grid-500m")
        assert one["tco2e"] == totals(alone)
        assert one["interval_90"] == {sector["sector"]: sector["interval_90"] for sector in alone["sectors"]}
        low, high = one["interval_90"]["buildings"]
        assert low < one["tco2e"]["buildings"] < high


def test_a_polygon_elsewhere_has_nothing_and_one_around_has_all(client: httpx.Client, small_store: Path) -> None:
    elsewhere = {"type": "Polygon", "coordinates": [[[100, 10], [101, 10], [101, 11], [100, 10]]]}
    found = client.post(ADDRESS, json=elsewhere).json()
    assert found["rows"] == 0
    assert totals(found) == dict.fromkeys(totals(found))
    assert found["drawn_ha"] > 100_000
    assert "outside the region's ground" in found["notes"]["nothing"], "nulls without a reason are no answer"
    around = {"type": "Polygon", "coordinates": [[[5, 43], [14, 43], [14, 52], [5, 52], [5, 43]]]}
    found = client.post(ADDRESS, json=around).json()
    table = Store(small_store).open("town").table("grid-100m", 2023, ["net_tco2e"]).to_pandas()
    assert totals(found)["net"] == pytest.approx(table["net_tco2e"].sum(), rel=1e-9)


def test_a_polygon_without_rows_says_why(client: httpx.Client, small_store: Path) -> None:
    beside = asked(client, shapely.box(EAST + 3_000, SOUTH, EAST + 3_200, SOUTH + 200))
    assert (beside["rows"], beside["ground_ha"]) == (0, 0)
    assert "outside the region's ground" in beside["notes"]["nothing"]
    rows = Store(small_store).open("town").table("grid-100m", 2023, ["row", "col"]).to_pandas()
    taken = set(zip(rows["row"], rows["col"], strict=True))
    everywhere = ((r, c) for r in range(SOUTH // 100, NORTH // 100) for c in range(WEST // 100, EAST // 100))
    row, col = next(cell for cell in everywhere if cell not in taken)
    cell = shapely.box(100 * col + 9, 100 * row + 9, 100 * col + 90, 100 * row + 90)
    within = asked(client, cell, profile="true")
    assert within["rows"] == 0 < within["ground_ha"]
    assert "has a row" in within["notes"]["nothing"]
    for one in within["profile"]:
        assert one["tco2e"] == totals(asked(client, cell, year=one["year"]))
    assert "nothing" not in asked(client, shapely.box(WEST, SOUTH, EAST, NORTH))["notes"]


@pytest.mark.parametrize(("zone", "tco2e"), [("bare", 0.0), ("partly", None)])
def test_a_profile_says_zero_and_unknown_as_the_answer_does(
    serving: Callable[..., httpx.Client], tmp_path: Path, zone: str, tco2e: float | None
) -> None:
    client = serving(publish(tmp_path / "store").folder.parent.parent)
    west, south, _, _ = ZONES[zone].bounds
    found = asked(client, shapely.box(west + 300, south + 300, west + 900, south + 900), profile="true")
    assert found["rows"] == 0
    assert totals(found) == {"forest": tco2e, "net": tco2e}
    assert [one["tco2e"] for one in found["profile"]] == [totals(found)]


def test_what_comes_out_follows_from_the_public_table_alone(own_store: Store) -> None:
    """The edition's private tables may be gone: an answer cannot rest on what it does not read."""
    edition = own_store.open("town")
    info, box = edition.collection("grid-100m"), shapely.box(WEST + 33, SOUTH + 33, WEST + 777, SOUTH + 777)
    before = statistics(edition, info, 2023, chosen_cells(edition, info, 2023, box))
    for file in (edition.folder / "private").iterdir():
        file.unlink()
    edition = Store(own_store.path).open("town")
    assert statistics(edition, info, 2023, chosen_cells(edition, info, 2023, box)) == before


def ring(*points: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*points, points[0]]]}


def circle(count: int) -> dict[str, Any]:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return ring(*((9.55 + 0.01 * float(np.cos(a)), 47.15 + 0.01 * float(np.sin(a))) for a in angles))


SQUARE = ring((9.55, 47.15), (9.56, 47.15), (9.56, 47.16))
HOSTILE: dict[str, tuple[Any, str]] = {
    "not json": (b"{", "not JSON"),
    "empty": (b"", "not JSON"),
    "a list": ([1], "list"),
    "nothing in it": ({}, "Polygon"),
    "deep": (b"[" * 100_000, "100000 arrays"),
    "not so deep": (b"[" * 20_000, "not JSON"),
    "deep coordinates": (b'{"type":"Polygon","coordinates":' + b"[" * 900 + b"]" * 900 + b"}", "polygon"),
    "nan": (b'{"type":"Polygon","coordinates":[[[NaN,1],[2,2],[3,1],[NaN,1]]]}', "not JSON"),
    "huge number": (b'{"type":"Polygon","coordinates":[[[1e400,1],[2,2],[3,1],[1e400,1]]]}', "body"),
    "texts": ({"type": "Polygon", "coordinates": [[["a", "b"]]]}, "cannot be read"),
    "open ring": ({"type": "Polygon", "coordinates": [[[9, 47], [10, 47], [10, 48]]]}, "cannot be read"),
    "no ring": ({"type": "Polygon", "coordinates": []}, "empty"),
    "a line": ({"type": "LineString", "coordinates": [[9, 47], [10, 48]]}, "LineString"),
    "a collection of them": ({"type": "FeatureCollection", "features": []}, "FeatureCollection"),
    "feature of nothing": ({"type": "Feature", "geometry": None, "properties": {}}, "None"),
    "other crs": ({**SQUARE, "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}, "crs"),
    "metres": (ring((540_000, 5_220_000), (541_000, 5_220_000), (541_000, 5_221_000)), "lies outside the world"),
    "antimeridian": (ring((179, 47), (-179, 47), (-179, 48), (179, 48)), "antimeridian"),
    "bow tie": (ring((9.5, 47.1), (9.6, 47.2), (9.6, 47.1), (9.5, 47.2)), "Self-intersection"),
    "no area": (ring((9.5, 47.1), (9.6, 47.1), (9.5, 47.1)), "not valid"),
    "too large": (ring((-60, -60), (60, -60), (60, 60), (-60, 60)), "ha are taken"),
    "too many vertices": (circle(10_001), "10002 vertices"),
    "far too many": (circle(30_000), "arrays, such as positions"),
    "no ids": ({"collection": "grid-1km", "ids": []}, "0 ids"),
    "an id twice": ({"collection": "municipality", "ids": ["west", "west"]}, "twice"),
    "ids of numbers": ({"collection": "municipality", "ids": [1]}, "texts"),
    "ids without a collection": ({"ids": ["west"]}, "collection"),
    "ids and more": ({"collection": "municipality", "ids": ["west"], "where": "1=1"}, "where"),
    "too many ids": ({"collection": "municipality", "ids": [str(k) for k in range(20_000)]}, "20000 ids"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused_by_name(client: httpx.Client, name: str) -> None:
    body, said = HOSTILE[name]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post(ADDRESS, content=content)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.json()["detail"]


def star(corners: int) -> dict[str, Any]:
    """Spikes of 300 m around a point at the border of two zones, so that the boxes of a quarter of them meet."""
    angle = 2 * np.pi * np.arange(corners) / corners
    reach = np.where(np.arange(corners) % 2, 300.0, 0.01)
    middle = (WEST + 2_700, SOUTH + 2_500)
    return drawn(shapely.Polygon(np.column_stack((np.cos(angle), np.sin(angle))) * reach[:, None] + middle))


@pytest.mark.parametrize(
    ("corners", "said"),
    [
        (9_990, f"the polygon folds too often beside itself: more than {geometries.MOST_MEETINGS} pairs"),
        (3_600, f"borders of 2 zones: more than {covered_ground.MOST_MEETINGS} pairs"),
    ],
)
def test_a_star_is_refused_before_its_edges_are_held_against_each_other(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, corners: int, said: str
) -> None:
    if corners < 5_000:
        monkeypatch.setattr(covered_ground.shapely, "intersection", None)  # cutting would fail
    else:
        monkeypatch.setattr(geometries.shapely, "is_valid", None)
    refused = client.post(ADDRESS, json=star(corners))
    assert refused.status_code == 400, refused.text
    assert said in refused.json()["detail"]


def test_outlines_of_as_many_corners_are_answered(client: httpx.Client) -> None:
    """A star of few corners, and a coast of as many as may be."""
    assert client.post(ADDRESS, json=star(400)).json()["ground_ha"] > 0
    angle = np.linspace(0, 2 * np.pi, 9_990)
    reach = 2_000 + 300 * np.sin(40 * angle)
    points = np.column_stack((np.cos(angle), np.sin(angle))) * reach[:, None] + (WEST + 2_700, SOUTH + 2_500)
    coast = shapely.Polygon(points)
    assert asked(client, coast)["ground_ha"] == pytest.approx(coast.area / 1e4, rel=0.01)


def test_the_effort_of_cutting_counts_only_edges_near_each_zone() -> None:
    spikes = shapely.from_geojson(json.dumps(star(1_000)))
    whole = meetings_of(spikes, 1 << 40)
    assert whole == pytest.approx(1_000**2 / 8, rel=0.02)
    west, _, east, _ = spikes.bounds
    far = shapely.box(east - (east - west) / 1e3, -90, 180, 90)  # ends of a few spikes
    every = np.array([shapely.box(-180, -90, 180, 90)] * 3)
    assert cutting_effort(spikes, every, 1 << 40) == 3 * whole
    assert cutting_effort(spikes, every, whole) > whole
    assert cutting_effort(spikes, np.array([far] * 3), whole // 2) < whole // 2


def test_a_million_vertices_are_too_many_bytes(client: httpx.Client) -> None:
    response = client.post(ADDRESS, content=json.dumps(circle(200_000)).encode())
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"collection": "municipality"}, 400),
        ({"collection": "nix"}, 404),
        ({"collection": "../../etc"}, 404),
        ({"year": "1900"}, 404),
        ({"bogus": "1"}, 400),
        ({"edition": "zz"}, 400),
    ],
)
def test_parameters_that_cannot_be_used(client: httpx.Client, params: dict[str, str], status: int) -> None:
    assert client.post(ADDRESS, json=SQUARE, params=params).status_code == status


def test_ids_that_are_not_there(client: httpx.Client) -> None:
    response = client.get(ADDRESS, params={"collection": "municipality", "ids": "west,nowhere"})
    assert response.status_code == 404
    assert "nowhere" in response.json()["detail"]


def test_a_comb_is_answered_from_a_coarser_grid(client: httpx.Client) -> None:
    """Edges that wind through more cells than one answer may cost are counted on a grid that bears them."""
    teeth = 1800
    xs = np.repeat(np.linspace(WEST - 2000, EAST + 2000, teeth), 2)
    ys = np.tile([SOUTH - 9_000.0, NORTH + 9_000.0, NORTH + 9_000.0, SOUTH - 9_000.0], teeth // 2)
    comb = shapely.Polygon([*zip(xs, ys, strict=True), (EAST + 2000, SOUTH - 9_500), (WEST - 2000, SOUTH - 9_500)])
    assert asked(client, comb)["collection"] == "grid-500m"
    refused = client.post(ADDRESS, json=drawn(comb), params={"collection": "grid-100m"})
    assert refused.status_code == 400
    assert "300000" in refused.json()["detail"]
