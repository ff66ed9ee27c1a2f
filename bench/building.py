"""Question `build`: the whole build of a generated region against reading its inputs."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pyarrow.csv
import pyarrow.parquet as pq
import rasterio

from bench.measure import Measured, measured
from bench.report import Report, Row
from carbonmap.build import build_region
from carbonmap.synthetic.write import write_city

Tell = Callable[[str], None]

COLUMNS = {"work": "work", "seconds": "seconds", "peak_mb": "peak MB", "ratio": "x reading"}
_LIMIT_S = 3600.0


class StepTimes:
    """Progress that remembers how long each step took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._now: str | None = None
        self._began = 0.0

    def plan(self, steps: int) -> None:
        """Ignore the plan."""

    def step(self, what: str) -> None:
        """Close the step before and begin the next one."""
        self.close()
        self._now, self._began = what, time.perf_counter()

    def close(self) -> None:
        """Close the last step."""
        if self._now is not None:
            self.seconds[self._now] = self.seconds.get(self._now, 0.0) + time.perf_counter() - self._began
        self._now = None


def prepare_reading(inputs: Path) -> Callable[[], int]:
    """Reading every input into memory, as Arrow tables and arrays; returns its bytes on disk."""
    files = sorted(file for file in inputs.iterdir() if file.suffix in {".parquet", ".csv", ".tif"})

    def run() -> int:
        for file in files:
            if file.suffix == ".parquet":
                pq.read_table(file)
            elif file.suffix == ".csv":
                pyarrow.csv.read_csv(file, pyarrow.csv.ReadOptions(encoding="cp949"))
            else:
                with rasterio.open(file) as raster:
                    raster.read()
        return sum(file.stat().st_size for file in files)

    run()  # libraries loaded, files in the page cache: the time of a first reading would flatter the ratio
    return run


def prepare_build(inputs: Path, store: Path) -> Callable[[], dict[str, float]]:
    """The build into an empty store; returns the seconds of its steps."""

    def run() -> dict[str, float]:
        times = StepTimes()
        build_region(inputs / "region.yaml", inputs, store, progress=times)
        times.close()
        return times.seconds

    return run


def build_question(*, size: int, repeat: int, tell: Tell) -> Report:
    """Measure both in turn, as often as asked.

    Args:
        size: buildings of the synthetic city, at least 200.
        repeat: rounds.
        tell: is told of each step.
    """
    report = Report("build", "The whole build against reading its inputs", COLUMNS, {"size": size, "repeat": repeat})
    reading: list[Measured] = []
    building: list[Measured] = []
    with TemporaryDirectory(prefix="bench-") as folder:
        inputs = Path(folder) / "inputs"
        inputs.mkdir()
        tell(f"drawing a city of {size} buildings")
        write_city(inputs, buildings=size)
        for turn in range(repeat):
            tell(f"reading the inputs, round {turn + 1} of {repeat}")
            reading.append(_done(measured(prepare_reading, inputs, limit_s=_LIMIT_S)))
            tell(f"building, round {turn + 1} of {repeat}")
            store = Path(folder) / f"store-{turn}"
            building.append(_done(measured(prepare_build, inputs, store, limit_s=_LIMIT_S)))
    read = _row("reading all inputs (pyarrow; the raster with rasterio)", reading)
    built = _row("the whole build", building)
    steps = {what: median(run.answer[what] for run in building) for what in building[0].answer}
    report.rows = [read, built, *({"work": f"  {what}", "seconds": seconds} for what, seconds in steps.items())]
    for row in report.rows:
        row["ratio"] = row["seconds"] / read["seconds"]
    report.notes = [
        f"inputs: {reading[0].answer / 1e6:.1f} MB on disk. Reading: a second time, warm; building: a fresh process."
    ]
    return report


def _done(run: Measured) -> Measured:
    if run.failure:
        raise RuntimeError(run.failure)
    return run


def _row(work: str, runs: list[Measured]) -> Row:
    seconds = [run.seconds for run in runs]
    return {
        "work": work,
        "seconds": median(seconds),
        "all_seconds": seconds,
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "peak_mb": max(run.peak_mb for run in runs),
    }
