"""The serving bench asks what it says, of servers that run, and counts what they answer; no time is asserted."""

import contextlib
import io
import json
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from rich.console import Console
from typer.testing import CliRunner

from bench import postgis, serve, serve_encoders, serve_inputs, serve_load, serve_servers, serve_works
from bench.__main__ import app
from bench.serve_inputs import COLLECTION, CRS, YEAR, Served, write_served
from bench.serve_load import Asked, Load
from bench.serve_servers import Answer, fetch
from bench.serve_works import works_of
from grids.projections import LONLAT, transformer
from grids.tiles import Tile, collection_tile, tile_columns

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="servers are stopped as Unix stops them")

needs_wrk = pytest.mark.skipif(serve_load.missing() is not None, reason="needs a program of the system: wrk")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return write_served(tmp_path_factory.mktemp("bench") / "store")


def test_the_edition_is_a_town_full_of_cells(served: Served) -> None:
    info = served.edition.collection(COLLECTION)
    assert info.count == serve_inputs.SIDE**2
    assert 6_000 <= served.cells <= 7_000
    assert collection_tile(served.edition, COLLECTION, YEAR, served.tile)
    west, south, east, north = info.bbox or (0, 0, 0, 0)
    for tile in served.tiles:
        assert west < tile.lonlat[0] < tile.lonlat[2] < east
        assert south < tile.lonlat[1] < tile.lonlat[3] < north
    table = served.edition.table(COLLECTION, YEAR).to_pandas()
    sectors = [table[f"{sector}_tco2e"] for sector in ("buildings", "transport", "forest")]
    assert np.allclose(sum(sectors), table["net_tco2e"])
    assert 0.2 < (table["buildings_tco2e"] == 0).mean() < 0.3
    assert (table["forest_tco2e"] <= 0).all()


def test_the_same_town_is_written_again(tmp_path: Path) -> None:
    towns = [write_served(tmp_path / name, side=100) for name in ("one", "other")]
    tables = [one.edition.collection(COLLECTION).tables[YEAR].sha256 for one in towns]
    assert tables[0] == tables[1]


def test_the_polygon_lies_in_the_tile(served: Served) -> None:
    drawn = shapely.from_geojson(json.dumps(served.polygon))
    assert drawn.is_valid
    assert shapely.box(*served.tile.lonlat).contains(drawn)
    metric = shapely.transform(
        drawn, lambda points: np.column_stack(transformer(LONLAT, CRS).transform(points[:, 0], points[:, 1]))
    )
    assert 1_000 < metric.area / 100**2 < 2_000, "about as many cells as the bench says"


def test_scripts_ask_in_turn_and_count_up() -> None:
    text = Asked(["/a?offset=%d", "/b"], b'{"x": 1}', {"Accept-Encoding": "gzip"}).script()
    assert "[==[/a?offset=%d]==], [==[/b]==]" in text
    assert '["Accept-Encoding"] = "gzip"' in text
    assert 'wrk.format("POST", path, headers, body)' in text
    assert 'wrk.format("GET"' in Asked(["/a"]).script()


def test_cold_addresses_differ_in_their_columns_and_not_in_how_many() -> None:
    asked = serve_works.cold("/t/1/2/3?edition=e", list("abcdefghij"), list("vwxyz"))
    named = [path.rpartition("=")[2].split(",") for path in asked.paths]
    assert len({frozenset(names) for names in named}) == len(asked.paths) == 36 * 10
    assert {len(set(names)) for names in named} == {10}
    assert {names[0] for names in named} == {"a"}


@needs_wrk
def test_wrk_counts_answers_and_refusals() -> None:
    answers = {"/good": Answer(200, {"content-type": "text/plain"}, b"x" * 1000)}
    with serve_servers.bare(answers) as server:
        assert fetch(server.address + "/good").body == b"x" * 1000
        assert fetch(server.address + "/bad").status == 404
        found = serve_load.load(server.address, Asked(["/good"]), 1)
        assert found.requests > 0
        assert found.wrong == 0
        assert 0 < found.p50_ms <= found.p95_ms <= found.p99_ms
        assert found.mbytes * 1e6 > 1000 * found.rate
        mixed = serve_load.load(server.address, Asked(["/good", "/bad"]), 1)
        assert 0.4 < mixed.wrong / mixed.requests < 0.6
        assert server.memory_mb > 1
    with pytest.raises(RuntimeError, match="wrk"):
        serve_load.load("http://no-such-host.invalid", Asked(["/"]), 1)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="there is no store"), serve_servers.ours(tmp_path / "nothing"):
        pass


