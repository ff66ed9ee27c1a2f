"""The bytes of a layer follow the specification, and say what those of an encoder in numpy say."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy_encoder
import pyarrow as pa
import pyogrio
import pytest
import shapely
import vector_tiles as mvt
from hypothesis import given, settings
from hypothesis import strategies as st

from grids.chunks import Chunk, Columns
from grids.mvt import LINE, POINT, POLYGON, TileGeometry, encode_layer, varint


def points(count: int) -> TileGeometry:
    places = np.column_stack([np.arange(count), np.arange(count) % 7])
    return TileGeometry(POINT, places, np.ones(count, dtype=np.int64), np.arange(count))


def layer(geometries: Any, properties: dict[str, pa.Array], ids: Any, **constants: Any) -> Any:
    data = encode_layer("x", geometries, Columns.of(properties, len(ids)), np.asarray(ids).take, constants)
    return mvt.decode(data).get("x")


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 16_383, 16_384, 2**32 - 1, 2**63])
def test_varints(value: int) -> None:
    one = varint(value)
    assert mvt.number(one, 0) == (value, len(one))


def test_the_specifications_own_example_of_a_polygon() -> None:
    # Section 4.3.5.6: a multi polygon, the second with a hole; the integers are printed there.
    outer = [(0, 0), (10, 0), (10, 10), (0, 10)]
    second, hole = [(11, 11), (20, 11), (20, 20), (11, 20)], [(13, 13), (13, 17), (17, 17), (17, 13)]
    corners = np.array(outer + second + hole)
    shape = TileGeometry(POLYGON, corners, np.array([4, 4, 4]), np.array([0, 0, 0]))
    data = encode_layer("x", [shape], Columns.of({}, 1), np.array([1]).take)
    feature = dict(mvt.fields(dict(mvt.fields(dict(mvt.fields(data))[3]))[2]))
    assert mvt.packed(feature[4]) == [
        9, 0, 0, 26, 20, 0, 0, 20, 19, 0, 15, 9, 22, 2, 26, 18, 0, 0, 18, 17, 0, 15, 9, 4, 13, 26, 0, 8, 8, 0, 0, 7, 15,
    ]  # fmt: skip


def test_every_kind_of_value_comes_back() -> None:
    properties = {
        "text": pa.array(["a", "다사6443", "a"]),
        "flag": pa.array([True, None, False]),
        "whole": pa.array([-5, 7, 2**40]),
        "edge": pa.array([-(2**63), 2**63 - 1, None]),
        "short": pa.array([-3, None, 3], pa.int16()),
        "number": pa.array([1.5, None, -0.1]),
        "single": pa.array([0.5, None, 1.25], pa.float32()),
        "word": pa.array(["b", None, "b"]).dictionary_encode(),
        "long": pa.array(["", "c" * 300, None], pa.large_string()),
        "nothing": pa.array([None, None, None], type=pa.float64()),
        "none": pa.nulls(3),
        "day": pa.array([0, None, 1], pa.date32()),
    }
    found = layer([points(3)], properties, [1, 2**40, 3])
    assert [feature.properties for feature in found.features] == [
        {"text": "a", "flag": True, "whole": -5, "edge": -(2**63), "short": -3, "number": 1.5, "single": 0.5,
         "word": "b", "long": "", "day": "1970-01-01"},
        {"text": "다사6443", "whole": 7, "edge": 2**63 - 1, "long": "c" * 300},
        {"text": "a", "flag": False, "whole": 2**40, "short": 3, "number": -0.1, "single": 1.25, "word": "b",
         "day": "1970-01-02"},
    ]  # fmt: skip
    assert [feature.id for feature in found.features] == [1, 2**40, 3]
    assert (found.version, found.extent) == (2, 4096)
    assert len(found.values) == 20, "equal values of a column are written once"


def test_doubles_keep_every_bit() -> None:
    bits = np.array([0, 1 << 63, 0x7FF8000000000000, 0x7FF8000000000123, 1, 0x7FF0000000000000], dtype=np.uint64)
    found = layer([points(6)], {"n": pa.array(bits.view(np.float64))}, np.arange(6))
    values = np.array([feature.properties["n"] for feature in found.features])
    assert values.view(np.uint64).tolist() == bits.tolist(), "zeros of both signs, numbers that are none, the smallest"


def test_constants_stand_on_every_feature() -> None:
    found = layer(
        [points(3)], {"n": pa.array([1.0, None, 1.0])}, [4, 5, 6], of="grid-1km", half=0.5, whole=-3, yes=True
    )
    beside = {"of": "grid-1km", "half": 0.5, "whole": -3, "yes": True}
    assert [feature.properties for feature in found.features] == [{"n": 1.0, **beside}, beside, {"n": 1.0, **beside}]
    assert found.keys == ["n", "of", "half", "whole", "yes"]


def test_rows_without_a_part_leave_nothing_behind() -> None:
    shape = TileGeometry(POINT, np.array([[1, 1], [2, 2]]), np.array([1, 1]), np.array([1, 3]))
    found = layer([shape], {"t": pa.array(list("abcd"))}, [10, 11, 12, 13])
    assert [(feature.id, feature.properties) for feature in found.features] == [(11, {"t": "b"}), (13, {"t": "d"})]
    assert found.values == ["b", "d"]
    none = TileGeometry(POINT, np.empty((0, 2), np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
    assert encode_layer("x", [none], Columns.of({"t": pa.array(["a"])}, 1), np.array([1]).take) == b""
    assert encode_layer("x", [], Columns.of({}, 0), np.empty(0, np.int64).take) == b""


def test_several_kinds_of_geometry_share_keys_and_values() -> None:
    line = TileGeometry(LINE, np.array([[0, 0], [5, 5], [9, 9], [9, 12]]), np.array([2, 2]), np.array([1, 1]))
    many = TileGeometry(POINT, np.array([[3, 3], [1, 2]]), np.array([2]), np.array([0]))
    found = layer([line, many], {"t": pa.array(["a", "b"])}, [1, 2])
    assert [(f.id, f.kind, f.parts, f.properties["t"]) for f in found.features] == [
        (2, LINE, [[(0, 0), (5, 5)], [(9, 9), (9, 12)]], "b"),
        (1, POINT, [[(3, 3)], [(1, 2)]], "a"),
    ]


def test_positions_of_rows_that_were_taken_from_several_places() -> None:
    columns = Columns({}, np.array([0, 2, 2, 5]), np.array([10, 20, 30]))
    assert columns.positions(np.array([0, 1, 2, 4])).tolist() == [10, 11, 30, 32]
    assert columns.positions(np.array([4])).tolist() == [32]
    assert columns.positions(np.empty(0, np.int64)).tolist() == []


def test_kinds_of_geometry_may_take_rows_of_chunks_in_any_order() -> None:
    whole = pa.array(list("abcdef"))
    chunks = {"t": [Chunk.of(whole.slice(2 * k, 2)) for k in range(3)]}
    late, early = (
        TileGeometry(POINT, np.array([[1, 1], [2, 2]]), np.array([1, 1]), np.array(rows)) for rows in ([3, 5], [0, 4])
    )
    columns = Columns(chunks, np.array([0, 2, 4, 6]), np.array([0, 2, 4]))
    found = mvt.decode(encode_layer("x", [late, early], columns, columns.positions))["x"]
    assert [(one.id, one.properties["t"]) for one in found.features] == [(3, "d"), (5, "f"), (0, "a"), (4, "e")]


@pytest.mark.parametrize("corners", [2, 18, 19, 60, 61, 62, 2_700, 2_800, 5_000, 6_000])
def test_lengths_of_any_number_of_bytes(corners: int) -> None:
    along = np.arange(corners)
    line = TileGeometry(LINE, np.column_stack([90 * (along % 2), along]), np.array([corners]), np.array([0]))
    keys = {f"k{k}": pa.array([float(k)]) for k in range(corners // 4)}  # what lists of tags need lengths of, too
    [found] = layer([line], keys, [7]).features
    assert found.parts == [[(90 * (k % 2), k) for k in range(corners)]]
    assert found.properties == {f"k{k}": float(k) for k in range(corners // 4)}


def test_chunks_are_read_where_they_lie() -> None:
    whole = {
        "t": pa.array(["zero", "", None, "three", "four", "five", "six"]),
        "n": pa.array([0.0, None, 2.0, 0.0, 4.0, None, 6.0]),
        "b": pa.array([True, False, None, True, True, False, True]),
        "i": pa.array([0, 1, 2, None, 4, 5, 0], pa.int32()),
    }
    cuts = [(1, 2), (3, 1), (4, 3)]  # slices: their buffers begin before them
    chunks = {name: [Chunk.of(array.slice(*cut)) for cut in cuts] for name, array in whole.items()}
    data = encode_layer(
        "x", [points(6)], Columns(chunks, np.array([0, 2, 3, 6]), np.array([1, 3, 4])), np.arange(6).take
    )
    rows = pa.table(whole).slice(1).to_pylist()
    assert [feature.properties for feature in mvt.decode(data)["x"].features] == [
        {name: value for name, value in row.items() if value is not None} for row in rows
    ]


texts = st.one_of(st.none(), st.sampled_from(["", "a", "ab", "abcdefgh", "abcdefghi"]), st.text(max_size=40))
numbers = st.one_of(st.none(), st.just(0.0), st.floats(allow_nan=False))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, numbers, st.none() | st.booleans(), st.none() | st.integers(-(2**63), 2**63 - 1)),
                min_size=1, max_size=60), st.integers(1, 50))  # fmt: skip
def test_any_values_agree_with_the_encoder_in_numpy(rows: list[tuple[Any, ...]], again: int) -> None:
    rows = rows * again  # long columns of few values, and short ones of many
    kinds = (pa.string(), pa.float64(), pa.bool_(), pa.int64())
    properties = {f"k{k}": pa.array([row[k] for row in rows], kind) for k, kind in enumerate(kinds)}
    ids = np.arange(len(rows)) * 1000
    ours = layer([points(len(rows))], properties, ids)
    theirs = mvt.decode(numpy_encoder.encode_layer("x", [points(len(rows))], properties, ids))["x"]
    assert ours.features == theirs.features
    assert sorted(map(repr, ours.values)) == sorted(map(repr, theirs.values))


def test_long_columns_of_distinct_values_and_of_few() -> None:
    count = 20_000
    random = np.random.default_rng(3)
    mixed = np.where(np.arange(count) < 3000, random.random(count), np.round(random.random(count), 2))
    properties = {
        "id": pa.array([f"cell-{k}" for k in range(count)]),
        "distinct": pa.array(random.random(count)),
        "few": pa.array(np.round(random.random(count), 2)),
        "first distinct": pa.array(mixed, mask=random.random(count) < 0.1),
    }
    ours = layer([points(count)], properties, np.arange(count))
    theirs = mvt.decode(numpy_encoder.encode_layer("x", [points(count)], properties, np.arange(count)))["x"]
    assert ours.features == theirs.features


def test_gdal_reads_the_same(tmp_path: Path) -> None:
    corners = np.array([(10, 10), (90, 10), (90, 90), (10, 90), (20, 20), (20, 40), (40, 40), (40, 20)])
    shape = TileGeometry(POLYGON, corners, np.array([4, 4]), np.array([0, 0]))
    properties = {"t": pa.array(["다사"]), "n": pa.array([0.1]), "i": pa.array([-7]), "b": pa.array([True])}
    data = encode_layer("x", [shape], Columns.of(properties, 1), np.array([9]).take, {"of": "grid-1km"})
    file = tmp_path / "0.pbf"
    file.write_bytes(data)
    [feature] = pyogrio.read_dataframe(file).to_dict("records")
    read = {name: feature[name] for name in ("mvt_id", "t", "n", "i", "b", "of")}
    assert read == {"mvt_id": 9, "t": "다사", "n": 0.1, "i": -7, "b": True, "of": "grid-1km"}
    [polygon] = shapely.get_parts(feature["geometry"])
    assert (polygon.area, len(polygon.interiors)) == (80 * 80 - 20 * 20, 1)
