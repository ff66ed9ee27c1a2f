"""`carbonmap mix`: the best mix of measures for a target or a budget, on an edition, and what comes out as files."""

import functools
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from api.errors import ApiError
from api.kept_results import KeptResults
from api.mix_answers import mix_answer
from api.mix_inputs import MixInputs
from api.mix_runs import MixFound, found_mix
from api.process_inputs import Work, read_inputs
from api.result_places import ResultPlaces
from api.scenario_runs import Runs
from carbonmap.errors import RegionError
from carbonmap.place_files import FORMATS, Folder, PlaceTable, json_text, write_table
from carbonmap.progress import Progress
from grids.edition import Edition, Store
from grids.exports.formulas import harmless_rows
from grids.exports.labels import record, warnings_of
from grids.tables import Geometries

_PHASES = 5
"""Steps of every mix: the baseline, each measure, choosing, telling, and the files."""
_SURE_PHASES = 3


@dataclass(frozen=True, eq=False)
class Mixed:
    """A mix and its files: what is told of it, the folder, names in the order they were written, and their size."""

    edition: Edition
    told: dict[str, Any]
    folder: Path
    names: tuple[str, ...]
    bytes: int


def read_mix(path: Path) -> MixInputs:
    """Read what is asked of a mix: the inputs of the API's process `best-mix`, as they are or as `{"inputs": ...}`.

    Raises:
        RegionError: no JSON, or not such inputs; says which member, what was given, and what was expected.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise RegionError(f"{path} is no JSON: {error}") from None
    if isinstance(document, dict) and set(document) == {"inputs"}:
        document = document["inputs"]
    try:
        return read_inputs(MixInputs, document)
    except ApiError as error:
        raise RegionError(f"{path}: {error}") from None


def best_mix(
    store: Path,
    region: str,
    inputs: MixInputs,
    *,
    edition: str | None = None,
    formats: Sequence[str] = tuple(FORMATS),
    out: Path | None = None,
    progress: Progress,
) -> Mixed:
    """Choose measures, levels and places, and write them; each file appears whole or not at all.

    Args:
        store: folder of the editions.
        region: id of a region in it.
        inputs: what is asked.
        edition: the one served if None.
        formats: some of `FORMATS`.
        out: folder to write into; `<region>-mix` in the working folder if None.
        progress: told of every step.

    Raises:
        RegionError: places, limits or areas that this edition does not have.
        ScenarioError: measures that it cannot carry out, or a target out of reach. GridError: no such region.
    """
    opened = Store(store).open(region, edition)
    progress.plan(_PHASES + (inputs.frontier > 1) + _SURE_PHASES * (inputs.robust is not None))
    with tempfile.TemporaryDirectory() as kept:
        places = ResultPlaces(Runs(most_work=None), KeptResults(Path(kept)))
        try:
            found = found_mix(inputs, Work(opened, places, _phases(progress), lambda: False))
        except ApiError as error:
            raise RegionError(str(error)) from None
    told = mix_answer(found)
    del told["places"]
    about = {name: told[name] for name in ("baseline_year", "year", "zones", "goal", "notes")}
    about["illustrative_result"] = told["result_illustrative"]
    progress.step("writes")
    with Folder(Path(f"{region}-mix") if out is None else out) as folder:
        write_table(folder, _places(found, about), opened, formats)
        for name in ("curve", "frontier"):
            if told[name]:
                folder.write(f"{name}.csv", functools.partial(_write_csv, told[name]))
        folder.write_text("summary.json", json_text({**record(opened), **told}))
        folder.write_text("scenario.json", json_text(told["scenario"]))
    return Mixed(opened, told, folder.path, tuple(folder.names), folder.bytes)


def mix_lines(mixed: Mixed) -> list[str]:
    """What was found, for the terminal: labels first."""
    told, best = mixed.told, mixed.told["portfolio"]
    lines = [*warnings_of(mixed.edition)]
    if told["result_illustrative"]:
        lines.append("ILLUSTRATIVE: the result rests on numbers that no publication stands behind.")
    before = "unknown" if told["baseline_tco2e"] is None else f"{told['baseline_tco2e']:,.0f}"
    goal = told["goal"]
    asked = f"target {goal['target_tco2e']:,.0f} tCO2e" if "target_tco2e" in goal else f"budget {goal['budget']:,.0f}"
    lines.append(
        f"{told['region']}, edition {told['edition']}, {told['zones']}, {asked} in {told['year']}: saves "
        f"{best['saved_tco2e']:,.0f} tCO2e a year of {before} net, for {best['cost']:,.0f} {best['cost_unit']}"
    )
    agrees = "" if best["agrees"] else ", MORE THAN ASKED FOR"
    lines.append(
        f"  proven gap {best['gap']:.2%}; estimate and full simulation differ by {best['difference']:.2%}{agrees} "
        f"({best['first_difference']:.2%} before correction)"
    )
    for one in told["measures"]:
        lines.append(
            f"  {one['id']}: {one['saved_tco2e']:,.0f} (alone {one['first_in_tco2e']:,.0f}, last "
            f"{one['last_in_tco2e']:,.0f}) for {one['cost']:,.0f}, in {one['zones']} places, {one['quantity']:,.0f} "
            f"{one['unit']}"
        )
    sure = told["robust"]
    if sure is not None:
        kept = "kept" if sure["kept"] else f"NOT kept, {sure['shortfall_tco2e']:,.0f} tCO2e are missing"
        lines.append(
            f"  sure: {sure['cost']:,.0f} {best['cost_unit']} reach the target in {sure['simulated_share']:.0%} of "
            f"held-out samples, run in full ({kept}); all but the worst save {sure['safe_tco2e']:,.0f}"
        )
    return lines


def _phases(progress: Progress) -> Callable[[float, str], None]:
    """A step of the bar for each thing that is done; how far that is stays untold."""
    last = ""

    def tell(share: float, message: str) -> None:
        nonlocal last
        phase = message.split(",")[0]
        if phase != last:
            last = phase
            progress.step(phase)

    return tell


def _places(found: MixFound, about: dict[str, Any]) -> PlaceTable:
    """Each place with what it saves, spends and does."""
    mix, best, unit = found.mix, found.best, found.options.cost_unit
    quantities = mix.quantities(best.levels)
    columns: dict[str, Any] = {
        "id": list(mix.names),
        **found.names,
        "baseline_tco2e": list(found.before["net"]),
        "saved_tco2e": best.saved_tco2e,
        "cost": best.cost,
        "unchanged": found.unchanged,
    }
    meanings = {
        "baseline_tco2e": "tCO2e/yr net; empty where a sector is unknown",
        "saved_tco2e": "tCO2e/yr by the full simulation",
        "cost": unit,
        "unchanged": "nothing was allowed here",
    }
    for place, one in enumerate(mix.candidates):
        levels = np.array([0.0, *one.levels])
        columns[f"{one.measure.id}_level"] = levels[best.levels[:, place]]
        columns[f"{one.measure.id}_quantity"] = quantities[:, place]
        meanings[f"{one.measure.id}_level"] = "level; of hectares and trees that of all places together"
        meanings[f"{one.measure.id}_quantity"] = mix.units[place]
    polygons: Geometries = np.asarray(found.polygons, dtype=object)
    return PlaceTable("places", columns, polygons, meanings, about)


def _write_csv(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Rows that have the same members as CSV (RFC 4180); what is an object is written as JSON."""
    flat = [
        {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()} for row in rows
    ]
    pyarrow.csv.write_csv(harmless_rows(pa.Table.from_pylist(flat)), path)
