"""The parser of CQL2 texts: what is let through to it is parsed, however deep, and the process goes on."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from api import item_query
from api.errors import RunsBusy
from api.filter_parser import MOST_BYTES, STACK_BYTES
from api.filter_text import Beside, parsed
from api.filters import MOST_DEPTH, MOST_WORK, is_heavy
from api.turns import FILTER_THREADS, MOST_WAITING, reading_filter

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
from api import filter_parser

filter_parser.STACK_BYTES //= 4
for name, text in json.load(sys.stdin).items():
    print(name, flush=True)
    filter_parser.tree_of(text)
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


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("text", ["a =", "", "a" * (MOST_BYTES + 1), "é" * MOST_BYTES])
def test_what_is_no_text_of_a_filter_is_refused_by_the_parser(text: str, heavy: bool) -> None:
    with pytest.raises(ValueError, match=r"EOI|expected|more than"):
        parsed(text, heavy)


@pytest.fixture
def beside() -> Iterator[Beside]:
    parser = Beside()
    yield parser
    parser.close()


def test_both_ways_to_parse_give_one_tree(beside: Beside) -> None:
    wide = [FILLED[name] for name in ("1 and", "1 or", "brackets")]
    wide += ["a IN (" + "1," * 4_000 + "1)", "POINT(1 1) = LINESTRING(" + "-1 -1, " * 1_000 + "0 0)"]
    with ThreadPoolExecutor(4) as asking:
        trees = list(asking.map(beside.tree_of, wide))
    assert trees == [parsed(text) for text in wide]
    with pytest.raises(ValueError, match="nested too deep"):
        beside.tree_of(FILLED["NOT"])
    strange = "a = 'é\\n\U0001f600' OR b > 1e999"
    assert beside.tree_of(strange) == parsed(strange)


def test_a_parser_that_was_ended_is_started_again(beside: Beside) -> None:
    assert beside.tree_of("a") == {"property": "a"}
    first = _process(beside)
    first.kill()
    first.wait(120)
    assert beside.tree_of("b") == {"property": "b"}
    assert _process(beside).pid != first.pid


def test_a_text_that_takes_too_long_ends_its_parser_alone() -> None:
    late = Beside(seconds=0.001)  # less than a process takes to start
    with pytest.raises(RunsBusy, match="longer than"):
        late.tree_of("a")
    late._seconds = 120
    assert late.tree_of("a") == {"property": "a"}
    late.close()


def test_the_parser_ends_with_the_process_that_started_it_however_that_ends(project: Path) -> None:
    code = (
        "import time\nfrom api import filter_text\nfilter_text.parsed('a', True)\n"
        "print(filter_text._beside._process.pid, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code], env={"PYTHONPATH": str(project)}, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        parser = psutil.Process(int(server.stdout.readline()))
        server.kill()
    _until(lambda: not parser.is_running() or parser.status() == psutil.STATUS_ZOMBIE)


def test_what_is_long_or_has_many_brackets_is_heavy() -> None:
    assert not is_heavy("net_tco2e > 0 AND (held = false OR id IN ('a', 'b'))", "cql2-text")
    assert is_heavy("(" * 9 + "held" + ")" * 9, "cql2-text")
    assert is_heavy("held OR " * 600 + "held", "cql2-text")
    assert not is_heavy('{"op":"not","args":[' * 9 + "true" + "]}" * 9, "cql2-json")
    assert is_heavy(" " * MOST_BYTES + "true", "cql2-json")
    assert is_heavy("(" * 10_000, "cql2-text"), "and no number without end is made of it"


def test_long_filters_are_read_a_few_at_a_time_and_nobody_else_waits(
    small_store: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, gate, answered = threading.Semaphore(0), threading.Event(), Beside._answered

    def slow(self: Beside, text: str) -> Any:
        began.release()
        assert gate.wait(120)
        return answered(self, text)

    apps: list[Any] = []

    async def noted(request: Any, made: Callable[[], Any]) -> Any:
        apps.append(request.app)
        return await reading_filter(request, made)

    monkeypatch.setattr(Beside, "_answered", slow)
    monkeypatch.setattr(item_query, "reading_filter", noted)
    client = serving(small_store, request_seconds=240)

    def asked(text: str) -> httpx.Response:
        return client.get("/api/town/collections/grid-1km/items", params={"filter": text}, timeout=240)

    heavy = "(((" + "held OR " * 400 + "held" + ")))"
    assert len(heavy) << 3 <= MOST_WORK
    places = FILTER_THREADS + MOST_WAITING
    with ThreadPoolExecutor(places) as asking:
        many = [asking.submit(asked, heavy) for _ in range(places)]
        assert began.acquire(timeout=120)
        threads = apps[0].state.filter_threads
        _until(lambda: threads.statistics().tasks_waiting == MOST_WAITING)
        told = asked(heavy)
        assert told.status_code == 503, told.text
        assert told.headers["retry-after"] == "5"
        assert "with a shorter one" in told.json()["detail"]
        assert asked("held").status_code == 200
        assert client.get("/api/health").status_code == 200
        assert not began.acquire(blocking=False), "one at a time is parsed"
        gate.set()
        assert [one.result().status_code for one in many] == [200] * places
    assert asked("held").status_code == asked(heavy).status_code == 200


def _process(beside: Beside) -> "subprocess.Popen[bytes]":
    assert beside._process is not None
    return beside._process


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)
