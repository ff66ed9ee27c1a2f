"""`carbonmap scenario`: a scenario's document run on an edition, and what comes out as files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scipy.sparse import csr_array, vstack

from carbonmap.errors import RegionError
from carbonmap.place_files import FORMATS, Folder, json_text, write_table
from carbonmap.progress import Progress
from carbonmap.scenario_detail import detail_table
from carbonmap.scenario_tables import result_tables, zone_places
from grids.edition import Edition, Store
from grids.exports.labels import record, warnings_of
from grids.shipped import data_folder
from scenarios.comparison import Difference, check_comparable, difference
from scenarios.edition_places import grid_to_start_from, zones_by_name
from scenarios.edition_roads import edition_roads
from scenarios.edition_state import edition_state
from scenarios.places import area_coverage, area_outline
from scenarios.result import Result
from scenarios.road_graph import road_graph
from scenarios.road_steps import RoadWork
from scenarios.run import baseline_of, run
from scenarios.scenario import ROADS, Scenario, read_scenario
from scenarios.state import SECTORS
from scenarios.summary import summary

NOTES = {
    "what": "what if, not a forecast: the published values of the edition, changed by what the scenario says; "
    "protected (held) cells count with the value that is published for them",
    "numbers": "tCO2e a year in the scenario's year, by the first set of elasticities; low and high are the range over "
    "all sets and no interval",
    "intervals": "90 %, from samples: parameters, factors and activities drawn together, shared errors shared; "
    "elasticities are not drawn, and each set of them has an interval of its own, in the same worlds",
}
"""What must be read beside the numbers."""


@dataclass(frozen=True, eq=False)
class Ran:
    """A run and its files: the folder, their names in the order they were written, and their size.

    `against` holds what it was compared with, by name.
    """

    edition: Edition
    result: Result
    against: dict[str, Difference]
    folder: Path
    names: tuple[str, ...]
    bytes: int


def read_document(given: str) -> Scenario:
    """Read a scenario: a file (JSON), or the name of one that ships with the program.

    Raises:
        RegionError: neither. InvalidScenario: it breaks the schema.
    """
    path = Path(given)
    if path.suffix != ".json" and not path.exists():
        path = _examples() / f"{given}.json"
        if not path.exists():
            raise RegionError(
                f"{given!r} is no file here, and no scenario that ships with the program: {', '.join(example_names())}."
            )
    return read_scenario(path.read_bytes())


def example_names() -> list[str]:
    """Names of the scenarios that ship with the program."""
    return sorted(path.stem for path in _examples().glob("*.json"))


def run_scenario(
    store: Path,
    region: str,
    scenario: Scenario,
    *,
    edition: str | None = None,
    collection: str | None = None,
    year: int | None = None,
    samples: int = 200,
    seed: int = 0,
    against: Mapping[str, Scenario] | None = None,
    zone_sets: Sequence[str] | None = None,
    detail: str | None = None,
    formats: Sequence[str] = tuple(FORMATS),
    out: Path | None = None,
    progress: Progress,
) -> Ran:
    """Run a scenario and write its tables, its summary and its document; each file appears whole or not at all.

    Args:
        store: folder of the editions.
        region: id of a region in it.
        scenario: the document.
        edition: the one served if None.
        collection: the grid to start from; the one nearest to 500 m if None.
        year: of the baseline; the latest if None.
        samples: how many to draw for intervals; 0 for none.
        seed: of the samples.
        against: other scenarios, by name, to compare it with in all.
        zone_sets: ids of collections that cells are added up in; all zone sets if None.
        detail: id of a finer grid, to tell the result in its cells where measures have areas.
        formats: some of `FORMATS`.
        out: folder to write into; `<region>-<scenario>` in the working folder if None.
        progress: told of every step.

    Raises:
        RegionError: it has measures of roads and the edition no roads, or detail of a scenario without areas.
        ScenarioError: it cannot be carried out on this edition. GridError: no such region, collection or zone.
    """
    opened = Store(store).open(region, edition)
    sets = [info.id for info in opened.manifest.collections if info.kind == "zones"] if zone_sets is None else zone_sets
    on_roads = any(measure.kind in ROADS for measure in scenario.measures)
    others = dict(against or {})
    for other in others.values():
        check_comparable(scenario, other)
    on_roads = on_roads or any(measure.kind in ROADS for other in others.values() for measure in other.measures)
    progress.plan(4 + len(others) + len(sets) + on_roads + 2 * (detail is not None))
    grid = grid_to_start_from(opened, collection)
    progress.step(f"reading {grid}")
    state = edition_state(opened, grid, year)
    named = zones_by_name(opened, state.year)
    zones = [zone_places(opened, state, each) for each in sets]
    work = None
    if on_roads:
        progress.step("joining the roads to a graph")
        roads = edition_roads(opened, state.year)
        if roads is None:
            raise RegionError(
                f"the scenario has measures of roads, and edition {opened.id} of {region} draws no roads that cars may "
                "use: leave these measures out, or build the region with roads as a source or as background."
            )
        work = RoadWork(road_graph(roads), area_outline(state.frame.crs, named))
    progress.step(f"running {len(scenario.measures)} measures with {samples} samples")
    shares = csr_array(vstack([each.shares for each in zones])) if zones else None
    ready, covers = baseline_of(state), area_coverage(state, named)
    result = run(ready, scenario, covers, samples=samples, seed=seed, zones=shares, roads=work)
    compared = {}
    for name, other in others.items():
        progress.step(f"running {name}")
        compared[name] = difference(result, run(ready, other, covers, samples=samples, seed=seed, roads=work))
    about = {
        "baseline_year": state.year,
        "scenario": scenario.model_dump(mode="json", exclude_none=True),
        "illustrative_result": result.illustrative,
        "samples": samples,
        "notes": NOTES,
    }
    told = {**record(opened), **about, "result": summary(result)}
    if compared:
        told["less_than"] = {name: asdict(found) for name, found in compared.items()}
    tables = result_tables(opened, result, zones, about)
    if detail is not None:
        progress.step(f"laying it on {detail}")
        tables.append(detail_table(opened, result, ready, detail, named, about))
    with Folder(Path(f"{region}-{slug(scenario.name)}") if out is None else out) as folder:
        for table in tables:
            progress.step(table.name)
            write_table(folder, table, opened, formats)
        progress.step("summary.json")
        folder.write_text("summary.json", json_text(told))
        folder.write_text("scenario.json", json_text(about["scenario"]))
        folder.write_text("path.csv", _path_csv(result))
    return Ran(opened, result, compared, folder.path, tuple(folder.names), folder.bytes)


def result_lines(ran: Ran) -> list[str]:
    """What a run says, for the terminal: labels first, then the change with range and interval, measures and target."""
    told = summary(ran.result)
    first, illustrative = told["elasticities"], "ILLUSTRATIVE: " if told["illustrative"] else ""
    lines = [*warnings_of(ran.edition)]
    if illustrative:
        lines.append("ILLUSTRATIVE: the result rests on numbers that no publication stands behind; see notes in "
                     "summary.json.")  # fmt: skip
    change, before = told["change_tco2e"], told["baseline_tco2e"]
    lines.append(
        f"{told['region']}, edition {told['edition']}, {told['collection']}: change in {told['year']} against "
        f"{told['baseline_year']}, tCO2e a year, by {first}"
    )
    for name in (*SECTORS, "net"):
        known = "unknown" if before[name] is None else f"{before[name]:,.0f}"
        lines.append(f"  {name:<11}{known:>16}{change[name]:>+16,.0f}")
    low, high = told["range_tco2e"]
    lines.append(f"  range over the sets of elasticities {low:+,.0f} to {high:+,.0f} (no interval)")
    if told["interval"] is not None:
        intervals = [f"{each['interval_tco2e'][0]:+,.0f} to {each['interval_tco2e'][1]:+,.0f} ({name})"
                     for name, each in told["sets"].items()]  # fmt: skip
        lines.append(f"  90 % interval of what has a distribution {', '.join(intervals)}")
    outside = [each["leaves_tco2e"] for each in told["sets"].values()]
    if any(outside):
        lines.append(f"  residents' travel outside the region {min(outside):+,.0f} to {max(outside):+,.0f}, in no cell")
    for effect in told["measures"]:
        each = effect["cost_per_tco2e"]
        cost = "" if each is None else f", {each:,.0f} {effect['currency']} a tonne"
        lines.append(
            f"  {effect['stage']:<11}{effect['id']}: {effect['tco2e']:+,.0f} (alone {effect['first_in_tco2e']:+,.0f}, "
            f"last {effect['last_in_tco2e']:+,.0f}){cost}"
        )
    if told["target"] is not None:
        target = told["target"]
        share = "" if target["share"] is None else f"; {target['share']:.0%} of samples reach it"
        missed = max(target["gap_tco2e"].values())
        said = "reached by all sets of elasticities" if target["reached"] else f"missed by up to {missed:,.0f}"
        lines.append(f"  target {target['net_tco2e']:,.0f}: {said}{share}")
    for name, found in ran.against.items():
        low, high = found.range_tco2e
        line = f"  against {name}: {found.tco2e:+,.0f} (sets of elasticities {low:+,.0f} to {high:+,.0f})"
        if found.interval_tco2e is not None:
            ends = found.interval_tco2e
            line += f", 90 % {ends[0]:+,.0f} to {ends[1]:+,.0f}, less in {found.less:.0%} of samples"
        lines.append(line)
    return lines


def slug(name: str) -> str:
    """A scenario's name as the end of a folder's name."""
    kept = "".join(letter if letter.isalnum() else "-" for letter in name.split(":")[0].lower())
    return "-".join(part for part in kept.split("-") if part)[:60] or "scenario"


def _path_csv(result: Result) -> str:
    """Net emissions by year and set of elasticities, with the 90 % interval of the first where it was drawn."""
    names = list(result.outcomes)
    drawn: dict[int, tuple[float, float]] = {}
    if result.samples is not None:
        low, high = result.baseline_tco2e + result.samples.path_interval_tco2e()
        drawn = dict(
            zip(result.samples.path_years.tolist(), zip(low.tolist(), high.tolist(), strict=True), strict=True)
        )
    lines = ["year," + ",".join(f"net_tco2e_{name}" for name in names) + ",low90_tco2e,high90_tco2e"]
    for place, year in enumerate(result.years.tolist()):
        ends = drawn.get(year)
        told = [*(float(result.outcomes[name].path_tco2e[place]) for name in names), *(ends or (None, None))]
        # Net is unknown where a sector is: the cell stays empty.
        cells = ["" if value is None or result.state.untold else repr(value) for value in told]
        lines.append(",".join([str(year), *cells]))
    return "\r\n".join(lines) + "\r\n"


def _examples() -> Path:
    return data_folder() / "scenarios" / "examples"
