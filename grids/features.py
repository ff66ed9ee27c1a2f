"""Emissions by feature: the emission lines of one layer, compact and in one order, as sums need them.

What many lines have in common (carrier, errors, group ...) is a *kind*; a line is a feature, a kind and an amount.
Lines are sorted by feature, kind and amount, so that their order in a file never changes a bit of any sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from grids.blocks import block_bounds, in_blocks
from grids.columns import BASES, CARRIERS, METHODS, Pair
from grids.errors import GridError
from grids.feature_lines import LinesByKind
from grids.line_kernels import by_feature, number_lines, renumber
from grids.neighbourhoods import Neighbourhoods
from grids.shared_errors import shared_errors

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
KindArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

_TEXT = ("carrier", "basis", "method", "group", "factor_id", "assumptions")
_NUMBERS = ("emissions_tco2e", "u_own", "u_group", "u_factor")
NEEDED = ("feature", "year", *_TEXT, *_NUMBERS)
"""Columns of emission lines that sums are made of."""

_LINES_AT_ONCE = 500_000

METERED = METHODS.index("metered")


class BadLines(GridError):
    """Emission lines that cannot be added up; the message names layer, column and feature."""


class LineKind(NamedTuple):
    """What many lines have in common; `u_*` are relative standard deviations, 0 where there is no group."""

    year: int
    carrier: str
    basis: str
    method: str
    group: str
    factor_id: str
    u_own: float
    u_group: float
    u_factor: float
    is_assumed: bool

    @property
    def pair(self) -> Pair:
        """Carrier and basis."""
        return self.carrier, self.basis

    @property
    def shared(self) -> list[tuple[str, float]]:
        """Groups of shared error with their signed relative deviations."""
        return shared_errors(self.group, self.u_group, self.factor_id, self.u_factor)


class YearLines(NamedTuple):
    """Lines of one year by feature.

    Attributes:
        starts: (features + 1,) where the lines of each feature begin.
        kind: (lines,) position among the kinds of the layer; ascends within a feature.
        emissions: (lines,) tCO2e, signed.
    """

    starts: IntArray
    kind: KindArray
    emissions: FloatArray


@dataclass(frozen=True, eq=False)
class LayerLines:
    """Emission lines of one layer, all years.

    Attributes:
        layer: id, for messages.
        n_features: features of the layer.
        kinds: distinct kinds, sorted; by year first.
        by_year: year -> lines, in the order of years.
        near: squares in which modelled features err alike.
    """

    layer: str
    n_features: int
    kinds: tuple[LineKind, ...]
    by_year: Mapping[int, YearLines]
    near: Neighbourhoods = field(default_factory=Neighbourhoods.nobody)

    @classmethod
    def of(
        cls,
        layer: str,
        lines: pd.DataFrame | Iterable[pd.DataFrame | LinesByKind],
        n_features: int,
        *,
        what: str = "",
        near: Neighbourhoods | None = None,
    ) -> "LayerLines":
        """Compact lines from frames, or from lines that know their kinds.

        Args:
            layer: id.
            lines: emission lines of docs/architecture.md, in one frame or in several pieces.
            n_features: features of the layer.
            what: said behind the layer's id in messages.
            near: squares in which modelled features err alike; by default each errs by itself.

        Raises:
            BadLines: a column is missing, a number is null or infinite, a relative deviation negative, a word unknown,
                a feature outside the layer, or a factor's error without the factor's id.
        """
        pieces = [lines] if isinstance(lines, pd.DataFrame) else lines
        parts = [_compact(f"{layer!r}{what}", piece, n_features) for piece in pieces]
        kinds = tuple(sorted({kind for of_line, *_ in parts for kind in of_line}))
        place = {kind: position for position, kind in enumerate(kinds)}
        for of_line, _, kind, _ in parts:
            renumber(kind, np.array([place[one] for one in of_line], dtype=np.int32))
        feature = _stacked([part[1] for part in parts], np.int32)
        kind = _stacked([part[2] for part in parts], np.int32)
        emissions = _stacked([part[3] for part in parts], np.float64)
        by_year = _by_year(kinds, feature, kind, emissions, n_features)
        return cls(layer, n_features, kinds, by_year, Neighbourhoods.nobody() if near is None else near)

    @property
    def is_empty(self) -> bool:
        """Whether there is no line at all."""
        return not self.by_year

    @property
    def pairs(self) -> set[Pair]:
        """Carrier and basis pairs that occur in any year."""
        return {kind.pair for kind in self.kinds}

    @property
    def groups(self) -> set[str]:
        """Names of the groups of shared error: those of activities, and `factor:<id>`."""
        return {group for kind in self.kinds for group, _ in kind.shared}

    def pairs_in(self, year: int) -> set[Pair]:
        """Carrier and basis pairs that occur in one year."""
        return {kind.pair for kind in self.kinds if kind.year == year}

    def of_year(self, year: int) -> YearLines:
        """Lines of one year; none where no line is of it."""
        found = self.by_year.get(year)
        if found is not None:
            return found
        nothing = np.zeros(self.n_features + 1, dtype=np.int64)
        return YearLines(nothing, np.zeros(0, dtype=np.int32), np.zeros(0))

    def columns(self, pairs: Sequence[Pair], groups: Sequence[str], skip: BoolArray | None = None) -> "KindColumns":
        """Where each kind goes in tables with these columns; see `KindColumns`.

        Args:
            pairs: must hold every pair of the kinds that are not skipped.
            groups: must hold every group.
            skip: (kinds,) kinds to be left out.

        Raises:
            BadLines: a pair or a group has no column.
        """
        pair_at = {pair: position for position, pair in enumerate(pairs)}
        group_at = {group: position for position, group in enumerate(groups)}
        left_out = np.zeros(len(self.kinds), dtype=bool) if skip is None else skip
        shared = [kind.shared for kind in self.kinds]
        try:
            return KindColumns(
                pair=np.array(
                    [-1 if out else pair_at[kind.pair] for kind, out in zip(self.kinds, left_out, strict=True)],
                    dtype=np.int64,
                ),
                method=np.array([METHODS.index(kind.method) for kind in self.kinds], dtype=np.int64),
                u_own=np.array([kind.u_own for kind in self.kinds], dtype=np.float64),
                starts=np.cumsum([0, *map(len, shared)], dtype=np.int64),
                group=np.array([group_at[group] for each in shared for group, _ in each], dtype=np.int64),
                u_shared=np.array([u for each in shared for _, u in each], dtype=np.float64),
                is_assumed=np.array([kind.is_assumed for kind in self.kinds], dtype=np.bool_),
            )
        except KeyError as error:
            raise BadLines(
                f"layer {self.layer!r}: lines hold {error.args[0]!r}, which has no column; make the columns of the "
                "same lines"
            ) from error


class KindColumns(NamedTuple):
    """Of every kind, the columns it is added to: arrays (kinds,) for compiled code.

    Attributes:
        pair: of carrier and basis; -1 for kinds that are left out.
        method: in the order of `METHODS`.
        u_own: relative standard deviation of single features.
        starts: (kinds + 1,) where the shared errors of each kind begin.
        group: (shared errors,) column of the group.
        u_shared: (shared errors,) relative standard deviation, signed.
        is_assumed: rests on an assumption of the region file.
    """

    pair: IntArray
    method: IntArray
    u_own: FloatArray
    starts: IntArray
    group: IntArray
    u_shared: FloatArray
    is_assumed: BoolArray


def _stacked(arrays: Sequence[npt.NDArray[Any]], dtype: Any) -> npt.NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.zeros(0, dtype=dtype), *arrays])


def _by_year(
    kinds: Sequence[LineKind], feature: KindArray, kind: KindArray, emissions: FloatArray, n_features: int
) -> dict[int, YearLines]:
    year_of = np.array([one.year for one in kinds], dtype=np.int64)
    found: dict[int, YearLines] = {}
    years = sorted(set(year_of.tolist()))
    for year in years:
        here = slice(None) if len(years) == 1 else np.flatnonzero(year_of[kind] == year)
        of, which, amount = feature[here], kind[here], emissions[here]
        starts, is_ordered = by_feature(of, which, amount, n_features)
        if not is_ordered:
            order = np.lexsort((amount, which, of))
            which, amount = which[order], amount[order]
        found[year] = YearLines(starts, which, amount)
    return found


def _compact(
    where: str, lines: pd.DataFrame | LinesByKind, n_features: int
) -> tuple[list[LineKind], KindArray, KindArray, FloatArray]:
    """Kinds, and per line feature, kind and emissions; refuses what would spoil a sum, see `LayerLines.of`."""
    if isinstance(lines, pd.DataFrame):
        return _of_frame(where, lines, n_features)
    if not _is_sound(lines, n_features):
        return _of_frame(where, lines.frame(), n_features)  # which says what is wrong, and of which feature
    kinds = [
        LineKind(
            kind.year,
            kind.carrier,
            kind.basis,
            kind.method,
            kind.group,
            kind.factor_id,
            kind.u_own,
            kind.u_group if kind.group else 0.0,
            kind.u_factor,
            kind.assumptions != "",
        )
        for kind in lines.kinds
    ]
    return kinds, lines.feature, lines.kind.copy(), lines.emissions_tco2e.copy()  # which may lie in a file


def _is_sound(lines: LinesByKind, n_features: int) -> bool:
    """Whether nothing of what `_of_frame` refuses is there."""
    if len(lines.feature) and (lines.feature.min() < 0 or lines.feature.max() >= n_features):
        return False
    return bool(np.isfinite(lines.emissions_tco2e).all()) and all(
        kind.carrier in CARRIERS
        and kind.basis in BASES
        and kind.method in METHODS
        and all(0 <= u < np.inf for u in (kind.u_own, kind.u_factor, *([kind.u_group] if kind.group else [])))
        and (kind.factor_id != "" or kind.u_factor == 0)
        for kind in lines.kinds
    )


def _of_frame(
    where: str, lines: pd.DataFrame, n_features: int
) -> tuple[list[LineKind], KindArray, KindArray, FloatArray]:
    missing = [column for column in NEEDED if column not in lines.columns]
    if missing:
        raise BadLines(f"layer {where}: emission lines lack {', '.join(missing)}; expected are {', '.join(NEEDED)}")
    feature = lines["feature"].to_numpy()
    if len(feature) and not np.issubdtype(feature.dtype, np.integer):
        raise BadLines(f"layer {where}: the column feature holds {feature.dtype}; expected are integer positions")
    _refuse(where, lines, (feature < 0) | (feature >= n_features), "feature", f"positions 0 to {n_features - 1}")
    emissions = lines["emissions_tco2e"].to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse(where, lines, ~np.isfinite(emissions), "emissions_tco2e", "a finite number")

    words = {column: _coded(lines[column]) for column in _TEXT}
    kind, of_kind = _numbered(lines, [codes for codes, _ in words.values()])
    texts = {column: [distinct[code] for code in codes[of_kind]] for column, (codes, distinct) in words.items()}
    for column, allowed in (("carrier", CARRIERS), ("basis", BASES), ("method", METHODS)):
        unknown = np.array([word not in allowed for word in texts[column]], dtype=bool)
        _refuse_kinds(where, lines, kind, unknown, column, "one of " + ", ".join(allowed))
    is_grouped = np.array([group != "" for group in texts["group"]], dtype=bool)
    u_own, u_group, u_factor = (column.to_numpy(dtype=np.float64, na_value=np.nan)[of_kind] for column in
                                (lines["u_own"], lines["u_group"], lines["u_factor"]))  # fmt: skip
    # Without a group its deviation has no meaning and may be null.
    u_group = np.where(is_grouped, u_group, 0.0)
    for column, u in (("u_own", u_own), ("u_group", u_group), ("u_factor", u_factor)):
        _refuse_kinds(where, lines, kind, ~(np.isfinite(u) & (u >= 0)), column, "a finite number, 0 or more")
    nameless = np.array([factor == "" for factor in texts["factor_id"]], dtype=bool) & (u_factor > 0)
    _refuse_kinds(where, lines, kind, nameless, "factor_id", "the id of the factor whose error u_factor is")
    kinds = [
        LineKind(*values)
        for values in zip(
            lines["year"].to_numpy()[of_kind].tolist(),
            texts["carrier"],
            texts["basis"],
            texts["method"],
            texts["group"],
            texts["factor_id"],
            u_own.tolist(),
            u_group.tolist(),
            u_factor.tolist(),
            [text != "" for text in texts["assumptions"]],
            strict=True,
        )
    ]
    return kinds, feature.astype(np.int32), kind, emissions


def _coded(column: "pd.Series[Any]") -> tuple[npt.NDArray[Any], list[str]]:
    """(n,) codes of a column of texts and its distinct words; null has the code -1 and is the empty text, the last."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), [*map(str, column.cat.categories), ""]
    codes, found = pd.factorize(column)
    return codes, [*map(str, found.tolist()), ""]


