"""Templates of region files: what a country's open data are called, and numbers for what its tables lack."""

import fnmatch
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import shapely
from pydantic import AfterValidator, Field, ValidationError

from accounting.tables import read_rows
from carbonmap.currencies import checked_currency
from carbonmap.errors import RegionError
from carbonmap.resources import data_folder
from carbonmap.yaml_file import YamlFile
from gis.crs import Bounds
from gis.errors import did_you_mean, listed
from gis.found_layers import FoundLayer
from gis.sources import Strict, Where

Kind = Literal["osm", "buildings", "transport", "forest", "land_cover", "population", "zones", "table", "totals"]

OUTLINES = "outlines.geojson"
SYNONYMS = "columns.csv"
FORMS = "forms.csv"

_NEAR_DEGREES = 0.1
"""Of a border; its outline is simplified to a tenth of this, and widened over the sea."""


class Marks(Strict):
    """By what a file is known: all these columns, one of these names, or one of these suffixes."""

    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()


class Dataset(Strict):
    """An open data set of a country: how it is known, what its columns are to us, where it is from."""

    id: str
    kind: Kind
    title: str
    recognise: Marks
    national: bool = False
    """Whether only this country has it, so that its columns say where a place is."""
    columns: dict[str, str] = Field(default_factory=dict)
    uses: str | None = None
    classes: str | None = None
    encoding: str | None = None
    crs: str | None = None
    where: Where = Field(default_factory=dict)
    land_use: bool = False
    key: str | None = None
    """Of a table: the column that holds the ids it is joined by."""
    tiles: str | None = None
    """Name of a tile, with `{tile}` for its south-western corner: N39E066."""
    provider: str
    url: str
    licence: str
    attribution: str = ""
    note: str = ""
    explained: dict[str, str] = Field(default_factory=dict)
    """Their columns, each with its meaning."""

    def knows(self, layer: FoundLayer) -> bool:
        """Whether a layer is this data set, by its columns or its name."""
        if self.has_columns_of(layer):
            return True
        return any(fnmatch.fnmatch(layer.file.lower(), name) for name in self.recognise.names)

    def has_columns_of(self, layer: FoundLayer) -> bool:
        """Whether a layer has all the columns that this data set is known by."""
        columns = {column.lower() for column in layer.columns}
        return bool(self.recognise.columns) and {column.lower() for column in self.recognise.columns} <= columns


class LocalFactors(Strict):
    """A part of a country that has factors of its own, by its bounds in degrees."""

    region: str
    bounds: Bounds


class Template(Strict):
    """What a region file of a country begins with."""

    id: str
    title: str
    crs: tuple[str, ...] = ()
    codes: Literal["korea", "inspire"] = "inspire"
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    currency: Annotated[str, AfterValidator(checked_currency)] | None = None
    factor_regions: Annotated[tuple[str, ...], Field(min_length=1)]
    local_factors: tuple[LocalFactors, ...] = ()
    factors: dict[str, str | dict[str, Any]] = Field(default_factory=dict)
    datasets: tuple[Dataset, ...] = ()
    assumptions: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def holds(self, lonlat: Bounds) -> bool:
        """Whether the middle of a place lies in the country that this template is for."""
        outline = outlines().get(self.id)
        return outline is not None and bool(shapely.contains(outline, _middle(lonlat)))

    def is_near_border(self, lonlat: Bounds) -> bool:
        """Whether the middle of a place lies so near the border that the outline, which is simplified, may be wrong."""
        outline = outlines().get(self.id)
        return outline is not None and bool(
            shapely.distance(shapely.boundary(outline), _middle(lonlat)) < _NEAR_DEGREES
        )

    def knows(self, layers: Sequence[FoundLayer]) -> FoundLayer | None:
        """The first layer that has all the columns by which a data set of this country is known."""
        ours = [dataset for dataset in self.datasets if dataset.national]
        return next((layer for layer in layers if any(dataset.has_columns_of(layer) for dataset in ours)), None)

    def factor_regions_of(self, lonlat: Bounds) -> list[str]:
        """Where factors of a place are looked up, nearest first."""
        local = [part.region for part in self.local_factors if _is_in(lonlat, part.bounds)]
        return [*local, *self.factor_regions]

    def dataset(self, kind: Kind) -> Dataset | None:
        """The first data set of a kind."""
        return next((dataset for dataset in self.datasets if dataset.kind == kind), None)


