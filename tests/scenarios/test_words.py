"""Measures, parameters, units and indicators have words in every language, and no word is left over."""

from dataclasses import fields
from pathlib import Path

import pytest

from accounting.errors import InvalidTable
from scenarios.effects import STAGES
from scenarios.measures import measure_kinds
from scenarios.parameters import shipped_parameters
from scenarios.result import Indicators
from scenarios.words import LANGUAGES, read_words, shipped_words

OTHERS = [language for language in LANGUAGES if language != "en"]


def wanted_names() -> set[tuple[str, str]]:
    kinds, parameters = measure_kinds(), shipped_parameters().items.values()
    units = {one.unit for one in kinds} | {one.unit for one in parameters} | {"job"}  # of growth in jobs alone
    return {
        *(("measure", one.kind) for one in kinds),
        *(("stage", name) for name in STAGES),
        *(("unit", unit) for unit in units if unit),
        *(("indicator", one.name) for one in fields(Indicators)),
    }


def wanted_texts() -> set[str]:
    said = {text for one in shipped_parameters().items.values() for text in (one.meaning, one.source, one.note)}
    # What a scenario gives itself says so instead of a source.
    return {text for text in said | {one.about for one in measure_kinds()} | {"scenario"} if text}


def test_every_name_and_text_has_words_and_no_word_is_left_over() -> None:
    words = shipped_words()
    assert set(words.names) == wanted_names()
    assert set(words.texts) == wanted_texts()


@pytest.mark.parametrize("language", OTHERS)
def test_words_are_of_their_language(language: str) -> None:
    words = shipped_words()
    for said in (*words.names.values(), *words.texts.values()):
        assert said[language] != said["en"]
        assert said[language].count("`") == said["en"].count("`"), "members of a document keep their names"
        letters = {"ko": range(0xAC00, 0xD7A4), "ru": range(0x400, 0x500)}.get(language)
        assert letters is None or any(ord(letter) in letters for letter in said[language])


def test_what_has_no_words_is_told_in_english_or_by_its_id() -> None:
    words = shipped_words()
    assert words.text("Nobody translated this.", "ko") == "Nobody translated this."
    assert words.text("judgement", "de") == "judgement"
    assert words.name("unit", "parsec", "ru") == "parsec"
    assert words.name("measure", "park", "de") == "New parks"


@pytest.mark.parametrize(
    "row",
    ["text,x,a,b,c,d", "unit,,a,b,c,d", "poem,x,a,b,c,d", "unit,x,a,b,,d", "text,,A,b,c,d\ntext,,A,b,c,d"],
)
def test_a_broken_row_is_refused_by_its_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / "words.csv"
    path.write_text(f"kind,id,en,ko,ru,uz\n{row}\n", encoding="utf-8")
    with pytest.raises(InvalidTable, match=r"words\.csv, row [23]:"):
        read_words(path)
