"""What can be wrong with an input. Every message says what was given, what was expected, and the remedy."""

from collections.abc import Iterable
from difflib import get_close_matches


class GisError(ValueError):
    """Base of every error about an input file, its layers, columns, geometry or values."""


class FileMissing(GisError):
    """A source names a file that is not in the inputs folder."""


class UnsafePath(GisError):
    """A source names something other than a plain local file below the inputs folder."""


class UnreadableFile(GisError):
    """The file is there, but truncated, corrupt, or not what its name says."""


class UnknownFormat(GisError):
    """No reader for files of this kind."""


class LayerMissing(GisError):
    """The file has no layer (or sheet) of that name, or several and none was chosen."""


class ColumnMissing(GisError):
    """The layer or table has no column of that name."""


class WrongEncoding(GisError):
    """Text cannot be decoded, or decodes to nonsense."""


class CrsError(GisError):
    """No coordinate reference system, an unknown one, or a geographic one where metres are needed."""


class WrongGeometry(GisError):
    """The geometry type does not suit the sector."""


class InvalidGeometry(GisError):
    """A geometry is invalid, and the source says `invalid: refuse` for the whole file."""


class EmptyLayer(GisError):
    """Nothing is left to work with."""


class DuplicateIds(GisError):
    """One id stands for two different features."""


class BadValue(GisError):
    """A value that cannot be read as what its column should hold."""


class OverlappingZones(GisError):
    """Two zones of one set cover the same ground."""


class ClassTableError(GisError):
    """A land-cover class table is missing or wrong, or lacks a code that the raster holds."""


class ReportMismatch(GisError):
    """A read report does not account for every feature; our own mistake, never the user's."""


def listed(names: Iterable[object], most: int = 12) -> str:
    """Join names for a message: `a, b, c ... (57 in all)`; `none` when there are none."""
    every = [str(name) for name in names]
    if not every:
        return "none"
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} ... ({len(every)} in all)"


def did_you_mean(name: str, candidates: Iterable[object]) -> str:
    """` Did you mean X?` for the nearest candidates, or an empty string."""
    texts = [str(candidate) for candidate in candidates]
    by_lower = {text.lower(): text for text in texts}
    near = get_close_matches(name.lower(), list(by_lower), n=2, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(by_lower[key]) for key in near)}?" if near else ""
