"""What reading gives: a layer or a zone set, with a report that accounts for every feature of the file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from gis.crs import Bounds, united
from gis.errors import ReportMismatch
from gis.geometry_column import GeometryColumn

MOST_EXAMPLES = 5
"""Examples of a kind of fault that a report names."""


@dataclass
class Repairs:
    """Geometries that were invalid and were repaired: areas are planar, in the CRS of the layer."""

    count: int = 0
    area_before_m2: float | None = 0.0
    area_after_m2: float | None = 0.0
    """None where the layer is in degrees (context)."""
    ids: list[str] = field(default_factory=list)


@dataclass
class GivenGround:
    """Ground of stands that others hold too, and that counts as theirs: planar, in the CRS of the layer."""

    stands: int = 0
    """How many cover ground of smaller stands of the same source."""
    to_smaller_m2: float = 0.0
    to_earlier_m2: float = 0.0
    """What lies in forest maps listed before."""


@dataclass
class LeftOut:
    """What features (of a raster: patches) amount to that were read and refused when they were shared out."""

    count: int = 0
    amounts: dict[str, float] = field(default_factory=dict)
    """By what is added up, with its unit: `area_ha`, `length_km`, `emissions_tco2e_2023`, `population_2023`."""

    def __add__(self, other: "LeftOut") -> "LeftOut":
        """Both together."""
        names = sorted({*self.amounts, *other.amounts})
        amounts = {name: self.amounts.get(name, 0.0) + other.amounts.get(name, 0.0) for name in names}
        return LeftOut(self.count + other.count, amounts)


@dataclass
class Unparsable:
    """Values of one column that are not what the column holds; they became null."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class JoinReport:
    """What became of one joined table."""

    file: str
    rows: int = 0
    filtered: int = 0
    keys: int = 0
    keys_matched: int = 0
    keys_unmatched: int = 0
    """Keys of the table that no feature has."""
    keys_unmatched_examples: list[str] = field(default_factory=list)
    features_unmatched: int = 0
    """Features of the layer that the table does not know."""
    rows_without_key: int = 0
    repeated_rows: int = 0
    """Long: rows equal to another in key, period, carrier and amount; they add up if the region file says so, since
    two meters may read alike."""
    repeats_count_once: bool = False
    """They were taken for one instead."""
    duplicate_keys: int = 0
    duplicate_examples: list[str] = field(default_factory=list)
    values_missing: int = 0
    negative_rows: int = 0
    """Long: readings below zero; they keep their sign, so that a year's sum may hide them."""
    negative_examples: list[str] = field(default_factory=list)
    """Keys of some."""
    incomplete_years: dict[str, int] = field(default_factory=dict)
    """Column -> number of features with 1 to 11 months; null, or scaled and marked, as the join says."""
    columns: list[str] = field(default_factory=list)
    unparsable: dict[str, Unparsable] = field(default_factory=dict)
    encoding: str = ""


