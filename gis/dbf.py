"""Whole numbers of 19 digits and more in the attributes of a shapefile, as parcels have them: no digit may be lost."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.encodings import dbf_beside
from gis.errors import UnreadableFile

_FIELD = 32
"""Bytes by which the head of a .dbf describes itself, and each of its columns."""

_END = 0x0D
"""What stands where another column would begin; some writers leave it out."""

_SHORT = 18
"""Digits that every number of 64 bits has room for."""


@dataclass(frozen=True)
class DbfField:
    """One column of a .dbf.

    Attributes:
        begin: where it begins in a record.
        width: bytes in each record, one for each digit.
        is_whole: whether it holds numbers without decimals.
    """

    begin: int
    width: int
    is_whole: bool

    @property
    def is_long(self) -> bool:
        """Whether it is of whole numbers that may be longer than those of 64 bits."""
        return self.is_whole and self.width > _SHORT


def dbf_fields(path: Path) -> list[DbfField]:
    """The columns of the attributes of a shapefile in their order; only the head of the file is read."""
    with dbf_beside(path).open("rb") as stream:
        head = stream.read(_FIELD)
        head += stream.read(max(int.from_bytes(head[8:10], "little") - _FIELD, 0))
    fields, begin = [], 1  # after the mark of deletion
    for at in range(_FIELD, len(head) - _FIELD + 1, _FIELD):
        if head[at] == _END:
            break  # what may follow is no column, but the name of a database
        kind, width, decimals = head[at + 11 : at + 12], head[at + 16], head[at + 17]
        fields.append(DbfField(begin, width, kind in (b"N", b"F") and not decimals))
        begin += width
    return fields


def digits(path: Path, field: DbfField, records: NDArray[np.int64]) -> list[str | None]:
    """Numbers of some records as they are written, without spaces and leading zeros; None where there is none.

    Raises:
        UnreadableFile: the file ends before one of them.
    """
    dbf = dbf_beside(path)
    raw = np.memmap(dbf, np.uint8, "r")
    head, length = (int(raw[at]) + 256 * int(raw[at + 1]) for at in (8, 10))
    there = max(raw.size - head, 0) // max(length, 1)
    if records.size and records.max() >= there:
        raise UnreadableFile(f"{dbf.name} is truncated: it holds {there} records and should hold {records.max() + 1}")
    rows = raw[head : head + there * length].reshape(there, length)[:, field.begin : field.begin + field.width]
    written = np.ascontiguousarray(rows[records]).view(f"S{field.width}").ravel().tolist()
    return [_plain(text.decode("ascii", "replace").strip(" \0")) for text in written]


def _plain(text: str) -> str | None:
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return str(int(text))
    return text if text.strip("*") else None  # asterisks are a number that its column had no room for
