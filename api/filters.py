"""Filters of requests (OGC API Features Part 3): CQL2 as text or JSON, capped before it is parsed.

The parser is the `cql2` library. Its tree is all that is taken from it; what is run are Arrow operations on columns
that the collection has. Deep nesting takes a parser's stack and time: what nests is counted on the text first, and
`api.filter_parser` has a stack for whatever is counted wrongly.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from api.crs import DEFAULT, Reference
from api.errors import InvalidParameter, RunsBusy
from api.filter_parser import MOST_BYTES
from api.filter_text import parsed
from api.plain_numbers import plain_number
from api.predicates import Compiler, Node, Rows, as_mask
from grids.selection import Related

Language = Literal["cql2-text", "cql2-json"]

MOST_DEPTH = 32
MOST_WORK = 1 << 17  # bytes of a text that may be read again and again, below; that many take 0.3 s at most
LIGHT_WORK = 1 << 12  # that many take some milliseconds
MOST_OPERATORS = 100  # of those that nest without brackets: NOT, signs and arithmetic
MOST_CHAINED = 120  # words and signs that may nest in each other: those of one term, and of all brackets around it
MOST_TERMS = 1000

# Quoted texts and names; words; brackets and commas; signs.
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|[A-Za-z_]\w*|[()\[\]{},]|[-+*/^%|!]|[<>=]+""")
# The parser looks for no end of a word: "1LIKE1LIKE1" is two of them, behind what is one word to us.
_GLUED = re.compile("like|between|not|div|in|is", re.IGNORECASE)
# A text that nobody closes goes to the end: to look for its end behind each of its quotes would take that many times.
_JSON_TOKEN = re.compile(r"""(?s)"(?:[^"\\]|\\.)*"?|[\[\]{}]""")


def is_heavy(text: str, language: Language) -> bool:
    """Return whether a filter may take longer to read than some milliseconds, told from a look at it.

    Args:
        text: CQL2.
        language: of the text; what is JSON is read once.
    """
    brackets = text.count("(") + text.count("[") if language == "cql2-text" else 0
    return len(text) << min(brackets, MOST_DEPTH) > LIGHT_WORK


@dataclass(frozen=True)
class Filter:
    """A condition on rows, ready to run; two that say the same are equal.

    Attributes:
        said: the tree and the CRS of its coordinates, as one text.
        columns: names of the columns it looks at.
    """

    said: bytes
    columns: tuple[str, ...]
    run: Callable[[Rows], Any] = field(compare=False, repr=False)

    def holds(self, rows: pa.Table, related: Related) -> NDArray[np.bool_]:
        """Return (n,) whether each of n rows meets the condition; unknown is no."""
        return as_mask(self.run(Rows(rows, related)), rows.num_rows)


def read_filter(
    text: str | None,
    language: Language,
    crs: Reference,
    types: Mapping[str, str],
    equal: Mapping[str, str] | None = None,
) -> Filter | None:
    """Read a filter and the columns that shall equal a value.

    Args:
        text: CQL2, or none.
        language: of the text.
        crs: what its coordinates are given in.
        types: columns and their Arrow types.
        equal: columns and the texts of their values.

    Raises:
        InvalidParameter: too long, too deep, not CQL2, or about columns and kinds that do not fit.
        RunsBusy: it took longer to parse than it may.
    """
    parts: list[Node] = [_equality(name, given, types[name]) for name, given in (equal or {}).items()]
    if text is not None:
        parts.append(_tree(text, language))
    if not parts:
        return None
    tree = parts[0] if len(parts) == 1 else {"op": "and", "args": parts}
    compiler = Compiler(types, crs if text is not None else DEFAULT)
    run = compiler.condition(tree)
    said = orjson.dumps([crs.uri, tree], option=orjson.OPT_SORT_KEYS)
    return Filter(said, tuple(compiler.columns), run)


def _tree(text: str, language: Language) -> Node:
    size = len(text.encode(errors="replace"))
    if size > MOST_BYTES:
        raise InvalidParameter(f"filter: {size} bytes are too many, expected {MOST_BYTES} at most")
    if language == "cql2-json":
        _check_brackets(_JSON_TOKEN.findall(text))
        try:
            tree = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise InvalidParameter(f"filter: this is not JSON: {str(error)[:120]}") from error
        if not isinstance(tree, dict | bool):
            raise InvalidParameter('filter: expected a JSON object such as {"op": "=", "args": [...]}')
    else:
        work = _check_text(text)
        try:
            tree = parsed(text, heavy=work > LIGHT_WORK)
        except RunsBusy:
            raise
        except ValueError as error:
            escaped = (
                r" (a quote in a text is written twice, 'it''s'; the escape \' is not read)" if r"\'" in text else ""
            )
            raise InvalidParameter(f"filter: this is not CQL2 text: {_first_lines(str(error))}{escaped}") from error
    _check_depth(tree)
    return tree


