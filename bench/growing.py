"""Question `growth`: how time and memory of ours grow with the number of features."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from bench.cases import QUESTIONS, Place, write_inputs
from bench.contestants import prepared
from bench.inputs import LAYERS, features_of
from bench.measure import Measured, measured
from bench.report import Report, Row

Tell = Callable[[str], None]

COLUMNS = {
    "layer": "layer",
    "question": "to",
    "features": "features",
    "seconds": "seconds",
    "us_per_feature": "us per feature",
    "peak_mb": "peak MB",
    "exponent": "exponent",
    "note": "",
}


def sizes_up_to(largest: int, steps: int = 3) -> list[int]:
    """Cities a power of ten apart, the largest last."""
    return [size for k in range(steps - 1, -1, -1) if (size := largest // 10**k) >= 1]


def growth(*, size: int, repeat: int, limit_s: float, tell: Tell) -> Report:
    """Measure ours, from WKB, at sizes a power of ten apart and fit `seconds ~ features^exponent`.

    Args:
        size: buildings of the largest city.
        repeat: rounds; within one, the sizes take turns.
        limit_s: what takes longer is ended and left out of the fit.
        tell: is told of each step.
    """
    sizes = sizes_up_to(size)
    report = Report("growth", "Growth of ours, from WKB", COLUMNS, {"size": size, "repeat": repeat, "threads": 1})
    runs: dict[tuple[str, str, int], list[Measured]] = {}
    with TemporaryDirectory(prefix="bench-") as folder:
        places = [Place(Path(folder) / str(buildings), buildings) for buildings in sizes]
        for place in places:
            tell(f"generating a city of {place.buildings} buildings")
            write_inputs(place)
        for turn in range(repeat):
            for question in QUESTIONS:
                for layer in LAYERS:
                    for place in places:
                        tell(f"{layer} to {question}, {place.buildings}, round {turn + 1} of {repeat}")
                        run = measured(prepared, "ours, WKB", question, layer, place, limit_s=limit_s)
                        runs.setdefault((layer, question, place.buildings), []).append(run)
    for layer in LAYERS:
        for question in QUESTIONS:
            rows = [_row(layer, question, buildings, runs[layer, question, buildings]) for buildings in sizes]
            for row in rows:
                row["exponent"] = None
            rows[-1]["exponent"] = fitted_exponent([row["features"] for row in rows], [row["seconds"] for row in rows])
            report.rows += rows
    report.notes = ["exponent: of the line through log(seconds) against log(features); 1 is linear growth."]
    return report


def fitted_exponent(features: Sequence[int], seconds: Sequence[float | None]) -> float | None:
    """The slope of log(seconds) over log(features) by least squares; None of fewer than two sizes."""
    known = [(n, s) for n, s in zip(features, seconds, strict=True) if s is not None]
    if len({n for n, _ in known}) < 2:
        return None
    slope, _ = np.polyfit(np.log([n for n, _ in known]), np.log([s for _, s in known]), 1)
    return float(slope)


def _row(layer: str, question: str, buildings: int, runs: list[Measured]) -> Row:
    features = features_of(layer, buildings)
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
    return row
