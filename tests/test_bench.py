"""The benchmarks run, compare like with like and agree with exact intersection; no time is asserted."""

import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from playwright.sync_api import FloatRect
from typer.testing import CliRunner

from bench import compared, growing, looking, national, vertices
from bench.__main__ import app
from bench.cases import Case, Place, exact_totals, largest_error, read_case, write_city, write_inputs
from bench.contestants import OURS, PEERS, Contestant, UnknownPeer, chosen_peers
from bench.growing import fitted_exponent, sizes_of_builds, sizes_up_to
from bench.inputs import BORDER_ROADS, CELL_M, CRS, LAYERS, Frame, Layer, make_layer, make_zones, with_gaps
from bench.measure import Measured, measured
from bench.nation import Nation, write_nation
from bench.processes import Watched, watched
from bench.vertices import INDEX_STEPS, STEP_LAYERS, STEPS
from grids.grid import Grid
from grids.wkb import WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, ZoneParts, parts_in_zones

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read as Unix tells it")

EXACT = 1e-9
OF_32_BITS = 1e-4


def asked(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """What a command wrote as JSON."""
    file = tmp_path / "results" / "answer.json"
    done = CliRunner().invoke(app, [*arguments, "--json", str(file)])
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(file.read_text("utf-8"))
    assert {"question", "date", "commit", "machine", "versions", "settings", "rows"} <= answer.keys()
    assert answer["machine"]["cores"] >= 1
    assert answer["versions"]["shapely"] == shapely.__version__
    return answer


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A hundred buildings with what belongs to them."""
    return write_city(tmp_path, 100)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this process: loading libraries and compiled code some sixty times would take minutes."""

    def here(prepare: Callable[..., Callable[[], Any]], *given: Any, limit_s: float) -> Measured:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the peers
            run = prepare(*given)
            began = time.perf_counter()
            answer = run()
        return Measured(time.perf_counter() - began, 1.0, 100.0, 200.0, answer)

    for module in (compared, growing, vertices):
        monkeypatch.setattr(module, "measured", here)


# --- the questions, at one hundredth of their size ----------------------------------------------------------------


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("question", ["cells", "zones"])
def test_ours_and_every_peer_that_is_installed_agree_with_exact_intersection(tmp_path: Path, question: str) -> None:
    answer = asked(tmp_path, question, "--size", "100", "--repeat", "1")
    able = [peer for peer in PEERS if question in peer.questions]
    assert set(answer["missing"]) == {peer.name for peer in able if peer.missing()}
    taking_part = [*OURS, *(peer for peer in able if not peer.missing())]
    expected = [(layer, who.name) for layer in LAYERS for who in taking_part if who.answers(question, layer == "roads")]
    assert [(row["layer"], row["contestant"]) for row in answer["rows"]] == expected
    for row in answer["rows"]:
        assert row["note"] == "", row
        assert row["error"] < (EXACT if row["digits"] == "double" else OF_32_BITS), row
        assert row["seconds"] > 0
        assert row["threads"] >= 1
        assert row["ratio_wkb"] > 0
        assert row["ratio_geodataframe"] > 0
        assert row["contestant"] == "postgis" or row["peak_mb"] > 1
        assert (row.get("no_zone", 0) > 1) == (question == "zones")
    assert [note.split()[5].strip(",") for note in answer["notes"][:3]] == [
        min(
            (row for row in answer["rows"] if row["layer"] == layer and row["digits"] == "double"),
            key=lambda row: (row["contestant"].startswith("ours"), row["seconds"]),
        )["contestant"]
        for layer in LAYERS
    ]


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """A GeoPackage in degrees: houses as multipolygons of one ring, a bow, a wood, streets, two parishes."""
    file = tmp_path / "village.gpkg"
    east, north = np.meshgrid(np.arange(12), np.arange(9))
    west, south = 9.5 + 0.0009 * east.ravel(), 47.1 + 0.0007 * north.ravel()
    houses = [shapely.MultiPolygon([box]) for box in shapely.box(west, south, west + 2e-4, south + 1e-4)]
    bow = shapely.Polygon([(9.52, 47.1), (9.521, 47.101), (9.521, 47.1), (9.52, 47.101)])
    wood = shapely.Point(9.505, 47.103).buffer(0.004).difference(shapely.Point(9.505, 47.103).buffer(0.001))
    streets = [shapely.LineString([(9.499, 47.1 + k / 1000), (9.512, 47.101 + k / 900)]) for k in range(9)]
    parishes = [shapely.box(9.499, 47.09, 9.504, 47.108), shapely.box(9.5045, 47.09, 9.51, 47.108)]
    for layer, shapes in (("areas", [*houses, bow, wood, shapely.Point(9.5, 47.1)]), ("ways", streets)):
        gpd.GeoDataFrame(
            {"kind": ["house"] * 108 + ["wood"] * (len(shapes) - 108)} if layer == "areas" else {},
            geometry=shapes,
            crs="EPSG:4326",
        ).to_file(file, layer=layer)
    gpd.GeoDataFrame(geometry=parishes, crs="EPSG:4326").to_file(tmp_path / "parishes.geojson")
    return file


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("question", ["cells", "zones"])
def test_layers_of_files_are_compared_like_the_city(tmp_path: Path, village: Path, question: str) -> None:
    zones = ["--zones", str(tmp_path / "parishes.geojson")] if question == "zones" else []
    layers = ["--inputs", f"houses={village}:areas:kind = 'house'", "--inputs", f"{village}:ways"]
    options = ["--times", "3", "--repeat", "1", "--peers", "shapely-clip,shapely-contains,strtree"]
    answer = asked(tmp_path, question, *layers, *zones, *options)
    assert answer["settings"]["inputs"] == "houses=village.gpkg:areas:kind = 'house' and village-ways=village.gpkg:ways"
    assert {(row["layer"], row["features"]) for row in answer["rows"]} == {("houses", 324), ("village-ways", 27)}
    ours_and_peers = 6 if question == "cells" else 5  # shares are kept for cells in a row of their own
    assert len(answer["rows"]) == 2 * ours_and_peers
    assert all(row["error"] < EXACT for row in answer["rows"])
    assert all((row.get("no_zone", 0) > 1) == (question == "zones") for row in answer["rows"])
    assert "houses: 108 polygons of 108 features, 0 of which were invalid; 5.0 vertices on average" in str(
        answer["notes"]
    )


@pytest.mark.usefixtures("in_this_process")
def test_what_peers_fail_on_is_repaired_first_and_counted(tmp_path: Path, village: Path) -> None:
    options = ["--repeat", "1", "--peers", "strtree"]
    answer = asked(tmp_path, "cells", "--inputs", f"all={village}:areas", *options)
    assert all(row["error"] < EXACT and row["features"] == 110 for row in answer["rows"])
    assert "all: 110 polygons of 111 features, 1 of which were invalid" in str(answer["notes"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cells", "--inputs", "nothing.gpkg"], "nothing.gpkg cannot be read"),
        (["cells", "--inputs", ":areas"], "was expected"),
        (["zones", "--inputs", "{village}:areas"], "given together"),
        (["cells", "--inputs", "{village}:areas:no_such = 1"], "cannot be read"),
        (["cells", "--inputs", "{village}:areas:kind = 'none'"], "neither lines nor polygons"),
        (["cells", "--inputs", "a={village}:areas", "--inputs", "a={village}:ways"], "different names"),
        (["cells", "--inputs", "zones={village}:areas"], "A layer was called zones"),
        (["cells", "--inputs", "{village}:areas", "--inputs", "gap={village}:ways"], "A layer was called gap"),
        (["cells", "--inputs", "a.parquet:areas"], "GeoParquet has no layers"),
        (["cells", "--inputs", "a.geoparquet::kind = 'house'"], "GeoParquet has no layers"),
        (["cells", "--times", "3"], "no --inputs were given"),
        (["cells", "--inputs", "{site}"], "no way to metres"),
        (["cells", "--inputs", "{village}:areas", "--inputs", "{site}"], "no way to metres"),
    ],
)
def test_files_that_cannot_be_compared_on_are_refused(village: Path, arguments: list[str], said: str) -> None:
    site = village.with_name("site.parquet")
    local = 'LOCAL_CS["a site",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
    gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9)], crs=local).to_parquet(site)
    given = [argument.format(village=village, site=site) for argument in arguments]
    done = CliRunner().invoke(app, [*given, "--peers", "none"])  # else each would start a database for one of them
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.output.replace("│", "").split())


