"""Notes in the reader's language: every word is there in every language, and numbers are written as it writes them."""

import string
from collections.abc import Mapping

import httpx
import pytest

from accounting.factors import FactorTable
from api.chosen_words import WORDS as CHOSEN_WORDS
from api.chosen_words import chosen_in
from api.mix_answers import NOTES as MIX_NOTES
from api.note_words import PROCESS_WORDS, RESULT_WORDS
from api.process_runs import PROCESSES
from api.scenario_answers import NOTES as RESULT_NOTES
from api.told_notes import in_language
from carbonmap.resources import data_folder
from scenarios.area_detail import NOTE as DETAIL_NOTE
from scenarios.edition_where import NOTES as WHERE_NOTES
from scenarios.notes import TEXTS, Note

OTHERS = ("ko", "ru", "uz")


def named_in(text: str) -> set[str]:
    """What a text has room for."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_note_with_the_same_values(language: str) -> None:
    assert RESULT_WORDS.keys() == CHOSEN_WORDS.keys() == {*OTHERS}
    words = RESULT_WORDS[language]
    assert {code: named_in(text) for code, text in words.items()} == {code: named_in(t) for code, t in TEXTS.items()}
    assert CHOSEN_WORDS[language].keys() == CHOSEN_WORDS["ko"].keys()
    of_results = {**RESULT_NOTES, "detail": DETAIL_NOTE}
    for process, notes in {"scenario": of_results, "best-mix": MIX_NOTES, "where-to-act": WHERE_NOTES}.items():
        assert process in PROCESSES
        assert PROCESS_WORDS[process][language].keys() == notes.keys()


def document(*notes: Note) -> dict[str, object]:
    """A result as a scenario gives it."""
    return {"notes": {}, "result": {"notes": [note.record() for note in notes], "illustrative": True}}


def texts(told: Mapping[str, object]) -> list[str]:
    """The words of a result's notes."""
    result = told["result"]
    assert isinstance(result, dict)
    return [note["text"] for note in result["notes"]]


def test_numbers_names_and_lists_are_written_as_the_language_does() -> None:
    made = document(
        Note("cut off", "cut_off", values={"residents": 12345}),
        Note("residents", "resident_travel", values={"tonnes": 4.5, "most": 3.0}),
        Note("net", "net_unknown", values={"sectors": ("buildings", "forest")}),
    )
    assert in_language(made, "scenario", "en") is made
    assert texts(made)[0].startswith("12,345 residents")
    assert texts(made)[1].startswith("Residents' car travel comes out at 4.5 t a head and year, more than 3:")
    assert texts(made)[2].endswith("tells nothing of buildings and forest.")
    korean = texts(in_language(made, "scenario", "ko"))
    assert "12,345명" in korean[0]
    assert korean[2].endswith("건물, 산림.")
    russian = texts(in_language(made, "scenario", "ru"))
    assert "12\u00a0345 жителей" in russian[0]
    assert "4,5 т на человека в год, больше 3:" in russian[1]
    assert russian[2].endswith("Здания и Лес.")
    # What was told is not changed by whoever else reads it.
    assert texts(made)[0].startswith("12,345 residents")


def test_what_has_no_words_stays_as_it_is() -> None:
    strange = {"about": "x", "code": "of a later version", "values": {}, "text": "In English."}
    old = {"about": "x", "text": "From before codes."}
    told = in_language({"notes": {"a": "b"}, "savings_notes": [strange, old]}, "where-to-act", "uz")
    assert told == {"notes": {"a": "b"}, "savings_notes": [strange, old]}


@pytest.mark.parametrize("language", OTHERS)
def test_notes_of_results_that_an_earlier_version_kept_stay_texts(language: str) -> None:
    known = Note("cut off", "cut_off", values={"residents": 5}).record()
    kept = {"notes": {}, "savings_notes": ["Plain."], "result": {"notes": ["Plain, too.", known]}}
    told = in_language(kept, "scenario", language)
    assert told["savings_notes"] == ["Plain."]
    assert told["result"]["notes"][0] == "Plain, too."
    assert told["result"]["notes"][1]["text"] != known["text"]


def test_every_way_of_choosing_a_factor_has_words() -> None:
    table = FactorTable.load(data_folder() / "factors")
    ways = {
        table.lookup("electricity", year=year, regions=regions).chosen
        for year in (1990, 2021, 2090)
        for regions in (["KR 수도권"], ["KR"])
    }
    ways |= {
        table.lookup("gas.energy", year=2023, regions=["LI", "world"]).chosen,
        f"calorific value ({min(ways)}) x factor of energy ({max(ways)})",
        "override of the region file for gas.energy",
        "assumption factor.electricity of the region file: the tables have no answer",
        "uptake by age of pine, interpolated",
        "wood of oak",
    }
    for way in ways:
        assert chosen_in("en", way) == way
        for language in OTHERS:
            told = chosen_in(language, way)
            assert told != way
            assert not {"year", "region", "nothing", "anywhere", "assumption", "valid"} & set(told.split())


def told_to(client: httpx.Client, language: str) -> httpx.Response:
    """A result by the language that is asked for; a machine that still compiles may ask for patience first."""
    body = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]}
    for _ in range(10):
        answer = client.post("/api/town/scenarios/results", json=body, headers={"Accept-Language": language})
        if answer.status_code != 503:
            break
    assert answer.status_code == 200, answer.text
    return answer


def test_a_result_is_told_in_the_language_that_is_asked_for(client: httpx.Client) -> None:
    english = told_to(client, "de").json()["result"]["notes"]
    answer = told_to(client, "ru-RU, en;q=0.5")
    assert answer.headers["Content-Language"] == "ru"
    assert "Accept-Language" in answer.headers["Vary"]
    russian = answer.json()["result"]["notes"]
    assert [one["code"] for one in russian] == [one["code"] for one in english]
    for one, other in zip(russian, english, strict=True):
        assert one["values"] == other["values"]
        assert one["text"] != other["text"]
    plain = told_to(client, "en").json()
    for one, other in zip(answer.json()["result"]["parameters"], plain["result"]["parameters"], strict=True):
        assert one["id"] == other["id"]
        assert one["meaning"] != other["meaning"]
        assert one["source"] != other["source"]
    assert all(text != plain["notes"][code] for code, text in answer.json()["notes"].items())
