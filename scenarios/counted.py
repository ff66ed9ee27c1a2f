"""What measures of buildings and traffic are counted by, and so paid for: what is there in the scenario's year."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scenarios.effects import ramp
from scenarios.form_steps import FormStep
from scenarios.frame import FloatArray, IntArray
from scenarios.ramped import ramped
from scenarios.state import State


def there_in_year(
    state: State, steps: Sequence[FormStep], tco2e: FloatArray, resident: IntArray, elasticities: str, year: int
) -> tuple[State, FloatArray]:
    """The state with the floor area of a year, and what residents drive then over what they drove (n,).

    Args:
        state: the baseline.
        steps: forms; those of roads are passed by, since what they change of the kilometres is not told apart from
            what they change of the fuel of each.
        tco2e: the baseline's flows.
        resident: rows of residents' traffic.
        elasticities: the set of them.
        year: which.
    """
    forms = [step for step in steps if step.stage == "form"]
    complete = [float(ramp(form.begins, form.ramp_years, np.array([year]))[0]) for form in forms]
    floor = ramped(complete, lambda number: (forms[number - 1].state if number else state).floor_area_m2)
    flows = ramped(complete, lambda number: forms[number - 1].tco2e[elasticities] if number else tco2e)
    drove, drives = tco2e[resident].sum(axis=0), flows[resident].sum(axis=0)
    travel = np.divide(drives, drove, out=np.ones_like(drove), where=drove > 0)
    # A form that is further than the one whose floor area it takes would leave less than none.
    return replace(state, floor_area_m2=np.maximum(floor, 0.0)), np.maximum(travel, 0.0)
