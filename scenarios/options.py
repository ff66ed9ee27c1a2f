"""What could be done where: measures by zone and level, what each would save alone, what it costs, and how they meet.

Levels are whole numbers; level 0 is "not done", saves nothing and costs nothing. Measures of one *group* work on the
same emissions (the gas of a zone's buildings, say), so each saves a fraction of what the others leave:
`left = base * product(1 - effect / base)` (METHODS D9). Measures of no group (a new park) simply add.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.errors import plain
from scenarios.where_errors import InvalidOptions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Stage = Literal["demand", "efficiency", "fuel switch", "supply"]
STAGES: tuple[Stage, ...] = ("demand", "efficiency", "fuel switch", "supply")
NO_GROUP = -1

_ROUNDING = 1e-9  # an effect may exceed its base by this part of it


@dataclass(frozen=True)
class Options:
    """All that may be chosen from.

    Attributes:
        effects_tco2e: (zones, measures, levels) tCO2e per year that a level saves if nothing else is done (first-in);
            negative if it adds emissions. Level 0 saves 0.
        costs: the same shape, in `cost_unit`; negative if it earns. Level 0 costs 0.
        base_tco2e: (zones, groups) tCO2e per year that the measures of a group reduce; not negative.
        group: (measures,) position of the group each measure works in; `NO_GROUP` for those that add.
        stage: (measures,) in which order effects are told of each measure; it does not change their sum.
        allowed: (zones, measures, levels) which levels may be chosen; level 0 always may.
        cost_unit: what a cost of 1 is.
        resource: (measures,) what each takes a share of that a zone has only once (ground, roofs); "" for nothing.
            Only measures of no group take any.
        uses: (measures, levels) the share of it that a level takes, 0 to 1, alike in all zones.
        zones, measures, groups: names for messages, as many as there are.

    Raises:
        InvalidOptions: shapes that differ, numbers that are not finite, a level 0 that does something, or an effect
            larger than what it works on.
    """

    effects_tco2e: FloatArray
    costs: FloatArray
    base_tco2e: FloatArray
    group: IntArray
    stage: Sequence[Stage]
    cost_unit: str
    allowed: BoolArray = field(default_factory=lambda: np.ones(0, bool))
    resource: Sequence[str] = ()
    uses: FloatArray = field(default_factory=lambda: np.zeros(0))
    zones: Sequence[str] = ()
    measures: Sequence[str] = ()
    groups: Sequence[str] = ()

    def __post_init__(self) -> None:
        effects = np.asarray(self.effects_tco2e, np.float64)
        if effects.ndim != 3 or 0 in effects.shape or effects.shape[2] < 2:
            raise InvalidOptions(
                f"effects_tco2e has the shape {effects.shape}; (zones, measures, levels) with at least one zone, one "
                "measure and the levels 0 and 1 was expected."
            )
        base = np.asarray(self.base_tco2e, np.float64)
        if base.ndim != 2:
            raise InvalidOptions(f"base_tco2e has the shape {base.shape}; (zones, groups) was expected.")
        given = {
            "effects_tco2e": effects,
            "costs": np.asarray(self.costs, np.float64),
            "base_tco2e": base,
            "group": np.asarray(self.group, np.int64),
            "allowed": np.asarray(self.allowed, bool) if np.size(self.allowed) else np.ones(effects.shape, bool),
            "resource": tuple(self.resource) or ("",) * effects.shape[1],
            "uses": np.asarray(self.uses, np.float64) if np.size(self.uses) else np.zeros(effects.shape[1:]),
            "stage": tuple(self.stage),
            "zones": tuple(self.zones) or tuple(f"zone {k}" for k in range(effects.shape[0])),
            "measures": tuple(self.measures) or tuple(f"measure {k}" for k in range(effects.shape[1])),
            "groups": tuple(self.groups) or tuple(f"group {k}" for k in range(base.shape[1])),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)
        self._check_shapes()
        self._check_numbers()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Zones, measures, levels."""
        zones, measures, levels = self.effects_tco2e.shape
        return zones, measures, levels

    def _check_shapes(self) -> None:
        zones, measures, levels = self.shape
        groups = self.base_tco2e.shape[1]
        expected = {
            "costs": (self.costs.shape, (zones, measures, levels)),
            "allowed": (self.allowed.shape, (zones, measures, levels)),
            "base_tco2e": (self.base_tco2e.shape, (zones, groups)),
            "group": (self.group.shape, (measures,)),
            "resource": ((len(self.resource),), (measures,)),
            "uses": (self.uses.shape, (measures, levels)),
            "stage": ((len(self.stage),), (measures,)),
            "zones": ((len(self.zones),), (zones,)),
            "measures": ((len(self.measures),), (measures,)),
            "groups": ((len(self.groups),), (groups,)),
        }
        for name, (has, wanted) in expected.items():
            if has != wanted:
                raise InvalidOptions(
                    f"{name} has the shape {has}; {wanted} was expected, because effects_tco2e holds {zones} zones, "
                    f"{measures} measures and {levels} levels, and base_tco2e {groups} groups."
                )
        if unknown := [stage for stage in self.stage if stage not in STAGES]:
            raise InvalidOptions(f"stage holds {unknown[0]!r}; one of {', '.join(STAGES)} was expected.")
        for number, group in enumerate(self.group):
            if not NO_GROUP <= group < groups:
                raise InvalidOptions(
                    f"{self.measures[number]} is in group {group}; 0 to {groups - 1} was expected, or {NO_GROUP} for a "
                    "measure that adds."
                )

    def _check_numbers(self) -> None:
        if not ((self.uses >= 0) & (self.uses <= 1 + _ROUNDING)).all() or self.uses[:, 0].any():
            raise InvalidOptions("uses holds numbers beyond 0 to 1, or a level 0 that takes some; shares expected.")
        if any(name and group != NO_GROUP for name, group in zip(self.resource, self.group, strict=True)):
            raise InvalidOptions(f"Measures of a group take ground or roofs; only those that add ({NO_GROUP}) may.")
        for name in ("effects_tco2e", "costs", "base_tco2e"):
            values: FloatArray = getattr(self, name)
            if not np.isfinite(values).all():
                where = tuple(int(k) for k in np.argwhere(~np.isfinite(values))[0])
                raise InvalidOptions(
                    f"{name} is {values[where]} at {where}; a finite number was expected. Where something cannot be "
                    "done, say so in `allowed`."
                )
        for name in ("effects_tco2e", "costs"):
            if (getattr(self, name)[:, :, 0] != 0).any():
                raise InvalidOptions(f"{name} is not 0 at level 0, which means that nothing is done.")
        if (self.base_tco2e < 0).any():
            zone, group = np.argwhere(self.base_tco2e < 0)[0]
            raise InvalidOptions(
                f"base_tco2e is {plain(self.base_tco2e[zone, group])} in {self.zones[zone]}, {self.groups[group]}; "
                "measures of a group reduce emissions, which cannot be negative. Measures on removals add: give them "
                f"the group {NO_GROUP}."
            )
        grouped = np.flatnonzero(self.group != NO_GROUP)
        base = self.base_tco2e[:, self.group[grouped]][:, :, None]
        too_large = self.allowed[:, grouped] & (self.effects_tco2e[:, grouped] > base * (1 + _ROUNDING))
        if too_large.any():
            zone, position, level = np.argwhere(too_large)[0]
            measure = grouped[position]
            raise InvalidOptions(
                f"{self.measures[measure]} at level {level} would save "
                f"{plain(self.effects_tco2e[zone, measure, level])} tCO2e in {self.zones[zone]}, where its group "
                f"{self.groups[self.group[measure]]} emits {plain(base[zone, position, 0])}; at most that was "
                "expected. Correct the effect, or forbid the level."
            )

    def kept_fractions(self) -> FloatArray:
        """(zones, measures, levels) what each level leaves of its group's emissions; 1 where there are none.

        Of measures that add it is 1.
        """
        kept = np.ones(self.shape)
        grouped = np.flatnonzero(self.group != NO_GROUP)
        base = np.broadcast_to(self.base_tco2e[:, self.group[grouped]][:, :, None], kept[:, grouped].shape)
        saved = np.divide(self.effects_tco2e[:, grouped], base, out=np.zeros(base.shape), where=base > 0)
        kept[:, grouped] = np.maximum(1 - saved, 0)
        return kept

    def check_levels(self, levels: IntArray) -> IntArray:
        """A choice as (zones, measures) whole numbers.

        Raises:
            InvalidOptions: another shape, or a level that there is not or that may not be chosen.
        """
        zones, measures, count = self.shape
        levels = np.asarray(levels)
        if levels.shape != (zones, measures) or levels.dtype.kind not in "iu":
            raise InvalidOptions(
                f"A choice has the shape {levels.shape} and the kind {levels.dtype}; whole numbers of the shape "
                f"{(zones, measures)} were expected: one level per zone and measure."
            )
        levels = levels.astype(np.int64)
        bad = (levels < 0) | (levels >= count)
        if not bad.any():
            bad = ~np.take_along_axis(self.allowed, levels[:, :, None], axis=2)[:, :, 0] & (levels > 0)
        if bad.any():
            zone, measure = np.argwhere(bad)[0]
            raise InvalidOptions(
                f"The choice takes level {levels[zone, measure]} of {self.measures[measure]} in {self.zones[zone]}; "
                f"an allowed one of 0 to {count - 1} was expected."
            )
        for resource, taken in self.taken(levels).items():
            if (taken > 1 + _ROUNDING).any():
                zone = int(taken.argmax())
                raise InvalidOptions(
                    f"The choice takes {taken[zone]:.0%} of the {resource} in {self.zones[zone]}; at most all of it "
                    "was expected. Choose lower levels of the measures that share it."
                )
        return levels

    def sharing(self) -> dict[str, IntArray]:
        """Positions of the measures that take shares of the same, by what it is."""
        names = dict.fromkeys(name for name in self.resource if name)
        return {name: np.flatnonzero([one == name for one in self.resource]) for name in names}

    def taken(self, levels: IntArray) -> dict[str, FloatArray]:
        """(zones,) share of each resource that a choice (zones, measures) takes."""
        shares = self.uses[np.arange(self.uses.shape[0])[None, :], levels]
        return {name: shares[:, members].sum(axis=1) for name, members in self.sharing().items()}

    def reduction_tco2e(self, levels: IntArray) -> FloatArray:
        """What a choice saves in each zone when measures meet within their groups: (zones,) tCO2e per year.

        Args:
            levels: (zones, measures) level of each.

        Raises:
            InvalidOptions: not a choice of these options.
        """
        levels = self.check_levels(levels)[:, :, None]
        kept = np.take_along_axis(self.kept_fractions(), levels, axis=2)[:, :, 0]
        alone = np.take_along_axis(self.effects_tco2e, levels, axis=2)[:, :, 0]
        saved: FloatArray = alone[:, self.group == NO_GROUP].sum(axis=1)
        for group in range(self.base_tco2e.shape[1]):
            saved = saved + self.base_tco2e[:, group] * (1 - kept[:, self.group == group].prod(axis=1))
        return saved

    def cost(self, levels: IntArray) -> FloatArray:
        """What a choice costs in each zone: (zones,) in `cost_unit`.

        Raises:
            InvalidOptions: not a choice of these options.
        """
        levels = self.check_levels(levels)[:, :, None]
        total: FloatArray = np.take_along_axis(self.costs, levels, axis=2)[:, :, 0].sum(axis=1)
        return total
