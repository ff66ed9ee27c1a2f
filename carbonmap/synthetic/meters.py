"""Meter readings in the style of Korean open data: one row per building, month and carrier."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from carbonmap.synthetic.buildings import Buildings
from carbonmap.synthetic.districts import Superblocks
from carbonmap.synthetic.noise import FloatArray
from carbonmap.synthetic.plan import Tile

__all__ = ["CARRIERS", "HEADER", "YEARS", "Readings", "make_readings", "readings_table"]

YEARS = (2023, 2024)
HEADER = ("건물관리번호", "사용년월", "에너지원", "사용량", "단위")
CARRIERS = {"전기": "electricity", "도시가스": "gas", "지역난방": "heat"}
UNITS = ("kWh", "Nm3", "GJ")
METERED_IN_TOWN, METERED_IN_VILLAGES = 0.645, 0.30  # together about three fifths of the buildings
GAS_KWH_PER_NM3 = 39.4 / 3.6  # net calorific value used by the IPCC chain, METHODS A

# Annual use that the made-up meters scatter around, kWh/m2: (electricity, heating and hot water). Synthetic: near the
# national means per use where such are published, a guess elsewhere. Nothing but the demo's meters rests on it.
_INTENSITY = {
    "단독주택": (44.0, 112.0), "공동주택": (42.0, 90.0), "제1종근린생활시설": (130.0, 62.0),
    "제2종근린생활시설": (145.0, 58.0), "판매시설": (190.0, 45.0), "업무시설": (118.0, 40.0),
    "교육연구시설": (72.0, 44.0),
    "의료시설": (175.0, 105.0), "노유자시설": (80.0, 75.0), "숙박시설": (120.0, 110.0), "문화및집회시설": (95.0, 45.0),
    "종교시설": (52.0, 36.0), "운동시설": (130.0, 110.0), "공공용시설": (98.0, 48.0), "공장": (165.0, 60.0),
    "창고시설": (42.0, 8.0), "자동차관련시설": (70.0, 25.0),
}  # fmt: skip
_HEATING = np.array([0.185, 0.160, 0.125, 0.075, 0.045, 0.032, 0.028, 0.026, 0.030, 0.052, 0.095, 0.147])
_COOLING = np.array([0.086, 0.080, 0.078, 0.073, 0.072, 0.080, 0.102, 0.112, 0.085, 0.072, 0.075, 0.085])
_YEAR_EFFECT = {2023: (1.0, 1.0), 2024: (1.03, 0.96)}  # a hotter summer and a milder winter
_SCATTER = 0.42  # standard deviation of the logarithm between buildings of one use
_MONTH_SCATTER = 0.06


@dataclass(frozen=True)
class Readings:
    """Readings of a tile: `building` (n,) position, `month` (n,) as 202301, `carrier` (n,) 0 to 2, `value` (n,)."""

    building: npt.NDArray[np.int64]
    month: npt.NDArray[np.int64]
    carrier: npt.NDArray[np.int64]
    value: FloatArray


def make_readings(tile: Tile, buildings: Buildings, superblocks: Superblocks) -> Readings:
    """Meter about three fifths of the buildings for two years.

    Estates of the station quarter and the new town have district heat, the rest of the towns gas; villages have
    neither, and few meters. A few buildings were connected in the course of the first year: that year is incomplete.
    """
    rng = tile.generator(20)
    n = len(buildings.polygon)
    rural = buildings.superblock < 0
    known = np.isin(buildings.use, list(_INTENSITY))
    chance = np.where(rural, METERED_IN_VILLAGES, METERED_IN_TOWN)
    metered = np.flatnonzero(known & (rng.random(n) < chance))
    centre = np.where(rural, -1, superblocks.centre[np.maximum(buildings.superblock, 0)])
    has_heat = (buildings.estate >= 0) & np.isin(centre, [2, 3])
    source = np.where(rural, -1, np.where(has_heat, 2, 1))[metered]

    base = np.array([_INTENSITY[str(use)] for use in buildings.use[metered]]).reshape(-1, 2)
    scatter = np.exp(rng.normal(-0.5 * _SCATTER**2, _SCATTER, len(metered)))
    age = 1.0 + 0.006 * np.clip(2005 - buildings.year_built[metered], -15, 40)
    electricity = buildings.gross_m2[metered] * base[:, 0] * scatter
    heating = buildings.gross_m2[metered] * base[:, 1] * scatter * age
    # Where there is neither gas nor heat, a part of the heating is electric; the rest is oil, which nobody meters.
    electricity = np.where(source < 0, electricity + 0.35 * heating, electricity)
    first = np.where(rng.random(len(metered)) < 0.012, rng.integers(1, 11, len(metered)), 0)

    parts = []
    for y, year in enumerate(YEARS):
        for month in range(12):
            there = first <= 12 * y + month
            for carrier, who in ((0, there), (1, there & (source == 1)), (2, there & (source == 2))):
                k = np.flatnonzero(who)
                shape = _COOLING[month] if carrier == 0 else _HEATING[month]
                annual = electricity[k] if carrier == 0 else heating[k]
                effect = _YEAR_EFFECT[year][min(carrier, 1)]
                energy = annual * shape * effect * np.exp(rng.normal(0.0, _MONTH_SCATTER, len(k)))
                unit = (1.0, 1.0 / GAS_KWH_PER_NM3, 0.0036)[carrier]
                parts.append(
                    (metered[k], np.full(len(k), 100 * year + month + 1), np.full(len(k), carrier), energy * unit)
                )
    building, when, carrier_of, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((when, carrier_of, building))
    return Readings(building[order], when[order], carrier_of[order], np.round(value[order], 2))


def readings_table(readings: Readings, ids: npt.NDArray[np.str_]) -> pa.Table:
    """The readings as a table with Korean column names, ready to be written as CSV."""
    words, units = pa.array(list(CARRIERS)), pa.array(UNITS)
    carrier = pa.array(readings.carrier, pa.int32())
    columns = [
        pa.array(ids[readings.building]),
        pa.array(readings.month, pa.int32()),
        words.take(carrier),
        pa.array(readings.value),
        units.take(carrier),
    ]
    return pa.table(columns, names=list(HEADER))
