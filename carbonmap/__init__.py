"""The open carbon map: the front door that ties the rooms together (importing it alone imports no other room)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from carbonmap.opened import Opened

__all__ = ["__version__", "open"]

__version__ = "0.1.0"


def open(place: "str | Path", region: str | None = None, edition: str | None = None) -> "Opened":
    """Open an edition's public tables as GeoDataFrames, from a store on disk or from a server: the same frames.

    Args:
        place: folder of a store, of a region or an edition in it, or the address of a server (`http://...`) or of its
            map or API, which may name region and edition (`http://host/api/demo/?edition=...`).
        region: needed where there are several.
        edition: the one served if none.

    Returns:
        `.cells("100m", year=2023)`, `.zones("sigungu")`, `.hexagons(8)`; `.manifest`, `.regions`, `.years`.

    Raises:
        carbonmap.errors.RegionError, grids.errors.GridError: nothing can be read there.
        carbonmap.shadowing.ShadowedPackage: a file of yours stands where one of our packages should be.
    """
    from carbonmap.shadowing import refuse_shadowed

    refuse_shadowed()
    from carbonmap.opened import open_place

    return open_place(place, region, edition)
