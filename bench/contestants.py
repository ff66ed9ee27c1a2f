"""Who takes part in which question, with what input, and what is missing here."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bench import ours, peers, postgis
from bench.cases import Case, FloatArray, Place, few_of, read_case

if TYPE_CHECKING:
    from collections.abc import Iterator

Run = Callable[[], FloatArray]


class UnknownPeer(ValueError):
    """A name that is no peer's."""


@dataclass(frozen=True)
class Contestant:
    """One way to do the work.

    Attributes:
        name: as the table shows it and `--peers` takes it.
        input: what the work starts from.
        prepare: makes the work.
        packages: that must be installed.
        questions: which it answers.
        lines: whether it can share out lines.
        uses_threads: whether it uses as many threads as it is given; else one.
        in_process: whether its memory is this process's.
        measures_rest: whether it measures what lies in no zone; of others that is what their zones leave of all.
        digits: what it claims: `double` of exact ones, `single` of those that keep shares in 32 bits.
    """

    name: str
    input: str
    prepare: Callable[[Case], Run]
    packages: tuple[str, ...] = ()
    questions: tuple[str, ...] = ("cells", "zones")
    lines: bool = True
    uses_threads: bool = False
    in_process: bool = True
    measures_rest: bool = False
    digits: str = "double"

    def answers(self, question: str, is_lines: bool) -> bool:
        """Whether it can do this work at all, on polygons or on lines."""
        return question in self.questions and (self.lines or not is_lines)

    def missing(self) -> str | None:
        """Why it cannot take part here, or None."""
        if self.prepare is postgis.postgis:
            return postgis.missing()
        absent = [name for name in self.packages if find_spec(name) is None]
        return f"not installed: {', '.join(absent)} (requirements-bench.lock)" if absent else None

    def version(self) -> str:
        """Version of the package that does the work."""
        return version(self.packages[0].replace("_", "-")) if self.packages else ""


OURS = (
    Contestant("ours, GeoParquet", "file", ours.from_geoparquet, uses_threads=True, measures_rest=True),
    Contestant("ours, WKB", "WKB", ours.from_wkb, uses_threads=True, measures_rest=True),
    Contestant("ours, shares kept", "WKB", ours.kept, questions=("cells",), uses_threads=True, measures_rest=True),
    Contestant("ours, GeoDataFrame", "objects", ours.from_geodataframe, uses_threads=True, measures_rest=True),
)
PEERS = (
    Contestant("tobler", "objects", peers.tobler, ("tobler",), lines=False, digits="single"),
    Contestant("overlay", "objects", peers.overlay, ("geopandas",)),
    Contestant("shapely-bounds", "objects", peers.shapely_bounds, ("shapely",), questions=("cells",)),
    Contestant("shapely-clip", "objects", peers.shapely_clip, ("shapely",), questions=("cells",)),
    Contestant("shapely-contains", "objects", peers.shapely_contains, ("shapely",), questions=("zones",)),
    Contestant("strtree", "objects", peers.strtree, ("shapely",)),
    Contestant(
        "exactextract",
        "objects",
        peers.exactextract,
        ("exactextract",),
        questions=("cells",),
        lines=False,
        digits="single",
    ),
    Contestant("duckdb", "table", peers.duckdb, ("duckdb", "duckdb_extension_spatial"), uses_threads=True),
    Contestant("postgis", "table", postgis.postgis, uses_threads=True, in_process=False),
)
_BY_NAME = {contestant.name: contestant for contestant in (*OURS, *PEERS)}


def chosen_peers(names: str) -> tuple[Contestant, ...]:
    """The peers of a comma-separated list; `all`, or `none`.

    Raises:
        UnknownPeer: names the ones there are.
    """
    if names in ("all", "none"):
        return PEERS if names == "all" else ()
    wanted = [name.strip() for name in names.split(",")]
    known = [peer.name for peer in PEERS]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UnknownPeer(f"no peer is called {', '.join(unknown)}; there are {', '.join(known)}, all and none")
    return tuple(peer for peer in PEERS if peer.name in wanted)


def prepared(name: str, question: str, layer: str, place: Place) -> Run:
    """The work of one contestant, after it has done the same with a few features: loaded, compiled, warm."""
    contestant = _BY_NAME[name]
    contestant.prepare(read_case(question, layer, few_of(place)))()
    case = read_case(question, layer, place)
    run, adds_rest = contestant.prepare(case), question == "zones" and not contestant.measures_rest
    return (lambda: case.with_rest(run())) if adds_rest else run


@contextmanager
def database(peers: tuple[Contestant, ...]) -> "Iterator[str]":
    """The folder of a PostGIS server's socket while it is wanted and can be had; else empty."""
    wanted = [peer for peer in peers if peer.prepare is postgis.postgis and peer.missing() is None]
    if not wanted:
        yield ""
        return
    with postgis.server() as folder:
        yield folder
