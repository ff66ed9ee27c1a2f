"""Road graphs of editions, kept between jobs: each takes longer to make than most scenarios to run on it."""

import threading

from api.process_inputs import Work
from api.scenario_runs import Asked, Lately, drawn_polygon, named_polygons
from grids.edition import Edition
from scenarios.edition_roads import edition_roads
from scenarios.places import area_outline
from scenarios.road_graph import RoadGraph, road_graph
from scenarios.road_steps import RoadWork

MOST_BYTES = 1_000_000_000
_LINK_BYTES = 1_500
"""Of a link with its line as an object, roughly."""
_FROM, _TO = 0.15, 0.9
"""The part of a job's progress that the work on roads is."""


class RoadGraphs:
    """Road graphs by edition and year."""

    def __init__(self) -> None:
        self._graphs: Lately[RoadGraph] = Lately(MOST_BYTES)
        self._making = threading.Lock()

    def graph(self, edition: Edition, year: int) -> RoadGraph | None:
        """Return the graph of an edition's roads; None where cars use none."""
        key = (edition.region.id, edition.id, year)
        with self._making:
            found = self._graphs.get(key)
            if found is None:
                roads = edition_roads(edition, year)
                if roads is None:
                    return None
                found = road_graph(roads)
                self._graphs.keep(key, found, len(found.km) * _LINK_BYTES)
            return found

    def work(self, edition: Edition, asked: Asked, work: Work) -> RoadWork | None:
        """Return what measures of roads need; None where the edition has no roads."""
        graph = self.graph(edition, asked.year)
        if graph is None:
            return None

        def progress(done: int, of_all: int) -> None:
            work.progress(_FROM + (_TO - _FROM) * done / max(of_all, 1), f"assigns trips, {done} of {of_all} blocks")

        return RoadWork(
            graph,
            area_outline(edition.crs, named_polygons(edition, asked.year), drawn_polygon(edition)),
            progress,
            work.cancelled,
        )
