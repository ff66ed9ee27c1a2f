"""OpenStreetMap files through libosmium: one streaming read per layer, areas assembled as libosmium does.

Memory is bounded by the region, not the file: objects pass one by one, key filters run in C++ before Python sees
anything, only the tags asked for are kept, and features outside the region's bounds are counted and let go every
20,000. Node places stand in memory for files up to 200 MB (about 16 bytes per node), in a temporary file above.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import osmium
import pandas as pd
import shapely
from osmium.filter import EntityFilter, KeyFilter, TagFilter
from osmium.osm import AREA, NODE, RELATION, WAY

from gis.crs import LONLAT, around, united
from gis.errors import LayerMissing, UnreadableFile, did_you_mean, listed
from gis.geometry_column import GeometryColumn
from gis.layers import ReadReport
from gis.osm_xml import plain_osm
from gis.raw import Raw, Request
from gis.sources import OSM_LAYERS, Range, Where

_CHUNK = 20_000
_IN_MEMORY_BYTES = 200_000_000
_WATERWAYS = ("river", "stream", "canal", "drain", "ditch", "tidal_channel")
_LEAF_TYPES = {"broadleaved": "tree_broadleaf", "needleleaved": "tree_needleleaf", "mixed": "tree_mixed"}

Tags = Any
"""osmium.osm.TagList: `get(key)`."""


@dataclass(frozen=True)
class _Kind:
    """What makes a feature of one layer: the C++ filter, which entities, and the `class` pseudo-column."""

    filter: Callable[[], Any]
    classify: Callable[[Tags], str | None]
    areas: bool = False
    lines: bool = False
    nodes: bool = False
    excluded: Callable[[Tags], bool] = lambda tags: False


def _tag(key: str) -> Callable[[Tags], str | None]:
    return lambda tags: tags.get(key)


def _forest_class(tags: Tags) -> str:
    return _LEAF_TYPES.get(tags.get("leaf_type") or "", "tree")


def _water_class(tags: Tags) -> str | None:
    found = tags.get("waterway") or tags.get("water") or tags.get("natural") or tags.get("landuse")
    return str(found) if found else None


_WATER = (
    *(("natural", "water"), ("landuse", "reservoir"), ("landuse", "basin"), ("waterway", "riverbank")),
    *(("waterway", kind) for kind in _WATERWAYS),
)
_KINDS: dict[str, _Kind] = {
    "buildings": _Kind(
        lambda: KeyFilter("building"), _tag("building"), areas=True, excluded=lambda tags: tags.get("building") == "no"
    ),
    "roads": _Kind(
        lambda: KeyFilter("highway"), _tag("highway"), lines=True, excluded=lambda tags: tags.get("area") == "yes"
    ),
    "forest": _Kind(lambda: TagFilter(("landuse", "forest"), ("natural", "wood")), _forest_class, areas=True),
    "land_use": _Kind(lambda: KeyFilter("landuse"), _tag("landuse"), areas=True),
    "water": _Kind(lambda: TagFilter(*_WATER), _water_class, areas=True, lines=True),
    "places": _Kind(lambda: KeyFilter("place"), _tag("place"), nodes=True, excluded=lambda tags: not tags.get("name")),
    # Closed ways without a name are pieces of a boundary relation (an exclave), no units of their own.
    "admin": _Kind(
        lambda: TagFilter(("boundary", "administrative")),
        _tag("admin_level"),
        areas=True,
        excluded=lambda tags: not tags.get("name"),
    ),
}


def read_osm(request: Request, report: ReadReport) -> Raw:
    """Read one layer (`buildings`, `roads`, `forest`, `land_use`, `water`, `places`, `admin`) of an OSM file.

    Columns are tags, or the pseudo-columns `id` (w123, r45, n6) and `class` (our land cover for forest, else the
    tag that makes the layer). Open ways, relations whose members lie outside the extract, and areas whose rings
    do not close are refused by id; ways that lack nodes are cut there and the nodes counted.

    Raises:
        LayerMissing: no such layer.
        UnreadableFile: truncated, damaged, a history file, or not OSM.
    """
    if request.layer not in _KINDS:
        raise LayerMissing(
            f"{request.path.name} has no layer {request.layer!r}; of an OpenStreetMap file one reads "
            f"{listed(OSM_LAYERS)}.{did_you_mean(request.layer or '', OSM_LAYERS)}"
        )
    kind = _KINDS[request.layer]
    request.tell(0.0)
    collector = _Collector(request, report, kind)
    try:
        with plain_osm(request.path) as path, _processor(path, kind) as processor:
            if processor.header.has_multiple_object_versions:
                raise UnreadableFile(f"{request.path.name} holds the history of objects; expected a plain extract")
            for thing in processor:
                collector.add(thing)
    except (RuntimeError, osmium.InvalidLocationError) as problem:
        raise UnreadableFile(
            f"{request.path.name} cannot be read as OpenStreetMap data ({problem}); it is truncated or damaged"
        ) from problem
    report.crs, report.encoding, report.layer = "EPSG:4326", "UTF-8", request.layer
    raw = collector.finish()
    request.tell(1.0)
    return raw


@contextmanager
def _processor(path: Path, kind: _Kind) -> Iterator[Any]:
    with TemporaryDirectory(prefix="carbonmap-nodes-") as folder:
        entities = NODE if kind.nodes else (AREA | RELATION | WAY) if kind.areas else WAY
        processor = osmium.FileProcessor(str(path))
        if kind.areas or kind.lines:
            large = path.stat().st_size > _IN_MEMORY_BYTES
            processor = processor.with_locations(f"sparse_file_array,{folder}/nodes" if large else "flex_mem")
        if kind.areas:
            processor = processor.with_areas(kind.filter())
        yield processor.with_filter(EntityFilter(entities)).with_filter(kind.filter())


@dataclass
class _Collector:
    """Features of one read, parsed and cut to the bounds in chunks."""

    request: Request
    report: ReadReport
    kind: _Kind
    ids: list[str] = field(default_factory=list)
    shapes: list[Any] = field(default_factory=list)
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    done_ids: list[np.ndarray] = field(default_factory=list)
    done_shapes: list[np.ndarray] = field(default_factory=list)
    done_rows: list[tuple[str | None, ...]] = field(default_factory=list)
    pending: dict[str, None] = field(default_factory=dict)
    """Closed ways and relations met without their area, or areas met before their relation."""
    other_relations: int = 0
    ways_with_missing_nodes: int = 0

    def __post_init__(self) -> None:
        self.wkb = osmium.geom.WKBFactory()

    def add(self, thing: Any) -> None:
        """Take one object that passed the filters."""
        if thing.is_area():
            self._area(thing)
        elif thing.is_way():
            self._way(thing)
        elif thing.is_node():
            self._candidate(f"n{thing.id}", thing.tags, lambda: shapely.Point(thing.lon, thing.lat))
        elif thing.is_relation():
            if thing.tags.get("type") not in ("multipolygon", "boundary"):
                self.other_relations += 1
            else:
                self._toggle(f"r{thing.id}", thing.tags)
        if len(self.ids) >= _CHUNK:
            self._flush()

    def _wanted(self, tags: Tags) -> bool:
        return not self.kind.excluded(tags) and _passes(self.request.where, tags)

    def _toggle(self, name: str, tags: Tags) -> None:
        """Pair an area with the way or relation it comes from, whichever is met first."""
        if name in self.pending:
            del self.pending[name]
        elif self._wanted(tags):
            self.pending[name] = None

    def _area(self, area: Any) -> None:
        name = f"{'w' if area.from_way() else 'r'}{area.orig_id()}"
        self._toggle(name, area.tags)
        self._candidate(name, area.tags, lambda: self.wkb.create_multipolygon(area), "its rings do not close or cross")

    def _way(self, way: Any) -> None:
        tags = way.tags
        if self.kind.areas:
            if way.is_closed() and len(way.nodes) > 3 and tags.get("area") != "no":
                if not (self.kind.lines and tags.get("waterway") in _WATERWAYS):
                    self._toggle(f"w{way.id}", tags)
                    self._count_missing(way)
                    return  # libosmium hands it over as an area
            elif not self.kind.lines:
                if self.request.layer != "admin":  # boundary lines are members of relations, no areas themselves
                    self._candidate(f"w{way.id}", tags, lambda: None, "an open way, expected an area")
                return
            elif tags.get("waterway") not in _WATERWAYS:
                self._candidate(f"w{way.id}", tags, lambda: None, "an open way, expected an area")
                return
        self._candidate(f"w{way.id}", tags, lambda: self._line(way), "fewer than two places of it are in the extract")

    def _line(self, way: Any) -> Any:
        try:
            return self.wkb.create_linestring(way)
        except (osmium.InvalidLocationError, RuntimeError):  # nodes are missing, or there is but one place
            self._count_missing(way)
        runs: list[list[tuple[float, float]]] = [[]]
        for node in way.nodes:
            if node.location.valid():
                runs[-1].append((node.lon, node.lat))
            elif runs[-1]:
                runs.append([])
        lines = [shapely.LineString(run) for run in runs if len(set(run)) > 1]
        if not lines:
            return None
        return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)

    def _count_missing(self, way: Any) -> None:
        try:
            self.wkb.create_linestring(way)  # in C++: looking at every node from Python costs ten times as much
        except (osmium.InvalidLocationError, RuntimeError):
            missing = sum(not node.location.valid() for node in way.nodes)
            self.report.missing_nodes += missing
            self.ways_with_missing_nodes += bool(missing)

    def _candidate(self, name: str, tags: Tags, shape: Callable[[], Any], problem: str = "no geometry") -> None:
        self.report.read += 1
        if not self._wanted(tags):
            self.report.filtered += 1
            return
        try:
            geometry = shape()
        except RuntimeError:  # libosmium: a degenerate line, or an area without rings
            geometry = None
        if geometry is None:
            self.report.refused.append((name, problem))
            return
        self.ids.append(name)
        self.shapes.append(geometry)
        self.rows.append(tuple(self._value(column, name, tags) for column in self.request.columns))

    def _value(self, column: str, name: str, tags: Tags) -> str | None:
        if column == "id":
            return name
        value = self.kind.classify(tags) if column == "class" else tags.get(column)
        return None if value is None else str(value)

    def _flush(self) -> None:
        if not self.ids:
            return
        shapes = np.empty(len(self.shapes), dtype=object)
        shapes[:] = self.shapes
        encoded = np.array([isinstance(shape, str) for shape in self.shapes], dtype=bool)
        shapes[encoded] = shapely.from_wkb(shapes[encoded])
        ids = np.array(self.ids, dtype=object)
        keep = np.ones(len(ids), dtype=bool)
        if self.request.lonlat is not None:
            west, south, east, north = self.request.lonlat
            bounds = shapely.bounds(shapes)
            keep = ~((bounds[:, 2] < west) | (bounds[:, 0] > east) | (bounds[:, 3] < south) | (bounds[:, 1] > north))
            self.report.outside += int((~keep).sum())
            self.report.beyond = united(self.report.beyond, around(bounds[~keep]))
        self.done_ids.append(ids[keep])
        self.done_shapes.append(shapes[keep])
        self.done_rows.extend(row for row, kept in zip(self.rows, keep, strict=True) if kept)
        self.ids, self.shapes, self.rows = [], [], []

    def finish(self) -> Raw:
        """Account for what never became an area, and give the features."""
        self._flush()
        for name in self.pending:
            self.report.read += 1
            parts = "nodes" if name[0] == "w" else "members"
            self.report.refused.append((name, f"no area can be assembled: {parts} outside the extract, or open rings"))
        notes = self.report.notes
        if self.other_relations:
            notes.append(
                f"{self.other_relations} relations carry the layer's tag but are no areas (type is not multipolygon)"
            )
        if self.ways_with_missing_nodes:
            notes.append(f"{self.ways_with_missing_nodes} ways are clipped: nodes they name are not in the extract")
        empty = np.zeros(0, dtype=object)
        columns = self.request.columns
        cells = list(zip(*self.done_rows, strict=True)) if self.done_rows else [()] * len(columns)
        for column, column_cells in zip(columns, cells, strict=True):
            if all(cell is None for cell in column_cells):
                notes.append(f"no feature carries the tag {column!r}")
        values = pd.DataFrame(
            {column: pd.Series(list(cell), dtype=object) for column, cell in zip(columns, cells, strict=True)},
            index=range(len(self.done_rows)),
        )
        ids, shapes = np.concatenate([empty, *self.done_ids]), np.concatenate([empty, *self.done_shapes])
        return Raw(ids, GeometryColumn.of_objects(shapes), values, LONLAT)


def _passes(where: Where, tags: Tags) -> bool:
    for key, allowed in where.items():
        value = tags.get(key)
        if not isinstance(allowed, Range):
            if value not in allowed:
                return False
            continue
        if value is None:
            return False
        try:
            number = float(value)
        except ValueError:
            return False
        if (allowed.min is not None and number < allowed.min) or (allowed.max is not None and number > allowed.max):
            return False
    return True
