"""Calibration of a build: parts are added up by zone, factors fitted, and the parts' modelled lines written anew.

It stands between the parts and the layers: everything published afterwards (cells, zones, receipts, scenarios) is made
of calibrated lines. A feature's activity and emissions change by the same factor, the mean of those of its zones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from accounting.calibration import Problem, Stratum, fitted_covariance, fitted_factors, unusual
from accounting.control_totals import ControlTotal, read_control_totals
from accounting.errors import ImplausibleCalibration
from carbonmap.calibrated_lines import Scaling, SharedErrors, calibrated, features_factors
from carbonmap.calibration_spec import CalibrationSpec
from carbonmap.calibration_sums import Key, KeySums, PartZones, add_part, lines_of
from carbonmap.errors import RegionError
from carbonmap.ground import Ground
from carbonmap.line_tables import line_table
from carbonmap.parts import Part, WorkFolder
from carbonmap.plan import Plan
from carbonmap.progress import Progress
from carbonmap.region import Region
from gis.errors import did_you_mean, listed
from gis.files import input_file
from gis.sources import COUNTED, Source
from grids.protection import Protection

FloatArray = NDArray[np.float64]

IN_NONE = ""
"""The zone of ground in no zone, in messages and in the manifest."""


@dataclass(frozen=True)
class Calibration:
    """What calibration did.

    Attributes:
        spec: as the region file says.
        zones: ids of the zones, in the order of their collection; empty where all totals are of the whole region.
        totals: those of the region's years.
        closed: (totals,) whether what is measured under a total is partly read off meters that are not open.
        record: for the manifest.
    """

    spec: CalibrationSpec
    zones: tuple[str, ...]
    totals: tuple[ControlTotal, ...]
    closed: tuple[bool, ...]
    record: dict[str, Any] = field(default_factory=dict)

    def refuse_if_told(self, collection: str | None, protection: Protection) -> None:
        """Refuse totals that would give closed meters away: total less what is modelled is what is measured.

        Args:
            collection: that was protected; None for the region as one target.
            protection: what disclosure control decided of it.

        Raises:
            RegionError: a total is of a place, or of carriers, of which the tables do not show what is metered.
        """
        for total, closed in zip(self.totals, self.closed, strict=True):
            state = protection.states.get(total.sector)
            of_region = collection is None and not total.zone
            of_zone = bool(total.zone) and collection == self.spec.zone_set
            if not closed or state is None or protection.year != total.year or not (of_region or of_zone):
                continue
            pairs = {(carrier, basis) for carrier, basis in state.withheld}
            covered = {
                (carrier, basis)
                for carrier, basis in pairs
                if total.carrier in ("", carrier) and total.basis in ("", basis)
            }
            held = state.mode != "shared" or (of_zone and bool(state.held[self.zones.index(total.zone)]))
            if held or (covered and covered != pairs):
                raise RegionError(
                    f"{total.where}: the total of {total.what} less what is modelled there would tell what a few "
                    "meters read that are not open: public tables hold that value back. Give one total for this zone "
                    "and its neighbours together (a coarser zone_set), or for all carriers, or leave it out"
                )


def read_totals(region: Region, inputs: Path, ground: Ground) -> tuple[tuple[str, ...], tuple[ControlTotal, ...]]:
    """Zones and control totals of a region; none where it asks for no calibration.

    Raises:
        RegionError: a zone that the zone set does not have, or no total of a year of the region.
        AccountingError: the file is not of the form.
    """
    spec = region.calibration
    if spec is None:
        return (), ()
    totals = read_control_totals(input_file(inputs, spec.totals))
    zones: tuple[str, ...] = ()
    if spec.zone_set is not None:
        zones = tuple(map(str, ground.zones[spec.zone_set].features["id"]))
    for total in totals:
        if total.zone and total.zone not in zones:
            expected = (
                f"expected one of {listed(zones)}.{did_you_mean(total.zone, zones)}"
                if spec.zone_set is not None
                else "say under calibration.zone_set whose zones these are"
            )
            raise RegionError(f"{total.where}: zone {total.zone!r} is not known; {expected}")
    mine = tuple(total for total in totals if total.year in region.years)
    if not mine:
        years = sorted({total.year for total in totals})
        raise RegionError(
            f"{spec.totals}: totals of {listed(map(str, years))}, and the region publishes "
            f"{listed(map(str, region.years))}; nothing would be calibrated"
        )
    return zones, mine


def calibrate(
    plan: Plan, sources: Sequence[Source], parts: Mapping[str, Sequence[Part]], work: WorkFolder, progress: Progress
) -> Calibration | None:
    """Fit factors and leave calibrated lines with every part that they change; None if the region asks for none.

    Args:
        plan: the region.
        sources: in the order of the build.
        parts: of each source, all worked on.
        work: where they are; gets the calibrated lines.
        progress: told of the step.

    Raises:
        RegionError, AccountingError: totals that cannot be met in good faith; nothing was changed.
    """
    if plan.region.calibration is None:
        return None
    progress.step("calibrating to control totals")
    spec = plan.region.calibration
    zones, totals = read_totals(plan.region, plan.inputs, plan.ground)
    done = [
        (source, part)
        for source in sources
        if source.sector not in COUNTED
        for part in parts[source.id]
        if work.has_features(part)
    ]
    sums: dict[Key, KeySums] = {}
    for source, part in done:
        where = PartZones.read(work, part, spec.zone_set, len(zones))
        add_part(
            sums,
            lines_of(work, part),
            where,
            sector_of(source),
            totals,
            scalable=not source.is_raster,
            is_open=source.open,
        )
    problem = problem_of(totals, zones, sums)
    covariance = relative_covariance(problem, zones, sums) if spec.method != "ratio" else None
    factors = fitted_factors(problem, spec.method, spec.bounds, covariance)
    scaling = scaling_of(problem, zones, sums, factors, covariance)
    for source, part in done:
        if not source.is_raster:
            where = PartZones.read(work, part, spec.zone_set, len(zones))
            lines = calibrated(lines_of(work, part), where, sector_of(source), scaling)
            if lines is not None:
                work.calibrate(part, line_table(lines), features_factors(where, sector_of(source), scaling))
    after = problem.modelled(factors) + problem.measured
    return Calibration(
        spec,
        zones,
        totals,
        tuple(any(each.told for key, each in sums.items() if _is_under(total, key)) for total in totals),
        _record(spec, problem, zones, sums, factors, after),
    )


def sector_of(source: Source) -> str:
    """The sector that a source's emissions are published under."""
    return "forest" if source.sector == "land_cover" else source.sector


