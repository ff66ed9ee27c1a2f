"""Running scenarios for requests: baselines and results that were asked for lately are kept, within limits.

A result is a pure function of edition, document and what is asked of it, so these are its key.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import numpy as np
import orjson
from scipy.sparse import csr_array
from shapely.geometry.base import BaseGeometry

from api.drawn import read_drawn
from api.errors import InvalidParameter
from api.params import composed
from api.statistics import chosen_items
from api.turns import given_up
from grids.edition import Edition
from scenarios.edition_places import grid_to_start_from, zones_by_name
from scenarios.edition_state import edition_state
from scenarios.errors import InvalidScenario
from scenarios.places import DrawnPolygon, Rings, ZonePolygons, area_coverage
from scenarios.result import Result
from scenarios.road_steps import RoadWork
from scenarios.run import Baseline, baseline_of, run
from scenarios.scenario import FORMS, ROADS, Scenario, read_scenario
from scenarios.stopping import Cancelled

MOST_CELLS = 50_000
MOST_GROUND = 400_000
"""Cells of the rectangle around those that count: what is worked out for all of it."""
MOST_MEASURES = 50
"""As many as the best mix can choose: twelve measures on four levels, and two more."""
MOST_FORMS = 6
"""Each form is worked out once for every form beside it, to tell what each does alone and on top of the others."""
MOST_ROADS = 12
"""Measures of roads: what each does on top of the others asks for the traffic on several graphs each."""
MOST_SAMPLES = 500
MOST_DOCUMENT_BYTES = 500_000
MOST_WORK = 200_000_000
"""Cells x forms x samples (each at least 1) x, with forms, sets of elasticities, of a run that somebody waits for: some
seconds."""
_SEED = 0

_ENTRY = 4096
"""Bytes that an entry takes beside its arrays, about: its key, objects, small texts."""
_PARSED = 8
"""How much longer a document is as objects than as JSON, about."""

Kept_ = TypeVar("Kept_")


@dataclass(frozen=True)
class Asked:
    """What is asked of a scenario.

    Attributes:
        scenario: the document.
        collection, year: the grid and year to start from.
        samples: how many to draw.
    """

    scenario: Scenario
    collection: str
    year: int
    samples: int

    @property
    def takes_long(self) -> bool:
        """Whether it changes roads, which takes seconds."""
        return any(measure.kind in ROADS for measure in self.scenario.measures)

    @property
    def digest(self) -> str:
        """SHA-256 of what the result follows from besides the edition; the name is none of it."""
        said = [
            self.scenario.model_dump(mode="json", exclude={"name"}), self.collection, self.year, self.samples,
        ]  # fmt: skip
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, eq=False)
class Areas:
    """Areas that a result is asked of: what names them, and their shares (areas, n) of the cells that count."""

    name: Hashable
    shares: csr_array


class Lately(Generic[Kept_]):
    """What was made lately, up to so many bytes; what was not asked for longest goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Kept_, int]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: Hashable) -> Kept_ | None:
        """Return what is kept under a key, if anything is."""
        with self._guard:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Hashable, made: Kept_, size: int) -> None:
        """Keep something of so many bytes and its entry; the latest is kept however large it is."""
        size += _ENTRY
        with self._guard:
            if key in self._kept:
                return
            self._kept[key] = (made, size)
            self._bytes += size
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1][1]


