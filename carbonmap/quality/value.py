"""Value of information: by how much the region's interval would narrow if one uncertain input were known.

    variance of a sector = own + near + sum over groups of loading^2     (docs/uncertainty-and-disclosure.md)
    narrowed by          = 2 x 1.645 x (sd - sqrt(variance - what the input contributes))

An input is a group of shared error (an intensity, traffic of a road class, a factor, a control total), or what single
features of a layer have as their own error by one method, or what those of a layer have in common with their neighbours
(a method called `neighbours` here). Net counts a group once over all sectors.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from accounting.uncertainty import Z90
from gis.sources import COUNTED
from grids.edition import Edition
from grids.manifest import LayerInfo
from grids.neighbourhoods import NOWHERE, SQUARE_COLUMNS, Neighbourhoods
from grids.shared_errors import shared_errors

FloatArray = NDArray[np.float64]

NOISE = 1e-12
"""Part of the variance that is none: errors that a control total binds add up to what rounding leaves of them."""

NET = "net"
NEAR = "neighbours"
"""Beside the methods: what features of a layer err by together with those around them."""


@dataclass
class SectorErrors:
    """Errors of one sector's total in the region, tCO2e.

    Attributes:
        total: tCO2e.
        own: (layer, method) -> variance; what neighbours share is of the method `neighbours`.
        loadings: group -> signed loading.
        touched: group or (layer, method) -> absolute emissions that have this error.
    """

    total: float = 0.0
    own: dict[tuple[str, str], float] = field(default_factory=dict)
    loadings: dict[str, float] = field(default_factory=dict)
    touched: dict[str | tuple[str, str], float] = field(default_factory=dict)

    @property
    def variance(self) -> float:
        """Of the total, tCO2e squared."""
        return sum(self.own.values()) + sum(value**2 for value in self.loadings.values())

    @property
    def sd(self) -> float:
        """Standard deviation of the total, tCO2e."""
        return float(np.sqrt(self.variance))

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 % interval of the total, tCO2e."""
        return self.total - Z90 * self.sd, self.total + Z90 * self.sd


@dataclass(frozen=True)
class InputValue:
    """What knowing one input would do.

    Attributes:
        input: group of shared error, or `own:<layer>:<method>`.
        sectors: that it is part of.
        emissions_tco2e: absolute emissions that rest on it.
        narrowed_tco2e: by how much the 90 % interval of net would be narrower, from end to end.
        share: of the variance of net.
    """

    input: str
    sectors: tuple[str, ...]
    emissions_tco2e: float
    narrowed_tco2e: float
    share: float


def region_errors(edition: Edition, year: int) -> dict[str, SectorErrors]:
    """Errors of each sector's total, and of net, from the private lines; batch by batch, whatever their number.

    What lies outside the region does not count: a feature's part in it is 1 less its outside share.
    """
    found: dict[str, SectorErrors] = {}
    for layer in edition.manifest.layers:
        if layer.sector in COUNTED:
            continue
        errors = found.setdefault(layer.sector, SectorErrors())
        _add_layer(errors, edition, layer, year)
    net = SectorErrors()
    for errors in found.values():
        net.total += errors.total
        net.own |= errors.own
        for group, value in errors.loadings.items():
            net.loadings[group] = net.loadings.get(group, 0.0) + value
        for name, value in errors.touched.items():
            net.touched[name] = net.touched.get(name, 0.0) + value
    found[NET] = net
    return found


def value_of_information(errors: Mapping[str, SectorErrors]) -> list[InputValue]:
    """Inputs by how much knowing them would narrow the interval of net; those that narrow nothing are left out."""
    net = errors[NET]
    variance = net.variance
    values = []
    for name, contribution in _contributions(net):
        after = float(np.sqrt(max(variance - contribution, 0.0)))
        narrowed = 2 * Z90 * (net.sd - after)
        if contribution > NOISE * variance:
            key = name if isinstance(name, str) else f"own:{name[0]}:{name[1]}"
            sectors = tuple(
                sector
                for sector, each in errors.items()
                if sector != NET and (name in each.loadings or name in each.own)
            )
            values.append(InputValue(key, sectors, net.touched.get(name, 0.0), narrowed, contribution / variance))
    return sorted(values, key=lambda one: (-one.narrowed_tco2e, one.input))