def _check_brackets(tokens: Sequence[str]) -> int:
    """Return how deep brackets are nested."""
    depth, deepest = 0, 0
    for token in tokens:
        if token in "([{":
            depth += 1
            deepest = max(deepest, depth)
            if depth > MOST_DEPTH:
                raise InvalidParameter(f"filter: brackets are nested more than {MOST_DEPTH} deep")
        elif token in ")]}":
            depth -= 1
    return deepest


def _check_text(text: str) -> int:
    """Return how many bytes may be read, again and again.

    What would take the parser much stack or time is refused: nesting by brackets, and by operators that need none.
    """
    tokens = _TOKEN.findall(text)
    deepest = _check_brackets(tokens)
    # On a fault within brackets the parser reads them twice, and so on outwards: twice as long for each bracket around.
    work = len(text) << deepest
    if work > MOST_WORK:
        raise InvalidParameter(
            f"filter: brackets are nested {deepest} deep in {len(text)} characters, which may take too long to read: "
            f"expected fewer brackets, a shorter text, or filter-lang=cql2-json"
        )
    operators, terms, longest = _counted(text)
    if operators > MOST_OPERATORS or terms > MOST_TERMS or longest > MOST_CHAINED:
        raise InvalidParameter(
            f"filter: {operators} operators, {terms} AND or OR and {longest} words and signs in one term are too many, "
            f"expected {MOST_OPERATORS}, {MOST_TERMS} and {MOST_CHAINED} at most"
        )
    return work


def _counted(text: str) -> tuple[int, int, int]:
    """Return how many operators and how many AND and OR a text has, and the most words and signs that may nest.

    The parser calls itself for each sign and each NOT before a value, and for each comparison, LIKE or IN behind one,
    wherever they stand; only AND, OR and a comma end what may nest. It also takes words that are glued to the next
    ("1 LIKEid", "1NOTLIKE1"), so every word counts, as often as there are words of the language in it. So does the sign
    of a number, but not among the operators: a line has hundreds.
    """
    operators, terms, longest = 0, 0, 0
    around: list[int] = []  # of the brackets that are open: words and signs before them, in their terms and further out
    chained = 0
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in "([{":
            around.append(chained)
        elif token in ")]}":
            # What stands in brackets is one value to those around, which may go on behind it.
            chained = around.pop() if around else chained
        elif token == "," or token.lower() in ("and", "or"):
            terms += token != ","
            chained = around[-1] if around else 0
        elif token[0] not in "'\"":
            chained += max(1, len(_GLUED.findall(token)))
            longest = max(longest, chained)
            number = token == "-" and text[found.end() : found.end() + 1].isdecimal()
            operators += not number and (token in "+-*/^%|" or token.lower() in ("not", "div"))
    return operators, terms, longest


def _check_depth(tree: Node) -> None:
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > 4 * MOST_DEPTH:
            raise InvalidParameter(f"filter: the condition is nested more than {2 * MOST_DEPTH} operations deep")
        inner: list[Node] = []
        for node in level:
            if isinstance(node, dict):
                inner.extend(node.values())
            elif isinstance(node, list):
                inner.extend(node)
        level = inner


def _equality(name: str, given: str, kind: str) -> Node:
    value: str | float | bool = given
    if kind == "bool":
        if given not in ("true", "false"):
            raise InvalidParameter(f"{name}: got {given[:80]!r}, expected true or false")
        value = given == "true"
    elif kind != "string":
        try:
            value = plain_number(given)
        except ValueError as error:
            raise InvalidParameter(f"{name}: got {given[:80]!r}, expected a number in digits 0 to 9") from error
    return {"op": "=", "args": [{"property": name}, value]}


def _first_lines(message: str) -> str:
    """The parser's complaint in one line, without the drawing of where it stands."""
    lines = [line.strip() for line in message.splitlines()]
    place = lines[0].removeprefix("-->").strip() if lines else ""
    expected = next((line.removeprefix("= ") for line in lines if line.startswith("= ")), "")
    return f"at line:column {place}, {expected[:160]}" if expected else message[:160]
