"""What a receipt of a large target needs, added up while the edition is built: a province has millions of features.

A target with more than `LARGE` features of a layer gets its sums by kind of line and its largest features, year by
year, in two small private tables. What is smaller is read line by line when it is asked for.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array

from grids.feature_lines import KIND, FeatureLines, largest_first, line_records, sums_in_target

LARGE = 4096
"""Features of one layer from which a target's sums are kept; fewer are read in a few row groups."""

LARGEST = 100
"""How many features are kept by name."""

_WORDS = pa.dictionary(pa.int32(), pa.string())
_KIND = {name: pa.float64() if name.startswith("u_") else pa.string() for name in KIND}

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
        pa.field(
            "lines",
            pa.list_(pa.struct({**_KIND, "activity": pa.float64(), "emissions_tco2e": pa.float64()})),
        ),
    ]
)
"""The largest features of a target, largest first, with their lines (of the whole feature); `features` and
`own_variance` are of the whole target, the same in each of its rows."""


def has_large(shares: csr_array) -> bool:
    """Whether a collection has a target that is large in this layer; shares as (targets, features)."""
    return bool((np.diff(shares.indptr) > LARGE).any())


def large_tables(years: Mapping[int, FeatureLines], shares: csr_array) -> tuple[pa.Table, pa.Table]:
    """Sums and largest features of the large targets of one layer on one collection.

    Args:
        years: the layer's lines by year; taken one after the other.
        shares: (targets, features), features ascending within a target.

    Returns:
        Tables as `SUMS` and `LARGEST_FEATURES` say, by target and year.
    """
    large = np.flatnonzero(np.diff(shares.indptr) > LARGE).tolist()
    sums: list[pa.Table] = []
    largest: list[pa.Table] = []
    for year in years:
        lines = years[year]
        for target in large:
            row = slice(int(shares.indptr[target]), int(shares.indptr[target + 1]))
            features, share = shares.indices[row].astype(np.int64), shares.data[row]
            found = sums_in_target(lines, features, share)
            columns = {name: pa.array(found.kinds[name], _KIND[name]) for name in KIND}
            numbers = {"lines": found.lines, "activity": found.activity, "emissions_tco2e": found.emissions}
            sums.append(_rows(SUMS, target, year, {**columns, **{name: pa.array(n) for name, n in numbers.items()}}))
            chosen = largest_first(found.parts, LARGEST)
            records = list(line_records(lines, features[chosen]))
            content = {
                "features": pa.repeat(pa.scalar(len(features), pa.int64()), len(chosen)),
                "own_variance": pa.repeat(pa.scalar(found.own_variance), len(chosen)),
                "feature": pa.array(features[chosen], pa.int32()),
                "share": pa.array(share[chosen]),
                "part_tco2e": pa.array(found.parts[chosen]),
                "lines": pa.array(records, LARGEST_FEATURES.field("lines").type),
            }
            largest.append(_rows(LARGEST_FEATURES, target, year, content))
    return _in_order(sums, SUMS), _in_order(largest, LARGEST_FEATURES)


def _rows(schema: pa.Schema, target: int, year: int, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Columns of one target and year; words stay plain until the tables are put together."""
    n_rows = len(next(iter(columns.values())))
    place = {
        "target": pa.repeat(pa.scalar(target, pa.int32()), n_rows),
        "year": pa.repeat(pa.scalar(year, pa.int16()), n_rows),
    }
    every = {**place, **columns}
    return pa.table({name: every[name] for name in schema.names})


def _in_order(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    if not tables:
        return schema.empty_table()
    whole = pa.concat_tables(tables)
    order = np.lexsort((whole["year"].to_numpy(), whole["target"].to_numpy()))
    return whole.take(pa.array(order)).cast(schema).combine_chunks()
