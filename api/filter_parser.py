"""CQL2 as text, parsed on one thread whose stack no text that a request may send can fill.

The parser calls itself for what nests, and dropping its tree does too. Whoever counts on the text how deep that goes
must read the grammar as the parser does, glued words and all; one mistake ends the process. So depth is bounded here by
the size of the stack alone, and what is counted elsewhere only saves time.

As a program (`python -m api.filter_parser`) it reads a text a line from standard input, as JSON, and writes for each
what it found. It imports little, so that it starts quickly.
"""

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import cql2

MOST_BYTES = 8_192
"""The longest text that is parsed."""
STACK_BYTES = 128 << 20
"""Address space; of it only what a text ever needed is memory.

Measured with each construct of the grammar repeated to fill 8,192 bytes, and with thousands of random mixtures: a row
of minus signs needs most, 2.4 kB each and 19.6 MB in all, then comparisons (8.7 MB), NOT (4.9 MB) and sums (3.7 MB). A
bracket takes 5.3 kB, and 32 may be open. So there is 6.5 times what is needed; a test parses with a quarter of it.
"""

_NICER = 5  # what takes long here gives way to those that answer
_starting = threading.Lock()


def tree_of(text: str) -> Any:
    """Return the tree of a CQL2 text as JSON has it, in turn: the parser keeps the interpreter to itself anyway.

    Args:
        text: of `MOST_BYTES` at most.

    Raises:
        ValueError: this is not CQL2, as the parser says it.
    """
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise ValueError(f"a text of more than {MOST_BYTES} bytes is not parsed")
    with _starting:  # or two would start a thread each
        thread = _thread()
    return thread.submit(_tree, text).result()


def main() -> None:
    """Answer each line of standard input with one: `{"tree": ...}`, or `{"fault": "..."}`; end when it does."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(_NICER)
    for line in sys.stdin.buffer:
        try:
            answer = json.dumps({"tree": tree_of(json.loads(line))})
        except RecursionError:  # far beyond what `api.filters` would take
            answer = json.dumps({"fault": "its operations are nested too deep"})
        except ValueError as error:
            answer = json.dumps({"fault": str(error)})
        sys.stdout.buffer.write(answer.encode("ascii") + b"\n")
        sys.stdout.buffer.flush()


@cache
def _thread() -> ThreadPoolExecutor:
    usual = threading.stack_size(STACK_BYTES)
    try:
        thread = ThreadPoolExecutor(1, thread_name_prefix="filter text")
        thread.submit(int).result()  # it starts here, and goes on as long as the process
    finally:
        threading.stack_size(usual)
    return thread


def _tree(text: str) -> Any:
    try:
        return cql2.parse_text(text).to_json()
    except BaseException as error:  # noqa: BLE001  # no narrower kind for what it cannot parse; a panic is no Exception
        raise ValueError(str(error)) from None


if __name__ == "__main__":
    main()
