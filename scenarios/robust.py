"""A portfolio that reaches its target in at least 90 of 100 possible worlds, checked in worlds it was not made for.

Samples of effects and bases (shared errors shared) say what each choice would save if the world were like that. The
constraint "at least a share of samples reach the target" is not linear: around a choice it is replaced by its
gradient, the mean of the samples near the quantile (Hong, Estimating Quantile Sensitivities, Operations Research 57,
2009), and solved again, until nothing better is found. That is a search: what is proven is the gap of its last linear
problem, and, by samples held out, what the choice keeps. Where choices can be run in full in these worlds, runs in
the training ones say how much higher to aim, and one in the held-out ones, which again plays no part in choosing,
judges what was chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from scenarios.combinations import Combinations, combinations, sampled_reductions
from scenarios.errors import plain
from scenarios.limits import Fairness, Limits, check_limits
from scenarios.options import FloatArray, IntArray, Options
from scenarios.portfolio import Chosen, Task, choose
from scenarios.programs import Goal
from scenarios.solver import Clock, Settings, Stopped
from scenarios.where_errors import InvalidOptions, NoPortfolio, TargetOutOfReach

SHARE = 0.9
FEWEST_SAMPLES = 20
"""With fewer, a share of 90 % is two or less that fail."""
_CLOSE = 0.002  # margins nearer than this make no difference worth a round
_NEAR = 0.1  # of all samples, those next to the quantile that stand for it
_SAFETY = 2.33  # standard errors between the share asked of training and of held-out samples: 99 %
_TRIES = 4  # aims, one above the other, where the run in full keeps less than the samples of single measures say

SimulateSamples = Callable[[IntArray], FloatArray]
"""From a (zones, measures) choice to (samples,) tCO2e per year that it saves in so many worlds, run in full."""


@dataclass(frozen=True)
class Samples:
    """Worlds that may be.

    Attributes:
        effects_tco2e: (samples, zones, measures, levels) as in `Options`.
        base_tco2e: (samples, zones, groups).
    """

    effects_tco2e: FloatArray
    base_tco2e: FloatArray

    @property
    def count(self) -> int:
        """How many."""
        return int(self.effects_tco2e.shape[0])

    def check(self, options: Options, name: str) -> None:
        """See that they are samples of these options.

        Raises:
            InvalidOptions: naming what does not fit.
        """
        wanted = (options.effects_tco2e.shape, options.base_tco2e.shape)
        has = (self.effects_tco2e.shape[1:], self.base_tco2e.shape[1:])
        if has != wanted or self.count != self.base_tco2e.shape[0] or self.count < FEWEST_SAMPLES:
            raise InvalidOptions(
                f"The {name} samples have the shapes {self.effects_tco2e.shape} and {self.base_tco2e.shape}; at least "
                f"{FEWEST_SAMPLES} samples of {wanted[0]} and {wanted[1]} were expected."
            )
        if not (np.isfinite(self.effects_tco2e).all() and np.isfinite(self.base_tco2e).all()):
            raise InvalidOptions(f"The {name} samples hold numbers that are not finite.")
        if (self.base_tco2e < 0).any() or (self.effects_tco2e[..., 0] != 0).any():
            raise InvalidOptions(f"The {name} samples hold negative bases, or a level 0 that does something.")

    def reductions_tco2e(self, options: Options, levels: IntArray) -> FloatArray:
        """(samples,) what a choice saves in each, tCO2e per year."""
        zones, measures = np.indices(levels.shape)
        effects = self.effects_tco2e[:, zones, measures, levels]
        saved: FloatArray = effects[:, :, options.group < 0].sum(axis=(1, 2))
        for group in range(options.base_tco2e.shape[1]):
            base = self.base_tco2e[:, :, group]
            part = effects[:, :, options.group == group]
            ratio = np.divide(part, base[:, :, None], out=np.zeros(part.shape), where=base[:, :, None] > 0)
            # An effect drawn larger than what it works on saves all of it, not more.
            saved = saved + (base * (1 - np.clip(1 - ratio, 0, None).prod(axis=2))).sum(axis=1)
        return saved

    def mean_options(self, options: Options, rows: IntArray) -> Options:
        """The options with effects and bases of the mean of some samples."""
        base = self.base_tco2e[rows].mean(axis=0)
        effects = self.effects_tco2e[rows].mean(axis=0)
        grouped = np.flatnonzero(options.group >= 0)
        effects[:, grouped] = np.minimum(effects[:, grouped], base[:, options.group[grouped]][:, :, None])
        return replace(options, effects_tco2e=effects, base_tco2e=base)


@dataclass(frozen=True)
class RobustPortfolio:
    """A choice and how it does in samples it was not made for.

    Attributes:
        levels: (zones, measures).
        total_cost: in `cost_unit`.
        cost_unit: what a cost of 1 is.
        target_tco2e: per year.
        train_share: part of the training samples that reach the target.
        held_out_share: part of the held-out samples that do, by products of what measures leave.
        simulated_share: part of the held-out worlds in which the choice run in full does; None without such a run.
        safe_tco2e: what it saves in all but the worst part (1 - share) of the held-out worlds: run in full, or by
            samples where it was not.
        shortfall_tco2e: what `safe_tco2e` lacks of the target; 0 if the share is kept.
        kept: whether the share asked for is kept in the held-out worlds, by what `safe_tco2e` rests on; false only
            where the search was ended early, as `stopped` says: else a choice that does not keep it is refused.
        gap: of the linear problem that the choice solved: none of the combinations it was made of (those that are
            efficient in the mean of the training samples, thinned where they are many) is better by more. It proves
            nothing about what samples or a run in full say. None where the solver was ended before it knew any bound.
        stopped: by the gap asked for, or since time was up or somebody cancelled: then more rounds were to come.
    """

    levels: IntArray
    total_cost: float
    cost_unit: str
    target_tco2e: float
    train_share: float
    held_out_share: float
    simulated_share: float | None
    safe_tco2e: float
    shortfall_tco2e: float
    kept: bool
    gap: float | None
    stopped: Stopped


class _Best(NamedTuple):
    """A choice, and how its linear problem was solved."""

    levels: IntArray
    gap: float | None
    stopped: Stopped


def robust_portfolio(
    options: Options,
    train: Samples,
    held_out: Samples,
    *,
    target_tco2e: float,
    share: float = SHARE,
    limits: Limits | None = None,
    fairness: Fairness | None = None,
    train_simulate: SimulateSamples | None = None,
    held_out_simulate: SimulateSamples | None = None,
    settings: Settings | None = None,
    rounds: int = 12,
) -> RobustPortfolio:
    """The cheapest choice found that reaches a target in at least a share of samples.

    Where the one chosen by training samples does not keep it in the held-out ones, the one that saves most in bad
    samples comes back, if it does, whatever it costs.

    Args:
        options: what may be chosen from, with the central estimate.
        train: samples to choose by. Of them a little more than the share must reach the target (by 2.33 standard
            errors), so that held-out samples, which play no part in choosing, keep it.
        held_out: other samples, to check with.
        target_tco2e: per year.
        share: at least so many of all samples.
        limits: per zone.
        fairness: between parts of the region.
        train_simulate: runs a choice in full in the training worlds; the search aims higher, a few times at most,
            while fewer of them than asked for reach the target.
        held_out_simulate: runs it in the held-out worlds, which then judge it.
        settings: gap, time limit, progress, cancelling.
        rounds: linearise at most so often.

    Raises:
        InvalidOptions: arguments that do not fit.
        TargetOutOfReach: not even the choice that saves most in bad samples keeps the share; says by how much.
        NoPortfolio: see `best_portfolio`. Stopped later, the best so far comes back, `kept` or not.
    """
    if not (np.isfinite(target_tco2e) and target_tco2e > 0 and 0.5 <= share < 1):
        raise InvalidOptions(
            f"The target is {plain(target_tco2e)} tCO2e per year in a share of {share:g}; above 0 in 0.5 to below 1 "
            "was expected."
        )
    limits, settings = limits or Limits(), settings or Settings()
    check_limits(options, limits, fairness)
    train.check(options, "training")
    held_out.check(options, "held-out")
    search = _Search(options, train, limits, fairness, settings)
    stricter = min(_stricter(share, train.count, held_out.count), 1 - 1 / train.count)
    judge = _Judge(options, train, held_out, held_out_simulate, target_tco2e, share)
    aimed = _aimed(search, train_simulate, target_tco2e, stricter, rounds)
    found = None if aimed is None else judge.told(aimed)
    if found is not None and (found.kept or found.stopped != "gap"):
        return found
    try:
        safest = judge.told(search.safest(stricter, rounds))
    except NoPortfolio:
        if aimed is None:
            raise
        return judge.told(search.ended(aimed))
    if safest.kept or safest.stopped != "gap":
        return safest
    if found is None or safest.safe_tco2e >= found.safe_tco2e:
        found = safest
    reached = found.held_out_share if found.simulated_share is None else found.simulated_share
    raise TargetOutOfReach(
        f"The target is {target_tco2e:,.1f} tCO2e per year in {share:.0%} of samples; within the limits at "
        f"most {found.safe_tco2e:,.1f} can be relied on so often: {found.shortfall_tco2e:,.1f} are missing, "
        f"and {reached:.0%} of held-out samples reach the target. Lower the target or the share, or allow more.",
        target_tco2e,
        found.safe_tco2e,
    )


def _aimed(
    search: "_Search", simulate: SimulateSamples | None, target_tco2e: float, share: float, rounds: int
) -> _Best | None:
    """The cheapest choice that reaches the target in so many training worlds; None if no aim is high enough."""
    aim, before = target_tco2e, None
    for left in reversed(range(_TRIES)):
        try:
            best = search.cheapest(aim, share, rounds)
        except NoPortfolio:
            if before is None:
                raise
            return search.ended(before)
        if best is None or simulate is None or left == 0:
            return best
        before = best
        safe = _kept_by(_simulated(simulate, best.levels), share)
        if safe >= target_tco2e:
            return best
        if safe <= 0:
            return None
        aim *= max(target_tco2e / safe, 1 + _CLOSE)
    return None


class _Search:
    """Linear problems, one after another, each made of the samples near the quantile of the choice before."""

    def __init__(
        self, options: Options, train: Samples, limits: Limits, fairness: Fairness | None, settings: Settings
    ) -> None:
        self._options = options
        self._train = train
        found = combinations(
            train.mean_options(options, np.arange(train.count)), count_measures=limits.measures_per_zone is not None
        )
        # What thinning may have cost is known of the mean of the samples only; near a quantile combinations that save
        # next to nothing in the mean may save many times that, and a bound eased so much would say nothing at all.
        self._found: Combinations = replace(found, slack_tco2e=0.0)
        self._task = Task(options, self._found, Goal(budget=float("inf")), limits, fairness, settings)
        self._clock = Clock()
        self._number = 0
        self._cut_short = False

    def cheapest(self, target_tco2e: float, share: float, rounds: int) -> _Best | None:
        """The cheapest choice that reached the target in the share of training samples."""
        saved = self._found.reduction_tco2e
        best: _Best | None = None
        best_cost = np.inf
        rows: IntArray | None = None
        # How far above the target to aim: more than `low`, which missed it, less than `high`, which was enough.
        margin, low, high = 1.0, 0.0, np.inf
        for number in range(rounds):
            if best is not None and self._is_late:
                return self.ended(best)
            try:
                chosen = self._choose(Goal(target_tco2e=target_tco2e), saved, rows, margin)
            except NoPortfolio:
                if best is None:
                    raise
                return self.ended(best)
            if chosen is None:
                if rows is None:
                    break  # not even the mean of the samples reaches it
                high = margin
            else:
                rows = chosen.rows
                levels, reached, near = self._quantile(rows, share)
                cost = float(self._options.cost(levels).sum())
                if reached >= target_tco2e:
                    high = margin
                    if cost < best_cost:
                        best, best_cost = _Best(levels, _proven(chosen), chosen.solution.stopped), cost
                elif number > 0:  # the first round knows the mean only, and tells nothing of margins
                    low = margin
                saved = self._near_quantile(near, rows, reached)
            margin = _between(low, high)
            if high - low < _CLOSE:
                break
        return self.ended(best) if best is not None and self._cut_short else best

    def safest(self, share: float, rounds: int) -> _Best:
        """The choice that saves most in the share of training samples."""
        saved = self._found.reduction_tco2e
        best: _Best | None = None
        most = -np.inf
        rows: IntArray | None = None
        for _ in range(rounds):
            if best is not None and self._is_late:
                return self.ended(best)
            try:
                chosen = self._choose(Goal(budget=float("inf")), saved, rows, 1.0)
            except NoPortfolio:
                if best is None:
                    raise
                return self.ended(best)
            assert chosen is not None  # without a target something is always reached; contradictions raise
            rows = chosen.rows
            levels, reached, near = self._quantile(rows, share)
            if reached <= most * (1 + 1e-9) and best is not None:
                break
            best, most = _Best(levels, _proven(chosen), chosen.solution.stopped), reached
            saved = sampled_reductions(self._found, self._train.mean_options(self._options, near))
        assert best is not None
        return self.ended(best) if self._cut_short else best

    @property
    def _is_late(self) -> bool:
        return self._clock.seconds >= self._task.settings.time_limit_s

    def ended(self, best: _Best) -> _Best:
        """The best so far of a search that could not go on: it was cancelled, or time was up."""
        asked = self._task.settings.cancelled
        return best._replace(stopped="cancelled" if asked is not None and asked() else "time")

    def _choose(self, goal: Goal, saved: FloatArray, rows: IntArray | None, margin: float) -> Chosen | None:
        self._number += 1
        task = replace(self._task, goal=goal)
        chosen = choose(task, saved, rows, self._number, self._clock, margin)
        # Of the last round: after one that was cut short others may have ended as they should.
        self._cut_short = chosen is not None and chosen.solution.stopped != "gap"
        return chosen

    def _quantile(self, rows: IntArray, share: float) -> tuple[IntArray, float, IntArray]:
        """Levels, what the share of samples saves at least, and the samples nearest to that."""
        levels = self._found.choice(rows)
        reductions = self._train.reductions_tco2e(self._options, levels)
        order = np.argsort(reductions, kind="stable")
        place = reductions.size - int(np.ceil(share * reductions.size - 1e-9))
        width = max(int(_NEAR * reductions.size) // 2, 2)
        near = order[max(place - width, 0) : place + width + 1]
        return levels, float(reductions[order[place]]), near

    def _near_quantile(self, near: IntArray, rows: IntArray, reached: float) -> FloatArray:
        """What combinations save in the samples near the quantile, scaled so that the choice saves what it reached."""
        saved = sampled_reductions(self._found, self._train.mean_options(self._options, near))
        total = float(saved[rows].sum())
        return saved * (reached / total) if total > 0 and reached > 0 else saved


def _proven(chosen: Chosen) -> float | None:
    """The gap of a linear problem; None where its bound says nothing: that costs are not below 0, or not even that."""
    trivial = chosen.solution.bound <= 0 < chosen.solution.objective
    return None if trivial or not np.isfinite(chosen.gap) else chosen.gap


def _between(low: float, high: float) -> float:
    """The next margin to try: half way, or a little further where only one side is known."""
    if not np.isfinite(high):
        return low * 1.02 if low > 0 else 1.0
    return 0.5 * (low + high) if low > 0 else high * 0.98


def _stricter(share: float, train: int, held_out: int) -> float:
    """Share of training samples to ask for, so that held-out samples keep `share` in 99 of 100 cases."""
    return share + _SAFETY * float(np.sqrt(share * (1 - share) * (1 / train + 1 / held_out)))


@dataclass(frozen=True)
class _Judge:
    """What a choice keeps in worlds it was not made for."""

    options: Options
    train: Samples
    held_out: Samples
    simulate: SimulateSamples | None
    target_tco2e: float
    share: float

    def told(self, found: _Best) -> RobustPortfolio:
        levels = found.levels
        estimated = self.held_out.reductions_tco2e(self.options, levels)
        real = estimated if self.simulate is None else _simulated(self.simulate, levels)
        safe = _kept_by(real, self.share)
        return RobustPortfolio(
            levels=levels,
            total_cost=float(self.options.cost(levels).sum()),
            cost_unit=self.options.cost_unit,
            target_tco2e=self.target_tco2e,
            train_share=self._reached(self.train.reductions_tco2e(self.options, levels)),
            held_out_share=self._reached(estimated),
            simulated_share=None if self.simulate is None else self._reached(real),
            safe_tco2e=safe,
            shortfall_tco2e=max(0.0, self.target_tco2e - safe),
            kept=safe >= self.target_tco2e,
            gap=found.gap,
            stopped=found.stopped,
        )

    def _reached(self, saved: FloatArray) -> float:
        return float((saved >= self.target_tco2e).mean())


def _kept_by(saved: FloatArray, share: float) -> float:
    """What a share of samples save at least."""
    return float(np.sort(saved)[saved.size - int(np.ceil(share * saved.size - 1e-9))])


def _simulated(simulate: SimulateSamples, levels: IntArray) -> FloatArray:
    saved = np.asarray(simulate(levels), np.float64)
    if saved.ndim != 1 or saved.size < FEWEST_SAMPLES or not np.isfinite(saved).all():
        raise InvalidOptions(
            f"The simulation of samples returned the shape {saved.shape}; a finite number of tCO2e per year for each "
            f"of at least {FEWEST_SAMPLES} samples was expected."
        )
    return saved
