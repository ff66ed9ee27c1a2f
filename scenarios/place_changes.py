"""What a result says of places (its cells, or zones that cells are added up in), as columns of a table."""

import numpy as np
from scipy.sparse import csr_array

from grids.statistics import Z_90
from scenarios.frame import BoolArray, FloatArray
from scenarios.result import Result
from scenarios.shares import sector_change
from scenarios.state import SECTORS

UNIT = "tCO2e/yr"


def sums_in_places(before: FloatArray, change: FloatArray, shares: csr_array) -> dict[str, FloatArray]:
    """Columns (places,) in tCO2e a year: before, change and after of each sector and net.

    `<sector>_before_tco2e` is NaN where no cell of the place tells the sector, and that of net unless each sector is
    told in some cell of it, as in what is published: an unknown sector is no zero. Changes are known everywhere.

    Args:
        before: (sectors, n) emissions of cells, NaN where unknown.
        change: (sectors, n).
        shares: (places, n) part of each cell that lies in each place.
    """
    known = np.isfinite(before)
    sums, changes = shares @ np.nan_to_num(before).T, shares @ change.T
    told: BoolArray = np.asarray((shares @ known.T.astype(np.float64)) > 0)
    found: dict[str, FloatArray] = {}
    for place, sector in enumerate(SECTORS):
        found |= _columns(sector, np.asarray(told[:, place]), sums[:, place], changes[:, place])
    return found | _columns("net", np.asarray(told.all(axis=1)), sums.sum(axis=1), changes.sum(axis=1))


def known_shares(before: FloatArray, area_ha: FloatArray, shares: csr_array) -> dict[str, FloatArray]:
    """Columns (places,) `<sector>_known_share`: part of a place's cells, by area, of which a sector is known.

    It is NaN where a place has no ground in any cell.

    Args:
        before: (sectors, n) emissions of cells, NaN where unknown.
        area_ha: (n,) ground of the cells.
        shares: (places, n) part of each cell that lies in each place.
    """
    ground = np.asarray(shares @ area_ha)
    known = shares @ (np.isfinite(before) * area_ha).T
    parts = np.divide(known, ground[:, None], out=np.full(known.shape, np.nan), where=ground[:, None] > 0)
    return {f"{sector}_known_share": np.asarray(parts[:, place]) for place, sector in enumerate(SECTORS)}


def place_changes(result: Result, shares: csr_array) -> dict[str, FloatArray]:
    """Columns (places,): `sums_in_places`, `known_shares`, and tCO2e a year by measure.

    `net_change_low_tco2e` and `net_change_high_tco2e` are the range over the sets of elasticities, which is no
    interval.

    Args:
        result: of a run.
        shares: (places, n) part of each cell that lies in each place.
    """
    before, change = sector_change(result)
    found = sums_in_places(before, change, shares)
    found |= known_shares(before, result.state.over(result.state.area_ha), shares)
    sets = np.stack([shares @ outcome.change_tco2e.sum(axis=0) for outcome in result.outcomes.values()])
    found |= {"net_change_low_tco2e": sets.min(axis=0), "net_change_high_tco2e": sets.max(axis=0)}
    for effect, tonnes in zip(result.measures, result.first.by_measure_tco2e, strict=True):
        found[f"measure_{effect.id}_tco2e"] = np.asarray(shares @ tonnes)
    return found


def place_intervals(result: Result, zones: bool) -> dict[str, FloatArray]:
    """Columns of what samples tell: the 90 % interval of zones, or the deviation of each cell; none without samples.

    Each set of elasticities has columns of its own, `..._<set>_tco2e`; those without a set's name are by the first.

    Args:
        result: run with samples, and for zones with their shares.
        zones: whether zones are meant.
    """
    drawn = result.samples
    if drawn is None:
        return {}
    if not zones:
        by_set = {f"net_change_sd_{name}_tco2e": values for name, values in drawn.sets_cells_sd_tco2e.items()}
        return {"net_change_sd_tco2e": drawn.cells_sd_tco2e, **by_set}
    found: dict[str, FloatArray] = {}
    intervals = drawn.zone_intervals_tco2e()
    for name, (low, high) in [("", next(iter(intervals.values()))), *intervals.items()] if intervals else ():
        middle = f"{name}_" if name else ""
        found |= {f"net_change_low90_{middle}tco2e": low, f"net_change_high90_{middle}tco2e": high}
    return found


def excludes_zero(
    change: FloatArray, *, sd: FloatArray | None = None, ends: tuple[FloatArray, FloatArray] | None = None
) -> BoolArray:
    """Whether the 90 % interval of a change (n,) holds no zero, so that it can be told from no change at all.

    Args:
        change: tCO2e a year.
        sd: (n,) its deviation, of cells; or
        ends: (n,) each, of its interval, of zones.
    """
    if ends is None:
        assert sd is not None
        ends = change - Z_90 * sd, change + Z_90 * sd
    return np.asarray((ends[0] > 0) | (ends[1] < 0))


def _columns(name: str, told: BoolArray, before: FloatArray, change: FloatArray
             ) -> dict[str, FloatArray]:  # fmt: skip
    return {
        f"{name}_before_tco2e": np.where(told, before, np.nan),
        f"{name}_change_tco2e": np.asarray(change),
        f"{name}_after_tco2e": np.where(told, before + change, np.nan),
    }
