"""A land-cover raster as a layer: hectares per class and target, read block by block; the forest map wins over it."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonmap.ground import Ground, domain_of
from carbonmap.layers import FineCells, SharedLayer
from carbonmap.region import Region
from carbonmap.resources import data_folder
from carbonmap.sectors import Accounts, sector_emissions
from carbonmap.targets import Targets, grids_of
from gis.classes import class_table
from gis.layers import ReadReport
from gis.raster import class_runs
from gis.sources import Source
from grids.land_cover import ClassAreas


def share_raster(
    source: Source,
    region: Region,
    ground: Ground,
    inputs: Path,
    zones: list[Targets],
    stands: NDArray[np.object_],
    accounts: Accounts,
) -> SharedLayer:
    """Read a land-cover raster onto every collection; each class becomes one feature of the sector forest.

    Args:
        source: of the sector land_cover.
        region: the region.
        ground: where it is.
        inputs: folder of the sources.
        zones: zone sets and hexagons.
        stands: polygons of the forest map, which are taken out of the raster.
        accounts: factors and assumptions.
    """
    domain = domain_of(source, region, ground, inputs)
    areas = ClassAreas(
        domain,
        region.crs,
        mask=stands,
        grid=grids_of(region)[-1],
        zones={targets.info.id: targets.polygons for targets in zones},
    )
    assert source.classes is not None  # a raster source without classes is refused when the region file is read
    classes = class_table(source.classes, data_folder() / "schema")
    report = ReadReport(source.id, source.file, unit="pixels")
    for runs in class_runs(source, inputs, region.crs, domain.bounds, classes=classes, report=report):
        areas.add(runs.geometries, runs.class_codes)
    features = pd.DataFrame(
        {
            "id": [f"class-{code}" for code in areas.codes],
            "class_code": areas.codes.astype(np.float64),
            "land_cover": [classes[code].land_cover for code in areas.codes.tolist()],
            "area_ha": areas.area_ha,
        }
    )
    emissions = sector_emissions(source, features, region, accounts)
    derived = emissions.features.reset_index(drop=True)
    table = pd.concat([features[[name for name in features if name not in derived]], derived], axis=1)
    table["outside_share"] = 0.0
    return SharedLayer(
        id=source.id,
        sector="forest",
        open=source.open,
        complete=source.complete,
        emissions=emissions,
        features=table,
        domain=domain,
        outside=np.zeros(len(features)),
        report=report,
        cells=FineCells(*areas.grid_shares()),
        shares={targets.info.id: areas.zone_shares(targets.info.id) for targets in zones},
    )
