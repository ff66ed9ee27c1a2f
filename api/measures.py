"""What a column of numbers says in a unit: one column, or columns added up, each whole or by one of its shares."""

from itertools import groupby
from typing import Literal

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from api.errors import InvalidParameter
from api.params import Opened
from grids.manifest import Collection

Unit = Literal["t", "t_per_ha", "t_per_person"]
DIVISORS = {"t_per_ha": "area_ha", "t_per_person": "population"}

# More than any table has carriers; a longer list only repeats work.
_MOST_TERMS = 40

Term = tuple[str, str | None]


def terms_of(collection: Collection, column: str, unit: Unit, parameter: str = "column") -> tuple[Term, ...]:
    """Read `a` or `a*share,b,...`: columns that are added, some of them only by a share.

    Args:
        collection: has the columns.
        column: as it was given.
        unit: what the sum is told in.
        parameter: under which name it was given.

    Raises:
        InvalidParameter: names the parameter, what was given and what was expected.
    """
    written = column.split(",")
    if len(written) > _MOST_TERMS:
        raise InvalidParameter(f"{parameter}: {len(written)} columns to add, expected {_MOST_TERMS} at most")
    terms = tuple(_term(collection, text, parameter) for text in written)
    if len(terms) > 1 and not all(holds_emissions(name) for name, _ in terms):
        raise InvalidParameter(f"{parameter}: only columns of emissions (..._tco2e) are added, got {column[:200]!r}")
    divisor = DIVISORS.get(unit)
    if divisor is not None and not all(name.endswith("_tco2e") for name, _ in terms):
        raise InvalidParameter(f"unit: {unit} needs a column of emissions (..._tco2e), got {column[:80]!r}; expected t")
    if divisor is not None and divisor not in collection.columns:
        raise InvalidParameter(f"unit: collection {collection.id!r} has no column {divisor} for {unit}; expected t")
    return terms


def measured(
    opened: Opened, collection: Collection, year: int, terms: tuple[Term, ...], unit: Unit
) -> NDArray[np.float64]:
    """Return (rows,) the terms' sum in a unit, NaN where one of them is unknown.

    Raises:
        InvalidParameter: a column that holds no numbers.
    """
    divisor = DIVISORS.get(unit)
    names = list(dict.fromkeys(name for term in (*terms, (divisor, None)) for name in term if name is not None))
    # Polygons come along whenever something is read, cells have none: forty columns of a nation's at once would be
    # gigabytes.
    whole = None if collection.kind == "grid" else opened.edition.table(collection.id, year, names)

    def values_of(name: str) -> NDArray[np.float64]:
        rows = opened.edition.table(collection.id, year, [name]) if whole is None else whole
        values = rows[name]
        kind = str(values.type)
        if kind in ("string", "bool"):
            raise InvalidParameter(f"column: {name!r} holds {kind} values, expected a column of numbers")
        return np.asarray(values.to_numpy().astype(np.float64))

    # By name, so that a column of which several shares are added is read once and only one is held at a time.
    total: NDArray[np.float64] | None = None
    for name, several in groupby(sorted(terms, key=lambda term: (term[0], term[1] or "")), key=lambda term: term[0]):
        values = values_of(name)
        for _, share in several:
            # What is nothing has no shares: they are null where the value is zero.
            part = values.copy() if share is None else values * np.nan_to_num(values_of(share))
            if total is None:
                total = part
            else:
                total += part
    assert total is not None
    if divisor is None:
        return total
    by = values_of(divisor)
    # Where nobody lives, tonnes per person are unknown rather than infinite.
    return np.asarray(np.divide(total, by, out=np.full_like(total, np.nan), where=by > 0))


def measured_beside(
    opened: Opened, other: Opened, collection: Collection, year: int, terms: tuple[Term, ...], unit: Unit
) -> NDArray[np.float64]:
    """Return what another edition's terms say of this one's places: (rows of this one,), NaN where it knows none.

    Args:
        opened: the edition whose places are asked for; it has the collection.
        other: the edition that is measured; the same one is.
        collection: as the other edition has it.
        year: of the other edition.
        terms: of the other edition.
        unit: of the values.

    Raises:
        InvalidParameter: a column that holds no numbers.
    """
    values = measured(other, collection, year, terms, unit)
    if other.edition.id == opened.edition.id:
        # A collection has the same places in the same order in every year.
        return values
    here = opened.edition.table(collection.id, None, ["id"])["id"]
    there = other.edition.table(collection.id, year, ["id"])["id"].combine_chunks()
    at = pc.index_in(here, value_set=there).to_numpy()
    return np.append(values, np.nan)[np.where(np.isnan(at), len(values), at).astype(np.int64)]


def _term(collection: Collection, text: str, parameter: str) -> Term:
    name, times, share = text.partition("*")
    _check(collection, name, parameter)
    if not times:
        return name, None
    _check(collection, share, parameter)
    if not holds_emissions(name) or not share.endswith("_share"):
        raise InvalidParameter(
            f"{parameter}: expected emissions times a share (..._tco2e*..._share), got {text[:160]!r}"
        )
    return name, share


def holds_emissions(name: str) -> bool:
    """Whether a column holds emissions; standard deviations do not add up."""
    return name.endswith("_tco2e") and not name.endswith("_sd_tco2e")


def _check(collection: Collection, name: str, parameter: str) -> None:
    if name not in collection.columns:
        known = ", ".join(collection.columns)
        raise InvalidParameter(f"{parameter}: collection {collection.id!r} has no column {name[:80]!r}; it has {known}")
