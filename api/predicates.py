"""CQL2 trees compiled to operations on Arrow columns: every name and type is checked before a row is looked at.

Truth has three values, as in SQL: what compares with null is null, and a row is kept only where the whole is true.
Source: OGC 21-065r2, Common Query Language (CQL2), JSON encoding.
"""

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from api.crs import Reference
from api.errors import InvalidParameter
from api.geometries import read_box, read_shape
from grids.places import Relation
from grids.selection import Related
from grids.tables import GEOMETRY

Kind = Literal["number", "text", "truth", "date", "timestamp", "shape", "null"]
Node = Any
"""A tree as `json` reads it: numbers, texts, truth values, lists and objects."""

MOST_RELATIONS = 10  # of shapes to polygons: each is a walk through all that lie close to the shape
MOST_PATTERN, MOST_WILDCARDS = 200, 10  # a pattern costs its own length for every letter it is laid against

_WORDS: dict[Kind, str] = {
    "number": "a number",
    "text": "a text",
    "truth": "true or false",
    "date": "a date",
    "timestamp": "a time",
    "shape": "a geometry",
    "null": "null",
}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    ">": pc.greater,
    "<=": pc.less_equal,
    ">=": pc.greater_equal,
}
_RELATIONS: dict[str, Relation] = {
    "s_intersects": "intersects",
    "s_equals": "equals",
    "s_touches": "touches",
    "s_crosses": "crosses",
    "s_overlaps": "overlaps",
    "s_within": "within",
    "s_contains": "contains",
}
_TURNED: dict[Relation, Relation] = {"within": "contains", "contains": "within"}
_OF_ITSELF = frozenset({"intersects", "equals", "within", "contains"})
_ARROW: dict[str, Kind] = {"string": "text", "bool": "truth", "double": "number", "int16": "number", "int32": "number"}


@dataclass(frozen=True)
class Rows:
    """The rows a condition is put to, and how they stand to shapes."""

    table: pa.Table
    related: Related


@dataclass(frozen=True)
class Term:
    """A part of a condition: what kind of value it gives, and the value for given rows (or one value for all)."""

    kind: Kind
    value: Callable[[Rows], Any]
    shape: shapely.Geometry | None = None  # of a literal; the row's own polygon if none
    text: str | None = None  # of a literal


