"""Units: a small exact table, conversion within a dimension, and the parts of a unit such as `kgCO2e/Nm3`."""

from dataclasses import dataclass

from accounting.errors import UnknownUnit

KWH_PER_TOE = 11_630.0

# unit -> (dimension, amount in the dimension's base unit). Energy in MJ: the calorie is the international one
# (1 Gcal = 4.1868 GJ, 1 toe = 10 Gcal), the Btu the international one, and a therm is 100 kBtu, as utilities bill it.
_UNITS: dict[str, tuple[str, float]] = {
    "J": ("energy", 1e-6),
    "MJ": ("energy", 1.0),
    "GJ": ("energy", 1e3),
    "TJ": ("energy", 1e6),
    "Wh": ("energy", 3.6e-3),
    "kWh": ("energy", 3.6),
    "MWh": ("energy", 3.6e3),
    "GWh": ("energy", 3.6e6),
    "Mcal": ("energy", 4.1868),
    "Gcal": ("energy", 4186.8),
    "toe": ("energy", 41_868.0),
    "ktoe": ("energy", 41_868_000.0),
    "kBtu": ("energy", 1.05505585262),
    "MMBtu": ("energy", 1055.05585262),
    "therm": ("energy", 105.505585262),
    "Nm3": ("gas volume", 1.0),
    "kNm3": ("gas volume", 1e3),
    "L": ("volume", 1.0),
    "kL": ("volume", 1e3),
    "m3": ("volume", 1e3),
    "g": ("mass", 1e-6),
    "kg": ("mass", 1e-3),
    "t": ("mass", 1.0),
    "kt": ("mass", 1e3),
    "m": ("length", 1e-3),
    "km": ("length", 1.0),
    "mi": ("length", 1.609344),
    "m2": ("area", 1.0),
    "ft2": ("area", 0.09290304),
    "ha": ("area", 1e4),
    "km2": ("area", 1e6),
    "km/h": ("speed", 1.0),
    "mph": ("speed", 1.609344),
    "kWh/m2/yr": ("energy per area", 1.0),
    "kBtu/ft2/yr": ("energy per area", 1.05505585262 / 3.6 / 0.09290304),
    "vehicles/day": ("traffic", 1.0),
    "1": ("share", 1.0),
    "%": ("share", 0.01),
}
_SPELLINGS = {unit.lower(): unit for unit in _UNITS} | {
    "kwh/m2": "kWh/m2/yr",
    "kbtu/ft2": "kBtu/ft2/yr",
    "therms": "therm",
    "l": "L",
    "litre": "L",
    "sm3": "Nm3",
    "mi/h": "mph",
    "veh/day": "vehicles/day",
    "percent": "%",
}
GASES = ("CO2e", "CO2bio", "CO2", "CH4", "N2O")


@dataclass(frozen=True)
class FactorUnit:
    """The parts of a factor's unit.

    Attributes:
        tonnes: tonnes of gas in one unit of the numerator (kg: 0.001).
        gas: which gas the numerator weighs.
        per: the activity unit of the denominator.
    """

    tonnes: float
    gas: str
    per: str


def unit_name(unit: str) -> str:
    """The table's spelling of a unit (`kwh` -> `kWh`).

    Raises:
        UnknownUnit: the unit is not in the table.
    """
    cleaned = unit.strip()
    name = cleaned if cleaned in _UNITS else _SPELLINGS.get(cleaned.lower())
    if name is None:
        raise UnknownUnit(f"Unit {unit!r} is not known; known are {', '.join(_UNITS)}.")
    return name


def dimension(unit: str) -> str:
    """What a unit measures: energy, gas volume, volume, mass, length, area, ..."""
    return _UNITS[unit_name(unit)][0]


def in_base(unit: str) -> tuple[str, float]:
    """What a unit measures, and how many base units of that it is: two units of one dimension can be compared by it.

    Raises:
        UnknownUnit: the unit is not in the table.
    """
    return _UNITS[unit_name(unit)]


def conversion(source: str, target: str) -> float:
    """How many `target` are in one `source`, e.g. `conversion("Gcal", "GJ") == 4.1868`.

    Raises:
        UnknownUnit: a unit is not in the table, or the two measure different things.
    """
    from_dimension, from_size = _UNITS[unit_name(source)]
    to_dimension, to_size = _UNITS[unit_name(target)]
    if from_dimension != to_dimension:
        raise UnknownUnit(
            f"{source!r} measures {from_dimension}, {target!r} {to_dimension}: no conversion between them."
        )
    return from_size / to_size


def factor_unit(unit: str) -> FactorUnit:
    """Split the unit of an emission factor: `kgCO2e/Nm3` -> 0.001 t of CO2e per Nm3.

    Raises:
        UnknownUnit: the unit is not a mass of one of the known gases per known activity unit.
    """
    numerator, slash, per = unit.partition("/")
    for gas in GASES:
        mass = numerator.removesuffix(gas)
        if slash and mass != numerator and mass in _UNITS and _UNITS[mass][0] == "mass":
            return FactorUnit(_UNITS[mass][1], gas, unit_name(per))
    raise UnknownUnit(
        f"Unit {unit!r} is not that of an emission factor; expected mass, gas and activity, such as kgCO2e/kWh "
        f"(gases: {', '.join(GASES)})."
    )
