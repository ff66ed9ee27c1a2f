"""Features written column by column are, to the byte, those written feature by feature."""

import math
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feature_text import cell_texts, features_text

VALUES = {
    "double": (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    "int": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "bool": (pa.bool_(), st.booleans()),
    "string": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
}


def one_by_one(rows: pa.Table, names: list[str], shapes: list[bytes] | None = None) -> bytes:
    """The same features as a plain program writes them."""
    return orjson.dumps(
        [
            {
                "type": "Feature",
                "id": row["id"],
                "geometry": None if shapes is None else orjson.Fragment(shapes[k]),
                "properties": {name: row[name] for name in names},
            }
            for k, row in enumerate(rows.to_pylist())
        ]
    )


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    count = draw(st.integers(0, 6))
    columns: dict[str, Any] = {"id": pa.array([f'{k},"{k}' for k in range(count)], pa.string())}
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=6))
    for k, kind in enumerate(kinds):
        type_, values = VALUES[kind]
        optional = draw(st.sampled_from([values, st.none() | values]))
        given_values = draw(st.lists(optional, min_size=count, max_size=count))
        columns[draw(st.sampled_from(["", '"', "ü,", "\\"])) + str(k)] = pa.array(given_values, type_)
    cut = draw(st.integers(0, count))
    table = pa.table(columns)
    return pa.concat_tables([table[:cut], table[cut:]])  # rows of a page come in the chunks of their row groups


@given(tables(), st.data())
def test_any_table_is_written_as_feature_by_feature(rows: pa.Table, data: st.DataObject) -> None:
    names = data.draw(st.permutations(rows.column_names))
    names = names[: data.draw(st.integers(0, len(names)))]
    assert features_text(rows, names, None) == one_by_one(rows, names)
    shapes = [b'{"type":"Point","coordinates":[%d,0.5]}' % k for k in range(rows.num_rows)]
    assert features_text(rows, names, pa.array(shapes, pa.binary())) == one_by_one(rows, names, shapes)


def test_every_digit_of_a_number_is_written_and_no_more() -> None:
    random = np.random.default_rng(5)
    doubles = random.integers(0, 2**64, 20_000, dtype=np.uint64).view(np.float64)
    doubles = doubles[np.isfinite(doubles)]
    odd = [0.0, -0.0, 5e-324, 1.7976931348623157e308, 1e16, 1e15, 1e-5, 1e-7, 0.1, 1 / 3, 2.0**53]
    values = np.concatenate([odd, doubles])
    rows = pa.table({"id": [str(k) for k in range(len(values))], "value": values})
    text = features_text(rows, ["value"], None)
    assert text == one_by_one(rows, ["value"])
    told = np.array([one["properties"]["value"] for one in orjson.loads(text)])
    assert np.array_equal(told.view(np.uint64), values.view(np.uint64)), "bit by bit, the sign of zero too"


def test_what_is_no_number_is_null() -> None:
    rows = pa.table({"id": ["a", "b", "c", "d"], "value": pa.array([math.nan, math.inf, None, 1.0])})
    told = orjson.loads(features_text(rows, ["value"], None))
    assert [one["properties"]["value"] for one in told] == [None, None, None, 1.0]


def test_a_name_given_twice_is_written_once() -> None:
    rows = pa.table({"id": ["a"], "value": [1.5]})
    written = features_text(rows, ["value", "id", "value"], None)
    assert written == b'[{"type":"Feature","id":"a","geometry":null,"properties":{"value":1.5,"id":"a"}}]'


@pytest.mark.parametrize("flipped", [False, True])
def test_cells_are_closed_rings_of_their_corners(flipped: bool) -> None:
    corners = np.array([[0.0, 0.0], [1e-7, 0.1], [1 / 3, 2.5], [-4.0, 1e16], [7.25, -0.0], [8.0, 9.0]])
    corners = corners[:, ::-1] if flipped else corners
    where = np.array([[0, 1, 2, 3], [1, 4, 5, 2], [5, 5, 5, 5]])
    told = cell_texts(corners, where).to_pylist()
    rings = corners[where[:, [0, 1, 2, 3, 0]]].tolist()
    assert told == [orjson.dumps({"type": "Polygon", "coordinates": [ring]}) for ring in rings]
    assert cell_texts(np.empty((0, 2)), np.empty((0, 4), dtype=np.int64)).to_pylist() == []
