"""A small real edition, written by the writer itself, and a server over it: API tests need no build."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import h3
import httpx
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pytest
import shapely
import uvicorn
from pyproj import Transformer

from api.app import create_app
from api.database import Database
from api.server import listen
from api.settings import Settings
from api.wire import GuardedProtocol
from grids.edition import CollectionInfo, EditionWriter, Store
from grids.grid import Grid

CRS = "EPSG:32632"
WEST, SOUTH = 540_000, 5_220_000  # near Liechtenstein
KM_EAST, KM_NORTH = 6, 5
YEARS = (2022, 2023)
# Patience costs nothing where things work, and a busy machine is no failure.
PATIENCE_S = 120
SECTORS = ("buildings", "transport", "forest")
# What `write_private` says of the first zone: its private and public tables belong together.
OF_WEST = {"buildings_tco2e": 1.25, "buildings_gas_direct_tco2e": 1.25, "buildings_electricity_indirect_tco2e": 0.0}
OF_WEST |= {"forest_tco2e": 0.0, "net_tco2e": np.nan}


def numbers(count: int, year: int, seed: int) -> dict[str, Any]:
    """Every kind of public column: signed, null, shares, flags."""
    random = np.random.default_rng([seed, year])
    electricity = random.lognormal(3, 1, count)
    gas = random.lognormal(2, 1, count)
    transport = random.lognormal(2, 2, count)
    forest = -random.lognormal(1, 1, count)
    transport[::11] = np.nan
    population = random.integers(0, 400, count).astype(float)
    population[::7] = np.nan
    columns: dict[str, Any] = {"population": population, "buildings_tco2e": electricity + gas}
    columns |= {
        "transport_tco2e": transport,
        "forest_tco2e": forest,
        "net_tco2e": electricity + gas + transport + forest,
    }
    columns |= {"buildings_electricity_indirect_tco2e": electricity, "buildings_gas_direct_tco2e": gas}
    for sector in SECTORS:
        columns[f"{sector}_sd_tco2e"] = random.random(count)
    columns["net_sd_tco2e"] = random.random(count)
    for method in ("metered", "modelled", "default"):
        columns[f"buildings_{method}_share"] = random.random(count)
    columns["transport_coverage"] = np.where(np.isnan(transport), 0.0, 1.0)
    columns["buildings_illustrative"] = np.ones(count, dtype=bool)
    columns["held"] = random.random(count) < 0.1
    return columns


def write_grid(writer: EditionWriter, size: int, level: int, parent: str | None, seed: int) -> None:
    name = "grid-1km" if size == 1000 else f"grid-{size}m"
    info = CollectionInfo(
        id=name,
        title={"en": f"{size} m cells", "ko": f"{size} m 격자"},
        kind="grid",
        level=level,
        parent=parent,
        cell_size_m=size,
        origin_m=(0, 0),
        codes="inspire",
    )
    per_km = 1000 // size
    rows, cols = np.meshgrid(np.arange(KM_NORTH * per_km), np.arange(KM_EAST * per_km), indexing="ij")
    rows, cols = rows.ravel() + SOUTH // size, cols.ravel() + WEST // size
    kept = (rows * 7 + cols * 3) % 10 > 0 if size < 1000 else np.ones(len(rows), dtype=bool)
    rows, cols = rows[kept], cols[kept]
    grid = Grid(CRS, (0, 0), size, "inspire")
    for year in YEARS:
        frame = pd.DataFrame({"id": grid.codes(rows, cols).astype(object), "row": rows, "col": cols})
        frame["area_ha"] = size * size / 10_000.0
        writer.write_table(info, year, frame.assign(**numbers(len(frame), year, seed)))


def write_zones(writer: EditionWriter, seed: int) -> list[str]:
    """Write the zones; returns their ids."""
    info = CollectionInfo(
        id="municipality", title={"en": "Municipality", "ko": "지자체"}, kind="zones", zone_kind="administrative"
    )
    east, north = WEST + KM_EAST * 1000, SOUTH + KM_NORTH * 1000
    middle = WEST + 2_700
    hole = shapely.box(middle + 400, SOUTH + 900, middle + 900, SOUTH + 1_700)
    shapes = [
        shapely.box(WEST, SOUTH, middle, north),
        shapely.difference(shapely.box(middle, SOUTH, east, north), hole),
        shapely.union(hole, shapely.box(east + 500, SOUTH, east + 900, SOUTH + 300)),
    ]
    frame = pd.DataFrame(
        {
            "id": ["west", "동구", "north/enclave"],
            "name_en": ["West", "East", "Enclave"],
            "name_ko": ["서구", "동구", "월경지"],
        }
    )
    frame["parent_id"] = None
    for year in YEARS:
        known = numbers(3, year, seed)
        for name, told in OF_WEST.items():
            known[name][0] = told
        full = frame.assign(area_ha=shapely.area(shapes) / 10_000, **known)
        writer.write_table(info, year, full, geometry=shapes)
    return list(frame["id"])


def write_hexagons(writer: EditionWriter, seed: int) -> list[str]:
    """Write the hexagons; returns their ids."""
    info = CollectionInfo(id="h3-8", title={"en": "Hexagons", "ko": "육각형"}, kind="hexagons", resolution=8)
    to_lonlat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    lon, lat = to_lonlat.transform(WEST + KM_EAST * 500, SOUTH + KM_NORTH * 500)
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(lat, lon, 8), 3))
    to_metric = Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    shapes = [shapely.Polygon([to_metric.transform(x, y) for y, x in h3.cell_to_boundary(cell)]) for cell in cells]
    for year in YEARS:
        frame = pd.DataFrame({"id": cells, "area_ha": [h3.cell_area(cell, "m^2") / 10_000 for cell in cells]})
        writer.write_table(info, year, frame.assign(**numbers(len(cells), year, seed)), geometry=shapes)
    return list(cells)


def write_context(writer: EditionWriter) -> None:
    east, north = WEST + KM_EAST * 1000, SOUTH + KM_NORTH * 1000
    river = shapely.LineString([(WEST - 3000, SOUTH + 1000), (WEST + 2000, SOUTH + 2500), (east + 3000, SOUTH + 2600)])
    kinds: dict[str, dict[str, Any]] = {
        "water": {
            "name": ["Rhine", "Lake"],
            "geometry": [river.buffer(40), shapely.Point(WEST + 900, SOUTH + 900).buffer(300)],
        },
        "green": {"name": [None], "geometry": [shapely.box(WEST + 3000, SOUTH + 3000, WEST + 5000, north)]},
        "roads": {
            "name": ["A13", None],
            "id": ["r1", "r2"],
            "road_class": ["motorway", "residential"],
            "geometry": [river.parallel_offset(200), shapely.LineString([(WEST + 100, SOUTH), (WEST + 100, north)])],
        },
        "boundaries": {"collection": ["municipality"], "geometry": [shapely.box(WEST, SOUTH, east, north).exterior]},
        "places": {
            "name": ["Vaduz"],
            "name_ko": ["파두츠"],
            "rank": [3],
            "geometry": [shapely.Point(WEST + 2500, SOUTH + 2500)],
        },
    }
    for kind, columns in kinds.items():
        writer.write_context(kind, gpd.GeoDataFrame({"kind": kind, **columns}, geometry="geometry", crs=CRS))


def write_private(writer: EditionWriter, ids: dict[str, list[str]]) -> None:
    """What receipts read: a metered and a modelled building, and a counted road, in the first place of each collection.

    Args:
        writer: of the edition.
        ids: collection -> ids of its zones or hexagons; those of cells are not needed.
    """
    line = {
        "carrier": "gas",
        "basis": "direct",
        "method": "metered",
        "activity": 10.0,
        "activity_unit": "kWh",
        "factor_id": "made_up",
        "emissions_tco2e": 1.0,
        "u_own": 0.02,
        "group": "",
        "u_group": 0.0,
        "u_factor": 0.05,
        "assumptions": "",
    }
    modelled = line | {"method": "modelled", "group": "eui:office", "u_group": 0.4, "emissions_tco2e": 0.25}
    layers = {"meters": [line, modelled], "osm_roads": [line | {"carrier": "diesel"}]}
    for name, lines in layers.items():
        rows = [{"feature": k, "year": year, **one} for year in YEARS for k, one in enumerate(lines)]
        frame = pd.DataFrame(rows).astype({"feature": "int32", "year": "int16"})
        writer.write_private_table("lines", name, pa.Table.from_pandas(frame))
        known: dict[str, Any] = {"id": [f"{name}-{k}" for k in range(len(lines))]}
        if name == "osm_roads":
            street = shapely.LineString([(WEST + 200, SOUTH + 1000), (WEST + 1200, SOUTH + 1000)])
            known |= {
                "geometry": [street.wkb],
                "road_class": ["residential"],
                "speed_kmh": [40.0],
                "aadt_2023": [900.0],
            }
        writer.write_private_table("features", name, pa.table(known))
        features = np.arange(len(lines), dtype=np.int32)
        shares = {"target": np.zeros(len(lines), dtype=np.int32), "feature": features, "share": np.ones(len(lines))}
        for collection in ("grid-1km", "grid-500m", "grid-100m", *ids):
            writer.write_private_table("shares", f"{name}.{collection}", pa.table(shares))
    for collection, known in ids.items():
        writer.write_private_table("targets", collection, pa.table({"id": known}))


def manifest_of(region: str, *, synthetic: bool = True) -> dict[str, Any]:
    """What a build would say of this edition."""
    to_lonlat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    bbox = to_lonlat.transform_bounds(WEST, SOUTH, WEST + KM_EAST * 1000, SOUTH + KM_NORTH * 1000)
    return {
        "region": {
            "id": region,
            "name": {"en": "Little Town", "ko": "작은 마을"},
            "languages": ["en", "ko"],
            "crs": CRS,
            "bbox": bbox,
            "synthetic": synthetic,
            "years": YEARS,
            "attributions": [{"text": "made up for tests", "licence": "CC0", "url": "https://example.org"}],
            "factor_regions": ["LI"],
        },
        "sectors": SECTORS,
        "illustrative": {"buildings": True, "transport": False, "forest": False},
        "inputs": [{"file": "town.gpkg", "bytes": 10, "sha256": "0" * 64}],
        "factors": [{"id": "made_up", "value": 0.4, "chosen": "exact year"}],
        "layers": [
            {
                "id": "meters",
                "sector": "buildings",
                "open": False,
                "report": {"read": 3, "refused": [["b17", "no geometry"]]},
            },
            {
                "id": "osm_roads",
                "sector": "transport",
                "open": True,
                "report": {"read": 9, "refused": [["w4", "no geometry"]]},
            },
        ],
        "residuals": {
            "municipality": [
                {
                    "layer": "*",
                    "sector": "buildings",
                    "carrier": "gas",
                    "basis": "direct",
                    "year": 2023,
                    "residual": 1e-15,
                }
            ]
        },
        "totals": {2023: {"buildings": 1.0, "net": None}},
        "disclosure": {"rule": {"min_count": 3}, "grid-1km": {"held": 2, "largest_shift": 0.25}},
        "code": {"version": "0.1.0", "sha256": "0" * 64},
        "libraries": {"numpy": np.__version__},
    }


def write_edition(store: Path, region: str, edition: str, seed: int = 1, **manifest: Any) -> None:
    """Write and publish a whole small edition."""
    with EditionWriter(store, region, edition, crs=CRS) as writer:
        write_grid(writer, 1000, 0, None, seed)
        write_grid(writer, 500, 1, "grid-1km", seed + 1)
        write_grid(writer, 100, 2, "grid-500m", seed + 2)
        zones = write_zones(writer, seed + 3)
        hexagons = write_hexagons(writer, seed + 4)
        write_context(writer)
        write_private(writer, {"municipality": zones, "h3-8": hexagons})
        writer.publish(manifest_of(region, **manifest))


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    """Run a real server on a free loopback port in a thread and give its address."""
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(settings), http=GuardedProtocol, log_level="warning", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture(scope="session")
def started() -> Callable[[Settings], AbstractContextManager[str]]:
    """What runs a real server of other settings while a test, or several, need it, and gives its address."""
    return running


@pytest.fixture(scope="session")
def web_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    (folder / "index.html").write_text("<!doctype html><title>map</title>", encoding="utf-8")
    (folder / "assets").mkdir()
    (folder / "assets" / "main-abc123.js").write_text("export {};", encoding="utf-8")
    (folder / "assets" / "worker-abc123.mjs").write_text("export {};", encoding="utf-8")
    (folder.parent / "secret.txt").write_text("secret", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that nobody serves or changes: to be copied, which takes a hundredth of writing it."""
    store = tmp_path_factory.mktemp("fresh")
    write_edition(store, "town", "0123456789abcdef")
    return store


