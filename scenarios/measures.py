"""Sector measures: which there are, and making one of a scenario ready for a state."""

from collections.abc import Callable, Iterable

from scenarios import building_measures, sink_measures, traffic_measures
from scenarios import scenario as documents
from scenarios.action_setting import Setting
from scenarios.draws import Deviates, Numbers
from scenarios.effects import STAGES, Action

_MAKERS: dict[type[documents.Measure], Callable[..., Action]] = {
    documents.Retrofit: building_measures.retrofit,
    documents.HeatPump: building_measures.heat_pump,
    documents.RooftopPV: building_measures.rooftop_pv,
    documents.ElectricityFactor: building_measures.electricity,
    documents.ElectricVehicles: traffic_measures.electric_vehicles,
    documents.ModalShift: traffic_measures.modal_shift,
    documents.Speed: traffic_measures.speed,
    documents.Freight: traffic_measures.freight,
    documents.Afforestation: sink_measures.afforestation,
    documents.StreetTrees: sink_measures.street_trees,
    documents.Park: sink_measures.park,
}


def action_of(measure: documents.Measure, setting: Setting) -> Action:
    """Make a sector measure ready.

    Raises:
        InvalidScenario: it acts on nothing that this state has, or needs what nobody told.
        ParameterGap: a parameter that has to be given.
    """
    own = measure.parameters
    numbers = Numbers(
        setting.parameters.given(own, f"measure {measure.id}"),
        frozenset(own),
        measure.id,
        setting.state.factors,
        Deviates(),
    )
    action = _MAKERS[type(measure)](measure, setting, numbers)
    action.effect(numbers)  # a gap is told before anything is computed
    return action


def in_order(actions: Iterable[Action]) -> list[Action]:
    """Actions by stage; those of one stage in the order given, but what electricity emits before what displaces it."""
    return sorted(actions, key=lambda action: (STAGES.index(action.stage), action.generates))
