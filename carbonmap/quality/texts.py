"""What the report says, in each of its languages: `data/quality/texts.csv`; and numbers as each of them writes them."""

from string import Formatter
from typing import Any

from accounting.tables import read_rows
from carbonmap.resources import data_folder

LANGUAGES = ("en", "ko", "uz", "ru")
_MARKS = {"uz": str.maketrans(",.", "\u00a0,"), "ru": str.maketrans(",.", "\u00a0,")}
"""Where thousands stand apart by a no-break space, and decimals after a comma; elsewhere as Python writes them."""


class Texts(dict[str, str]):
    """Key -> text in one language; places for values in braces.

    Args:
        language: one of `LANGUAGES`.
        said: the texts.
    """

    def __init__(self, language: str, said: dict[str, str]) -> None:
        super().__init__(said)
        self.language = language
        self._filler = _Filler(self)

    def number(self, value: float, spec: str = "") -> str:
        """A number in digits, by a format of Python (`,.0f`), with the marks of this language."""
        return format(value, spec).translate(_MARKS.get(self.language, {}))

    def fill(self, key: str, *given: Any, **named: Any) -> str:
        """A text with values in its places; numbers that a format is given for are written as in this language."""
        return self._filler.vformat(self[key], given, named)


class _Filler(Formatter):
    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def format_field(self, value: Any, format_spec: str) -> str:
        is_number = isinstance(value, int | float) and format_spec != ""
        return self._texts.number(value, format_spec) if is_number else format(value, format_spec)


def texts(language: str) -> Texts:
    """The texts of a language."""
    rows = read_rows(data_folder() / "quality" / "texts.csv", ("key", *LANGUAGES))
    return Texts(language, {row["key"]: row[language] for row in rows})
