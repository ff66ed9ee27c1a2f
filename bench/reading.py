"""Question `read`: a nation's buildings from a zstd GeoParquet file to 100 m cells against merely reading the file."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from bench.inputs import CELL_M, CRS
from bench.measure import Measured, measured
from bench.nation import Nation, write_nation_buildings
from bench.report import Report, Row
from grids.grid import Grid
from grids.wkb_files import sums_from_parquet

Tell = Callable[[str], None]
Prepare = Callable[..., Callable[[], Any]]

COLUMNS = {
    "work": "work",
    "seconds": "seconds",
    "cpu_seconds": "CPU s",
    "peak_mb": "peak MB",
    "ratio": "x reading",
    "ratio_columns": "x reading both columns",
    "ratio_threads": "x on threads",
    "error": "not conserved",
}
_GEOMETRY, _VALUE = "geometry", "footprint"
_LIMIT_S = 3600.0


def prepare_reading(file: Path, columns: Sequence[str] | None, threads: int) -> Callable[[], int]:
    """pyarrow's read of a file, or of some columns of it, into memory; returns the rows."""
    pa.set_cpu_count(threads)
    _into_cache(file)
    return lambda: int(pq.read_table(file, columns=columns).num_rows)


def prepare_reading_groups(file: Path, columns: Sequence[str], threads: int) -> Callable[[], int]:
    """Read some columns, row groups on threads: pyarrow alone decodes a column on one."""
    _into_cache(file)
    metadata = pq.ParquetFile(file).metadata

    def read(group: int) -> pa.Table:
        with pq.ParquetFile(file, metadata=metadata) as source:
            return source.read_row_group(group, columns=columns, use_threads=False)

    def run() -> int:
        with ThreadPoolExecutor(threads) as pool:
            tables = list(pool.map(read, range(metadata.num_row_groups)))
        return sum(table.num_rows for table in tables)

    return run


def prepare_sums(file: Path, nation: Nation, threads: int) -> Callable[[], float]:
    """The file's buildings added into cells; returns how much of the total is neither in nor outside cells."""
    pa.set_cpu_count(threads)
    west, south, east, north = nation.country.bounds
    grid = Grid(CRS, (0, 0), CELL_M, "inspire")
    total = float(pc.sum(pq.read_table(file, columns=[_VALUE])[_VALUE]).as_py())
    few = file.with_name("few.parquet")
    square = shapely.to_wkb(shapely.box(west, south, west + 150, south + 150))
    pq.write_table(pa.table({_GEOMETRY: pa.array([square], pa.binary()), _VALUE: [1.0]}), few)
    sums_from_parquet(few, _GEOMETRY, [_VALUE], grid, (west, south, east, north), threads=threads)
    few.unlink()
    _into_cache(file)

    def run() -> float:
        found = sums_from_parquet(file, _GEOMETRY, [_VALUE], grid, (west, south, east, north), threads=threads)
        return abs(float(found.sums.sum() + found.outside.sum()) - total) / total

    return run


def read_question(nation: Nation, *, inputs: Path | None, repeat: int, threads: int, tell: Tell) -> Report:
    """Read a nation's buildings, and add them into cells, in turn, as often as asked, each in a fresh process.

    Args:
        nation: how large.
        inputs: folder where its buildings lie or are to be written, to be used again; a scratch folder if None.
        repeat: rounds.
        threads: for all.
        tell: is told of each step.

    Raises:
        RuntimeError: one of them failed.
    """
    settings = {"size": nation.size, "repeat": repeat, "threads": threads}
    report = Report("read", "Buildings from GeoParquet (zstd) to 100 m cells against reading", COLUMNS, settings)
    with TemporaryDirectory(prefix="bench-") as scratch:
        file = (inputs or Path(scratch)) / "buildings.parquet"
        if not file.is_file() or pq.ParquetFile(file).metadata.num_rows != nation.size:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_nation_buildings(file, nation, tell)
        work: dict[str, tuple[Prepare, tuple[Any, ...]]] = {
            "reading the file (pyarrow)": (prepare_reading, (file, None, threads)),
            "reading geometry and value (pyarrow)": (prepare_reading, (file, [_GEOMETRY, _VALUE], threads)),
            "the same, row groups on threads": (prepare_reading_groups, (file, [_GEOMETRY, _VALUE], threads)),
            "ours: reading, sharing out, adding up": (prepare_sums, (file, nation, threads)),
        }
        runs: dict[str, list[Measured]] = {name: [] for name in work}
        for turn in range(repeat):
            for name, (prepare, given) in work.items():
                tell(f"{name}, round {turn + 1} of {repeat}")
                runs[name].append(measured(prepare, *given, limit_s=_LIMIT_S))
                if runs[name][-1].failure:
                    raise RuntimeError(f"{name}: {runs[name][-1].failure}")
        megabytes = file.stat().st_size / 1e6
        groups = pq.ParquetFile(file).num_row_groups
    report.rows = [_row(name, each) for name, each in runs.items()]
    for row in report.rows:
        row["ratio"] = row["seconds"] / report.rows[0]["seconds"]
        row["ratio_columns"] = row["seconds"] / report.rows[1]["seconds"]
        row["ratio_threads"] = row["seconds"] / report.rows[2]["seconds"]
    report.rows[-1]["error"] = max(run.answer for run in runs[report.rows[-1]["work"]])
    report.notes = [f"{nation.size:,} buildings in {groups} row groups, {megabytes:,.0f} MB; from the page cache."]
    return report


def _into_cache(file: Path) -> None:
    """Have the system hold the file in memory, so that a disk is not what is measured."""
    with file.open("rb") as stream:
        while stream.read(1 << 24):
            pass


def _row(work: str, runs: list[Measured]) -> Row:
    seconds = [run.seconds for run in runs]
    return {
        "work": work,
        "seconds": median(seconds),
        "all_seconds": seconds,
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "peak_mb": max(run.peak_mb for run in runs),
    }
