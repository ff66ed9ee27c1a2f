"""Names of an edition's zones in all their languages, and where items lie: what a search stands on."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from grids.edition import Edition
from grids.manifest import Bbox, Collection
from grids.projections import LONLAT, reproject, transformer
from grids.selection import Selection

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_SYLLABLES_PER_INITIAL = 588
_ZONE_BYTES = 700
"""Of a zone with its names by language, roughly."""
_NAME_BYTES = 250
"""Of a name and its initials as they are compared, roughly."""


@dataclass(frozen=True)
class Zone:
    """One zone: its collection, its id, and its names by language."""

    collection: str
    id: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class Located:
    """Where an item lies, in lon/lat: its bounds, and a point within it."""

    bbox: Bbox
    point: tuple[float, float]


def folded(text: str) -> str:
    """Return a text as names are compared: no case, no accents, single spaces, composed."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFC", text).casefold())
    bare = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
    return " ".join(unicodedata.normalize("NFC", bare).split())


def initials(text: str) -> str:
    """Return a text with every Hangul syllable as its first consonant, by which Koreans look names up: 종로 is ㅈㄹ."""
    return "".join(
        _INITIALS[(ord(letter) - _FIRST_SYLLABLE) // _SYLLABLES_PER_INITIAL]
        if _FIRST_SYLLABLE <= ord(letter) <= _LAST_SYLLABLE
        else letter
        for letter in text
    )


class Gazetteer:
    """All names of the zones of an edition, latest tables."""

    def __init__(self, edition: Edition) -> None:
        self._zones: list[Zone] = []
        self._names: list[tuple[str, str, int]] = []  # folded, its initials, which zone
        sets = [info for info in edition.manifest.collections if info.kind == "zones" and info.years]
        for info in sorted(sets, key=lambda info: info.level):
            self._add(edition, info)

    def _add(self, edition: Edition, info: Collection) -> None:
        columns = name_columns(info)
        table = edition.table(info.id, None, ["id", *columns.values()])
        texts = {language: table[column].to_pylist() for language, column in columns.items()}
        for row, identity in enumerate(table["id"].to_pylist()):
            names = {language: text for language, known in texts.items() if (text := known[row])}
            place = len(self._zones)
            self._zones.append(Zone(info.id, identity, names))
            for text in dict.fromkeys(folded(one) for one in (*names.values(), identity)):
                self._names.append((text, initials(text), place))

    @property
    def nbytes(self) -> int:
        """Bytes that it holds in memory, roughly."""
        return _ZONE_BYTES * len(self._zones) + _NAME_BYTES * len(self._names)

    def named(self, text: str, most: int) -> tuple[list[Zone], bool]:
        """Return zones with a name or id like a text, best first, and whether there are more than `most`.

        The whole name comes first, then names that begin so, then those with a word that does, then those that have it
        anywhere; among these coarser sets and shorter names come first. A text of Hangul consonants is also compared
        with the names' initials. A text of which nothing is left, such as an accent alone, is in no name.
        """
        wanted = folded(text)
        if not wanted:
            return [], False
        by_initials = all(letter in _INITIALS or letter == " " for letter in wanted)
        best: dict[int, tuple[int, int]] = {}
        for name, consonants, place in self._names:
            rank = _rank(consonants if by_initials else name, wanted)
            if rank is not None:
                best[place] = min(best.get(place, (rank, len(name))), (rank, len(name)))
        # Zones stand from the coarsest set to the finest, which a stable order keeps.
        coarse = {info: k for k, info in enumerate(dict.fromkeys(zone.collection for zone in self._zones))}
        order = sorted(best, key=lambda k: (best[k][0], coarse[self._zones[k].collection], best[k][1], k))
        return [self._zones[k] for k in order[:most]], len(order) > most


def gazetteer_of(edition: Edition) -> Gazetteer:
    """Return the (kept) names of an edition, which never change."""
    return edition.index("names", lambda: Gazetteer(edition))


def name_columns(info: Collection) -> dict[str, str]:
    """Return the columns that hold names of a collection's items, by language."""
    return {name.removeprefix("name_"): name for name in info.columns if name.startswith("name_")}


def item_names(edition: Edition, info: Collection, year: int, ids: Sequence[str]) -> list[dict[str, str]]:
    """Return the names by language of items that a year's table may have; none where it has not."""
    columns = name_columns(info)
    found: list[dict[str, str]] = [{} for _ in ids]
    if not columns:
        return found
    positions = edition.positions(info.id, year, ids)
    index = np.argsort(positions, kind="stable")
    index = index[positions[index] >= 0]
    rows = edition.rows(info.id, year, positions[index], list(columns.values()))
    for language, column in columns.items():
        for k, text in zip(index.tolist(), rows[column].to_pylist(), strict=True):
            if text:
                found[k][language] = text
    return found


def located(edition: Edition, info: Collection, item: str) -> Located | None:
    """Return where an item of the latest table lies; None if it has none of that id."""
    year = edition.year(info.id, None)
    position = edition.positions(info.id, year, [item])
    if position[0] < 0:
        return None
    rows = edition.rows(info.id, year, position, ["id", *(["row", "col"] if info.kind == "grid" else [])])
    shape = reproject(edition.polygons(info.id, rows), edition.crs, LONLAT)[0]
    west, south, east, north = shapely.bounds(shape).tolist()
    inside = shapely.point_on_surface(shape)
    return Located((west, south, east, north), (float(shapely.get_x(inside)), float(shapely.get_y(inside))))


def items_at(edition: Edition, lon: float, lat: float) -> list[tuple[Collection, str]]:
    """Return which item of each collection lies at a place: zones from coarse to fine, then cells and hexagons.

    Cells are half open: a border belongs to the cell beyond it. On the border of zones or hexagons the first one of the
    table is told.
    """
    west, south, east, north = edition.region.bbox
    margin = 0.01 * max(east - west, north - south)
    if not (west - margin <= lon <= east + margin and south - margin <= lat <= north + margin):
        return []  # far from the region its projection gives nonsense
    x, y = (float(value) for value in transformer(LONLAT, edition.crs).transform(lon, lat))
    kinds = ("zones", "grid", "hexagons")
    every = sorted(
        (info for info in edition.manifest.collections if info.years),
        key=lambda info: (kinds.index(info.kind), info.level),
    )
    found = []
    for info in every:
        own = ["row", "col"] if info.kind == "grid" else []
        rows = edition.page(info.id, None, ["id", *own], Selection((x, y, x, y), edition.crs)).rows
        if rows.num_rows and info.cell_size_m is not None and info.origin_m is not None:
            col, row = ((at - origin) // info.cell_size_m for at, origin in zip((x, y), info.origin_m, strict=True))
            rows = rows.filter((rows["row"].to_numpy() == row) & (rows["col"].to_numpy() == col))
        if rows.num_rows:
            found.append((info, str(rows["id"][0].as_py())))
    return found


def _rank(name: str, wanted: str) -> int | None:
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    if f" {wanted}" in name:
        return 2
    return 3 if wanted in name else None
