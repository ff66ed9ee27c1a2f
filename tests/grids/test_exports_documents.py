"""Licence, citation, columns, factors and STAC of an edition, checked by the schemas and programs of their readers."""

import csv
import io
import json
import logging
from pathlib import Path
from typing import Any

import jsonschema
import pystac
import pytest
import yaml
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.validation import JsonSchemaSTACValidator, validate_dict
from pystac.validation.stac_validator import STACValidator

from grids.edition import Edition
from grids.exports import documents
from grids.exports.files import document, export_file, export_files, is_document
from grids.exports.public_table import PublicTable
from grids.exports.stac import FILE, PROJECTION, Addresses, Made, item_id, stac_collection, stac_item
from grids.shipped import shipped_columns

HERE = Addresses(
    "https://example.org/api/town/stac",
    lambda item: f"https://example.org/api/town/stac/items/{item}",
    lambda name: f"https://example.org/api/town/downloads/{name}",
)

# The extensions' schemas live on the web, where tests do not go; these say the same of the fields that we write
# (projection 2.0.0: code, bbox, shape, transform; file 2.1.0: size, checksum).
EXTENSIONS: dict[str, dict[str, Any]] = {
    PROJECTION: {
        "proj:code": {"type": ["string", "null"], "pattern": "^[A-Z]+:[0-9]+$"},
        "proj:bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        "proj:shape": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        "proj:transform": {"type": "array", "items": {"type": "number"}, "minItems": 6, "maxItems": 9},
    },
    FILE: {
        "file:size": {"type": "integer", "minimum": 0},
        "file:checksum": {"type": "string", "pattern": "^1220[a-f0-9]{64}$"},
    },
}


class Offline(JsonSchemaSTACValidator):
    """pystac's validator with its own copies of the core schemas and, for extensions, the fields above."""

    def validate_extension(
        self, stac_dict: Any, stac_object_type: Any, stac_version: str, extension_id: str, href: Any = None
    ) -> Any:
        known = EXTENSIONS[extension_id]
        prefix = next(iter(known)).split(":")[0] + ":"
        holders = [stac_dict.get("properties", {}), *stac_dict.get("assets", {}).values()]
        fields = {name: value for holder in holders for name, value in holder.items() if name.startswith(prefix)}
        assert fields, f"{extension_id} is declared but not used"
        jsonschema.validate(fields, {"properties": known, "additionalProperties": False})
        return extension_id


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> STACValidator:
    def refused(*_: Any, **__: Any) -> str:
        raise AssertionError("a schema was asked for on the web")

    monkeypatch.setattr(pystac.StacIO.default(), "read_text", refused, raising=False)
    logging.getLogger("pystac").setLevel(logging.ERROR)
    return Offline()


@pytest.fixture(scope="module")
def edition(small_edition: Edition) -> Edition:
    return small_edition


def made_up_sums(edition: Edition) -> dict[str, Made]:
    return {file.name: Made(12, "ab" * 32) for file in export_files(edition)}


# --- documents --------------------------------------------------------------------------------------------------------


def test_the_citation_is_valid_citation_file_format(edition):
    """Against the schema of CFF 1.2.0 (citation-file-format.github.io, CC BY 4.0)."""
    schema = json.loads((Path(__file__).parent / "citation_file_format_1_2_0.json").read_text("utf-8"))
    cited = yaml.safe_load(documents.citation(edition))
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(cited)
    assert cited["version"] == edition.id
    assert cited["license"] == "CC0-1.0"
    assert cited["references"][0]["title"] == "made up for tests"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(cited | {"authors": []}, schema)


def test_sources_without_a_known_licence_are_not_given_one(edition):
    odd = edition.manifest.region.attributions[0].model_copy(update={"licence": "ask the town hall"})
    region = edition.region.model_copy(update={"attributions": (odd,)})

    class Other:
        id, manifest, crs = edition.id, edition.manifest.model_copy(update={"region": region}), edition.crs

    Other.region = region  # type: ignore[attr-defined]
    assert documents.licences(Other) == []  # type: ignore[arg-type]
    assert "license" not in yaml.safe_load(documents.citation(Other))  # type: ignore[arg-type]
    assert "ask the town hall" in documents.licence_text(Other)  # type: ignore[arg-type]


