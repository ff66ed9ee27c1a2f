"""Emissions by feature: emission lines of one layer and year as sparse (features x columns) matrices.

Everything a table needs later is linear in these matrices; geometry comes in only as shares. Sums run over lines
sorted by feature, column and value, so that the order of the lines never changes a bit of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from grids.columns import BASES, CARRIERS, METHODS, Pair
from grids.errors import GridError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_TEXT = ("carrier", "basis", "method", "group", "factor_id", "assumptions")
_NUMBERS = ("emissions_tco2e", "u_own", "u_group", "u_factor")
NEEDED = ("feature", "year", *_TEXT, *_NUMBERS)
"""Columns of emission lines that sums are made of."""


class BadLines(GridError):
    """Emission lines that cannot be added up; the message names layer, column and feature."""


@dataclass(frozen=True)
class FeatureEmissions:
    """What the features of one layer emit in one year.

    Attributes:
        emissions: (features, pairs) tCO2e, signed.
        absolute: (features, 3) tCO2e, absolute emissions of the lines by method, in the order of `METHODS`.
        own_variance: (features,) tCO2e squared; errors that this feature shares with no other.
        loadings: (features, groups) tCO2e; one standard deviation of each shared error, signed.
        illustrative: (features,) 1.0 where a line rests on an assumption of the region file.
    """

    emissions: csr_array
    absolute: csr_array
    own_variance: FloatArray
    loadings: csr_array
    illustrative: FloatArray


def check_lines(layer: str, lines: pd.DataFrame, n_features: int) -> None:
    """Refuse emission lines that would spoil a sum.

    Args:
        layer: name for the message.
        lines: emission lines of docs/architecture.md.
        n_features: features of the layer.

    Raises:
        BadLines: a column is missing, a number is null or infinite, a relative deviation negative, a word unknown,
            a feature outside the layer, or a factor's error without the factor's id.
    """
    missing = [column for column in NEEDED if column not in lines.columns]
    if missing:
        raise BadLines(f"layer {layer!r}: emission lines lack {', '.join(missing)}; expected are {', '.join(NEEDED)}")
    features = lines["feature"].to_numpy()
    if len(features) and not np.issubdtype(features.dtype, np.integer):
        raise BadLines(f"layer {layer!r}: the column feature holds {features.dtype}; expected are integer positions")
    _refuse(layer, lines, (features < 0) | (features >= n_features), "feature", f"positions 0 to {n_features - 1}")
    grouped = _texts(lines, "group") != ""
    for column in _NUMBERS:
        numbers = lines[column].to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = ~np.isfinite(numbers)
        if column != "emissions_tco2e":
            wrong |= numbers < 0
        # Without a group its deviation has no meaning and may be null.
        if column == "u_group":
            wrong &= grouped
        expected = "a finite number" if column == "emissions_tco2e" else "a finite number, 0 or more"
        _refuse(layer, lines, wrong, column, expected)
    for column, words in (("carrier", CARRIERS), ("basis", BASES), ("method", METHODS)):
        _refuse(layer, lines, ~lines[column].isin(words).to_numpy(), column, "one of " + ", ".join(words))
    nameless = (_texts(lines, "factor_id") == "") & (lines["u_factor"].to_numpy(dtype=np.float64) > 0)
    _refuse(layer, lines, nameless, "factor_id", "the id of the factor whose error u_factor is")


def pairs_of(lines: pd.DataFrame) -> set[Pair]:
    """Carrier and basis pairs that occur in any year."""
    pairs = lines[["carrier", "basis"]].drop_duplicates()
    return set(zip(pairs["carrier"].astype(str), pairs["basis"].astype(str), strict=True))


def groups_of(lines: pd.DataFrame) -> set[str]:
    """Names of the groups of shared error: those of activities, and `factor:<id>`."""
    groups = set(pd.unique(_texts(lines, "group"))) | {
        f"factor:{factor}" for factor in pd.unique(_texts(lines, "factor_id")) if factor
    }
    return {str(group) for group in groups if group}


def feature_emissions(
    lines: pd.DataFrame, n_features: int, pairs: Sequence[Pair], groups: Sequence[str]
) -> FeatureEmissions:
    """Sum the lines of one layer and year by feature.

    A feature's own errors add linearly over its modelled and default lines (they share one floor area and one
    intensity) and in quadrature over its metered lines (each has its own meter):
    `own = (sum_modelled,default e u)^2 + sum_metered (e u)^2`.

    Args:
        lines: emission lines of one year, checked.
        n_features: features of the layer.
        pairs: columns of `emissions`; must hold every pair of the lines.
        groups: columns of `loadings`; must hold every group of the lines.

    Raises:
        BadLines: a pair or a group of the lines has no column.

    Source: ARCHITECTURE, 'The idea that keeps it simple'; METHODS E.
    """
    feature = lines["feature"].to_numpy(dtype=np.int64)
    emissions = lines["emissions_tco2e"].to_numpy(dtype=np.float64)
    own = emissions * lines["u_own"].to_numpy(dtype=np.float64)
    pair_index = pd.Index([f"{carrier} {basis}" for carrier, basis in pairs], dtype=object)
    pair = pair_index.get_indexer(pd.Index(_texts(lines, "carrier") + " " + _texts(lines, "basis"), dtype=object))
    method = pd.Index(METHODS).get_indexer(pd.Index(_texts(lines, "method")))
    metered = method == METHODS.index("metered")
    one = np.zeros_like(feature)

    group_index = pd.Index(np.array(groups, dtype=object))
    group_names, factor_names = _texts(lines, "group"), _texts(lines, "factor_id")
    in_group, has_factor = group_names != "", factor_names != ""
    loading_rows = np.concatenate([feature[in_group], feature[has_factor]])
    loading_columns = np.concatenate(
        [group_index.get_indexer(pd.Index(group_names[in_group])),
         group_index.get_indexer(pd.Index("factor:" + factor_names[has_factor]))]
    )  # fmt: skip
    if bool((pair < 0).any() or (loading_columns < 0).any()):
        raise BadLines("lines hold a carrier, basis or group that has no column; make the columns of the same lines")
    u_group = lines["u_group"].to_numpy(dtype=np.float64, na_value=np.nan)
    u_factor = lines["u_factor"].to_numpy(dtype=np.float64)
    loadings = np.concatenate([(emissions * u_group)[in_group], (emissions * u_factor)[has_factor]])

    linear = summed(feature[~metered], one[~metered], own[~metered], (n_features, 1))
    quadrature = summed(feature[metered], one[metered], own[metered] ** 2, (n_features, 1))
    illustrative = np.zeros(n_features)
    illustrative[feature[_texts(lines, "assumptions") != ""]] = 1.0
    return FeatureEmissions(
        emissions=summed(feature, pair, emissions, (n_features, len(pair_index))),
        absolute=summed(feature, method, np.abs(emissions), (n_features, len(METHODS))),
        own_variance=linear.toarray()[:, 0] ** 2 + quadrature.toarray()[:, 0],
        loadings=summed(loading_rows, loading_columns, loadings, (n_features, len(groups))),
        illustrative=illustrative,
    )


def summed(
    rows: npt.NDArray[np.integer], columns: npt.NDArray[np.integer], values: FloatArray, shape: tuple[int, int]
) -> csr_array:
    """A sparse matrix of sums whose bits do not depend on the order of what is added.

    Args:
        rows: (n,) row of each entry.
        columns: (n,) column of each entry.
        values: (n,) entries; those of one place are added, smallest first.
        shape: rows and columns of the result.

    Returns:
        csr with sorted columns and no stored zeros.
    """
    place = rows.astype(np.int64) * np.int64(max(shape[1], 1)) + columns.astype(np.int64)
    order = np.lexsort((values, place))
    place, values = place[order], values[order]
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    sums = np.add.reduceat(values, starts) if len(starts) else np.zeros(0)
    row, column = np.divmod(place[starts], max(shape[1], 1))
    kept = sums != 0
    counts = np.bincount(row[kept], minlength=shape[0])
    return csr_array((sums[kept], column[kept], np.concatenate([[0], np.cumsum(counts)])), shape=shape)


def _texts(lines: pd.DataFrame, column: str) -> npt.NDArray[np.object_]:
    """A text column as objects, null as the empty string."""
    return lines[column].astype(object).fillna("").to_numpy(dtype=object)


def _refuse(layer: str, lines: pd.DataFrame, wrong: BoolArray, column: str, expected: str) -> None:
    if not wrong.any():
        return
    worst = lines.iloc[int(np.flatnonzero(wrong)[0])]
    raise BadLines(
        f"layer {layer!r}, feature {worst['feature']}, year {worst['year']}: {column} is {worst[column]}, expected is "
        f"{expected} ({int(wrong.sum())} of {len(lines)} lines are wrong); correct the source or its reading, since "
        "nothing is dropped here"
    )
