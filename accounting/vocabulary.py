"""Words that factors are chosen by: road classes, tree species, land cover (tables of `data/schema`)."""

from dataclasses import dataclass
from pathlib import Path

from accounting.errors import InvalidTable
from accounting.tables import read_rows

LEAF_TYPES = ("needleleaf", "broadleaf", "mixed", "")


@dataclass(frozen=True)
class RoadClass:
    """A road class: whether motor traffic runs on it, and whose assumptions it takes where it has none of its own."""

    name: str
    traffic: bool
    of_class: str


@dataclass(frozen=True)
class Species:
    """A tree species: leaf type, the names of its wood coefficients and uptake curve (empty: none).

    `via_group` says that the curve is that of its group of species, its own being a gap.
    """

    name: str
    leaf_type: str
    wood: str
    uptake: str
    via_group: bool


@dataclass(frozen=True)
class LandCover:
    """A land cover: `tree`, `no_change` (Tier 1: nothing taken up or given off) or `unknown`; leaf type of trees."""

    name: str
    means: str
    leaf_type: str


@dataclass(frozen=True)
class Vocabulary:
    """The three tables, by name."""

    road_classes: dict[str, RoadClass]
    species: dict[str, Species]
    land_cover: dict[str, LandCover]

    @classmethod
    def load(cls, schema: Path) -> "Vocabulary":
        """Read the tables.

        Raises:
            InvalidTable: a table is missing, or holds a word that is not in its vocabulary.
        """
        roads: dict[str, RoadClass] = {}
        for row, where in _located(schema / "road_classes.csv", ("road_class", "traffic", "of_class", "note")):
            _among(row["traffic"], ("yes", "no"), "traffic", where)
            roads[row["road_class"]] = RoadClass(row["road_class"], row["traffic"] == "yes", row["of_class"])
        species: dict[str, Species] = {}
        columns = ("species", "title", "leaf_type", "wood", "uptake", "uptake_via", "note")
        for row, where in _located(schema / "species.csv", columns):
            _among(row["leaf_type"], LEAF_TYPES, "leaf_type", where)
            _among(row["uptake_via"], ("own", "group", ""), "uptake_via", where)
            via_group = row["uptake_via"] == "group"
            species[row["species"]] = Species(row["species"], row["leaf_type"], row["wood"], row["uptake"], via_group)
        cover: dict[str, LandCover] = {}
        for row, where in _located(schema / "land_cover.csv", ("land_cover", "means", "leaf_type", "note")):
            _among(row["leaf_type"], LEAF_TYPES, "leaf_type", where)
            _among(row["means"], ("tree", "no_change", "unknown"), "means", where)
            cover[row["land_cover"]] = LandCover(row["land_cover"], row["means"], row["leaf_type"])
        return cls(roads, species, cover)


def _located(path: Path, columns: tuple[str, ...]) -> list[tuple[dict[str, str], str]]:
    rows = [(row, f"{path}, row {line}") for line, row in enumerate(read_rows(path, columns), start=2)]
    seen: set[str] = set()
    for row, where in rows:
        name = row[columns[0]]
        if not name or name in seen:
            raise InvalidTable(f"{where}: {columns[0]} {name!r} is empty or stands twice.")
        seen.add(name)
    return rows


def _among(word: str, allowed: tuple[str, ...], column: str, where: str) -> None:
    if word not in allowed:
        raise InvalidTable(f"{where}: {column} {word!r} is not one of {', '.join(filter(None, allowed))}.")