def test_the_dictionary_knows_every_column_of_every_table(edition):
    listed = {column["name"]: column for column in documents.columns(edition, shipped_columns())}
    for collection in edition.manifest.collections:
        for name in collection.columns:
            assert collection.id in listed[name]["collections"]
    assert listed["net_tco2e"]["unit"] == "tCO2e/a"
    rows = list(csv.DictReader(io.StringIO(documents.columns_csv(edition, shipped_columns()))))
    assert [row["name"] for row in rows] == list(listed)
    assert all(row["meaning_en"] and row["label_ko"] for row in rows)


def test_factors_say_how_each_was_chosen(edition):
    [row] = csv.DictReader(io.StringIO(documents.factors_csv(edition)))
    assert (row["id"], row["value"], row["chosen"]) == ("made_up", "0.4", "exact year")
    assert documents.factors(edition)["factors"] == list(edition.manifest.factors)


def test_documents_show_of_private_layers_counts_only(edition):
    """The ids of refused features of a closed source stand in the stored manifest and in no exported document."""
    assert '"b17"' in edition.manifest.model_dump_json()
    for file in export_files(edition):
        if is_document(file):
            assert b'"b17"' not in document(edition, file), file.name


# --- STAC -------------------------------------------------------------------------------------------------------------


def test_pystac_accepts_the_collection(edition, offline):
    told = stac_collection(edition, export_files(edition), made_up_sums(edition), HERE)
    validate_dict(told, validator=offline)
    collection = pystac.Collection.from_dict(told)
    assert collection.extra_fields.get("stac_version", "1.1.0") == "1.1.0"
    assert len(collection.get_links("item")) == 10
    assert {"grid-1km.nc", "CITATION.cff", "columns.csv"} <= set(collection.assets)
    [[begin, end]] = collection.extent.temporal.intervals
    assert (begin.year, end.year) == (2022, 2023)


@pytest.mark.parametrize("made", [True, False])
def test_pystac_accepts_every_item(edition, offline, made):
    sums = made_up_sums(edition) if made else {}
    for info in edition.manifest.collections:
        for year in info.years:
            table = PublicTable(edition, info, year, shipped_columns())
            told = stac_item(table, export_files(edition), sums, HERE)
            validate_dict(told, validator=offline)
            item = pystac.Item.from_dict(told)
            assert item.id == item_id(info.id, year)
            assert ("geotiff" in item.assets) == (info.kind == "grid")
            assert ProjectionExtension.ext(item).code == "EPSG:32632"
            assert all(asset.extra_fields.get("file:size") == (12 if made else None) for asset in item.assets.values())


def test_the_item_of_a_grid_says_where_its_pixels_are(edition):
    table = PublicTable(edition, edition.collection("grid-100m"), 2023, shipped_columns())
    item = pystac.Item.from_dict(stac_item(table, export_files(edition), made_up_sums(edition), HERE))
    asset = item.assets["geotiff"]
    place = ProjectionExtension.ext(asset)
    assert place.shape == [table.extent.height, table.extent.width]
    assert place.transform[:3] == [100.0, 0.0, table.bounds[0]]
    assert FileExtension.ext(asset).checksum == "1220" + "ab" * 32
    names = [band["name"] for band in asset.to_dict()["bands"]]
    assert names == [column.name for column in table.bands]
    export_file(edition, asset.href.rsplit("/", 1)[1])


def test_the_validation_sees_a_fault(edition, offline):
    told = stac_collection(edition, export_files(edition), made_up_sums(edition), HERE)
    del told["license"]
    with pytest.raises(pystac.STACValidationError, match="license"):
        validate_dict(told, validator=offline)
    table = PublicTable(edition, edition.collection("grid-1km"), 2023, shipped_columns())
    item = stac_item(table, export_files(edition), {"grid-1km_2023.tif": Made(1, "no digest")}, HERE)
    with pytest.raises(jsonschema.ValidationError):
        validate_dict(item, validator=offline)