class Compiler:
    """Compiles one condition.

    Args:
        types: names of columns and their Arrow types.
        crs: what coordinates in the condition are given in.
    """

    def __init__(self, types: Mapping[str, str], crs: Reference) -> None:
        self._kinds: dict[str, Kind] = {name: _ARROW[kind] for name, kind in types.items() if kind in _ARROW}
        self._crs = crs
        self._relations = 0
        self.columns: dict[str, None] = {}

    def condition(self, node: Node) -> Callable[[Rows], Any]:
        """Return what gives true, false or null for rows.

        Raises:
            InvalidParameter: an unknown column, operator or form, or kinds that cannot be compared.
        """
        return self._expect(node, "truth").value

    def _term(self, node: Node) -> Term:
        if isinstance(node, Mapping):
            return self._object(node)
        if isinstance(node, bool):
            return _constant("truth", pa.scalar(node))
        if isinstance(node, int | float):
            number = float(node) if abs(node) < 1e300 else math.inf
            if not math.isfinite(number):
                raise InvalidParameter("filter: a number is too large")
            return _constant("number", pa.scalar(number))
        if isinstance(node, str):
            return Term("text", lambda rows: pa.scalar(node), text=node)
        if node is None:
            return _constant("null", pa.scalar(None))
        raise InvalidParameter("filter: a list stands where a value is expected")

    def _object(self, node: Mapping[str, Any]) -> Term:
        if "op" in node:
            arguments = node.get("args")
            if not isinstance(node["op"], str) or not isinstance(arguments, list):
                raise InvalidParameter('filter: expected {"op": ..., "args": [...]}')
            return self._operation(node["op"].lower(), arguments)
        if "property" in node:
            return self._property(node["property"])
        if "bbox" in node:
            return Term("shape", _unused, shape=shapely.box(*self._box(node["bbox"])))
        if "type" in node:
            return Term("shape", _unused, shape=read_shape(node, self._crs, "filter: a geometry"))
        if "date" in node or "timestamp" in node:
            return _instant(node)
        raise InvalidParameter(f"filter: {{{', '.join(map(repr, list(node)[:3]))}}} is not a part of CQL2 known here")

    def _box(self, numbers: Any) -> tuple[float, float, float, float]:
        if not isinstance(numbers, list) or not all(_is_number(number) for number in numbers):
            raise InvalidParameter("filter: a bbox must be a list of four numbers")
        return read_box([float(number) for number in numbers], self._crs, "filter: BBOX")

    def _property(self, name: Any) -> Term:
        if name == GEOMETRY:
            return Term("shape", _unused)
        kind = self._kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            known = ", ".join([*self._kinds, GEOMETRY])
            raise InvalidParameter(f"filter: there is no property {str(name)[:80]!r}; expected one of {known}")
        self.columns[name] = None
        return Term(kind, lambda rows: rows.table[name])

    def _operation(self, op: str, arguments: Sequence[Node]) -> Term:
        if op in ("and", "or"):
            return self._junction(op, arguments)
        if op == "not":
            (inner,) = self._all(op, arguments, 1, "truth")
            return Term("truth", lambda rows: pc.invert(inner.value(rows)))
        if op == "isnull":
            (inner,) = self._arguments(op, arguments, 1)
            if inner.kind == "shape":
                return _constant("truth", pa.scalar(False))
            return Term("truth", lambda rows: pc.is_null(inner.value(rows)))
        if op in _COMPARISONS:
            return self._comparison(op, arguments)
        if op == "between":
            one, least, most = self._all(op, arguments, 3, "number")
            return Term(
                "truth",
                lambda rows: pc.and_kleene(
                    pc.greater_equal(one.value(rows), least.value(rows)),
                    pc.less_equal(one.value(rows), most.value(rows)),
                ),
            )
        if op == "in":
            return self._membership(arguments)
        if op == "like":
            return self._likeness(arguments)
        if op in ("casei", "accenti"):
            return self._folded(op, arguments)
        if op in _ARITHMETIC:
            left, right = self._all(op, arguments, 2, "number")
            work = _ARITHMETIC[op]
            return Term("number", lambda rows: _finite(work(_real(left.value(rows)), _real(right.value(rows)))))
        if op == "s_disjoint":
            meet = self._relation("s_intersects", arguments)
            return Term("truth", lambda rows: pc.invert(meet.value(rows)))
        if op in _RELATIONS:
            return self._relation(op, arguments)
        logic = ("and", "or", "not", "isNull", *_COMPARISONS, "between", "in", "like", "casei", "accenti")
        known = ", ".join([*logic, *_ARITHMETIC, *_RELATIONS, "s_disjoint"])
        raise InvalidParameter(f"filter: there is no operator or function {op[:40]!r}; expected one of {known}")

    def _junction(self, op: str, arguments: Sequence[Node]) -> Term:
        if len(arguments) < 2:
            raise InvalidParameter(f"filter: {op} needs two arguments or more, got {len(arguments)}")
        parts = [self._expect(node, "truth") for node in arguments]
        join = pc.and_kleene if op == "and" else pc.or_kleene

        def value(rows: Rows) -> Any:
            joined = parts[0].value(rows)
            for part in parts[1:]:
                joined = join(joined, part.value(rows))
            return joined

        return Term("truth", value)

    def _comparison(self, op: str, arguments: Sequence[Node]) -> Term:
        left, right = self._arguments(op, arguments, 2)
        if left.kind != right.kind or left.kind in ("shape", "null"):
            hint = " (ask for null by IS NULL)" if "null" in (left.kind, right.kind) else ""
            hint = " (ask by S_EQUALS)" if "shape" in (left.kind, right.kind) else hint
            raise InvalidParameter(
                f"filter: {_WORDS[left.kind]} cannot be compared with {_WORDS[right.kind]} by {op}{hint}"
            )
        if left.kind == "truth" and op not in ("=", "<>"):
            raise InvalidParameter(f"filter: truth values can be compared by = and <>, not by {op}")
        compare = _COMPARISONS[op]
        return Term("truth", lambda rows: compare(left.value(rows), right.value(rows)))

    def _membership(self, arguments: Sequence[Node]) -> Term:
        if len(arguments) != 2 or not isinstance(arguments[1], list) or not arguments[1]:
            raise InvalidParameter("filter: IN needs a value and a list that is not empty")
        one = self._term(arguments[0])
        if one.kind in ("shape", "null"):
            raise InvalidParameter(f"filter: IN needs a number, a text or a truth value, got {_WORDS[one.kind]}")
        others = [self._expect(node, one.kind) for node in arguments[1]]
        if any(isinstance(node, Mapping | list) for node in arguments[1]):

            def any_of(rows: Rows) -> Any:
                value = one.value(rows)
                found = pc.equal(value, others[0].value(rows))
                for other in others[1:]:
                    found = pc.or_kleene(found, pc.equal(value, other.value(rows)))
                return found

            return Term("truth", any_of)
        kind = {"number": pa.float64(), "text": pa.string(), "truth": pa.bool_()}[one.kind]
        values = [float(node) if one.kind == "number" else node for node in arguments[1]]
        among = pa.array(values, type=kind)

        def value(rows: Rows) -> Any:
            given = one.value(rows).cast(kind)
            found = pc.is_in(given, value_set=among)
            return pc.if_else(pc.is_valid(given), found, pa.scalar(None, pa.bool_()))

        return Term("truth", value)

    def _likeness(self, arguments: Sequence[Node]) -> Term:
        one, pattern = self._all("like", arguments, 2, "text")
        text = pattern.text
        if text is None:
            raise InvalidParameter("filter: LIKE needs a pattern that is a text, possibly within CASEI or ACCENTI")
        if len(text) > MOST_PATTERN or text.count("%") > MOST_WILDCARDS:
            raise InvalidParameter(
                f"filter: a pattern of LIKE may have {MOST_PATTERN} characters and {MOST_WILDCARDS} '%' at most, "
                f"got {len(text)} and {text.count('%')}"
            )
        return Term("truth", lambda rows: pc.match_like(one.value(rows), text))

    def _folded(self, op: str, arguments: Sequence[Node]) -> Term:
        (inner,) = self._all(op, arguments, 1, "text")
        fold = _without_case if op == "casei" else _without_accents
        if inner.text is not None:
            text = fold(pa.array([inner.text]))[0].as_py()
            return Term("text", lambda rows: pa.scalar(text), text=text)
        return Term("text", lambda rows: fold(inner.value(rows)))

    def _relation(self, op: str, arguments: Sequence[Node]) -> Term:
        left, right = self._all(op, arguments, 2, "shape")
        relation = _RELATIONS[op]
        self._relations += 1
        if self._relations > MOST_RELATIONS:
            raise InvalidParameter(
                f"filter: more than {MOST_RELATIONS} conditions about places (such as S_INTERSECTS) take too long: "
                "put their shapes together into one geometry"
            )
        if left.shape is None and right.shape is None:
            return _constant("truth", pa.scalar(relation in _OF_ITSELF))
        if left.shape is not None and right.shape is not None:
            return _constant("truth", pa.scalar(bool(getattr(shapely, relation)(left.shape, right.shape))))
        if left.shape is not None:  # said of the shape, asked of the row
            relation = _TURNED.get(relation, relation)
        shape, code = left.shape or right.shape, self._crs.code
        return Term("truth", lambda rows: pa.array(rows.related(relation, cast(shapely.Geometry, shape), code)))

    def _arguments(self, op: str, arguments: Sequence[Node], count: int) -> list[Term]:
        if len(arguments) != count:
            raise InvalidParameter(f"filter: {op} needs {count} argument(s), got {len(arguments)}")
        return [self._term(node) for node in arguments]

    def _all(self, op: str, arguments: Sequence[Node], count: int, kind: Kind) -> list[Term]:
        terms = self._arguments(op, arguments, count)
        wrong = next((term for term in terms if term.kind != kind), None)
        if wrong is not None:
            raise InvalidParameter(f"filter: {op} needs {_WORDS[kind]}, got {_WORDS[wrong.kind]}")
        return terms

    def _expect(self, node: Node, kind: Kind) -> Term:
        term = self._term(node)
        if term.kind != kind:
            raise InvalidParameter(f"filter: expected {_WORDS[kind]}, got {_WORDS[term.kind]}")
        return term


