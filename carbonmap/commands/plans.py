"""The verbs of planning: `carbonmap scenario`, `carbonmap mix` and `carbonmap where`."""

from collections.abc import Iterator
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from carbonmap.commands.options import QuietOption, StoreOption, console
from carbonmap.errors import RegionError

StoredRegion = Annotated[str, typer.Argument(metavar="REGION", help="A region in the store.", show_default=False)]
EditionOption = Annotated[str | None, typer.Option("--edition", help="Default: the one that is served.")]
GridOption = Annotated[
    str | None, typer.Option("--collection", "-c", help="The grid to work on. Default: the one nearest to 500 m.")
]
YearOption = Annotated[int | None, typer.Option("--year", "-y", help="Of the baseline. Default: the latest.")]


class TableFormat(StrEnum):
    """What `--format` takes."""

    GEOPARQUET = "geoparquet"
    GEOJSON = "geojson"
    CSV = "csv"


FormatOption = Annotated[
    list[TableFormat] | None, typer.Option("--format", "-f", help="Only this one; may be given again. Default: all.")
]


def scenario(
    region: StoredRegion,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A scenario (JSON), or the name of one that ships.", show_default=False),
    ],
    store: StoreOption = Path("store"),
    samples: Annotated[
        int, typer.Option("--samples", min=0, max=10_000, help="To draw for 90 % intervals; 0 for none.")
    ] = 200,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="FILE", help="Another scenario to compare it with; may be given again."),
    ] = None,
    zones: Annotated[
        list[str] | None,
        typer.Option(
            "--zones", "-z", help="A collection to add cells up in; may be given again. Default: all zone sets."
        ),
    ] = None,
    detail: Annotated[
        str | None,
        typer.Option("--detail", metavar="GRID", help="A finer grid, to look into the measures' areas with."),
    ] = None,
    collection: GridOption = None,
    year: YearOption = None,
    edition: EditionOption = None,
    formats: FormatOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Default: REGION-SCENARIO in this folder.")
    ] = None,
    measures: Annotated[
        bool,
        typer.Option(
            "--measures",
            is_eager=True,
            callback=lambda wanted: _say_measures(wanted),
            help="List the kinds of measures with what they ask, and end.",
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Run a scenario on an edition: what would change, per cell and zone, by measure and year, and how surely.

    It writes `cells` and a table for each zone set (GeoParquet, GeoJSON, CSV), `summary.json` (totals, range, interval,
    measures, path against the target, indicators, costs, parameters with their sources, notes), `path.csv`, and the
    document itself.

    A scenario is a JSON document. The shortest that does something:

        {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]}

    More of what a measure can have:

        {"id": "roofs", "kind": "rooftop_pv", "level": 0.4, "start": 2027, "ramp_years": 10,
         "area": {"collection": "municipality", "ids": ["1155956"]},
         "parameters": {"pv.roof_share": 0.4},
         "costs": {"capital_per_unit": 1200, "lifetime_years": 25, "currency": "CHF"}}

    A number that nobody published is asked for by name. `carbonmap scenario --measures` lists kinds, units of their
    costs and parameters. Scenarios that ship: trend, compact, monocentric, polycentric, sprawl (a tenth more people and
    jobs), move-compact, move-polycentric, move-sprawl (a fifth moves), programme (buildings and cars).

    Examples: `carbonmap scenario demo compact --against sprawl --against trend`;
    `carbonmap scenario demo my.json --samples 500 -z district -o result`
    """
    from carbonmap.progress import Silent, Terminal
    from carbonmap.scenario import read_document, result_lines, run_scenario
    from scenarios.errors import ScenarioError

    try:
        document = read_document(file)
        others = {Path(name).stem: read_document(name) for name in against or ()}
        with nullcontext(Silent()) if quiet else Terminal("Scenario") as progress:
            ran = run_scenario(
                store, region, document, edition=edition, collection=collection, year=year, samples=samples,
                against=others, zone_sets=zones, detail=detail, formats=_names(formats), out=out, progress=progress,
            )  # fmt: skip
    except ScenarioError as problem:
        raise RegionError(str(problem)) from None
    for line in result_lines(ran):
        console.print(line, markup=False)
    console.print(f"{len(ran.names)} files, {ran.bytes / 1e6:,.1f} MB, in {ran.folder}", markup=False)


def mix(
    region: StoredRegion,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="What to choose from, and for what (JSON).", show_default=False, exists=True,
            dir_okay=False,
        ),
    ],
    store: StoreOption = Path("store"),
    edition: EditionOption = None,
    formats: FormatOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Default: REGION-mix in this folder.")
    ] = None,
    quiet: QuietOption = False,
) -> None:  # fmt: skip
    """Choose the best mix: which measures, at which level, in which places, for a target or a budget.

    FILE holds the inputs of the API's process `best-mix`. Costs are yours to give, in one currency:

        {"year": 2040, "zones": "municipality", "target_share": 0.1, "candidates": [
          {"measure": {"id": "insulate", "kind": "retrofit",
                       "costs": {"capital_per_unit": 200, "currency": "CHF"}}, "levels": [0.2, 0.4]},
          {"measure": {"id": "parks", "kind": "park",
                       "costs": {"capital_per_unit": 50000, "currency": "CHF"}}, "levels": [20, 60]}]}

    Instead of `target_share` (of what the places emit net): `target_tco2e` or `budget`. More of what it may have:

        "unchanged": ["1155956"], "unchanged_area": {"type": "Polygon", "coordinates": [...]},
        "limits": {"cost_per_zone": 1000000, "measures_per_zone": 2}, "fairness": {"low": 0.5, "high": 2},
        "frontier": 11, "robust": {"share": 0.9, "samples": 250}

    It writes `places` (GeoParquet, GeoJSON, CSV), `curve.csv` (marginal abatement), `frontier.csv`, `summary.json`
    (cost, tonnes, proven gap, each measure alone, last and in order, the sure choice and how it does in held-out
    samples), and `scenario.json`, which `carbonmap scenario` runs.

    Example: `carbonmap mix demo my.json -o best`
    """
    from carbonmap.mix import best_mix, mix_lines, read_mix
    from carbonmap.progress import Silent, Terminal
    from scenarios.errors import ScenarioError

    inputs = read_mix(file)
    try:
        with nullcontext(Silent()) if quiet else Terminal("Best mix") as progress:
            mixed = best_mix(
                store, region, inputs, edition=edition, formats=_names(formats), out=out, progress=progress
            )  # fmt: skip
    except ScenarioError as problem:
        raise RegionError(str(problem)) from None
    for line in mix_lines(mixed):
        console.print(line, markup=False)
    console.print(f"{len(mixed.names)} files, {mixed.bytes / 1e6:,.1f} MB, in {mixed.folder}", markup=False)


def where(
    region: StoredRegion,
    store: StoreOption = Path("store"),
    zones: Annotated[
        str | None, typer.Option("--zones", "-z", help="Along whose borders. Default: the set with the most zones.")
    ] = None,
    sector: Annotated[
        list[str] | None,
        typer.Option("--sector", help="Whose tonnes count: emissions (the default), net, or sectors; may come again."),
    ] = None,
    savings: Annotated[
        str, typer.Option("--savings", help="A scenario that says what zones could save; `none` for none.")
    ] = "programme",
    band: Annotated[
        float | None, typer.Option("--band-m", min=1, help="Cells nearer than so many metres are neighbours.")
    ] = None,
    false_discoveries: Annotated[
        float, typer.Option("--false-discovery-rate", min=0.001, max=0.999, help="Expected part of false hot cells.")
    ] = 0.05,
    years: Annotated[
        list[int] | None,
        typer.Option("--years", help="For stability; may come again. Default: up to four before, with the same cells."),
    ] = None,
    fewest_cells: Annotated[int, typer.Option("--fewest-cells", min=1, max=1000, help="Of a cluster.")] = 3,
    smallest_ha: Annotated[float, typer.Option("--smallest-ha", min=0, help="Of a candidate.")] = 0.0,
    samples: Annotated[int, typer.Option("--samples", min=100, max=5000, help="For the top tenth.")] = 1000,
    collection: GridOption = None,
    year: YearOption = None,
    edition: EditionOption = None,
    formats: FormatOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Default: REGION-where in this folder.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Find carbon-intensive management zones: hot cells, how surely, and the zones along whose borders they fit.

    Hot cells stand out together with their neighbours (Getis-Ord Gi*, local Moran; false discoveries controlled); each
    says how probable it is that it truly is among the top tenth, and in how many bands and years it is hot. Clusters of
    three or more become candidates: zones that touch, with their emissions and what a programme would save there. The
    process `where-to-act` of the API asks the same by the same names.

    It writes `candidates` and `cells` (GeoParquet, GeoJSON, CSV) and `summary.json`.

    Examples: `carbonmap where demo`; `carbonmap where demo -z district --sector buildings --savings none -o hot`
    """
    from carbonmap.progress import Silent, Terminal
    from carbonmap.scenario import read_document
    from carbonmap.where import where_lines, where_to_act
    from scenarios.edition_where import WhereQuestion
    from scenarios.errors import ScenarioError

    try:
        with nullcontext(Silent()) if quiet else Terminal("Where to act") as progress:
            question = WhereQuestion(
                zones, tuple(sector or ("emissions",)), None if years is None else tuple(years), band,
                false_discoveries, fewest_cells, smallest_ha, samples,
                None if savings == "none" else read_document(savings),
            )  # fmt: skip
            pointed = where_to_act(
                store, region, question, edition=edition, collection=collection, year=year, formats=_names(formats),
                out=out, progress=progress,
            )  # fmt: skip
    except ScenarioError as problem:
        raise RegionError(str(problem)) from None
    for line in where_lines(pointed):
        console.print(line, markup=False)
    console.print(f"{len(pointed.names)} files, {pointed.bytes / 1e6:,.1f} MB, in {pointed.folder}", markup=False)


def _names(formats: list[TableFormat] | None) -> list[str]:
    return [one.value for one in dict.fromkeys(formats or TableFormat)]


def _say_measures(wanted: bool) -> None:
    if wanted:
        for line in _measure_lines():
            console.print(line, markup=False)
        raise typer.Exit


def _measure_lines() -> Iterator[str]:
    from scenarios.measures import measure_kinds
    from scenarios.parameters import shipped_parameters

    known = shipped_parameters()
    for kind in measure_kinds():
        unit = f", costs per {kind.unit}" if kind.unit else ""
        yield f"{kind.kind} ({kind.stage}{unit}): {kind.about}"
        required = [name for name in kind.schema.get("required", ()) if name not in ("id", "kind")]
        members = [name for name in kind.schema["properties"] if name not in ("id", "kind", *required)]
        yield f"  needs {', '.join(required) or 'nothing'}; may have {', '.join(members)}"
        for name in kind.parameters:
            one = known[name]
            value = "a gap, to be given" if one.value is None else f"{one.value:g} ({one.status}, {one.confidence})"
            yield f"  {name}: {value}; {one.unit}, {one.minimum:g} to {one.maximum:g}; {one.meaning}"
        if kind.shared:
            yield f"  and, under the scenario's own parameters: {', '.join(kind.shared)}"