def test_a_build_is_held_against_reading_its_inputs(tmp_path: Path) -> None:
    reading, building, *steps = asked(tmp_path, "build", "--size", "50")["rows"]
    assert reading["ratio"] == 1
    assert building["ratio"] == pytest.approx(building["seconds"] / reading["seconds"])
    assert len(steps) > 10
    assert sum(step["seconds"] for step in steps) <= building["seconds"]


def test_buildings_to_cells_are_held_against_reading_their_file(tmp_path: Path) -> None:
    whole, columns, groups, ours = asked(tmp_path, "read", "--size", "1000", "--repeat", "1")["rows"]
    assert whole["ratio"] == columns["ratio_columns"] == groups["ratio_threads"] == 1
    assert ours["ratio"] == pytest.approx(ours["seconds"] / whole["seconds"])
    assert ours["ratio_columns"] == pytest.approx(ours["seconds"] / columns["seconds"])
    assert ours["error"] < EXACT


def test_the_build_of_a_nation_is_held_against_reading_its_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(national, "first_build", lambda *_given, **_named: Watched())
    answer = asked(tmp_path, "nation", "--size", "300", "--inputs", str(tmp_path / "inputs"))
    rows = {row["work"].strip(): row for row in answer["rows"]}
    reading, building = rows["reading all inputs (pyarrow)"], rows["the whole build"]
    files = [row for name, row in rows.items() if name.endswith(".parquet")]
    assert {"buildings.parquet", "roads.parquet", "forests.parquet", "meters.parquet", "ri.parquet"} <= rows.keys()
    assert reading["mb"] == pytest.approx(sum(row["mb"] for row in files))
    assert building["ratio"] == pytest.approx(building["seconds"] / reading["seconds"])
    assert building["peak_mb"] > reading["peak_mb"] > 1
    assert len(rows) > len(files) + 5  # the build tells its steps
    assert float(answer["notes"][-1].split("residual is ")[1].split()[0]) < EXACT


