"""Meter readings of a generated nation: building, month, carrier, value; month after month, as they are delivered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.nation_layers import ids, pieces

Tell = Callable[[str], None]

YEAR = 2023
CARRIERS = ("electricity", "gas", "heat")
UNIT = "kWh"

_AT_ONCE = 250_000  # buildings of a row group
_INTENSITY = (45.0, 60.0, 40.0)  # kWh per m2 and year, made up
_SEASON = (
    np.array([0.086, 0.080, 0.078, 0.073, 0.072, 0.080, 0.102, 0.112, 0.085, 0.072, 0.075, 0.085]),
    np.array([0.185, 0.160, 0.125, 0.075, 0.045, 0.032, 0.028, 0.026, 0.030, 0.052, 0.095, 0.147]),
)
_SCHEMA = pa.schema(
    [
        ("building", pa.dictionary(pa.int32(), pa.string())),
        ("month", pa.int32()),
        ("carrier", pa.dictionary(pa.int32(), pa.string())),
        ("value", pa.float64()),
    ]
)


def write_meters(file: Path, floors_m2: NDArray[np.float32], metered: float, seed: int, tell: Tell) -> int:
    """Write twelve months of three carriers for a fraction of the buildings.

    Args:
        file: a Parquet file; building and carrier are text.
        floors_m2: (n,) of the buildings, in order.
        metered: the fraction.
        seed: of all chance.
        tell: is told of each month.

    Returns:
        Rows written.
    """
    # Plain bytes of ids are larger than pyarrow's limit for dictionaries, but far smaller than ids row by row.
    writer = pq.ParquetWriter(
        file,
        _SCHEMA,
        compression="zstd",
        use_dictionary=["building", "carrier", "month"],
        dictionary_pagesize_limit=16 << 20,
        store_schema=False,
    )
    rows = 0
    with writer:
        for month in range(12):
            for number, first, last in pieces(floors_m2.size, _AT_ONCE):
                chosen = np.flatnonzero(np.random.default_rng([seed, 7, number]).random(last - first) < metered)
                rng = np.random.default_rng([seed, 8, number, month])
                table = _month(rng, month, first, last, chosen, floors_m2[first:last])
                writer.write_table(table, row_group_size=max(1, table.num_rows))
                rows += table.num_rows
            tell(f"meters: month {month + 1} of 12")
    return rows


def _month(
    rng: np.random.Generator,
    month: int,
    first: int,
    last: int,
    chosen: NDArray[np.int64],
    floors_m2: NDArray[np.float32],
) -> pa.Table:
    """The rows of a piece: every chosen building with its three carriers."""
    rate = np.array([_INTENSITY[k] * _SEASON[min(k, 1)][month] for k in range(3)], np.float32)
    scatter = np.exp(np.float32(0.3) * rng.standard_normal((chosen.size, 3), np.float32))
    value = np.round((floors_m2[chosen, None] * rate * scatter).astype(np.float64), 1).ravel()
    building = pa.DictionaryArray.from_arrays(pa.array(np.repeat(chosen, 3).astype(np.int32)), ids("B", first, last))
    carrier = pa.DictionaryArray.from_arrays(
        pa.array(np.tile(np.arange(3, dtype=np.int32), chosen.size)), pa.array(CARRIERS)
    )
    when = pa.array(np.full(value.size, 100 * YEAR + month + 1, np.int32))
    return pa.Table.from_arrays([building, when, carrier, pa.array(value)], schema=_SCHEMA)
