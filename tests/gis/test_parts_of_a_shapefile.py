"""Parts of a shapefile that are not of each other: GDAL leaves out, or exchanges, what they do not know, silently."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.dbf import dbf_fields
from gis.errors import UnreadableFile
from gis.layers import ReadReport
from gis.raw import Raw, Request
from gis.vector import read_vector

N = 4


def written(folder: Path, boxes: int = N) -> Path:
    squares = [shapely.box(20 * k, 0, 20 * k + 10, 10) for k in range(boxes)]
    frame = gpd.GeoDataFrame({"name": [f"b{k}" for k in range(boxes)]}, geometry=squares, crs="EPSG:32632")
    frame.to_file(folder / "b.shp")
    return folder / "b.shp"


def read(path: Path) -> Raw:
    return read_vector(Request(path, None, ("name",), {}, None, None), ReadReport("s", path.name))


def changed(path: Path, change: Callable[[bytearray], bytes | bytearray | None]) -> None:
    raw = bytearray(path.read_bytes())
    path.write_bytes(change(raw) or raw)


def of_other_count(raw: bytearray, count: int) -> None:
    raw[4:8] = count.to_bytes(4, "little")


def exchanged(raw: bytearray) -> None:
    raw[100:108], raw[108:116] = raw[108:116], raw[100:108]


@pytest.mark.parametrize(
    ("suffix", "change", "said"),
    [
        (".dbf", lambda raw: of_other_count(raw, 2), r"b\.shx knows 4 shapes and b\.dbf 2 records"),
        (".dbf", lambda raw: of_other_count(raw, 9), r"b\.shx knows 4 shapes and b\.dbf 9 records"),
        (".shp", lambda raw: raw[:-60], r"b\.shp is truncated: it has 584 bytes, and 1 of its 4 shapes lie beyond"),
        (".shx", exchanged, r"b\.shx is not the index of it: where shape 2 should begin, number 1 stands"),
    ],
)
def test_parts_that_are_not_of_each_other_are_refused(
    tmp_path: Path, suffix: str, change: Callable[[bytearray], bytes | None], said: str
) -> None:
    path = written(tmp_path)
    changed(path.with_suffix(suffix), change)
    with pytest.raises(UnreadableFile, match=rf"{said}.*Copy all parts of it"):
        read(path)


def test_an_index_that_is_missing_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.with_suffix(".shx").unlink()
    with pytest.raises(UnreadableFile, match=r"b\.shp has no \.shx beside it.*SHAPE_RESTORE_SHX=YES ogrinfo b\.shp"):
        read(path)


def test_shapes_that_are_numbered_otherwise_or_not_at_all_are_read(tmp_path: Path) -> None:
    """Writers that take records out leave gaps, and some write nothing where the numbers belong."""
    path = written(tmp_path)
    begins = [100 + 136 * k for k in range(N)]
    for numbers in ([1, 2, 7, 9], [0, 1, 2, 3], [0, 0, 0, 0]):
        for begin, number in zip(begins, numbers, strict=True):
            changed(path, lambda raw, begin=begin, number=number: _put(raw, begin, number))
        assert read(path).geometry.bounds[:, 0].tolist() == [0, 20, 40, 60]


def _put(raw: bytearray, begin: int, number: int) -> None:
    assert int.from_bytes(raw[begin + 4 : begin + 8], "big") == 64  # words of a box
    raw[begin : begin + 4] = number.to_bytes(4, "big")


def test_no_shape_and_no_shapes_at_all(tmp_path: Path) -> None:
    path = written(tmp_path)
    frame = gpd.read_file(path)
    frame.loc[1, "geometry"] = None
    frame.to_file(path)
    assert read(path).geometry.types.tolist() == [3, -1, 3, 3]
    frame.iloc[:0].to_file(path)
    assert len(read(path).ids) == 0


def test_columns_end_at_their_sign_or_without_one(tmp_path: Path) -> None:
    """dBASE ends them by 0x0D, FoxPro adds the name of a database, and some writers leave the sign out."""
    path = written(tmp_path)
    dbf = path.with_suffix(".dbf")
    usual = dbf_fields(path)
    raw = bytearray(dbf.read_bytes())
    head = int.from_bytes(raw[8:10], "little")
    assert raw[head - 1] == 0x0D
    backlink = b"\0" * 11 + b"N" + b"\0" * 4 + b"\x20" + b"\0" * 246  # which reads as a column of 32 digits
    for more, end in ((backlink, head), (b"", head - 1)):
        changed_raw = raw[:end] + more + raw[head:]
        changed_raw[8:10] = (end + len(more)).to_bytes(2, "little")
        dbf.write_bytes(changed_raw)
        assert dbf_fields(path) == usual
        assert read(path).values["name"].tolist() == ["b0", "b1", "b2", "b3"]
