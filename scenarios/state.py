"""The state a scenario starts from: people, jobs, floor area, traffic, green and emissions, cell by cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from scenarios.errors import InvalidState
from scenarios.frame import BoolArray, FloatArray, Frame, IntArray
from scenarios.notes import Note

SECTORS = ("buildings", "transport", "forest")
VEHICLES = ("car", "lgv", "hgv", "bus")
HECTARE_M2 = 10_000.0


@dataclass(frozen=True)
class Stock:
    """Floor area that is treated alike: a use (`residential`, `nonresidential`, `office`, ...) and a vintage."""

    use: str
    vintage: str = "all"


@dataclass(frozen=True)
class Carrier:
    """A carrier of emissions and its basis (`gas`, `direct`); `unstated` where the edition tells only the sum."""

    name: str
    basis: str


@dataclass(frozen=True)
class Stream:
    """Traffic that is treated alike: a vehicle class and what it runs on."""

    vehicle: str
    carrier: Carrier


@dataclass(frozen=True)
class CarrierFactor:
    """Emissions of a carrier per energy, tCO2e/MWh, and half its 95 % interval in % (None: unknown)."""

    tco2e_mwh: float
    u95_percent: float | None = None
    source: str = ""


@dataclass(frozen=True, eq=False)
class State:
    """What is there before anything changes. Arrays are (rows, cols) unless said otherwise, and 0 outside `inside`.

    Attributes:
        frame, inside: the rectangle of cells, and which of them the edition tells of.
        year: of the activities.
        area_ha: ground of a cell.
        population, jobs: persons.
        stocks, floor_area_m2: (stocks, rows, cols) m2.
        carriers, buildings_tco2e: (stocks, carriers, rows, cols) tCO2e a year.
        streams, transport_tco2e, vehicle_km: (streams, rows, cols) tCO2e and vehicle-km a year, of all traffic there.
        resident_share: part of car traffic that residents' trips make.
        green_ha: ground under trees, grass or parks; forest_tco2e: its balance, removals negative.
        street_km, intersections: per cell; None where nobody counted them.
        stops: (n, 2) places of transit stops, metres; None where unknown.
        factors: carrier -> emissions per energy.
        known: sector -> where the edition has a value; elsewhere the sector's arrays are 0 and mean nothing.
        sd_tco2e, shared: sector -> published standard deviation, and the part of its variance that all cells share.
        notes: what it rests on besides the edition.
        currency: that costs are in unless they name another (ISO 4217); empty where nobody says.
        edition, region, collection: where it comes from; empty if made by hand.

    Raises:
        InvalidState: arrays that do not fit, are not finite, or are negative where that cannot be.
    """

    frame: Frame
    inside: BoolArray
    year: int
    area_ha: FloatArray
    population: FloatArray
    jobs: FloatArray
    stocks: tuple[Stock, ...]
    floor_area_m2: FloatArray
    carriers: tuple[Carrier, ...]
    buildings_tco2e: FloatArray
    streams: tuple[Stream, ...]
    transport_tco2e: FloatArray
    vehicle_km: FloatArray
    resident_share: float
    green_ha: FloatArray
    forest_tco2e: FloatArray
    street_km: FloatArray | None = None
    intersections: FloatArray | None = None
    stops: FloatArray | None = None
    factors: Mapping[str, CarrierFactor] = field(default_factory=dict)
    known: Mapping[str, BoolArray] = field(default_factory=dict)
    sd_tco2e: Mapping[str, FloatArray] = field(default_factory=dict)
    shared: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    currency: str = ""
    edition: str = ""
    region: str = ""
    collection: str = ""

    def __post_init__(self) -> None:
        cells = self.frame.shape
        stocks, carriers, streams = len(self.stocks), len(self.carriers), len(self.streams)
        shapes = {
            "area_ha": cells, "population": cells, "jobs": cells, "green_ha": cells, "forest_tco2e": cells,
            "floor_area_m2": (stocks, *cells), "buildings_tco2e": (stocks, carriers, *cells),
            "transport_tco2e": (streams, *cells), "vehicle_km": (streams, *cells),
        }  # fmt: skip
        shapes |= {name: cells for name in ("street_km", "intersections") if getattr(self, name) is not None}
        if self.inside.shape != cells or self.inside.dtype != np.bool_ or not self.inside.any():
            raise InvalidState(
                f"inside has the shape {self.inside.shape}; truth values of {cells} with some cell were expected."
            )
        for name, shape in shapes.items():
            self._check(name, getattr(self, name), shape)
        for sector, values in self.sd_tco2e.items():
            self._check(f"sd_tco2e of {sector}", values, cells)
        if not 0 <= self.resident_share <= 1:
            raise InvalidState(f"resident_share is {self.resident_share:g}; a part from 0 to 1 was expected.")

    def _check(self, name: str, values: FloatArray, shape: tuple[int, ...]) -> None:
        if values.shape != shape:
            raise InvalidState(f"{name} has the shape {values.shape}; {shape} was expected.")
        if not np.isfinite(values).all() or (name not in ("forest_tco2e", "buildings_tco2e") and (values < 0).any()):
            raise InvalidState(f"{name} holds values that are no number or below 0; leave cells without any at 0.")
        if values[..., ~self.inside].any():
            raise InvalidState(f"{name} holds values outside the cells that count; expected 0 there.")

    @cached_property
    def cells(self) -> int:
        """How many cells count."""
        return int(self.inside.sum())

    def over(self, values: FloatArray) -> FloatArray:
        """Values (..., rows, cols) of the cells that count, as (..., n); in their rows' and columns' order."""
        if self.cells == self.inside.size:
            return values.reshape(*values.shape[:-2], -1)
        return np.asarray(values[..., self.inside])

    def spread(self, values: FloatArray, outside: float = 0.0) -> FloatArray:
        """Values (..., n) of the cells that count, as (..., rows, cols)."""
        dense = np.full((*values.shape[:-1], *self.frame.shape), outside)
        dense[..., self.inside] = values
        return dense

    def sector_tco2e(self, sector: str) -> FloatArray:
        """Emissions of a sector, (n,) over the cells that count."""
        if sector == "buildings":
            return np.asarray(self.over(self.buildings_tco2e).sum(axis=(0, 1)))
        if sector == "transport":
            return np.asarray(self.over(self.transport_tco2e).sum(axis=0))
        if sector == "forest":
            return self.over(self.forest_tco2e)
        raise InvalidState(f"There is no sector {sector!r}; there are {', '.join(SECTORS)}.")

    @cached_property
    def net_tco2e(self) -> float:
        """Emissions of all sectors and cells; where sectors are untold, of the others."""
        return float(sum(self.sector_tco2e(sector).sum() for sector in SECTORS))

    def tells(self, sector: str) -> BoolArray:
        """Where (n,) the edition has a value of a sector; elsewhere 0 means unknown."""
        known = self.known.get(sector)
        return np.ones(self.cells, dtype=bool) if known is None else np.asarray(known[self.inside])

    @cached_property
    def untold(self) -> tuple[str, ...]:
        """Sectors of which the edition tells nothing in any cell; with one of them, net is unknown."""
        return tuple(sector for sector in SECTORS if not self.tells(sector).any())

    def ids(self) -> tuple[IntArray, IntArray]:
        """Row and column, as the collection counts them, of the cells that count: (n,) each."""
        rows, cols = np.nonzero(self.inside)
        return rows + self.frame.first_row, cols + self.frame.first_col
