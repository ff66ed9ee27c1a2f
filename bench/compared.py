"""Questions `cells` and `zones`: ours against public tools on the same features, in one run."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bench.cases import Place, exact_totals, few_of, largest_error, read_case
from bench.contestants import OURS, Contestant, database, prepared
from bench.measure import Measured, measured
from bench.report import Report, Row

Tell = Callable[[str], None]

COLUMNS = {
    "layer": "layer",
    "features": "features",
    "contestant": "contestant",
    "input": "from",
    "threads": "threads",
    "seconds": "seconds",
    "cpu_seconds": "CPU s",
    "peak_mb": "peak MB",
    "error": "largest error",
    "no_zone": "% in no zone",
    "ratio_wkb": "x WKB",
    "ratio_geodataframe": "x GeoDataFrame",
    "note": "",
}
_TITLES = {"cells": "Shares in 100 m cells", "zones": "Shares in zones"}
_EXACT_LIMIT_S = 3600.0  # what all are compared with may take its time; it is not measured
_PATIENCE_S = 10.0  # who took longer than this is not asked again: noise matters less, and rounds would take hours


def compare(
    question: str,
    peers: Sequence[Contestant],
    write: Callable[[Path], Place],
    *,
    settings: Mapping[str, Any],
    repeat: int,
    threads: int,
    limit_s: float,
    tell: Tell,
) -> Report:
    """Measure all contestants in turn, as often as asked, each time in a fresh process.

    Args:
        question: `cells` or `zones`.
        peers: who is asked beside ours.
        write: writes the inputs to a folder: `bench.cases.write_city`, `bench.given.write_given`.
        settings: what they were asked for with.
        repeat: rounds; who took more than ten seconds is not asked again.
        threads: for those that use several.
        limit_s: a contestant that takes longer is ended, and not asked again for that layer.
        tell: is told of each step.
    """
    report = Report(question, _TITLES[question], COLUMNS, {**settings, "repeat": repeat, "threads": threads})
    able = [peer for peer in peers if question in peer.questions]
    report.missing = {peer.name: reason for peer in able if (reason := peer.missing())}
    present = tuple(peer for peer in able if peer.name not in report.missing)
    with TemporaryDirectory(prefix="bench-") as folder, database(present) as postgis:
        tell("writing the inputs: " + ", ".join(f"{name} {value}" for name, value in settings.items()))
        place = replace(write(Path(folder)), threads=threads, postgis=postgis)
        for layer in place.layers:
            report.rows += _layer_rows(question, layer, (*OURS, *present), place, repeat, limit_s, tell)
    report.notes = [
        *(_fastest(layer, [row for row in report.rows if row["layer"] == layer]) for layer in place.layers),
        *place.notes,
        "seconds: median of the rounds, of one round where it took more than 10 s; "
        "decoding is counted for ours, for nobody else.",
        "largest error: in any target, against the intersection of every pair, by the mean total of a target in use.",
        "x: seconds by those of ours from there; above 1 is slower.",
        *(["in no zone: of ours by its own geometry, of the others what their zones leave."] * (question == "zones")),
        "DuckDB and PostGIS: their tables and indexes are made beforehand.",
    ]
    return report


def _layer_rows(
    question: str,
    layer: str,
    contestants: Sequence[Contestant],
    place: Place,
    repeat: int,
    limit_s: float,
    tell: Tell,
) -> list[Row]:
    tell(f"{layer}: exact intersection of every pair")
    reference = measured(exact_totals, question, layer, place, limit_s=_EXACT_LIMIT_S)
    if reference.failure:
        raise RuntimeError(f"The exact totals of {layer} cannot be had: {reference.failure}")
    exact = np.load(place.totals_file(question, layer))
    is_lines = read_case(question, layer, few_of(place)).layer.is_lines
    asked = [contestant for contestant in contestants if contestant.answers(question, is_lines)]
    runs: dict[str, list[Measured]] = {contestant.name: [] for contestant in asked}
    for turn in range(repeat):
        for contestant in asked:
            if any(run.failure or run.seconds > _PATIENCE_S for run in runs[contestant.name]):
                continue
            tell(f"{layer}: {contestant.name}, round {turn + 1} of {repeat}")
            runs[contestant.name].append(measured(prepared, contestant.name, question, layer, place, limit_s=limit_s))
    rows = [_row(contestant, runs[contestant.name], exact, place) for contestant in asked]
    seconds = {row["contestant"]: row["seconds"] for row in rows}
    for row in rows:
        row |= {"layer": layer, "features": pq.read_metadata(place.file(layer)).num_rows}
        if question == "zones":
            row["no_zone"] = 100 * float(exact[-1] / exact.sum())
        with suppress(TypeError):  # one of both did not finish
            row["ratio_wkb"] = row["seconds"] / seconds["ours, WKB"]
            row["ratio_geodataframe"] = row["seconds"] / seconds["ours, GeoDataFrame"]
    return rows


def _fastest(layer: str, rows: Sequence[Row]) -> str:
    """A sentence on the peer that gives a layer's exact totals soonest."""
    mine = {contestant.name for contestant in OURS}
    exact = [row for row in rows if row["contestant"] not in mine and row["digits"] == "double" and row["seconds"]]
    if not exact:
        return f"{layer}: no exact peer took part."
    best = min(exact, key=lambda row: float(row["seconds"]))
    times = [(best.get(name), route) for name, route in (("ratio_wkb", "WKB"), ("ratio_geodataframe", "GeoDataFrame"))]
    known = ", ".join(f"{ratio:.2g} x ours from {route}" for ratio, route in times if ratio)
    return f"{layer}: the fastest exact peer, {best['contestant']}, takes {known}."


def _row(contestant: Contestant, runs: list[Measured], exact: np.ndarray, place: Place) -> Row:
    done = [run for run in runs if not run.failure]
    failure = next((run.failure for run in runs if run.failure), "")
    row: Row = {
        "contestant": contestant.name,
        "input": contestant.input,
        "version": contestant.version() if contestant.packages else None,
        "threads": place.threads if contestant.uses_threads else 1,
        "digits": contestant.digits,
        "seconds": None,
        "note": failure,
    }
    if done:
        row |= {
            "seconds": median(run.seconds for run in done),
            "all_seconds": [run.seconds for run in done],
            "cpu_seconds": median(run.cpu_seconds for run in done) if contestant.in_process else None,
            "loaded_mb": max(run.loaded_mb for run in done) if contestant.in_process else None,
            "peak_mb": max(run.peak_mb for run in done) if contestant.in_process else None,
            "error": max(largest_error(run.answer, exact) for run in done),
        }
    return row
