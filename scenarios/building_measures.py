"""Measures of buildings and of electricity (METHODS D4 to D6)."""

from dataclasses import replace

import numpy as np

from scenarios import scenario as documents
from scenarios.action_setting import NO_ROWS, Setting, action_on
from scenarios.draws import Numbers
from scenarios.effects import Action
from scenarios.errors import InvalidScenario
from scenarios.flows import flow_labels
from scenarios.frame import FloatArray, IntArray

HEATING = ("gas", "heat", "oil", "lpg", "coal", "wood")
FOSSIL = ("gas", "oil", "lpg", "coal")
UNSTATED = "unstated"


def _stock_rows(
    setting: Setting,
    measure: str,
    uses: tuple[str, ...] | None,
    vintages: tuple[str, ...] | None,
    carriers: tuple[str, ...],
) -> tuple[IntArray, FloatArray]:
    """Rows of stocks and carriers, and the floor area (n,) of those stocks; refuses names that the state lacks."""
    state = setting.state
    for asked, have, what in (
        (uses, {stock.use for stock in state.stocks}, "use"),
        (vintages, {stock.vintage for stock in state.stocks}, "vintage"),
    ):
        unknown = sorted(set(asked or ()) - have)
        if unknown:
            raise InvalidScenario(
                f"{measure}: {what} {', '.join(unknown)} was given; this state tells {', '.join(sorted(have))}."
            )
    chosen = [
        stock for stock in state.stocks
        if (uses is None or stock.use in uses) and (vintages is None or stock.vintage in vintages)
    ]  # fmt: skip
    rows = setting.rows(lambda flow: flow.stock in chosen and flow.carrier.name in carriers)
    places = [place for place, stock in enumerate(state.stocks) if stock in chosen]
    if not len(rows):
        have_carriers = sorted({carrier.name for carrier in state.carriers})
        raise InvalidScenario(
            f"{measure}: no building flow of {', '.join(carriers)} is there to act on; this state has "
            f"{', '.join(have_carriers) or 'none'}."
        )
    return rows, np.asarray(state.over(state.floor_area_m2[places]).sum(axis=0))


def retrofit(measure: documents.Retrofit, setting: Setting, numbers: Numbers) -> Action:
    """Heating energy of some stocks is saved (METHODS D4)."""
    carriers = (*HEATING, "electricity")
    rows, floor = _stock_rows(setting, measure.id, measure.uses, measure.vintages, carriers)
    labels = flow_labels(setting.state)
    electric = np.array([labels[row].carrier.name == "electricity" for row in rows])

    def effect(asked: Numbers) -> FloatArray:
        saved = asked.number("retrofit.saving") * (1 - asked.number("retrofit.rebound"))
        fuel, power = asked.number("retrofit.fuel_heat_share"), asked.number("retrofit.electric_heat_share")
        return np.where(electric[:, None], (saved * power)[None, :], (saved * fuel)[None, :])

    return action_on(
        measure, setting, numbers, stage="efficiency", sector="buildings", way="saving", rows=rows, level=measure.level,
        effect=effect, unit="m2", quantity=floor * measure.level * setting.coverage,
        used=("retrofit.saving", "retrofit.rebound", "retrofit.fuel_heat_share", "retrofit.electric_heat_share"),
    )  # fmt: skip


def heat_pump(measure: documents.HeatPump, setting: Setting, numbers: Numbers) -> Action:
    """Fuels of some stocks give way to electricity (METHODS D5)."""
    carriers = measure.carriers or FOSSIL
    have = {carrier.name for carrier in setting.state.carriers}
    unknown = sorted(set(measure.carriers or ()) - have)
    if unknown:
        raise InvalidScenario(
            f"{measure.id}: carriers {', '.join(unknown)} were given; this state tells {', '.join(sorted(have))}."
        )
    rows, floor = _stock_rows(setting, measure.id, measure.uses, None, carriers)
    if "electricity" in carriers or UNSTATED in carriers:
        raise InvalidScenario(f"{measure.id}: heat pumps replace fuels or heat ({', '.join(HEATING)}).")
    labels = flow_labels(setting.state)

    def effect(asked: Numbers) -> FloatArray:
        # METHODS D5: useful heat is fuel times the boiler's efficiency, electricity is that over the seasonal factor.
        per_fuel = asked.number("heat_pump.boiler_efficiency") / asked.number("heat_pump.scop")
        return np.stack(
            [per_fuel * asked.factor("electricity") / asked.factor(labels[row].carrier.name) for row in rows]
        )

    return action_on(
        measure, setting, numbers, stage="switch", sector="buildings", way="switch", rows=rows, level=measure.level,
        effect=effect, unit="m2", quantity=floor * measure.level * setting.coverage,
        used=("heat_pump.boiler_efficiency", "heat_pump.scop"),
    )  # fmt: skip


def rooftop_pv(measure: documents.RooftopPV, setting: Setting, numbers: Numbers) -> Action:
    """Roofs make electricity (METHODS D6)."""
    given = numbers.parameters
    roofs = setting.state.over(setting.state.floor_area_m2).sum(axis=0) / given.number("state.storeys")
    per_m2 = given.number("pv.roof_share") * given.number("pv.power_density")
    power = roofs * per_m2 * measure.level * setting.coverage

    def built(asked: Numbers) -> FloatArray:
        """Power over that of the parameters' values: 1 to the bit at these, else by what was drawn."""
        parts = [
            asked.number(name) / (given.number(name) or 1.0)
            for name in ("pv.roof_share", "pv.power_density", "state.storeys")
        ]
        return np.asarray(parts[0] * parts[1] / parts[2])

    def effect(asked: Numbers) -> FloatArray:
        return np.asarray(-asked.number("pv.yield") / 1000 * asked.factor("electricity") * built(asked))

    action = action_on(
        measure, setting, numbers, stage="supply", sector="buildings", way="added", rows=NO_ROWS, level=measure.level,
        effect=effect, unit="kWp", quantity=power,
        used=("pv.yield", "pv.roof_share", "pv.power_density", "state.storeys"),
    )  # fmt: skip
    return replace(action, generates=True, takes="roofs")


def electricity(measure: documents.ElectricityFactor, setting: Setting, numbers: Numbers) -> Action:
    """Electricity emits more or less, wherever it is used."""
    numbers.factor("electricity")  # refuses an edition that does not tell it
    today, path = setting.state.factors["electricity"].tco2e_mwh, measure.path

    def effect(asked: Numbers) -> FloatArray:
        if path is not None:
            return np.full(asked.deviates.size, path[-1][1] / today)
        return asked.number("electricity.target_factor") / today

    action = action_on(
        measure, setting, numbers, stage="supply", sector="buildings", way="supply", rows=NO_ROWS, level=1.0,
        effect=effect, unit="", quantity=np.zeros(setting.state.cells),
        used=("electricity.target_factor",) if path is None else (),
    )  # fmt: skip
    if path is None:
        return action
    if path[0][0] <= setting.state.year:
        raise InvalidScenario(
            f"{measure.id}: its path begins in {path[0][0]}; a year after the baseline's, {setting.state.year}, was "
            "expected, since that one's factor is the edition's."
        )
    years = np.array([setting.state.year, *(year for year, _ in path)], dtype=np.float64)
    ratios = np.array([1.0, *(factor / today for _, factor in path)])
    return replace(action, course=lambda asked: np.interp(asked.astype(np.float64), years, ratios))
