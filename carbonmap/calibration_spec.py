"""What a region file says of calibration: which totals, along which zones, how, and which factors are believed."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gis.sources import File, Identifier, Strict

Positive = Annotated[float, Field(gt=0)]


class CalibrationSpec(Strict):
    """Scale what is modelled to control totals; what is measured stays."""

    totals: File
    """A CSV of the form data/templates/inventory_totals.csv."""
    zone_set: Identifier | None = None
    """Whose ids the column `zone` holds; without it all totals are of the whole region."""
    method: Literal["ratio", "ipf", "least_squares"] = "ratio"
    bounds: tuple[Positive, Positive] = (0.2, 5.0)
    """Least and largest factor that is believed; beyond them the build stops and says why."""

    @model_validator(mode="after")
    def _encloses_one(self) -> Self:
        low, high = self.bounds
        if not low <= 1 <= high:
            raise ValueError(f"bounds {list(self.bounds)} do not enclose 1, the factor of a model that is right")
        return self