@pytest.fixture(scope="session")
def small_store(fresh_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that many tests share, and what servers keep in it; none changes the edition."""
    return shutil.copytree(fresh_store, tmp_path_factory.mktemp("small") / "store")


@pytest.fixture(scope="session")
def served(small_store: Path, web_folder: Path) -> Iterator[str]:
    """The address of a server over the small store that no test changes."""
    with running(Settings(store=small_store, web=web_folder)) as address:
        yield address


@pytest.fixture(scope="session")
def served_port(served: str) -> int:
    return int(served.rsplit(":", 1)[1])


@pytest.fixture(scope="session")
def client(served: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served, timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture
def serving() -> Iterator[Callable[..., httpx.Client]]:
    """Serve another store for one test: serving(store, **settings) gives a client."""
    with ExitStack() as stack:

        def start(store: Path, **settings: Any) -> httpx.Client:
            address = stack.enter_context(running(Settings(store=store, **settings)))
            return stack.enter_context(httpx.Client(base_url=address, timeout=PATIENCE_S))

        yield start


_WORKERS = """
import sys
from pathlib import Path
from api.server import serve
from api.settings import Settings
if __name__ == "__main__":
    serve(Settings(store=Path(sys.argv[1])), port=0, workers=2, ready=lambda at: print(at, flush=True))
"""


@dataclass(frozen=True)
class Workers:
    """A server with two workers.

    Attributes:
        address: where it listens.
        process: the one that started the others.
    """

    address: str
    process: psutil.Process

    @property
    def answering(self) -> list[psutil.Process]:
        """The processes that answer."""
        found = []
        for child in self.process.children():
            with suppress(psutil.Error):  # it may end meanwhile
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def ready(self) -> bool:
        """Whether one of them says that it can answer."""
        try:
            return httpx.get(f"{self.address}api/ready", timeout=30).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture
def workers_serving(project: Path, tmp_path: Path) -> Iterator[Callable[[Path], Workers]]:
    """Serve a store with two workers, as the command line does: workers_serving(store)."""
    environment = {**os.environ, "PYTHONPATH": str(project)}
    file = tmp_path / "serve_workers.py"
    file.write_text(_WORKERS)
    with ExitStack() as stack:

        def start(store: Path) -> Workers:
            command = [sys.executable, str(file), str(store)]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            stack.enter_context(server)
            stack.callback(server.kill)
            assert server.stdout is not None
            return Workers(server.stdout.readline().strip(), psutil.Process(server.pid))

        yield start


@pytest.fixture
def publish() -> Callable[..., None]:
    """Write another edition: publish(store, region, edition, seed=...)."""
    return write_edition


@pytest.fixture
def own_store(fresh_store: Path, tmp_path: Path) -> Store:
    """A store that a test may change."""
    return Store(shutil.copytree(fresh_store, tmp_path / "store"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_settings(request: pytest.FixtureRequest, small_store: Path, tmp_path: Path) -> Settings:
    """Settings over the small store with an empty database, of either kind."""
    if request.param == "sqlite":
        return Settings(store=small_store, database_url=f"sqlite:///{tmp_path / 'keys.sqlite'}")
    server = request.getfixturevalue("postgresql")
    return Settings(store=small_store, database_url=server.url(server.make_database()))


@pytest.fixture
def database(database_settings: Settings) -> Database:
    """The empty database itself."""
    return Database.of(database_settings)


@pytest.fixture
def at_once(project: Path) -> Callable[[str, Settings], list[str]]:
    """Run a script in four processes at once, and give the lines that they print."""

    def run(script: str, settings: Settings) -> list[str]:
        environment = {**os.environ, **settings.as_environment(), "PYTHONPATH": str(project)}
        command = [sys.executable, str(Path(__file__).with_name("four_at_once.py")), script]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run
