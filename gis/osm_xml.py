"""Overpass `out geom` XML, which libosmium refuses, as plain OSM: streamed, its extra elements left out."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.parsers import expat

import osmium
from osmium.osm.mutable import Node, Relation, Way

from gis.errors import UnreadableFile

_OUT_GEOM = re.compile(rb"<nd\s[^>]*\blat=|<(?:way|relation)\s[^>]*>\s*<bounds\b|<member\s[^>]*[^/]>\s*<nd\b")
_BLOCK = 1 << 20


@contextmanager
def plain_osm(path: Path) -> Iterator[Path]:
    """Give a file that libosmium reads: `path` itself, or for `out geom` XML a temporary PBF with the same objects."""
    if not path.name.lower().endswith(".osm") or not is_out_geom(path):
        yield path
        return
    with TemporaryDirectory(prefix="carbonmap-osm-") as folder:
        target = Path(folder) / "plain.osm.pbf"
        _rewrite(path, target)
        yield target


def is_out_geom(path: Path) -> bool:
    """Whether the first way or relation of an OSM XML file carries coordinates."""
    with path.open("rb") as stream:
        tail = b""
        while block := stream.read(_BLOCK):
            text = tail + block
            starts = [at for at in (text.find(b"<way"), text.find(b"<relation")) if at >= 0]
            if starts:
                return bool(_OUT_GEOM.search(text[min(starts) :] + stream.read(_BLOCK)))
            tail = text[-16:]
    return False


class _Filter:
    """Collects one object at a time; each kind has its own pass, since libosmium wants nodes, ways, relations."""

    def __init__(self, kind: str, emit: Callable[[Any], None]) -> None:
        self.kind = kind
        self.emit = emit
        self.open: dict[str, str] | None = None
        self.name = ""
        self.tags: dict[str, str] = {}
        self.nodes: list[int] = []
        self.members: list[tuple[str, int, str]] = []
        self.seen: set[int] = set()
        """Nodes already written; `out geom` without the nodes themselves names their places in the ways."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("node", "way", "relation"):
            self.open, self.name = attributes, name
            self.tags, self.nodes, self.members = {}, [], []
        elif self.open is None:
            return
        elif name == "tag":
            self.tags[attributes["k"]] = attributes["v"]
        elif name == "nd" and self.name == "way" and "ref" in attributes:
            self.nodes.append(int(attributes["ref"]))
            if self.kind == "place" and "lat" in attributes:
                self._node(int(attributes["ref"]), attributes, {})
        elif name == "member":
            self.members.append((attributes["type"][0], int(attributes["ref"]), attributes.get("role", "")))

    def end(self, name: str) -> None:
        if self.open is None or name != self.name:
            return
        attributes, self.open = self.open, None
        if name != self.kind:
            return
        number = int(attributes["id"])
        if name == "node":
            if "lat" in attributes:
                self._node(number, attributes, self.tags)
        elif name == "way":
            self.emit(Way(id=number, version=1, tags=self.tags, nodes=self.nodes))
        else:
            self.emit(Relation(id=number, version=1, tags=self.tags, members=self.members))

    def _node(self, number: int, attributes: dict[str, str], tags: dict[str, str]) -> None:
        if number not in self.seen:
            self.seen.add(number)
            place = (float(attributes["lon"]), float(attributes["lat"]))
            self.emit(Node(id=number, version=1, tags=tags, location=place))


def _rewrite(path: Path, target: Path) -> None:
    seen: set[int] = set()
    writer = osmium.SimpleWriter(str(target))
    emit: dict[str, Callable[[Any], None]] = {
        "node": writer.add_node,
        "place": writer.add_node,
        "way": writer.add_way,
        "relation": writer.add_relation,
    }
    try:
        for kind, add in emit.items():
            handler = _Filter(kind, add)
            handler.seen = seen
            _parse(path, handler)
    except expat.ExpatError as problem:
        raise UnreadableFile(f"{path.name} is not well-formed XML ({problem}); it is truncated or damaged") from problem
    except (LookupError, ValueError, OverflowError) as problem:  # an encoding that nobody knows, a number of 65 bits
        if isinstance(problem, UnreadableFile):
            raise
        raise UnreadableFile(f"{path.name}: an element lacks or garbles an attribute ({problem})") from problem
    finally:
        writer.close()


def _parse(path: Path, handler: _Filter) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end

    def refuse(*_: object) -> None:
        raise UnreadableFile(f"{path.name} declares a document type; such XML is refused, since entities can swell it")

    parser.StartDoctypeDeclHandler = refuse
    with path.open("rb") as stream:
        parser.ParseFile(stream)
