"""A region small enough to think about: 2 x 2 km in UTM 32N, four buildings, two roads, one wood, two zones."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.carbonmap.object_store import KEY, ObjectStore, serving

EAST, NORTH = 540_000, 5_220_000
CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}}


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A rectangle by metres from the corner of the region."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [[[EAST + x, NORTH + y] for x, y in corners]]}


def line(*points: tuple[float, float]) -> dict[str, Any]:
    """A line by metres from the corner of the region."""
    return {"type": "LineString", "coordinates": [[EAST + x, NORTH + y] for x, y in points]}


def collection(*features: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    """GeoJSON in the region's CRS from (properties, geometry) pairs."""
    return {
        "type": "FeatureCollection",
        "crs": CRS,
        "features": [{"type": "Feature", "properties": p, "geometry": g} for p, g in features],
    }


BUILDINGS = collection(
    ({"bid": "b1", "kind": "apartment", "floors": 10, "area": 5000.0}, box(110, 110, 160, 160)),
    ({"bid": "b2", "kind": "office", "floors": 4, "area": 2000.0}, box(180, 120, 220, 160)),
    ({"bid": "b3", "kind": "residential", "floors": 2, "area": 200.0}, box(1200, 1200, 1210, 1210)),
    ({"bid": "b4", "kind": "retail", "floors": 1, "area": 400.0}, box(980, 1500, 1020, 1510)),
)
ROADS = collection(
    ({"rid": "r1", "class": "primary", "count": 10000, "speed": 60}, line((0, 1000), (2000, 1000))),
    ({"rid": "r2", "class": "residential", "count": None, "speed": 30}, line((150, 0), (150, 2200))),
)
FOREST = collection(({"sid": "s1", "cover": "tree_mixed"}, box(1300, 200, 1900, 900)))
ZONES = collection(
    ({"code": "west", "name": "West"}, box(0, 0, 1000, 2000)),
    ({"code": "east", "name": "East"}, box(1000, 0, 2000, 2000)),
)
METERS = "building;month;carrier;amount\n" + "".join(
    f"{building};2023{month:02d};electricity;{amount}\n"
    for building, amount in (("b1", 1000), ("b2", 2000), ("b4", 300))
    for month in range(1, 13)
)

REGION: dict[str, Any] = {
    "id": "tiny",
    "name": {"en": "Tiny", "ko": "작은 곳"},
    "languages": ["en", "ko"],
    "crs": "EPSG:32632",
    "grid": {"origin_m": [0, 0], "sizes_m": [1000, 500, 100], "codes": "inspire"},
    "h3_resolutions": [8],
    "years": [2023],
    "boundary": {"zone_set": "district"},
    "factor_regions": ["KR 수도권", "KR", "temperate continental", "world"],
    "sources": [
        {
            "id": "buildings",
            "sector": "buildings",
            "file": "buildings.geojson",
            "columns": {"id": "bid", "use": "kind", "levels": "floors", "floor_area_m2": "area"},
            "joins": [
                {
                    "file": "meters.csv",
                    "key": "building",
                    "layout": "long",
                    "month": "month",
                    "carrier": "carrier",
                    "value": "amount",
                    "unit": "kWh",
                }
            ],
        },
        {
            "id": "roads",
            "sector": "transport",
            "file": "roads.geojson",
            "columns": {"id": "rid", "road_class": "class", "aadt": "count", "speed_kmh": "speed"},
            "open": True,
        },
        {
            "id": "forest",
            "sector": "forest",
            "file": "forest.geojson",
            "columns": {"id": "sid", "land_cover": "cover"},
            "open": True,
        },
    ],
    "zone_sets": [
        {
            "id": "district",
            "title": {"en": "District"},
            "file": "zones.geojson",
            "columns": {"id": "code", "name_en": "name"},
        }
    ],
    "assumptions": {
        "transport.aadt.residential": {
            "value": 800,
            "unit": "vehicles/day",
            "low": 200,
            "high": 2000,
            "author": "tests",
            "reason": "an uncounted street",
        },
        "transport.fleet": {
            "value": {"car_petrol": 0.6, "car_diesel": 0.3, "bus_diesel": 0.1},
            "unit": "1",
            "author": "tests",
            "reason": "a fleet of three",
        },
    },
}


class Tiny:
    """The files of the tiny region, to be spoilt by a test before it is built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.region: dict[str, Any] = copy.deepcopy(REGION)
        self.layers = {
            "buildings.geojson": copy.deepcopy(BUILDINGS),
            "roads.geojson": copy.deepcopy(ROADS),
            "forest.geojson": copy.deepcopy(FOREST),
            "zones.geojson": copy.deepcopy(ZONES),
        }
        self.meters = METERS

    @property
    def store(self) -> Path:
        """Where it is built into."""
        return self.folder / "store"

    @property
    def file(self) -> Path:
        """Its region file."""
        return self.folder / "region.yaml"

    def write(self) -> Path:
        """Write everything; returns the region file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, layer in self.layers.items():
            (self.folder / name).write_text(json.dumps(layer), encoding="utf-8")
        (self.folder / "meters.csv").write_text(self.meters, encoding="utf-8")
        self.file.write_text(yaml.safe_dump(self.region, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return self.file

    def source(self, name: str) -> dict[str, Any]:
        """One source of the region file, to be changed."""
        found: dict[str, Any] = next(source for source in self.region["sources"] if source["id"] == name)
        return found


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A fresh tiny region."""
    return Tiny(tmp_path / "tiny")


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """An object store, and credentials for it in the environment."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    with serving() as store:
        yield store


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: returns exit code, standard output, standard error."""
    from carbonmap import cli

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["carbonmap", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        out = capsys.readouterr()
        return code, out.out, out.err

    return run
