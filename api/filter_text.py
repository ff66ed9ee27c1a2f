"""CQL2 as text, parsed on one thread whose stack no text that a request may send can fill.

The parser calls itself for what nests, and dropping its tree does too. Whoever counts on the text how deep that goes
must read the grammar as the parser does, glued words and all; one mistake ends the process. So depth is bounded here by
the size of the stack alone, and what is counted elsewhere only saves time.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import cql2

from api.errors import RunsBusy

MOST_BYTES = 8_192
"""The longest text that is parsed."""
STACK_BYTES = 128 << 20
"""Address space; of it only what a text ever needed is memory.

Measured with each construct of the grammar repeated to fill 8,192 bytes, and with thousands of random mixtures: a row
of minus signs needs most, 2.4 kB each and 19.6 MB in all, then comparisons (8.7 MB), NOT (4.9 MB) and sums (3.7 MB). A
bracket takes 5.3 kB, and 32 may be open. So there is 6.5 times what is needed; a test parses with a quarter of it.
"""

MOST_HEAVY = 4
"""Texts that may take long to read, 0.2 s each at most, of which so many are under way: nothing else runs meanwhile."""

_PATIENCE_S = 0.3
"""So long one may wait to be read: most that count as heavy, drawn polygons above all, take a millisecond. It waits in
a thread that others need."""
_starting = threading.Lock()
_heavy = threading.BoundedSemaphore(MOST_HEAVY)


def parsed(text: str, heavy: bool = False) -> Any:
    """Return the tree of a CQL2 text as JSON has it, in turn: the parser keeps the interpreter to itself anyway.

    Args:
        text: of `MOST_BYTES` at most.
        heavy: whether it may take long, as it does with a fault within brackets.

    Raises:
        ValueError: this is not CQL2, as the parser says it.
        RunsBusy: it is heavy, and others that are have been parsed or waited for longer than it may wait.
    """
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise ValueError(f"a text of more than {MOST_BYTES} bytes is not parsed")
    if heavy and not _heavy.acquire(timeout=_PATIENCE_S):
        raise RunsBusy(
            f"filter: {MOST_HEAVY} long ones with brackets are read, the most that may at a time: ask again in a few "
            "seconds, with fewer brackets, or with filter-lang=cql2-json"
        )
    try:
        with _starting:  # or two would start a thread each
            thread = _thread()
        return thread.submit(_tree, text).result()
    finally:
        if heavy:
            _heavy.release()


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