def test_what_is_asked_of_ours_is_what_it_says(served: Served) -> None:
    nets = served.edition.table(COLLECTION, YEAR, ["net_tco2e"])["net_tco2e"].to_numpy()
    second, highest = np.sort(nets)[-2:]
    with serve_servers.ours(served.store) as server:
        works = {work.name: work for work in works_of(server, served)}
        warm = serve._answer(server, works["warm tile"].asked)
        assert warm.headers["content-encoding"] == "gzip"
        cold = works["cold tile"].asked
        assert len({serve._answer(server, Asked([path], headers=cold.headers)).body for path in cold.paths[:3]}) == 3
        page = json.loads(serve._answer(server, works["page of 1,000"].asked).body)
        assert len(page["features"]) == serve_works.PAGE
        sums = json.loads(serve._answer(server, works["sums of a polygon"].asked).body)
        assert sums["rows"] > 1000
        named = works["item by its id"].asked
        assert len({json.loads(serve._answer(server, Asked([path])).body)["id"] for path in named.paths[:3]}) == 3
        few = json.loads(serve._answer(server, works["filter, first 10"].asked).body)["features"]
        assert len(few) == 10
        assert all(one["properties"]["net_tco2e"] > 10 for one in few)
        order = json.loads(serve._answer(server, works["page of 1,000, sorted"].asked).body)["features"]
        assert [one["properties"]["net_tco2e"] for one in order[:2]] == [highest, second]
        with pytest.raises(RuntimeError, match="404"):
            serve._answer(server, Asked(["/api/nowhere/"]))


def test_encoders_make_the_same_features(served: Served) -> None:
    mapbox = pytest.importorskip("mapbox_vector_tile")
    columns = ["id", "net_tco2e", "held"]
    small = Served(served.store, served.edition, Tile(15, served.tile.y * 8 + 3, served.tile.x * 8 + 3))
    theirs = mapbox.decode(serve_encoders.mapbox_vector_tile(small, columns)())[COLLECTION]["features"]
    ours = mapbox.decode(serve_encoders.ours_uncompressed(small, columns)())[COLLECTION]["features"]
    found = {feature["properties"]["id"]: feature["properties"] for feature in theirs}
    assert len(ours) > 50
    assert all(found[feature["properties"]["id"]] == feature["properties"] for feature in ours)
    assert serve_encoders.ours(small, columns)() == serve_encoders.ours_first(small, columns)()


@pytest.mark.skipif(postgis.missing() is not None, reason="needs a program of the system: PostGIS")
def test_postgis_draws_the_same_cells(served: Served) -> None:
    few = Served(served.store, served.edition, Tile(15, served.tile.y * 8 + 3, served.tile.x * 8 + 3))
    with postgis.server() as folder, contextlib.closing(postgis.Session(folder)) as session:
        serve_encoders.fill(session, few)
        assert session.ask(f"SELECT count(*) FROM {serve_encoders.TABLE}") == [str(serve_inputs.SIDE**2)]
        size = serve_encoders.st_asmvt(session, few, tile_columns(few.edition.collection(COLLECTION)))()
    ours = len(collection_tile(few.edition, COLLECTION, YEAR, few.tile))
    assert isinstance(size, int)
    assert 0.7 < size / ours < 1.3


def test_times_are_medians_of_several_calls() -> None:
    calls: list[int] = []

    def encode() -> bytes:
        calls.append(1)
        return b"four"

    took, cpu, size = serve_encoders.timed(encode, 0)
    assert (len(calls), size) == (4, 4), "the first is not counted"
    assert took >= 0
    assert cpu >= 0


