"""Question `scenario`: from request to result of a scenario of ten measures on a large region."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from bench.report import Report
from scenarios.frame import FloatArray, Frame
from scenarios.run import baseline_of, run
from scenarios.scenario import Area, read_scenario
from scenarios.state import Carrier, CarrierFactor, State, Stock, Stream
from scenarios.summary import summary

Tell = Callable[[str], None]

COLUMNS = {"request": "request", "seconds": "seconds", "processor_seconds": "processor seconds"}
AIMS_S = {"point": 0.3, "500 samples": 2.0}
_SIZE_M = 500.0


def scenario(*, side: int, samples: int, repeat: int, tell: Tell) -> Report:
    """Measure runs on a square region of 500 m cells.

    Args:
        side: cells along a side; 200 make 100 x 100 km.
        samples: of the request with intervals.
        repeat: rounds; within one, the requests take turns.
        tell: is told of each step.
    """
    settings = {"cells": side * side, "measures": len(MEASURES), "samples": samples, "repeat": repeat}
    report = Report("scenario", "From a scenario's document to its summary", COLUMNS, settings)
    tell(f"making a region of {side * side:,} cells")
    state = region(side)
    requests: dict[str, Callable[[], Any]] = {}
    ready = baseline_of(state)
    within = _areas(side)

    def answered(measures: list[dict[str, Any]], count: int) -> dict[str, Any]:
        document = read_scenario({"year": 2040, "measures": measures})
        return summary(run(ready, document, within, samples=count))

    requests["baseline, once"] = lambda: baseline_of(state)
    requests["point"] = lambda: answered(MEASURES, 0)
    requests["point, sector measures only"] = lambda: answered(MEASURES[1:], 0)
    requests[f"{samples} samples"] = lambda: answered(MEASURES, samples)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in requests}
    for turn in range(repeat):
        for name, request in requests.items():
            tell(f"{name}, round {turn + 1} of {repeat}")
            wall, processor = time.perf_counter(), time.process_time()
            request()
            taken[name].append((time.perf_counter() - wall, time.process_time() - processor))
    report.rows = [
        {
            "request": name,
            "seconds": median(wall for wall, _ in runs),
            "processor_seconds": median(processor for _, processor in runs),
            "aim_s": AIMS_S.get(name),
        }
        for name, runs in taken.items()
    ]
    report.notes = ["Aims: 0.3 s for a point estimate, 2 s with 500 samples, for 40,000 cells and ten measures."]
    return report


def region(side: int) -> State:
    """A region of many towns, the same for the same side."""
    rng = np.random.default_rng(6)
    frame = Frame("EPSG:5179", _SIZE_M, 900_000.0, 1_800_000.0, side, side)
    level = np.zeros(frame.shape)
    for x, y, reach in zip(*rng.uniform(0, side * _SIZE_M, (2, 12)), rng.uniform(1, 6, 12), strict=True):
        level += reach * np.exp(-frame.distances_km(frame.x_m + x, frame.y_m + y) / reach)
    level *= rng.uniform(0.5, 1.5, frame.shape)
    stocks = tuple(
        Stock(use, vintage)
        for use in ("residential", "nonresidential")
        for vintage in ("before 1980", "1980-1999", "2000 on")
    )
    floor = level * np.array([9e3, 12e3, 9e3, 4e3, 6e3, 8e3])[:, None, None]
    intensity = np.array([[0.05, 0.03], [0.04, 0.02], [0.03, 0.01]] * 2)
    electricity, gas = Carrier("electricity", "indirect"), Carrier("gas", "direct")
    petrol, diesel = Carrier("petrol", "direct"), Carrier("diesel", "direct")
    streams = tuple(Stream(*pair) for pair in (("car", petrol), ("car", diesel), ("hgv", diesel), ("bus", diesel)))
    road = np.array([60.0, 30.0, 40.0, 8.0])[:, None, None] * np.sqrt(level)
    green = rng.uniform(0, 15, frame.shape)
    buildings = intensity[:, :, None, None] * floor[:, None]
    return State(
        frame=frame,
        inside=np.ones(frame.shape, dtype=bool),
        year=2024,
        area_ha=np.full(frame.shape, 25.0),
        population=level * 850,
        jobs=level**1.2 * 400,
        stocks=stocks,
        floor_area_m2=floor,
        carriers=(electricity, gas),
        buildings_tco2e=buildings,
        streams=streams,
        transport_tco2e=road,
        vehicle_km=road / 2e-4,
        resident_share=0.5,
        green_ha=green,
        forest_tco2e=-6 * green,
        intersections=level * 6,
        factors={"electricity": CarrierFactor(0.4173, 5.0), "gas": CarrierFactor(0.2026, 3.5)},
        sd_tco2e={"buildings": 0.2 * buildings.sum(axis=(0, 1)), "transport": 0.3 * road.sum(axis=0)},
        shared={"buildings": 0.5, "transport": 0.8},
    )


def _areas(side: int) -> Callable[..., FloatArray]:
    """Two drawn areas: everywhere whole cells, at the border parts of them, crosswise where both have a cell."""
    border = np.random.default_rng(7).random(side)
    south, west = np.zeros((side, side)), np.zeros((side, side))
    south[: side // 2], west[:, : side // 3] = 1.0, 1.0
    south[side // 2], west[:, side // 3] = border, border
    shares = {"south": south, "west": west}

    def coverage(*areas: Area) -> FloatArray:
        outside = [1.0 - shares[(area.ids or ("south",))[0]] for area in areas]
        return np.asarray(1.0 - np.prod(outside, axis=0))

    return coverage


_SOUTH, _WEST = ({"collection": "drawn", "ids": [name]} for name in ("south", "west"))
MEASURES: list[dict[str, Any]] = [
    {"id": "form", "kind": "growth", "form": "compact", "people": 1e5, "jobs": 4e4, "moved_people": 0.1},
    {"id": "old-homes", "kind": "retrofit", "level": 0.6, "uses": ["residential"], "vintages": ["before 1980"]},
    {"id": "offices", "kind": "retrofit", "level": 0.3, "uses": ["nonresidential"], "area": _SOUTH},
    {"id": "pumps", "kind": "heat_pump", "level": 0.4, "area": _WEST},
    {"id": "power", "kind": "electricity_factor", "ramp_years": 15, "parameters": {"electricity.target_factor": 0.15}},
    {"id": "roofs", "kind": "rooftop_pv", "level": 0.5, "area": _SOUTH, "parameters": {"pv.roof_share": 0.4}},
    {"id": "cars", "kind": "electric_vehicles", "level": 0.6},
    {"id": "shift", "kind": "modal_shift", "level": 0.1, "area": _WEST, "parameters": {"modal_shift.other_mode": 0.2}},
    {"id": "freight", "kind": "freight", "level": 1.0, "parameters": {"freight.saving": 0.1}},
    {"id": "forest", "kind": "afforestation", "hectares": 20, "area": _SOUTH},
]