def problem_of(totals: Sequence[ControlTotal], zones: Sequence[str], sums: Mapping[Key, KeySums]) -> Problem:
    """Totals against sums by zone, as `accounting.calibration` takes them.

    Raises:
        ImplausibleCalibration: a total in MWh of something that is not measured in energy.
    """
    places = [*zones, IN_NONE]
    strata: list[Stratum] = []
    column: dict[tuple[Key, int], int] = {}
    for key in sorted(sums):
        mixing = sums[key].mixing
        used = np.flatnonzero(np.asarray(abs(mixing).sum(axis=0)).ravel() > 0).tolist()
        for zone in used:
            column[key, zone] = len(strata)
            strata.append(Stratum(key.year, places[zone], key.sector, key.carrier, key.basis))
    measured, variance = np.zeros(len(totals)), np.zeros(len(totals))
    seen_rows, under_rows = [], []
    for i, total in enumerate(totals):
        seen, under = np.zeros(len(strata)), np.zeros(len(strata))
        rows = slice(None) if not total.zone else [zones.index(total.zone)]
        for key in sorted(sums):
            if not _is_under(total, key):
                continue
            fixed, mixing = _in_unit(total, sums[key])
            measured[i] += float(fixed[rows].sum())
            columns = [zone for zone in range(mixing.shape[1]) if (key, zone) in column]
            at = [column[key, zone] for zone in columns]
            seen[at] += np.asarray(mixing[rows].sum(axis=0)).ravel()[columns]
            mine = columns if not total.zone else [zone for zone in columns if zone == zones.index(total.zone)]
            under[[column[key, zone] for zone in mine]] = 1.0
        seen_rows.append(csr_array(seen[None, :]))
        under_rows.append(csr_array(under[None, :]))
        shared, own = measured_errors(total, zones, sums)
        variance[i] = own + sum(value**2 for _, value in sorted(shared.items()))
    return Problem(totals, strata, measured, _stacked(seen_rows), _stacked(under_rows), variance)


