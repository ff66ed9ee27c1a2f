"""Assumptions: gaps that a region fills by declared judgement, each with range, author and reason.

A line that rests on one is illustrative, so every use is recorded on the line. Which ids exist, and in which unit, is
the table `data/schema/assumptions.csv`.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounting import tables
from accounting.errors import AssumptionNotFound, InvalidAssumption, UnknownUnit
from accounting.units import conversion, factor_unit

SCHEMA_COLUMNS = ("pattern", "kind", "unit", "minimum", "maximum", "meaning")
KINDS = ("number", "shares")
EMISSION_FACTOR = "emission factor"
"""Unit of the schema for assumptions that are in any mass of CO2e per activity."""
_KEYS = ("value", "unit", "low", "high", "author", "reason")


@dataclass(frozen=True)
class Assumption:
    """One gap filled by a region.

    Attributes:
        id: e.g. `buildings.eui.office`.
        value: a number, or shares by name.
        unit: as the region file states it.
        low, high: the range the author believes in (95 %); None only for shares.
        author, reason: who says so, and why.
    """

    id: str
    value: float | dict[str, float]
    unit: str
    low: float | None
    high: float | None
    author: str
    reason: str

    def record(self) -> dict[str, Any]:
        """As JSON-able mapping for the manifest."""
        return {"id": self.id} | {name: getattr(self, name) for name in _KEYS if getattr(self, name) is not None}

    @property
    def relative_sd(self) -> float:
        """Relative standard deviation from the range: half of it over 1.96, over the value; 0 for shares."""
        if isinstance(self.value, dict) or self.low is None or self.high is None or self.value == 0:
            return 0.0
        return (self.high - self.low) / 2 / 1.96 / abs(self.value)


@dataclass(frozen=True)
class Pattern:
    """One row of the schema: which ids it allows (`*` stands for one part), their kind, unit and limits."""

    pattern: str
    kind: str
    unit: str
    minimum: float
    maximum: float
    meaning: str

    def matches(self, identifier: str) -> bool:
        """Whether an id is of this pattern; `**` at the end stands for one or more parts."""
        parts, asked = self.pattern.split("."), identifier.split(".")
        if parts[-1] == "**":
            parts, asked = parts[:-1], asked[: len(parts) - 1] if len(asked) >= len(parts) else []
        return len(parts) == len(asked) and all(
            mine == theirs or (mine == "*" and theirs) for mine, theirs in zip(parts, asked, strict=True)
        )


@dataclass
class Assumptions:
    """All assumptions of a region; the getters remember which were used."""

    items: dict[str, Assumption] = field(default_factory=dict)
    patterns: tuple[Pattern, ...] = ()
    _used: set[str] = field(default_factory=set)
    _checked: set[str] = field(default_factory=set)
    _whole: "Assumptions | None" = None

    @classmethod
    def load(cls, given: Mapping[str, Mapping[str, Any]], schema: Path) -> "Assumptions":
        """Check what a region file says against the schema.

        Args:
            given: the region file's `assumptions:`, id -> {value, unit, low, high, author, reason}.
            schema: `data/schema/assumptions.csv`.

        Raises:
            InvalidAssumption: unknown id or key, wrong unit or kind, value outside its limits or its own range.
        """
        patterns = _patterns(schema)
        items = {name: _assumption(name, entry, patterns) for name, entry in given.items()}
        return cls(items, patterns)

    @property
    def used(self) -> tuple[str, ...]:
        """Ids of the assumptions that were asked for and found, sorted."""
        return tuple(sorted(self._used))

    def apart(self) -> "Assumptions":
        """The same assumptions with their own memory of what was used; what they use counts as used here too."""
        return Assumptions(self.items, self.patterns, _whole=self)

    def get(self, *identifiers: str) -> Assumption | None:
        """The first of these assumptions that the region gives, recorded as used; None where it gives none.

        Raises:
            InvalidAssumption: an id is not in the schema (a mistake of the caller, found by tests).
        """
        for identifier in identifiers:
            if self.patterns and identifier not in self._checked:
                _pattern_of(identifier, self.patterns)
                self._checked.add(identifier)
            if identifier in self.items:
                self._use(identifier)
                return self.items[identifier]
        return None

    def _use(self, identifier: str) -> None:
        self._used.add(identifier)
        if self._whole is not None:
            self._whole._use(identifier)

    def number(self, unit: str, *identifiers: str) -> tuple[float, Assumption] | None:
        """The first of these assumptions as a number in `unit`, with the assumption; None where there is none.

        Raises:
            InvalidAssumption: it holds shares, or its unit cannot be converted.
        """
        found = self.get(*identifiers)
        if found is None:
            return None
        if isinstance(found.value, dict):
            raise InvalidAssumption(f"Assumption {found.id} holds shares; a number in {unit} is expected.")
        return found.value * _scale(found.id, found.unit, unit), found

    def required(self, unit: str, *identifiers: str, why: str) -> tuple[float, Assumption]:
        """As `number`, but its absence is an error.

        Raises:
            AssumptionNotFound: names what was looked for, why, and how to give it.
        """
        found = self.number(unit, *identifiers)
        if found is None:
            raise AssumptionNotFound(missing_message(identifiers, unit, why))
        return found

    def shares(self, *identifiers: str) -> tuple[dict[str, float], Assumption] | None:
        """The first of these assumptions as shares by name; None where there is none.

        Raises:
            InvalidAssumption: it holds a number.
        """
        found = self.get(*identifiers)
        if found is None:
            return None
        if not isinstance(found.value, dict):
            raise InvalidAssumption(f"Assumption {found.id} holds a number; shares by name are expected.")
        return found.value, found


def id_part(name: str) -> str:
    """A name as one part of an id: dots and spaces become `_` (`기타 침엽수` -> `기타_침엽수`)."""
    return "_".join(name.replace(".", " ").split())


def sorted_ids(*texts: str) -> str:
    """Ids of several texts in one: each id once, sorted, space separated."""
    return " ".join(sorted({name for text in texts for name in text.split()}))


def missing_message(identifiers: Iterable[str], unit: str, why: str) -> str:
    """What to tell somebody whose region file lacks an assumption."""
    names = list(identifiers)
    return (
        f"{why} No published value is known. Remedy: give {' or '.join(names)} in the region file, as assumptions: "
        f"{{{names[0]}: {{value: ..., unit: {unit}, low: ..., high: ..., author: ..., reason: ...}}}}; "
        "whatever rests on it is then labelled illustrative."
    )


def _patterns(schema: Path) -> tuple[Pattern, ...]:
    patterns: list[Pattern] = []
    for line, row in enumerate(tables.read_rows(schema, SCHEMA_COLUMNS), start=2):
        where = f"{schema}, row {line} ({row['pattern']})"
        low, high = tables.number(row, "minimum", where), tables.number(row, "maximum", where)
        if row["kind"] not in KINDS or not row["pattern"] or not row["unit"] or not row["meaning"]:
            raise InvalidAssumption(f"{where}: pattern, kind ({', '.join(KINDS)}), unit and meaning are needed.")
        limits = (-math.inf if low is None else low, math.inf if high is None else high)
        patterns.append(Pattern(row["pattern"], row["kind"], row["unit"], *limits, row["meaning"]))
    return tuple(patterns)


def _pattern_of(identifier: str, patterns: Iterable[Pattern]) -> Pattern:
    for pattern in patterns:
        if pattern.matches(identifier):
            return pattern
    known = [pattern.pattern for pattern in patterns]
    near = difflib.get_close_matches(identifier, known, n=3, cutoff=0.4)
    raise InvalidAssumption(
        f"assumptions: {identifier!r} is not an assumption; near it: {', '.join(near) or 'nothing'}. "
        "All are listed in data/schema/assumptions.csv."
    )


def _scale(identifier: str, unit: str, target: str) -> float:
    if unit == target:
        return 1.0
    try:
        return conversion(unit, target)
    except UnknownUnit as error:
        raise InvalidAssumption(f"assumptions: {identifier}: expected a unit of {target}, given {unit!r}.") from error


def _check_factor_unit(identifier: str, unit: str) -> None:
    try:
        gas = factor_unit(unit).gas
    except UnknownUnit as error:
        raise InvalidAssumption(f"assumptions: {identifier}: {error}") from error
    if gas != "CO2e":
        raise InvalidAssumption(
            f"assumptions: {identifier}: an assumed factor is in CO2e, such as kgCO2e/kWh, not {unit}."
        )


def _real(identifier: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidAssumption(f"assumptions: {identifier}: {name} must be a number, given {value!r}.")
    return float(value)


def _assumption(identifier: str, given: Mapping[str, Any], patterns: Iterable[Pattern]) -> Assumption:
    pattern = _pattern_of(identifier, patterns)
    if given.get("value") is not None and (pattern.kind == "shares") != isinstance(given["value"], Mapping):
        expected = "shares by name" if pattern.kind == "shares" else "a number"
        raise InvalidAssumption(f"assumptions: {identifier}: value must be {expected}; given {given['value']!r}.")
    needed = ("value", "unit", "author", "reason") + (() if pattern.kind == "shares" else ("low", "high"))
    missing = [name for name in needed if given.get(name) in (None, "")]
    unknown = sorted(set(given) - set(_KEYS))
    if missing or unknown:
        raise InvalidAssumption(
            f"assumptions: {identifier}: an assumption has {', '.join(_KEYS)}. "
            f"Missing: {', '.join(missing) or 'nothing'}; unknown: {', '.join(unknown) or 'nothing'}."
        )
    unit = str(given["unit"])
    scale = 1.0 if pattern.unit == EMISSION_FACTOR else _scale(identifier, unit, pattern.unit)
    if pattern.unit == EMISSION_FACTOR:
        _check_factor_unit(identifier, unit)
    author, reason = str(given["author"]), str(given["reason"])
    value = given["value"]
    if isinstance(value, Mapping):
        shares = {str(name): _real(identifier, f"value.{name}", share) * scale for name, share in value.items()}
        if not shares or min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
            raise InvalidAssumption(
                f"assumptions: {identifier}: shares are not negative and add up to 1; given {shares}, "
                f"which add up to {sum(shares.values()):.6g}."
            )
        return Assumption(identifier, shares, "1", None, None, author, reason)
    amount, low, high = (_real(identifier, name, given[name]) for name in ("value", "low", "high"))
    if not low <= amount <= high:
        raise InvalidAssumption(f"assumptions: {identifier}: value {amount} is outside its own range {low}..{high}.")
    if not pattern.minimum <= amount * scale <= pattern.maximum:
        raise InvalidAssumption(
            f"assumptions: {identifier}: {amount} {unit} is outside what is possible "
            f"({pattern.minimum:g}..{pattern.maximum:g} {pattern.unit})."
        )
    return Assumption(identifier, amount, unit, low, high, author, reason)
