"""What a measure is made ready for, and what all actions have in common."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from accounting.curves import RoadCurve
from scenarios.draws import Numbers
from scenarios.effects import Action, Way
from scenarios.flows import Flow, flow_labels
from scenarios.frame import FloatArray, IntArray
from scenarios.parameters import Parameters
from scenarios.scenario import Measure
from scenarios.state import State

NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Setting:
    """What a measure is made for.

    Attributes:
        state: the baseline.
        parameters: with the scenario's own values.
        coverage: (n,) 0 to 1, the share of each cell in the measure's area.
        curves: `<vehicle>_<fuel>` -> fuel by speed.
        travel: (n,) what residents drive over what they drove in the baseline; None: as much.
    """

    state: State
    parameters: Parameters
    coverage: FloatArray
    curves: dict[str, RoadCurve]
    travel: FloatArray | None = None

    def rows(self, condition: Callable[[Flow], bool]) -> IntArray:
        """Positions of the flows of which a condition holds."""
        labels = flow_labels(self.state)
        return np.array([place for place, label in enumerate(labels) if condition(label)], dtype=np.int64)


def action_on(
    measure: Measure,
    setting: Setting,
    numbers: Numbers,
    *,
    stage: str,
    sector: str,
    way: Way,
    rows: IntArray,
    level: float,
    effect: Callable[[Numbers], FloatArray],
    unit: str,
    quantity: FloatArray,
    used: tuple[str, ...],
) -> Action:
    """An action of a measure, with what all of them have in common."""
    kind = str(measure.model_dump()["kind"])
    return Action(
        measure.id, kind, stage, sector, way, rows, level * setting.coverage, effect, quantity, unit,
        setting.state.year + 1 if measure.start is None else measure.start, measure.ramp_years, numbers, used=used,
    )  # fmt: skip
