"""The files a region is built from, with their digests."""

from pathlib import Path

from carbonmap.region import Region

SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
"""What makes up a shapefile; all of it is input."""


def input_files(region: Region, inputs: Path) -> dict[str, Path]:
    """List every file the region names, by its name in the region file; parts of a shapefile each by their own.

    Files that are not there are listed too: the readers say so in their own words, with near matches.
    """
    names: list[str] = []
    for source in region.sources:
        names += [source.file, *(join.file for join in source.joins)]
        if not isinstance(source.coverage, str) and source.coverage.file is not None:
            names.append(source.coverage.file)
    names += [zones.file for zones in region.zone_sets] + [context.file for context in region.context]
    files: dict[str, Path] = {}
    for name in names:
        if name.lower().endswith(".shp"):
            for suffix in SHAPEFILE_PARTS:
                part = name[:-4] + suffix
                if suffix == ".shp" or (inputs / part).is_file():
                    files[part] = inputs / part
        else:
            files[name] = inputs / name
    return dict(sorted(files.items()))
