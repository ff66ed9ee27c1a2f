"""CSV tables that are too large for memory, block by block, where that says the same as reading them whole."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from gis.csv_kernels import BREAKS, LENGTH, LONGEST, NUMBERS_KEPT, OPEN, RECORDS, STATE, survey_text
from gis.encodings import MARK, known_encoding
from gis.errors import UnreadableFile
from gis.tables import delimiter_of

_PIECE = 8 << 20
_BLOCK = 16 << 20
_LONGEST = 4 << 20
"""Bytes of the longest record that is read in blocks: a block holds whole records."""


@dataclass(frozen=True)
class TextTable:
    """A CSV file that was walked through once.

    Attributes:
        path: the file.
        rows: records after the header.
        names: of its columns.
        delimiter: what parts them.
        encoding: as `gis.encodings.decode` names it.
        breaks: whether any value holds a line break.
    """

    path: Path
    rows: int
    names: list[str]
    delimiter: str
    encoding: str
    breaks: bool

    def blocks(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns by name, as text, in blocks of whole records in file order.

        Raises:
            UnreadableFile: the file is no longer what it was.
        """
        places = {name: f"c{self.names.index(name)}" for name in wanted}
        try:
            with pa.csv.open_csv(
                self.path,
                pa.csv.ReadOptions(
                    block_size=_BLOCK,
                    skip_rows=1,
                    column_names=[f"c{place}" for place in range(len(self.names))],
                    encoding="utf8" if self.encoding in ("utf-8", "utf-8-sig") else self.encoding,
                ),
                pa.csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=self.breaks),
                pa.csv.ConvertOptions(
                    column_types={place: pa.string() for place in places.values()},
                    include_columns=list(places.values()),
                    strings_can_be_null=False,
                ),
            ) as reader:
                for batch in reader:
                    yield batch.rename_columns(list(places))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as problem:
            raise UnreadableFile(f"{self.path.name} cannot be read a second time ({problem})") from problem


def survey(path: Path, encoding: str | None) -> TextTable | None:
    """Walk through a CSV file, and say how it is read in blocks; None where it must be read whole.

    In blocks are read files of one number of columns throughout, which quote what needs quotes and nothing else: there
    is one way to understand them. All others, and those in UTF-16, are left to `gis.tables.read_table`, which fills
    short rows, and says what is wrong with the others.

    Args:
        path: .csv, .tsv or .txt.
        encoding: stated by the region file; a byte order mark wins.

    Raises:
        WrongEncoding: Python knows no such encoding.
    """
    with path.open("rb") as file:
        mark = file.read(3)
    if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    used = "utf-8-sig" if mark == codecs.BOM_UTF8 else known_encoding(encoding or "utf-8", path.name)
    kept = np.zeros(NUMBERS_KEPT, dtype=np.int64)
    names: list[str] = []
    delimiter = ""
    try:
        for text in _pieces(path, used):
            if not names:
                delimiter, names = _header(text)
            raw = np.frombuffer(text.encode(), dtype=np.uint8)
            if len(names) < 2 or not survey_text(raw, ord(delimiter), len(names), kept):
                return None
            if max(kept[LONGEST], kept[LENGTH]) > _LONGEST:
                return None
    except UnicodeError:
        return None
    if kept[STATE] == OPEN or kept[RECORDS] < 2:
        return None
    return TextTable(path, int(kept[RECORDS]) - 1, names, delimiter, used, bool(kept[BREAKS]))


def _pieces(path: Path, encoding: str) -> Iterator[str]:
    """The text of a file in pieces, with a line break at its end."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        while raw := file.read(_PIECE):
            if text := decoder.decode(raw):
                yield text
    yield decoder.decode(b"", final=True) + "\n"


def _header(text: str) -> tuple[str, list[str]]:
    """What parts columns, and their names; none where the first line is not simply the header."""
    line, *others = re.split("\r?\n", text, maxsplit=1)
    if (
        line.startswith(MARK)
        or not others
        or not line[:1].strip()
        or line != text.splitlines()[0]
        or line.count('"') % 2
    ):
        return "", []
    delimiter = delimiter_of(line)
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter))]
    return delimiter, names if len(set(names)) == len(names) else []
