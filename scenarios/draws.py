"""Numbers of parameters and factors: at their values, or drawn together, each error shared by all that rest on it."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from scenarios.errors import InvalidScenario
from scenarios.frame import FloatArray
from scenarios.parameters import Parameters
from scenarios.state import CarrierFactor

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Deviates:
    """Standard normal deviates by key: equal keys give equal numbers, whoever asks and in whatever order.

    Attributes:
        size: how many of each.
        seed: None gives zeros, which mean the values themselves.
    """

    size: int = 1
    seed: int | None = None
    _kept: dict[str, FloatArray] = field(default_factory=dict, repr=False)

    def of(self, key: str) -> FloatArray:
        """Deviates (size,) of a key."""
        found = self._kept.get(key)
        if found is None:
            if self.seed is None:
                found = np.zeros(self.size)
            else:
                found = np.random.default_rng([self.seed, zlib.crc32(key.encode())]).standard_normal(self.size)
            self._kept[key] = found
        return found

    def asked(self, key: str) -> bool:
        """Whether anybody asked for the deviates of a key."""
        return key in self._kept


@dataclass(frozen=True)
class Numbers:
    """What a measure asks: parameters and factors, (size,) each.

    Attributes:
        parameters: with the scenario's and the measure's own values.
        own: ids that the measure itself gives; their errors are its own.
        measure: its id.
        factors: carrier -> emissions per energy.
        deviates: at which they are read.
    """

    parameters: Parameters
    own: frozenset[str]
    measure: str
    factors: Mapping[str, CarrierFactor]
    deviates: Deviates

    def number(self, name: str) -> FloatArray:
        """Values of a parameter; ParameterGap where it has none."""
        parameter = self.parameters[name]
        drawn = self.deviates.of(self._key(name)) if parameter.distribution else np.zeros(self.deviates.size)
        return parameter.at(drawn)

    def drawn(self, name: str) -> bool:
        """Whether a parameter has a distribution and was asked for: what is used otherwise stands at its value."""
        return bool(self.parameters[name].distribution) and self.deviates.asked(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self.measure}:{name}" if name in self.own else name

    def factor(self, carrier: str) -> FloatArray:
        """Emissions per energy of a carrier, tCO2e/MWh.

        Raises:
            InvalidScenario: the edition's factors do not tell it.
        """
        found = self.factors.get(carrier)
        if found is None or not found.tco2e_mwh > 0:
            raise InvalidScenario(
                f"{self.measure}: the emissions of {carrier!r} per energy are not among the edition's factors "
                f"({', '.join(self.factors) or 'none'}); leave this carrier out, or choose an edition built with it."
            )
        error = self.deviates.of(f"factor:{carrier}") * (found.u95_percent or 0.0) / 100 / _Z95
        return found.tco2e_mwh * np.maximum(1 + error, 0.05)
