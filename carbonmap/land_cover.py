"""A land-cover raster as a layer: hectares per class and target, read block by block; the forest map wins over it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accounting.sector import Remark
from carbonmap.line_tables import line_table
from carbonmap.parts import PartRecord, PartTables, arrow_table, cell_table, record_of, share_table
from carbonmap.plan import Plan
from carbonmap.resources import data_folder
from carbonmap.sectors import sector_emissions
from gis.classes import class_table
from gis.layers import LeftOut, ReadReport
from gis.raster import class_runs
from gis.sources import Source
from grids.errors import GridError
from grids.land_cover import ClassAreas

_UNKNOWN_SHARE = 1e-3
"""Of the ground that a raster is asked for; less is the rounding of areas and borders."""


def work_raster(plan: Plan, source: Source, stands: NDArray[np.object_]) -> tuple[PartRecord, PartTables]:
    """Read a land-cover raster onto every collection; each class becomes one feature of the sector forest.

    Args:
        plan: the region.
        source: of the sector land_cover.
        stands: polygons of the forest map, which are taken out of the raster.
    """
    region = plan.region
    domain = plan.domain(source)
    areas = ClassAreas(plan.division(source), mask=stands)
    assert source.classes is not None  # a raster source without classes is refused when the region file is read
    classes = class_table(source.classes, data_folder() / "schema")
    report = ReadReport(source.id, source.file, unit="pixels")
    for runs in class_runs(source, plan.inputs, region.crs, domain.bounds, classes=classes, report=report):
        try:
            areas.add(runs.geometries, runs.class_codes)
        except GridError as error:
            raise type(error)(f"source {source.id}: {error}") from error
    if areas.repaired:
        report.notes.append(f"{areas.repaired} patches crossed themselves when projected, and were made valid")
    if areas.refused:
        report.left_out = LeftOut(areas.refused, {"area_ha": areas.refused_ha})
    features = pd.DataFrame(
        {
            "id": [f"class-{code}" for code in areas.codes],
            "class_code": areas.codes.astype(np.float64),
            "land_cover": [classes[code].land_cover for code in areas.codes.tolist()],
            "area_ha": areas.area_ha,
        }
    )
    emissions = sector_emissions(source, features, region, plan.accounts.apart())
    derived = emissions.features.reset_index(drop=True)
    table = pd.concat([features[[name for name in features if name not in derived]], derived], axis=1)
    table["outside_share"] = 0.0
    shared = areas.shared_out()
    shares = {name: share_table(entries) for name, entries in shared.zones.items()}
    tables = PartTables(arrow_table(table), line_table(emissions.compact), cell_table(shared.cells), shares)
    repaired = tuple(features["id"].iloc[shared.repaired])
    record = record_of(len(features), report, emissions, repaired=repaired)
    return replace(record, remarks=(*record.remarks, *_unknown(areas, source))), tables


def _unknown(areas: ClassAreas, source: Source) -> Iterator[Remark]:
    """What to say of ground of which the raster says nothing: it counts as 0, which nobody has said it is."""
    name = source.file.replace("{", "{{").replace("}", "}}")
    unknown_ha = areas.ground_ha - float(areas.area_ha.sum()) - areas.refused_ha
    if unknown_ha > _UNKNOWN_SHARE * areas.ground_ha:
        text = (
            f"{name} says nothing of {{amount:,.0f}} ha of its domain ({unknown_ha / areas.ground_ha:.1%}), which "
            "lie outside of it or have no class; they count as 0: if that is not what is meant, take a raster that "
            "covers the domain, or say by coverage: for what it speaks."
        )
        yield Remark(text, amount=unknown_ha)
