"""PMTiles 3: the very tiles that the API serves, all zooms of a collection in one file."""

import gzip
import html
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from grids.exports import labels
from grids.exports.public_table import PublicTable
from grids.manifest import Bbox
from grids.store_errors import InvalidTable
from grids.tiles import Tile, collection_tile, tile_columns, zooms

_QUARTERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def write_pmtiles(table: PublicTable, path: Path) -> None:
    """Write the tiles of a table (Mapbox Vector Tiles, gzip) along the Hilbert curve, each distinct one once.

    Raises:
        InvalidTable: nothing to draw: the table is empty.
    """
    info = table.collection
    if info.bbox is None or not table.count:
        raise InvalidTable(f"{info.id} has no row in {table.year}: there is no tile to write")
    least, greatest = zooms(info)
    west, south, east, north = info.bbox
    # Tiles wait beside the file, where there is room for it: the folder for temporary files is often in memory.
    with path.open("wb") as stream, tempfile.TemporaryFile(dir=path.parent) as waiting:
        writer: Any = Writer(stream)  # type: ignore[no-untyped-call]  # the package has no types
        writer.tile_f.close()
        writer.tile_f = waiting
        for place, tile in drawn_tiles(table):
            writer.write_tile(zxy_to_tileid(place.z, place.x, place.y), gzip.compress(tile, 6, mtime=0))
        writer.finalize(
            {
                "tile_type": TileType.MVT,
                "tile_compression": Compression.GZIP,
                "min_lon_e7": round(west * 1e7),
                "min_lat_e7": round(south * 1e7),
                "max_lon_e7": round(east * 1e7),
                "max_lat_e7": round(north * 1e7),
                "center_zoom": least,
                "center_lon_e7": round((west + east) / 2 * 1e7),
                "center_lat_e7": round((south + north) / 2 * 1e7),
            },
            _metadata(table, least, greatest),
        )


def drawn_tiles(table: PublicTable) -> Iterator[tuple[Tile, bytes]]:
    """Yield all tiles of a table that are not empty, zoom by zoom along the Hilbert curve: the order of clusters.

    A tile is looked for only below one with rows near it: its buffer lies within that of the tile above it.
    """
    info = table.collection
    least, greatest = zooms(info)
    places = [Tile(0, 0, 0)]
    for zoom in range(greatest + 1):
        places.sort(key=lambda place: zxy_to_tileid(place.z, place.x, place.y))
        kept = []
        for place in places:
            if zoom < least:
                if info.bbox is not None and _meets(place.lonlat, info.bbox):
                    kept.append(place)
            elif tile := collection_tile(table.edition, info.id, table.year, place):
                kept.append(place)
                yield place, tile
            elif len(table.edition.near(info.id, table.year, place.lonlat, ["id"]).positions):
                kept.append(place)  # too small to be seen at this zoom
        places = [
            Tile(zoom + 1, 2 * place.y + down, 2 * place.x + right) for place in kept for down, right in _QUARTERS
        ]


def _meets(one: Bbox, other: Bbox) -> bool:
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]


def _metadata(table: PublicTable, least: int, greatest: int) -> dict[str, Any]:
    edition, info = table.edition, table.collection
    described = {name: table.dictionary.describe(name) for name in dict.fromkeys(["id", *tile_columns(info)])}
    fields = {
        name: "Boolean" if c.type == "bool" else "String" if c.type == "string" else "Number"
        for name, c in described.items()
    }
    return {
        "name": labels.title(edition, info.id, table.year),
        "description": labels.statement(edition),
        "attribution": " | ".join(html.escape(labels.attribution_text(given)) for given in edition.region.attributions),
        "type": "overlay",
        "version": edition.id,
        "vector_layers": [{"id": info.id, "fields": fields, "minzoom": least, "maxzoom": greatest}],
        "carbonmap": {
            **labels.record(edition),
            "collection": info.id,
            "year": table.year,
            "units": {name: column.unit for name, column in described.items() if column.unit},
        },
    }
