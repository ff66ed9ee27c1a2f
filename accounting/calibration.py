"""Calibration: modelled values are scaled so that they meet given totals; measured ones stay (METHODS A3, B5, I3).

Unknown is one factor k for each stratum: the modelled lines of one year, zone, sector, carrier and basis. A feature in
several zones takes the mean of their factors, weighted by its shares. So what a control total i sees is linear:

    seen(i) = measured(i) + sum over strata s of A(i, s) k(s)

`ratio`: every stratum under a total takes the same factor, and none is under two: a system of linear equations. `ipf`:
totals may cross (zones by carriers); factors are products of one multiplier per total, the solution nearest to the
model in relative entropy, found by multiplying by total over what is seen, total by total, until all are met to
rounding. `least_squares` moves strata by their own uncertainty and meets totals only as closely as these are sure:

    k = 1 + C A' (A C A' + W)^-1 (t - A 1)        C: covariance of strata, relative; W: variances of the totals
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array
from scipy.sparse.linalg import splu

from accounting.control_totals import ControlTotal
from accounting.errors import ImplausibleCalibration, ShapeMismatch

FloatArray = npt.NDArray[np.float64]

METHODS = ("ratio", "ipf", "least_squares")
MET = 1e-12
"""Relative distance from a total at which IPF has met it."""
SWEEPS = 20_000
USUAL = (0.5, 2.0)
"""Factors beyond these are reported, METHODS A3."""
_SHOWN = 5
_DIGITS = 13


class Stratum(NamedTuple):
    """What is scaled by one factor: modelled lines of a year, zone (empty: in none), sector, carrier and basis."""

    year: int
    zone: str
    sector: str
    carrier: str
    basis: str

    def __str__(self) -> str:
        place = f"zone {self.zone!r}" if self.zone else "no zone"
        return f"{self.carrier} ({self.basis}) of {self.sector} in {place}, {self.year}"


@dataclass(frozen=True, eq=False)
class Problem:
    """Totals, and what stands against them.

    Attributes:
        totals: (n,) control totals.
        strata: (m,) strata with modelled lines.
        measured: (n,) what stays as it is, in the unit of each total.
        seen: (n, m) csr: what a total sees of each stratum's factor, in the unit of the total; zero entries may be left
            out. A feature of two zones makes a total see the factors of both.
        under: (n, m) csr of ones: which strata a total is the total of.
        measured_variance: (n,) of what is measured, in the unit of each total, squared; none if None. What is left for
            modelled lines is total less measured, and no surer than either.
    """

    totals: Sequence[ControlTotal]
    strata: Sequence[Stratum]
    measured: FloatArray
    seen: csr_array
    under: csr_array
    measured_variance: FloatArray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.totals), len(self.strata))
        if not (self.seen.shape == self.under.shape == shape and self.measured.shape == shape[:1]):
            raise ShapeMismatch(
                f"{shape[0]} totals and {shape[1]} strata, but sums of {self.measured.shape}, {self.seen.shape} and "
                f"{self.under.shape}."
            )

    @property
    def wanted(self) -> FloatArray:
        """(n,) what modelled values have to come to."""
        return np.array([total.value for total in self.totals]) - self.measured

    @property
    def variances(self) -> FloatArray:
        """(n,) variance of `wanted`: of the total, 0 where it states none, and of what is measured under it."""
        stated = np.array([(total.sd or 0.0) ** 2 for total in self.totals])
        return stated if self.measured_variance is None else stated + self.measured_variance

    def modelled(self, factors: FloatArray) -> FloatArray:
        """(n,) what modelled values come to under each total."""
        return np.asarray(self.seen @ factors, dtype=np.float64)

    def strata_of(self, total: int) -> npt.NDArray[np.int64]:
        """Positions of the strata under a total."""
        first, last = self.under.indptr[total : total + 2]
        return np.asarray(self.under.indices[first:last], dtype=np.int64)


def fitted_factors(
    problem: Problem, method: str, bounds: tuple[float, float], covariance: FloatArray | None = None
) -> FloatArray:
    """The factor of every stratum.

    Args:
        problem: totals and what stands against them.
        method: one of `METHODS`.
        bounds: least and largest factor that is believed.
        covariance: (m, m) relative covariance of the strata; needed by `least_squares`.

    Returns:
        (m,) factors; 1 where no total says anything.

    Raises:
        ImplausibleCalibration: nothing to scale, a factor that is negative or out of bounds, totals that contradict
            each other, cross under `ratio`, or lack the uncertainty that `least_squares` weighs them by.
    """
    if method not in METHODS:
        raise ValueError(f"Method {method!r} is none of {', '.join(METHODS)}.")
    _refuse_hopeless(problem, bounds)
    if method == "least_squares":
        factors = _least_squares(problem, covariance)
    elif method == "ratio":
        _refuse_crossing(problem)
        factors = _one_each(problem)
    else:
        factors = _proportional(problem)
    _refuse_implausible(problem, factors, bounds)
    return factors


def unusual(problem: Problem, factors: FloatArray) -> list[str]:
    """Sentences on factors that are plausible and still worth a look."""
    low, high = USUAL
    return [
        f"{stratum} was multiplied by {factor:.3g}"
        for stratum, factor in zip(problem.strata, factors.tolist(), strict=True)
        if not low <= factor <= high
    ]


def fitted_covariance(problem: Problem, factors: FloatArray, covariance: FloatArray) -> FloatArray:
    """Relative covariance of the strata once totals are known: `C - C A'(A C A' + W)^-1 A C`, A at the fitted values.

    Totals that state no uncertainty tell nothing of it and narrow nothing.

    Args:
        problem: totals and strata.
        factors: (m,) as fitted.
        covariance: (m, m) before.
    """
    known = [i for i, total in enumerate(problem.totals) if total.sd is not None]
    if not known:
        return covariance
    seen = problem.seen.toarray()[known] * factors
    variances = problem.variances[known]
    gain = covariance @ seen.T
    after = covariance - gain @ np.linalg.solve(seen @ gain + np.diag(variances), gain.T)
    return _rounded(np.asarray((after + after.T) / 2))


def _one_each(problem: Problem) -> FloatArray:
    """Ratio: the factor of each total, from as many equations; 13 digits, since what follows depends on the machine."""
    free = np.asarray(problem.under.sum(axis=0)).ravel() == 0
    of_total = csc_array(problem.seen @ problem.under.T)
    fixed = problem.modelled(free.astype(np.float64))
    active = np.flatnonzero(np.diff(problem.under.indptr) > 0)
    if not len(active):
        return np.ones(len(problem.strata))
    try:
        solver = splu(csc_array(of_total[active][:, active]))
    except RuntimeError:  # two zones whose features all lie in both, alike
        problem_zones = ", ".join(sorted({problem.totals[i].place for i in active.tolist()}))
        raise ImplausibleCalibration(
            f"Totals of {problem_zones} cannot be told apart by the features there: all of them lie in the same zones "
            "to the same parts. Give one total for these zones together."
        ) from None
    multipliers = np.array([float(f"{one:.13g}") for one in solver.solve((problem.wanted - fixed)[active]).tolist()])
    for i, multiplier in zip(active.tolist(), multipliers.tolist(), strict=True):
        if not multiplier > 0:
            total, modelled = problem.totals[i], problem.modelled(np.ones(len(free)))
            raise ImplausibleCalibration(
                f"{total.where}: {total.what}: to meet this total ({_say(total.value, total)}) and those of the zones "
                f"beside it, modelled values of {_say(float(modelled[i]), total)} would have to be "
                f"multiplied by {multiplier:.3g}. A factor is never negative or zero: most features here lie in "
                "neighbours too, whose totals ask for the contrary. Is the source complete? Give one total for the "
                "zones together."
            )
    factors = np.ones(len(problem.strata))
    for i, multiplier in zip(active.tolist(), multipliers.tolist(), strict=True):
        factors[problem.strata_of(i)] = multiplier
    return factors


def _proportional(problem: Problem) -> FloatArray:
    """IPF: multiply the strata under each total by what is wanted over what is seen, until all are met."""
    factors, wanted = np.ones(len(problem.strata)), problem.wanted
    strata = [problem.strata_of(i) for i in range(len(problem.totals))]
    indptr, indices, data = problem.seen.indptr, problem.seen.indices, problem.seen.data
    rows = [slice(first, last) for first, last in pairwise(indptr.tolist())]
    active = [i for i in range(len(strata)) if len(strata[i])]
    worst, where = 0.0, 0
    for _ in range(SWEEPS):
        worst = 0.0
        for i in active:
            seen = float((data[rows[i]] * factors[indices[rows[i]]]).sum())
            ratio = wanted[i] / seen if seen else np.inf
            if not 0 < ratio < np.inf:
                _refuse_contradiction(problem, i, factors)
            factors[strata[i]] *= ratio
            if abs(ratio - 1) > worst:
                worst, where = abs(ratio - 1), i
        if worst <= MET:
            return factors
    _refuse_contradiction(problem, where, factors)


def _least_squares(problem: Problem, covariance: FloatArray | None) -> FloatArray:
    if covariance is None:
        raise ShapeMismatch("Least squares need the covariance of the strata.")
    bare = [total for total in problem.totals if total.sd is None]
    if bare:
        raise ImplausibleCalibration(
            f"{bare[0].where}: least squares weigh a total by its uncertainty, and the total of {bare[0].what} states "
            "none. Give uncertainty_percent (half a 95 % interval), or use method ratio or ipf, which meet totals as "
            "they are."
        )
    seen = problem.seen.toarray()
    variances = problem.variances
    gain = covariance @ seen.T
    off = problem.wanted - problem.modelled(np.ones(len(problem.strata)))
    return _rounded(1 + gain @ np.linalg.solve(seen @ gain + np.diag(variances), off))


def _rounded(values: FloatArray) -> FloatArray:
    """To 13 digits: what a linear solver leaves beyond them depends on the machine."""
    scale = float(np.abs(values).max()) if values.size else 0.0
    return np.round(values / scale, _DIGITS) * scale if scale else values


def _refuse_hopeless(problem: Problem, bounds: tuple[float, float]) -> None:
    """Refuse what no method could do: nothing to scale, or measured values that exceed their total."""
    modelled = problem.modelled(np.ones(len(problem.strata)))
    wanted = problem.wanted
    for i, total in enumerate(problem.totals):
        if not len(problem.strata_of(i)) or modelled[i] == 0:
            if abs(wanted[i]) > MET * abs(total.value):
                raise ImplausibleCalibration(
                    f"{total.where}: {total.what}: the total given is {_say(total.value, total)}, measured are "
                    f"{_say(problem.measured[i], total)}, and nothing is modelled there that could be scaled to the "
                    "rest. Is the zone's id right, does a source hold features there, and does the map know this "
                    "carrier? Where only the total is known, relative intensities or traffic under assumptions "
                    "are enough to spread it (docs/region-file.md, calibration)."
                )
        elif wanted[i] / modelled[i] <= 0:
            raise ImplausibleCalibration(
                f"{total.where}: {total.what}: the total given is {_say(total.value, total)}, but measured values, "
                f"which stay as they are, come to {_say(problem.measured[i], total)} and modelled ones to "
                f"{_say(modelled[i], total)}: these would have to be multiplied by {wanted[i] / modelled[i]:.3g}. "
                "A factor is never negative or zero. Is the total of the same zone, year, unit and basis (direct, "
                f"indirect) as the map? Expected is a factor of {bounds[0]:g} to {bounds[1]:g}."
            )


def _refuse_crossing(problem: Problem) -> None:
    times = np.asarray(problem.under.sum(axis=0)).ravel()
    if (times > 1).any():
        stratum = int(np.argmax(times))
        both = [total for i, total in enumerate(problem.totals) if stratum in problem.strata_of(i)]
        raise ImplausibleCalibration(
            f"{problem.strata[stratum]} is under {len(both)} totals: {both[0].where} ({both[0].what}) and "
            f"{both[1].where} ({both[1].what}). Method ratio takes one; use ipf (meets all of them) or least_squares."
        )


def _refuse_contradiction(problem: Problem, i: int, factors: FloatArray) -> NoReturn:
    total = problem.totals[i]
    seen = problem.modelled(factors)[i] + problem.measured[i]
    raise ImplausibleCalibration(
        f"{total.where}: {total.what}: no factors meet this total ({_say(total.value, total)}) and all others at once; "
        f"IPF ends at {_say(float(seen), total)}. Totals that cross must add up to the same (zones to the region, "
        "carriers to all carriers), measured values included; correct one, leave one out, or use least_squares."
    )


def _refuse_implausible(problem: Problem, factors: FloatArray, bounds: tuple[float, float]) -> None:
    low, high = bounds
    wrong = [j for j, factor in enumerate(factors.tolist()) if not low <= factor <= high]
    if not wrong:
        return
    before, after = problem.modelled(np.ones(len(factors))), problem.modelled(factors)
    sentences = []
    for j in wrong[:_SHOWN]:
        sentence = f"{problem.strata[j]} would be multiplied by {factors[j]:.4g}"
        i = next((i for i in range(len(problem.totals)) if j in problem.strata_of(i)), None)
        if i is not None:
            total = problem.totals[i]
            sentence += (
                f" ({total.where}: the total given is {_say(total.value, total)}; ours is "
                f"{_say(problem.measured[i] + before[i], total)}, of which {_say(problem.measured[i], total)} are "
                f"measured and stay; modelled values would go from {_say(before[i], total)} to {_say(after[i], total)})"
            )
        sentences.append(sentence)
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    raise ImplausibleCalibration(
        f"Implausible calibration, factors outside {low:g} to {high:g}: {'; '.join(sentences)}{more}. A total of "
        "another basis (direct, indirect), unit, zone or year is the usual cause, or a source that lacks most features "
        "(declare complete: false and use another). calibration.bounds of the region file sets what is believed."
    )


def _say(value: float, total: ControlTotal) -> str:
    return f"{value:,.4g} {total.unit}" if abs(value) < 1000 else f"{value:,.0f} {total.unit}"
