"""The files a region is built from."""

from pathlib import Path

from carbonmap.region import Region
from gis.sources import RASTER_SUFFIXES

BESIDE_SHAPEFILE = (".shx", ".dbf", ".prj", ".cpg")
"""In place of `.shp`: what makes up a shapefile; all of it is input."""

BESIDE_RASTER = (".tfw", ".tifw", ".tiffw", ".wld", ".tab", ".aux")
"""In place of `.tif`: files from which GDAL takes where a GeoTIFF lies, whatever it says itself."""

AFTER_RASTER = (".aux.xml", ".aux", ".xml", ".msk")
"""Behind `.tif`: likewise. Overviews (`.ovr`) are not read."""


def named_files(region: Region) -> list[str]:
    """Names of all files that a region file names, in order, each once; of a shapefile the `.shp`."""
    names: set[str] = set()
    for source in region.sources:
        names.update([source.file, *(join.file for join in source.joins)])
        if not isinstance(source.coverage, str) and source.coverage.file is not None:
            names.add(source.coverage.file)
    names.update(zones.file for zones in region.zone_sets)
    names.update(context.file for context in region.context)
    if region.calibration is not None:
        names.add(region.calibration.totals)
    return sorted(names)


def parts_of_file(name: str) -> list[str]:
    """Names of the files that a named one may consist of, itself first; suffixes in small letters and in capitals."""
    stem, dot, suffix = name.rpartition(".")
    kind = f"{dot}{suffix.lower()}"
    if kind == ".shp":
        return [name, *(stem + one for one in BESIDE_SHAPEFILE), *(stem + one.upper() for one in BESIDE_SHAPEFILE)]
    if kind in RASTER_SUFFIXES:
        small = [*(stem + one for one in BESIDE_RASTER), *(name + one for one in AFTER_RASTER)]
        return [
            name,
            *small,
            *(stem + one.upper() for one in BESIDE_RASTER),
            *(name + one.upper() for one in AFTER_RASTER),
        ]
    return [name]


def input_files(region: Region, inputs: Path) -> dict[str, Path]:
    """List every file the region names, by its name in the region file, and what GDAL reads beside it by its own.

    Files that are not there are listed too: the readers say so in their own words, with near matches. Of those beside,
    letters may be small or capital, as GDAL takes them.
    """
    files: dict[str, Path] = {}
    for name in named_files(region):
        files[name] = inputs / name
        parts = {part.casefold() for part in parts_of_file(name)}
        folder = (inputs / name).parent
        if len(parts) > 1 and folder.is_dir():
            before = name.removesuffix(Path(name).name)
            there = [before + path.name for path in folder.iterdir() if path.is_file()]
            files.update((other, inputs / other) for other in there if other.casefold() in parts)
    return dict(sorted(files.items()))
