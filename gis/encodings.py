"""Text encodings: what a file says, what the region file says, and what the bytes allow."""

import codecs
import re
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.errors import UnreadableFile, WrongEncoding, listed

# U+FFFD stands for bytes that could not be decoded; C1 controls do not occur in text, but in CP949 or
# UTF-8 bytes read as Latin-1.
_MISREAD = re.compile("[�\x80-\x9f]")
# UTF-8 read as Latin-1 or CP1252: a lead byte's letter followed by a continuation byte's sign.
_DOUBLE = re.compile("[ÃÂìíêë][\xa0-\xbf]")
MARK = "\ufeff"
"""What a byte order mark is in text."""

_CANDIDATES = ("utf-8", "cp949", "cp1251", "cp932", "gb18030")


def looks_misread(text: str) -> bool:
    """Whether text bears the marks of a wrong encoding."""
    return bool(_MISREAD.search(text) or _DOUBLE.search(text))


def is_ascii(column: pa.ChunkedArray | pa.Array) -> bool:
    """Whether a column holds texts of nothing but ASCII, or nothing at all."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    return pc.all(pc.string_is_ascii(column)).as_py() in (True, None)


def check_utf8(table: pa.Table, columns: Iterable[str], file: str) -> None:
    """Refuse text columns of Arrow that are not the UTF-8 they say they are.

    Raises:
        WrongEncoding: names the column, and the remedy.
    """
    for column in columns:
        kind = table[column].type
        words = table[column].type.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_string(words) or pa.types.is_large_string(words):
            try:
                table[column].validate(full=True)
            except pa.ArrowInvalid as problem:
                raise WrongEncoding(
                    f"{file}: column {column!r} holds text that is not UTF-8, as Parquet wants it; it was written from "
                    "another encoding without converting: write the file again from its source, naming the encoding"
                ) from problem


def check_text(values: NDArray[np.object_], column: str, file: str) -> None:
    """Refuse a column that was decoded with the wrong encoding.

    Raises:
        WrongEncoding: with examples and the remedy.
    """
    present = values[~pd.isna(values)]
    if pd.api.types.infer_dtype(present, skipna=False) == "string":
        try:
            if is_ascii(pa.array(present, pa.large_string())):
                return
        except UnicodeEncodeError:  # halves of characters: looked at below
            pass
    wrong = [text for text in pd.unique(present) if isinstance(text, str) and looks_misread(text)]
    if wrong:
        raise WrongEncoding(
            f"{file}: column {column!r} does not decode to sensible text ({listed(map(repr, wrong), 3)}); give the "
            "file's encoding in the region file, e.g. encoding: cp949"
        )


def known_encoding(name: str, file: str) -> str:
    """The codec's canonical name; WrongEncoding when Python knows none of that name."""
    try:
        codec = codecs.lookup(name)
        if not codec._is_text_encoding:  # zlib, hex and rot13 are codecs too
            raise LookupError(name)
        return codec.name
    except LookupError as problem:
        raise WrongEncoding(f"{file}: {name!r} is not an encoding; write e.g. utf-8, cp949 or cp1251") from problem


def plausible_encodings(raw: bytes) -> list[str]:
    """Encodings among the usual ones in which the bytes decode without error, likeliest first."""
    return [name for name in _CANDIDATES if _decodes(raw, name)]


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw, final=False)
    except UnicodeDecodeError:
        return False
    return True


def decode(raw: bytes, encoding: str | None, file: str) -> tuple[str, str]:
    """Decode a text file: byte order marks win, then the stated encoding, then UTF-8; no other guess is made.

    Returns:
        The text without byte order marks, and the encoding used.

    Raises:
        WrongEncoding: names the byte that fails and the encodings in which the bytes would decode.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if raw.startswith(mark):
            used = name
            break
    else:
        used = known_encoding(encoding or "utf-8", file)
    try:
        return raw.decode(used).lstrip(MARK), used  # programs that do not see a mark put another before it
    except UnicodeDecodeError as problem:
        fits = [name for name in plausible_encodings(raw[:1_000_000]) if known_encoding(name, file) != used]
        line = raw.count(b"\n", 0, problem.start) + 1
        raise WrongEncoding(
            f"{file} is not {used}: line {line} holds the byte 0x{raw[problem.start]:02x}. Its bytes would decode as: "
            f"{listed(fits)}. Give it in the region file, e.g. encoding: {fits[0] if fits else 'cp949'}"
        ) from problem


def dbf_beside(path: Path) -> Path:
    """The attributes of a shapefile; UnreadableFile where they are not there."""
    for suffix in (".dbf", ".DBF"):
        if path.with_suffix(suffix).is_file():
            return path.with_suffix(suffix)
    raise UnreadableFile(f"{path.name} has no .dbf beside it; a shapefile needs its .shp, .shx and .dbf together")


def shapefile_encoding(path: Path, stated: str | None) -> tuple[str | None, str]:
    """Which encoding to read a shapefile's attributes with.

    GDAL trusts a .cpg, then the language byte of the .dbf, and else takes Latin-1, which turns Korean into
    nonsense without a word. So: a stated encoding wins and must decode every byte; with neither statement nor
    .cpg nor language byte, plain ASCII or UTF-8 is accepted, and anything else is asked for.

    Returns:
        The encoding (None: leave it to GDAL) and a note for the report (may be empty).

    Raises:
        WrongEncoding: the bytes do not decode in the stated encoding, or nothing says which it is.
        UnreadableFile: the .dbf is damaged or not there.
    """
    dbf = dbf_beside(path)
    raw = dbf.read_bytes()
    if len(raw) < 32:
        raise UnreadableFile(f"{dbf.name} is truncated ({len(raw)} bytes)")
    header_bytes = struct.unpack("<H", raw[8:10])[0]
    language, body = raw[29], raw[32:header_bytes] + raw[header_bytes:]
    if stated is not None:
        encoding = known_encoding(stated, dbf.name)
        if not _decodes(body, encoding):
            raise WrongEncoding(
                f"{dbf.name} is not {stated}: its bytes would decode as: {listed(plausible_encodings(body))}"
            )
        return encoding, ""
    has_cpg = any(path.with_suffix(suffix).is_file() for suffix in (".cpg", ".CPG"))
    if has_cpg or language not in (0, 0x57) or body.isascii():
        return None, ""
    if _decodes(body, "utf-8"):
        return "utf-8", f"{path.name} does not say its encoding (no .cpg); every byte is valid UTF-8, read as UTF-8"
    fits = plausible_encodings(body)
    raise WrongEncoding(
        f"{path.name} does not say its encoding (no .cpg beside it), and its attributes are not UTF-8. They would "
        f"decode as: {listed(fits)}. Give it in the region file, e.g. encoding: {fits[0] if fits else 'cp949'}"
    )