def measured_errors(
    total: ControlTotal, zones: Sequence[str], sums: Mapping[Key, KeySums]
) -> tuple[dict[str, float], float]:
    """Signed loadings by group, and own variance, of what is measured under a total; in its unit, and squared.

    A total in MWh knows nothing of factors; a key's activity stands to its emissions as a whole.
    """
    rows = slice(None) if not total.zone else [zones.index(total.zone)]
    loadings, own = dict[str, float](), 0.0
    for key in sorted(sums):
        each = sums[key]
        if not _is_under(total, key):
            continue
        scale = 1.0
        if total.unit == "MWh":
            emitted = float(each.fixed[rows].sum())
            scale = float(each.fixed_mwh[rows].sum()) / emitted if emitted else 0.0
        own += float(each.fixed_own[rows].sum()) * scale**2
        for group, values in each.fixed_loadings.items():
            if total.unit != "MWh" or not group.startswith("factor:"):
                loadings[group] = loadings.get(group, 0.0) + float(values[rows].sum()) * scale
    return loadings, own


def relative_covariance(problem: Problem, zones: Sequence[str], sums: Mapping[Key, KeySums]) -> FloatArray:
    """(strata, strata) covariance of modelled strata before calibration, relative to their emissions.

    Errors of a factor count for totals in tCO2e only; those in MWh know nothing of factors.
    """
    groups = sorted({group for each in sums.values() for group in each.loadings})
    loadings, own = np.zeros((len(problem.strata), len(groups))), np.zeros(len(problem.strata))
    for j, stratum in enumerate(problem.strata):
        each, zone = sums[_key(stratum)], _zone(stratum, zones)
        whole = each.modelled[zone]
        for group, values in each.loadings.items():
            if not (group.startswith("factor:") and _in_energy(problem, j)):
                loadings[j, groups.index(group)] = values[zone] / whole
        own[j] = each.own[zone] / whole**2
    return np.asarray(np.einsum("ig,jg->ij", loadings, loadings) + np.diag(own))


def scaling_of(
    problem: Problem,
    zones: Sequence[str],
    sums: Mapping[Key, KeySums],
    factors: FloatArray,
    covariance: FloatArray | None,
) -> Scaling:
    """Factors by key and zone, and the errors that lines have from now on.

    Args:
        problem: totals and strata.
        zones: ids, as in the strata.
        sums: by key.
        factors: (strata,) as fitted.
        covariance: (strata, strata) before, where strata may be under several totals; None for ratio.
    """
    n_zones = len(zones) + 1
    by_key: dict[Key, FloatArray] = {}
    errors: dict[tuple[Key, int], SharedErrors] = {}
    after = None if covariance is None else fitted_covariance(problem, factors, covariance)
    for j, stratum in enumerate(problem.strata):
        key, zone = _key(stratum), _zone(stratum, zones)
        over = [i for i, total in enumerate(problem.totals) if j in problem.strata_of(i)]
        if not over:
            continue
        by_key.setdefault(key, np.ones(n_zones))[zone] = factors[j]
        stated = [i for i in over if problem.totals[i].sd is not None]
        if not stated:
            continue
        if after is None:
            total, alike = problem.totals[over[0]], problem.strata_of(over[0]).tolist()
            wanted = float(problem.wanted[over[0]])
            shared, own = measured_errors(total, zones, sums)
            u = float(np.hypot(total.sd or 0.0, np.sqrt(own))) / abs(wanted)
            name = f"total:{total.sector}:{total.carrier or 'all'}:{total.zone or 'region'}"
        else:
            u, alike, shared, wanted = float(np.sqrt(max(after[j, j], 0.0))), [j], {}, 1.0
            name = f"total:{stratum.sector}:{stratum.carrier}"
        mean = _mean_errors([problem.strata[one] for one in alike], zones, sums)
        for group, value in shared.items():  # what meters read too much, modelled lines get too little of
            mean[group] = mean.get(group, 0.0) + value / wanted
        errors[key, zone] = SharedErrors(name, u, mean, keeps_factor=_in_energy(problem, j))
    return Scaling(by_key, errors)


