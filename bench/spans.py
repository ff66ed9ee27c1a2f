"""How closely a system of equations binds each closed meter: the smallest and largest value that agree with all.

Meters that lie in the very same sums with the same shares are one *place*: of them only their sum can be known. Linear
programs (HiGHS) ask how far one meter can move while all equations stay true and nobody falls below zero. Programs are
small first: only places near the meter may move. What is possible there is possible at all, so a wide span is
a proof; where a span is narrow, more may move, in the end everything that hangs together.

The attacker's own meter: first everybody's largest neighbour at every place is taken as known at once, which is more
than any owner knows. Where that narrows a span too much, owners are tried one by one, those whose meter would have to
be another for the bound to be reached; the others change nothing. Who owns a meter knows what it read in every edition.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from bench.attacker import Equations

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_SAME = 1e-9
_NEAR = 80  # places of a sum that count as near each other
_REACH = 1, 3
"""How many sums away places may move in the first programs; in the last, all that hangs together does."""


@dataclass(frozen=True)
class Span:
    """How far a meter may be from what it reads, as fractions of that: (0.3, 0.5) is 70 to 150 %.

    Attributes:
        unknown: position of the meter among those of its equations.
        below: at most 1, since nothing is below zero.
        above: no end where nothing bounds it.
        is_narrowest: whether it is what somebody knows; else it is at least this wide for everybody. Where somebody
            knows less than what is enough, others are not asked for: the narrowest is at most this wide then.
    """

    unknown: int
    below: float
    above: float
    is_narrowest: bool

    @property
    def least(self) -> float:
        """The smaller of both sides."""
        return min(self.below, self.above)


class Places:
    """Unknowns of one system by what they are told apart by.

    Args:
        equations: what is known.
    """

    def __init__(self, equations: Equations) -> None:
        columns = equations.rows.tocsc()
        columns.sort_indices()
        place: dict[tuple[bytes, bytes], int] = {}
        self.true = equations.true
        owners: dict[object, int] = {}
        self.owner = np.array([owners.setdefault(key, len(owners)) for key in equations.keys], dtype=np.int64)
        self.readings: list[IntArray] = np.split(
            np.argsort(self.owner, kind="stable"), np.cumsum(np.bincount(self.owner, minlength=len(owners)))[:-1]
        )
        self.of = np.empty(len(self.true), dtype=np.int64)
        for unknown in range(len(self.true)):
            mine = slice(columns.indptr[unknown], columns.indptr[unknown + 1])
            key = columns.indices[mine].tobytes(), np.round(columns.data[mine], 9).tobytes()
            self.of[unknown] = place.setdefault(key, len(place))
        first = np.unique(self.of, return_index=True)[1]
        rows = csr_array(columns[:, first].tocsr())
        rows.sum_duplicates()
        self.rows = rows[np.diff(rows.indptr) > 0]
        self.by_place = self.rows.tocsc()
        n = len(first)
        self.sums: FloatArray = np.bincount(self.of, self.true, minlength=n).astype(np.float64)
        self.counts = np.bincount(self.of, minlength=n)
        self.members: list[IntArray] = np.split(np.argsort(self.of, kind="stable"), np.cumsum(self.counts)[:-1])
        self.largest = np.array([self.true[some].max() for some in self.members])
        self._sizes = np.diff(self.rows.indptr)
        linked: csr_array = block_array([[None, self.rows], [self.rows.T, None]], format="csr")
        self.component = connected_components(linked.astype(np.float64), directed=False)[1][self.rows.shape[0] :]

    def exposed_first(self) -> IntArray:
        """Unknowns, those first whose neighbours of the same place hide least of them."""
        others = self.sums[self.of] - self.true
        hidden = np.array([self._others_less_largest(k) for k in range(len(self.true))])
        return np.lexsort((others / self.true, hidden / self.true))

    def _others_less_largest(self, unknown: int) -> float:
        others = self.members[self.of[unknown]]
        values = self.true[others[others != unknown]]
        return float(values.sum() - values.max()) if values.size else 0.0

    def span(self, unknown: int, enough: float) -> Span:
        """How far a meter may move whatever single other meter is known; where less than `enough`, at most so far.

        Args:
            unknown: the meter.
            enough: a fraction; a span that is proved to be as wide is not looked at further.
        """
        place = self.of[unknown]
        for steps in _REACH:
            program = _Program(self, place, self._near(place, steps))
            found = self._among_all(unknown, program)
            if found.least >= enough:
                return found
        found = self._among_owners(unknown, program, enough)
        if found.least < enough:
            everywhere = np.flatnonzero(self.component == self.component[place])
            if everywhere.size > program.near.size:
                found = self._among_owners(unknown, _Program(self, place, everywhere), enough)
        return found

    def _near(self, place: int, steps: int) -> IntArray:
        """Places that may move."""
        mine = np.array([place])
        for _ in range(steps):
            touched = np.unique(self.by_place[:, mine].indices)
            if not touched.size:
                break
            small = touched[self._sizes[touched] <= _NEAR]
            if small.size:
                reached = self.rows[small].indices
            else:  # only large sums: a part of the smallest
                reached = self.rows[[touched[np.argmin(self._sizes[touched])]]].indices[:_NEAR]
            mine = np.union1d(mine, reached)
        return np.asarray(mine, dtype=np.int64)

    def _among_all(self, unknown: int, program: "_Program") -> Span:
        """The span when the largest other meter of every place is known."""
        place, x = self.of[unknown], self.true[unknown]
        others = self.members[place]
        values = self.true[others[others != unknown]]
        known = self.largest.copy()
        known[place] = values.max(initial=0.0)
        alone = self.counts == 1
        alone[place] = False
        program.know(program.near, known[program.near], alone[program.near])
        low, high = program.least()[0], program.most()[0]
        below = x if values.size > 1 else x - (low - known[place])
        return Span(unknown, below / x, (high - known[place] - x) / x, False)

    def _among_owners(self, unknown: int, program: "_Program", enough: float) -> Span:
        """A span that the owner of some other meter has: the narrowest of all, or the first below what is enough."""
        place, x = self.of[unknown], self.true[unknown]
        program.know(program.near, np.zeros(program.near.size), np.zeros(program.near.size, dtype=bool))
        (low, at_low), (high, at_high) = program.least(), program.most()
        narrowest = Span(unknown, (x if self.counts[place] > 1 else x - low) / x, (high - x) / x, True)
        suspects = set(self.members[place].tolist())
        for end in (at_low, at_high):
            for at, value in zip(program.near, end, strict=True):
                if at != place and self.counts[at] == 1 and abs(value - self.sums[at]) > _SAME * self.sums[at]:
                    suspects.add(int(self.members[at][0]))
                elif at != place and self.counts[at] > 1 and value < self.largest[at]:
                    suspects.update(int(k) for k in self.members[at] if self.true[k] > value)
        waiting = [sorted({int(self.owner[k]) for k in suspects} - {int(self.owner[unknown])})]
        while waiting and narrowest.least >= enough:
            owners = waiting.pop()
            found = self._among(unknown, program, np.array(owners, dtype=np.int64))
            if found.least >= enough or len(owners) == 1:
                narrowest = min(narrowest, found, key=lambda span: span.least)
            else:  # what all of them know together is too much: ask halves
                waiting += [owners[: len(owners) // 2], owners[len(owners) // 2 :]]
        return narrowest

    def _among(self, unknown: int, program: "_Program", owners: IntArray) -> Span:
        """The span when some owners put together all their readings; of one place, only the largest."""
        place, x = self.of[unknown], self.true[unknown]
        known = np.zeros(len(self.sums))
        theirs = np.concatenate([np.zeros(0, dtype=np.int64), *(self.readings[owner] for owner in owners)])
        np.maximum.at(known, self.of[theirs], self.true[theirs])
        at = np.unique(self.of[theirs])
        program.know(at, known[at], self.counts[at] == 1)
        low, high = program.least()[0], program.most()[0]
        program.know(at, np.zeros(at.size), np.zeros(at.size, dtype=bool))
        mine = known[place]
        below = x if self.counts[place] - (mine > 0) > 1 else x - (low - mine)
        return Span(unknown, below / x, (high - mine - x) / x, owners.size == 1)


class _Program:
    """How small and how large the sum of a place can be while some places near it move and all others stay.

    Args:
        places: of the system.
        place: asked for.
        near: (n,) places that may move, ascending; holds the place.
    """

    def __init__(self, places: Places, place: int, near: IntArray) -> None:
        self.near = near
        self._sums, self._scale = places.sums[near], float(places.sums[place])
        self._start, self._at = float(places.sums[place]), int(np.searchsorted(near, place))
        rows = csr_array(places.rows[np.unique(places.by_place[:, near].indices)][:, near])
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = near.size, rows.shape[0]
        lp.col_cost_ = (np.arange(near.size) == self._at).astype(np.float64)
        lp.col_lower_, lp.col_upper_ = -self._sums / self._scale, np.full(near.size, highspy.kHighsInf)
        lp.row_lower_, lp.row_upper_ = np.zeros(rows.shape[0]), np.zeros(rows.shape[0])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = rows.indptr.astype(np.int32), rows.indices.astype(np.int32)
        lp.a_matrix_.value_ = rows.data
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, value in (("output_flag", False), ("presolve", "off"), ("parallel", "off")):
            self._solver.setOptionValue(name, value)
        self._solver.passModel(lp)

    def know(self, at: IntArray, known: FloatArray, fixed: NDArray[np.bool_]) -> None:
        """From now on, so much of some places is known; all of those that are fixed.

        Args:
            at: (places,) among those near.
            known: (places,) tCO2e.
            fixed: (places,) those that cannot move at all.
        """
        column = np.searchsorted(self.near, at).astype(np.int32)
        inside = (column < self.near.size) & (self.near[np.minimum(column, self.near.size - 1)] == at)
        column, known, fixed = column[inside], known[inside], fixed[inside]
        lower = np.where(fixed, 0.0, np.minimum(known - self._sums[column], 0.0) / self._scale)
        upper = np.where(fixed, 0.0, highspy.kHighsInf)
        self._solver.changeColsBounds(column.size, column, lower, upper)

    def least(self) -> tuple[float, FloatArray]:
        """The smallest sum of the place, and the sums of all near places then."""
        return self._end(1.0)

    def most(self) -> tuple[float, FloatArray]:
        """The largest sum of the place, and the sums of all near places then; infinite where nothing bounds it."""
        return self._end(-1.0)

    def _end(self, sign: float) -> tuple[float, FloatArray]:
        self._solver.changeColCost(self._at, sign)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status in {highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
            return -sign * np.inf, self._sums.copy()
        if status != highspy.HighsModelStatus.kOptimal:
            raise ArithmeticError(f"a linear program ended with {self._solver.modelStatusToString(status)!r}")
        moved: FloatArray = self._scale * np.array(self._solver.getSolution().col_value, dtype=np.float64)
        return self._start + float(moved[self._at]), self._sums + moved
