"""Cloud-Optimised GeoTIFF of a grid: one band per column, in double precision, cells where the grid has them."""

from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterWindow

from grids.exports import labels
from grids.exports.public_table import Extent, PublicTable, north_up
from grids.exports.room import no_room
from grids.store_errors import InvalidTable

_TILE = 256
_COMPRESSED = {"compress": "DEFLATE", "predictor": 3, "zlevel": 6}
_DRAFT = ".draft.tif"
_CACHE_MB = 64
"""What GDAL may keep in memory; left to itself it takes a twentieth of the machine's."""

NOTE = (
    "A pixel is a cell, half open: it holds its western and southern border. NaN: unknown, or no row of the public "
    "table; area_ha is NaN only where there is no row. Truth values are 1 and 0. Overviews are means of the cells that "
    "have a value, for drawing only; totals come from the full resolution."
)


def write_geotiff(table: PublicTable, path: Path) -> None:
    """Write a grid's table as a Cloud-Optimised GeoTIFF, float64 with NaN for no data, north up.

    Bands have the columns' names as descriptions, their units, and what they mean as tags. Values are those of the
    public table, bit for bit.

    Raises:
        InvalidTable: a table without any cell has no extent to draw.
    """
    if not table.count:
        raise InvalidTable(f"{table.collection.id} has no cell in {table.year}: a raster of nothing cannot be made")
    extent, draft = table.extent, path.with_name(path.name + _DRAFT)
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB):
        _write(table, extent, draft, path)


def _write(table: PublicTable, extent: Extent, draft: Path, path: Path) -> None:
    try:
        _write_draft(table, extent, draft)
        # Only a copy has its directory and its overviews before the picture, as a reader across the web needs it.
        rasterio.shutil.copy(
            draft,
            path,
            driver="GTiff",
            copy_src_overviews=True,
            tiled=True,
            blockxsize=_TILE,
            blockysize=_TILE,
            interleave="band",
            bigtiff="IF_SAFER",
            **_COMPRESSED,
        )
    except RasterioError as error:
        # Before the draft, which may fill the disk, is removed: then there would be room again.
        full = no_room(path, error, path if path.exists() else draft)
        if full is None:
            raise
        raise full from error
    finally:
        draft.unlink(missing_ok=True)


def _write_draft(table: PublicTable, extent: Extent, path: Path) -> None:
    bands = table.bands
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=extent.width,
        height=extent.height,
        count=len(bands),
        dtype="float64",
        nodata=np.nan,
        crs=table.edition.crs,
        transform=Affine(*north_up(table.collection, extent)),
        tiled=True,
        blockxsize=_TILE,
        blockysize=_TILE,
        interleave="band",
        bigtiff="IF_SAFER",
        sparse_ok=True,
    ) as raster:
        for window in table.windows(extent):
            top = extent.height - window.bottom - window.height
            place = RasterWindow(window.left, top, window.width, window.height)
            for number, band in enumerate(bands, start=1):
                raster.write(window.spread(band.name)[::-1], number, window=place)
        raster.update_tags(
            AREA_OR_POINT="Area",
            TITLE=labels.title(table.edition, table.collection.id, table.year),
            YEAR=str(table.year),
            NOTE=NOTE,
            **{name.upper(): text for name, text in labels.tags(table.edition).items()},
        )
        for number, band in enumerate(bands, start=1):
            raster.set_band_description(number, band.name)
            raster.set_band_unit(number, band.unit or "1")
            raster.update_tags(number, LABEL=band.label["en"], MEANING=band.meaning["en"])
    levels = _levels(extent)
    if levels:
        with rasterio.Env(COMPRESS_OVERVIEW="NONE", SPARSE_OK_OVERVIEW="ON"), rasterio.open(path, "r+") as raster:
            raster.build_overviews(levels, Resampling.average)


def _levels(extent: Extent) -> list[int]:
    """Factors of the overviews, until the whole fits in one tile."""
    levels: list[int] = []
    while max(extent.width, extent.height) >> len(levels) > _TILE:
        levels.append(2 << len(levels))
    return levels
