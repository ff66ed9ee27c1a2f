"""Forest stands: their age, leaf type and area, from what forest maps and land-cover classes say."""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.vocabulary import Vocabulary
from gis.columns import Codes, coded, column_or_nan, distinct_codes, positions_of_each, words_of
from gis.measure import geodesic_area_m2

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}
_FULL_WIDTH = {chr(0x2160 + index): numeral for index, numeral in enumerate(_ROMAN)}
_LEAF_TYPES = {
    "needleleaved": "needleleaf",
    "needleleaf": "needleleaf",
    "conifer": "needleleaf",
    "broadleaved": "broadleaf",
    "broadleaf": "broadleaf",
    "mixed": "mixed",
}
_CLASS_YEARS = 10


def stand_areas_ha(features: gpd.GeoDataFrame | pd.DataFrame, area_m2: FloatArray | None = None) -> FloatArray:
    """(n,) hectares: the column `area_ha` where the layer has one (raster classes), else geodesic."""
    if "area_ha" in features.columns:
        return column_or_nan(features, "area_ha")
    return (geodesic_area_m2(features) if area_m2 is None else area_m2) / 1e4


def stand_ages(features: pd.DataFrame) -> FloatArray:
    """(n,) age of every stand in years, else the midpoint of its age class, else NaN.

    Age classes are of ten years: I is 1-10 with midpoint 5, II 11-20 with 15, and so on (METHODS C3). They are written
    as 1, I, Ⅰ, or `1영급`.
    """
    ages = column_or_nan(features, "age_years")
    ages = np.where(ages >= 0, ages, np.nan)
    if "age_class" not in features.columns:
        return ages
    codes, words = words_of(features["age_class"])
    by_class = np.array([*map(_midpoint, words), np.nan])[codes]
    return np.where(np.isnan(ages), by_class, ages)


def _midpoint(value: str) -> float:
    text = value.strip().upper().removesuffix("영급").strip()
    text = "".join(_FULL_WIDTH.get(character, character) for character in text)
    number = _ROMAN.get(text)
    if number is None and re.fullmatch(r"\d{1,2}(\.0+)?", text):
        number = int(float(text))
    return np.nan if not number else (number - 0.5) * _CLASS_YEARS


class Words(NamedTuple):
    """Texts of (n,) features as positions in their distinct words, sorted; the first is the empty text."""

    names: list[str]
    of: Codes

    @classmethod
    def column(cls, features: pd.DataFrame, name: str) -> "Words":
        """Stripped texts of a column, empty where the layer lacks the column or the value."""
        codes, given = coded(features, name)
        says = [*(word.strip() for word in given), ""]
        names = sorted({*says})
        return cls(names, np.array([names.index(word) for word in says], dtype=np.intp)[codes])

    def each(self, where: BoolArray) -> list[tuple[str, Codes]]:
        """Distinct texts that are not empty among the features chosen, in order, with the features of each."""
        chosen = np.flatnonzero(where)
        found, place = distinct_codes(self.of[chosen], len(self.names))
        mine = zip(found, positions_of_each(place, len(found)), strict=True)
        return [(self.names[code], chosen[positions]) for code, positions in mine if self.names[code]]

    def which(self, is_meant: Callable[[str], bool]) -> BoolArray:
        """(n,) whether the text is one that is meant; asked once per distinct text."""
        return np.array([is_meant(name) for name in self.names], dtype=np.bool_)[self.of]

    def unknown(self, words: Container[str]) -> dict[str, int]:
        """Texts that occur, are not empty and stand in no list."""
        found = np.flatnonzero(np.bincount(self.of, minlength=len(self.names)))
        return {self.names[code]: 1 for code in found if self.names[code] and self.names[code] not in words}

    def column_or_null(self) -> "pd.Series[str]":
        """(n,) texts, null where they are empty."""
        names = pd.Series([name or None for name in self.names], dtype="str")
        return names.take(self.of).reset_index(drop=True)


def leaf_types(says: Words, covers: Words, species: Words, words: Vocabulary) -> Words:
    """Needleleaf, broadleaf, mixed, or empty: what the stand says, else its land cover implies, else its species."""
    size = len(says.names), len(covers.names), len(species.names)
    found, place = distinct_codes(np.ravel_multi_index((says.of, covers.of, species.of), size), int(np.prod(size)))
    texts = []
    for one in found:
        said, cover, name = (int(code) for code in np.unravel_index(one, size))
        own = _LEAF_TYPES.get(says.names[said].lower(), "")
        of_cover = words.land_cover[covers.names[cover]].leaf_type if covers.names[cover] in words.land_cover else ""
        of_species = words.species[species.names[name]].leaf_type if species.names[name] in words.species else ""
        texts.append(own or of_cover or of_species)
    names = sorted({"", *texts})
    return Words(names, np.array([names.index(text) for text in texts], dtype=np.intp)[place])


@dataclass(frozen=True)
class Stands:
    """What is known of (n,) stands or land-cover classes; texts are empty where nothing is known."""

    area_ha: FloatArray
    species: Words
    cover: Words
    leaf_type: Words
    age: FloatArray
    increment: FloatArray

    @classmethod
    def of(
        cls, features: gpd.GeoDataFrame | pd.DataFrame, words: Vocabulary, area_m2: FloatArray | None = None
    ) -> "Stands":
        """Read the columns of a layer; a species implies the leaf type, where neither stand nor land cover says it.

        Args:
            features: (n,) stands or classes.
            words: of species and land covers.
            area_m2: (n,) geodesic; measured from the geometry if not given.
        """
        species, cover = Words.column(features, "species"), Words.column(features, "land_cover")
        return cls(
            area_ha=stand_areas_ha(features, area_m2),
            species=species,
            cover=cover,
            leaf_type=leaf_types(Words.column(features, "leaf_type"), cover, species, words),
            age=stand_ages(features),
            increment=column_or_nan(features, "increment_m3_ha"),
        )

    def has_trees(self, words: Vocabulary) -> BoolArray:
        """(n,) whether it is tree cover: a species is named, the land cover means trees, or a forest map is silent."""
        is_named = self.species.which(lambda name: name != "")
        is_tree = self.cover.which(lambda name: name in words.land_cover and words.land_cover[name].means == "tree")
        return is_named | is_tree | self.cover.which(lambda name: name == "")
