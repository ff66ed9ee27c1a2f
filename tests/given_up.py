"""Lets GEOS give up, which it does at nothing that is known today: what several files of tests share."""

from typing import Any

import numpy as np
import pytest
import shapely
from shapely.errors import GEOSException

SAYS = "TopologyException: side location conflict"


def give_up(monkeypatch: pytest.MonkeyPatch, what: str, area: float) -> None:
    """Let an operation of GEOS fail, as it does on topology that it cannot sort out, at features of this area."""
    real = getattr(shapely, what)

    def fails(given: Any, *others: Any, **how: Any) -> Any:
        if np.isclose(shapely.area(given), area, rtol=1e-9, atol=0).any():
            raise GEOSException(SAYS)
        return real(given, *others, **how)

    monkeypatch.setattr(shapely, what, fails)