def _constant(kind: Kind, scalar: pa.Scalar) -> Term:
    return Term(kind, lambda rows: scalar)


def _unused(rows: Rows) -> Any:
    raise AssertionError("the place of a geometry is asked for by its relation")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _instant(node: Mapping[str, Any]) -> Term:
    given = node.get("date", node.get("timestamp"))
    try:
        if "date" in node:
            return _constant("date", pa.scalar(date.fromisoformat(given)))
        moment = datetime.fromisoformat(given)
        in_utc = moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:  # a zone may lead out of the calendar
        raise InvalidParameter(
            f"filter: {str(given)[:40]!r} is no date such as 2023-12-31 or time such as 2023-12-31T00:00:00Z"
        ) from error
    if moment.tzinfo is None:
        raise InvalidParameter(f"filter: time {str(given)[:40]!r} has no time zone, expected one in UTC, ending in Z")
    return _constant("timestamp", pa.scalar(in_utc))


def _real(value: Any) -> Any:
    return value.cast(pa.float64())


def _finite(value: Any) -> Any:
    """What has no result, such as a division by zero, is unknown."""
    return pc.if_else(pc.is_finite(value), value, pa.scalar(None, pa.float64()))


def _whole_quotient(left: Any, right: Any) -> Any:
    return pc.trunc(_finite(pc.divide(left, right)))


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": pc.add,
    "-": pc.subtract,
    "*": pc.multiply,
    "/": pc.divide,
    "^": pc.power,
    "div": _whole_quotient,
    "%": lambda left, right: pc.subtract(left, pc.multiply(right, _whole_quotient(left, right))),
}


def _without_case(texts: Any) -> Any:
    if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
        return pc.ascii_lower(texts)
    return _by_distinct(texts, str.casefold)


def _without_accents(texts: Any) -> Any:
    if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
        return texts
    return _by_distinct(texts, _plain_letters)


def _plain_letters(text: str) -> str:
    # Put together again, since Hangul syllables fall apart into letters.
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(letter for letter in apart if unicodedata.category(letter) != "Mn"))


def _by_distinct(texts: Any, change: Callable[[str], str]) -> Any:
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    coded = whole.dictionary_encode()
    changed = pa.array([change(text) for text in coded.dictionary.to_pylist()], type=pa.string())
    return changed.take(coded.indices)


def as_mask(value: Any, count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return (count,) truth values of a condition's result; null is false."""
    if isinstance(value, pa.Scalar):
        return np.full(count, value.as_py() is True, dtype=np.bool_)
    return np.asarray(pc.fill_null(value, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
