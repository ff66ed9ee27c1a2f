"""Finding an input file: plain local files of known formats below the inputs folder, checked by their first bytes."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from gis.errors import FileMissing, UnknownFormat, UnreadableFile, UnsafePath, did_you_mean, listed
from gis.json_files import refuse_remote
from gis.sources import OSM_SUFFIXES, RASTER_SUFFIXES, TABLE_SUFFIXES

Kind = Literal["osm", "vector", "parquet", "table", "raster", "zip"]

VECTOR_SUFFIXES = (".gpkg", ".geojson", ".json", ".topojson", ".fgb", ".shp")
PARQUET_SUFFIXES = (".parquet", ".geoparquet")
READABLE = (*VECTOR_SUFFIXES, *PARQUET_SUFFIXES, ".zip", *TABLE_SUFFIXES, *RASTER_SUFFIXES, *OSM_SUFFIXES)

_SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_MAX_UNPACKED_BYTES = 4 << 30

# A file is what its first bytes say: a VRT or a remote-service description renamed to .tif or .gpkg
# would make GDAL open other files or addresses.
_MAGIC: dict[str, tuple[bytes, ...]] = {
    ".gpkg": (b"SQLite format 3\x00",),
    ".fgb": (b"fgb\x03",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".zip": (b"PK\x03\x04",),
    ".xlsx": (b"PK\x03\x04",),
    ".parquet": (b"PAR1",),
    ".geoparquet": (b"PAR1",),
    ".tif": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    ".tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    ".geojson": (b"{",),
    ".json": (b"{",),
    ".topojson": (b"{",),
    ".osm": (b"<",),
    ".bz2": (b"BZh",),
    ".gz": (b"\x1f\x8b",),
}

_HOT_JOURNAL = bytes.fromhex("d9d505f920a163d7")
"""How a rollback journal of SQLite begins; of one that is over, zeros may be left."""


def input_file(inputs: Path, name: str) -> Path:
    """Resolve the file that a source names.

    Args:
        inputs: folder that relative names start from.
        name: e.g. `roads/2024.gpkg`; already free of `..` when it comes from a region file.

    Returns:
        The path of an existing plain file whose first bytes fit its suffix.

    Raises:
        FileMissing: names the folder searched and the nearest names.
        UnsafePath: the name leaves the inputs folder or is an address.
        UnknownFormat, UnreadableFile: not a format read here; empty; or not what the suffix says.
    """
    if name.startswith(("/", "\\", "~")) or ".." in Path(name).parts or "://" in name:
        raise UnsafePath(f"{name!r} is not a plain file below the inputs folder {inputs}; give a relative path to one")
    if not inputs.is_dir():
        raise FileMissing(
            f"the inputs folder {inputs} is not there; choose the folder of the input files with --inputs"
        )
    path = inputs / name
    if path.is_dir():
        raise UnsafePath(f"{name!r} in {inputs} is a folder; expected a file in it: {listed(_names(path))}")
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else inputs
        raise FileMissing(
            f"no file {name!r} in {inputs}; the folder holds: {listed(_names(folder))}."
            f"{did_you_mean(path.name, _names(folder))} Choose the folder with --inputs."
        )
    _check_first_bytes(path)
    refuse_unfinished(path)
    return path


def refuse_unfinished(path: Path) -> None:
    """Refuse a GeoPackage that is not whole: what was last written to it lies in a file beside it.

    Raises:
        UnreadableFile: names that file and the remedy.
    """
    if path.suffix.lower() != ".gpkg":
        return
    for suffix, begins in (("-wal", b""), ("-journal", _HOT_JOURNAL)):
        beside = path.with_name(path.name + suffix)
        try:
            with beside.open("rb") as stream:
                head = stream.read(len(_HOT_JOURNAL))
        except OSError:
            continue
        if head and head.startswith(begins):
            raise UnreadableFile(
                f"{path.name} has {beside.name} beside it: a program has it open, or was ended while it wrote, and "
                f"what it wrote last is not in {path.name} itself. Close that program (QGIS, for instance); if "
                f"{beside.name} stays, write the whole into a new file (ogr2ogr new.gpkg {path.name}) and name that one"
            )


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))


def file_kind(path: Path) -> Kind:
    """Which reader a file needs, by its suffix."""
    name = path.name.lower()
    kinds: list[tuple[tuple[str, ...], Kind]] = [
        (OSM_SUFFIXES, "osm"),
        (VECTOR_SUFFIXES, "vector"),
        (PARQUET_SUFFIXES, "parquet"),
        (TABLE_SUFFIXES, "table"),
        (RASTER_SUFFIXES, "raster"),
        ((".zip",), "zip"),
    ]
    for suffixes, kind in kinds:
        if name.endswith(suffixes):
            return kind
    xml = (
        " Files in XML (GML, KML) are refused: convert them to GeoPackage."
        if name.endswith((".gml", ".kml", ".xml"))
        else ""
    )
    raise UnknownFormat(
        f"{path.name}: no reader for {path.suffix or 'files without a suffix'}; read are: {listed(READABLE, 30)}.{xml}"
    )


def _check_first_bytes(path: Path) -> None:
    file_kind(path)
    with path.open("rb") as stream:
        head = stream.read(512)
    if not head:
        raise UnreadableFile(f"{path.name} is empty (0 bytes); copy or download it again")
    expected = _MAGIC.get(path.suffix.lower())
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip() if expected in ((b"{",), (b"<",)) else head
    if path.name.lower().endswith(".pbf"):
        if b"OSMHeader" not in head:
            raise UnreadableFile(f"{path.name} does not begin as OSM PBF does; it is truncated or something else")
    elif expected and not start.startswith(expected):
        hint = (
            "it looks like XML (a VRT?), which is refused" if start.lstrip().startswith(b"<") else f"got {head[:8]!r}"
        )
        raise UnreadableFile(
            f"{path.name} does not begin as a {path.suffix} file does: {hint}; "
            "it is damaged, or renamed from another format"
        )
    elif expected == (b"{",):
        refuse_remote(path)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack the one vector file of a zip into a temporary folder, and remove it afterwards.

    Raises:
        UnreadableFile: damaged, password protected, or larger than 4 GiB unpacked.
        UnknownFormat: holds no vector file, or several.
    """
    try:
        with zipfile.ZipFile(path) as archive, TemporaryDirectory(prefix="carbonmap-zip-") as folder:
            members = [m for m in archive.infolist() if not m.is_dir() and not Path(m.filename).name.startswith(".")]
            mains = [m for m in members if Path(m.filename).suffix.lower() in VECTOR_SUFFIXES]
            mains = [m for m in mains if not m.filename.startswith("__MACOSX")]
            if len(mains) != 1:
                raise UnknownFormat(
                    f"{path.name} holds {len(mains)} vector files ({listed(m.filename for m in mains)}), "
                    f"not one. All members: {listed(m.filename for m in members)}"
                )
            stem = mains[0].filename.rsplit(".", 1)[0]
            wanted = [m for m in members if m is mains[0] or _belongs(m.filename, stem)]
            if sum(member.file_size for member in wanted) > _MAX_UNPACKED_BYTES:
                raise UnreadableFile(f"{path.name} unpacks to over 4 GiB; unpack it and name the file inside")
            for member in wanted:
                with archive.open(member) as source, (Path(folder) / _safe_name(member.filename)).open("wb") as copy:
                    while block := source.read(1 << 20):
                        copy.write(block)
            main = Path(folder) / _safe_name(mains[0].filename)
            _check_first_bytes(main)
            yield main
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as problem:
        raise UnreadableFile(f"{path.name} cannot be unpacked ({problem}); expected a plain zip") from problem


def _safe_name(filename: str) -> str:
    """A member's own name without folders: names in an archive may try to climb out of the folder."""
    name = Path(filename.replace("\\", "/")).name
    return re.sub(r"[^\w.-]", "_", Path(name).stem) + Path(name).suffix.lower()


def _belongs(filename: str, stem: str) -> bool:
    return "." in filename and filename.rsplit(".", 1)[0] == stem and Path(filename).suffix.lower() in _SHAPE_PARTS
