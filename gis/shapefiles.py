"""Whether the parts of a shapefile belong together: GDAL leaves out, without a word, what one of them does not know.

A record of the .shp is found by the .shx and described by the record of the same number in the .dbf. Where the .dbf
has fewer records the rest of the shapes is not read; where the .shp ends early they have no geometry; where the .shx is
of another .shp, shapes get the attributes of others.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.encodings import dbf_beside
from gis.errors import UnreadableFile

IntArray = NDArray[np.int64]

_HEAD = 100
"""Bytes at the beginning of a .shp and of a .shx."""

_AGAIN = "Copy all parts of it (.shp, .shx, .dbf, .prj, .cpg) again from where they came from"


def check_parts(path: Path) -> None:
    """Hold the parts of a shapefile against each other; of the .shp only the heads of records are read.

    Raises:
        UnreadableFile: a part is missing, ends early, or is not of the others; says which, and the remedy.
    """
    shx = _beside(path)
    dbf = dbf_beside(path)
    words = np.fromfile(shx, ">i4")[_HEAD // 4 :].astype(np.int64)
    begins, lengths = (2 * column for column in words[: words.size // 2 * 2].reshape(-1, 2).T)  # given in 16 bits
    with dbf.open("rb") as stream:
        described = int.from_bytes(stream.read(8)[4:8], "little")
    if described != begins.size:
        raise UnreadableFile(
            f"{path.name}: {shx.name} knows {begins.size:,} shapes and {dbf.name} {described:,} records; each shape "
            f"needs one, so that one of them is truncated or of another shapefile. {_AGAIN}"
        )
    there = begins > 0  # else it is no shape at all
    bytes_of_shp = path.stat().st_size
    beyond = there & (begins + 8 + lengths > bytes_of_shp)
    if beyond.any():
        raise UnreadableFile(
            f"{path.name} is truncated: it has {bytes_of_shp:,} bytes, and {int(beyond.sum()):,} of its "
            f"{begins.size:,} shapes lie beyond them, as {shx.name} has it. {_AGAIN}"
        )
    numbers = _numbers(path, begins[there])
    if numbers.size > 1 and not (np.diff(numbers) > 0).all() and np.ptp(numbers) > 0:
        wrong = int(np.flatnonzero(np.diff(numbers) <= 0)[0]) + 1
        raise UnreadableFile(
            f"{path.name}: {shx.name} is not the index of it: where shape {wrong + 1:,} should begin, "
            f"number {numbers[wrong]:,} stands. Shapes would get the attributes of others. {_AGAIN}"
        )


def _beside(path: Path) -> Path:
    for suffix in (".shx", ".SHX"):
        if path.with_suffix(suffix).is_file():
            return path.with_suffix(suffix)
    raise UnreadableFile(
        f"{path.name} has no .shx beside it; a shapefile needs its .shp, .shx and .dbf together. {_AGAIN}; if it is "
        f"lost, QGIS and GDAL make a new one (SHAPE_RESTORE_SHX=YES ogrinfo {path.name})"
    )


def _numbers(path: Path, begins: IntArray) -> IntArray:
    """(n,) what records of a .shp that begin at these bytes are numbered as; not all writers number them."""
    if not begins.size:
        return begins
    raw = np.memmap(path, np.uint8, "r")
    places = np.add.outer(begins, np.arange(4))
    return np.ascontiguousarray(raw[places]).view(">i4").ravel().astype(np.int64)
