"""Sector measures: which there are, and making one of a scenario ready for a state."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from scenarios import building_measures, sink_measures, traffic_measures
from scenarios import scenario as documents
from scenarios.action_setting import Setting
from scenarios.draws import Deviates, Numbers
from scenarios.effects import STAGES, Action
from scenarios.errors import InvalidScenario
from scenarios.parameters import Parameters
from scenarios.road_measures import LANES_USED
from scenarios.road_steps import USED as ROAD_PARAMETERS
from scenarios.travel import USED as TRAVEL_PARAMETERS

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


@dataclass(frozen=True)
class MeasureKind:
    """What an interface has to know of a kind of measure before it is used.

    Attributes:
        kind, stage, sector: which; a form touches all sectors.
        about: in a sentence.
        parameters: ids of those it asks, which a measure may give itself.
        shared: ids of those that hold for the whole scenario and that it rests on, too.
        unit: what its costs are per; empty where it has none, and costs are refused.
        schema: JSON Schema of its document.
    """

    kind: str
    stage: str
    sector: str
    about: str
    parameters: tuple[str, ...]
    shared: tuple[str, ...]
    unit: str
    schema: dict[str, Any]


_ASKED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "growth": ("form", "", ("forms.nearness", "forms.density_quantile", "forms.sprawl_quantile",
                            "forms.floor_area_ratio")),
    "use_change": ("form", "", ()),
    "transit_stops": ("form", "", ()),
    "streets": ("form", "", ()),
    "green_loss": ("form", "", ()),
    "road_closure": ("roads", "transport", ()),
    "new_road": ("roads", "transport", ()),
    "road_speed": ("roads", "transport", ()),
    "road_lanes": ("roads", "transport", LANES_USED),
    "car_free_area": ("roads", "transport", ()),
    "retrofit": ("efficiency", "buildings", ("retrofit.saving", "retrofit.rebound", "retrofit.fuel_heat_share",
                                             "retrofit.electric_heat_share")),
    "heat_pump": ("switch", "buildings", ("heat_pump.boiler_efficiency", "heat_pump.scop")),
    "rooftop_pv": ("supply", "buildings", ("pv.yield", "pv.roof_share", "pv.power_density", "state.storeys")),
    "electricity_factor": ("supply", "buildings", ("electricity.target_factor",)),
    "electric_vehicles": ("switch", "transport", ("ev.charging_loss", "ev.car", "ev.lgv", "ev.hgv", "ev.bus")),
    "modal_shift": ("demand", "transport", ("modal_shift.other_mode",)),
    "speed": ("efficiency", "transport", ()),
    "freight": ("demand", "transport", ("freight.saving",)),
    "afforestation": ("sink", "forest", ("afforestation.years", "afforestation.uptake")),
    "street_trees": ("sink", "forest", ("trees.years", "trees.uptake", "trees.crown")),
    "park": ("sink", "forest", ("trees.years", "trees.uptake", "park.crown_share")),
}  # fmt: skip

_SHARED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("growth", "use_change", "transit_stops", "streets"), TRAVEL_PARAMETERS),
    **dict.fromkeys(("road_closure", "new_road", "road_speed", "road_lanes", "car_free_area"), ROAD_PARAMETERS),
    "modal_shift": ("state.resident_share",),
    **dict.fromkeys(("afforestation", "park"), ("state.storeys",)),
}
_OF_NOTES = ("access.most_travel",)

_UNITS = {
    "growth": "person", "use_change": "m2", "transit_stops": "stop", "streets": "intersection", "green_loss": "ha",
    "road_closure": "km", "new_road": "km", "road_speed": "km", "road_lanes": "lane-km", "car_free_area": "km",
    "retrofit": "m2", "heat_pump": "m2", "rooftop_pv": "kWp", "electricity_factor": "",
    "electric_vehicles": "vehicle-km/yr", "modal_shift": "vehicle-km/yr", "speed": "vehicle-km/yr",
    "freight": "vehicle-km/yr", "afforestation": "ha", "street_trees": "tree", "park": "ha",
}  # fmt: skip
"""What each is counted in, and so what its costs are per; growth of jobs alone is counted in jobs."""


def measure_kinds() -> tuple[MeasureKind, ...]:
    """All kinds of measures, forms first, in the order of stages."""
    found = []
    for document in get_args(get_args(documents.AnyMeasure)[0]):
        [kind] = get_args(document.model_fields["kind"].annotation)
        stage, sector, parameters = _ASKED[kind]
        about = " ".join((document.__doc__ or "").split())
        found.append(
            MeasureKind(
                kind, stage, sector, about, parameters, shared_parameters(kind), _UNITS[kind],
                document.model_json_schema(),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: STAGES.index(one.stage)))


def shared_parameters(kind: str) -> tuple[str, ...]:
    """Ids of the parameters that a kind of measure rests on and that hold for the whole scenario."""
    return _SHARED.get(kind, ())


_FORMS_OF = {
    "forms.nearness": ("monocentric", "polycentric"),
    "forms.density_quantile": ("compact", "monocentric", "polycentric"),
    "forms.sprawl_quantile": ("sprawl",),
}
"""Forms of growth that read a parameter; the others hold for all forms."""
_LIMITS = ("forms.density_quantile", "forms.sprawl_quantile")
"""What densities are taken from unless both are given."""
_OF_GROWTH = ("state.floor_per_person", "state.floor_per_job")
"""What new floor area is taken from where the state has none by which to tell."""


def _own(measure: documents.AnyMeasure) -> tuple[str, ...]:
    """Ids of the parameters that a measure reads as it is set up."""
    asked = _ASKED[measure.kind][2]
    if isinstance(measure, documents.GrowthMeasure):
        limited = measure.people_per_ha is not None and measure.jobs_per_ha is not None
        return tuple(
            name for name in asked
            if measure.form in _FORMS_OF.get(name, (measure.form,)) and not (limited and name in _LIMITS)
        )  # fmt: skip
    if isinstance(measure, documents.ElectricVehicles):
        classes = {f"ev.{vehicle}" for vehicle in measure.vehicles}
        return tuple(name for name in asked if name in classes or name == "ev.charging_loss")
    return asked


def check_parameters(scenario: documents.Scenario, known: Parameters) -> None:
    """Refuse values that nothing would read.

    Args:
        scenario: with the parameters that it and its measures give.
        known: all parameters there are.

    Raises:
        InvalidScenario: a value of a measure that it does not ask for, or one of the scenario that the state was made
            with. InvalidParameters: there is no such parameter.
    """
    for measure in scenario.measures:
        own, asked = _own(measure), _ASKED[measure.kind][2]
        for name in measure.parameters:
            if known[name].id in own:
                continue
            if name in shared_parameters(measure.kind) or (measure.kind == "growth" and name in _OF_GROWTH):
                remedy = "it holds for the whole scenario; give it under the scenario's parameters."
            elif name in asked:
                remedy = f"as it is set up it takes {', '.join(own) or 'none'}: leave {name} out."
            else:
                remedy = f"a measure of kind {measure.kind} takes {', '.join(asked) or 'none'}."
            raise InvalidScenario(
                f"{measure.id}: the parameter {name} was given here, where nothing reads it; {remedy}"
            )
    read = {*_OF_NOTES, *(name for _, _, own in _ASKED.values() for name in own)}
    read |= {name for shared in _SHARED.values() for name in shared}
    if any(measure.kind == "growth" for measure in scenario.measures):
        read |= set(_OF_GROWTH)
    fixed = [name for name in scenario.parameters if known[name].id not in read]
    if fixed:
        raise _made_with(fixed)


def check_growth_read(scenario: documents.Scenario, used: Collection[str]) -> None:
    """Refuse floor area per person or job where the state has its own, which growth takes.

    Args:
        scenario: with the parameters that it gives.
        used: ids of those that its forms read.

    Raises:
        InvalidScenario: one of them was given and not read.
    """
    unread = [name for name in _OF_GROWTH if name in scenario.parameters and name not in used]
    if unread:
        raise _made_with(unread)


def _made_with(names: Sequence[str]) -> InvalidScenario:
    return InvalidScenario(
        f"parameters: {', '.join(names)} was used when the state was made and cannot change in a scenario; make the "
        "state with it."
    )


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
