"""Shape of a receipt: what stands behind the published numbers of one cell, hexagon or zone."""

from typing import Any, Literal

from pydantic import Field

from api.models import Answer, Labels, Link
from grids.manifest import PublicInput

ReasonCode = Literal[
    "closed_together",
    "held",
    "illustrative",
    "net_unknown",
    "not_covered",
    "not_whole",
    "region_hidden",
    "withheld",
]


class ReasonOut(Answer):
    """Something a reader must know of these numbers: a code that stays, and words in the reader's language."""

    code: ReasonCode
    title: str
    text: str


class PartOfCarrier(Answer):
    """Emissions of one source that were worked out in one way."""

    source: str = Field(description="id of a source, see `sources`")
    open: bool = Field(description="whether each feature of the source may be known")
    method: Literal["metered", "modelled", "default"]
    method_title: str
    tco2e: float
    activity: float = Field(description="what the factor was applied to, as far as it lies here")
    activity_unit: str
    factors: list[str] = Field(description="ids of factors multiplied with the activity, see `factors`")
    assumptions: list[str] = Field(description="ids of assumptions that it rests on, see `assumptions`")
    shared_error: str | None = Field(description="what all features worked out so have in common, such as eui:office")
    lines: int | None = Field(description="how many features; null of a source that is not open")


class CarrierOut(Answer):
    """Emissions by one carrier and basis. `tco2e` is the published value: the sum of `parts` and `closed_tco2e`."""

    carrier: str
    basis: Literal["direct", "indirect"]
    title: str
    tco2e: float | None = Field(description="null where it is withheld or unknown; then nothing else is told either")
    parts: list[PartOfCarrier] = Field(description="the largest first")
    closed_tco2e: float | None = Field(
        description="all meters of sources that are not open, as one sum, or what stands in for it where it is held; "
        "null where the sector has no such source"
    )
    closed_factors: list[str] = Field(
        description="factors of this carrier in the whole region, of which the closed meters took those of their unit "
        "and year"
    )


class SharedErrorOut(Answer):
    """An error that features have in common: one standard deviation of it, over the parts that are told."""

    group: str
    tco2e: float = Field(description="signed; errors of one group add before they are squared")


class SectorReceiptOut(Answer):
    """One sector, or net, which has no carriers."""

    sector: str
    title: str
    tco2e: float | None
    sd_tco2e: float | None
    interval_90: tuple[float, float] | None
    coverage: float | None
    methods: dict[str, float | None] = Field(description="published shares of absolute emissions by method")
    reasons: list[ReasonOut]
    carriers: list[CarrierOut] = Field(description="the largest first; withheld and unknown ones last")
    withheld_tco2e: float | None = Field(description="the carriers that are withheld, together; null if none is")
    shared_errors: list[SharedErrorOut] = Field(description="the largest first")


class SourceOut(Answer):
    """A source of the region that the numbers stand on, or, where it is not open, may stand on."""

    id: str
    sector: str
    open: bool
    files: list[str] = Field(description="see `inputs`")


class FeatureOut(Answer):
    """One feature's part: for holders of an admin's key only."""

    source: str
    id: str = Field(description="in the source")
    share: float = Field(description="fraction of it that lies here")
    part_tco2e: float
    lines: list[dict[str, Any]] = Field(description="emission lines of the whole feature")


class FeaturesOut(Answer):
    """True numbers, feature by feature, before disclosure control: not to be passed on."""

    private: Literal[True]
    matched: int
    offset: int
    true_tco2e: dict[str, float] = Field(description="by sector and net")
    features: list[FeatureOut] = Field(description="the largest parts first")


class ReceiptOut(Labels):
    """What stands behind the published numbers of one cell, hexagon or zone."""

    region: str
    collection: str
    id: str
    name: dict[str, str]
    year: int
    held: bool
    reasons: list[ReasonOut]
    sectors: list[SectorReceiptOut]
    sources: list[SourceOut]
    factors: list[dict[str, Any]] = Field(description="records of the factors named above, and how each was chosen")
    assumptions: list[dict[str, Any]] = Field(description="records of the region's assumptions named above")
    inputs: list[PublicInput] = Field(description="files the sources were read from; SHA-256 of those of open ones")
    features: FeaturesOut | None = Field(default=None, description="only where `features` was asked for with a key")
    links: list[Link]
