"""What measures cost a year, and what a tonne less costs (METHODS D10); all costs are the user's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scenarios.errors import InvalidScenario
from scenarios.result import MeasureEffect
from scenarios.scenario import Costs

UNNAMED = "currency units"
"""What costs are in where neither they nor the region name a currency."""


@dataclass(frozen=True)
class TotalCost:
    """What the measures that have costs cost together, in one currency.

    Attributes:
        currency: of the sums.
        per_year: annualised capital and running costs in the scenario's year.
        tco2e: what these measures change, in the order of stages.
        per_tco2e: cost of a tonne less; None where nothing is saved.
        measures: ids of those counted; without: of those whose costs nobody gave.
    """

    currency: str
    per_year: float
    tco2e: float
    per_tco2e: float | None
    measures: tuple[str, ...]
    without: tuple[str, ...]


def written_cost(cost: float) -> str:
    """Return a cost in plain digits, however large: `3,180,782,154`, `12.5`; decimals only of less than a thousand."""
    if abs(cost) >= 1000:
        return f"{cost:,.0f}"
    return f"{cost:.{2 if abs(cost) >= 1 else 6}f}".rstrip("0").rstrip(".")


def annual_cost(costs: Costs) -> float:
    """Cost per unit and year: capital times the factor `r(1+r)^n / ((1+r)^n - 1)`, and running cost (METHODS D10)."""
    rate, years = costs.discount_rate, costs.lifetime_years
    # As r / (1 - (1+r)^-n), which loses nothing where the rate is next to none.
    recovery = rate / -math.expm1(-years * math.log1p(rate)) if rate else 1 / years
    return costs.capital_per_unit * recovery + costs.running_per_unit


def currency_of(costs: Costs, own: str) -> str:
    """In what costs are: the currency that they name, else the region's own, which is empty where it is not known."""
    return costs.currency or own or UNNAMED


def cost_per_year(
    measure: str, costs: Costs | None, quantity: float, unit: str, own: str = ""
) -> tuple[float | None, str]:
    """Cost of a measure of which so much is put in place, and its currency; None and no currency without costs.

    Args:
        measure: its id.
        costs: of a unit.
        quantity: how many units.
        unit: in which it is counted.
        own: currency of the region.

    Raises:
        InvalidScenario: costs of a measure that is not counted in any unit: they would silently be nothing.
    """
    if costs is None:
        return None, ""
    if not unit:
        raise InvalidScenario(
            f"{measure}: costs are per unit, and this measure is counted in none; leave its costs out."
        )
    return quantity * annual_cost(costs), currency_of(costs, own)


def total_costs(effects: Sequence[MeasureEffect]) -> tuple[TotalCost, ...]:
    """The costs of a run by currency, in alphabetical order; empty where nobody gave any. Currencies are not converted.

    Args:
        effects: of all measures.
    """
    without = tuple(effect.id for effect in effects if effect.cost_per_year is None)
    found = []
    for currency in sorted({effect.currency for effect in effects if effect.cost_per_year is not None}):
        mine = [effect for effect in effects if effect.cost_per_year is not None and effect.currency == currency]
        cost = sum(effect.cost_per_year or 0.0 for effect in mine)
        tonnes = sum(effect.tco2e for effect in mine)
        each = cost / -tonnes if tonnes < 0 else None
        found.append(TotalCost(currency, cost, tonnes, each, tuple(effect.id for effect in mine), without))
    return tuple(found)