def _contributions(errors: SectorErrors) -> Iterator[tuple[str | tuple[str, str], float]]:
    for group, loading in errors.loadings.items():
        yield group, loading**2
    yield from errors.own.items()


_COLUMNS = ("feature", "year", "method", "emissions_tco2e", "u_own", "group", "u_group", "factor_id", "u_factor")


def _add_layer(errors: SectorErrors, edition: Edition, info: LayerInfo, year: int) -> None:
    layer, squares = info.id, [] if info.neighbours is None else [*SQUARE_COLUMNS]
    features = pq.read_table(edition.private("features", layer), columns=["outside_share", *squares])
    inside = 1.0 - features["outside_share"].to_numpy()
    linear: dict[str, FloatArray] = {}
    metered = 0.0
    file = pq.ParquetFile(edition.private("lines", layer))
    for batch in file.iter_batches(columns=list(_COLUMNS)):
        frame = batch.to_pandas()
        frame = frame[frame["year"] == year]
        part = frame["emissions_tco2e"].to_numpy(float) * inside[frame["feature"].to_numpy()]
        frame = frame.assign(part=part, size=np.abs(part), own=part * frame["u_own"].to_numpy(float))
        errors.total += float(part.sum())
        for method, mine in frame.groupby("method", observed=True):
            key = (layer, str(method))
            errors.touched[key] = errors.touched.get(key, 0.0) + float(mine["size"].sum())
            if method == "metered":
                metered += float((mine["own"] ** 2).sum())
            else:  # floor area and intensity of one feature are one error in all its lines
                sums = linear.setdefault(str(method), np.zeros(len(inside)))
                np.add.at(sums, mine["feature"].to_numpy(), mine["own"].to_numpy(float))
        for column, u in (("group", "u_group"), ("factor_id", "u_factor")):
            for word, mine in frame[frame[column].astype(str) != ""].groupby(column, observed=True):
                weighted, whole = float((mine["part"] * mine[u].fillna(0)).sum()), float(mine["part"].sum())
                size = float(mine["size"].sum())
                if column == "factor_id":
                    if (mine[u] > 0).any():
                        _add_shared(errors, f"factor:{word}", weighted, size)
                    continue
                first, *others = shared_errors(str(word), 0.0, "", 0.0)
                if (mine[u] > 0).any():
                    _add_shared(errors, first[0], weighted, size)
                for group, signed in others:
                    _add_shared(errors, group, whole * signed, size)
    if metered:
        errors.own[layer, "metered"] = metered
    near = None
    if info.neighbours is not None:
        row, col = (features[name].fill_null(NOWHERE).to_numpy() for name in squares)
        near = Neighbourhoods.of(row, col, info.neighbours.part)
    for method, sums in linear.items():
        errors.own[layer, method] = float((_alone(near, len(sums)) * sums**2).sum())
    if near is not None and linear:
        whole = np.sum(list(linear.values()), axis=0)
        apart = float((_alone(near, len(whole)) * whole**2).sum())
        errors.own[layer, NEAR] = near.variance(np.arange(len(whole)), whole) - apart
        errors.touched[layer, NEAR] = sum(errors.touched[layer, method] for method in linear)


def _alone(near: Neighbourhoods | None, n_features: int) -> FloatArray:
    """(features,) part of the own variance that each has to itself."""
    return np.ones(n_features) if near is None else np.where(near.square >= 0, near.alone, 1.0)


def _add_shared(errors: SectorErrors, group: str, loading: float, size: float) -> None:
    errors.loadings[group] = errors.loadings.get(group, 0.0) + loading
    errors.touched[group] = errors.touched.get(group, 0.0) + size
