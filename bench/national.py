"""Question `nation`: the whole build of a generated nation against reading all its inputs."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.measure import Measured, measured
from bench.nation import Nation, write_nation
from bench.processes import Watched, watched
from bench.report import Report, Row

Tell = Callable[[str], None]

COLUMNS = {
    "work": "work",
    "seconds": "seconds",
    "cpu_seconds": "CPU s",
    "peak_mb": "peak MB",
    "mb": "file MB",
    "ratio": "x reading",
}


_SMALL = 100


def prepare_reading(folder: Path, threads: int) -> Callable[[], dict[str, float]]:
    """Read every column of every input with pyarrow, row group by row group; returns seconds by file.

    Whole tables at once would take longer, and memory without bound: readings alone are 8 GB as Arrow holds them.
    """
    pa.set_cpu_count(threads)
    files = sorted(folder.glob("*.parquet"))

    def run() -> dict[str, float]:
        seconds = {}
        for file in files:
            began = time.perf_counter()
            with pq.ParquetFile(file) as source:
                for group in range(source.num_row_groups):
                    source.read_row_group(group, use_threads=True)
            seconds[file.name] = time.perf_counter() - began
        return seconds

    for file in files:  # into the page cache, so that disks are not what is measured
        with file.open("rb") as stream:
            while stream.read(1 << 24):
                pass
    return run


def nation_question(
    nation: Nation,
    *,
    inputs: Path | None,
    repeat: int,
    threads: int,
    options: Sequence[str],
    limit_s: float,
    tell: Tell,
) -> Report:
    """Generate a nation, then read it and build it in turn, as often as asked, each in a fresh process.

    Args:
        nation: how large.
        inputs: where it lies or is to be written, to be used again; a scratch folder if None.
        repeat: rounds.
        threads: for both.
        options: more arguments of `carbonmap build`.
        limit_s: for one build.
        tell: is told of each step.

    Raises:
        RuntimeError: reading or the build failed.
    """
    settings = {"size": nation.size, "repeat": repeat, "threads": threads, "options": " ".join(options)}
    report = Report("nation", "The whole build of a nation against reading its inputs", COLUMNS, settings)
    reading: list[Measured] = []
    building: list[Watched] = []
    manifest: dict[str, Any] = {}
    edition_mb = 0.0
    with _folder(inputs) as folder, TemporaryDirectory(prefix="bench-") as scratch:
        tell(f"generating a nation of {nation.size:,} buildings")
        write_nation(folder, nation, tell)
        tell("a first, small build: compiled code is kept on disk from then on")
        _must(first_build(Path(scratch), nation, options, threads=threads, limit_s=limit_s).failure)
        for turn in range(repeat):
            tell(f"reading the inputs, round {turn + 1} of {repeat}")
            reading.append(measured(prepare_reading, folder, threads, limit_s=limit_s))
            _must(reading[-1].failure)
            tell(f"building, round {turn + 1} of {repeat}")
            store = Path(scratch) / f"store-{turn}"
            building.append(build_of(folder, store, options, threads=threads, limit_s=limit_s))
            _must(building[-1].failure)
            manifest, edition_mb = _edition(store)
        sizes = {file.name: file.stat().st_size / 1e6 for file in sorted(folder.glob("*.parquet"))}
    report.rows = [*_reading_rows(reading, sizes), *_building_rows(building)]
    for row in report.rows:
        row["ratio"] = row["seconds"] / report.rows[0]["seconds"]
    report.notes = [
        f"{nation.size:,} buildings, {nation.roads:,} roads, {nation.forests:,} stands; zones {nation.zones}; "
        f"{nation.country.km2:,.0f} km2; meters of {nation.metered:.0%} of the buildings.",
        "reading: all columns of all files by pyarrow, row group by row group, from the page cache.",
        "peak MB of the build: all its processes together.",
        f"edition: {edition_mb:,.0f} MB; {_exactness(manifest)}.",
    ]
    return report


def build_of(folder: Path, store: Path, options: Sequence[str] = (), *, threads: int, limit_s: float) -> Watched:
    """`carbonmap build` of the nation in a folder, in a process of its own.

    Args:
        folder: of the inputs.
        store: emptied first.
        options: more arguments.
        threads: of our compiled code.
        limit_s: the build is ended after this time.
    """
    shutil.rmtree(store, ignore_errors=True)
    command = [sys.executable, "-m", "carbonmap", "build", str(folder / "region.yaml"), "--store", str(store), *options]
    return watched(command, environment={"CARBONMAP_THREADS": str(threads)}, limit_s=limit_s)


@contextmanager
def _folder(inputs: Path | None) -> Iterator[Path]:
    if inputs is not None:
        yield inputs
        return
    with TemporaryDirectory(prefix="bench-") as scratch:
        yield Path(scratch)


def first_build(scratch: Path, nation: Nation, options: Sequence[str], *, threads: int, limit_s: float) -> Watched:
    """Build the smallest nation: compiling takes half a minute where nothing was ever built, and is kept on disk."""
    folder = scratch / "first"
    write_nation(folder, Nation(_SMALL, nation.metered), lambda _what: None)
    return build_of(folder, scratch / "first-store", options, threads=threads, limit_s=limit_s)


def _must(failure: str) -> None:
    if failure:
        raise RuntimeError(failure)


def _reading_rows(runs: list[Measured], sizes: dict[str, float]) -> list[Row]:
    seconds = [run.seconds for run in runs]
    whole: Row = {
        "work": "reading all inputs (pyarrow)",
        "seconds": median(seconds),
        "all_seconds": seconds,
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "peak_mb": max(run.peak_mb for run in runs),
        "mb": sum(sizes.values()),
    }
    files: list[Row] = [
        {"work": f"  {name}", "seconds": median(run.answer[name] for run in runs), "mb": size}
        for name, size in sizes.items()
    ]
    return [whole, *files]


def _building_rows(runs: list[Watched]) -> list[Row]:
    seconds = [run.seconds for run in runs]
    whole: Row = {
        "work": "the whole build",
        "seconds": median(seconds),
        "all_seconds": seconds,
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "peak_mb": max(run.peak_mb for run in runs),
    }
    steps = [run.steps() for run in runs]
    return [
        whole,
        *({"work": f"  {what}", "seconds": median(step.get(what, 0.0) for step in steps)} for what in steps[-1]),
    ]


def _edition(store: Path) -> tuple[dict[str, Any], float]:
    """The manifest of the one edition in a store, and the edition's size in MB."""
    [file] = store.glob("*/*/manifest.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found, sum(part.stat().st_size for part in file.parent.rglob("*") if part.is_file()) / 1e6


def _exactness(manifest: dict[str, Any]) -> str:
    """What the edition says of its own exactness."""
    residuals = [entry["residual"] for entries in manifest["residuals"].values() for entry in entries]
    return f"its largest conservation residual is {max(residuals, default=0.0):.1e} of a total"