def _mean_errors(strata: Sequence[Stratum], zones: Sequence[str], sums: Mapping[Key, KeySums]) -> dict[str, float]:
    """Shared errors of some strata together, relative to their emissions: what a total takes away."""
    whole, found = 0.0, dict[str, float]()
    for stratum in strata:
        each, zone = sums[_key(stratum)], _zone(stratum, zones)
        whole += float(each.modelled[zone])
        for group, values in each.loadings.items():
            found[group] = found.get(group, 0.0) + float(values[zone])
    return {group: value / whole for group, value in sorted(found.items())} if whole else {}


def _record(
    spec: CalibrationSpec,
    problem: Problem,
    zones: Sequence[str],
    sums: Mapping[Key, KeySums],
    factors: FloatArray,
    after: FloatArray,
) -> dict[str, Any]:
    """What the manifest says: each total with what it met, each stratum's factor before and after."""
    before = problem.modelled(np.ones(len(factors))) + problem.measured
    return {
        "method": spec.method,
        "zone_set": spec.zone_set,
        "bounds": list(spec.bounds),
        "totals": [
            {
                "where": total.where,
                "year": total.year,
                "zone": total.zone,
                "sector": total.sector,
                "carrier": total.carrier,
                "basis": total.basis,
                "unit": total.unit,
                "total": total.value,
                "uncertainty_percent": total.u95_percent,
                "source": total.source,
                "measured": float(problem.measured[i]),
                "before": float(before[i]),
                "after": float(after[i]),
                "difference": float(after[i] - total.value),
            }
            for i, total in enumerate(problem.totals)
        ],
        "factors": [
            {
                **stratum._asdict(),
                "factor": float(factors[j]),
                "before_tco2e": float(sums[_key(stratum)].modelled[_zone(stratum, zones)]),
            }
            for j, stratum in enumerate(problem.strata)
            if factors[j] != 1
        ],
        "unusual": unusual(problem, factors),
    }


def _is_under(total: ControlTotal, key: Key) -> bool:
    return total.covers(key.year, total.zone, key.sector, key.carrier, key.basis)


def _in_energy(problem: Problem, stratum: int) -> bool:
    return any(total.unit == "MWh" and stratum in problem.strata_of(i) for i, total in enumerate(problem.totals))


def _in_unit(total: ControlTotal, sums: KeySums) -> tuple[FloatArray, csr_array]:
    if total.unit == "tCO2e":
        return sums.fixed, sums.mixing
    if sums.mixing_mwh is None or not np.isfinite(sums.fixed_mwh).all():
        raise ImplausibleCalibration(
            f"{total.where}: the total of {total.what} is in MWh, and ours is not measured in energy (litres, cubic "
            "metres, hectares). Give it in tco2e."
        )
    return sums.fixed_mwh, sums.mixing_mwh


def _key(stratum: Stratum) -> Key:
    return Key(stratum.year, stratum.sector, stratum.carrier, stratum.basis)


def _zone(stratum: Stratum, zones: Sequence[str]) -> int:
    return zones.index(stratum.zone) if stratum.zone else len(zones)


def _stacked(rows: Sequence[csr_array]) -> csr_array:
    return csr_array(vstack(rows, format="csr"))
