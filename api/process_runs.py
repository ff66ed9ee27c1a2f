"""The processes that jobs execute: what each is called, asks, and answers. They run in workers of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from api.errors import InvalidParameter
from api.kept_results import CellValues
from api.mix_answers import best_mix
from api.mix_inputs import MixInputs
from api.process_inputs import BaselineYear, Grid, Inputs, Work
from api.road_runs import RoadGraphs
from api.scenario_answers import result_answer
from api.scenario_runs import MOST_SAMPLES, Asked, grid_of, read_document
from api.where_runs import WhereInputs, where_to_act

__all__ = ["PROCESSES", "Process", "ScenarioInputs", "Work"]

MOST_MEASURES = 100
VERSION = "1.0.0"
_GRAPHS = RoadGraphs()


class ScenarioInputs(Inputs):
    """A scenario, as it is sent to scenarios/results; roads and many measures may take seconds here."""

    scenario: dict[str, Any] = Field(
        title="Scenario", description="its JSON Schema is the `document` of scenarios/measures"
    )
    collection: Grid = None
    year: BaselineYear = None
    samples: int = Field(
        default=0, ge=0, le=MOST_SAMPLES, title="Samples", description="for 90 % intervals; 0 for none"
    )


def run_scenario(inputs: ScenarioInputs, work: Work) -> dict[str, Any]:
    """Run a scenario, and remember it for tiles and items.

    Raises:
        ScenarioError: it cannot be carried out on this edition. Stopped: the job was dismissed.
        InvalidParameter: it is too large.
    """
    edition, places = work.edition, work.places
    scenario = read_document(inputs.scenario, MOST_MEASURES)
    grid = grid_of(edition, inputs.collection)
    asked = Asked(scenario, grid, edition.year(grid, inputs.year), inputs.samples)
    work.progress(0.02, "reads the baseline")
    places.runs.baseline(edition, asked.collection, asked.year)
    roads = None
    if asked.takes_long:
        work.progress(0.05, "reads the roads")
        roads = _GRAPHS.work(edition, asked, work)
        if roads is None:
            raise InvalidParameter("measures: region has no roads that cars may use, so that none can be changed")
    result = places.runs.result(edition, asked, roads=roads, cancelled=work.cancelled)
    work.progress(0.95, "keeps what it found")
    places.kept.note(edition.region.id, asked)
    if asked.takes_long:
        places.kept.keep_cells(edition.region.id, edition.id, asked.digest, CellValues.of(result))
    return result_answer(edition, asked, result)


@dataclass(frozen=True)
class Process:
    """A process.

    Attributes:
        id, title, description: of it.
        inputs: the model of what it asks.
        run: works it out.
    """

    id: str
    title: str
    description: str
    inputs: type[Inputs]
    run: Callable[[Any, Work], dict[str, Any]]


PROCESSES: Mapping[str, Process] = {
    one.id: one
    for one in (
        Process(
            "scenario",
            "Scenario",
            "What changes if the city takes another form or measures are taken; measures of roads are timed on the "
            "network. What it gives is remembered, with tiles and items.",
            ScenarioInputs,
            run_scenario,
        ),
        Process(
            "best-mix",
            "Best mix",
            "Which measures, at which level, in which places: for a target at least cost, or for a budget at best use; "
            "with the proven gap, the marginal abatement curve, and a full simulation of what was chosen.",
            MixInputs,
            best_mix,
        ),
        Process(
            "where-to-act",
            "Where to act",
            "Places where emissions are dense beyond chance, and zones around them that may be managed first.",
            WhereInputs,
            where_to_act,
        ),
    )
}
