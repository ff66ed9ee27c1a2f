"""Write the demo's input files: the tiles one after the other, each file appended to, memory bounded by one tile.

Only the land-cover raster (one byte per 400 m2, about 23 bytes per building) and the residents per cell are kept for
the whole region.
"""

import io
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import shapely

from carbonmap.synthetic.city import City, make_city
from carbonmap.synthetic.geoparquet import GeoParquetWriter
from carbonmap.synthetic.landcover import LandCoverRaster
from carbonmap.synthetic.landmarks import building_names, make_places
from carbonmap.synthetic.meters import HEADER, make_readings, readings_table
from carbonmap.synthetic.names import city_name, road_name
from carbonmap.synthetic.plan import CRS, make_plan
from carbonmap.synthetic.population import PopulationGrid
from carbonmap.synthetic.region_file import region_text
from carbonmap.synthetic.streets import CLASS_LANES, CLASS_SPEED_KMH
from carbonmap.synthetic.zones import ZoneTable

__all__ = ["write_city"]

_ZONE_FIELDS = {"code": pa.string(), "name_ko": pa.string(), "name_en": pa.string()}
_FIELDS: dict[str, Mapping[str, pa.DataType]] = {
    "buildings": {
        "건물관리번호": pa.string(), "주용도": pa.string(), "지상층수": pa.int16(), "높이": pa.float64(),
        "사용승인년도": pa.int16(), "연면적": pa.float64(), "건물명": pa.string(), "건물영문명": pa.string(),
    },
    "roads": {
        "link_id": pa.string(), "road_class": pa.string(), "lanes": pa.int16(), "speed_kmh": pa.int16(),
        "aadt": pa.int32(), "name_ko": pa.string(), "name_en": pa.string(),
    },
    "forest": {"stand_id": pa.string(), "수종": pa.string(), "영급": pa.int16()},
    "water": {"id": pa.string(), "name_ko": pa.string(), "name_en": pa.string()},
    "parks": {"id": pa.string()},
    "places": {"id": pa.string(), "name_ko": pa.string(), "name_en": pa.string(), "rank": pa.string()},
    "sigungu": _ZONE_FIELDS,
    "legal_dong": {**_ZONE_FIELDS, "sigungu_code": pa.string()},
    "land_use_zoning": _ZONE_FIELDS,
}  # fmt: skip
# What the register does not know, as a fraction of its rows.
_UNKNOWN = {"지상층수": 0.02, "높이": 0.05, "사용승인년도": 0.04, "연면적": 0.06}
_COUNTED = ("motorway", "trunk", "primary", "secondary")
_COUNTED_TERTIARY = 0.5


def write_city(
    folder: Path,
    *,
    buildings: int = 20_000,
    seed: int = 20260101,
    progress: Callable[[str, float], None] | None = None,
) -> Path:
    """Draw a synthetic region and write all its inputs and its region file; the same size and seed give the same bytes.

    Args:
        folder: where the files go; made if it is not there, files of these names are replaced.
        buildings: exact number of buildings; territory, roads, forest and zones grow with it.
        seed: of all chance.
        progress: told what is being done and how far it is, 0 to 1.

    Returns:
        The path of `region.yaml`.

    Raises:
        RegionError: a size or seed that cannot be served.
    """
    plan = make_plan(buildings, seed)
    folder.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda _step, _done: None)
    tiles = plan.tiles()
    residents = PopulationGrid()
    cover = LandCoverRaster(plan)
    with ExitStack() as files:
        writers = {
            name: files.enter_context(GeoParquetWriter(folder / f"{name}.parquet", fields, CRS))
            for name, fields in _FIELDS.items()
        }
        meters = files.enter_context((folder / "meters.csv").open("wb"))
        meters.write((",".join(HEADER) + "\n").encode("cp949"))
        for tile in tiles:
            tell(f"drawing {city_name(tile.index)[1]}", 0.98 * tile.index / len(tiles))
            city = make_city(tile)
            _write_buildings(city, writers["buildings"], meters)
            _write_roads(city, writers["roads"])
            _write_nature(city, writers)
            _write_places(city, writers["places"])
            _write_zones(writers["sigungu"], city.districts)
            _write_zones(writers["legal_dong"], city.dongs)
            _write_zones(writers["land_use_zoning"], city.zoning)
            residents.add(city.buildings)
            cover.add(city)
    tell("writing land cover and residents", 0.98)
    cover.write(folder / "land_cover.tif")
    ids, people, squares = residents.cells()
    with GeoParquetWriter(
        folder / "population.parquet", {"id": pa.string(), "population": pa.int32()}, CRS
    ) as population:
        population.write({"id": ids, "population": people}, np.array(squares, dtype=object))
    path = folder / "region.yaml"
    path.write_text(region_text(*city_name(0), several=len(tiles) > 1), encoding="utf-8")
    tell("done", 1.0)
    return path