def test_the_command_prints_a_table_and_writes_json(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(address: str, asked: Asked, seconds: float) -> Load:
        assert fetch(address + asked.paths[0].replace("%d", "1"), asked.body, asked.headers).status == 200
        return Load(100, 50.0, 1.0, 2.0, 3.0, 0, 1.5)

    monkeypatch.setattr(serve, "write_served", lambda store, side: served)
    monkeypatch.setattr(serve_load, "load", answered)
    monkeypatch.setattr(serve_load, "missing", lambda: None)
    file = tmp_path / "answer.json"
    done = CliRunner().invoke(app, ["serve", "--seconds", "0", "--no-peers", "--json", str(file)])
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(file.read_text("utf-8"))
    assert answer["question"] == "serve"
    assert {"commit", "machine", "date", "versions"} <= answer.keys()
    assert "not asked for" in answer["missing"]["PostGIS"]
    rows = {(row["work"], row["who"]): row for row in answer["rows"]}
    for work in ("warm tile", "cold tile", "page of 1,000", "sums of a polygon"):
        assert rows[work, serve.OURS]["rate"] == rows[work, serve.BARE]["rate"] == 50.0
        assert rows[work, serve.OURS]["ratio"] == 1.0
        assert rows[work, serve.OURS]["memory_mb"] > 10
        assert rows[work, serve.OURS]["cpu_ms"] >= 0
        assert rows[work, serve.OURS]["kbytes"] == rows[work, serve.BARE]["kbytes"]
    assert rows["tile", f"{serve.OURS}, compressed"]["ms"] > 0


@pytest.mark.slow
def test_a_soaked_server_tells_the_memory_of_each_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: dict[str, list[int]] = {}

    def load(address: str, asked: Asked, seconds: float) -> Load:
        begun.setdefault(asked.paths[0] + str(asked.headers), []).append(asked.begin)
        return Load(100, 50.0, 1.0, 2.0, 3.0, 1, 1.5)

    monkeypatch.setattr(serve_load, "load", load)
    monkeypatch.setattr(serve_load, "missing", lambda: None)
    file = tmp_path / "soaked.json"
    done = CliRunner().invoke(app, ["serve", "--soak", "3000", "--workers", "2", "--side", "300", "--json", str(file)])
    assert done.exit_code == 0, done.output
    answer = json.loads(file.read_text("utf-8"))
    assert answer["settings"] == {"requests": 3000, "workers": 2, "cells": 90_000}
    rows = answer["rows"]
    works = len(answer["notes"][1].split("; "))
    assert rows[0]["after"] == 100 * works
    assert answer["notes"][0] == f"{rows[-1]['wrong']} of {rows[-1]['after']:,} requests failed."
    assert {row["after"] % (100 * works) for row in rows} == {0}
    assert rows[0]["after"] < 3000 <= rows[-1]["after"] < 3000 + 100 * works
    assert rows[-1]["wrong"] == rows[-1]["after"] // 100
    for after in {row["after"] for row in rows}:
        processes = [row for row in rows if row["after"] == after]
        assert [row["process"] == "parent" for row in processes].count(True) == 1
        assert len(processes) >= 3, "the parent and two workers"
        assert all(0 < row["own_mb"] <= row["rss_mb"] for row in processes)
    assert all(row["grown_mb"] == 0 for row in rows if row["after"] == rows[0]["after"])
    # What counts up goes on in the next round, else the same would be asked again.
    assert begun
    assert all(each == [104 * k for k in range(len(each))] and len(each) >= 4 for each in begun.values())
    assert re.search(r"last half: (parent|child \d+) [+-]\d+\.\d", answer["notes"][-1])


def test_without_wrk_the_report_says_how_to_get_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "write_served", lambda store, side: served)
    monkeypatch.setattr(serve_load.shutil, "which", lambda name: None)
    report = serve.serve_question(seconds=0, peers=False, side=serve_inputs.SIDE, tell=lambda what: None)
    assert "apt-get install wrk" in report.missing["requests per second"]
    assert {row["work"] for row in report.rows} == {"tile", "tile, 4 values"}
    shown = io.StringIO()
    report.show(Console(file=shown, width=200))
    assert "apt-get install wrk" in shown.getvalue()


def test_a_peer_that_does_not_start_is_left_out_and_the_reason_is_told(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tipg over a database that is not there: our own figures are shown all the same."""

    def answered(address: str, asked: Asked, seconds: float) -> Load:
        return Load(100, 50.0, 1.0, 2.0, 3.0, 0, 1.5)

    monkeypatch.setattr(serve_load, "load", answered)
    missing: dict[str, str] = {}
    rows = serve._server_rows(served, "/nowhere/at/all", 0, missing, lambda what: None)
    assert {row["who"] for row in rows} == {serve.OURS, serve.BARE}
    assert ("did not start" in missing["tipg"]) == bool(find_spec("tipg")), missing
    assert "pip install" in missing["tipg"]


def test_without_postgis_the_report_says_how_to_get_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "write_served", lambda store, side: served)
    monkeypatch.setattr(serve_load, "missing", lambda: "no wrk")

    @contextlib.contextmanager
    def broken() -> Iterator[str]:
        raise RuntimeError("initdb: no room on the disk")
        yield ""

    monkeypatch.setattr(postgis, "missing", lambda: None)
    monkeypatch.setattr(postgis, "server", broken)
    report = serve.serve_question(seconds=0, peers=True, side=serve_inputs.SIDE, tell=lambda what: None)
    assert report.missing["PostGIS"] == "initdb: no room on the disk"
    assert report.missing["requests per second"] == "no wrk"
    assert {row["work"] for row in report.rows} == {"tile", "tile, 4 values"}


def test_a_refusal_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**asked: Any) -> None:
        raise serve_servers.NoAnswer("a server did not start (http://127.0.0.1:1/, ended with 1): no such store")

    monkeypatch.setattr("bench.__main__.serve_question", refused)
    done = CliRunner().invoke(app, ["serve", "--seconds", "0", "--no-peers"])
    assert done.exit_code == 2
    assert "no such store" in done.output
    assert "Traceback" not in done.output
