"""Columns of a layer as arrays: numbers, and texts as codes of their few distinct words."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


def column_or_nan(features: pd.DataFrame, name: str) -> FloatArray:
    """A numeric column as float64, all NaN where the layer lacks it."""
    if name not in features.columns:
        return np.full(len(features), np.nan)
    return features[name].to_numpy(dtype=np.float64, na_value=np.nan)


def words_of(given: "pd.Series[Any]") -> tuple[Codes, list[str]]:
    """A column of texts (or of anything that can be written) as its distinct words.

    Args:
        given: (n,) values, null where the source says nothing.

    Returns:
        (n,) codes, -1 where null, and the words in order of appearance; two values may be written alike.
    """
    if isinstance(given.dtype, pd.CategoricalDtype):
        # Categories may be in any order, or not occur; a factor of the codes is as if they were texts.
        codes, first = pd.factorize(given.cat.codes.to_numpy(), use_na_sentinel=False)
        words = [str(given.cat.categories[code]) if code >= 0 else "" for code in first.tolist()]
        if -1 in first:
            null = int(np.flatnonzero(first == -1)[0])
            del words[null]
            codes = np.where(codes == null, -1, codes - (codes > null))
        return codes.astype(np.intp), words
    codes, distinct = pd.factorize(given, use_na_sentinel=True)
    return codes.astype(np.intp), [str(word) for word in distinct]


def coded(features: pd.DataFrame, name: str) -> tuple[Codes, list[str]]:
    """`words_of` a column; where the layer lacks it, all are null."""
    if name not in features.columns:
        return np.full(len(features), -1, dtype=np.intp), []
    return words_of(features[name])


def distinct_codes(codes: Codes, size: int) -> tuple[list[int], npt.NDArray[np.int32]]:
    """Which of the codes 0..size-1 occur, in their order, and (n,) the place of each among them."""
    if size > 4 * len(codes) + 65_536:
        distinct, places = np.unique(codes, return_inverse=True)
        return distinct.tolist(), places.astype(np.int32)
    found = np.flatnonzero(np.bincount(codes, minlength=size))
    place = np.zeros(size, dtype=np.int32)
    place[found] = np.arange(len(found))
    return found.tolist(), place[codes]


def positions_of_each(place: npt.NDArray[np.integer[Any]], size: int) -> list[Codes]:
    """Of every number 0..size-1, the positions at which it stands, ascending."""
    order = np.argsort(place, kind="stable")
    return np.split(order, np.cumsum(np.bincount(place, minlength=size))[:-1]) if size else []
