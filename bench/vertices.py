"""Question `vertices`: nanoseconds per vertex of each step of ours, one after the other."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import shapely

from bench import ours
from bench.cases import QUESTIONS, Case, Place, few_of, read_case, write_inputs
from bench.inputs import LAYERS
from bench.measure import Measured, measured
from bench.report import Report, Row
from grids.shares import clip_to

Tell = Callable[[str], None]

COLUMNS = {
    "layer": "layer",
    "vertices": "vertices",
    "step": "step",
    "seconds": "seconds",
    "ns_per_vertex": "ns per vertex",
}
STEPS = (
    "read GeoParquet",
    "decode WKB",
    *(f"{step}, {question}" for question in QUESTIONS for step in ("cut to the domain", "share out", "add up")),
)


def prepare_steps(layer: str, place: Place) -> Callable[[], dict[str, float]]:
    """All steps, after a few features have gone the same way."""
    _timed(layer, few_of(place))
    return lambda: _timed(layer, place)


def vertices(*, size: int, repeat: int, limit_s: float, tell: Tell) -> Report:
    """Measure every step of every layer.

    Args:
        size: buildings of the generated city.
        repeat: rounds; within one, the layers take turns.
        limit_s: for one layer.
        tell: is told of each step.

    Raises:
        RuntimeError: a layer is not done in time.
    """
    settings = {"size": size, "repeat": repeat, "threads": 1}
    report = Report("vertices", "Nanoseconds per vertex of ours, step by step", COLUMNS, settings)
    runs: dict[str, list[Measured]] = {layer: [] for layer in LAYERS}
    with TemporaryDirectory(prefix="bench-") as folder:
        place = Place(Path(folder), size)
        tell(f"generating a city of {size} buildings")
        write_inputs(place)
        for turn in range(repeat):
            for layer in LAYERS:
                tell(f"{layer}, round {turn + 1} of {repeat}")
                run = measured(prepare_steps, layer, place, limit_s=limit_s)
                if run.failure:
                    raise RuntimeError(f"{layer}: {run.failure}")
                runs[layer].append(run)
        count = {
            layer: int(shapely.get_num_coordinates(read_case("cells", layer, place).layer.geometries).sum())
            for layer in LAYERS
        }
    report.rows = [_row(layer, count[layer], step, runs[layer]) for layer in LAYERS for step in STEPS]
    return report


def _timed(layer: str, place: Place) -> dict[str, float]:
    """Seconds by step."""
    clock = _Clock()
    file = place.file(layer)
    table = clock.time("read GeoParquet", partial(pq.read_table, file))
    geometries = clock.time("decode WKB", partial(ours.decoded, table["geometry"]))
    for question, case in _cases(layer, place):
        clipped = clock.time(f"cut to the domain, {question}", partial(clip_to, geometries, case.domain))
        found = clock.time(f"share out, {question}", partial(ours.shared, case, clipped))
        clock.time(f"add up, {question}", partial(ours.summed, case, found, case.layer.values))
    return clock.seconds


def _cases(layer: str, place: Place) -> Iterator[tuple[str, Case]]:
    for question in QUESTIONS:
        case = read_case(question, layer, place)
        _ = case.domain  # made before the clock runs
        yield question, case


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, step: str, work: Callable[[], Any]) -> Any:
        """Do the work and remember how long it took."""
        began = time.perf_counter()
        answer = work()
        self.seconds[step] = time.perf_counter() - began
        return answer


def _row(layer: str, count: int, step: str, runs: list[Measured]) -> Row:
    seconds = [run.answer[step] for run in runs]
    return {
        "layer": layer,
        "vertices": count,
        "step": step,
        "seconds": median(seconds),
        "all_seconds": seconds,
        "ns_per_vertex": 1e9 * median(seconds) / count,
    }