class Runs:
    """Runs scenarios on editions; one object per process, used by its threads at once.

    Args:
        most_bytes: what is kept of baselines, and of results.
        most_work: cells x forms x samples x sets of elasticities of one run; None for jobs, which have a limit of time.
    """

    def __init__(self, most_bytes: int = 200_000_000, most_work: int | None = MOST_WORK) -> None:
        self._most_work = most_work
        self._baselines: Lately[Baseline] = Lately(most_bytes)
        self._results: Lately[Result] = Lately(most_bytes)
        self._making = threading.Lock()

    def baseline(self, edition: Edition, collection: str, year: int) -> Baseline:
        """Return the baseline of a grid and year, made ready.

        Raises:
            InvalidParameter: too many cells.
            InvalidState: no grid, or nothing to start from.
        """
        key = (edition.region.id, edition.id, collection, year)
        # One at a time: two that ask for the same one would make it twice, and it is large.
        with self._making:
            found = self._baselines.get(key)
            if found is None:
                rows = edition.page(collection, year, ["id"], limit=0).matched
                if rows > MOST_CELLS:
                    raise InvalidParameter(
                        f"collection: {collection!r} has {rows} cells, at most {MOST_CELLS} are taken: ask for a "
                        "coarser grid"
                    )
                state = edition_state(edition, collection, year)
                if state.inside.size > MOST_GROUND:
                    raise InvalidParameter(
                        f"collection: {collection!r} stretches over {state.inside.size} cells, at most {MOST_GROUND} "
                        "are taken: ask for a coarser grid"
                    )
                found = baseline_of(state)
                arrays = [value for value in vars(state).values() if isinstance(value, np.ndarray)]
                self._baselines.keep(key, found, 3 * sum(array.nbytes for array in arrays))
            return found

    def result(
        self,
        edition: Edition,
        asked: Asked,
        areas: Areas | None = None,
        roads: RoadWork | None = None,
        cancelled: Cancelled = given_up,
    ) -> Result:
        """Run a scenario, or return what it gave lately.

        Args:
            edition: what it starts from.
            asked: which scenario, and how.
            areas: of which samples are wanted too; needed only where there are samples.
            roads: for measures of roads, which take longer than an answer may.
            cancelled: asked while it runs: whether nobody waits for it any more.

        Raises:
            ScenarioError: it cannot be carried out on this edition.
            InvalidParameter: too large, or with measures of roads without `roads`.
            Stopped: cancelled.
        """
        if roads is None and asked.takes_long:
            raise InvalidParameter(
                "measures: those of roads take longer than an answer may: send the scenario to "
                f"/api/{edition.region.id}/processes/scenario/execution with the header 'Prefer: respond-async'"
            )
        drawn_in = areas if asked.samples else None
        key = (edition.region.id, edition.id, asked.digest, drawn_in and drawn_in.name)
        found = self._results.get(key)
        if found is None:
            baseline = self.baseline(edition, asked.collection, asked.year)
            self._check_work(asked, baseline)
            found = run(
                baseline,
                asked.scenario,
                area_coverage(baseline.state, named_polygons(edition, asked.year), drawn_polygon(edition)),
                samples=asked.samples,
                seed=_SEED,
                zones=None if drawn_in is None else drawn_in.shares,
                roads=roads,
                cancelled=cancelled,
            )
            self._results.keep(key, found, _size(found))
        return found

    def _check_work(self, asked: Asked, baseline: Baseline) -> None:
        cells, forms = baseline.state.cells, sum(measure.kind in FORMS for measure in asked.scenario.measures)
        # Without new forms the sets say the same, and samples are drawn once.
        sets = len(baseline.parameters.elasticities) if forms else 1
        work = cells * max(forms, 1) * max(asked.samples, 1) * sets
        if self._most_work is not None and work > self._most_work:
            raise InvalidParameter(
                f"samples: {cells} cells x {max(forms, 1)} forms x {asked.samples} samples x {sets} sets of "
                f"elasticities are {work}, at most {self._most_work} are taken at once: ask for fewer samples or a "
                "coarser grid, or execute the process 'scenario' as a job"
            )