@pytest.mark.usefixtures("in_this_process")
def test_receipts_are_asked_of_every_collection(tmp_path: Path) -> None:
    answer = asked(tmp_path, "receipts", "--size", "300", "--asked", "3")
    grids, levels = ["grid-1km", "grid-500m", "grid-100m"], ["sido", "sigungu", "dong", "ri"]
    assert [(row["collection"], row["receipt"]) for row in answer["rows"]] == [
        (collection, receipt) for collection in (*grids, *levels) for receipt in ("public", "true")
    ]
    for row in answer["rows"]:
        assert row["asked"] == min(3, row["targets"])
        assert 0 < row["p50_ms"] <= row["p99_ms"] <= row["longest_ms"]


@pytest.mark.usefixtures("in_this_process")
def test_growth_has_an_exponent_for_each_layer_and_question(tmp_path: Path) -> None:
    rows = asked(tmp_path, "growth", "--size", "2000", "--no-builds")["rows"]
    assert len(rows) == 2 * 3 * 2
    assert [row["features"] for row in rows if row["layer"] == "buildings"] == [200, 2000] * 2
    assert all(math.isfinite(row["exponent"]) for row in rows[1::2])
    assert all(row["error"] < EXACT for row in rows)


@pytest.mark.usefixtures("in_this_process")
def test_growth_of_whole_builds_is_fitted_with_and_without_their_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(folder: Path, *_given: Any, **_named: Any) -> Watched:
        return Watched(seconds=3 + int(folder.name) / 100, cpu_seconds=1.0, peak_mb=100.0)

    monkeypatch.setattr(growing, "build_of", build)
    monkeypatch.setattr(growing, "first_build", lambda *_given, **_named: Watched(3.0, 1.0, 100.0))
    monkeypatch.setattr(growing, "LAYERS", ("roads",))
    answer = asked(tmp_path, "growth", "--size", "1000")
    rows = [row for row in answer["rows"] if row["question"] == "build"]
    assert [row["features"] for row in rows] == sizes_of_builds(1000) == [100, 316, 1000]
    assert rows[-1]["exponent_beyond_start"] == pytest.approx(1)
    assert rows[-1]["exponent"] < 0.6
    assert rows[0]["beyond_start"] == pytest.approx(1)
    monkeypatch.setattr(growing, "build_of", lambda *_given, **_named: Watched(failure="exit code 1"))
    failed = [row for row in asked(tmp_path, "growth", "--size", "1000")["rows"] if row["question"] == "build"]
    assert [row["note"] for row in failed] == ["exit code 1"] * 3
    assert failed[-1]["exponent_beyond_start"] is None


@pytest.mark.usefixtures("in_this_process")
def test_vertices_takes_every_step_of_every_layer(tmp_path: Path) -> None:
    rows = asked(tmp_path, "vertices", "--size", "200", "--repeat", "1")["rows"]
    expected = [*((layer, step) for layer in STEP_LAYERS for step in STEPS), *(("zones", step) for step in INDEX_STEPS)]
    assert [(row["layer"], row["step"]) for row in rows] == expected
    assert all(row["ns_per_vertex"] * row["vertices"] == pytest.approx(row["seconds"] * 1e9) for row in rows)


