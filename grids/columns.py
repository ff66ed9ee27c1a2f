"""Names, order and meaning of the columns of a public table.

The names are made here and nowhere else; what each means stands in `data/schema/columns.csv` (patterns such as
`{sector}_tco2e`) and the words put into the patterns in `data/schema/words.csv`.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grids.errors import GridError

SECTORS = ("buildings", "transport", "forest")
CARRIERS = ("electricity", "gas", "heat", "oil", "lpg", "coal", "wood", "petrol", "diesel", "biomass")
BASES = ("direct", "indirect")
METHODS = ("metered", "modelled", "default")

Pair = tuple[str, str]
"""A carrier and its basis, such as `("gas", "direct")`."""

_PLACES = {"sector": SECTORS, "carrier": CARRIERS, "basis": BASES}
_LANGUAGE = "[a-z]{2,3}(?:-[A-Za-z0-9]+)?"
LANGUAGES = ("en", "ko", "ru", "uz")
"""Those that every column and word is explained in."""
_FIELDS = (
    *("name", "type", "unit", "nullable", "tables"),
    *(f"{what}_{language}" for what in ("label", "meaning") for language in LANGUAGES),
)


class UnknownColumn(GridError):
    """A name that no public table has, or a word that no name can be made of."""


def total_column(sector: str) -> str:
    """`<sector>_tco2e`; `net` gives the sum over sectors. Unit tCO2e per year."""
    return f"{sector}_tco2e"


def pair_column(sector: str, pair: Pair) -> str:
    """`<sector>_<carrier>_<basis>_tco2e`, tCO2e per year."""
    return f"{sector}_{pair[0]}_{pair[1]}_tco2e"


def sd_column(sector: str) -> str:
    """`<sector>_sd_tco2e`; `net` too. One standard deviation, tCO2e per year."""
    return f"{sector}_sd_tco2e"


def method_column(sector: str, method: str) -> str:
    """`<sector>_<method>_share`, a fraction of absolute emissions."""
    return f"{sector}_{method}_share"


def in_sector_order(sectors: Iterable[str]) -> tuple[str, ...]:
    """The sectors, each once, in the order of every table.

    Raises:
        UnknownColumn: a sector that no column is made for.
    """
    return _ordered(sectors, SECTORS, "sector")


def in_pair_order(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Carrier and basis pairs, each once, by carrier and then basis.

    Raises:
        UnknownColumn: a carrier or a basis that no column is made for.
    """
    wanted = set(pairs)
    _ordered((carrier for carrier, _ in wanted), CARRIERS, "carrier")
    _ordered((basis for _, basis in wanted), BASES, "basis")
    return tuple(pair for carrier in CARRIERS for basis in BASES if (pair := (carrier, basis)) in wanted)


def value_columns(sectors: Sequence[str], pairs: Mapping[str, Sequence[Pair]]) -> list[str]:
    """Names of the numeric columns of a table, in their order.

    Args:
        sectors: sectors of the region.
        pairs: per sector the carriers and bases that occur; a sector may be absent.

    Returns:
        `year`, `population`, totals and net, carriers, standard deviations, method shares, coverage, illustrative.
    """
    sectors = in_sector_order(sectors)
    return [
        "year",
        "population",
        *(total_column(sector) for sector in (*sectors, "net")),
        *(pair_column(sector, pair) for sector in sectors for pair in in_pair_order(pairs.get(sector, ()))),
        *(sd_column(sector) for sector in (*sectors, "net")),
        *(method_column(sector, method) for sector in sectors for method in METHODS),
        *(f"{sector}_coverage" for sector in sectors),
        *(f"{sector}_illustrative" for sector in sectors),
    ]


@dataclass(frozen=True, slots=True)
class Column:
    """One public column.

    Attributes:
        name: as it stands in the table.
        type: float64, int32, int16, bool or string.
        unit: `tCO2e/a`, `ha`, `person`, `1` (a fraction), `a` (a year); empty where there is none.
        nullable: may hold nulls.
        tables: `all`, `grids` or `zones`.
        label: per language, short enough for a legend.
        meaning: per language, a sentence or two.
    """

    name: str
    type: str
    unit: str
    nullable: bool
    tables: str
    label: Mapping[str, str]
    meaning: Mapping[str, str]


