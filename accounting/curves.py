"""Reference curves and coefficients: road fuel by speed, wood by species, uptake of stands by age."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accounting import tables
from accounting.emissions import fuel_litres_per_km, tco2_per_m3, uptake_at_age
from accounting.errors import FactorNotFound, InvalidTable

FloatArray = npt.NDArray[np.float64]

FACTS = ("id", "value", "unit", "period", "region", "source", "confidence", "status", "note")
ROAD_COLUMNS = (*FACTS, "vehicle", "fuel", "coefficient")
SPECIES_COLUMNS = (*FACTS, "species", "coefficient", "u95_percent", "distribution")
UPTAKE_COLUMNS = (*FACTS, "curve", "species", "age_years", "u95_percent", "distribution")


@dataclass(frozen=True)
class RoadCurve:
    """Fuel use by speed, `(a + bV + cV^2 + dV^3) / V` litres per km (METHODS B2)."""

    id: str
    vehicle: str
    fuel: str
    a: float
    b: float
    c: float
    d: float
    source: str

    def litres_per_km(self, speed_kmh: FloatArray | float) -> FloatArray:
        """Litres per km at a speed in km/h, which is clamped to 5-140."""
        return fuel_litres_per_km(speed_kmh, self.a, self.b, self.c, self.d)


@dataclass(frozen=True)
class SpeciesCoefficients:
    """Wood density (t d.m./m3), biomass expansion, root/shoot ratio and carbon fraction of a species (METHODS C2)."""

    id: str
    species: str
    density: float
    bef: float
    root_shoot: float
    carbon_fraction: float
    u95_percent: float
    source: str

    @property
    def tco2_m3(self) -> float:
        """tCO2 per m3 of stem volume."""
        return tco2_per_m3(self.density, self.bef, self.root_shoot, self.carbon_fraction)


@dataclass(frozen=True)
class UptakeCurve:
    """Standard uptake of a species by stand age, tCO2 a year and hectare (METHODS C3); ages that are gaps left out."""

    id: str
    species: str
    age_years: tuple[float, ...]
    tco2_ha: tuple[float, ...]
    u95_percent: float
    source: str

    def at(self, age_years: FloatArray) -> FloatArray:
        """Uptake at ages: linear between published ages, from zero at age zero, the last value held."""
        return uptake_at_age(age_years, np.asarray(self.age_years), np.asarray(self.tco2_ha))


@dataclass(frozen=True)
class ReferenceCurves:
    """All curves of `data/factors`.

    Attributes:
        road: `<vehicle>_<fuel>` -> curve.
        species: species -> coefficients.
        uptake: species -> uptake by age.
    """

    road: dict[str, RoadCurve]
    species: dict[str, SpeciesCoefficients]
    uptake: dict[str, UptakeCurve]

    @classmethod
    def load(cls, folder: Path, taken: Iterable[str] = ()) -> "ReferenceCurves":
        """Read the three tables of curves.

        Args:
            folder: `data/factors`.
            taken: ids used by other tables; an id is unique over all of them.

        Raises:
            InvalidTable: a file breaks its schema, an id is used twice, or a coefficient is missing.
        """
        ids = set(taken)
        road = _groups(folder / "road_curves.csv", ROAD_COLUMNS, ("vehicle", "fuel"), ids)
        wood = _groups(folder / "species.csv", SPECIES_COLUMNS, ("species",), ids)
        uptake = _groups(folder / "uptake_by_age.csv", UPTAKE_COLUMNS, ("species",), ids)
        return cls(
            road={"_".join(key): _road(key, rows) for key, rows in road.items()},
            species={key[0]: _species(key[0], rows) for key, rows in wood.items()},
            uptake={key[0]: _uptake(key[0], rows) for key, rows in uptake.items()},
        )

    def road_curve(self, vehicle: str, fuel: str) -> RoadCurve:
        """The fuel curve of a vehicle class.

        Raises:
            FactorNotFound: there is none; names those there are.
        """
        curve = self.road.get(f"{vehicle}_{fuel}")
        if curve is None:
            raise FactorNotFound(
                f"No fuel curve for vehicle {vehicle!r} with fuel {fuel!r}; there are {', '.join(sorted(self.road))}, "
                "and electric vehicles (<vehicle>_electric). Name those under assumptions: transport.fleet."
            )
        return curve


_Located = tuple[tables.Row, str]


def _groups(
    path: Path, columns: tuple[str, ...], keys: tuple[str, ...], ids: set[str]
) -> dict[tuple[str, ...], list[_Located]]:
    groups: dict[tuple[str, ...], list[_Located]] = {}
    for line, row in enumerate(tables.read_rows(path, columns), start=2):
        where = f"{path}, row {line} ({row['id'] or 'no id'})"
        tables.check_sourced(row, where)
        if row["id"] in ids:
            raise InvalidTable(f"{where}: the id {row['id']!r} is used twice.")
        ids.add(row["id"])
        if row["status"] != "gap":
            groups.setdefault(tuple(row[key] for key in keys), []).append((row, where))
    return groups


def _coefficients(rows: list[_Located], names: tuple[str, ...]) -> list[float]:
    found: dict[str, float] = {}
    for row, where in rows:
        value = tables.number(row, "value", where)
        if row["coefficient"] not in names or row["coefficient"] in found or value is None:
            raise InvalidTable(
                f"{where}: coefficient {row['coefficient']!r}; expected each of {', '.join(names)} once."
            )
        found[row["coefficient"]] = value
    missing = [name for name in names if name not in found]
    if missing:
        raise InvalidTable(f"{rows[0][1]}: coefficient {', '.join(missing)} is missing.")
    return [found[name] for name in names]


def _u95(rows: list[_Located]) -> float:
    stated = [tables.number(row, "u95_percent", where) for row, where in rows]
    known = [value for value in stated if value is not None]
    if not known:
        raise InvalidTable(f"{rows[0][1]}: no row of this group states u95_percent.")
    return max(known)


def _road(key: tuple[str, ...], rows: list[_Located]) -> RoadCurve:
    a, b, c, d = _coefficients(rows, ("a", "b", "c", "d"))
    first = rows[0][0]
    return RoadCurve(first["id"].removesuffix("_a"), key[0], key[1], a, b, c, d, first["source"])


def _species(species: str, rows: list[_Located]) -> SpeciesCoefficients:
    density, bef, root_shoot, carbon, stated = _coefficients(rows, ("D", "BEF", "R", "CF", "tco2_m3"))
    last, where = rows[-1]
    derived = tco2_per_m3(density, bef, root_shoot, carbon)
    if abs(derived - stated) > 1e-3:
        raise InvalidTable(
            f"{where}: tCO2 per m3 of {species} is stated as {stated}, its coefficients give {derived:.4f}."
        )
    ids = [row["id"] for row, _ in rows if row["coefficient"] == "tco2_m3"]
    return SpeciesCoefficients(ids[0], species, density, bef, root_shoot, carbon, _u95(rows), last["source"])


def _uptake(species: str, rows: list[_Located]) -> UptakeCurve:
    points: dict[float, float] = {}
    for row, where in rows:
        age, value = tables.number(row, "age_years", where), tables.number(row, "value", where)
        if age is None or value is None or age <= 0 or age in points:
            raise InvalidTable(f"{where}: an age above zero, once per curve, with a value is expected.")
        points[age] = value
    ages = tuple(sorted(points))
    first = rows[0][0]
    return UptakeCurve(first["curve"], species, ages, tuple(points[age] for age in ages), _u95(rows), first["source"])
