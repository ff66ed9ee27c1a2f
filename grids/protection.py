"""What disclosure control decides: where private metered values tell of one feature, and what is shown there instead.

See `grids.disclosure` for the idea. Decisions need all targets of a collection and the level above it, but of them only
the private features; the public sums that follow are made target by target (`grids.disclosure.public_sums`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from grids.aggregate import LayerShares
from grids.audit import joined_blocks, told_sums
from grids.columns import Pair, in_pair_order, in_sector_order, pair_column
from grids.differencing import Subtraction, without_rounding
from grids.earlier import Beside, EarlierSums, had_meters, taken
from grids.exposure import Told, exposed
from grids.features import BoolArray, FloatArray, IntArray
from grids.grouping import Rule, Siblings, held_groups, judge
from grids.nesting import block_sums, check_parents
from grids.private_meters import DisclosureError, PrivateLayer, PrivatePart, private_part
from grids.sparse_rows import rows_of


@dataclass(frozen=True)
class SectorState:
    """How one sector was protected at one level; the level below starts from it.

    Attributes:
        mode: `shared` (groups), or, where the region's own total would tell of one feature, `modelled` or `null`.
        part: the private features and their shares.
        tested: (features, sums) values of them whose sums can be read, and by how much these have changed since earlier
            editions.
        own: (features,) errors of their own, summed over the carriers whose deviation may be told, tCO2e.
        published: (targets, pairs) tCO2e of the private metered part as shown.
        held: (targets,) where that is not the true part.
        withheld: pairs whose columns are null everywhere, because one of them would tell of one feature.
        told: (sums, features) shares in the sums that are told true, of shown targets and of groups held together; of
            the region always, of collections only where an audit is asked for.
        unproven: (features,) for which the audit found no witness that all sums so far leave their value open; beside
            earlier editions, of the unknowns of all.
        beside: what earlier editions told of these features; None where there is none.
    """

    mode: str
    part: PrivatePart
    tested: FloatArray
    own: FloatArray
    published: FloatArray
    held: BoolArray
    withheld: frozenset[Pair]
    told: csr_array
    unproven: BoolArray
    beside: Beside | None = None

    @property
    def shares(self) -> csr_array:
        """(targets, features) shares of the private features."""
        return self.part.shares

    @property
    def veiled(self) -> frozenset[Pair]:
        """Pairs that are withheld, or whose lines have errors of several kinds."""
        return self.withheld | self.part.uneven

    def rows(self, first: int, last: int) -> "SectorState":
        """The targets from `first` up to `last`, by themselves."""
        part = replace(self.part, shares=rows_of(self.part.shares, first, last))
        return replace(self, part=part, published=self.published[first:last], held=self.held[first:last])


@dataclass(frozen=True)
class Protection:
    """What disclosure control decided of one collection and year, before any public sum is made.

    Attributes:
        year: of the activity.
        n_targets: cells or zones.
        held: (targets,) whether any part of the target is replaced.
        report: counts by sector, for the manifest.
        states: by sector, for the level below.
    """

    year: int
    n_targets: int
    held: BoolArray
    report: dict[str, dict[str, object]] = field(default_factory=dict)
    states: dict[str, SectorState] = field(default_factory=dict)

    def rows(self, first: int, last: int) -> "Protection":
        """The targets from `first` up to `last`, by themselves; the report is still of all."""
        states = {sector: state.rows(first, last) for sector, state in self.states.items()}
        n_targets = len(range(self.n_targets)[first:last])
        return Protection(self.year, n_targets, self.held[first:last], self.report, states)

    def beside(self) -> "Protection":
        """What collections of other hierarchies need of it: where which features lie, and what is held."""
        states = {
            sector: replace(state, published=np.zeros((0, state.published.shape[1])))
            for sector, state in self.states.items()
        }
        return replace(self, states=states)


def region_row(inside: FloatArray) -> csr_array:
    """The region as one target: (1, features) shares from `Clipped.inside`, the top of every hierarchy."""
    return csr_array(np.atleast_2d(np.asarray(inside, dtype=np.float64)))


def protect(
    layers: Sequence[LayerShares],
    *,
    n_targets: int,
    year: int,
    sectors: Sequence[str],
    private: Mapping[str, PrivateLayer],
    rule: Rule,
    above: Protection | None = None,
    index_of_parent: npt.NDArray[np.integer] | None = None,
    beside: Sequence[Protection] = (),
    earlier: Mapping[str, Sequence[EarlierSums]] | None = None,
) -> Protection:
    """Decide which targets of one collection and year are held, and what is shown there of private meters.

    Args:
        layers: every layer of the region on this collection.
        n_targets: cells or zones.
        year: of the activity.
        sectors: every sector of the region.
        private: layers that are not open, by id; empty where all are open.
        rule: the least count and the p % rule.
        above: the protected level above, of the same year; None for the region as one target (`region_row`).
        index_of_parent: (targets,) position in the level above; needed with `above`.
        beside: collections of this year that are protected already; a target is held too where one of theirs, less this
            one, would tell of a feature.
        earlier: sector -> what earlier editions have told of this year; asked for with the region, whose levels below
            have it from there.

    Raises:
        DisclosureError: a private layer is not there, levels do not belong together or do not nest.
        ChangeTold: the region's own change since an earlier edition tells of a feature.
        GridError: modelled lines or weights cannot be used.
    """
    unknown = set(private) - {layer.layer for layer in layers}
    if unknown:
        raise DisclosureError(f"private layers {', '.join(sorted(unknown))} are not among the layers of the collection")
    if above is None and n_targets != 1:
        raise DisclosureError(
            f"the collection has {n_targets} targets and nothing above it; protect the region first, as one "
            "target, and hand it over as `above`"
        )
    index = np.zeros(n_targets, dtype=np.int64)
    for other in (*beside, *([] if above is None else [above])):
        if other.year != year:
            raise DisclosureError(f"this collection is of {year}, one above or beside it of {other.year}")
    if above is not None:
        given = np.empty(0, dtype=np.int64) if index_of_parent is None else index_of_parent
        index = check_parents(given, n_targets, above.n_targets)
    protection = Protection(year, n_targets, np.zeros(n_targets, dtype=bool))
    for sector in in_sector_order(sectors):
        mine = of_sector(layers, sector)
        if any(each.layer in private for each in mine):
            before = None if above is None else above.states.get(sector)
            if above is not None and before is None:
                raise DisclosureError(f"the level above has no private layer of the sector {sector!r}; this one has")
            others = [other.states[sector] for other in beside if sector in other.states]
            known = () if earlier is None else earlier.get(sector, ())
            state, counts = _protect_sector(sector, mine, private, year, rule, before, others, index, known)
            protection = replace(
                protection,
                held=protection.held | state.held,
                report={**protection.report, sector: counts},
                states={**protection.states, sector: state},
            )
    return protection


def of_sector(layers: Sequence[LayerShares], sector: str) -> list[LayerShares]:
    """The layers of a sector, in the order of summing."""
    return sorted((each for each in layers if each.sector == sector), key=lambda each: each.layer)


def _protect_sector(
    sector: str,
    layers: Sequence[LayerShares],
    private: Mapping[str, PrivateLayer],
    year: int,
    rule: Rule,
    before: SectorState | None,
    others: Sequence[SectorState],
    index: IntArray,
    earlier: Sequence[EarlierSums],
) -> tuple[SectorState, dict[str, object]]:
    """The state of one sector, and what the manifest says of it."""
    pairs = in_pair_order(set().union(*(layer.compact.pairs for layer in layers)))
    beside = None if before is None else before.beside
    also = {each.layer: had_meters(earlier, each.layer, each.shares.shape[1]) for each in layers} if earlier else None
    if before is not None and beside is not None:
        also = {**before.part.chosen}
    part = private_part(layers, private, year, pairs, None if before is None else before.part, also)
    some = part.present
    if before is None:
        mode, withheld = _region_mode(part, rule)
    else:
        mode, withheld = before.mode, before.withheld
    # Which carriers are withheld is settled for the region; so are the sums, where the features are the same.
    if before is not None and part.emissions is before.part.emissions:
        tested, own = before.tested, before.own
    else:
        tested, own = _tested(part, withheld), part.own_without(withheld | part.uneven)
        part = replace(part, own=np.zeros((0, len(part.pairs))))  # summed up for good
        if earlier and mode == "shared" and before is None:
            beside = Beside.of(part.chosen, tested[:, 1:], _columns(part, withheld), earlier)
            inside = np.asarray(part.shares.sum(axis=0), dtype=np.float64).reshape(-1)
            beside.refuse_if_told(inside, earlier, rule, f"{sector} {year}")
        if beside is not None:
            tested = np.column_stack([tested, beside.changes])
    judged = judge(part.shares, tested, rule, with_bounds=mode == "shared" and bool(others))
    counts: dict[str, object] = {
        "mode": mode,
        "targets": len(some),
        "with_private_meters": int(some.sum()),
        "too_few": int(judged.too_few.sum()),
        "dominated": int((judged.dominated & ~judged.too_few).sum()),
    }
    if mode == "shared":
        must = judged.sensitive
        told = np.zeros_like(must)
        if others:
            subtraction = Subtraction(part.shares, tested, rule, judged)
            for other in others:
                told |= subtraction.told_by(other.shares, other.held) & ~must
        shown = _shared(part, tested, must | told, before, others, index, rule, beside)
        if before is None and beside is not None:
            beside.refuse_if_bound(shown.unproven, rule, earlier, f"{sector} {year}")
        published, held, sums, unproven = shown.published, shown.held, shown.told, shown.unproven
        counts |= {
            "by_difference": int(told.sum()),
            "added": int((held & ~must & ~told).sum()),
            "groups": shown.groups,
        }
        if rule.audit:
            counts |= {"by_audit": shown.by_audit, "unproven": int(unproven.sum())}
    else:
        modelled = part.modelled if mode == "modelled" and part.modelled is not None else np.zeros_like(part.emissions)
        published, held = part.shares @ modelled, some
        sums, unproven = csr_array((0, len(part.emissions))), np.zeros(len(part.emissions), dtype=bool)
    counts |= {
        "held": int(held.sum()),
        "withheld_columns": [pair_column(sector, pair) for pair in part.pairs if pair in withheld],
    }
    return SectorState(mode, part, tested, own, published, held, withheld, sums, unproven, beside), counts


def _region_mode(part: PrivatePart, rule: Rule) -> tuple[str, frozenset[Pair]]:
    """Whether the region's sums may be shown: as they are, with some carriers withheld, or not at all.

    A carrier that too few features use would follow from the total and the other carriers. It is withheld together with
    the next smallest carriers, until they pass the rule as one sum.
    """
    inside = np.asarray(part.shares.sum(axis=0)).reshape(-1)
    values = inside[:, None] * part.emissions
    if not rule.allows(values.sum(axis=1, keepdims=True)):
        return ("modelled" if part.modelled is not None else "null"), frozenset()
    block = [k for k in range(values.shape[1]) if not rule.allows(values[:, [k]])]
    size = np.abs(values).sum(axis=0)
    spare = sorted((k for k in range(values.shape[1]) if k not in block and size[k] > 0), key=lambda k: (size[k], k))
    while block and spare and (len(block) < 2 or not rule.allows(values[:, block].sum(axis=1, keepdims=True))):
        block.append(spare.pop(0))
    return "shared", frozenset(part.pairs[k] for k in block)


def _tested(part: PrivatePart, withheld: frozenset[Pair]) -> FloatArray:
    """(features, sums) the sums that can be read: the total, each carrier shown, and the withheld ones together."""
    apart = [part.emissions[:, [part.pairs.index(pair) for pair in some]].sum(axis=1)
             for some in _columns(part, withheld)]  # fmt: skip
    return np.column_stack([part.emissions.sum(axis=1), *apart])


def _columns(part: PrivatePart, withheld: frozenset[Pair]) -> list[list[Pair]]:
    """The pairs that are told of one by one, and the withheld ones together."""
    together = [pair for pair in part.pairs if pair in withheld]
    return [[pair] for pair in part.pairs if pair not in withheld] + ([together] if together else [])


@dataclass(frozen=True)
class _Shown:
    """What is shown of the private part of one collection.

    Attributes:
        published: (targets, pairs) tCO2e.
        held: (targets,) where that is not true.
        groups: how many groups share their sums.
        by_audit: targets held because of the audit alone.
        told: see `SectorState`.
        unproven: see `SectorState`.
    """

    published: FloatArray
    held: BoolArray
    groups: int
    by_audit: int
    told: csr_array
    unproven: BoolArray


def _shared(
    part: PrivatePart,
    tested: FloatArray,
    must: BoolArray,
    before: SectorState | None,
    others: Sequence[SectorState],
    index: IntArray,
    rule: Rule,
    beside: Beside | None,
) -> _Shown:
    """The private part as shown: true, or by groups."""
    n_targets, n_features = part.shares.shape
    unproven = np.zeros(n_features if beside is None else len(beside.now), dtype=bool)
    if before is None:
        if beside is not None and rule.audit:  # what was told before cannot be taken back
            all_told = Told.nothing(len(unproven)).and_also(*beside.rows, beside.widened(part.shares))
            unproven = exposed(all_told, beside.tested, rule, owner=beside.owner)
        return _Shown(part.values, np.zeros(n_targets, dtype=bool), 0, 0, part.shares, unproven)
    shares, family, all_must = part.shares, index, must
    remainder = _remainder(before.shares, shares, index)
    if remainder.nnz:
        shares = csr_array(vstack([shares, remainder], format="csr"))
        family = np.concatenate([index, np.arange(remainder.shape[0])])
        all_must = np.concatenate([must, judge(remainder, tested, rule).sensitive])
    some = np.diff(shares.indptr) > 0
    weights = np.asarray(shares @ part.weights)
    published = np.asarray(shares @ part.emissions)
    held = some & before.held[family]
    published[held] = _split(before.published, family[held], weights[held])
    siblings = Siblings(shares, tested, family, all_must & ~before.held[family], weights)
    members, starts = held_groups(siblings, rule)
    block = np.where(some & ~held, np.arange(len(some)), -1)
    block[members] = np.repeat(members[starts[:-1]], np.diff(starts))
    by_rule = held.copy()
    by_rule[members] = True
    if rule.audit:
        states = list({id(state): state for state in (before, *others)}.values())
        passed_over = np.logical_or.reduce([state.unproven for state in states])
        known = [state.told for state in states]
        block, unproven = _audited(shares, family, block, weights, known, tested, rule, passed_over, beside)
    size = np.bincount(block[block >= 0], minlength=len(block))
    grouped = np.flatnonzero((block >= 0) & (size[np.maximum(block, 0)] > 1))
    of = np.unique(block[grouped], return_inverse=True)[1].reshape(-1)
    pooled = np.zeros((int(of.max(initial=-1)) + 1, published.shape[1]))
    np.add.at(pooled, of, published[grouped])
    published[grouped] = _split(pooled, of, weights[grouped])
    held[grouped] = True
    by_audit = int((held & ~by_rule)[:n_targets].sum())
    told = told_sums(shares, block) if rule.audit else csr_array((0, n_features))
    return _Shown(published[:n_targets], held[:n_targets], int((size > 1).sum()), by_audit, told, unproven)


def _audited(
    shares: csr_array,
    family: IntArray,
    block: IntArray,
    weights: FloatArray,
    known: Sequence[csr_array],
    tested: FloatArray,
    rule: Rule,
    passed_over: BoolArray,
    beside: Beside | None,
) -> tuple[IntArray, BoolArray]:
    """`joined_blocks`, of features or, beside earlier editions, of the unknowns of all."""
    if beside is None:
        return joined_blocks(shares, family, block, weights, known, tested, rule, passed_over)
    wide = [*beside.rows, *(beside.widened(rows) for rows in known)]
    return joined_blocks(
        beside.widened(shares), family, block, weights, wide, beside.tested, rule, passed_over,
        located=taken(shares, beside.place), owner=beside.owner,
    )  # fmt: skip


def _remainder(above: csr_array, below: csr_array, index: IntArray) -> csr_array:
    """What lies in a parent but in none of its targets: a target that is not shown, but found by subtraction."""
    if above.shape[1] != below.shape[1]:
        raise DisclosureError(
            f"the level above has {above.shape[1]} private features and this one {below.shape[1]}; both need the same "
            "layers, lines and private layers"
        )
    left = without_rounding(csr_array(above - block_sums(index, above.shape[0], below)))
    if bool(np.any(left.data < 0)):
        raise DisclosureError(
            "targets reach beyond their parents, so that neither can be subtracted from the other; put this collection "
            "directly under the region (`grids.disclosure.nests` tells)"
        )
    return left


def _split(wholes: FloatArray, of: IntArray, weights: FloatArray) -> FloatArray:
    """Each row's part of its whole, by weight; evenly where all weights are 0."""
    total = np.bincount(of, weights, minlength=len(wholes))
    count = np.bincount(of, minlength=len(wholes))
    even = total[of] <= 0
    parts = np.where(even, 1.0 / np.maximum(count[of], 1), weights / np.where(even, 1.0, total[of]))
    return np.asarray(parts[:, None] * wholes[of])
