"""Measures, parameters, units and indicators in the languages of readers: `data/scenarios/words.csv`.

What a measure is, and what parameters mean, rest on and leave open, stands in English where it belongs (docstrings,
`parameters.csv`, `data/factors`), and in the other languages beside these very words: who changes the English finds no
translation any more until it is changed, too.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from accounting import tables
from accounting.errors import InvalidTable
from grids.shipped import data_folder

LANGUAGES = ("en", "ko", "ru", "uz")
KINDS = ("measure", "stage", "unit", "indicator", "text")
_TEXT = "text"


@dataclass(frozen=True)
class Words:
    """Words by language.

    Attributes:
        names: (kind, id) -> language -> name.
        texts: English text -> language -> text.
    """

    names: Mapping[tuple[str, str], Mapping[str, str]]
    texts: Mapping[str, Mapping[str, str]]

    def name(self, kind: str, known_as: str, language: str) -> str:
        """Name of a measure, stage, unit or indicator in a language; else in English, else its id."""
        found = self.names.get((kind, known_as), {})
        return found.get(language) or found.get("en") or known_as

    def text(self, english: str, language: str) -> str:
        """An English text in a language; itself where that has no words for it."""
        return self.texts.get(english, {}).get(language) or english


def read_words(path: Path) -> Words:
    """Read the table of words.

    Raises:
        InvalidTable: a row that breaks the schema; names file and row.
    """
    names: dict[tuple[str, str], dict[str, str]] = {}
    texts: dict[str, dict[str, str]] = {}
    for line, row in enumerate(tables.read_rows(path, ("kind", "id", *LANGUAGES)), start=2):
        where = f"{path}, row {line}"
        said = {language: row[language] for language in LANGUAGES}
        if row["kind"] not in KINDS or (row["kind"] == _TEXT) != (row["id"] == "") or not all(said.values()):
            raise InvalidTable(
                f"{where}: kind {row['kind']!r}, id {row['id']!r}; one of {', '.join(KINDS)}, an id for all but texts, "
                "and words in every language were expected."
            )
        key = (row["kind"], row["id"])
        if (said["en"] in texts) if row["kind"] == _TEXT else (key in names):
            raise InvalidTable(f"{where}: {row['id'] or said['en']!r} stands there twice.")
        if row["kind"] == _TEXT:
            texts[said["en"]] = said
        else:
            names[key] = said
    return Words(names, texts)


@functools.lru_cache(maxsize=1)
def shipped_words() -> Words:
    """The words that ship with the software."""
    return read_words(data_folder() / "scenarios" / "words.csv")
