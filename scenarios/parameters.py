"""Parameters of measures: unit, default, limits, range, source and confidence of each; gaps stay gaps.

`data/scenarios/parameters.csv` lists them. A row that names a row of `data/factors` takes value, unit, source and
confidence from there, so that a number stands in one place only. A parameter without a default is asked of the user.
"""

import difflib
import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from accounting import tables
from accounting.errors import InvalidTable
from accounting.factors import FactorTable
from grids.shipped import data_folder
from scenarios.errors import InvalidParameters, ParameterGap, plain
from scenarios.frame import FloatArray

COLUMNS = (
    "id", "meaning", "unit", "default", "minimum", "maximum", "low95", "high95", "distribution", "factor_id", "source",
    "confidence", "status", "note",
)  # fmt: skip
STATUSES = ("found", "derived", "background", "illustrative", "gap", "given")
SETS = {"ewing_cervero_2010": "Ewing & Cervero 2010", "stevens_2017": "Stevens 2017"}
"""Named sets of elasticities, each run by itself (METHODS D1)."""
DIMENSIONS = (
    "population_density", "job_density", "land_use_mix", "intersection_density", "job_access_car", "proximity_downtown",
    "proximity_transit",
)  # fmt: skip
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Parameter:
    """One number behind a measure.

    Attributes:
        id, meaning, unit: e.g. `retrofit.saving`.
        value: None for a gap that the user has to fill.
        minimum, maximum: what may be given at all.
        low95, high95: the range believed in (95 %), where a distribution exists.
        distribution: `normal`, `lognormal` or empty: no distribution, so no interval.
        source, confidence, status, note: who says so. `illustrative` values rest on no publication, `given` ones on
            the user.
        factor_id: the row of `data/factors` it comes from, if any.
    """

    id: str
    meaning: str
    unit: str
    value: float | None
    minimum: float
    maximum: float
    low95: float | None = None
    high95: float | None = None
    distribution: str = ""
    source: str = ""
    confidence: str = "none"
    status: str = "gap"
    note: str = ""
    factor_id: str = ""

    def record(self) -> dict[str, Any]:
        """As JSON-able mapping, without empty fields, for interface and results."""
        return {name: value for name, value in self.__dict__.items() if value not in ("", None)}

    def at(self, z: FloatArray) -> FloatArray:
        """Values (n,) at standard normal deviates z (n,), within the limits; the value itself where nothing is known.

        A normal has the range's half over 1.96 as its deviation; a lognormal has the value as its median and the
        range's logarithmic half.

        Raises:
            ParameterGap: there is no value.
        """
        value = self.number()
        if not self.distribution or self.low95 is None or self.high95 is None:
            return np.full(z.shape, value)
        if self.distribution == "lognormal":
            drawn = value * np.exp(z * math.log(self.high95 / self.low95) / (2 * _Z95))
        else:
            drawn = value + z * (self.high95 - self.low95) / (2 * _Z95)
        return np.clip(drawn, self.minimum, self.maximum)

    def number(self) -> float:
        """The value.

        Raises:
            ParameterGap: nobody published it and nobody gave it.
        """
        if self.value is None:
            raise ParameterGap(
                f"{self.id} ({self.meaning}, {self.unit}) is a gap: {self.note or 'no published number is at hand'}. "
                f"Give it under parameters:, a number from {plain(self.minimum)} to {plain(self.maximum)}."
            )
        return self.value


@dataclass(frozen=True)
class Parameters:
    """All parameters and the named sets of elasticities.

    Attributes:
        items: id -> parameter.
        elasticities: set -> dimension -> elasticity of vehicle-km per resident.
    """

    items: dict[str, Parameter]
    elasticities: dict[str, dict[str, float]]

    def __getitem__(self, name: str) -> Parameter:
        found = self.items.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self.items, n=3)
            raise InvalidParameters(f"There is no parameter {name!r}; did you mean {' or '.join(near) or 'another'}?")
        return found

    def number(self, name: str) -> float:
        """The value of a parameter; ParameterGap where it has none."""
        return self[name].number()

    def given(self, values: Mapping[str, float | tuple[float, float, float]], source: str = "given") -> "Parameters":
        """These parameters with values of the user: a number, or (value, low, high) of a 95 % range.

        Raises:
            InvalidParameters: an unknown id, or a value outside its limits.
        """
        items = dict(self.items)
        for name, given in values.items():
            known = self[name]
            value, low, high = given if isinstance(given, tuple) else (given, None, None)
            for number in (value, low, high):
                if number is not None and not known.minimum <= number <= known.maximum:
                    raise InvalidParameters(
                        f"{name} = {plain(number)} {known.unit} was given; {plain(known.minimum)} to "
                        f"{plain(known.maximum)} was expected ({known.meaning})."
                    )
            if low is not None and high is not None and not low <= value <= high:
                raise InvalidParameters(
                    f"{name}: the value {plain(value)} must lie in its range, {plain(low)} to {plain(high)}."
                )
            items[name] = replace(
                known,
                value=value,
                low95=low,
                high95=high,
                distribution="" if low is None else "normal",
                source=source,
                confidence="none",
                status="given",
                factor_id="",
            )
        return replace(self, items=items)

    def with_elasticity(self, name: str, dimension: str, value: float) -> "Parameters":
        """These parameters with one elasticity of one set replaced.

        Raises:
            InvalidParameters: no such set or dimension, or a value beyond +-3.
        """
        if name not in self.elasticities or dimension not in self.elasticities[name] or not abs(value) <= 3:
            raise InvalidParameters(
                f"An elasticity {plain(value)} of {dimension!r} in the set {name!r} was given; sets are "
                f"{', '.join(self.elasticities)}, dimensions {', '.join(DIMENSIONS)}, values from -3 to 3."
            )
        changed = {**self.elasticities, name: {**self.elasticities[name], dimension: value}}
        return replace(self, elasticities=changed)

    def used(self, names: Iterable[str]) -> tuple[Parameter, ...]:
        """The parameters of these ids, each once, in order."""
        return tuple(self[name] for name in sorted(set(names)))


