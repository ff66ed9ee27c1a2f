"""Question `mix`: how soon the best mix of measures in zones is there, and with which proven gap."""

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from bench.report import Report
from scenarios.combinations import combinations
from scenarios.limits import Fairness, Limits
from scenarios.options import NO_GROUP, FloatArray, IntArray, Options
from scenarios.portfolio import Portfolio, best_portfolio
from scenarios.solver import Settings

Tell = Callable[[str], None]

COLUMNS = {"request": "request", "seconds": "seconds", "gap_percent": "gap, %", "saved_percent": "saved, %"}
AIM_S, AIM_GAP = 30.0, 0.01
_LEVELS = 4
_GROUPS = 2
_ALONE = 2  # measures that work on nothing that others work on, such as parks
_PARTS = 25


def mix(*, zones: int, measures: int, repeat: int, tell: Tell) -> Report:
    """Measure the optimiser on made-up options.

    Args:
        zones: how many.
        measures: how many, each with three levels above none.
        repeat: rounds; within one, the requests take turns.
        tell: is told of each step.
    """
    settings = {"zones": zones, "measures": measures, "levels": _LEVELS - 1, "repeat": repeat}
    report = Report("mix", "From options to the best mix, with its proven gap", COLUMNS, settings)
    options = made_options(zones, measures)
    most = float(combinations(options).reduction_tco2e[_best_of_each(options)].sum())
    requests = _requests(options, most)
    taken: dict[str, list[tuple[float, Portfolio]]] = {name: [] for name in requests}
    for turn in range(repeat):
        for name, request in requests.items():
            tell(f"{name}, round {turn + 1} of {repeat}")
            begin = time.perf_counter()
            found = request()
            taken[name].append((time.perf_counter() - begin, found))
    report.rows = [
        {
            "request": name,
            "seconds": median(seconds for seconds, _ in runs),
            "gap_percent": 100 * max(found.gap for _, found in runs),
            "saved_percent": 100 * runs[-1][1].total_tco2e / most,
            "cost": runs[-1][1].total_cost,
            "rounds": runs[-1][1].rounds,
            "difference": runs[-1][1].difference,
            "aim_s": AIM_S,
            "aim_gap_percent": 100 * AIM_GAP,
        }
        for name, runs in taken.items()
    ]
    report.notes = [f"Aims: {AIM_S:g} s and a gap below {100 * AIM_GAP:g} %, for 250 zones and 12 measures."]
    return report


def made_options(zones: int, measures: int, seed: int = 8) -> Options:
    """Options with falling returns, the same for the same arguments: measures of two groups meet, two add."""
    numbers = np.random.default_rng(seed)
    base = numbers.uniform(50, 500, (zones, _GROUPS))
    group = np.array([k % _GROUPS for k in range(measures - _ALONE)] + [NO_GROUP] * _ALONE)
    step = np.arange(1, _LEVELS) / (_LEVELS - 1)
    effects, costs = np.zeros((zones, measures, _LEVELS)), np.zeros((zones, measures, _LEVELS))
    for measure, member in enumerate(group):
        reach = base[:, member] if member != NO_GROUP else numbers.uniform(5, 50, zones)
        effects[:, measure, 1:] = (reach * numbers.uniform(0.05, 0.4, zones))[:, None] * step
        costs[:, measure, 1:] = effects[:, measure, 1:] * numbers.uniform(20, 300, (zones, 1)) * step**0.5
    return Options(effects, costs, base, group, ["efficiency"] * measures, "EUR a year")


def _best_of_each(options: Options) -> IntArray:
    """Of each zone and group the combination that saves most: together the most that can be saved."""
    found = combinations(options)
    order = np.lexsort((-found.reduction_tco2e, found.klass))
    first = np.diff(found.klass[order], prepend=-1) > 0
    return np.asarray(order[first])


def _requests(options: Options, most: float) -> dict[str, Callable[[], Portfolio]]:
    zones = options.shape[0]
    asked = Settings()
    half = best_portfolio(options, target_tco2e=0.5 * most)
    budget = half.total_cost
    parts = np.arange(zones) % min(_PARTS, zones)
    people = np.random.default_rng(9).uniform(500, 5000, zones)

    def simulated(levels: IntArray) -> FloatArray:
        """A simulation that finds a third less than estimated, and zones that differ."""
        kept = np.take_along_axis(options.kept_fractions(), levels[:, :, None], axis=2)[:, :, 0]
        alone = np.take_along_axis(options.effects_tco2e, levels[:, :, None], axis=2)[:, :, 0]
        saved = alone[:, options.group == NO_GROUP].sum(axis=1)
        for number in range(options.base_tco2e.shape[1]):
            saved = saved + options.base_tco2e[:, number] * (1 - kept[:, options.group == number].prod(axis=1))
        return np.asarray(options.base_tco2e.sum(axis=1) - saved * (0.55 + 0.2 * (np.arange(zones) % 2)))

    found: dict[str, Callable[[], Portfolio]] = {
        "target, half of what can be saved": lambda: best_portfolio(options, target_tco2e=0.5 * most, settings=asked),
        "budget of the same": lambda: best_portfolio(options, budget=budget, settings=asked),
        "budget, at most 4 measures a zone": lambda: best_portfolio(
            options, budget=budget, limits=Limits(measures_per_zone=np.full(zones, 4.0)), settings=asked
        ),
        "budget, fair between 25 parts": lambda: best_portfolio(
            options, budget=budget, fairness=Fairness(parts, people, 0.8, 1.25), settings=asked
        ),
        "target, simulated": lambda: best_portfolio(
            options, target_tco2e=0.3 * most, simulate=simulated, settings=asked
        ),
    }
    return found