def _numbered(lines: pd.DataFrame, words: Sequence[npt.NDArray[Any]]) -> tuple[KindArray, IntArray]:
    """(n,) number of each line's combination of values, and a line of each; equal ones may have several numbers."""
    year = lines["year"].to_numpy()
    deviations = [lines[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("u_own", "u_group", "u_factor")]
    kind = np.empty(len(lines), dtype=np.int32)

    def work(first: int, last: int) -> IntArray:
        here = slice(first, last)
        codes = np.stack([column[here] for column in words]).astype(np.int32)
        columns = year[here].astype(np.int32), codes, *(values[here] for values in deviations)
        return np.asarray(first + number_lines(columns, kind[here]))

    bounds = block_bounds(np.arange(len(lines) + 1), _LINES_AT_ONCE)
    of_kind = list(in_blocks(work, bounds))
    numbered = 0
    for first, last, found in zip(bounds[:-1].tolist(), bounds[1:].tolist(), of_kind, strict=True):
        kind[first:last] += numbered
        numbered += len(found)
    return kind, np.concatenate([np.zeros(0, dtype=np.int64), *of_kind])


def _refuse_kinds(
    where: str, lines: pd.DataFrame, kind: KindArray, wrong: BoolArray, column: str, expected: str
) -> None:
    if wrong.any():
        _refuse(where, lines, wrong[kind], column, expected)


def _refuse(where: str, lines: pd.DataFrame, wrong: BoolArray, column: str, expected: str) -> None:
    if not wrong.any():
        return
    worst = lines.iloc[int(np.flatnonzero(wrong)[0])]
    raise BadLines(
        f"layer {where}, feature {worst['feature']}, year {worst['year']}: {column} is {worst[column]}, expected is "
        f"{expected} ({int(wrong.sum())} of {len(lines)} lines are wrong); correct the source or its reading, since "
        "nothing is dropped here"
    )
