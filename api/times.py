"""The `datetime` parameter: which years of a collection a moment or an interval meets. A year is an interval in UTC."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from api.errors import InvalidParameter

_MOMENT = re.compile(r"\d{4}(-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d))?)?")
_OPEN = ("", "..")


def years_met(text: str, years: Sequence[int]) -> list[int]:
    """Return those of a collection's years that a moment or interval meets, ascending.

    Args:
        text: RFC 3339 date or time (a year alone is its whole), or two of them with a slash, `..` where it is open.
        years: of the collection.

    Raises:
        InvalidParameter: not such a text, no such day, or an interval that ends before it begins.
    """
    parts = text.split("/")
    if len(parts) > 2 or all(part in _OPEN for part in parts):
        raise _refused(text)
    begin, end = parts[0], parts[-1]
    first = None if begin in _OPEN else _moment(begin, text)
    last = None if end in _OPEN else _moment(end, text)
    if first is not None and last is not None and last < first:
        raise InvalidParameter(f"datetime: {text[:80]!r} ends before it begins")
    return [
        year for year in sorted(years) if (first is None or year >= first.year) and (last is None or year <= last.year)
    ]


def interval(years: Sequence[int]) -> list[str]:
    """Return the first and last moment of a collection's years."""
    return [f"{min(years):04d}-01-01T00:00:00Z", f"{max(years):04d}-12-31T23:59:59Z"]


def _moment(part: str, text: str) -> datetime:
    if not _MOMENT.fullmatch(part):
        raise _refused(text)
    given = f"{part}-01-01" if len(part) == 4 else part.upper().replace(":60Z", ":59Z")  # leap seconds
    try:
        moment = datetime.fromisoformat(given)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _refused(text) from error


def _refused(text: str) -> InvalidParameter:
    return InvalidParameter(
        f"datetime: got {text[:80]!r}, expected a day such as 2023-07-01, a time such as 2023-07-01T12:00:00Z, "
        f"or an interval such as 2022-01-01/2023-12-31 or 2022-01-01/.."
    )
