"""The shape of a receipt: the features, activities, factors and inputs behind one number of an edition."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from pydantic import JsonValue

from grids.manifest import InputInfo


@dataclass(frozen=True)
class Sums:
    """Emissions of a layer, a sector or net in one target, with the parts of their uncertainty.

    Attributes:
        emissions_tco2e: the true sum of share x emissions.
        own_variance: errors that belong to single features, tCO2e squared.
        loadings: group of shared error -> one standard deviation of it, signed, tCO2e.
    """

    emissions_tco2e: float
    own_variance: float
    loadings: Mapping[str, float]

    @property
    def sd_tco2e(self) -> float:
        """Standard deviation: the root of own variance plus squared loadings."""
        return float(np.sqrt(self.own_variance + sum(value * value for value in self.loadings.values())))


@dataclass(frozen=True)
class KindSums:
    """Lines of one layer in the target that have everything but activity and emissions in common.

    `activity` and `emissions_tco2e` are sums of share x activity and share x emissions; the words are the columns of
    emission lines.
    """

    carrier: str
    basis: str
    method: str
    activity_unit: str
    factor_id: str
    u_own: float
    group: str
    u_group: float
    u_factor: float
    assumptions: str
    lines: int
    activity: float
    emissions_tco2e: float


@dataclass(frozen=True)
class FeaturePart:
    """One feature's part in the target.

    Attributes:
        layer: its layer.
        feature: its position in the layer.
        id: its id in the source.
        share: fraction of it in the target.
        part_tco2e: share x emissions.
        lines: its emission lines, of the whole feature.
    """

    layer: str
    feature: int
    id: str
    share: float
    part_tco2e: float
    lines: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class LayerPart:
    """What one layer adds to the target.

    Attributes:
        layer, sector, open: as the manifest has them.
        features: how many of its features the target holds, with lines or without.
        sums: emissions and the parts of their uncertainty.
        kinds: the same emissions by kind of line.
        inputs: files the layer was read from.
    """

    layer: str
    sector: str
    open: bool
    features: int
    sums: Sums
    kinds: tuple[KindSums, ...]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class SectorPart:
    """One sector, or net: the true sums, and what the public table says.

    `published_tco2e` and `published_sd_tco2e` are null where the sector is not covered. Where the target is held both
    are other numbers than the true ones; the deviation is also another one where private meters are among the
    features, since their own errors are published evenly spread.
    """

    sums: Sums
    published_tco2e: float | None
    published_sd_tco2e: float | None


@dataclass(frozen=True)
class Receipt:
    """What stands behind the numbers of one cell, hexagon or zone in one year.

    Attributes:
        region, edition, collection, id, year: which number.
        held: the public table shows something else instead of it; the true number must not be published.
        sectors: by sector, and `net`.
        layers: layers with emissions, by id.
        n_features: how many features the target holds, over all layers.
        offset: how many of them, the largest first, come before the first one listed.
        features: those listed.
        factors: records of the factors used, from the manifest.
        assumptions: records of the region's assumptions used, from the manifest.
        inputs: files the layers were read from, with their digests.
    """

    region: str
    edition: str
    collection: str
    id: str
    year: int
    held: bool
    sectors: Mapping[str, SectorPart]
    layers: tuple[LayerPart, ...]
    n_features: int
    offset: int
    features: tuple[FeaturePart, ...]
    factors: tuple[Mapping[str, JsonValue], ...]
    assumptions: tuple[Mapping[str, JsonValue], ...]
    inputs: tuple[InputInfo, ...]

    def totals_by(self, sector: str, *columns: str) -> dict[tuple[str, ...], float]:
        """True tCO2e of a sector by columns of its lines (`carrier`, `basis`, `method`, `factor_id`), largest first."""
        found: dict[tuple[str, ...], float] = {}
        for layer in self.layers:
            if layer.sector == sector:
                for kind in layer.kinds:
                    key = tuple(str(getattr(kind, column)) for column in columns)
                    found[key] = found.get(key, 0.0) + kind.emissions_tco2e
        return dict(sorted(found.items(), key=lambda item: (-abs(item[1]), item[0])))

    def as_json(self) -> dict[str, Any]:
        """The receipt as JSON-able mapping, with deviations written out; `private` says what it is."""
        document = asdict(replace(self, inputs=()))
        document["inputs"] = [entry.model_dump(mode="json") for entry in self.inputs]
        for name, part in self.sectors.items():
            document["sectors"][name]["sums"]["sd_tco2e"] = part.sums.sd_tco2e
        for entry, layer in zip(document["layers"], self.layers, strict=True):
            entry["sums"]["sd_tco2e"] = layer.sums.sd_tco2e
        return {"private": True} | document
