"""Emission lines after calibration: activity and emissions times a factor, and the errors that are left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from accounting.emissions import EmissionLines, Kind, join_lines
from carbonmap.calibration_sums import Key, PartZones, errors_of, key_of
from grids.shared_errors import named

FloatArray = NDArray[np.float64]

NOISE = 1e-12
"""Relative errors that are none: what rounding leaves of a difference."""


class SharedErrors(NamedTuple):
    """What lines of a stratum are uncertain by once its total is known.

    Attributes:
        group: of the error of the total, shared by all under it.
        u: its relative standard deviation.
        mean: group -> signed relative error that all lines under the total had together, and that it takes away; where
            something is measured under it, with the error of that, which the total leaves for the lines.
        keeps_factor: whether the total is of energy, so that the factor's error stays.
    """

    group: str
    u: float
    mean: Mapping[str, float]
    keeps_factor: bool

    def of(self, kind: Kind) -> Kind:
        """A kind of lines with these errors.

        What is left of errors shared with others (offices use more than houses than was thought) moves emissions
        within the total. It stays shared: `u_g - mean_g` of every group, signed (`grids.shared_errors`), so that it
        neither averages out among many features of one use nor adds up over all that is under the total.
        """
        errors, mean = errors_of(kind), dict(self.mean)
        if self.keeps_factor:
            factor = f"factor:{kind.factor_id}"
            errors.pop(factor, None)
            mean = {group: u for group, u in mean.items() if not group.startswith("factor:")}
        left = {group: errors.get(group, 0.0) - mean.get(group, 0.0) for group in {*errors, *mean}}
        return kind._replace(
            group=named(self.group, {group: u for group, u in left.items() if abs(u) > NOISE}),
            u_group=_rounded(self.u),
            u_factor=kind.u_factor if self.keeps_factor else 0.0,
        )


@dataclass(frozen=True)
class Scaling:
    """Factors of a calibration.

    Attributes:
        factors: key -> (zones + 1,) factor by zone; the last is that of the ground in none.
        errors: key and zone -> errors from now on; what is not in it keeps its own.
    """

    factors: Mapping[Key, FloatArray]
    errors: Mapping[tuple[Key, int], SharedErrors]


def calibrated(lines: EmissionLines, zones: PartZones, sector: str, scaling: Scaling) -> EmissionLines | None:
    """The lines of a part with its modelled ones scaled; None where nothing of it is under any total.

    A feature of several zones takes the mean of their factors, and the errors of the zone that holds most of it.
    """
    new_kinds = list(lines.kinds)
    place = {kind: number for number, kind in enumerate(new_kinds)}
    kind_of = lines.kind.copy()
    activity, emissions = lines.activity.copy(), lines.emissions_tco2e.copy()
    of_key: dict[Key, FloatArray] = {}
    changed = False
    for number, kind in enumerate(lines.kinds):
        key = key_of(kind, sector)
        if kind.method == "metered" or key not in scaling.factors:
            continue
        if key not in of_key:
            of_key[key] = feature_factors(zones, scaling.factors[key])
        mine = np.flatnonzero(lines.kind == number)
        times = of_key[key][lines.feature[mine]]
        activity[mine] *= times
        emissions[mine] *= times
        main = zones.main[lines.feature[mine]]
        for zone in np.unique(main).tolist():
            if (key, zone) in scaling.errors:
                after = scaling.errors[key, zone].of(kind)
                if after not in place:
                    place[after] = len(new_kinds)
                    new_kinds.append(after)
                kind_of[mine[main == zone]] = place[after]
        changed = True
    if not changed:
        return None
    return join_lines([EmissionLines(tuple(new_kinds), lines.feature, kind_of, activity, emissions)])


def feature_factors(zones: PartZones, factors: FloatArray) -> FloatArray:
    """(features,) mean of the factors of each feature's zones, by its shares; 1 outside the region."""
    return np.where(zones.main >= 0, np.asarray(zones.weights @ factors), 1.0)


def features_factors(zones: PartZones, sector: str, scaling: Scaling) -> pa.Table:
    """What each feature was multiplied by: a column `calibration_<carrier>_<basis>_<year>` per key of the sector."""
    return pa.table(
        {
            f"calibration_{key.carrier}_{key.basis}_{key.year}": feature_factors(zones, scaling.factors[key])
            for key in sorted(scaling.factors)
            if key.sector == sector
        }
    )


def _rounded(u: float) -> float:
    """A deviation to 9 digits: kinds that differ by rounding would not be one."""
    return float(f"{u:.9g}")
