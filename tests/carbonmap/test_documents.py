"""The page on the region file names every key that the models know, and its example is valid."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from carbonmap.calibration_spec import CalibrationSpec
from carbonmap.region import Attribution, Boundary, Disclosure, GridSpec, Region
from gis.sources import ContextSource, Join, Source, ZoneSet

MODELS: tuple[type[BaseModel], ...] = (
    Region,
    GridSpec,
    Boundary,
    Attribution,
    Disclosure,
    Source,
    Join,
    ZoneSet,
    ContextSource,
    CalibrationSpec,
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_explained(project: Path, model: type[BaseModel]) -> None:
    page = (project / "docs" / "region-file.md").read_text("utf-8").split("## The place")[1]
    page = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)  # examples explain nothing
    words = {word for quoted in re.findall(r"`([^`]+)`", page) for word in re.findall(r"\w+", quoted)}
    assert set(model.model_fields) - words == set()


def test_the_example_is_a_prefix_of_a_real_region_file(project: Path) -> None:
    page = (project / "docs" / "region-file.md").read_text("utf-8")
    example, *sections = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    given = yaml.safe_load(example)
    for section in sections:
        more = yaml.safe_load(section)
        more["sources"] = given["sources"] + more.get("sources", [])
        given |= more
    zones = {"id": "municipality", "title": {"en": "Municipality"}, "file": "zones.geojson", "columns": {"id": "code"}}
    region = Region.model_validate(given | {"zone_sets": [zones]})
    assert region.id == "liechtenstein"
    assert region.base_map is not None
    assert region.calibration is not None
    assert region.sources[0].columns["levels"] == "building:levels"
