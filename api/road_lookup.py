"""Roads of editions by place and by id, kept between requests."""

import threading
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely

from api.errors import InvalidParameter
from api.scenario_runs import Lately
from grids.edition import Edition
from scenarios.edition_roads import edition_roads
from scenarios.open_features import open_features, open_layers
from scenarios.road_graph import Roads

MOST_ROADS = 400_000
"""More take too long to be read while somebody waits; measures there are given areas."""
MOST_BYTES = 400_000_000
_ROAD_BYTES = 1_000
"""Of a road with its line as an object and its place in the tree, roughly."""


@dataclass(frozen=True)
class Road:
    """A road as measures name it.

    Attributes:
        id: its name; pieces of one road are one.
        line: line, or lines, in the region's CRS.
        km: length.
        kmh, lanes, aadt: mean speed, lanes and vehicles a day of both directions, of its first piece; NaN unknown.
        oneway: whether cars run in one direction only.
    """

    id: str
    line: shapely.Geometry
    km: float
    kmh: float
    lanes: float
    aadt: float
    oneway: bool


class KnownRoads:
    """Roads with an index of where they are."""

    def __init__(self, roads: Roads) -> None:
        self._roads = roads
        self._tree = shapely.STRtree(roads.lines)

    @cached_property
    def _rows(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, name in enumerate(self._roads.ids):
            found.setdefault(str(name), []).append(row)
        return found

    def nearest(self, place: shapely.Geometry, within_m: float) -> str | None:
        """Id of the road nearest to a point in the region's CRS, within so many metres; None where there is none."""
        rows = self._tree.query_nearest(place, max_distance=within_m, all_matches=False)
        return str(self._roads.ids[int(rows[0])]) if len(rows) else None

    def road(self, name: str) -> Road | None:
        """The road of that id; None if there is none."""
        rows = self._rows.get(name)
        if rows is None:
            return None
        lines, first = self._roads.lines[rows], rows[0]
        line: shapely.Geometry = lines[0] if len(lines) == 1 else shapely.MultiLineString(list(lines))
        roads = self._roads
        return Road(
            name, line, float(shapely.length(line)) / 1000, float(roads.kmh[first]), float(roads.lanes[first]),
            float(roads.aadt[first]), bool(roads.oneway[first] != 0),
        )  # fmt: skip


class RoadLookup:
    """Roads by edition and year; one object per process, used by its threads at once."""

    def __init__(self) -> None:
        # In a tuple: that an edition has no roads takes reading it, and is kept too.
        self._known: Lately[tuple[KnownRoads | None]] = Lately(MOST_BYTES)
        self._making = threading.Lock()

    def roads(self, edition: Edition, year: int) -> KnownRoads | None:
        """Return the roads that cars use in an edition; None where it has none.

        Raises:
            InvalidParameter: they are too many to be looked up one by one.
            EditionBroken: it has lost them.
        """
        key = (edition.region.id, edition.id, year)
        # One at a time: two that ask for the same ones would read them twice.
        with self._making:
            found = self._known.get(key)
            if found is None:
                layers = open_layers(edition, "transport") or ()
                count = sum(open_features(edition, layer).rows for layer in layers)
                if not layers:  # then those that are drawn as background
                    count = edition.context_count("roads")
                if count > MOST_ROADS:
                    raise InvalidParameter(
                        f"region: {edition.region.id!r} has {count} roads, at most {MOST_ROADS} are looked up one by "
                        "one: give the measure an area over the roads that are meant"
                    )
                roads = edition_roads(edition, year)
                found = (None if roads is None else KnownRoads(roads),)
                self._known.keep(key, found, 0 if roads is None else len(np.asarray(roads.ids)) * _ROAD_BYTES)
            return found[0]