def _middle(lonlat: Bounds) -> shapely.Point:
    return shapely.Point((lonlat[0] + lonlat[2]) / 2, (lonlat[1] + lonlat[3]) / 2)


def _is_in(lonlat: Bounds, bounds: Bounds) -> bool:
    return bool(shapely.box(*bounds).intersects(_middle(lonlat)))


@cache
def outlines() -> dict[str, shapely.Geometry]:
    """Outlines of the countries that have a template, in degrees, simplified to about a kilometre."""
    text = (data_folder() / "templates" / OUTLINES).read_text(encoding="utf-8")
    return {
        feature["properties"]["template"]: shapely.geometry.shape(feature["geometry"])
        for feature in json.loads(text)["features"]
    }


def template_names() -> list[str]:
    """The templates that ship, the one for anywhere last."""
    names = {file.stem for file in (data_folder() / "templates").glob("*.yaml")}
    return [*sorted(names - {"osm"}), "osm"]


def read_template(name: str) -> Template:
    """Read a template that ships.

    Raises:
        RegionError: there is no such template, or it is not as it should be.
    """
    if name not in template_names():
        raise RegionError(
            f"there is no template {name!r}; expected one of {listed(template_names())}."
            f"{did_you_mean(name, template_names())}"
        )
    file = YamlFile(data_folder() / "templates" / f"{name}.yaml")
    try:
        return Template.model_validate(file.data)
    except ValidationError as problem:
        raise RegionError(f"{file.path}: {problem}") from None


def template_for(lonlat: Bounds | None, layers: Sequence[FoundLayer] = ()) -> tuple[Template, str]:
    """The template for a place, and why: by whose data there are, else by the country it lies in, else for anywhere.

    Args:
        lonlat: bounds of the place in degrees, if known.
        layers: what was found there.
    """
    national = [read_template(name) for name in template_names() if name in outlines()]
    for template in national:
        known = template.knows(layers)
        if known is not None:
            return template, f"{known.title} has the columns of a data set of {template.title}"
    for template in national:
        if lonlat is not None and template.holds(lonlat):
            why = f"the middle of the data lies in {template.title}"
            if template.is_near_border(lonlat):
                why += ", near its border: if it does not, begin anew with --template osm, for factors are a country's"
            return template, why
    return read_template("osm"), "no country with a template of its own was recognised, by columns or by place"


@dataclass(frozen=True)
class Synonym:
    """Names that a column of ours goes by in files of no known data set."""

    kind: str
    ours: str
    theirs: tuple[str, ...]


def read_synonyms() -> list[Synonym]:
    """The table `data/templates/columns.csv`."""
    rows = read_rows(data_folder() / "templates" / SYNONYMS, ("kind", "ours", "theirs"))
    return [Synonym(row["kind"], row["ours"], tuple(row["theirs"].split("|"))) for row in rows]


@dataclass(frozen=True)
class FormColumn:
    """One column of a CSV form."""

    form: str
    column: str
    unit: str
    needed: bool


def read_forms() -> dict[str, list[FormColumn]]:
    """Columns of the CSV forms that ship, by form (`meters`, `counts`, `stands`, `inventory_totals`)."""
    names = ("form", "column", "unit", "needed", "example", "meaning_en", "meaning_ko", "meaning_ru")
    forms: dict[str, list[FormColumn]] = {}
    for row in read_rows(data_folder() / "templates" / FORMS, names):
        column = FormColumn(row["form"], row["column"], row["unit"], row["needed"] == "yes")
        forms.setdefault(column.form, []).append(column)
    return forms


def form_of(columns: Sequence[str]) -> str | None:
    """Which form a table was filled from.

    All its needed columns are there, and three or more of it; two do where no more are foreign: `road_id,aadt`.
    """
    there = set(columns)
    for name, form in read_forms().items():
        known = {column.column for column in form}
        if {column.column for column in form if column.needed} <= there:
            ours, foreign = len(known & there), len(there - known)
            if ours > 2 or (ours == 2 and foreign <= ours):
                return name
    return None


def form_files() -> list[Path]:
    """The CSV forms that ship."""
    return [data_folder() / "templates" / f"{name}.csv" for name in read_forms()]
