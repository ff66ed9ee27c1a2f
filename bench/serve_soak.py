"""Question `serve --soak`: whether a server's memory stays the same over very many requests."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]

from bench import serve_load, serve_servers
from bench.report import Report, Row
from bench.serve_inputs import write_served
from bench.serve_servers import Server
from bench.serve_works import works_of

_FILLING = 10
"""Rounds that fill what a server keeps on purpose, about."""

Tell = Callable[[str], None]

COLUMNS = {
    "after": "requests",
    "process": "process",
    "rss_mb": "MB",
    "own_mb": "MB of its own",
    "grown_mb": "MB more than at first",
    "wrong": "failed",
}
_WARM = "warm tile"
_WARM_S, _OTHERS_S = 8.0, 1.0
"""Seconds of one round: tiles that are kept are most of what a map asks, and come ten times as fast as all else."""


def soak_question(*, requests: int, workers: int, side: int, tell: Tell) -> Report:
    """Ask ours for everything that `serve` asks for, round after round, and look at its processes' memory.

    What it keeps on purpose (tiles, row groups, orders of rows) is filled by the first rounds, after which memory is
    looked at for the first time: after ten, or a quarter of the requests if that is sooner.

    Args:
        requests: to be answered at least.
        workers: processes that answer.
        side: cells along the edge of the square that is served.
        tell: is told of each round.

    Raises:
        RuntimeError: the server did not start.
    """
    settings = {"requests": requests, "workers": workers, "cells": side * side}
    report = Report("serve-soak", "Memory of a server over many requests", COLUMNS, settings)
    no_load = serve_load.missing()
    if no_load is not None:
        report.missing["requests"] = no_load
        return report
    with TemporaryDirectory(prefix="bench-serve-") as name:
        tell("writing an edition")
        served = write_served(Path(name) / "store", side)
        with serve_servers.ours(served.store, workers) as server:
            works = works_of(server, served)
            answered, wrong, marks = 0, 0, [requests * k // 4 for k in range(1, 5)]
            first: dict[int, float] = {}
            rounds, filled, begin = 0, 0, dict.fromkeys((work.name for work in works), 0)
            while marks:
                for work in works:
                    seconds = _WARM_S if work.name == _WARM else _OTHERS_S
                    found = serve_load.load(server.address, replace(work.asked, begin=begin[work.name]), seconds)
                    # Those under way when time was up were asked too.
                    begin[work.name] += found.requests + serve_load.CONNECTIONS
                    answered, wrong = answered + found.requests, wrong + found.wrong
                rounds += 1
                tell(f"{answered:,} of {requests:,} requests")
                if answered >= marks[0] or (not first and rounds == _FILLING):
                    rows = _memory(server, answered, wrong, first)
                    filled = filled or rounds
                    first = first or {row["pid"]: row["rss_mb"] for row in rows}
                    report.rows += rows
                marks = [mark for mark in marks if mark > answered]
    report.notes = [
        f"{wrong:,} of {answered:,} requests failed.",
        "Asked in turn: " + "; ".join(work.name for work in works) + ".",
        "MB: what is in memory of a process, pages of files that processes share included; of its own: not those.",
        f"The first rows are of a server that has been asked for everything in {filled} rounds; what it keeps on "
        f"purpose is full after some {_FILLING}, and until then it grows.",
        _growth(report.rows, requests / 2),
    ]
    return report


def _growth(rows: list[Row], since: float) -> str:
    """What each process that was there all the time has grown by since so many requests."""
    late = [row for row in rows if row["after"] >= since]
    last = {row["pid"]: row for row in late}
    told = []
    for pid, begin in {row["pid"]: row for row in reversed(late)}.items():
        requests = last[pid]["after"] - begin["after"]
        if requests:
            grown = (last[pid]["own_mb"] - begin["own_mb"]) / requests * 100_000
            told.append(f"{begin['process']} {grown:+.1f}")
    return f"MB of its own more for each 100,000 requests of the last half: {', '.join(told) or 'not known'}."


def _memory(server: Server, answered: int, wrong: int, first: dict[int, float]) -> list[Row]:
    """A row for each process that answers or watches over those that do."""
    rows: list[Row] = []
    for process in server.family:
        try:
            held = process.memory_full_info()
        except psutil.NoSuchProcess:  # it has just been replaced
            continue
        rss = held.rss / 1e6
        rows.append(
            {
                "after": answered,
                "process": "parent" if process.pid == server.process.pid else f"child {process.pid}",
                "pid": process.pid,
                "rss_mb": rss,
                "own_mb": held.uss / 1e6,
                "grown_mb": rss - first.get(process.pid, rss),
                "wrong": wrong,
            }
        )
    return rows
