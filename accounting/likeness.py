"""How alike neighbours are in what a model cannot know of each: a part of their own variance, and how far it reaches.

Rows `uncertainty.neighbours.<sector>.part` (% of the own variance of modelled and default features) and
`uncertainty.neighbours.<sector>.range` (m; what is shared fades with exp(-distance / range)) of the factor tables say
it; a region that knows better says so by the assumptions `neighbours.<sector>.part` and `neighbours.<sector>.range`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from accounting.assumptions import Assumptions
from accounting.factors import FactorTable

STATED = ("buildings",)
"""Sectors of which the tables say something, and a region may say otherwise."""


@dataclass(frozen=True)
class Likeness:
    """What neighbours of a sector have in common.

    Attributes:
        part: of the own variance of a modelled feature, above 0 and at most 1.
        range_m: at this distance 1/e of it is left, metres.
        source: who says so.
        assumptions: ids of the region's assumptions it rests on.
    """

    part: float
    range_m: float
    source: str
    assumptions: tuple[str, ...] = ()


def likeness_of(
    sector: str, *, factors: FactorTable, assumptions: Assumptions, regions: Sequence[str]
) -> Likeness | None:
    """What neighbours of a sector have in common; None where nothing is said of it, or that it is nothing.

    Args:
        sector: any; nothing is said of those that are not `STATED`.
        factors: the tables.
        assumptions: of the region.
        regions: where rows are looked for, nearest first.

    Raises:
        InvalidAssumption: an assumption in another unit.
    """
    if sector not in STATED:
        return None
    numbers, sources, used = [], [], []
    for name, unit, scale in (("part", "1", 0.01), ("range", "m", 1.0)):
        stated = assumptions.number(unit, f"neighbours.{sector}.{name}")
        if stated is not None:
            number, assumption = stated
            numbers.append(number)
            sources.append(f"{assumption.author}: {assumption.reason}")
            used.append(assumption.id)
            continue
        activity = f"uncertainty.neighbours.{sector}.{name}"
        row = factors.find(activity, year=0, regions=regions, purpose="uncertainty")
        if row is None:
            return None
        numbers.append(row.factor.value * scale)
        sources.append(row.factor.source)
    part, range_m = numbers
    return Likeness(part, range_m, "; ".join(dict.fromkeys(sources)), tuple(used)) if part > 0 else None