def read_document(body: bytes | dict[str, Any], most_measures: int = MOST_MEASURES) -> Scenario:
    """Read a scenario that somebody sent.

    Args:
        body: its document.
        most_measures: how many are taken.

    Raises:
        InvalidScenario: it breaks the schema. InvalidParameter: it is larger than what is taken.
    """
    document = body
    if isinstance(body, bytes):
        try:
            document = orjson.loads(body)  # stricter than the engine's own reader: half letters could not be looked up
        except orjson.JSONDecodeError as error:
            raise InvalidScenario(f"The scenario is no JSON: {error}") from error
    scenario = read_scenario(document)
    if len(scenario.measures) > most_measures:
        raise InvalidParameter(
            f"measures: got {len(scenario.measures)}, at most {most_measures} are taken; put areas of one measure "
            "together"
        )
    forms = sum(measure.kind in FORMS for measure in scenario.measures)
    if forms > MOST_FORMS:
        raise InvalidParameter(f"measures: got {forms} that change the form, at most {MOST_FORMS} are taken")
    roads = sum(measure.kind in ROADS for measure in scenario.measures)
    if roads > MOST_ROADS:
        raise InvalidParameter(
            f"measures: got {roads} that change roads, at most {MOST_ROADS} are taken: one measure may name many roads"
        )
    return scenario


def drawn_polygon(edition: Edition) -> DrawnPolygon:
    """What reads the drawn areas of measures, with the checks and limits of every polygon that is sent.

    Raises:
        InvalidScenario: (when called) it cannot be used; says why.
    """

    def polygon(rings: Rings) -> BaseGeometry:
        closed = [[*ring, ring[0]] if ring[0] != ring[-1] else list(ring) for ring in rings]
        try:
            drawn = read_drawn({"type": "Polygon", "coordinates": closed}, edition)
        except InvalidParameter as error:  # the engine tells which measure it is
            raise InvalidScenario(f"its area: {str(error).removeprefix('body: ')}") from error
        return cast(BaseGeometry, drawn.shape)

    return polygon


def grid_of(edition: Edition, collection: str | None) -> str:
    """Return the grid asked for, or the one nearest to 500 m that is not too large.

    Raises:
        InvalidState: what was asked for is no grid, or there is none. CollectionNotFound: no such collection.
    """
    return grid_to_start_from(edition, collection, MOST_CELLS)


def named_polygons(edition: Edition, year: int) -> ZonePolygons:
    """What looks up the items that areas of measures name, with the limits of ids that are sent: `item_polygons`."""

    def polygons(collection: str, ids: Sequence[str]) -> Sequence[BaseGeometry]:
        return item_polygons(edition, collection, year, ids)

    return polygons


def item_polygons(edition: Edition, collection: str, year: int, ids: Sequence[str]) -> Sequence[BaseGeometry]:
    """Return the polygons of items of a collection, in the region's CRS.

    Raises:
        CollectionNotFound, YearNotFound: no such table. ItemNotFound: no such item in it.
        InvalidParameter: too many, or one of them twice.
    """
    info, known = edition.collection(collection), edition.year(collection, year)
    chosen = chosen_items(edition, info, known, [composed(one) for one in ids])
    return zones_by_name(edition, known)(collection, chosen.ids)


def _size(result: Result) -> int:
    arrays = [array for each in result.outcomes.values() for array in (each.change_tco2e, each.by_measure_tco2e)]
    if result.samples is not None:
        drawn = result.samples
        arrays += [drawn.sectors_tco2e, drawn.cells_sd_tco2e, drawn.path_tco2e, *drawn.sets_tco2e.values()]
        arrays += [] if drawn.zones_tco2e is None else [drawn.zones_tco2e]
        arrays += [*drawn.sets_zones_tco2e.values(), *drawn.sets_cells_sd_tco2e.values()]
    # A new form brings a state of its own.
    arrays += [value for value in vars(result.after).values() if isinstance(value, np.ndarray)]
    distinct = {id(array): array.nbytes for array in arrays}  # sets that move nothing share those of the first
    document = _PARSED * len(result.scenario.model_dump_json())  # drawn areas of a small grid outweigh its arrays
    return sum(distinct.values()) + document
