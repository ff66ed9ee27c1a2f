"""Forest stands: their age, leaf type and area, from what forest maps and land-cover classes say."""

import re
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.vocabulary import LandCover, Vocabulary
from gis.columns import column_or_nan
from gis.measure import geodesic_area_m2

FloatArray = npt.NDArray[np.float64]
ObjectArray = npt.NDArray[np.object_]

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


def stand_areas_ha(features: gpd.GeoDataFrame | pd.DataFrame) -> FloatArray:
    """(n,) hectares: the column `area_ha` where the layer has one (raster classes), else geodesic from geometry."""
    if "area_ha" in features.columns:
        return column_or_nan(features, "area_ha")
    return geodesic_area_m2(features) / 1e4


def stand_ages(features: pd.DataFrame) -> FloatArray:
    """(n,) age of every stand in years, else the midpoint of its age class, else NaN.

    Age classes are of ten years: I is 1-10 with midpoint 5, II 11-20 with 15, and so on (METHODS C3). They are written
    as 1, I, Ⅰ, or `1영급`.
    """
    ages = column_or_nan(features, "age_years")
    ages = np.where(ages >= 0, ages, np.nan)
    if "age_class" not in features.columns:
        return ages
    codes, words = pd.factorize(features["age_class"].astype("object"), use_na_sentinel=True)
    by_class = np.array([*map(_midpoint, words), np.nan])[codes]
    return np.where(np.isnan(ages), by_class, ages)


def _midpoint(value: Any) -> float:
    text = str(value).strip().upper().removesuffix("영급").strip()
    text = "".join(_FULL_WIDTH.get(character, character) for character in text)
    number = _ROMAN.get(text)
    if number is None and re.fullmatch(r"\d{1,2}(\.0+)?", text):
        number = int(float(text))
    return np.nan if not number else (number - 0.5) * _CLASS_YEARS


def text_column(features: pd.DataFrame, name: str) -> ObjectArray:
    """(n,) stripped texts, empty where the layer lacks the column or the value."""
    if name not in features.columns:
        return np.full(len(features), "", dtype=object)
    codes, words = pd.factorize(features[name].astype("object"), use_na_sentinel=True)
    return np.array([*(str(word).strip() for word in words), ""], dtype=object)[codes]


def leaf_types(features: pd.DataFrame, covers: ObjectArray, words: dict[str, LandCover]) -> ObjectArray:
    """(n,) needleleaf, broadleaf, mixed, or empty: what the stand says, else what its land cover implies."""
    says = text_column(features, "leaf_type")
    implied = [words[cover].leaf_type if cover in words else "" for cover in covers]
    found = [_LEAF_TYPES.get(str(own).lower(), "") or of_cover for own, of_cover in zip(says, implied, strict=True)]
    return np.array(found, dtype=object)


@dataclass(frozen=True)
class Stands:
    """What is known of (n,) stands or land-cover classes; texts are empty where nothing is known."""

    area_ha: FloatArray
    species: ObjectArray
    cover: ObjectArray
    leaf_type: ObjectArray
    age: FloatArray
    increment: FloatArray

    @classmethod
    def of(cls, features: gpd.GeoDataFrame | pd.DataFrame, words: Vocabulary) -> "Stands":
        """Read the columns of a layer; a species implies the leaf type, where neither stand nor land cover says it."""
        species, cover = text_column(features, "species"), text_column(features, "land_cover")
        leaf = leaf_types(features, cover, words.land_cover)
        implied = [words.species[name].leaf_type if name in words.species else "" for name in species]
        return cls(
            area_ha=stand_areas_ha(features),
            species=species,
            cover=cover,
            leaf_type=np.array([own or other for own, other in zip(leaf, implied, strict=True)], dtype=object),
            age=stand_ages(features),
            increment=column_or_nan(features, "increment_m3_ha"),
        )

    def has_trees(self, words: Vocabulary) -> npt.NDArray[np.bool_]:
        """(n,) whether it is tree cover: a species is named, the land cover means trees, or a forest map is silent."""
        means = [words.land_cover[cover].means if cover in words.land_cover else "" for cover in self.cover]
        silent = (self.cover == "") & (self.species == "")
        return np.asarray((self.species != "") | (np.array(means, dtype=object) == "tree") | silent, dtype=np.bool_)
