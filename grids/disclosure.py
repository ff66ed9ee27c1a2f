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
from scipy.sparse import csr_array, diags_array

from grids.aggregate import CollectionSums, LayerShares, SectorSums
from grids.columns import METHODS
from grids.earlier import EarlierSums
from grids.grouping import Rule
from grids.private_meters import DisclosureError, PrivateLayer, sums_without
from grids.protection import Protection, SectorState, of_sector, protect


@dataclass(frozen=True)
class Held(Protection):
    """One collection and year after disclosure control.

    Attributes:
        sums: public sums.
        largest_shift: sector -> largest change of a target's value, tCO2e. Not for the manifest: in a group of two, it
            gives the true values away.
    """

    sums: CollectionSums = field(kw_only=True)
    largest_shift: dict[str, float] = field(kw_only=True, default_factory=dict)

    def columns(self) -> dict[str, npt.NDArray[np.generic]]:
        """The public numeric columns of `CollectionSums.columns`, and `held`."""
        return self.sums.columns() | {"held": self.held}

    def table(self) -> pd.DataFrame:
        """The public columns as a frame, one row per target."""
        return pd.DataFrame(self.columns(), copy=False)


def hold(
    sums: CollectionSums,
    layers: Sequence[LayerShares],
    *,
    private: Mapping[str, PrivateLayer],
    rule: Rule,
    above: Protection | None = None,
    index_of_parent: npt.NDArray[np.integer] | None = None,
    beside: Sequence[Protection] = (),
    u_filled: float = 0.5,
    earlier: Mapping[str, Sequence[EarlierSums]] | None = None,
) -> Held:
    """Protect the private metered features of one collection and year: `protect`, then `public_sums` of all targets.

    Args:
        sums: true sums of the collection.
        layers: the layers they were made of.
        private: layers that are not open, by id; empty where all are open.
        rule: the least count and the p % rule.
        above: see `protect`.
        index_of_parent: see `protect`.
        beside: see `protect`.
        u_filled: see `public_sums`.
        earlier: see `protect`.

    Raises:
        DisclosureError: a private layer is not there, levels do not belong together or do not nest.
        ChangeTold: see `protect`.
        GridError: modelled lines or weights cannot be used.
    """
    protection = protect(
        layers,
        n_targets=sums.n_targets,
        year=sums.year,
        sectors=list(sums.sectors),
        private=private,
        rule=rule,
        above=above,
        index_of_parent=index_of_parent,
        beside=beside,
        earlier=earlier,
    )
    return public_sums(sums, layers, protection, private=private, u_filled=u_filled)


def public_sums(
    sums: CollectionSums,
    layers: Sequence[LayerShares],
    protection: Protection,
    *,
    private: Mapping[str, PrivateLayer],
    u_filled: float = 0.5,
) -> Held:
    """Sums that may be shown.

    Args:
        sums: true sums, of all targets or of some in a row (`rows`).
        layers: the layers they were made of, on the same targets.
        protection: what was decided of these targets.
        private: as for `protect`.
        u_filled: relative standard deviation of a replaced value, which is a model's and not the meters'.

    Returns:
        Public sums. In a held target the replaced part counts as modelled, its deviation is `u_filled` times its size,
        and total, carriers, net and shares follow. In the other targets own errors of private meters are spread evenly
        over the features, since a sum and a sum of squares together would tell three values apart.

    Raises:
        DisclosureError: a deviation that is no number.
    """
    if not (np.isfinite(u_filled) and u_filled >= 0):
        raise DisclosureError(f"u_filled is {u_filled}; expected is a relative standard deviation, 0 or more")
    public, shifts = dict(sums.sectors), {}
    for sector, state in protection.states.items():
        true, mine, pairs = sums.sectors[sector], of_sector(layers, sector), state.part.pairs
        rest = sums_without(mine, private, sums, sector, pairs)
        veiled = state.veiled
        shown = true if not veiled else sums_without(mine, private, sums, sector, pairs, only=veiled)
        public[sector] = _public_sums(true, rest, shown, state, u_filled)
        shift = np.abs(public[sector].total - true.total)[state.held & public[sector].covered]
        shifts[sector] = float(shift.max(initial=0.0))
    return Held(
        protection.year, protection.n_targets, protection.held, protection.report, protection.states,
        sums=replace(sums, sectors=public), largest_shift=shifts,
    )  # fmt: skip


def _public_sums(
    true: SectorSums,
    rest: SectorSums,
    shown: SectorSums,
    state: SectorState,
    u_filled: float,
) -> SectorSums:
    """True where nothing is held, else the rest and what was filled in.

    Args:
        true: all lines.
        rest: without the private metered lines.
        shown: without those of veiled carriers, whose factor errors would tell of them.
        state: what is published of the private metered lines.
        u_filled: relative standard deviation of what was filled in.
    """
    held, part = state.held, state.part
    filled = np.abs(state.published).sum(axis=1)
    absolute = rest.absolute.copy()
    absolute[:, METHODS.index("modelled")] += filled
    of_true = true.absolute
    if bool((part.emissions < 0).any()):
        of_true = rest.absolute.copy()
        of_true[:, METHODS.index("metered")] += part.absolute(state.withheld)
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
        absolute=np.where(held[:, None], absolute, of_true),
        own=rest.own + np.where(held, (u_filled * filled) ** 2, part.variance(state.own, state.veiled)),
        loadings=loadings,
        covered=true.covered & ~held if state.mode == "null" else true.covered,
        withheld=state.withheld,
    )