@functools.lru_cache(maxsize=1)
def shipped_parameters() -> Parameters:
    """The parameters that ship with the software."""
    folder = data_folder()
    return read_parameters(folder / "scenarios" / "parameters.csv", FactorTable.load(folder / "factors"))


def read_parameters(path: Path, factors: FactorTable) -> Parameters:
    """Read the table of parameters and the elasticities of `data/factors/urban_form.csv`.

    Raises:
        InvalidParameters: a row breaks the schema; names file and row. InvalidTable: the file is no such table.
    """
    items: dict[str, Parameter] = {}
    for line, row in enumerate(tables.read_rows(path, COLUMNS), start=2):
        where = f"{path}, row {line} ({row['id'] or 'no id'})"
        try:
            found = _parameter(row, factors, where)
        except InvalidTable as error:
            raise InvalidParameters(str(error)) from error
        if found.id in items:
            raise InvalidParameters(f"{where}: the id is used twice.")
        items[found.id] = found
    sets: dict[str, dict[str, float]] = {name: dict.fromkeys(DIMENSIONS, 0.0) for name in SETS}
    for factor in factors.rows.values():
        dimension = factor.activity.removeprefix("elasticity.vkt.")
        if factor.purpose in sets and dimension in DIMENSIONS:
            sets[factor.purpose][dimension] = factor.value
    return Parameters(items, sets)


def _parameter(row: tables.Row, factors: FactorTable, where: str) -> Parameter:
    numbers = {name: tables.number(row, name, where) for name in ("default", "minimum", "maximum", "low95", "high95")}
    minimum, maximum, low, high = (numbers[name] for name in ("minimum", "maximum", "low95", "high95"))
    if not row["id"] or not row["meaning"] or minimum is None or maximum is None or not minimum < maximum:
        raise InvalidParameters(f"{where}: id, meaning and limits (minimum below maximum) are needed.")
    if row["distribution"] not in tables.DISTRIBUTIONS:
        raise InvalidParameters(f"{where}: distribution {row['distribution']!r} is not normal, lognormal or empty.")
    value, origin = numbers["default"], {name: row[name] for name in ("source", "confidence", "status", "unit")}
    if row["factor_id"]:
        factor = factors.rows.get(row["factor_id"])
        if factor is None or value is not None or row["source"]:
            raise InvalidParameters(
                f"{where}: {row['factor_id']!r} must be a row of data/factors, and default, source and confidence must "
                "be left to it."
            )
        value = factor.value
        origin = {
            "source": factor.source,
            "confidence": factor.confidence,
            "status": factor.status,
            "unit": row["unit"],
        }
        if factor.unit != row["unit"]:
            raise InvalidParameters(f"{where}: the unit is {row['unit']}, that of {factor.id} is {factor.unit}.")
        if low is None and factor.u95_percent is not None:
            low, high = (value * (1 + sign * factor.u95_percent / 100) for sign in (-1, 1))
    if origin["status"] not in STATUSES or origin["confidence"] not in tables.CONFIDENCES or not origin["source"]:
        raise InvalidParameters(f"{where}: source, confidence and a status of {', '.join(STATUSES)} are needed.")
    if (value is None) != (origin["status"] == "gap"):
        raise InvalidParameters(f"{where}: a gap has no default, and what has none is a gap.")
    if value is not None and not minimum <= value <= maximum:
        raise InvalidParameters(f"{where}: the default {value:g} lies outside {minimum:g} to {maximum:g}.")
    if (low is None) != (high is None) or (row["distribution"] and (low is None or value is None)):
        raise InvalidParameters(f"{where}: a distribution needs low95 and high95, and neither goes alone.")
    if low is not None and high is not None and value is not None and not low <= value <= high:
        raise InvalidParameters(f"{where}: the default {value:g} lies outside its range {low:g} to {high:g}.")
    if row["distribution"] == "lognormal" and low is not None and low <= 0:
        raise InvalidParameters(f"{where}: a lognormal needs a range above 0.")
    return Parameter(
        row["id"], row["meaning"], origin["unit"], value, minimum, maximum, low, high, row["distribution"],
        origin["source"], origin["confidence"], origin["status"], row["note"], row["factor_id"],
    )  # fmt: skip
