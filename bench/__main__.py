"""Commands: `python -m bench QUESTION`, of which `--help` gives the list."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench.browsing import NothingToShow
from bench.building import build_question
from bench.cases import Place, write_city
from bench.compared import compare
from bench.contestants import UnknownPeer, chosen_peers
from bench.disclosing import disclosure_question
from bench.given import InputError, given
from bench.growing import growth as growth_question
from bench.interval_trials import intervals_question
from bench.jizzakh import jizzakh_question
from bench.jizzakh_inputs import Jizzakh
from bench.likeness import likeness_question
from bench.looking import map_question
from bench.mixes import mix as mix_question
from bench.nation import Nation
from bench.national import nation_question
from bench.reading import read_question
from bench.receipts import receipts_question
from bench.report import Report
from bench.scenarios import scenario as scenario_question
from bench.serve import serve_question
from bench.serve_inputs import SIDE, WIDEST
from bench.serve_servers import NoAnswer
from bench.serve_soak import soak_question
from bench.thinned_maps import coverage_question
from bench.vertices import vertices as vertices_question
from carbonmap.synthetic.plan import MIN_BUILDINGS
from grids.errors import GeometryError

app = typer.Typer(
    name="bench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="How fast, how large and how exact: one command per question, on inputs that are generated.",
)

RepeatOption = Annotated[int, typer.Option("--repeat", min=1, help="Rounds; within one, all take turns.")]
PeersOption = Annotated[str, typer.Option("--peers", help="Comma-separated names, `all` or `none`.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="For the peers that use several.")]
LimitOption = Annotated[float, typer.Option("--limit", min=1, help="Seconds after which one run is ended.")]
JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything there too.")]
SizeOption = Annotated[
    int, typer.Option("--size", min=10, max=10_000_000, help="Buildings; a tenth as many roads, a hundredth forests.")
]
CitySizeOption = Annotated[
    int,
    typer.Option("--size", min=10, max=10_000_000, help=f"Buildings of the city; at least {MIN_BUILDINGS} are drawn."),
]

NationSizeOption = Annotated[
    int, typer.Option("--size", min=100, max=20_000_000, help="Buildings; roads, stands, zones and ground with them.")
]
InputsOption = Annotated[
    Path | None,
    typer.Option("--inputs", metavar="DIR", help="Where inputs are generated, and used again. Default: thrown away."),
]

FilesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--inputs", metavar="[NAME=]FILE[:LAYER[:WHERE]]", help="A layer of your own, not the city; several are taken."
    ),
]
TimesOption = Annotated[int, typer.Option("--times", min=1, max=1000, help="How often each feature of --inputs.")]

_CORES = os.cpu_count() or 1
_out = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


@app.command()
def cells(
    size: SizeOption = 200_000,
    inputs: FilesOption = None,
    times: TimesOption = 1,
    repeat: RepeatOption = 3,
    peers: PeersOption = "all",
    threads: ThreadsOption = _CORES,
    limit: LimitOption = 120,
    json: JsonOption = None,
) -> None:
    """Buildings, roads and forests, or layers of files, to 100 m cells: ours against public tools."""
    write, settings = _city_or_files(size, inputs, None, times)
    _compare("cells", write, settings, repeat, peers, threads, limit, json)


@app.command()
def zones(
    size: SizeOption = 200_000,
    inputs: FilesOption = None,
    zones: Annotated[
        str | None, typer.Option("--zones", metavar="FILE[:LAYER[:WHERE]]", help="The zones of --inputs.")
    ] = None,
    times: TimesOption = 1,
    repeat: RepeatOption = 3,
    peers: PeersOption = "all",
    threads: ThreadsOption = _CORES,
    limit: LimitOption = 120,
    json: JsonOption = None,
) -> None:
    """The same to zones whose borders wind and leave gaps, and to the ground in none: ours against public tools."""
    if (inputs is None) != (zones is None):
        raise typer.BadParameter("layers and zones of files are given together", param_hint="--inputs, --zones")
    write, settings = _city_or_files(size, inputs, zones, times)
    _compare("zones", write, settings, repeat, peers, threads, limit, json)


@app.command()
def build(size: CitySizeOption = 5_000, repeat: RepeatOption = 1, json: JsonOption = None) -> None:
    """The whole build of a synthetic city against reading its inputs."""
    _finish(build_question(size=max(size, MIN_BUILDINGS), repeat=repeat, tell=_tell), json)


@app.command()
def read(
    size: NationSizeOption = 720_000,
    inputs: InputsOption = None,
    repeat: RepeatOption = 3,
    threads: ThreadsOption = _CORES,
    json: JsonOption = None,
) -> None:
    """Buildings of a nation from a zstd GeoParquet file to 100 m cells against reading the file."""
    report = read_question(Nation(size), inputs=inputs, repeat=repeat, threads=threads, tell=_tell)
    _finish(report, json)


@app.command()
def nation(
    size: NationSizeOption = 72_000,
    metered: Annotated[float, typer.Option("--metered", min=0, max=1, help="Fraction of buildings with meters.")] = 1.0,
    inputs: InputsOption = None,
    repeat: RepeatOption = 1,
    threads: ThreadsOption = _CORES,
    options: Annotated[str, typer.Option("--options", help="More options of `carbonmap build`, in one text.")] = "",
    limit: LimitOption = 3600,
    json: JsonOption = None,
) -> None:
    """The whole build of a nation, energy join and all, against reading its inputs; 7,200,000 is the full size."""
    report = nation_question(
        Nation(size, metered),
        inputs=inputs,
        repeat=repeat,
        threads=threads,
        options=shlex.split(options),
        limit_s=limit,
        tell=_tell,
    )
    _finish(report, json)


@app.command()
def jizzakh(
    size: Annotated[int, typer.Option("--size", min=100, max=2_000_000, help="Buildings.")] = 350_000,
    pixels: Annotated[int, typer.Option("--pixels", min=30, max=12_000, help="Of land cover, to a degree.")] = 12_000,
    inputs: InputsOption = None,
    threads: ThreadsOption = _CORES,
    limit: LimitOption = 3600,
    json: JsonOption = None,
) -> None:
    """The whole build of Jizzakh region (21,000 km2, 2.1 million cells of 100 m) on generated inputs, full size."""
    question = jizzakh_question(Jizzakh(size, pixels), inputs=inputs, threads=threads, limit_s=limit, tell=_tell)
    _finish(question, json)


@app.command()
def growth(
    size: NationSizeOption = 1_000_000,
    repeat: RepeatOption = 1,
    threads: ThreadsOption = _CORES,
    builds: Annotated[
        bool, typer.Option("--builds/--no-builds", help="Whole builds too, from a tenth of the size on.")
    ] = True,
    limit: LimitOption = 3600,
    json: JsonOption = None,
) -> None:
    """Ours at four sizes a power of ten apart, whole builds at three, and the exponents fitted to the largest three."""
    report = growth_question(size=size, repeat=repeat, threads=threads, builds=builds, limit_s=limit, tell=_tell)
    _finish(report, json)


@app.command()
def receipts(
    size: NationSizeOption = 72_000,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="DIR", help="With a nation's edition. Default: built, thrown away."),
    ] = None,
    asked: Annotated[int, typer.Option("--asked", min=1, help="Places of each collection, drawn at random.")] = 200,
    threads: ThreadsOption = _CORES,
    limit: LimitOption = 3600,
    json: JsonOption = None,
) -> None:
    """Receipts of cells, hexagons and zones of a nation: milliseconds each."""
    report = receipts_question(Nation(size), store=store, asked=asked, threads=threads, limit_s=limit, tell=_tell)
    _finish(report, json)


@app.command()
def scenario(
    side: Annotated[int, typer.Option("--side", min=4, max=1000, help="Cells of 500 m along a side.")] = 200,
    samples: Annotated[int, typer.Option("--samples", min=1, max=10_000, help="Of the request with intervals.")] = 500,
    repeat: RepeatOption = 5,
    json: JsonOption = None,
) -> None:
    """From a scenario's document to its summary, ten measures on a large region."""
    _finish(scenario_question(side=side, samples=samples, repeat=repeat, tell=_tell), json)


