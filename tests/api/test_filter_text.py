"""The parser of CQL2 texts: what is let through to it is parsed, however deep, and the process goes on."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api import filter_text
from api.filter_text import MOST_BYTES, MOST_HEAVY, STACK_BYTES, parsed
from api.filters import MOST_DEPTH

_REPEATED = {
    **{f"1 {sign}": ("1", f"{sign}1") for sign in (*"=<>+-*/%^", "<>", "!=", ">=", "LIKE", "in", "div", "and", "or")},
    "not in": ("1", " not in1"),
    "not like": ("1", " not like1"),
    "in lists": ("1", "in(1)"),
    "between": ("1", " between 1 and 1 and 1"),
    "is null": ("1", " is null and 1"),
    "differences of signs": ("1", "--1"),
    "comparisons of signs": ("1", "=-1"),
    "comparisons of NOT": ("t", ">NOTt"),
    "shapes": ("POINT(1 1)", "=POINT(1 1)"),
    "dates": ("DATE('2020-01-01')", "=DATE('2020-01-01')"),
    "functions": ("f()", ">f()"),
}
FILLED = {
    **{name: first + again * ((MOST_BYTES - len(first)) // len(again)) for name, (first, again) in _REPEATED.items()},
    **{
        f"signs within {opening}": opening + "-" * (MOST_BYTES - 2 * len(opening) - 1) + "1" + ")" * opening.count("(")
        for opening in ("", "(", "BBOX(", "casei(accenti(", "1 in (1,", "INTERVAL(")
    },
    "spaced signs": "- " * (MOST_BYTES // 2 - 1) + "1",
    "NOT": "NOT " * (MOST_BYTES // 4 - 1) + "1",
    "brackets": "(" * MOST_DEPTH + "1" + ")" * MOST_DEPTH,
}
"""Texts as long as may be, of one construct each; of brackets as many as may be open."""
_PARSE_WITH_A_QUARTER = """
import json, sys
from api import filter_text

filter_text.STACK_BYTES //= 4
for name, text in json.load(sys.stdin).items():
    print(name, flush=True)
    filter_text.parsed(text)
print("survived")
"""


def test_no_text_of_the_size_allowed_fills_a_quarter_of_the_parsers_stack(project: Path) -> None:
    """Not counted beforehand: this is what holds when something is counted wrongly."""
    command = [sys.executable, "-P", "-c", _PARSE_WITH_A_QUARTER]
    environment = {"PYTHONPATH": str(project)}
    assert all(len(text) <= MOST_BYTES for text in FILLED.values())
    done = subprocess.run(
        command, input=json.dumps(FILLED), env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("survived\n"), f"ended with {done.returncode} in {done.stdout.splitlines()[-1:]}"


def test_the_parser_has_a_thread_with_a_large_stack_and_no_other_thread_has() -> None:
    before = threading.stack_size()
    with ThreadPoolExecutor(8) as asking:
        trees = list(asking.map(parsed, [f"a = {k}" for k in range(50)]))
    assert trees == [{"op": "=", "args": [{"property": "a"}, k]} for k in range(50)]
    assert threading.stack_size() == before < STACK_BYTES
    assert [thread.name for thread in threading.enumerate()].count("filter text_0") == 1


@pytest.mark.parametrize("text", ["a =", "", "a" * (MOST_BYTES + 1), "é" * MOST_BYTES])
def test_what_is_no_text_of_a_filter_is_refused_by_the_parser(text: str) -> None:
    with pytest.raises(ValueError, match=r"EOI|expected|more than"):
        parsed(text)


def test_heavy_texts_are_parsed_a_few_at_a_time_and_others_are_told_so(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, gate, tree = threading.Semaphore(0), threading.Event(), filter_text._tree

    def slow(text: str) -> object:
        began.release()
        assert gate.wait(120)
        return tree(text)

    def asked(text: str) -> httpx.Response:
        return client.get("/api/town/collections/grid-1km/items", params={"filter": text}, timeout=240)

    monkeypatch.setattr(filter_text, "_tree", slow)
    heavy = "(((" + "held OR " * 400 + "held" + ")))"
    with ThreadPoolExecutor(MOST_HEAVY) as asking:
        many = [asking.submit(asked, heavy) for _ in range(MOST_HEAVY)]
        assert began.acquire(timeout=120)
        until = time.monotonic() + 120
        while filter_text._heavy._value:  # until all of them have a place
            assert time.monotonic() < until
            time.sleep(0.01)
        told = asked(heavy)
        assert told.status_code == 503, told.text
        assert told.headers["retry-after"] == "5"
        assert "fewer brackets" in told.json()["detail"]
        gate.set()
        assert [one.result().status_code for one in many] == [200] * MOST_HEAVY
    assert asked("held").status_code == asked(heavy).status_code == 200
