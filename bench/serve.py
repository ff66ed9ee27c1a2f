"""Question `serve`: how fast tiles, pages and sums are answered, against the bare framework and against peers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import postgis, serve_encoders, serve_load, serve_servers
from bench.report import Report, Row
from bench.serve_inputs import Served, write_served
from bench.serve_load import Asked
from bench.serve_servers import Answer, NoAnswer, Server, fetch
from bench.serve_works import PAGE, Work, works_of

Tell = Callable[[str], None]

COLUMNS = {
    "work": "work",
    "who": "answered by",
    "ms": "ms",
    "cpu_ms": "CPU ms",
    "rate": "per s",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "p99_ms": "p99 ms",
    "kbytes": "kB",
    "ratio": "ours is x",
    "wrong": "failed",
    "requests": "requests",
    "memory_mb": "MB before",
    "memory_after_mb": "MB after",
}
OURS, BARE, TIPG = "carbonmap", "bare Starlette", "tipg on PostGIS"
_ELSEWHERE = "PostGIS ST_AsMVT"  # the work is another process's, whose processor time is not known
_FEWEST, _LONGEST_S = 10, 20.0
_FOUR = ["net_tco2e", "buildings_tco2e", "transport_tco2e", "forest_tco2e"]


def serve_question(*, seconds: float, peers: bool, side: int, tell: Tell) -> Report:
    """Measure encoders in this process, then servers one after the other, one worker each.

    Args:
        seconds: how long each encoder, and each question to each server, is asked.
        peers: whether PostGIS, tipg and mapbox-vector-tile take part.
        side: cells along the edge of the square that is served.
        tell: is told of each step.

    A peer that is not here, does not start or refuses is left out, and the report says why.

    Raises:
        NoAnswer: our own server or the bare one did not start, or refused what was asked of it.
        RuntimeError: wrk could not ask.
    """
    settings = {"seconds": seconds, "connections": serve_load.CONNECTIONS, "page": PAGE, "cells": side * side}
    report = Report("serve", "Tiles, pages and sums: ours against the bare framework and peers", COLUMNS, settings)
    with TemporaryDirectory(prefix="bench-serve-") as name, ExitStack() as stack:
        tell("writing an edition")
        served = write_served(Path(name) / "store", side)
        session, folder = None, None
        reason = postgis.missing() if peers else "not asked for (--no-peers)"
        if reason is None:
            tell("filling PostGIS")
            try:
                folder = stack.enter_context(postgis.server())
                session = stack.enter_context(closing(postgis.Session(folder)))
                serve_encoders.fill(session, served)
            except RuntimeError as failure:
                session, folder, reason = None, None, str(failure)
        if reason is not None:
            report.missing["PostGIS"] = reason
        report.rows += list(_encoder_rows(served, session, seconds, peers, report.missing, tell))
        report.notes = [
            f"The tile has {served.cells:,} cells near it; unless asked otherwise it carries "
            f"{len(serve_encoders.shown_columns(served))} columns.",
            "Encoders: median in this process, one thread; ours read from row groups in memory but for `first`.",
            "Cold: the tile is made for every request, its row groups in memory; warm: asked for before.",
            "CPU ms: of the server's own process for each answer (a database's is not in it), or of one call.",
            "`ours is x`: our rate over theirs, or their time over that of our first row.",
        ]
        no_load = serve_load.missing()
        if no_load is None:
            report.rows += _server_rows(served, folder, seconds, report.missing, tell)
        else:
            report.missing["requests per second"] = no_load
    return report


def _encoder_rows(
    served: Served,
    session: postgis.Session | None,
    seconds: float,
    peers: bool,
    missing: dict[str, str],
    tell: Tell,
) -> Iterator[Row]:
    for what, columns in (("tile, 4 values", ["id", *_FOUR]), ("tile", serve_encoders.shown_columns(served))):
        encoders: dict[str, serve_encoders.Encode] = {
            f"{OURS}, compressed": serve_encoders.ours(served, columns),
            f"{OURS}, first, compressed": serve_encoders.ours_first(served, columns),
            OURS: serve_encoders.ours_uncompressed(served, columns),
        }
        if session is not None:
            encoders[_ELSEWHERE] = serve_encoders.st_asmvt(session, served, columns)
        if peers and find_spec("mapbox_vector_tile"):
            encoders["mapbox-vector-tile"] = serve_encoders.mapbox_vector_tile(served, columns)
        elif peers:
            missing["mapbox-vector-tile"] = "not installed (pip install mapbox-vector-tile)"
        best = None
        for who, encode in encoders.items():
            tell(f"{what}: {who}")
            took, cpu, size = serve_encoders.timed(encode, seconds)
            best = took if best is None else best
            row = {"work": what, "who": who, "ms": took * 1e3, "kbytes": size / 1e3, "ratio": took / best}
            yield row if who == _ELSEWHERE else {**row, "cpu_ms": cpu * 1e3}


def _server_rows(served: Served, folder: str | None, seconds: float, missing: dict[str, str], tell: Tell) -> list[Row]:
    answers: dict[str, Answer] = {}
    with serve_servers.ours(served.store) as server:
        works = works_of(server, served)
        for work in works:
            answers[_bare_path(work)] = _answer(server, work.asked)
        rows = [_asked(OURS, server, work, work.asked, seconds, tell) for work in works]
    with serve_servers.bare(answers) as server:
        for work in works:
            asked = Asked([_bare_path(work)], work.asked.body, work.asked.headers)
            rows.append(_asked(BARE, server, work, asked, seconds, tell))
    if folder is None:
        missing["tipg"] = f"needs PostGIS: {missing['PostGIS']}"
    elif not find_spec("tipg"):
        missing["tipg"] = "not installed (pip install tipg uvicorn)"
    else:
        try:
            with serve_servers.tipg(folder) as server:
                for work in works:
                    if work.peer is not None:
                        rows.append(_asked(TIPG, server, work, work.peer, seconds, tell))
        except NoAnswer as failure:
            missing["tipg"] = str(failure)
    ours = {row["work"]: row["rate"] for row in rows if row["who"] == OURS}
    for row in rows:
        row["ratio"] = ours[row["work"]] / row["rate"]
    return sorted(rows, key=lambda row: list(ours).index(row["work"]))


def _answer(server: Server, asked: Asked) -> Answer:
    answer = fetch(server.address + asked.paths[0].replace("%d", "0"), asked.body, asked.headers)
    if answer.status != 200 or not answer.body:
        said = answer.body[:300].decode("utf-8", "replace")
        raise NoAnswer(f"{server.address}{asked.paths[0][:200]} was answered with {answer.status}: {said}")
    return answer


def _asked(who: str, server: Server, work: Work, asked: Asked, seconds: float, tell: Tell) -> Row:
    tell(f"{work.name}: {who}")
    size = len(_answer(server, asked).body)
    serve_load.load(server.address, asked, 1)  # compiled code is loaded, connections to databases are made
    before, cpu = server.memory_mb, server.cpu_seconds
    found = serve_load.load(server.address, asked, seconds)
    while found.requests < _FEWEST and seconds < _LONGEST_S:  # who is slow is given more time
        seconds, cpu = 3 * seconds, server.cpu_seconds
        found = serve_load.load(server.address, asked, seconds)
    if found.wrong or not found.requests:
        raise NoAnswer(f"{who}, {work.name}: {found.wrong} of {found.requests} requests failed")
    return {
        "work": work.name,
        "who": who,
        "ms": 1e3 / found.rate,
        "cpu_ms": 1e3 * (server.cpu_seconds - cpu) / found.requests,
        "rate": found.rate,
        "p50_ms": found.p50_ms,
        "p95_ms": found.p95_ms,
        "p99_ms": found.p99_ms,
        "kbytes": size / 1e3,
        "wrong": found.wrong,
        "requests": found.requests,
        "memory_mb": before,
        "memory_after_mb": server.memory_mb,
    }


def _bare_path(work: Work) -> str:
    return "/" + "-".join(part for part in "".join(c if c.isalnum() else " " for c in work.name).split())
