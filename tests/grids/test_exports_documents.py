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
from grids.manifest import Attribution
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


def of_sources(edition: Edition, *licences: str | None) -> Edition:
    """The edition as it would be of one source under each of these licences."""
    sources = tuple(Attribution(text=f"source {k}", licence=licence) for k, licence in enumerate(licences))
    region = edition.region.model_copy(update={"attributions": sources})
    other = Edition(edition.folder)
    other.region, other.manifest = region, edition.manifest.model_copy(update={"region": region})
    return other


OSM, SGIS = "ODbL 1.0", "공공누리 제1유형, CC BY 4.0"


@pytest.mark.parametrize(
    ("given", "only", "told"),
    [
        (["CC0 1.0"], "CC0-1.0", ["CC0-1.0"]),
        (["odbl", "ODbL-1.0", OSM], "ODbL-1.0", ["ODbL-1.0"]),
        (["CC BY 4.0, cc-by-4.0"], "CC-BY-4.0", ["CC-BY-4.0"]),
        ([OSM, "CC BY 4.0"], None, ["ODbL-1.0", "CC-BY-4.0"]),
        ([OSM, SGIS], None, ["ODbL-1.0", "공공누리 제1유형", "CC-BY-4.0"]),
        ([SGIS], None, ["공공누리 제1유형", "CC-BY-4.0"]),
        ([OSM, "ask the town hall"], None, ["ODbL-1.0", "ask the town hall"]),
        (["ask the town hall"], None, ["ask the town hall"]),
        (["CC BY 4.0 or ODbL 1.0"], None, ["CC BY 4.0 or ODbL 1.0"]),
        (["ours (free, with acknowledgement)"], None, ["ours (free, with acknowledgement)"]),
        ([OSM, None], None, ["ODbL-1.0", "not stated"]),
        ([], None, []),
    ],
)
def test_an_edition_has_a_licence_only_where_all_its_sources_have_it(edition, offline, given, only, told):
    """CFF reads a list of licences as a choice, and one identifier stands for all numbers: neither may be false."""
    mixed = of_sources(edition, *given)
    assert documents.licences(mixed) == told
    schema = json.loads((Path(__file__).parent / "citation_file_format_1_2_0.json").read_text("utf-8"))
    cited = yaml.safe_load(documents.citation(mixed))
    jsonschema.validate(cited, schema)
    assert cited.get("license") == only
    assert [one["notes"] for one in cited.get("references", [])] == [
        f"Licence: {licence or 'not stated'}" for licence in given
    ]
    catalogue = stac_collection(mixed, export_files(mixed), made_up_sums(mixed), HERE)
    validate_dict(catalogue, validator=offline)
    assert catalogue["license"] == (only or "other")
    links = [link for link in catalogue["links"] if link["rel"] == "license"]
    assert links[0]["href"].endswith("/LICENSE.txt")
    assert links[0]["title"].endswith(f": {'; '.join(told) or 'not stated'}")
    assert [link["href"] for link in links[1:]] == [
        f"https://spdx.org/licenses/{name}.html" for name in told if name in ("CC0-1.0", "ODbL-1.0", "CC-BY-4.0")
    ]
    text = documents.licence_text(mixed)
    for k, licence in enumerate(given):
        assert f"- source {k} ({licence or 'licence not stated: ask before you pass it on'})" in text


@pytest.mark.parametrize(
    ("name", "only"), [("monaco", "ODbL-1.0"), ("songpa", None), ("helsinki", None), ("jizzakh", None)]
)
def test_the_regions_of_several_licences_have_no_single_one(edition, project: Path, name, only):
    given = yaml.safe_load((project / "data" / "regions" / f"{name}.yaml").read_text("utf-8"))["attributions"]
    assert documents.only_licence(of_sources(edition, *(one["licence"] for one in given))) == only


def test_a_source_of_one_known_licence_has_it_in_the_citation_though_others_have_not(edition):
    cited = yaml.safe_load(documents.citation(of_sources(edition, OSM, SGIS, "CC BY 4.0", "ask the town hall")))
    assert [one.get("license") for one in cited["references"]] == ["ODbL-1.0", None, "CC-BY-4.0", None]
    assert cited["message"].endswith("Each source has its own licence, which stands beside it.")


def test_every_identifier_of_a_licence_is_one_that_the_citation_format_has(edition):
    schema = json.loads((Path(__file__).parent / "citation_file_format_1_2_0.json").read_text("utf-8"))
    known = set(schema["definitions"]["license-enum"]["enum"])
    spoken = ["CC BY 3.0", "CC BY-SA 3.0", "CC-BY-SA-4.0", "PDDL 1.0", "ODC-By 1.0", "OGL-UK-3.0", "etalab-2.0"]
    told = documents.licences(of_sources(edition, *spoken))
    assert len(told) == len(spoken)
    assert set(told) <= known


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
