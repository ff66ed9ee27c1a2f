"""CSV in blocks says what the whole file says, or is not read in blocks."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import gis.csv_blocks
from gis.csv_blocks import survey
from gis.errors import BadValue, ColumnMissing, EmptyLayer, GisError, UnreadableFile, WrongEncoding
from gis.layers import Unparsable
from gis.table_blocks import amounts, open_table
from gis.tables import read_table
from gis.values import numbers

CELLS = st.text(st.sampled_from([*'abé전,;|\t"\n\r 0.', "\u2028", "\x0b", "\x1c"]), max_size=5)


def in_blocks(path: Path, encoding: str | None = None) -> list[tuple[str | None, ...]] | None:
    """The header and all rows, as they are read in blocks; None: they are not."""
    table = survey(path, encoding)
    if table is None:
        return None
    rows = [tuple(row.values()) for batch in table.blocks(table.names) for row in batch.to_pylist()]
    assert len(rows) == table.rows
    return [tuple(table.names), *rows]


def whole(path: Path, encoding: str | None = None) -> tuple[str, str, list[tuple[str | None, ...]]]:
    table = read_table(path, None, encoding)
    rows = [tuple(row) for row in table.rows.itertuples(index=False, name=None)]
    return table.encoding, table.delimiter, [tuple(map(str, table.rows.columns)), *rows]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from(",;|\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "cp949"]),
    st.integers(1, 40),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    given_rows: list[tuple[str, str, str]],
    delimiter: str,
    end: str,
    encoding: str,
    piece: int,
) -> None:
    stated = None if encoding == "utf-8-sig" else encoding
    kept = [[cell.encode(stated or "utf-8", "replace").decode(stated or "utf-8") for cell in row] for row in given_rows]
    rows = [tuple(row) for row in kept]
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator=end).writerow(("k", "v", "more"))
    breaks = any(sign in "".join(row) for row in rows for sign in "\r\n")  # some Pythons quote only those of `end`
    quoting = csv.QUOTE_ALL if breaks else csv.QUOTE_MINIMAL
    csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(stream.getvalue().encode(encoding))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gis.csv_blocks, "_PIECE", piece)
        patch.setattr(gis.csv_blocks, "_BLOCK", 64)
        patch.setattr(gis.csv_blocks, "_LONGEST", 60)
        found = in_blocks(path, stated)
    assert found is None or found == whole(path, stated)[2] == [("k", "v", "more"), *rows]
    if piece > 16 and not any(len(str(row)) > 50 or "\r" in "".join(row) for row in rows):
        assert found is not None


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from('ab전,;"\n\r 0\0'), max_size=30),
    st.sampled_from(["k,v\n", "k;v\r", '"k","v"\r\n', "k\n", ""]),
)
@example('1,"2\n', "k,v\n")
@example('1,2"\n', "k,v\n")
@example("1\n1,2\n", "k,v\n")
@example("\n\n1,2\n\n\n3,4", "k,v\n")
@example(" \n1,2\n", "k,v\n")
@example(";1\r;2", "k;v\r")
@example('1,"2\r\n3"\n', "k,v\n")
def test_any_text_is_read_as_the_whole_is_or_not_in_blocks(
    tmp_path_factory: pytest.TempPathFactory, text: str, header: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes((header + text).encode())
    found = in_blocks(path)
    try:
        wanted = whole(path)[2]
    except GisError:
        assert found is None
    else:
        assert found is None or found == wanted


@pytest.mark.parametrize(
    ("raw", "error", "says"),
    [
        (b"k,v\n1,2,3\n4,5\n", UnreadableFile, "differ in their number"),
        (b'k,v\n"1,2\n', UnreadableFile, "a quote is open"),
        (b"k,v\n1,\0\n", UnreadableFile, "zero bytes"),
        (b"k,v\n\n", EmptyLayer, "a header and no rows"),
        (b"k,v,v\n1,2,3\n", BadValue, "several columns named 'v'"),
        (b"k,w\n1,2\n", ColumnMissing, "t.csv has no column 'v'"),
        ("k,v\n가,1\n".encode("cp949"), WrongEncoding, "line 2 holds the byte 0xb0.*cp949"),
    ],
)
def test_what_is_wrong_is_told_as_of_the_whole(tmp_path: Path, raw: bytes, error: type, says: str) -> None:
    (tmp_path / "t.csv").write_bytes(raw)
    with pytest.raises(error, match=says):
        open_table(tmp_path / "t.csv", "k", ["v"], None, None)


def test_a_file_that_changes_between_two_looks(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("k,v\n1,2\n")
    table = survey(path, None)
    assert table is not None
    path.write_text("k,v\n1,2\n3\n")
    with pytest.raises(UnreadableFile, match=r"t.csv cannot be read a second time .*Expected 2 columns, got 1"):
        list(table.blocks(["k"]))


def test_short_rows_are_filled_as_before(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("k,v\n1,2\n3\n")
    assert survey(tmp_path / "t.csv", None) is None
    (block,) = open_table(tmp_path / "t.csv", "k", ["v"], None, None).blocks()
    assert list(block.columns["v"]) == ["2", ""]


NUMBERS = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.integers(-(10**18), 10**18).map(str),
    st.from_regex(r"\A[0-9]{0,17}\.?[0-9]{0,17}\Z"),
    st.sampled_from(["", " 7", "1,234", "1e3", "-", "n/a", ".", "..", "1.2.3", "٣", "inf", "0x1", "EG", "5 m"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | NUMBERS, max_size=30), st.sampled_from(["", "floor_area_m2", "height_m", "year_built"]))
@example(["9" * 15, "9" * 16, "0." + "1" * 14, "0." + "1" * 15, "123456789.012345"], "")
def test_numbers_in_text_mean_what_they_mean_one_by_one(given: list[str | None], ours: str) -> None:
    wanted, told = numbers(np.array(given, dtype=object), ours, "t", refuse_commas=True)
    text = pa.array(["x", *given, "y"], pa.string()).slice(1, len(given))
    for values in (text, text.cast(pa.large_string()), text.dictionary_encode()):
        read, bad = amounts(values, ours, "t", any_comma=False)
        np.testing.assert_array_equal(read, wanted)
        assert bad == told
    assert all(math.isnan(value) or repr(value) == repr(float(value)) for value in read.tolist())
    assert isinstance(bad, Unparsable)
