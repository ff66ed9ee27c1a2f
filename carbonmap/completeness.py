"""How much of a place the map has: floor area per resident by zone, and what sources say they leave out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.edition import Edition
from grids.private_tables import private_name

FloatArray = NDArray[np.float64]

STATED = "completeness.floor_area_per_resident"
"""The assumption by which a region says how much floor area a resident has where all buildings are mapped."""

LEAST_M2_PER_PERSON = 15.0
"""Floor area per resident, homes and work together, where the region does not say: a judgement of ours. Homes alone
have 39.8 m2 in Finland (2013; Statistics Finland, Dwellings and housing conditions); elsewhere less."""

THIN = 0.4
"""Part of the region's own median below which a zone is told as mapped thinly."""

FEW_RESIDENTS = 50
"""Below so many, floor area per resident says nothing."""


@dataclass(frozen=True)
class Completeness:
    """What is known of how complete the buildings of a collection of zones are.

    Attributes:
        floor_area_m2: (zones,) of all buildings.
        residents: (zones,) or NaN where unknown.
        m2_per_person: (zones,) NaN where residents are unknown or few.
        median: of the zones; NaN where unknown.
        thin: (zones,) whether a zone has too little floor area to be mapped whole.
        least: m2 per resident below which a zone is thin whatever the others have.
        whose: who says so.
        remarks: sentences on sources that leave something out.
    """

    floor_area_m2: FloatArray
    residents: FloatArray
    m2_per_person: FloatArray
    median: float
    thin: NDArray[np.bool_]
    least: float
    whose: str
    remarks: tuple[str, ...]

    def reason(self, zone: int) -> str | None:
        """Why a zone is believed to lack buildings, in words; None where nothing speaks for it."""
        if not self.thin[zone]:
            return None
        here = self.m2_per_person[zone]
        if here < self.least:
            return (
                f"only {here:.0f} m2 of floor area per resident are mapped; a place mapped whole has "
                f"{self.least:.0f} at least ({self.whose}): the source lacks buildings"
            )
        return (
            f"{here:.0f} m2 of floor area per resident are mapped, the median of the zones is {self.median:.0f}: "
            "the source lacks buildings there, or it is another kind of place"
        )

    @property
    def known(self) -> bool:
        """Whether residents are known, without which nothing can be said."""
        return bool(np.isfinite(self.m2_per_person).any())


def completeness_of(edition: Edition, zone_set: str, year: int) -> Completeness:
    """Judge the buildings of an edition by zone.

    Args:
        edition: of a store; its private features are read, of which only sums by zone are told.
        zone_set: a collection of zones.
        year: of the residents.
    """
    zones = edition.table(zone_set, year).to_pandas()
    targets = pd.read_parquet(edition.private("targets", zone_set))["id"]
    place = {name: position for position, name in enumerate(zones["id"])}
    floor, remarks = np.zeros(len(zones)), []
    for layer in edition.manifest.layers:
        if layer.sector != "buildings":
            continue
        features = pd.read_parquet(edition.private("features", layer.id))
        area = (
            features["floor_area_m2"].to_numpy(float) if "floor_area_m2" in features else np.full(len(features), np.nan)
        )
        shares = pd.read_parquet(edition.private("shares", private_name(layer.id, zone_set)))
        row = np.array([place[name] for name in targets], dtype=np.int64)[shares["target"].to_numpy()]
        np.add.at(floor, row, np.nan_to_num(area)[shares["feature"].to_numpy()] * shares["share"].to_numpy())
        remarks += _remarks(layer.id, layer.complete, layer.report, int(np.isnan(area).sum()), len(features))
    residents = zones["population"].to_numpy(float)
    enough = residents >= FEW_RESIDENTS
    per_person = np.divide(floor, residents, out=np.full(len(floor), np.nan), where=enough)
    median = float(np.nanmedian(per_person)) if enough.any() else float("nan")
    least, whose = _least(edition)
    if least is None and enough.any():
        remarks.append(
            f"the region file does not say how much floor area a resident has here (assumption {STATED}); less than "
            f"{LEAST_M2_PER_PERSON:.0f} m2 is taken for a map that lacks buildings, a judgement of carbonmap"
        )
    least = LEAST_M2_PER_PERSON if least is None else least
    thin = np.isfinite(per_person) & ((per_person < least) | (per_person < THIN * median))
    return Completeness(floor, residents, per_person, median, thin, least, whose, tuple(remarks))


def _least(edition: Edition) -> tuple[float | None, str]:
    """Floor area per resident below which the region says that buildings are missing, and who says so."""
    for record in edition.manifest.assumptions:
        if record.get("id") == STATED and isinstance(low := record.get("low"), int | float):
            return float(low), f"{record.get('author')}: {record.get('reason')}"
    return None, "a judgement of carbonmap"


def _remarks(layer: str, complete: bool, report: Any, unknown: int, features: int) -> list[str]:
    said = []
    if not complete:
        said.append(f"{layer}: the region file says that the source does not hold all there is")
    if unknown:
        said.append(
            f"{layer}: the floor area of {unknown:,} of {features:,} buildings is unknown; they are not modelled"
        )
    refused = len(report.get("refused", ())) if isinstance(report, dict) else 0
    if refused:
        said.append(f"{layer}: {refused:,} features could not be read and are not in the map")
    return said
