"""Which files an edition can be had as, and the one way to make each: for the API and the command line alike."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grids.columns import ColumnTable
from grids.edition import Edition
from grids.errors import GridError
from grids.exports import documents, labels
from grids.exports.public_table import PublicTable
from grids.exports.room import no_room
from grids.manifest import Collection
from grids.shipped import data_folder, shipped_columns
from grids.store_errors import NotFound

TEXT = "text/plain; charset=utf-8"
CSV = "text/csv; charset=utf-8"
JSON = "application/json"
SUMS = "SHA256SUMS"


class FileNotOffered(NotFound):
    """A file that no edition, or not this one, can be had as."""


@dataclass(frozen=True)
class Format:
    """A format of tables.

    Attributes:
        id: how the command line and the API call it.
        ending: of its files.
        media_type: of its files.
        says: what it is, for people.
        grids_only: only cells can be written so.
        all_years: one file holds all years.
        needs_rows: an empty table cannot be written so.
        role: of the asset in a STAC document.
    """

    id: str
    ending: str
    media_type: str
    says: str
    grids_only: bool = False
    all_years: bool = False
    needs_rows: bool = False
    role: str = "data"


FORMATS = {
    format.id: format
    for format in (
        Format(
            "geoparquet",
            "parquet",
            "application/vnd.apache.parquet",
            "GeoParquet 1.1 in the region's CRS, for GeoPandas, DuckDB, QGIS",
        ),
        Format("geopackage", "gpkg", "application/geopackage+sqlite3", "GeoPackage, for QGIS and other desktop GIS"),
        Format("csv", "csv", CSV, "CSV with longitude and latitude, for spreadsheets and statistics"),
        Format(
            "csvw",
            "csv-metadata.json",
            "application/csvm+json",
            "CSV on the Web description: columns, units, licence of the CSV",
            role="metadata",
        ),
        Format(
            "geotiff",
            "tif",
            "image/tiff; application=geotiff; profile=cloud-optimized",
            "Cloud-Optimised GeoTIFF, one band per column",
            grids_only=True,
            needs_rows=True,
        ),
        Format(
            "netcdf",
            "nc",
            "application/netcdf",
            "NetCDF-4 over all years, following CF-1.11, for xarray",
            grids_only=True,
            all_years=True,
            needs_rows=True,
        ),
        Format(
            "pmtiles", "pmtiles", "application/vnd.pmtiles", "PMTiles 3, vector tiles of all zooms", needs_rows=True
        ),
        Format(
            "html",
            "html",
            "text/html; charset=utf-8",
            "a map in one page that opens offline",
            needs_rows=True,
            role="overview",
        ),
    )
}


@dataclass(frozen=True)
class ExportFile:
    """A file that an edition can be had as.

    Attributes:
        name: unique within the edition, and the same for every edition.
        format: id of its format, or `document`.
        media_type: what it is served as.
        title: what it holds, for people.
        collection, year: whose table; none of both is a document of the whole edition, no year means all of them.
        roles: of the STAC asset.
    """

    name: str
    format: str
    media_type: str
    title: str
    collection: str | None = None
    year: int | None = None
    roles: tuple[str, ...] = ("data",)


_DOCUMENTS = (
    ("LICENSE.txt", TEXT, "whose data it is, and under which licences"),
    ("CITATION.cff", "application/yaml", "how to cite the edition (Citation File Format 1.2.0)"),
    ("columns.csv", CSV, "what every column means, with types and units"),
    ("columns.json", JSON, "what every column means, with types and units"),
    ("factors.csv", CSV, "emission factors used, and how each was chosen"),
    ("assumptions.csv", CSV, "assumptions where no factor or value was found"),
    ("factors.json", JSON, "emission factors and assumptions used"),
    ("manifest.json", JSON, "how the edition was made: inputs, checks, totals, code (its public part)"),
)

_MAKE_DOCUMENT: dict[str, Callable[[Edition, ColumnTable], str]] = {
    "LICENSE.txt": lambda edition, _: documents.licence_text(edition),
    "CITATION.cff": lambda edition, _: documents.citation(edition),
    "columns.csv": documents.columns_csv,
    "columns.json": lambda edition, dictionary: documents.json_text(
        {**labels.record(edition), "columns": documents.columns(edition, dictionary)}
    ),
    "factors.csv": lambda edition, _: documents.factors_csv(edition),
    "assumptions.csv": lambda edition, _: documents.assumptions_csv(edition),
    "factors.json": lambda edition, _: documents.json_text(documents.factors(edition)),
    "manifest.json": lambda edition, _: documents.json_text(edition.manifest.public()),
}


def media_types() -> list[str]:
    """Return what files are served as, each once, without parameters."""
    kinds = [media_type for _, media_type, _ in _DOCUMENTS] + [format.media_type for format in FORMATS.values()]
    return list(dict.fromkeys(kind.partition(";")[0] for kind in [TEXT, *kinds]))


def export_files(edition: Edition) -> list[ExportFile]:
    """Return every file that an edition can be had as: documents first, then collection by collection."""
    files = [
        ExportFile(name, "document", media_type, says, roles=("metadata",)) for name, media_type, says in _DOCUMENTS
    ]
    for collection in edition.manifest.collections:
        for format in FORMATS.values():
            files += _files_of(edition, collection, format)
    return files


def _files_of(edition: Edition, collection: Collection, format: Format) -> list[ExportFile]:
    if format.grids_only and collection.kind != "grid":
        return []
    years = [year for year in collection.years if collection.tables[year].rows or not format.needs_rows]
    if format.all_years and years:
        what = f"{labels.title(edition, collection.id)}: {format.says}"
        name = f"{collection.id}.{format.ending}"
        return [ExportFile(name, format.id, format.media_type, what, collection.id, roles=(format.role,))]
    return [
        ExportFile(
            f"{collection.id}_{year}.{format.ending}",
            format.id,
            format.media_type,
            f"{labels.title(edition, collection.id, year)}: {format.says}",
            collection.id,
            year,
            (format.role,),
        )
        for year in years
    ]


def export_file(edition: Edition, name: str) -> ExportFile:
    """Return the file of a name.

    Raises:
        FileNotOffered: the edition cannot be had as such a file.
    """
    for file in export_files(edition):
        if file.name == name:
            return file
    raise FileNotOffered(
        f"edition {edition.id} of region {edition.region.id!r} has no file {name[:80]!r}: the list of downloads has "
        "the names, such as grid-1km_2023.parquet or CITATION.cff"
    )


def is_document(file: ExportFile) -> bool:
    """Say whether a file is a short text that is made in no time."""
    return file.format in ("document", "csvw")


def document(edition: Edition, file: ExportFile) -> bytes:
    """Return the bytes of a short text (UTF-8)."""
    dictionary = shipped_columns()
    if file.format == "csvw":
        from grids.exports.csv_table import describe_csv

        table = _table(edition, file, dictionary)
        described = describe_csv(table, file.name.removesuffix("-metadata.json"))
        return documents.json_text(described).encode()
    return _MAKE_DOCUMENT[file.name](edition, dictionary).encode()


def write_file(edition: Edition, file: ExportFile, path: Path) -> None:
    """Make a file at a path that nobody reads yet.

    Raises:
        InvalidTable: the table cannot be written in this format.
        NoRoom: the disk is full.
    """
    try:
        _write(edition, file, path)
    except GridError:
        raise
    except Exception as error:
        full = no_room(path, error)
        if full is None:
            raise
        raise full from error


def _write(edition: Edition, file: ExportFile, path: Path) -> None:
    dictionary = shipped_columns()
    if is_document(file):
        path.write_bytes(document(edition, file))
    elif file.format == "netcdf":
        from grids.exports.netcdf import write_netcdf

        assert file.collection is not None
        collection = edition.collection(file.collection)
        write_netcdf([PublicTable(edition, collection, year, dictionary) for year in collection.years], path)
    else:
        _write_table(_table(edition, file, dictionary), file.format, path)


def _table(edition: Edition, file: ExportFile, dictionary: ColumnTable) -> PublicTable:
    assert file.collection is not None
    assert file.year is not None
    return PublicTable(edition, edition.collection(file.collection), file.year, dictionary)


def _write_table(table: PublicTable, format: str, path: Path) -> None:
    # Each format's library is imported when it is needed: together they take seconds.
    if format == "geoparquet":
        from grids.exports.geoparquet import write_geoparquet

        write_geoparquet(table, path)
    elif format == "geopackage":
        from grids.exports.geopackage import write_geopackage

        write_geopackage(table, path)
    elif format == "csv":
        from grids.exports.csv_table import write_csv

        write_csv(table, path)
    elif format == "geotiff":
        from grids.exports.geotiff import write_geotiff

        write_geotiff(table, path)
    elif format == "pmtiles":
        from grids.exports.pmtiles_archive import write_pmtiles

        write_pmtiles(table, path)
    else:
        from grids.exports.html_map import write_html_map

        write_html_map(table, path, data_folder() / "leaflet")


def sums_text(sums: dict[str, str]) -> str:
    """Return SHA256SUMS as `sha256sum --check` reads it, in order of name."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
