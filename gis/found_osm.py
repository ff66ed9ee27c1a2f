"""What an OpenStreetMap file holds, seen in one pass: how many of each layer, how much they say, where and when."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from osmium.filter import KeyFilter

from gis.crs import LONLAT, Bounds
from gis.errors import UnreadableFile
from gis.layers import ReadReport
from gis.osm import read_osm
from gis.osm_xml import plain_osm
from gis.raw import Request
from grids.effort import too_tangled

_KEYS = ("building", "highway", "landuse", "natural", "waterway", "place", "boundary")
_FEW = 3
"""Buildings or roads that must be placed before their extent says where a file without a header's box lies."""


@dataclass
class FoundOsm:
    """An OpenStreetMap file, as one pass over it sees it.

    Attributes:
        file: its name below the inputs folder.
        size: bytes.
        counts: objects by our layer: buildings, roads, forest, water, places, admin; a few may not make a feature.
        tags: how many buildings carry `building:levels` and `height`, roads `maxspeed`, forests `leaf_type`.
        admin_levels: named administrative relations by `admin_level`.
        lonlat: west, south, east, north in degrees: of the file's header, else of its buildings or roads.
        box: where `lonlat` is from: `header`, `buildings`, `roads`; empty where it is unknown.
        newest: day of the extract, or of its newest object: `2024-03-03`; empty where the file says nothing.
    """

    file: str
    size: int
    counts: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    admin_levels: Counter[str] = field(default_factory=Counter)
    lonlat: Bounds | None = None
    box: str = ""
    newest: str = ""


def found_osm(path: Path, name: str) -> FoundOsm:
    """Look through an OpenStreetMap file once.

    Args:
        path: the file.
        name: what it is called below the inputs folder.

    Raises:
        UnreadableFile: truncated, damaged, or not OpenStreetMap.
    """
    found = FoundOsm(name, path.stat().st_size)
    try:
        with plain_osm(path) as plain:
            _look(plain, found)
    except (RuntimeError, osmium.InvalidLocationError) as problem:
        raise UnreadableFile(f"{name} cannot be read as OpenStreetMap data ({problem})") from problem
    return found


def _look(path: Path, found: FoundOsm) -> None:
    header = osmium.FileProcessor(str(path)).header
    box = header.box()
    if box.valid():
        corners = box.bottom_left, box.top_right
        found.lonlat = (corners[0].lon, corners[0].lat, corners[1].lon, corners[1].lat)
        found.box = "header"
    processor = osmium.FileProcessor(str(path))
    if found.lonlat is None:
        processor = processor.with_locations("flex_mem")
    extents = {"buildings": _Extent(), "roads": _Extent()}
    newest = None
    things: Iterator[Any] = iter(processor.with_filter(KeyFilter(*_KEYS)))
    for thing in things:
        layer = _count(thing, found)
        if found.lonlat is None and layer in extents and thing.is_way():
            extents[layer].add(thing)
        if newest is None or thing.timestamp > newest:
            newest = thing.timestamp
    said = header.get("osmosis_replication_timestamp", "") or (newest.isoformat() if newest else "")
    found.newest = "" if said.startswith("1970") else said[:10]
    for layer, extent in extents.items():
        if found.lonlat is None and extent.count >= _FEW:
            found.lonlat, found.box = extent.bounds, layer


class _Extent:
    """The box around the first places of ways."""

    def __init__(self) -> None:
        self.count = 0
        self._low = np.array([np.inf, np.inf])
        self._high = -self._low

    def add(self, way: Any) -> None:
        place = next((node.location for node in way.nodes if node.location.valid()), None)
        if place is None:
            return
        self.count += 1
        self._low = np.minimum(self._low, (place.lon, place.lat))
        self._high = np.maximum(self._high, (place.lon, place.lat))

    @property
    def bounds(self) -> Bounds:
        return (float(self._low[0]), float(self._low[1]), float(self._high[0]), float(self._high[1]))


def _count(thing: Any, found: FoundOsm) -> str:
    """Count one object; gives its layer, or nothing."""
    tags = thing.tags
    if thing.is_node():
        if "place" in tags and "name" in tags:
            found.counts["places"] += 1
        return ""
    if tags.get("building", "no") != "no":
        found.counts["buildings"] += 1
        found.tags.update(key for key in ("building:levels", "height") if key in tags)
        return "buildings"
    if thing.is_way() and "highway" in tags and tags.get("area") != "yes":
        found.counts["roads"] += 1
        found.tags.update(key for key in ("maxspeed", "lanes") if key in tags)
        return "roads"
    if tags.get("landuse") == "forest" or tags.get("natural") == "wood":
        found.counts["forest"] += 1
        found.tags.update(["leaf_type"] if "leaf_type" in tags else [])
    elif tags.get("natural") == "water" or "waterway" in tags or tags.get("landuse") in ("reservoir", "basin"):
        found.counts["water"] += 1
    elif tags.get("boundary") == "administrative" and thing.is_relation() and "name" in tags:
        found.counts["admin"] += 1
        found.admin_levels[tags.get("admin_level", "")] += 1
    return ""


@dataclass(frozen=True)
class AdminLevel:
    """Administrative areas of one level that can be assembled whole from an extract.

    Attributes:
        level: OpenStreetMap's `admin_level`.
        names: of the areas.
        unique_names: whether each has its own.
        covered: fraction of the extract's box that they cover.
    """

    level: str
    names: tuple[str, ...]
    unique_names: bool
    covered: float


def admin_levels(path: Path, lonlat: Bounds) -> tuple[list[AdminLevel], list[str]]:
    """Levels of administrative areas that an extract holds whole, the coarsest first.

    Args:
        path: an OpenStreetMap file.
        lonlat: the extract's box in degrees.

    Returns:
        The levels, and the ids of areas that are in none, since their edges cross so often that GEOS would be at it
        for minutes; readers refuse them too.
    """
    import shapely

    report = ReadReport("admin", path.name, "admin")
    raw = read_osm(Request(path, "admin", ("name", "admin_level"), {}, None, None, lonlat=lonlat), report)
    assert raw.crs == LONLAT
    whole = shapely.box(*lonlat)
    usable = np.ones(len(raw.geometries), dtype=bool)
    tangled = sorted(too_tangled(raw.geometries))
    usable[tangled] = False
    areas = np.full(usable.size, None, dtype=np.object_)
    areas[usable] = shapely.make_valid(raw.geometries[usable])
    found = []
    levels = raw.values["admin_level"].astype(str)
    for level in sorted(set(levels[usable]), key=lambda text: (len(text), text)):
        here = (levels == level).to_numpy() & usable
        names = tuple(raw.values["name"][here])
        covered = shapely.area(shapely.intersection(shapely.union_all(areas[here]), whole)) / whole.area
        found.append(AdminLevel(level, names, len(set(names)) == len(names), float(covered)))
    levels_found = [one for one in found if one.level.isdigit() and one.covered > 0]
    return levels_found, [str(raw.ids[k]) for k in tangled]
