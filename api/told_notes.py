"""Documents of results with their notes in the language of whoever reads them; kept ones are told anew each time."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from api.answers import preferred
from api.note_words import PROCESS_WORDS, RESULT_WORDS
from grids.columns import SECTORS
from grids.shipped import shipped_columns
from scenarios.words import shipped_words

LANGUAGES = ("en", *RESULT_WORDS)

_AND = {"ko": ", ", "ru": " и ", "uz": " va "}


def note_language(request: Request) -> str:
    """Return the language of notes that a request likes best."""
    return preferred(request, dict.fromkeys(LANGUAGES, ""))[0]


def note_headers(language: str) -> dict[str, str]:
    """Return the headers of an answer whose notes are in a language."""
    return {"Vary": "Accept-Language", "Content-Language": language}


def in_language(document: dict[str, Any], process: str, language: str) -> dict[str, Any]:
    """Return a document that a process gave, with notes and parameters in a language; what it has no words for stays.

    Args:
        document: as JSON has it: `notes` by code; notes of a run under `result.notes` or `savings_notes`.
        process: its id; whoever runs a scenario without one asks as `scenario` does.
        language: one of `LANGUAGES`.
    """
    if language not in RESULT_WORDS:
        return document
    words = PROCESS_WORDS.get(process, {}).get(language, {})
    told = dict(document)
    if words:
        told["notes"] = {code: words.get(code, text) for code, text in document["notes"].items()}
    if "savings_notes" in document:
        told["savings_notes"] = _told(document["savings_notes"], language)
    result = document.get("result")
    if isinstance(result, dict) and "notes" in result:
        told["result"] = {**result, "notes": _told(result["notes"], language)}
        if "parameters" in result:
            told["result"]["parameters"] = [parameter_in(one, language) for one in result["parameters"]]
    return told


def parameter_in(record: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a parameter's record with its meaning, source and note in a language."""
    words = shipped_words()
    said = {name: words.text(record[name], language) for name in ("meaning", "source", "note") if name in record}
    return {**record, **said}


def _told(notes: Sequence[Mapping[str, Any] | str], language: str) -> list[dict[str, Any] | str]:
    return [_told_one(note, language) for note in notes]


def _told_one(note: Mapping[str, Any] | str, language: str) -> dict[str, Any] | str:
    if isinstance(note, str):  # of a result that was kept by an earlier version: a text and no more
        return note
    words = RESULT_WORDS[language].get(note.get("code", ""))
    return dict(note) if words is None else {**note, "text": words.format(**_written(note["values"], language))}


def _written(values: Mapping[str, Any], language: str) -> dict[str, str]:
    return {name: _word(value, language) for name, value in values.items()}


def _word(value: Any, language: str) -> str:
    """A number as the language writes it, the name of a sector, an id as it is, or several of them."""
    if isinstance(value, int | float):
        text = f"{value:,}" if isinstance(value, int) else f"{value:,g}"
        return text if language == "ko" else text.translate(str.maketrans(",.", "\u00a0,"))
    if isinstance(value, str):
        return shipped_columns().word("sector", value, language) if value in SECTORS else value
    each = [_word(one, language) for one in value]
    return _AND[language].join(filter(None, (", ".join(each[:-1]), *each[-1:])))