class ColumnTable:
    """What `columns.csv` and `words.csv` say of every public column.

    Args:
        rows: rows of `columns.csv`, in the order of a table's columns.
        words: kind (`sector`, `carrier`, `basis`, `method`) -> id -> language -> word.
    """

    def __init__(self, rows: Sequence[Mapping[str, str]], words: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
        self._rows = [(_pattern(row["name"]), row) for row in rows]
        self._words = words

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names as documented, with `{sector}` and the like in them."""
        return tuple(row["name"] for _, row in self._rows)

    def describe(self, name: str) -> Column:
        """The type, unit, label and meaning of a column.

        Raises:
            UnknownColumn: no documented name or pattern fits.
        """
        _, found, row = self._find(name)
        return Column(
            name=name,
            type=row["type"],
            unit=row["unit"],
            nullable=row["nullable"] == "yes",
            tables=row["tables"],
            label={language: self._fill(row[f"label_{language}"], found, language) for language in LANGUAGES},
            meaning={language: row[f"meaning_{language}"] for language in LANGUAGES},
        )

    def word(self, kind: str, name: str, language: str) -> str:
        """The word for a sector, carrier, basis or method in a language; English where that has none."""
        try:
            words = self._words[kind][name]
        except KeyError:
            raise UnknownColumn(f"no word for the {kind} {name!r} in words.csv") from None
        return words.get(language) or words["en"]

    def in_order(self, names: Iterable[str]) -> list[str]:
        """The names in the documented order of a table.

        Raises:
            UnknownColumn: a name is not documented.
        """
        return sorted(names, key=self._rank)

    def _rank(self, name: str) -> tuple[object, ...]:
        position, found, _ = self._find(name)
        inner = tuple(_PLACES[kind].index(found[kind]) for kind in ("sector", "carrier", "basis") if kind in found)
        # Net stands behind the sectors in totals and deviations; method shares of one sector stay together.
        first_of_methods = position
        if name.endswith("_share"):
            first_of_methods = next(i for i, (_, row) in enumerate(self._rows) if row["name"].endswith("_share"))
        return (first_of_methods, inner, position, name)

    def _find(self, name: str) -> tuple[int, dict[str, str], Mapping[str, str]]:
        for position, (pattern, row) in enumerate(self._rows):
            if match := pattern.fullmatch(name):
                return position, match.groupdict(), row
        raise UnknownColumn(
            f"the column {name!r} is not documented in columns.csv; known are: {', '.join(self.patterns)}"
        )

    def _fill(self, label: str, found: Mapping[str, str], language: str) -> str:
        words = {kind: self.word(kind, name, language) for kind, name in found.items() if kind in _PLACES}
        return label.format(**(dict(found) | words))


def read_columns(folder: Path) -> ColumnTable:
    """Read `columns.csv` and `words.csv`.

    Args:
        folder: the folder `data/schema`.

    Raises:
        GridError: a file is missing or lacks a column.
    """
    rows = _read(folder / "columns.csv", _FIELDS)
    words: dict[str, dict[str, dict[str, str]]] = {}
    for row in _read(folder / "words.csv", ("kind", "id", *LANGUAGES)):
        words.setdefault(row["kind"], {})[row["id"]] = {language: row[language] for language in LANGUAGES}
    return ColumnTable(rows, words)


def _read(path: Path, fields: Sequence[str]) -> list[dict[str, str]]:
    if not path.is_file():
        raise GridError(f"{path} is missing; it ships with the software and says what the public columns mean")
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = [field for field in fields if field not in (reader.fieldnames or ())]
        if missing:
            raise GridError(
                f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(reader.fieldnames or ())}"
            )
        return list(reader)


def _pattern(name: str) -> re.Pattern[str]:
    """`{sector}_tco2e` as an expression that knows every sector."""
    parts = []
    for text, kind in re.findall(r"([^{]*)(?:\{(\w+)\})?", name):
        parts.append(re.escape(text))
        if kind:
            parts.append(f"(?P<{kind}>{'|'.join(_PLACES[kind]) if kind in _PLACES else _LANGUAGE})")
    return re.compile("".join(parts))


def _ordered(given: Iterable[str], known: Sequence[str], kind: str) -> tuple[str, ...]:
    wanted = set(given)
    if unknown := sorted(wanted - set(known)):
        raise UnknownColumn(f"unknown {kind} {', '.join(map(repr, unknown))}; public tables know {', '.join(known)}")
    return tuple(name for name in known if name in wanted)