@app.command()
def mix(
    zones: Annotated[int, typer.Option("--zones", min=2, max=5000, help="Zones that choose.")] = 250,
    measures: Annotated[int, typer.Option("--measures", min=3, max=40, help="Measures of three levels.")] = 12,
    repeat: RepeatOption = 3,
    json: JsonOption = None,
) -> None:
    """From options to the best mix of measures in zones, with its proven gap."""
    _finish(mix_question(zones=zones, measures=measures, repeat=repeat, tell=_tell), json)


@app.command()
def intervals(
    trials: Annotated[int, typer.Option("--trials", min=10, max=100_000, help="Truths for each likeness.")] = 2_000,
    buildings: Annotated[int, typer.Option("--buildings", min=200, max=50_000, help="Of the town.")] = 4_000,
    seed: Annotated[int, typer.Option("--seed", help="Of town and truths.")] = 1,
    json: JsonOption = None,
) -> None:
    """How often 90 % intervals hold a truth that another generator made, at cell, zone and city level."""
    _finish(intervals_question(trials=trials, buildings=buildings, seed=seed, tell=_tell), json)


@app.command()
def likeness(
    inputs: Annotated[Path, typer.Option("--inputs", metavar="DIR", help="Folder with the benchmarking of Seattle.")],
    json: JsonOption = None,
) -> None:
    """How much metered buildings have in common with their neighbours beyond their use, by distance."""
    _finish(likeness_question(inputs=inputs, tell=_tell), json)


