"""Disclosure control: private metered values are shown only in sums that tell of no single feature.

In a target that would tell of one, the private metered part is replaced by a share of its group's true sum,

    published part = (sum over the group of the true parts) x weight / (sum over the group of the weights)

with weights from what a model says of the same features. Collections are worked on from the coarsest down: the region,
then each collection under the one whose targets hold its own. Under a held target everything is a share of the held
value. So public totals add at every level, and the difference of a target and its shown parts is always the true sum of
whole groups, or no true number at all.

The rule holds for every column that is shown, not only for the sum of carriers: three buildings of which one burns gas
would otherwise show that building's gas.

Source: ARCHITECTURE, truth 7. See docs/uncertainty-and-disclosure.md for a worked example.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array, diags_array, vstack

from grids.aggregate import CollectionSums, LayerShares, SectorSums, block_sums, check_parents
from grids.columns import METHODS, Pair, pair_column
from grids.differencing import Subtraction, without_rounding
from grids.features import BoolArray, FloatArray, IntArray
from grids.grouping import NEGLIGIBLE_SHARE, Rule, Siblings, held_groups, judge
from grids.private_meters import DisclosureError, PrivateLayer, PrivatePart, private_part, sums_without


@dataclass(frozen=True)
class SectorState:
    """How one sector was protected at one level; the level below starts from it.

    Attributes:
        mode: `shared` (groups), or, where the region's own total would tell of one feature, `modelled` or `null`.
        part: the private features and their shares.
        tested: (features, sums) values of them whose sums can be read.
        published: (targets, pairs) tCO2e of the private metered part as shown.
        held: (targets,) where that is not the true part.
        withheld: pairs whose columns are null everywhere, because one of them would tell of one feature.
    """

    mode: str
    part: PrivatePart
    tested: FloatArray
    published: FloatArray
    held: BoolArray
    withheld: frozenset[Pair]

    @property
    def shares(self) -> csr_array:
        """(targets, features) shares of the private features."""
        return self.part.shares


@dataclass(frozen=True)
class Held:
    """One collection and year after disclosure control.

    Attributes:
        sums: public sums.
        held: (targets,) whether any part of the target was replaced.
        report: counts by sector, for the manifest.
        largest_shift: sector -> largest change of a target's value, tCO2e. Not for the manifest: in a group of two, it
            gives the true values away.
        states: by sector, for the level below.
    """

    sums: CollectionSums
    held: BoolArray
    report: dict[str, dict[str, object]] = field(default_factory=dict)
    largest_shift: dict[str, float] = field(default_factory=dict)
    states: dict[str, SectorState] = field(default_factory=dict)

    def table(self, first: int = 0, last: int | None = None) -> pd.DataFrame:
        """The public numeric columns of `CollectionSums.table`, and `held`; of all targets, or of some in a row."""
        last = self.sums.n_targets if last is None else last
        return self.sums.rows(first, last).table().assign(held=self.held[first:last])


def region_row(inside: FloatArray) -> csr_array:
    """The region as one target: (1, features) shares from `Clipped.inside`, the top of every hierarchy."""
    return csr_array(np.atleast_2d(np.asarray(inside, dtype=np.float64)))


def nests(above: csr_array, below: csr_array, index_of_parent: npt.NDArray[np.integer]) -> bool:
    """Whether targets lie within their parents, as far as features tell.

    Zone sets drawn by different hands may overlap their parents' borders. They cannot be protected under those parents
    and belong directly under the region.

    Args:
        above: (parents, features) shares.
        below: (targets, features) shares of the same features.
        index_of_parent: (targets,) position of each target's parent.
    """
    index = check_parents(index_of_parent, below.shape[0], above.shape[0])
    beyond = csr_array(block_sums(index, above.shape[0], below) - above)
    return bool(np.all(beyond.data <= NEGLIGIBLE_SHARE))


def hold(
    sums: CollectionSums,
    layers: Sequence[LayerShares],
    *,
    private: Mapping[str, PrivateLayer],
    rule: Rule,
    above: Held | None = None,
    index_of_parent: npt.NDArray[np.integer] | None = None,
    beside: Sequence[Held] = (),
    u_filled: float = 0.5,
) -> Held:
    """Protect the private metered features of one collection and year.

    Args:
        sums: true sums of the collection.
        layers: the layers they were made of.
        private: layers that are not open, by id; empty where all are open.
        rule: the least count and the p % rule.
        above: the protected level above, of the same year; None for the region as one target (`region_row`).
        index_of_parent: (targets,) position in the level above; needed with `above`.
        beside: collections of this year that are protected already; a target is held too where one of theirs, less this
            one, would tell of a feature.
        u_filled: relative standard deviation of a replaced value, which is a model's and not the meters'.

    Returns:
        Public sums. In a held target the replaced part counts as modelled, its deviation is `u_filled` times its size,
        and total, carriers, net and shares follow. In the other targets own errors of private meters are spread evenly
        over the features, since a sum and a sum of squares together would tell three values apart.

    Raises:
        DisclosureError: a private layer is not there, levels do not belong together or do not nest.
        GridError: modelled lines or weights cannot be used.
    """
    unknown = set(private) - {layer.layer for layer in layers}
    if unknown:
        raise DisclosureError(f"private layers {', '.join(sorted(unknown))} are not among the layers of the collection")
    if not (np.isfinite(u_filled) and u_filled >= 0):
        raise DisclosureError(f"u_filled is {u_filled}; expected is a relative standard deviation, 0 or more")
    if above is None and sums.n_targets != 1:
        raise DisclosureError(
            f"the collection has {sums.n_targets} targets and nothing above it; protect the region first, as one "
            "target, and hand it over as `above`"
        )
    index = np.zeros(sums.n_targets, dtype=np.int64)
    for other in (*beside, *([] if above is None else [above])):
        if other.sums.year != sums.year:
            raise DisclosureError(f"this collection is of {sums.year}, one above or beside it of {other.sums.year}")
    if above is not None:
        given = np.empty(0, dtype=np.int64) if index_of_parent is None else index_of_parent
        index = check_parents(given, sums.n_targets, above.sums.n_targets)
    public = Held(sums, np.zeros(sums.n_targets, dtype=bool))
    for sector in sums.sectors:
        mine = sorted((each for each in layers if each.sector == sector), key=lambda each: each.layer)
        if any(each.layer in private for each in mine):
            before = None if above is None else above.states.get(sector)
            if above is not None and before is None:
                raise DisclosureError(f"the level above has no private layer of the sector {sector!r}; this one has")
            others = [other.states[sector] for other in beside if sector in other.states]
            public = _hold_sector(public, sector, mine, private, rule, before, others, index, u_filled)
    return public


def _hold_sector(
    public: Held,
    sector: str,
    layers: Sequence[LayerShares],
    private: Mapping[str, PrivateLayer],
    rule: Rule,
    before: SectorState | None,
    others: Sequence[SectorState],
    index: IntArray,
    u_filled: float,
) -> Held:
    sums = public.sums
    true = sums.sectors[sector]
    part = private_part(layers, private, sums.year, true.pairs, None if before is None else before.part)
    some = part.present
    if before is None:
        mode, withheld = _region_mode(part, rule)
    else:
        mode, withheld = before.mode, before.withheld
    # Which carriers are withheld is settled for the region; so are the sums, where the features are the same.
    is_settled = before is not None and part.emissions is before.part.emissions
    tested = before.tested if before is not None and is_settled else _tested(part, withheld)
    judged = judge(part.shares, tested, rule, with_bounds=mode == "shared" and bool(others))
    counts: dict[str, object] = {
        "mode": mode,
        "targets": sums.n_targets,
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
        published, held, groups = _shared(part, tested, must | told, before, index, rule)
        counts |= {"by_difference": int(told.sum()), "added": int((held & ~must & ~told).sum()), "groups": groups}
    else:
        modelled = part.modelled if mode == "modelled" and part.modelled is not None else np.zeros_like(part.emissions)
        published, held = part.shares @ modelled, some
    state = SectorState(mode, part, tested, published, held, withheld)
    rest = sums_without(layers, private, sums, sector, part.pairs)
    veiled = withheld | part.uneven
    shown = true if not veiled else sums_without(layers, private, sums, sector, part.pairs, only=veiled)
    protected = _public_sums(true, rest, shown, part, state, veiled, u_filled)
    shift = np.abs(protected.total - true.total)[held & protected.covered]
    counts |= {
        "held": int(held.sum()),
        "withheld_columns": [pair_column(sector, pair) for pair in part.pairs if pair in withheld],
    }
    return Held(
        sums=replace(sums, sectors={**sums.sectors, sector: protected}),
        held=public.held | held,
        report={**public.report, sector: counts},
        largest_shift={**public.largest_shift, sector: float(shift.max(initial=0.0))},
        states={**public.states, sector: state},
    )


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
    together = [k for k, pair in enumerate(part.pairs) if pair in withheld]
    apart = [k for k, pair in enumerate(part.pairs) if pair not in withheld]
    tested = np.empty((len(part.emissions), len(apart) + 2))
    tested[:, 0] = part.emissions.sum(axis=1)
    tested[:, 1:-1] = part.emissions[:, apart]
    tested[:, -1] = part.emissions[:, together].sum(axis=1)
    return tested


def _shared(
    part: PrivatePart, tested: FloatArray, must: BoolArray, before: SectorState | None, index: IntArray, rule: Rule
) -> tuple[FloatArray, BoolArray, int]:
    """The private part as shown, where it is not true, and in how many groups."""
    true = part.values
    if before is None:
        return true, np.zeros(len(true), dtype=bool), 0
    remainder = _remainder(before.shares, part.shares, index)
    shares = csr_array(vstack([part.shares, remainder], format="csr"))
    family = np.concatenate([index, np.arange(remainder.shape[0])])
    all_must = np.concatenate([must, judge(remainder, tested, rule).sensitive])
    some = np.diff(shares.indptr) > 0
    weights = np.asarray(shares @ part.weights)
    published = np.asarray(shares @ part.emissions)
    held = some & before.held[family]
    published[held] = _split(before.published, family[held], weights[held])
    siblings = Siblings(shares, tested, family, all_must & ~before.held[family], weights)
    members, starts = held_groups(siblings, rule)
    if len(members):
        group = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        pooled = np.add.reduceat(published[members], starts[:-1], axis=0)
        published[members] = _split(pooled, group, weights[members])
        held[members] = True
    n_targets = len(true)
    return published[:n_targets], held[:n_targets], len(starts) - 1


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


def _public_sums(
    true: SectorSums,
    rest: SectorSums,
    shown: SectorSums,
    part: PrivatePart,
    state: SectorState,
    veiled: frozenset[Pair],
    u_filled: float,
) -> SectorSums:
    """True where nothing is held, else the rest and what was filled in.

    Args:
        true: all lines.
        rest: without the private metered lines.
        shown: without those of veiled carriers, whose factor errors would tell of them.
        part: the private metered lines.
        state: what is published of them.
        veiled: carriers that are withheld, or whose lines have errors of several kinds.
        u_filled: relative standard deviation of what was filled in.
    """
    held = state.held
    filled = np.abs(state.published).sum(axis=1)
    absolute = rest.absolute.copy()
    absolute[:, METHODS.index("modelled")] += filled
    values = np.zeros_like(rest.values)
    values[:, [part.pairs.index(pair) for pair in true.pairs]] = true.values
    values = np.where(held[:, None], rest.values + state.published, values)
    # Carriers that only a model knows have columns only where the model stands in for the meters.
    pairs = part.pairs if state.mode == "modelled" else true.pairs
    keep = diags_array((~held).astype(np.float64), format="csr")
    swap = diags_array(held.astype(np.float64), format="csr")
    loadings = csr_array(keep @ shown.loadings + swap @ rest.loadings)
    loadings.sort_indices()
    return replace(
        true,
        pairs=pairs,
        values=values[:, [part.pairs.index(pair) for pair in pairs]],
        absolute=np.where(held[:, None], absolute, true.absolute),
        own=rest.own + np.where(held, (u_filled * filled) ** 2, part.variance(veiled)),
        loadings=loadings,
        covered=true.covered & ~held if state.mode == "null" else true.covered,
        withheld=state.withheld,
    )
