"""Where a sector gets its numbers: the factor tables first, the region's assumptions where these have a gap.

A resolver serves one layer. It remembers every lookup, for the manifest, and every answer, for speed.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from accounting.assumptions import Assumptions
from accounting.errors import FactorNotFound, InvalidAssumption
from accounting.factors import Factor, FactorTable, Lookup
from accounting.sector import remember
from accounting.uncertainty import relative_sd

ASSUMED = "assumed"
"""Status of a factor that is an assumption of the region file; no row of the tables has it."""


@dataclass(frozen=True)
class Resolved:
    """An emission factor ready to multiply.

    Attributes:
        tco2e: tonnes of CO2e per unit of activity.
        factor: the row, or the assumption written as a row.
        u: relative standard deviation of the factor.
        assumptions: id of the assumption it rests on, or empty.
    """

    tco2e: float
    factor: Factor
    u: float
    assumptions: str


class Resolver:
    """Numbers for one layer: factors by activity and year, values, and uncertainties.

    Attributes:
        factors: the factor tables with the region's overrides.
        assumptions: the region's assumptions, of which it remembers those it found.
        regions: where factors are looked up, nearest first.
        lookups: factor id -> the lookup that chose it, for everything that was asked.
    """

    def __init__(self, factors: FactorTable, assumptions: Assumptions, regions: Sequence[str]) -> None:
        self.factors = factors
        self.assumptions = assumptions.apart()
        self.regions = tuple(regions)
        self.lookups: dict[str, Lookup] = {}
        self._emission_factors: dict[tuple[str, str, int], Resolved] = {}
        self._uncertainties: dict[str, float] = {}

    def emission_factor(self, activity: str, unit: str, year: int) -> Resolved:
        """The factor for an activity measured in `unit`.

        Args:
            activity: e.g. `electricity`, `gas.volume`.
            unit: of the activity, e.g. `kWh`.
            year: of the activity.

        Raises:
            FactorNotFound: neither the tables (directly, or by calorific value and the factor of energy) nor the
                assumption `factor.<activity>` answer.
            InvalidFactor: what answers is measured in something that `unit` cannot be converted to.
        """
        key = (activity, unit, year)
        if key not in self._emission_factors:
            try:
                lookup = self.factors.lookup(activity, year=year, regions=self.regions)
            except FactorNotFound:
                answer = self._through_energy(activity, year) or self._assumed(activity)
                if answer is None:
                    raise
                lookup = answer
            factor = lookup.factor
            rests_on = factor.id if factor.id in self.assumptions.items else ""
            resolved = Resolved(factor.tco2e_per(unit), factor, self.relative_sd_of(factor), rests_on)
            remember(self.lookups, lookup)
            self._emission_factors[key] = resolved
        return self._emission_factors[key]

    def value(self, activity: str, *, year: int, carrier: str | None = None, built: int | None = None) -> Lookup | None:
        """A row that is no emission factor (an intensity, a share, a growth rate); None where the tables have none."""
        lookup = self.factors.find(activity, year=year, regions=self.regions, carrier=carrier, built=built)
        if lookup is not None:
            remember(self.lookups, lookup)
        return lookup

    def u(self, name: str) -> float:
        """Relative standard deviation of `uncertainty.<name>`, e.g. `meter`, `eui.building`.

        Raises:
            FactorNotFound: the table of uncertainties has no such row.
        """
        if name not in self._uncertainties:
            row = self.factors.lookup(f"uncertainty.{name}", year=0, regions=self.regions, purpose="uncertainty").factor
            self._uncertainties[name] = relative_sd(row.value)
        return self._uncertainties[name]

    def relative_sd_of(self, factor: Factor) -> float:
        """A factor's own relative standard deviation; `uncertainty.factor.unstated` where its row states none."""
        return self.u("factor.unstated") if factor.u95_percent is None else relative_sd(factor.u95_percent)

    def _through_energy(self, activity: str, year: int) -> Lookup | None:
        """A fuel by volume or mass that only has a factor of energy: `NCV x EF` (METHODS A1), under both rows' ids."""
        fuel, _, measure = activity.rpartition(".")
        if measure not in ("volume", "mass"):
            return None
        ncv = self.factors.find(f"{fuel}.ncv", year=year, regions=self.regions)
        energy = self.factors.find(f"{fuel}.energy", year=year, regions=self.regions)
        if ncv is None or energy is None:
            return None
        heat, _, per = ncv.factor.unit.partition("/")
        factor = dataclasses.replace(
            energy.factor,
            id=f"{ncv.factor.id}*{energy.factor.id}",
            activity=activity,
            value=ncv.factor.value * energy.factor.tco2e_per(heat) * 1000,
            unit=f"kgCO2e/{per}",
            u95_percent=196 * math.hypot(self.relative_sd_of(energy.factor), self.relative_sd_of(ncv.factor)),
            components=(ncv.factor.id, *(energy.factor.components or (energy.factor.id,))),
        )
        return Lookup(factor, f"calorific value ({ncv.chosen}) x factor of energy ({energy.chosen})")

    def _assumed(self, activity: str) -> Lookup | None:
        found = self.assumptions.get(f"factor.{activity}")
        if found is None:
            return None
        if isinstance(found.value, dict):
            raise InvalidAssumption(f"Assumption {found.id} holds shares; a factor is one number.")
        factor = Factor(
            id=found.id,
            activity=activity,
            value=found.value,
            unit=found.unit,
            source=f"assumption of {found.author}: {found.reason}",
            gas="CO2e",
            u95_percent=found.relative_sd * 196,
            status=ASSUMED,
        )
        return Lookup(factor, f"assumption {found.id} of the region file: the tables have no answer")
