"""STAC 1.1 of an edition: one collection, one item per table, every downloadable file an asset."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grids.edition import Edition
from grids.exports import documents, labels
from grids.exports.files import ExportFile
from grids.exports.public_table import PublicTable, north_up
from grids.manifest import Bbox

VERSION = "1.1.0"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"


@dataclass(frozen=True)
class Made:
    """What is known of a file that has been made."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Addresses:
    """Where things are, seen from the document that names them.

    Attributes:
        collection: address of the STAC collection.
        item: address of an item, by its id.
        file: address of a downloadable file, by its name.
    """

    collection: str
    item: Callable[[str], str]
    file: Callable[[str], str]


def item_id(collection: str, year: int) -> str:
    """Return the id of the item that stands for a collection's table of a year."""
    return f"{collection}_{year}"


def tables_of(files: Sequence[ExportFile]) -> list[tuple[str, int]]:
    """Return the tables, by collection and year, that some of the files hold: those that have an item."""
    held = ((file.collection, file.year) for file in files)
    return list(dict.fromkeys((collection, year) for collection, year in held if collection and year is not None))


def stac_collection(
    edition: Edition, files: Sequence[ExportFile], made: Mapping[str, Made], here: Addresses
) -> dict[str, Any]:
    """Return the STAC collection of these files of an edition; those that belong to no single table are its own assets.

    Its interval is that of its items, and the edition's where a file holds all years.
    """
    tables, own = tables_of(files), [file for file in files if file.year is None]
    over_all = any(file.collection for file in own)
    years = edition.region.years if over_all or not tables else sorted({year for _, year in tables})
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": _extensions(own, made),
        "id": f"{edition.region.id}-{edition.id}",
        "title": labels.title(edition),
        "description": labels.statement(edition),
        "license": documents.only_licence(edition) or "other",
        "keywords": ["greenhouse gas emissions", "CO2e"],
        "providers": [
            {"name": labels.attribution_text(given), "roles": ["producer"], **({"url": given.url} if given.url else {})}
            for given in edition.region.attributions
        ]
        + [{"name": labels.PUBLISHER, "roles": ["processor"]}],
        "extent": {
            "spatial": {"bbox": [list(edition.region.bbox)]},
            "temporal": {"interval": [[_begin(years[0]), _end(years[-1])]]},
        },
        "summaries": {
            "carbonmap:edition": [edition.id],
            "carbonmap:synthetic": [edition.region.synthetic],
            "carbonmap:illustrative": labels.illustrative_sectors(edition),
        },
        "assets": {file.name: _asset(file, made.get(file.name), here) for file in own},
        "links": [
            _link("root", here.collection),
            *_self(here.collection, "application/json"),
            *_licences(edition, here),
            *({"rel": "item", "href": here.item(item_id(*one)), "type": "application/geo+json"} for one in tables),
        ],
    }


def stac_item(
    table: PublicTable, files: Sequence[ExportFile], made: Mapping[str, Made], here: Addresses
) -> dict[str, Any]:
    """Return the STAC item of one table; its assets are the files that hold it."""
    edition, info = table.edition, table.collection
    own = [file for file in files if file.collection == info.id and file.year == table.year]
    bbox: Bbox = info.bbox or edition.region.bbox
    identity = item_id(info.id, table.year)
    properties: dict[str, Any] = {
        "title": labels.title(edition, info.id, table.year),
        "description": labels.statement(edition),
        "datetime": None,
        "start_datetime": _begin(table.year),
        "end_datetime": _end(table.year),
        "proj:code": edition.crs if edition.crs.startswith("EPSG:") else None,
        "carbonmap:edition": edition.id,
        "carbonmap:synthetic": edition.region.synthetic,
        "carbonmap:illustrative": labels.illustrative_sectors(edition),
        "carbonmap:attribution": labels.attributions(edition),
    }
    if table.bounds is not None:
        properties["proj:bbox"] = list(table.bounds)
    west, south, east, north = bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [PROJECTION, *_extensions(own, made)],
        "id": identity,
        "collection": f"{edition.region.id}-{edition.id}",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": list(bbox),
        "properties": properties,
        "assets": {file.format: _asset(file, made.get(file.name), here, table) for file in own},
        "links": [
            _link("root", here.collection),
            _link("parent", here.collection),
            _link("collection", here.collection),
            *_self(here.item(identity), "application/geo+json"),
        ],
    }


def _asset(file: ExportFile, made: Made | None, here: Addresses, table: PublicTable | None = None) -> dict[str, Any]:
    asset: dict[str, Any] = {
        "href": here.file(file.name),
        "type": file.media_type,
        "title": file.title,
        "roles": list(file.roles),
    }
    if made is not None:
        # A multihash: 0x12 is SHA-256, 0x20 its length in bytes.
        asset |= {"file:size": made.bytes, "file:checksum": f"1220{made.sha256}"}
    if file.format == "geotiff" and table is not None and table.count:
        extent = table.extent
        asset |= {
            "proj:shape": [extent.height, extent.width],
            "proj:transform": list(north_up(table.collection, extent)),
            "bands": [
                {
                    "name": band.name,
                    "description": band.label["en"],
                    "data_type": "float64",
                    "nodata": "nan",
                    **({"unit": band.unit} if band.unit else {}),
                }
                for band in table.bands
            ],
        }
    return asset


def _extensions(files: Sequence[ExportFile], made: Mapping[str, Made]) -> list[str]:
    return [FILE] if any(file.name in made for file in files) else []


def _link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": "application/json"}


def _self(href: str, media_type: str) -> list[dict[str, str]]:
    """The document's own address, which only one that is absolute can say."""
    return [{"rel": "self", "href": href, "type": media_type}] if "://" in href else []


def _licences(edition: Edition, here: Addresses) -> list[dict[str, str]]:
    """The text that names every source with its licence, and the licences themselves where SPDX has them."""
    names = documents.licences(edition)
    told = f"whose data it is, each source under its own licence: {'; '.join(names) or documents.NOT_STATED}"
    return [
        {"rel": "license", "href": here.file("LICENSE.txt"), "type": "text/plain", "title": told},
        *(
            {"rel": "license", "href": f"https://spdx.org/licenses/{name}.html", "type": "text/html", "title": name}
            for name in names
            if documents.is_spdx(name)
        ),
    ]


def _begin(year: int) -> str:
    return f"{year:04d}-01-01T00:00:00Z"


def _end(year: int) -> str:
    return f"{year:04d}-12-31T23:59:59Z"
