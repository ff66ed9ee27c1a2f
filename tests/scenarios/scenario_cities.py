"""Cities made in code for tests of scenarios: small ones to check by hand, a large one for speed."""

from typing import Any

import numpy as np

from scenarios.frame import Frame
from scenarios.state import Carrier, CarrierFactor, State, Stock, Stream

ELECTRICITY, GAS = Carrier("electricity", "indirect"), Carrier("gas", "direct")
PETROL, DIESEL = Carrier("petrol", "direct"), Carrier("diesel", "direct")
STREAMS = (Stream("car", PETROL), Stream("car", DIESEL), Stream("hgv", DIESEL), Stream("car", ELECTRICITY))
STOCKS = (Stock("residential", "old"), Stock("residential", "new"), Stock("nonresidential"))
FACTORS = {"electricity": CarrierFactor(0.4173, 5.0), "gas": CarrierFactor(0.202, 3.5)}


def city(rows: int, cols: int, size_m: float = 500.0, seed: int = 1, holes: float = 0.0, **changes: Any) -> State:
    """A city with a centre in the middle, noise, and a rim without people; `changes` replace fields.

    A share of the cells are holes, of which the edition tells nothing.
    """
    rng = np.random.default_rng(seed)
    frame = Frame("EPSG:5179", size_m, 900_000.0, 1_900_000.0, rows, cols)
    middle = frame.distances_km(900_000 + cols * size_m / 2, 1_900_000 + rows * size_m / 2)
    reach = max(middle.max() / 3, 0.5)
    level = np.exp(-middle / reach) * rng.uniform(0.5, 1.5, (rows, cols))
    level[middle > 0.9 * middle.max()] = 0.0
    population, jobs = 1000 * level, 600 * level**1.5
    floor = np.stack([20 * population, 15 * population, 40 * jobs])
    intensity = np.array([[0.04, 0.03], [0.03, 0.02], [0.06, 0.01]])
    traffic = 50 * np.sqrt(level) * (1 + rng.random((rows, cols)))
    transport = np.array([0.4, 0.2, 0.35, 0.05])[:, None, None] * traffic
    green = 10 * rng.random((rows, cols))
    fields: dict[str, Any] = {
        "frame": frame,
        "inside": np.ones((rows, cols), bool),
        "year": 2024,
        "area_ha": np.full((rows, cols), size_m**2 / 1e4),
        "population": population,
        "jobs": jobs,
        "stocks": STOCKS,
        "floor_area_m2": floor,
        "carriers": (ELECTRICITY, GAS),
        "buildings_tco2e": intensity[:, :, None, None] * floor[:, None],
        "streams": STREAMS,
        "transport_tco2e": transport,
        "vehicle_km": transport / 0.0002,
        "resident_share": 0.5,
        "green_ha": green,
        "forest_tco2e": -5.0 * green,
        "street_km": 3 * level,
        "intersections": 20 * level,
        "factors": FACTORS,
        "sd_tco2e": {"buildings": 0.1 * floor.sum(axis=0) * 0.05, "transport": 0.2 * traffic},
        "shared": {"buildings": 0.5, "transport": 1.0},
    }
    if holes:
        inside = rng.random((rows, cols)) >= holes
        inside[rows // 2, cols // 2] = True
        for name, values in fields.items():
            if isinstance(values, np.ndarray) and values.shape[-2:] == inside.shape and name != "inside":
                fields[name] = np.where(inside, values, 0.0)
        fields["sd_tco2e"] = {name: np.where(inside, values, 0.0) for name, values in fields["sd_tco2e"].items()}
        fields["inside"] = inside
    return State(**(fields | changes))
