"""Question `vertices`: nanoseconds per vertex of each step of ours, one after the other."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import shapely

from bench.cases import Case, Place, few_of, read_case, write_city
from bench.inputs import BORDER_ROADS, LAYERS
from bench.measure import Measured, measured
from bench.ours import grid_of
from bench.report import Report, Row
from grids.cell_sums import cell_sums
from grids.wkb import WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, domain_index, parts_in_zones

Tell = Callable[[str], None]

STEP_LAYERS = (*LAYERS, BORDER_ROADS)
COLUMNS = {
    "layer": "layer",
    "vertices": "vertices",
    "step": "step",
    "seconds": "seconds",
    "ns_per_vertex": "ns per vertex",
}
STEPS = (
    "read GeoParquet",
    "write geometry objects as WKB",
    "add values into cells",
    "shares in cells",
    "shares in zones, from those in cells",
    "shares in domain and outside, from those in cells",
)
INDEX_STEPS = ("see zones through the grid", "see the domain through the grid")
"""Made once for all layers, of the vertices of the zones."""


def prepare_steps(layer: str, place: Place) -> Callable[[], dict[str, float]]:
    """All steps, after a few features have gone the same way."""
    _timed(read_case("zones", layer, few_of(place)))
    case = read_case("zones", layer, place)
    _ = case.zones, case.gap, case.layer, case.values  # read before the clock runs
    return lambda: _timed(case)


def vertices(*, size: int, repeat: int, threads: int, limit_s: float, tell: Tell) -> Report:
    """Measure every step of every layer.

    Args:
        size: buildings of the generated city.
        repeat: rounds; within one, the layers take turns.
        threads: of ours; one shows what the code costs.
        limit_s: for one layer.
        tell: is told of each step.

    Raises:
        RuntimeError: a layer is not done in time.
    """
    settings = {"size": size, "repeat": repeat, "threads": threads}
    report = Report("vertices", "Nanoseconds per vertex of ours, step by step", COLUMNS, settings)
    runs: dict[str, list[Measured]] = {layer: [] for layer in STEP_LAYERS}
    with TemporaryDirectory(prefix="bench-") as folder:
        tell(f"generating a city of {size} buildings")
        place = replace(write_city(Path(folder), size), threads=threads)
        for turn in range(repeat):
            for layer in STEP_LAYERS:
                tell(f"{layer}, round {turn + 1} of {repeat}")
                run = measured(prepare_steps, layer, place, limit_s=limit_s)
                if run.failure:
                    raise RuntimeError(f"{layer}: {run.failure}")
                runs[layer].append(run)
        cases = {layer: read_case("zones", layer, place) for layer in STEP_LAYERS}
        count = {layer: int(shapely.get_num_coordinates(case.layer.geometries).sum()) for layer, case in cases.items()}
        of_zones = int(shapely.get_num_coordinates(cases[STEP_LAYERS[0]].zones).sum())
    report.rows = [_row(layer, count[layer], step, runs[layer]) for layer in STEP_LAYERS for step in STEPS]
    every = [run for layer in STEP_LAYERS for run in runs[layer]]
    report.rows += [_row("zones", of_zones, step, every) for step in INDEX_STEPS]
    return report


def _timed(case: Case) -> dict[str, float]:
    """Seconds by step."""
    clock, grid, threads = _Clock(), grid_of(case), case.place.threads
    table = clock.time("read GeoParquet", partial(pq.read_table, case.file))
    clock.time("write geometry objects as WKB", partial(WkbColumn.from_geometries, case.layer.geometries))
    wkb = WkbColumn.from_arrow(table["geometry"])
    adding = partial(cell_sums, wkb, case.values, grid, case.grid.bounds, threads=threads)
    clock.time("add values into cells", adding)
    cells = clock.time("shares in cells", partial(parts_in_cells, wkb, grid, threads=threads))
    zones = clock.time(
        "see zones through the grid", partial(ZoneIndex.of, case.zones, grid, gap=case.gap, threads=threads)
    )
    domain = case.grid.polygon
    inside = clock.time("see the domain through the grid", partial(domain_index, domain, grid, threads=threads))
    sharing = partial(parts_in_zones, wkb, cells, threads=threads)
    clock.time("shares in zones, from those in cells", partial(sharing, zones, rest=zones.n_zones))
    clock.time("shares in domain and outside, from those in cells", partial(sharing, inside))
    return clock.seconds


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