def test_border_roads_run_on_borders_and_need_no_overlay() -> None:
    roads, zones = make_layer(BORDER_ROADS, 2_000), make_zones(2_000)
    borders = shapely.union_all(shapely.boundary(zones))
    on_borders = shapely.length(shapely.intersection(roads.geometries, borders)) / shapely.length(roads.geometries)
    assert roads.is_lines
    assert roads.values.size == 200
    assert on_borders.min() > 0.2
    assert (on_borders > 0.999).mean() > 0.6
    grid, wkb = Grid(CRS, (0, 0), CELL_M, "korea"), WkbColumn.from_geometries(roads.geometries)
    found = parts_in_zones(wkb, parts_in_cells(wkb, grid), ZoneIndex.of(zones, grid))
    assert found.overlaid.size == 0
    owned = np.bincount(found.owner, found.amount, minlength=200) / shapely.length(roads.geometries)
    assert owned.max() < 1 + EXACT
    np.testing.assert_allclose(owned[on_borders > 0.999], 1, rtol=0, atol=1e-9)


# --- who takes part -----------------------------------------------------------------------------------------------


def test_a_peer_that_is_not_installed_is_named_with_its_reason() -> None:
    absent = Contestant("nobody", "objects", OURS[0].prepare, ("no_such_package_here",))
    assert absent.missing() == "not installed: no_such_package_here (requirements-bench.lock)"


def test_peers_are_chosen_by_name() -> None:
    assert [peer.name for peer in chosen_peers("strtree, overlay")] == ["overlay", "strtree"]
    assert chosen_peers("none") == ()
    with pytest.raises(UnknownPeer, match="arcgis; there are tobler"):
        chosen_peers("strtree,arcgis")


def test_an_unknown_peer_is_refused_on_the_command_line() -> None:
    done = CliRunner().invoke(app, ["cells", "--peers", "arcgis"])
    assert done.exit_code == 2
    assert "arcgis" in done.output


# --- measuring ----------------------------------------------------------------------------------------------------


def test_a_run_that_takes_too_long_or_fails_says_so_and_stops_nothing(place: Place) -> None:
    assert measured(exact_totals, "cells", "forests", place, limit_s=0).failure == "not done within 0 s"
    assert "FileNotFoundError" in measured(exact_totals, "cells", "parks", place, limit_s=60).failure


def test_a_lost_share_is_seen_as_an_error(place: Place) -> None:
    exact = exact_totals("zones", "buildings", place)()
    lost = exact.copy()
    lost[0] *= 1 - 1e-6
    assert largest_error(exact, exact) == 0
    assert largest_error(lost, exact) > EXACT


@pytest.mark.parametrize("layer", ["buildings", "roads", "forests"])
@pytest.mark.parametrize("factor", [1 - 1e-6, 1 + 1e-6], ids=["loss", "excess"])
def test_growth_sees_what_zones_lose_and_what_they_have_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layer: str, factor: float
) -> None:
    nation = Nation(300)
    write_nation(tmp_path, nation, lambda _what: None)
    share_out = growing.prepare_sharing(layer, "zones", tmp_path, nation, 1)
    assert share_out() < EXACT

    def wrong(*given: Any, **named: Any) -> ZoneParts:
        found = parts_in_zones(*given, **named)
        amount = found.amount.copy()
        amount[len(amount) // 2] *= factor
        return replace(found, amount=amount)

    monkeypatch.setattr(growing, "parts_in_zones", wrong)
    assert share_out() > EXACT


def test_the_fitted_exponent_of_a_square_is_two() -> None:
    assert fitted_exponent([10, 100, 1000], [1.0, 100.0, 10_000.0]) == pytest.approx(2)
    assert fitted_exponent([10, 100], [1.0, None]) is None
    assert sizes_up_to(10_000_000) == [10_000, 100_000, 1_000_000, 10_000_000]
    assert sizes_up_to(2_000) == [200, 2_000]


def test_a_watched_command_tells_its_steps_its_children_and_its_end() -> None:
    child = "import time; held = b'x' * 150_000_000; time.sleep(1)"
    script = (
        "import subprocess, sys; print('[1/2] first', file=sys.stderr, flush=True); "
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True); "
        "print('[2/2] second', file=sys.stderr, flush=True); print('done')"
    )
    done = watched([sys.executable, "-c", script], environment={}, limit_s=60)
    assert done.failure == ""
    assert done.output == "done\n"
    assert list(done.steps()) == ["first", "second"]
    assert done.steps()["first"] > done.steps()["second"]
    assert done.peak_mb > 150
    asked_of_it = "import os, sys; sys.exit(os.environ['CARBONMAP_THREADS'] + ' threads')"
    failed = watched([sys.executable, "-c", asked_of_it], environment={"CARBONMAP_THREADS": "7"}, limit_s=60)
    assert failed.failure == "exit code 1: 7 threads"
    late = watched([sys.executable, "-c", "import time; time.sleep(60)"], environment={}, limit_s=0.2)
    assert late.failure == "not done within 0.2 s"


