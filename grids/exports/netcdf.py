"""NetCDF-4 of a grid over its years, following the CF conventions 1.11."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pyproj

from grids.columns import Column
from grids.exports import labels
from grids.exports.public_table import Extent, PublicTable, cell_bounds, joined_extent
from grids.projections import LONLAT, transformer
from grids.store_errors import InvalidTable

CONVENTIONS = "CF-1.11"
_CHUNK = 256
_CHUNK_CACHE = 1 << 20
"""Bytes kept of each variable: a window is whole chunks, so none is asked for again."""

_EPOCH = datetime.date(1970, 1, 1)
_FLAG_MISSING = np.int8(-1)

_UNITS = {"tCO2e/a": "t", "ha": "ha", "person": "1", "1": "1", "": "1"}
"""Units of our columns as UDUNITS writes them; what a year emits is a sum over the year's bounds."""

NOTE = (
    "Emissions are tonnes of CO2 equivalent within the bounds of cell and year. Cells are half open: each holds its "
    "western and southern border. Missing: unknown, or no row of the public table; area_ha is missing only where there "
    "is no row."
)


def write_netcdf(tables: Sequence[PublicTable], path: Path) -> None:
    """Write the tables of a grid, one per year, as one NetCDF file with axes time, y and x.

    Args:
        tables: of one grid, by ascending year.
        path: the file to write.

    Raises:
        InvalidTable: none of the tables has a cell.
    """
    filled = [table for table in tables if table.count]
    if not filled:
        raise InvalidTable(f"{tables[0].collection.id} has no cell in any year: a raster of nothing cannot be made")
    first, extent = tables[0], joined_extent([table.extent for table in filled])
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(_about(first))
        _write_time(file, [table.year for table in tables])
        _write_axes(file, first, extent)
        _write_crs(file, first.edition.crs)
        _write_lonlat(file, first, extent)
        variables = {band.name: _declare(file, band, extent, first) for band in first.bands}
        for step, table in enumerate(tables):
            for window in table.windows(extent):
                rows = slice(window.bottom, window.bottom + window.height)
                cols = slice(window.left, window.left + window.width)
                for band in first.bands:
                    picture = window.spread(band.name)
                    if band.type == "bool":
                        picture = np.where(np.isnan(picture), _FLAG_MISSING, picture).astype(np.int8)
                    variables[band.name][step, rows, cols] = picture


def _about(table: PublicTable) -> dict[str, str]:
    edition = table.edition
    said = labels.tags(edition)
    return {
        "Conventions": CONVENTIONS,
        "title": labels.title(edition, table.collection.id),
        "institution": labels.PUBLISHER,
        "source": f"model: carbonmap {edition.manifest.code.version}, public table {table.collection.id}",
        "history": f"Written from edition {edition.id} of region {edition.region.id}.",
        "references": f"edition {edition.id}",
        "comment": f"{said['description']} {NOTE}",
        **{name: said[name] for name in ("region", "edition", "synthetic", "illustrative", "attribution")},
    }


def _write_time(file: Any, years: Sequence[int]) -> None:
    """Years as intervals from the first of January to the next one."""
    file.createDimension("time", len(years))
    file.createDimension("bound", 2)
    bounds = np.array([[(datetime.date(year + k, 1, 1) - _EPOCH).days for k in (0, 1)] for year in years], np.float64)
    time = file.createVariable("time", "f8", ("time",))
    time.setncatts(
        {
            "standard_name": "time",
            "long_name": "year",
            "units": f"days since {_EPOCH} 00:00:00",
            "calendar": "standard",
            "units_metadata": "leap_seconds: none",
            "axis": "T",
            "bounds": "time_bounds",
        }
    )
    time[:] = bounds.mean(axis=1)
    file.createVariable("time_bounds", "f8", ("time", "bound"))[:] = bounds


def _write_axes(file: Any, table: PublicTable, extent: Extent) -> None:
    """Centres of the cells, and their borders as bounds."""
    west, south, _, _ = cell_bounds(table.collection, extent)
    size = float(table.collection.cell_size_m or 0)
    for name, least, count in (("y", south, extent.height), ("x", west, extent.width)):
        file.createDimension(name, count)
        borders = least + size * np.arange(count + 1)
        axis = file.createVariable(name, "f8", (name,))
        axis.setncatts(
            {
                "standard_name": f"projection_{name}_coordinate",
                "long_name": {"x": "easting", "y": "northing"}[name] + " of the cell's centre",
                "units": "m",
                "axis": name.upper(),
                "bounds": f"{name}_bounds",
            }
        )
        axis[:] = borders[:-1] + size / 2
        file.createVariable(f"{name}_bounds", "f8", (name, "bound"))[:] = np.stack([borders[:-1], borders[1:]], axis=1)


def _write_crs(file: Any, crs: str) -> None:
    variable = file.createVariable("crs", "i4")
    variable.setncatts({"long_name": f"coordinate reference system {crs}", **pyproj.CRS.from_user_input(crs).to_cf()})
    variable[...] = 0


def _write_lonlat(file: Any, table: PublicTable, extent: Extent) -> None:
    """Longitudes and latitudes of the centres, some rows at a time."""
    settings = {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": _chunks(extent)}
    lat = file.createVariable("lat", "f8", ("y", "x"), **settings)
    lon = file.createVariable("lon", "f8", ("y", "x"), **settings)
    lat.setncatts({"standard_name": "latitude", "long_name": "latitude (WGS 84)", "units": "degrees_north"})
    lon.setncatts({"standard_name": "longitude", "long_name": "longitude (WGS 84)", "units": "degrees_east"})
    move = transformer(table.edition.crs, LONLAT)
    x, y = file["x"][:].data, file["y"][:].data
    for begin in range(0, extent.height, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        east, north = np.meshgrid(x, y[part])
        lon[part], lat[part] = move.transform(east, north)


def _chunks(extent: Extent) -> tuple[int, int]:
    return min(_CHUNK, extent.height), min(_CHUNK, extent.width)


def _declare(file: Any, band: Column, extent: Extent, table: PublicTable) -> Any:
    """A variable (time, y, x) with everything that CF asks of one."""
    flag = band.type == "bool"
    variable = file.createVariable(
        band.name,
        "i1" if flag else "f8",
        ("time", "y", "x"),
        fill_value=_FLAG_MISSING if flag else np.nan,
        zlib=True,
        complevel=4,
        shuffle=True,
        chunksizes=(1, *_chunks(extent)),
        chunk_cache=_CHUNK_CACHE,
    )
    said = {
        "long_name": band.label["en"],
        "comment": band.meaning["en"],
        "grid_mapping": "crs",
        "coordinates": "lat lon",
    }
    if flag:
        variable.setncatts({**said, "flag_values": np.array([0, 1], np.int8), "flag_meanings": "no yes"})
        return variable
    said["units"] = _UNITS[band.unit]
    if band.name == "area_ha":
        said["standard_name"] = "cell_area"
    elif "area_ha" in table.collection.columns:
        said["cell_measures"] = "area: area_ha"
    if band.unit == "tCO2e/a" and "_sd_" not in band.name:
        said["cell_methods"] = "time: sum area: sum"
        deviation = f"{band.name.removesuffix('_tco2e')}_sd_tco2e"
        if deviation in table.collection.columns:
            said["ancillary_variables"] = deviation
    elif band.name == "population":
        said["cell_methods"] = "area: sum"
    variable.setncatts(said)
    return variable
