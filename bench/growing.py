"""Question `growth`: how time and memory of ours, kernels and whole builds, grow with the number of features."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from bench.cases import QUESTIONS
from bench.inputs import CELL_M, CRS, LAYERS
from bench.measure import Measured, measured
from bench.nation import Nation, write_nation
from bench.national import build_of, first_build
from bench.processes import Watched
from bench.report import Report, Row
from grids.cell_sums import cell_sums
from grids.grid import Grid
from grids.wkb import WkbChunks, WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, parts_in_zones

Tell = Callable[[str], None]
Run = Measured | Watched
FloatArray = NDArray[np.float64]

COLUMNS = {
    "layer": "layer",
    "question": "to",
    "features": "features",
    "seconds": "seconds",
    "beyond_start": "beyond start",
    "us_per_feature": "us per feature",
    "peak_mb": "peak MB",
    "error": "not conserved",
    "exponent": "exponent",
    "exponent_beyond_start": "exponent beyond start",
    "note": "",
}
STEPS = 4
_FITTED = 3
_ZONES = "dong"
_FEW = 1_000  # features of a first call
_AT_ONCE = 10_000  # features held as objects at a time


def sizes_up_to(largest: int, least: int = 100) -> list[int]:
    """Sizes a power of ten apart, four at most, the largest last."""
    return [size for k in range(STEPS - 1, -1, -1) if (size := largest // 10**k) >= least or k == 0]


def sizes_of_builds(largest: int, least: int = 100) -> list[int]:
    """Three sizes of nations that are built, up to the largest: a tenth of it, and what lies between."""
    return sorted({max(round(largest / 10**power), least) for power in (1, 0.5, 0)})


def prepare_sharing(layer: str, question: str, folder: Path, nation: Nation, threads: int) -> Callable[[], float]:
    """The work of sharing a layer of a nation out to cells or zones; returns the largest conservation error."""
    wkb = pq.read_table(folder / f"{layer}.parquet", columns=["geometry"])["geometry"]
    grid = Grid(CRS, (0, 0), CELL_M, "inspire")
    if question == "cells":
        _to_cells(wkb.slice(0, _FEW), grid, nation, threads)
        return lambda: _to_cells(wkb, grid, nation, threads)
    zones = np.asarray(shapely.from_wkb(pq.read_table(folder / f"{_ZONES}.parquet")["geometry"].to_numpy()))
    country = shapely.union_all(zones)
    inside = [_inside(row_group, country) for row_group in wkb.chunks]
    _to_zones([wkb.chunk(0).slice(0, _FEW)], [inside[0][:_FEW]], zones, grid, threads)
    return lambda: _to_zones(wkb.chunks, inside, zones, grid, threads)


def _inside(wkb: pa.Array, country: shapely.Geometry) -> FloatArray:
    """(features,) what part of each lies in the country, by GEOS: as much of it must its zones have."""
    shapely.prepare(country)
    parts = np.ones(len(wkb))
    for first in range(0, len(wkb), _AT_ONCE):
        features = np.asarray(shapely.from_wkb(wkb.slice(first, _AT_ONCE).to_numpy(zero_copy_only=False)))
        [cut] = np.nonzero(~shapely.contains(country, features))
        whole, left = features[cut], shapely.intersection(country, features[cut])
        measure = shapely.area if shapely.get_dimensions(features).max() == 2 else shapely.length
        parts[first + cut] = measure(left) / measure(whole)
    return parts


def _to_cells(wkb: pa.ChunkedArray, grid: Grid, nation: Nation, threads: int) -> float:
    features = WkbChunks.from_arrow(wkb)
    found = cell_sums(features, np.ones((features.size, 1)), grid, nation.country.bounds, threads=threads)
    inside, whole = float(found.sums.sum() + found.outside.sum()), features.size - found.nowhere.size
    return abs(inside - whole) / whole


def _to_zones(
    row_groups: Sequence[pa.Array], inside: Sequence[FloatArray], zones: np.ndarray, grid: Grid, threads: int
) -> float:
    index = ZoneIndex.of(zones, grid, threads=threads)
    error = 0.0
    for row_group, expected in zip(row_groups, inside, strict=True):  # as a build goes: not a nation's shares at once
        features = WkbColumn.from_arrow(row_group)
        cells = parts_in_cells(features, grid, threads=threads)
        found = parts_in_zones(features, cells, index, threads=threads)
        shares = found.amount / cells.measures[found.owner]
        in_zones = np.bincount(found.owner, shares, minlength=features.size)
        error = max(error, float(np.abs(in_zones - expected).max(initial=0.0)))
    return error


def growth(*, size: int, repeat: int, threads: int, builds: bool, limit_s: float, tell: Tell) -> Report:
    """Measure ours, from WKB, at sizes a power of ten apart and fit `seconds ~ features^exponent` to the largest three.

    Whole builds, each in a process of its own, are measured at three sizes from a tenth of the largest on.

    Args:
        size: buildings of the largest nation.
        repeat: rounds; within one, the sizes take turns.
        threads: of ours.
        builds: whether whole builds are measured too.
        limit_s: what takes longer is ended and left out of the fit.
        tell: is told of each step.
    """
    settings = {"size": size, "repeat": repeat, "threads": threads}
    report = Report("growth", "Growth of ours, from WKB", COLUMNS, settings)
    built = [Nation(buildings) for buildings in sizes_of_builds(size)] if builds else []
    nations = [Nation(buildings, metered=float(builds)) for buildings in sizes_up_to(size)]
    with TemporaryDirectory(prefix="bench-") as scratch:
        folder = Path(scratch)
        for nation in dict.fromkeys([*nations, *built]):
            tell(f"generating a nation of {nation.size:,} buildings")
            write_nation(folder / str(nation.size), nation, lambda _what: None)
        report.rows = _sharing_rows(folder, nations, repeat=repeat, threads=threads, limit_s=limit_s, tell=tell)
        if built:
            report.rows += _build_rows(folder, built, repeat=repeat, threads=threads, limit_s=limit_s, tell=tell)
    report.notes = [
        f"exponent: of the line through log(seconds) over log(features) of the largest {_FITTED} sizes; 1 is linear.",
        "not conserved: of the total in and outside cells; of a feature in zones, against the country.",
        *["beyond start: less what the build of 100 buildings takes, nearly all of which is starting."][: len(built)],
    ]
    return report


def _sharing_rows(
    folder: Path, nations: Sequence[Nation], *, repeat: int, threads: int, limit_s: float, tell: Tell
) -> list[Row]:
    """Each layer shared out to cells and to zones."""
    work = [(layer, question) for question in QUESTIONS for layer in LAYERS]
    runs: dict[tuple[str, str, int], list[Run]] = {}
    for turn in range(repeat):
        for layer, question in work:
            for nation in nations:
                tell(f"{layer} to {question}, {nation.size:,}, round {turn + 1} of {repeat}")
                given = (layer, question, folder / str(nation.size), nation, threads)
                run = measured(prepare_sharing, *given, limit_s=limit_s)
                runs.setdefault((layer, question, nation.size), []).append(run)
    return [row for layer, question in work for row in _rows(layer, question, nations, runs)]


def _build_rows(
    folder: Path, nations: Sequence[Nation], *, repeat: int, threads: int, limit_s: float, tell: Tell
) -> list[Row]:
    """Whole builds, and each less what the smallest takes."""
    runs: dict[tuple[str, str, int], list[Run]] = {}
    tell("a first, small build: compiled code is kept on disk from then on")
    first_build(folder, nations[0], (), threads=threads, limit_s=limit_s)
    starts: list[Watched] = []
    for turn in range(repeat):
        starts.append(first_build(folder, nations[0], (), threads=threads, limit_s=limit_s))
        for nation in nations:
            tell(f"whole build, {nation.size:,}, round {turn + 1} of {repeat}")
            run = build_of(folder / str(nation.size), folder / "store", threads=threads, limit_s=limit_s)
            runs.setdefault(("nation", "build", nation.size), []).append(run)
    start = median(run.seconds for run in starts)
    rows = _rows("nation", "build", nations, runs)
    for row in rows:
        row["beyond_start"] = None if row["seconds"] is None else row["seconds"] - start
    beyond = [row["beyond_start"] for row in rows]
    known = [seconds if seconds is not None and seconds > 0 else None for seconds in beyond]
    rows[-1]["exponent_beyond_start"] = fitted_exponent([row["features"] for row in rows], known)
    return rows


def fitted_exponent(features: Sequence[int], seconds: Sequence[float | None]) -> float | None:
    """The slope of log(seconds) over log(features) by least squares; None of fewer than two sizes."""
    known = [(n, s) for n, s in zip(features, seconds, strict=True) if s is not None]
    if len({n for n, _ in known}) < 2:
        return None
    slope, _ = np.polyfit(np.log([n for n, _ in known]), np.log([s for _, s in known]), 1)
    return float(slope)


def features_of(layer: str, nation: Nation) -> int:
    """How many features of a layer a nation has; of the whole build, its buildings."""
    return {"roads": nation.roads, "forests": nation.forests}.get(layer, nation.size)


def _rows(
    layer: str, question: str, nations: Sequence[Nation], runs: dict[tuple[str, str, int], list[Run]]
) -> list[Row]:
    rows = [_row(layer, question, nation, runs[layer, question, nation.size]) for nation in nations]
    largest = rows[-_FITTED:]
    exponent = fitted_exponent([row["features"] for row in largest], [row["seconds"] for row in largest])
    return [row | {"exponent": exponent if row is rows[-1] else None} for row in rows]


def _row(layer: str, question: str, nation: Nation, runs: Sequence[Run]) -> Row:
    features = features_of(layer, nation)
    row: Row = {"layer": layer, "question": question, "features": features, "seconds": None}
    row["note"] = next((run.failure for run in runs if run.failure), "")
    if not row["note"]:
        seconds = [run.seconds for run in runs]
        row |= {
            "seconds": median(seconds),
            "all_seconds": seconds,
            "us_per_feature": 1e6 * median(seconds) / features,
            "peak_mb": max(run.peak_mb for run in runs),
        }
        errors = [run.answer for run in runs if isinstance(run, Measured)]
        if errors:
            row["error"] = max(errors)
    return row
