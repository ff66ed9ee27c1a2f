"""The shape of a public receipt: what stands behind published numbers, as far as anybody may know."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from grids.columns import Pair
from grids.manifest import PublicInput
from grids.statistics import Z_90

REASONS = (
    "held",
    "closed_together",
    "withheld",
    "region_hidden",
    "not_covered",
    "not_whole",
    "net_unknown",
    "illustrative",
)
"""Codes of what a reader must know; words for them belong to whoever shows them."""


@dataclass(frozen=True)
class ToldPart:
    """Emissions of one layer that were worked out in one way; none of it rests on a closed meter.

    Attributes:
        layer: its id.
        open: whether the layer is open.
        method: metered (open layers only), modelled or default.
        tco2e: sum of share x emissions.
        activity: sum of share x activity, in `activity_unit`.
        factors: ids of the factors multiplied.
        assumptions: ids of assumptions it rests on.
        shared_error: group of the activities' shared error; none where there is none.
        lines: how many, of an open layer; not told of the others.
    """

    layer: str
    open: bool
    method: str
    tco2e: float
    activity: float
    activity_unit: str
    factors: tuple[str, ...]
    assumptions: tuple[str, ...]
    shared_error: str | None
    lines: int | None


@dataclass(frozen=True)
class CarrierReceipt:
    """One carrier and basis: `tco2e` is the published value, the sum of `parts` and `closed_tco2e`.

    Attributes:
        pair: carrier and basis.
        tco2e: as published; None where withheld or unknown, and then nothing else is told.
        parts: the largest first.
        closed_tco2e: what is published beyond the parts: all closed meters as one sum, or what stands in for it; None
            where the sector has no source that is not open.
        closed_factors: factors of the carrier that the edition uses anywhere.
    """

    pair: Pair
    tco2e: float | None
    parts: tuple[ToldPart, ...]
    closed_tco2e: float | None
    closed_factors: tuple[str, ...]


@dataclass(frozen=True)
class SectorReceipt:
    """One sector, or net, which has no carriers.

    Attributes:
        sector: buildings, transport, forest or net.
        tco2e, sd_tco2e: as published.
        coverage: as published; None of net.
        methods: published shares of absolute emissions; empty of net.
        reasons: codes out of `REASONS`.
        carriers: the largest first, those that are withheld last.
        withheld_tco2e: the withheld carriers together; None where none is.
        shared_errors: group -> one signed standard deviation of it over the parts told, the largest first.
    """

    sector: str
    tco2e: float | None
    sd_tco2e: float | None
    coverage: float | None
    methods: Mapping[str, float | None]
    reasons: tuple[str, ...]
    carriers: tuple[CarrierReceipt, ...]
    withheld_tco2e: float | None
    shared_errors: Mapping[str, float]

    @property
    def interval(self) -> tuple[float, float] | None:
        """Published 90 % interval, tCO2e."""
        if self.tco2e is None or self.sd_tco2e is None:
            return None
        return self.tco2e - Z_90 * self.sd_tco2e, self.tco2e + Z_90 * self.sd_tco2e


@dataclass(frozen=True)
class ToldSource:
    """A layer that numbers stand on, or, where it is not open, may stand on: no more than what the manifest tells.

    Attributes:
        id, sector, open: of the layer.
        files: it was read from.
    """

    id: str
    sector: str
    open: bool
    files: tuple[str, ...]


@dataclass(frozen=True)
class PublicReceipt:
    """What stands behind the published numbers of one cell, hexagon or zone in one year.

    Attributes:
        id: as the public table writes it.
        name: by language; empty of cells and hexagons.
        year: of the table.
        held: as published.
        sectors: those of the region, and net.
        sources: layers told of, and all that are not open of these sectors, wherever they lie.
        factors, assumptions: records of those named.
        inputs: files of the sources.
    """

    id: str
    name: Mapping[str, str]
    year: int
    held: bool
    sectors: tuple[SectorReceipt, ...]
    sources: tuple[ToldSource, ...]
    factors: tuple[Mapping[str, JsonValue], ...]
    assumptions: tuple[Mapping[str, JsonValue], ...]
    inputs: tuple[PublicInput, ...]
