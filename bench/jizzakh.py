"""Question `jizzakh`: a region of 21,000 km2 at 100 m from an extract and 10 m land cover, within 4 GiB."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.jizzakh_inputs import NAME, Jizzakh, write_jizzakh
from bench.national import build_of
from bench.report import Report
from carbonmap.resources import data_folder
from grids.edition import Store

Tell = Callable[[str], None]

COLUMNS = {"work": "work", "seconds": "seconds", "cpu_seconds": "CPU s", "peak_mb": "peak MB"}


def jizzakh_question(size: Jizzakh, *, inputs: Path | None, threads: int, limit_s: float, tell: Tell) -> Report:
    """Generate the inputs of Jizzakh on its real extent, and build it by its own region file.

    Args:
        size: how many buildings, how fine the land cover.
        inputs: where inputs are written; a scratch folder if None.
        threads: of our compiled code.
        limit_s: the build is ended after this time.
        tell: is told of each step.

    Raises:
        RuntimeError: the build failed.
    """
    settings = {"buildings": size.buildings, "pixels": size.pixels, "threads": threads}
    report = Report("jizzakh", "The whole build of Jizzakh region on generated inputs", COLUMNS, settings)
    with TemporaryDirectory(prefix="bench-") as scratch, nullcontext(inputs or Path(scratch) / "inputs") as folder:
        write_jizzakh(folder, size, tell)
        tell("building")
        store = Path(scratch) / "store"
        run = build_of(folder, store, threads=threads, limit_s=limit_s)
        if run.failure:
            raise RuntimeError(run.failure)
        edition = Store(store).open(NAME)
        cells = edition.collections["grid-100m"].count
        totals = {name: value for name, value in edition.manifest.totals[edition.region.years[0]].items() if value}
    report.rows = [
        {
            "work": "the whole build",
            "seconds": run.seconds,
            "cpu_seconds": run.cpu_seconds,
            "peak_mb": run.peak_mb,
        },
        *({"work": f"  {what}", "seconds": seconds} for what, seconds in run.steps().items()),
    ]
    report.notes = [
        f"{cells:,} cells of 100 m; 13 districts; region file {data_folder().name}/regions/{NAME}.yaml.",
        "tCO2e: " + ", ".join(f"{name} {value:,.0f}" for name, value in totals.items()) + " (of invented inputs).",
        f"peak memory {run.peak_mb * 1e6 / 2**30:.2f} GiB, of 4 GiB.",
    ]
    return report
