"""JSON that would make GDAL look elsewhere: at addresses, other files, or commands. Such input is refused."""

import json
import mmap
import re
from pathlib import Path

from gis.errors import UnreadableFile

_PIPELINE = b"gdal_streamed_alg"  # GDAL takes JSON with this word for a command to run on whatever it names
_OURS = ("name", "epsg", "ogc")
"""Kinds of `crs` members (GeoJSON of 2008) that name a system; others (`link`, `url`) say where to fetch one."""

_REFERENCE_BYTES = 65_536
_SPACE = rb"[ \t\r\n]*"


def _key(name: str) -> bytes:
    """A pattern of a member's name, however its letters are escaped."""
    letters = (rb"(?:%c|\\u00%02x|\\u00%02X)" % (letter, letter, letter) for letter in name.encode())
    return rb'"' + b"".join(letters) + rb'"' + _SPACE + b":" + _SPACE


_CRS = re.compile(_key("crs") + rb"(?=\{)")
_COORD_REF_SYS = re.compile(_key("coordRefSys") + rb'(?=[\{\["])')
_ADDRESS = re.compile(r"(?i)(?:https?|ftp|file):|/vsi")
_OGC = re.compile(r"(?i)https?://www\.opengis\.net/def/crs/[\w./-]*")


def refuse_remote(path: Path) -> None:
    """Refuse JSON that holds a command of GDAL's, or whose coordinate system has to be fetched.

    Raises:
        UnreadableFile: names the member and what to write instead.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        if text.find(_PIPELINE) >= 0:
            raise UnreadableFile(f"{path.name} is a pipeline of GDAL's and no data; such files are refused")
        for found in _CRS.finditer(text):
            reference = _value(text[found.end() : found.end() + _REFERENCE_BYTES])
            kind = reference.get("type") if isinstance(reference, dict) else None
            if not isinstance(kind, str) or kind.lower() not in _OURS:
                raise _elsewhere(path, "crs", kind)
        for found in _COORD_REF_SYS.finditer(text):
            reference = _value(text[found.end() : found.end() + _REFERENCE_BYTES])
            if reference is None or any(_is_address(one) for one in _texts(reference)):
                raise _elsewhere(path, "coordRefSys", reference)


def _elsewhere(path: Path, member: str, given: object) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name}: its member {member!r} says {str(given)[:80]!r}, expected the name of a coordinate system such "
        "as urn:ogc:def:crs:EPSG::5179: nothing is fetched from elsewhere. Name it in the region file with crs"
    )


def _value(text: bytes) -> object:
    """What stands at the beginning of a text; none if it is no JSON."""
    try:
        return json.JSONDecoder().raw_decode(text.decode("utf-8", "replace"))[0]
    except (ValueError, RecursionError):
        return None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one)]


def _is_address(text: str) -> bool:
    return _ADDRESS.search(text) is not None and _OGC.fullmatch(text) is None
