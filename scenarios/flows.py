"""Emissions as flows: rows that a measure treats alike, over the cells that count."""

from dataclasses import dataclass

import numpy as np

from scenarios.frame import FloatArray
from scenarios.state import Carrier, State, Stock


@dataclass(frozen=True)
class Flow:
    """What one row is: emissions of a stock's carrier, of a stream's resident or other part, or of green."""

    sector: str
    carrier: Carrier
    stock: Stock | None = None
    vehicle: str = ""
    resident: bool = False


@dataclass(frozen=True, eq=False)
class Flows:
    """Rows of emissions, tCO2e a year.

    Attributes:
        labels: what each row is.
        tco2e: (rows, n) over the cells that count.
    """

    labels: tuple[Flow, ...]
    tco2e: FloatArray


def flow_labels(state: State) -> tuple[Flow, ...]:
    """The rows a state has, in their order."""
    buildings = [Flow("buildings", carrier, stock) for stock in state.stocks for carrier in state.carriers]
    traffic = [
        Flow("transport", stream.carrier, None, stream.vehicle, resident)
        for resident in (True, False)
        for stream in state.streams
        if stream.vehicle == "car" or not resident
    ]
    return (*buildings, *traffic, Flow("forest", Carrier("biomass", "direct")))


def flows_of(state: State, travel: FloatArray | None = None) -> Flows:
    """The flows of a state; residents' car traffic times a factor (rows, cols) if one is given."""
    stocks = state.over(state.buildings_tco2e).reshape(-1, state.cells)
    streams = state.over(state.transport_tco2e)
    cars = np.array([stream.vehicle == "car" for stream in state.streams], dtype=bool)
    resident = streams[cars] * state.resident_share
    others = streams.copy()
    others[cars] -= resident
    if travel is not None:
        resident = resident * state.over(travel)
    return Flows(flow_labels(state), np.concatenate([stocks, resident, others, state.over(state.forest_tco2e)[None]]))
