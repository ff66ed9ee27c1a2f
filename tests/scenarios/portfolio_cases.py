"""Options made up for tests, and the best choice found by trying every one."""

import itertools

import numpy as np

from scenarios.options import NO_GROUP, FloatArray, IntArray, Options
from scenarios.robust import Samples


def made_options(zones: int, measures: int, levels: int, seed: int, alone: int = 1, groups: int = 1) -> Options:
    """Positive effects and costs with falling returns; the last `alone` measures add, the others meet in groups."""
    numbers = np.random.default_rng(seed)
    base = numbers.uniform(50, 500, (zones, groups))
    group = np.array([k % groups for k in range(measures - alone)] + [NO_GROUP] * alone)
    step = np.arange(1, levels) / (levels - 1)
    effects, costs = np.zeros((zones, measures, levels)), np.zeros((zones, measures, levels))
    for measure, member in enumerate(group):
        reach = base[:, member] if member != NO_GROUP else numbers.uniform(5, 50, zones)
        effects[:, measure, 1:] = (reach * numbers.uniform(0.1, 0.7, zones))[:, None] * step
        costs[:, measure, 1:] = effects[:, measure, 1:] * numbers.uniform(20, 300, (zones, 1)) * step**0.5
    return Options(effects, costs, base, group, ["efficiency"] * measures, "EUR")


def every_choice(options: Options) -> tuple[IntArray, FloatArray, FloatArray]:
    """All choices (n, zones, measures), what they save (n, zones) and cost (n, zones), by plain products and sums."""
    zones, measures, levels = options.shape
    saved, spent, chosen = [], [], []
    for zone in range(zones):
        zone_choices = [
            choice
            for choice in itertools.product(range(levels), repeat=measures)
            if all(level == 0 or options.allowed[zone, m, level] for m, level in enumerate(choice))
        ]
        chosen.append(zone_choices)
        saved.append([zone_saving(options, zone, choice) for choice in zone_choices])
        spent.append([sum(options.costs[zone, m, level] for m, level in enumerate(choice)) for choice in zone_choices])
    index = np.stack(np.meshgrid(*[np.arange(len(c)) for c in chosen], indexing="ij"), axis=-1).reshape(-1, zones)
    return (
        np.stack([np.array(chosen[z])[index[:, z]] for z in range(zones)], axis=1),
        np.stack([np.array(saved[z])[index[:, z]] for z in range(zones)], axis=1),
        np.stack([np.array(spent[z])[index[:, z]] for z in range(zones)], axis=1),
    )


def zone_saving(options: Options, zone: int, choice: tuple[int, ...]) -> float:
    """What one zone saves: each measure a part of what those of its group before it left."""
    left = {group: float(options.base_tco2e[zone, group]) for group in range(options.base_tco2e.shape[1])}
    saved = 0.0
    for measure, level in enumerate(choice):
        effect, group = float(options.effects_tco2e[zone, measure, level]), int(options.group[measure])
        if group == NO_GROUP:
            saved += effect
        elif options.base_tco2e[zone, group] > 0:
            part = left[group] * effect / float(options.base_tco2e[zone, group])
            left[group] -= part
            saved += part
    return saved


def made_samples(options: Options, count: int, seed: int, shared: float = 0.25, own: float = 0.2) -> Samples:
    """Effects that share an error by measure and have one of their own by zone; bases with an error by group."""
    numbers = np.random.default_rng(seed)
    zones, measures, _ = options.shape
    together = shared * numbers.standard_normal((count, 1, measures, 1)) * np.linspace(0.4, 1.6, measures)[:, None]
    alone = own * numbers.standard_normal((count, zones, measures, 1))
    effects = options.effects_tco2e * np.exp(together + alone - (shared**2 + own**2) / 2)
    base = options.base_tco2e * np.exp(0.05 * numbers.standard_normal((count, 1, options.base_tco2e.shape[1])))
    return Samples(effects, base)
