"""The files a region is built from."""

from pathlib import Path

from carbonmap.region import Region

SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
"""What makes up a shapefile; all of it is input."""


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
    """Names of the files that a named one may consist of, itself first; all but a shapefile are one."""
    return [name[:-4] + suffix for suffix in SHAPEFILE_PARTS] if name.lower().endswith(".shp") else [name]


def input_files(region: Region, inputs: Path) -> dict[str, Path]:
    """List every file the region names, by its name in the region file; parts of a shapefile each by their own.

    Files that are not there are listed too: the readers say so in their own words, with near matches.
    """
    files: dict[str, Path] = {}
    for name in named_files(region):
        first, *others = parts_of_file(name)
        files[first] = inputs / first
        files.update((part, inputs / part) for part in others if (inputs / part).is_file())
    return dict(sorted(files.items()))
