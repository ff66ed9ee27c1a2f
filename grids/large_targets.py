"""What a receipt of a large target needs, added up while the edition is built: a province has millions of features.

A target with more than `LARGE` features of a layer gets its sums by kind of line and its largest features, year by
year, in two small private tables. What is smaller is read line by line when it is asked for.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from grids.feature_lines import KIND, FeatureLines, TargetSums, largest_first, sums_in_target
from grids.neighbourhoods import Neighbourhoods

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LARGE = 4096
"""Features of one layer from which a target's sums are kept; fewer are read in a few row groups."""

LARGEST = 100
"""How many features are kept by name."""

_WORDS = pa.dictionary(pa.int32(), pa.string())
_KIND = {name: pa.float64() if name.startswith("u_") else pa.string() for name in KIND}
_LINE = pa.struct({**_KIND, "activity": pa.float64(), "emissions_tco2e": pa.float64()})

SUMS = pa.schema(
    [
        pa.field("target", pa.int32()),
        pa.field("year", pa.int16()),
        *(pa.field(name, _WORDS if kind == pa.string() else kind) for name, kind in _KIND.items()),
        pa.field("lines", pa.int64()),
        pa.field("activity", pa.float64()),
        pa.field("emissions_tco2e", pa.float64()),
    ]
)
"""One row for each kind of line in a target: how many lines, and the sums of share x activity and share x emissions."""

LARGEST_FEATURES = pa.schema(
    [
        pa.field("target", pa.int32()),
        pa.field("year", pa.int16()),
        pa.field("features", pa.int64()),
        pa.field("own_variance", pa.float64()),
        pa.field("feature", pa.int32()),
        pa.field("share", pa.float64()),
        pa.field("part_tco2e", pa.float64()),
        pa.field("lines", pa.list_(_LINE)),
    ]
)
"""The largest features of a target, largest first, with their lines (of the whole feature); `features` and
`own_variance` are of the whole target, the same in each of its rows."""


def has_large(shares: csr_array) -> bool:
    """Whether a collection has a target that is large in this layer; shares as (targets, features)."""
    return bool((np.diff(shares.indptr) > LARGE).any())


def large_tables(
    years: Mapping[int, FeatureLines], shares: csr_array, near: Neighbourhoods | None = None
) -> tuple[pa.Table, pa.Table]:
    """Sums and largest features of the large targets of one layer on one collection.

    Args:
        years: the layer's lines by year.
        shares: (targets, features), features ascending within a target.
        near: squares in which modelled features of the layer err alike, if any.

    Returns:
        Tables as `SUMS` and `LARGEST_FEATURES` say, by target and year.
    """
    large = np.flatnonzero(np.diff(shares.indptr) > LARGE)
    found = [_of_year(year, lines, shares, large, near) for year, lines in sorted(years.items())]
    sums, largest = [one for one, _ in found], [one for _, one in found]
    return _in_order(sums, SUMS), _in_order(largest, LARGEST_FEATURES)


def _of_year(
    year: int, lines: FeatureLines, shares: csr_array, large: IntArray, near: Neighbourhoods | None
) -> tuple[pa.Table, pa.Table]:
    sums: list[TargetSums] = []
    features: list[IntArray] = []
    share: list[FloatArray] = []
    parts: list[FloatArray] = []
    for target in large.tolist():
        row = slice(int(shares.indptr[target]), int(shares.indptr[target + 1]))
        of = shares.indices[row].astype(np.int64)
        sums.append(sums_in_target(lines, of, shares.data[row], near))
        chosen = largest_first(sums[-1].parts, LARGEST)
        features.append(of[chosen])
        share.append(shares.data[row][chosen])
        parts.append(sums[-1].parts[chosen])
        sums[-1] = replace(sums[-1], parts=parts[-1])  # what is not listed is not needed any more
    counted = [len(one.kinds) for one in sums]
    columns = {
        "target": np.repeat(large, counted),
        "year": np.full(sum(counted), year),
        **{name: np.concatenate([one.kinds[name] for one in sums]) for name in KIND},
        **{
            name: np.concatenate([getattr(one, field) for one in sums])
            for name, field in (("lines", "lines"), ("activity", "activity"), ("emissions_tco2e", "emissions"))
        },
    }
    listed = [len(one) for one in features]
    largest = {
        "target": np.repeat(large, listed),
        "year": np.full(sum(listed), year),
        "features": np.repeat(np.diff(shares.indptr)[large], listed),
        "own_variance": np.repeat([one.own_variance for one in sums], listed),
        "feature": np.concatenate(features),
        "share": np.concatenate(share),
        "part_tco2e": np.concatenate(parts),
        "lines": lines_of(lines, np.concatenate(features)),
    }
    return _table(columns, SUMS), _table(largest, LARGEST_FEATURES)


def lines_of(lines: FeatureLines, features: IntArray) -> pa.ListArray:
    """The lines of some features, for each a list of the kind's columns, activity and emissions_tco2e."""
    place, owner = lines.places(features)
    kind = pa.array(lines.kind[place])
    columns = {name: pa.array(lines.kinds[name], _KIND[name]).take(kind) for name in KIND}
    numbers = {"activity": pa.array(lines.activity[place]), "emissions_tco2e": pa.array(lines.emissions[place])}
    offsets = np.searchsorted(owner, np.arange(len(features) + 1)).astype(np.int32)
    records = pa.StructArray.from_arrays([*columns.values(), *numbers.values()], fields=list(_LINE))
    return pa.ListArray.from_arrays(pa.array(offsets), records, type=pa.list_(_LINE))


def _table(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    plain = {name: value if isinstance(value, pa.Array) else pa.array(value) for name, value in columns.items()}
    return pa.table({field.name: plain[field.name].cast(_plain(field.type)) for field in schema})


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(kind) else kind


def _in_order(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """By target, then by year; words become dictionaries."""
    if not tables:
        return schema.empty_table()
    whole = pa.concat_tables(tables)
    order = np.lexsort((whole["year"].to_numpy(), whole["target"].to_numpy()))
    return whole.take(pa.array(order)).cast(schema).combine_chunks()