@dataclass
class ReadReport:
    """Counts of one read. `read` is always `kept + filtered + outside + empty + duplicates + len(refused)`."""

    source: str
    file: str
    layer: str | None = None
    crs: str = ""
    """CRS the file's coordinates were read in."""
    encoding: str = ""
    unit: str = "features"
    """What is counted: features, or a raster's pixels."""
    read: int = 0
    kept: int = 0
    filtered: int = 0
    """Dropped by `where`, or by what the layer is (an OSM `building=no`)."""
    outside: int = 0
    """Bounding box disjoint from the region's; dropped while reading."""
    beyond: Bounds | None = None
    """Where these lie, in the file's CRS; for messages, and not for the manifest."""
    empty: int = 0
    """Without geometry; a raster's nodata."""
    empty_ids: list[str] = field(default_factory=list)
    """Of the first few without geometry."""
    duplicates: int = 0
    """Same id, same geometry, same values as another feature: kept once."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """(id, reason) of features that cannot be used."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """Of those refused when they were shared out, what is missing from every total."""
    repaired: Repairs = field(default_factory=Repairs)
    ground: GivenGround = field(default_factory=GivenGround)
    missing_nodes: int = 0
    """OSM: nodes that ways name and the extract lacks; the lines end or break there."""
    unparsable: dict[str, Unparsable] = field(default_factory=dict)
    classes: dict[int, int] = field(default_factory=dict)
    """Raster: pixels kept, by class code."""
    joins: list[JoinReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know: a CRS overridden, an encoding guessed, tags that no feature carries."""

    @property
    def accounted(self) -> int:
        """Features this report says something about."""
        return self.kept + self.filtered + self.outside + self.empty + self.duplicates + len(self.refused)

    def verify(self) -> None:
        """Raise ReportMismatch unless every feature read is accounted for."""
        if self.read != self.accounted:
            raise ReportMismatch(
                f"{self.source} ({self.file}): {self.read} {self.unit} read, {self.accounted} accounted for "
                f"(kept {self.kept}, filtered {self.filtered}, outside {self.outside}, empty {self.empty}, "
                f"duplicates {self.duplicates}, refused {len(self.refused)}); please report this"
            )

    def with_part(self, part: "ReadReport") -> "ReadReport":
        """Add the report of the next part of the same source, as if both had been read at once."""
        repaired = Repairs(
            self.repaired.count + part.repaired.count,
            _added(self.repaired.area_before_m2, part.repaired.area_before_m2),
            _added(self.repaired.area_after_m2, part.repaired.area_after_m2),
            self.repaired.ids + part.repaired.ids,
        )
        ground = GivenGround(
            self.ground.stands + part.ground.stands,
            self.ground.to_smaller_m2 + part.ground.to_smaller_m2,
            self.ground.to_earlier_m2 + part.ground.to_earlier_m2,
        )
        unparsable = dict(self.unparsable)
        for column, bad in part.unparsable.items():
            known = unparsable.get(column, Unparsable())
            unparsable[column] = Unparsable(known.count + bad.count, (known.examples + bad.examples)[:MOST_EXAMPLES])
        return replace(
            self,
            beyond=united(self.beyond, part.beyond),
            **{name: getattr(self, name) + getattr(part, name) for name in _COUNTS},
            empty_ids=(self.empty_ids + part.empty_ids)[:MOST_EXAMPLES],
            refused=self.refused + part.refused,
            left_out=self.left_out + part.left_out,
            repaired=repaired,
            ground=ground,
            unparsable=unparsable,
            classes={c: self.classes.get(c, 0) + part.classes.get(c, 0) for c in {**self.classes, **part.classes}},
            notes=list(dict.fromkeys(self.notes + part.notes)),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers, for the manifest."""
        plain = asdict(self)
        del plain["beyond"]
        plain["classes"] = {str(code): count for code, count in sorted(self.classes.items())}
        plain["refused"] = [{"id": name, "reason": reason} for name, reason in self.refused]
        return plain


_COUNTS = ("read", "kept", "filtered", "outside", "empty", "duplicates", "missing_nodes")


def _added(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


@dataclass
class Layer:
    """One source of one sector after reading.

    Attributes:
        id, sector, open: as the region file says.
        table: (n,) RangeIndex, unique text column `id`, our column names, no geometry.
        geometry: (n,) valid, of the sector's dimension, in `crs`.
        crs: the region's metric CRS.
        report: what became of every feature of the file.
    """

    id: str
    sector: str
    table: pd.DataFrame
    geometry: GeometryColumn
    crs: pyproj.CRS
    open: bool
    report: ReadReport

    @cached_property
    def features(self) -> gpd.GeoDataFrame:
        """The table with its geometries as objects, made when first asked for."""
        return gpd.GeoDataFrame(self.table.copy(deep=False), geometry=self.geometry.objects(), crs=self.crs)

    def __len__(self) -> int:
        """How many features."""
        return len(self.table)

    def without(self, refused: Mapping[int, str], amounts: dict[str, float]) -> "Layer":
        """The layer without some features, which its report then counts as refused.

        Args:
            refused: position -> why.
            amounts: what they add up to, see `LeftOut`.
        """
        gone = np.array(sorted(refused), dtype=np.int64)
        kept = np.ones(len(self), dtype=np.bool_)
        kept[gone] = False
        names = self.table["id"].to_numpy(dtype=object)[gone]
        named = [(str(name), refused[position]) for name, position in zip(names, gone.tolist(), strict=True)]
        report = replace(
            self.report,
            kept=self.report.kept - len(gone),
            refused=self.report.refused + named,
            left_out=self.report.left_out + LeftOut(len(gone), amounts),
        )
        table = self.table[kept].reset_index(drop=True)
        return replace(self, table=table, geometry=self.geometry.take(kept), report=report)


@dataclass
class ZoneLayer:
    """One zone set: columns id, name_<lang>, parent_id (null where the file does not say), geometry; sorted by id."""

    id: str
    features: gpd.GeoDataFrame
    report: ReadReport
    overlaps: list[tuple[str, str, float]] = field(default_factory=list)
    """(id that keeps the ground, id that loses it, m2) of overlaps: within tolerance, or as the region file settles."""
