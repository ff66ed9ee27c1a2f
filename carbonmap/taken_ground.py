"""Ground that the forest maps before a source have taken: it takes up carbon once, and the map listed first says how.

Stands of the maps before lie on disk, part by part. Of a part those are read that share ground with what is worked on,
so that memory follows what really overlaps; a land-cover raster needs their outlines, without the borders within.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from carbonmap.parts import Part, WorkFolder
from carbonmap.plan import Plan
from gis.geometry_column import GeometryColumn
from gis.overlaps import FOREST
from gis.sources import Source
from grids.shared_ground import ground_shared_with
from grids.shares import clip_to
from grids.unions import union_of

Geometries = NDArray[np.object_]


class TakenGround:
    """The stands of forest maps that were worked on before a source, as far as they lie in their maps' domains."""

    def __init__(
        self, plan: Plan, sources: Sequence[Source], before: Source, parts: Mapping[str, list[Part]], work: WorkFolder
    ) -> None:
        """Find the parts; nothing of them is read yet.

        Args:
            plan: the region.
            sources: all of the region, in order.
            before: the source that gets the rest of the ground.
            parts: of each source; those of the forest maps before are done.
            work: where they are kept.
        """
        maps = [source for source in sources[: sources.index(before)] if source.sector in FOREST]
        self._work = work
        self._parts = [
            (part, plan.domain(source))
            for source in maps
            if not source.is_raster
            for part in parts[source.id]
            if work.has_features(part)
        ]

    def shared_with(self, stands: GeometryColumn) -> Iterator[GeometryColumn]:
        """Stands of the maps before that share ground with some of these, part by part."""
        around = np.array([np.inf, np.inf, -np.inf, -np.inf])
        if len(stands):
            bounds = stands.bounds
            around = np.concatenate((np.nanmin(bounds[:, :2], axis=0), np.nanmax(bounds[:, 2:], axis=0)))
        for part, domain in self._parts:
            earlier = GeometryColumn.of_arrow(self._wkb(part))
            west, south, east, north = earlier.bounds.T
            meets = (west <= around[2]) & (east >= around[0]) & (south <= around[3]) & (north >= around[1])
            earlier = earlier.take(meets)
            which = np.unique(ground_shared_with(stands.wkb, earlier.wkb).second) if len(earlier) else np.zeros(0, int)
            if which.size:
                yield GeometryColumn.of_objects(_inside(earlier.objects(which), domain))

    def outlines(self) -> Geometries:
        """(m,) polygons that cover the ground taken and nothing else; those of several parts may share ground."""
        found = [np.empty(0, dtype=object)]
        for part, domain in self._parts:
            stands = _inside(shapely.from_wkb(self._wkb(part).to_numpy(zero_copy_only=False)), domain)
            found.append(shapely.get_parts(union_of(stands[shapely.get_dimensions(stands) == 2])))
        return np.concatenate(found)

    def _wkb(self, part: Part) -> pa.ChunkedArray:
        return self._work.read(part, "features", columns=["geometry"])["geometry"]


def _inside(stands: Geometries, domain: BaseGeometry) -> Geometries:
    """What lies in the domain of stands."""
    clipped = clip_to(stands, domain)
    inside: Geometries = clipped.geometries[clipped.inside > 0]
    return inside
