"""What can go wrong with grids, zones and shares; each message says what was given, expected, and what to do."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray


class GridError(ValueError):
    """Anything this room refuses."""


class CellCodeError(GridError):
    """A cell code that cannot be written or read."""


class NotNestedError(GridError):
    """Two grids whose cells do not nest."""


class GeometryError(GridError):
    """A geometry that cannot be shared out; the message names its position."""


class UncutGeometry(GeometryError):
    """Features that GEOS can neither repair nor cut; `reasons` says why of each, by its position in what was given."""

    def __init__(self, message: str, reasons: Mapping[int, str] | None = None) -> None:
        super().__init__(message)
        self.reasons = dict(reasons or {})

    @classmethod
    def of(cls, reasons: Mapping[int, str], ids: Sequence[object] | None = None) -> Self:
        """The error of features by their positions, of which there is one at least; `ids` are of all features."""
        first, reason = min(reasons.items())
        name = f"{first}" if ids is None else f"{ids[first]!r} (position {first})"
        others = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        text = f"Feature {name}{others}: {reason}. A valid geometry was expected; repair it, or leave it out."
        return cls(text, reasons)

    def at(self, positions: NDArray[np.int64], ids: Sequence[object] | None = None) -> Self:
        """The same of features that are elsewhere at other positions: (m,) of each of those that were given."""
        return self.of({int(positions[k]): reason for k, reason in self.reasons.items()}, ids)