@app.command()
def disclosure(
    size: CitySizeOption = 20_000,
    asked: Annotated[int, typer.Option("--asked", min=1, help="Meters of each carrier: the most exposed.")] = 1_000,
    percent: Annotated[float, typer.Option("--percent", min=1, max=100, help="How far each should be open.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Of the city.")] = 1,
    audit: Annotated[
        bool, typer.Option("--audit", help="Build with the audit, and change 5 %, add 2 %, take out 2 % of the meters.")
    ] = False,
    store: Annotated[Path | None, typer.Option("--store", metavar="DIR", help="Attack these editions instead.")] = None,
    region: Annotated[str, typer.Option("--region", help="Of the store.")] = "demo",
    json: JsonOption = None,
) -> None:
    """Linear-programming bounds on closed meters, from all public outputs of one edition and of two."""
    report = disclosure_question(
        size=max(size, MIN_BUILDINGS), asked=asked, percent=percent, seed=seed, audit=audit, store=store, region=region,
        tell=_tell,
    )  # fmt: skip
    _finish(report, json)


@app.command()
def coverage(
    region: Annotated[str, typer.Option("--region", help="A region file, or one that ships.")] = "liechtenstein",
    inputs: Annotated[Path | None, typer.Option("--inputs", metavar="DIR", help="Folder of its sources.")] = None,
    store: Annotated[Path, typer.Option("--store", metavar="DIR", help="Where it is built.")] = Path("store"),
    draws: Annotated[int, typer.Option("--draws", min=1, max=1000, help="Of what is left.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 1,
    json: JsonOption = None,
) -> None:
    """Errors of a map of which 80, 50 or 20 % of buildings and roads are left, with and without calibration."""
    report = coverage_question(region=region, inputs=inputs, store=store, draws=draws, seed=seed, tell=_tell)
    _finish(report, json)


@app.command()
def vertices(
    size: SizeOption = 200_000,
    repeat: RepeatOption = 3,
    threads: ThreadsOption = 1,
    limit: LimitOption = 600,
    json: JsonOption = None,
) -> None:
    """Nanoseconds per vertex of each step of ours."""
    _finish(vertices_question(size=size, repeat=repeat, threads=threads, limit_s=limit, tell=_tell), json)


@app.command()
def serve(
    seconds: Annotated[float, typer.Option("--seconds", min=0, max=600, help="How long each is asked.")] = 5,
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="PostGIS, tipg and mapbox-vector-tile too.")] = True,
    side: Annotated[
        int, typer.Option("--side", min=300, max=WIDEST, help="Cells along the edge of what is served.")
    ] = SIDE,
    soak: Annotated[
        int, typer.Option("--soak", min=0, help="Only ask ours so often, and tell the memory of its processes.")
    ] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, max=16, help="Processes, with --soak.")] = 2,
    json: JsonOption = None,
) -> None:
    """Tiles, pages and sums per second against the bare framework and peers; encoders of tiles in one process."""
    try:
        if soak:
            report = soak_question(requests=soak, workers=workers, side=side, tell=_tell)
        else:
            report = serve_question(seconds=seconds, peers=peers, side=side, tell=_tell)
    except NoAnswer as failure:
        _tell(str(failure))
        raise typer.Exit(2) from None
    _finish(report, json)


@app.command(name="map")
def look(
    size: CitySizeOption = 20_000,
    repeat: RepeatOption = 5,
    url: Annotated[str | None, typer.Option("--url", help="A map that is served already, not the demo city.")] = None,
    json: JsonOption = None,
) -> None:
    """How soon the map is there and how smoothly it moves, measured in a browser."""
    try:
        _finish(map_question(buildings=size, repeat=repeat, address=url, tell=_tell), json)
    except NothingToShow as problem:
        _tell(str(problem))
        raise typer.Exit(2) from None


def _city_or_files(
    size: int, inputs: list[str] | None, zones: str | None, times: int
) -> tuple[Callable[[Path], Place], dict[str, Any]]:
    """What writes the inputs, and the settings that say which they are."""
    if inputs is None:
        if times != 1:
            raise typer.BadParameter(
                "features of files are taken so often; no --inputs were given", param_hint="--times"
            )
        return lambda folder: write_city(folder, size), {"size": size}
    try:
        asked = given(inputs, zones, times)
        return asked.write, asked.settings
    except InputError as problem:
        raise typer.BadParameter(str(problem), param_hint="--inputs") from None


def _compare(
    question: str,
    write: Callable[[Path], Place],
    settings: dict[str, Any],
    repeat: int,
    names: str,
    threads: int,
    limit: float,
    json: Path | None,
) -> None:
    try:
        peers = chosen_peers(names)
    except UnknownPeer as problem:
        raise typer.BadParameter(str(problem), param_hint="--peers") from None
    try:
        report = compare(
            question, peers, write, settings=settings, repeat=repeat, threads=threads, limit_s=limit, tell=_tell
        )
    except (InputError, GeometryError) as problem:
        _tell(str(problem))
        raise typer.Exit(2) from None
    _finish(report, json)


def _finish(report: Report, json: Path | None) -> None:
    report.show(_out)
    if json is not None:
        report.write(json)


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    app()
