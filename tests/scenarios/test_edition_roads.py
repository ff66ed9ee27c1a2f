"""The roads of an edition: speeds and directions of an open layer, classes of the background where it is closed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from scenarios.edition_roads import _classes, _oneway, edition_roads
from scenarios.parameters import shipped_parameters
from scenarios.road_graph import road_graph


class Drawn:
    """An edition as far as its roads go: rows of a context layer, or the features of an open one."""

    crs = "EPSG:32632"

    def __init__(self, rows: pa.Table, folder: Path | None = None, assumed: tuple[dict[str, Any], ...] = ()) -> None:
        self._rows, self._folder = rows, folder
        layers = [] if folder is None else [type("Layer", (), {"id": "roads", "sector": "transport", "open": True})]
        region = type("Region", (), {"bbox": (9.0, 47.0, 10.0, 48.0)})
        self.manifest = type("Manifest", (), {"layers": layers, "region": region, "assumptions": assumed})

    def context(self, kind: str, bbox: tuple[float, ...]) -> Any:
        assert kind == "roads"
        return type("Page", (), {"rows": self._rows})

    def private(self, kind: str, layer: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{kind}-{layer}.parquet"


def rows(lines: list[Any], **columns: list[Any]) -> pa.Table:
    wkb = [shapely.to_wkb(line) for line in lines]
    return pa.table({"id": [f"w{k}" for k in range(len(lines))], **columns, "geometry": wkb})


def test_background_roads_take_speeds_of_their_class() -> None:
    lines = [shapely.LineString([(9.5, 47.1), (9.5, 47.11 + k / 100)]) for k in range(4)]
    table = rows(lines, road_class=["motorway", "path", "residential", "tertiary_link"])
    assumed = ({"id": "transport.speed.residential", "value": 28, "unit": "km/h"},)
    roads = edition_roads(Drawn(table, assumed=assumed), 2023)  # type: ignore[arg-type]
    assert roads is not None
    assert roads.ids.tolist() == ["w0", "w2", "w3"]
    assert roads.kmh.tolist() == [100, 28, 40]
    assert roads.speeds == ("roads.speed.motorway", "roads.speed.tertiary")
    assert roads.oneway.tolist() == [1, 0, 0]
    assert np.isnan(roads.aadt).all()
    assert [note.illustrative for note in roads.notes] == [True]
    assert shapely.length(roads.lines[0]) == pytest.approx(1112, rel=1e-2)  # a hundredth of a degree northward


def test_open_roads_tell_speed_lanes_traffic_and_direction(tmp_path: Path) -> None:
    lines = [shapely.LineString([(540_000, 5_220_000), (541_000, 5_220_000 + k)]) for k in range(4)]
    table = rows(
        lines,
        road_class=["primary", "primary", "service", "busway"],
        speed_kmh=[60.0, None, 18.0, 30.0],
        oneway=["yes", "-1", None, None],
        lanes=[2.0, 0.0, None, None],
        aadt_2023=[9000.0, 8000.0, None, 100.0],
    )
    pd_table = table.to_pandas()
    pd_table.to_parquet(tmp_path / "features-roads.parquet")
    roads = edition_roads(Drawn(table, tmp_path), 2023)  # type: ignore[arg-type]
    assert roads is not None
    assert roads.kmh.tolist() == [60, 50, 18]
    assert roads.speeds == ("roads.speed.primary",)
    assert roads.oneway.tolist() == [1, -1, 0]
    np.testing.assert_array_equal(roads.lanes, [2, np.nan, np.nan])
    np.testing.assert_array_equal(roads.aadt, [9000, 8000, np.nan])
    assert len(road_graph(roads).km) == 3


def test_an_edition_without_roads_for_cars_has_none() -> None:
    line = shapely.LineString([(9.5, 47.1), (9.5, 47.2)])
    assert edition_roads(Drawn(rows([line], road_class=["footway"])), 2023) is None  # type: ignore[arg-type]


def test_words_of_classes_and_directions() -> None:
    frame = pd.DataFrame({"road_class": ["local", None, "primary_link"], "speed_kmh": [50.0, np.nan, np.nan]})
    names, drives = _classes(frame)
    assert names.tolist() == ["local", "unknown", "primary"]
    assert drives.tolist() == [True, False, True]
    said = pd.DataFrame({"oneway": ["no", "reverse", "1", None]})
    assert _oneway(said, np.array(["motorway", "road", "road", "motorway_link"], dtype=object)).tolist() == [
        0,
        -1,
        1,
        1,
    ]
    assert {name for name in shipped_parameters().items if name.startswith("roads.speed.")} >= {"roads.speed.other"}