# --- inputs and what all are compared with ------------------------------------------------------------------------


def test_the_same_city_twice_has_the_same_features() -> None:
    for name in LAYERS:
        one, other = make_layer(name, 200), make_layer(name, 200)
        assert (shapely.to_wkb(one.geometries) == shapely.to_wkb(other.geometries)).all()
        assert (one.values == other.values).all()
        assert shapely.is_valid(one.geometries).all()


def test_zones_tile_the_frame() -> None:
    zones, frame = make_zones(5_000), Frame.of(5_000)
    assert shapely.is_valid(zones).all()
    assert shapely.area(zones).sum() == pytest.approx(frame.side_m**2, rel=1e-12)
    assert shapely.equals(shapely.union_all(zones), frame.polygon)
    assert any(shapely.get_num_coordinates(zones) > 100)


def test_zones_with_gaps_leave_ground_that_is_measured_too(place: Place) -> None:
    tiled = make_zones(5_000)
    zones = with_gaps(tiled)
    assert len(zones) < len(tiled)
    assert shapely.is_valid(zones).all()
    assert shapely.union_all(zones).area < 0.95 * shapely.area(tiled).sum()
    case: Case = read_case("zones", "forests", place)
    assert case.gap is not None
    covered = shapely.union_all([case.gap, *case.zones])
    assert shapely.covers(covered, case.layer.geometries).all()
    assert shapely.area(case.gap) + shapely.area(case.zones).sum() == pytest.approx(covered.area, rel=1e-9)


def test_exact_totals_by_hand(place: Place) -> None:
    """Buildings lie inside the frame, so that nothing of them is lost; of forests, what leaves it is."""
    for question in ("cells", "zones"):
        case: Case = read_case(question, "buildings", place)
        assert exact_totals(question, "buildings", place)().sum() == pytest.approx(case.layer.values.sum(), rel=1e-12)
    forests = read_case("cells", "forests", place).layer
    inside = shapely.area(shapely.intersection(forests.geometries, Frame.of(100).polygon))
    expected = np.sum(forests.values * inside / shapely.area(forests.geometries))
    assert exact_totals("cells", "forests", place)().sum() == pytest.approx(expected, rel=1e-12)


def test_what_a_road_passes_twice_counts_twice(tmp_path: Path) -> None:
    """By hand: 100 m there and 70 m back, 70 of all in the first cell; eleven of Porto's roads are like that."""
    frame, none = Frame(2000), np.zeros(0, dtype=object)
    west, south = frame.origin_m
    way = np.array([shapely.LineString([(west + x, south + 50) for x in (50, 150, 80)])])
    place = write_inputs(tmp_path, frame, [Layer("ways", way, np.array([17.0]))], none)
    exact, ours = exact_totals("cells", "ways", place)(), OURS[1].prepare(read_case("cells", "ways", place))()
    for totals in (exact, ours):
        assert totals[:2] == pytest.approx([7, 10])
        assert totals.sum() == pytest.approx(17)


def test_cells_in_view_are_those_of_the_canvas() -> None:
    canvas: FloatRect = {"x": 0.0, "y": 0.0, "width": 512.0, "height": 512.0}
    world = looking.view_bounds(0, 0.0, 0.0, canvas)
    assert world == pytest.approx((-180, -85.051129, 180, 85.051129))
    west, south, east, north = looking.view_bounds(12.6, 47.14, 9.55, canvas)
    assert (west + east) / 2 == pytest.approx(9.55)
    # Mercator keeps shapes: a small square view is as high as wide on the ground.
    assert (north - south) / (east - west) == pytest.approx(math.cos(math.radians(47.14)), rel=1e-3)