def _ids(letter: str, city: City, count: int) -> npt.NDArray[np.str_]:
    return np.array([f"{letter}{city.tile.index:03d}-{k:05d}" for k in range(1, count + 1)], dtype="<U12")


def _write_buildings(city: City, writer: GeoParquetWriter, meters: io.BufferedWriter) -> None:
    stock = city.buildings
    n = len(stock.polygon)
    ids = _ids("B", city, n)
    rng = city.tile.generator(21)
    masks = {name: rng.random(n) < fraction for name, fraction in _UNKNOWN.items()}
    korean, english = building_names(city)
    writer.write(
        {
            "건물관리번호": ids,
            "주용도": stock.use,
            "지상층수": pa.array(stock.levels, pa.int16(), mask=masks["지상층수"]),
            "높이": pa.array(stock.height_m, mask=masks["높이"]),
            "사용승인년도": pa.array(stock.year_built, pa.int16(), mask=masks["사용승인년도"]),
            "연면적": pa.array(np.round(stock.gross_m2, 1), mask=masks["연면적"]),
            "건물명": korean,
            "건물영문명": english,
        },
        stock.polygon,
    )
    table = readings_table(make_readings(city.tile, stock, city.superblocks), ids)
    text = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    pyarrow.csv.write_csv(table, text, options)
    meters.write(text.getvalue().decode("utf-8").encode("cp949"))


def _write_roads(city: City, writer: GeoParquetWriter) -> None:
    net = city.network
    line = np.concatenate([net.line, city.blocks.streets, city.lanes])
    road_class = np.concatenate([net.road_class, city.blocks.street_class, city.lane_class])
    rng = city.tile.generator(22)
    # A count is made on a whole street, not stretch by stretch.
    counted_street = rng.random(64) < _COUNTED_TERTIARY
    counted = np.isin(net.road_class, _COUNTED) | (
        (net.road_class == "tertiary") & counted_street[np.clip(net.street, 0, 63)]
    )
    aadt = np.zeros(len(line))
    aadt[: len(net.line)] = city.traffic
    unknown = np.ones(len(line), dtype=np.bool_)
    unknown[: len(net.line)] = ~counted
    names = [road_name(city.tile.index, street) for street in net.street.tolist()]
    rest = [None] * (len(line) - len(names))
    writer.write(
        {
            "link_id": _ids("R", city, len(line)),
            "road_class": road_class,
            "lanes": [CLASS_LANES[c] for c in road_class.tolist()],
            "speed_kmh": [CLASS_SPEED_KMH[c] for c in road_class.tolist()],
            "aadt": pa.array(aadt.astype(np.int32), mask=unknown),
            "name_ko": [None if name is None else name[0] for name in names] + rest,
            "name_en": [None if name is None else name[1] for name in names] + rest,
        },
        line,
    )


def _write_nature(city: City, writers: Mapping[str, GeoParquetWriter]) -> None:
    stands = city.stands
    writers["forest"].write(
        {"stand_id": _ids("F", city, len(stands.polygon)), "수종": stands.species, "영급": stands.age_class},
        stands.polygon,
    )
    korean, english = city_name(city.tile.index)
    root = korean.removesuffix("시")
    water = city.water
    creeks = len(water) - 1 - len(city.lake)
    writers["water"].write(
        {
            "id": _ids("W", city, len(water)),
            "name_ko": [f"{root}강", *[None] * creeks, *[f"{root}호"] * len(city.lake)],
            "name_en": [f"{english} River", *[None] * creeks, *[f"Lake {english}"] * len(city.lake)],
        },
        water,
    )
    writers["parks"].write({"id": _ids("P", city, len(city.parks))}, city.parks)


def _write_places(city: City, writer: GeoParquetWriter) -> None:
    korean, english, rank, uv = make_places(city)
    points = np.asarray(shapely.points(city.tile.plan.bend(uv)), dtype=object)
    writer.write({"id": _ids("N", city, len(rank)), "name_ko": korean, "name_en": english, "rank": rank}, points)


def _write_zones(writer: GeoParquetWriter, zones: ZoneTable) -> None:
    writer.write(
        {"code": zones.code, "name_ko": zones.name_ko, "name_en": zones.name_en, "sigungu_code": zones.parent},
        zones.polygon,
    )
