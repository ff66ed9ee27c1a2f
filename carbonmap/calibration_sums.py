"""What stands against control totals in the parts of a build: measured and modelled sums by zone, and their errors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, dia_array

from accounting.control_totals import ControlTotal
from accounting.emissions import EmissionLines, Kind
from accounting.errors import UnknownUnit
from accounting.units import conversion
from carbonmap.line_tables import lines_in
from carbonmap.parts import Part, WorkFolder
from grids.sharing import GAP

FloatArray = NDArray[np.float64]


class Key(NamedTuple):
    """A kind of emissions that one factor per zone scales."""

    year: int
    sector: str
    carrier: str
    basis: str


def key_of(kind: Kind, sector: str) -> Key:
    """The key of a kind of lines of a sector."""
    return Key(kind.year, sector, kind.carrier, kind.basis)


@dataclass
class KeySums:
    """Sums of one key by zone; the last zone is the ground in none.

    Attributes:
        fixed: (zones,) tCO2e of lines that stay as they are.
        fixed_mwh: (zones,) the same in MWh; NaN where an activity is no energy.
        mixing: (zones, zones) tCO2e of modelled lines in zone i that take the factor of zone j.
        mixing_mwh: the same in MWh; None where an activity is no energy.
        loadings: group of shared error -> (zones,) tCO2e.
        own: (zones,) variance of errors of single features, tCO2e squared.
        fixed_loadings, fixed_own: the same of lines that stay as they are.
        told: whether some of what is fixed is read off meters that are not open.
    """

    fixed: FloatArray
    fixed_mwh: FloatArray
    mixing: csr_array
    mixing_mwh: csr_array | None
    loadings: dict[str, FloatArray] = field(default_factory=dict)
    own: FloatArray = field(default_factory=lambda: np.zeros(0))
    told: bool = False
    fixed_loadings: dict[str, FloatArray] = field(default_factory=dict)
    fixed_own: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def modelled(self) -> FloatArray:
        """(zones,) tCO2e of modelled lines."""
        return np.asarray(self.mixing.sum(axis=1), dtype=np.float64).ravel()


class PartZones:
    """The zones that the features of a part lie in.

    Attributes:
        shares: (zones + 1, features) csr; the last row is the ground in none.
        weights: (features, zones + 1) csr; rows add up to 1, and are empty for features outside the region.
        main: (features,) the zone that holds most of each feature; -1 outside the region.
    """

    def __init__(self, shares: csr_array) -> None:
        self.shares = shares
        held = np.asarray(shares.sum(axis=0), dtype=np.float64).ravel()
        inverse = np.divide(1.0, held, out=np.zeros(len(held)), where=held > 0)
        self.weights = csr_array(_diagonal(inverse) @ shares.T)
        self.main = np.full(len(held), -1, dtype=np.int64)
        entries = shares.tocoo()
        order = np.lexsort((-entries.row, entries.data, entries.col))  # of equal shares the first zone, as everywhere
        self.main[entries.col[order]] = entries.row[order]
        self.main[held <= 0] = -1

    @classmethod
    def read(cls, work: WorkFolder, part: Part, zone_set: str | None, n_zones: int) -> Self:
        """Those of a part; without a zone set all of the region is ground in no zone."""
        if zone_set is None:
            outside = work.read(part, "features", columns=["outside_share"])["outside_share"].to_numpy()
            inside = np.clip(1.0 - outside, 0.0, 1.0)
            feature, target, share = np.arange(len(inside)), np.zeros(len(inside), np.int64), inside
            size = len(inside)
        else:
            table = work.read(part, f"shares-{zone_set}", columns=["feature", "target", "share"])
            feature, share = table["feature"].to_numpy(), table["share"].to_numpy()
            target = table["target"].to_numpy()
            target = np.where(target == GAP, n_zones, target)
            record = work.record(part)
            assert record is not None
            size = record.features
        return cls(csr_array((share, (target, feature)), shape=(n_zones + 1, size)))


def add_part(
    sums: dict[Key, KeySums],
    lines: EmissionLines,
    zones: PartZones,
    sector: str,
    totals: Sequence[ControlTotal],
    *,
    scalable: bool,
    is_open: bool,
) -> None:
    """Add the lines of a part to what stands against the totals.

    Args:
        sums: by key; added to.
        lines: of the part, features numbered within it.
        zones: where the part's features lie.
        sector: of the layer.
        totals: lines under none of them are left out.
        scalable: whether modelled lines of this layer can be scaled; those of a raster cannot, place by place.
        is_open: whether its meters may be told.
    """
    wanted = [k for k, kind in enumerate(lines.kinds) if is_under(kind, sector, totals)]
    if not wanted:
        return
    n_zones, n_features = zones.shares.shape
    amounts = csr_array((lines.emissions_tco2e, (lines.feature, lines.kind)), shape=(n_features, len(lines.kinds)))
    # An activity that is unknown makes the energy of its kind unknown, not less.
    activity = csr_array((lines.activity, (lines.feature, lines.kind)), shape=(n_features, len(lines.kinds)))
    in_zones = (zones.shares @ amounts).toarray()
    squares = zones.shares.power(2)
    mixed: dict[Key, list[int]] = {}
    for k in wanted:
        kind = lines.kinds[k]
        key = key_of(kind, sector)
        here = sums.setdefault(key, _nothing(n_zones))
        if kind.method == "metered" or not scalable:
            here.fixed = here.fixed + in_zones[:, k]
            here.fixed_mwh = here.fixed_mwh + np.asarray(zones.shares @ activity[:, [k]].toarray()).ravel() * mwh(kind)
            here.told |= kind.method == "metered" and not is_open and bool(np.abs(in_zones[:, k]).sum() > 0)
            for group, u in errors_of(kind).items():
                here.fixed_loadings[group] = here.fixed_loadings.get(group, np.zeros(n_zones)) + in_zones[:, k] * u
            own = np.square(amounts[:, [k]].toarray().ravel() * kind.u_own)
            here.fixed_own = here.fixed_own + np.asarray(squares @ own)
            continue
        mixed.setdefault(key, []).append(k)
        for group, u in errors_of(kind).items():
            here.loadings[group] = here.loadings.get(group, np.zeros(n_zones)) + in_zones[:, k] * u
        own = np.square(amounts[:, [k]].toarray().ravel() * kind.u_own)
        here.own = here.own + np.asarray(squares @ own)
    for key, of_key in mixed.items():
        here = sums[key]
        here.mixing = csr_array(here.mixing + _mixed(zones, amounts[:, of_key].sum(axis=1)))
        energy = [mwh(lines.kinds[k]) for k in of_key]
        if here.mixing_mwh is not None and np.isfinite(energy).all():
            here.mixing_mwh = csr_array(here.mixing_mwh + _mixed(zones, activity[:, of_key] @ np.array(energy)))
        else:
            here.mixing_mwh = None


def is_under(kind: Kind, sector: str, totals: Iterable[ControlTotal]) -> bool:
    """Whether lines of a kind are part of any total, in some zone."""
    return any(total.covers(kind.year, total.zone, sector, kind.carrier, kind.basis) for total in totals)


def errors_of(kind: Kind) -> dict[str, float]:
    """Relative shared errors of a kind, by group."""
    errors = {kind.group: kind.u_group} if kind.group and kind.u_group else {}
    if kind.factor_id and kind.u_factor:
        errors[f"factor:{kind.factor_id}"] = kind.u_factor
    return errors


def mwh(kind: Kind) -> float:
    """MWh in one unit of a kind's activity; NaN where it is no energy, or in no unit of ours."""
    try:
        return conversion(kind.activity_unit, "MWh")
    except UnknownUnit:
        return np.nan


def lines_of(work: WorkFolder, part: Part) -> EmissionLines:
    """The lines of a part as its sector made them, features numbered within it."""
    return lines_in(work.read(part, "lines"), 0)


def _mixed(zones: PartZones, amounts: FloatArray) -> csr_array:
    """(zones, zones) what lies in zone i of features, split by the zones whose factors they take."""
    return csr_array(zones.shares @ _diagonal(np.asarray(amounts, dtype=np.float64).ravel()) @ zones.weights)


def _diagonal(values: FloatArray) -> dia_array:
    return dia_array((values[None, :], [0]), shape=(len(values), len(values)))


def _nothing(n_zones: int) -> KeySums:
    none = csr_array((n_zones, n_zones), dtype=np.float64)
    return KeySums(
        np.zeros(n_zones), np.zeros(n_zones), none, none.copy(), {}, np.zeros(n_zones), fixed_own=np.zeros(n_zones)
    )
