"""The region file of the demo: what each generated file holds, and the assumptions, all plainly labelled synthetic."""

from typing import Any

import yaml

from carbonmap.synthetic.landcover import CLASSES
from carbonmap.synthetic.meters import CARRIERS, HEADER, YEARS
from carbonmap.synthetic.plan import CRS

__all__ = ["region_text"]

_AUTHOR = "synthetic demo"
_EUI = {  # mean, low, high in kWh/m2/yr; the tables mark these uses as a gap
    "retail": (190, 110, 300), "education": (115, 70, 180), "health": (270, 170, 400), "hotel": (225, 140, 330),
    "public": (140, 80, 220), "industrial": (220, 80, 480), "warehouse": (55, 20, 120), "other": (110, 50, 220),
}  # fmt: skip
_AADT = {  # vehicles per day on roads that nobody counts
    "tertiary": (5_500, 1_500, 12_000), "unclassified": (900, 200, 2_500), "residential": (320, 80, 900),
    "service": (180, 40, 500),
}  # fmt: skip
_FLEET = {
    "car_petrol": 0.50, "car_diesel": 0.20, "car_electric": 0.03, "lgv_diesel": 0.16, "hgv_rigid_diesel": 0.06,
    "hgv_artic_diesel": 0.02, "bus_diesel": 0.03,
}  # fmt: skip


def region_text(city_ko: str, city_en: str, several: bool) -> str:
    """The region file as YAML text.

    Args:
        city_ko: name of the city.
        city_en: the same in English.
        several: the region is a mosaic of cities, named after the first.
    """
    korean = f"{city_ko} 외 (합성 데모 권역)" if several else f"{city_ko} (합성 데모 도시)"
    english = f"{city_en} and its neighbours (synthetic demo)" if several else f"{city_en} (synthetic demo city)"
    uzbek = f"{city_en} va qo‘shnilari (sun’iy namuna)" if several else f"{city_en} (sun’iy namunaviy shahar)"
    russian = f"{city_en} и соседи (синтетический пример)" if several else f"{city_en} (синтетический город-пример)"
    document = {
        "id": "demo",
        "name": {"en": english, "ko": korean, "uz": uzbek, "ru": russian},
        "languages": ["en", "ko"],
        "currency": "KRW",
        "synthetic": True,
        "crs": CRS,
        "grid": {"origin_m": [700_000, 1_300_000], "sizes_m": [1000, 500, 100], "codes": "korea"},
        "h3_resolutions": [8],
        "years": list(YEARS),
        "boundary": {"zone_set": "sigungu"},
        "factor_regions": ["KR 수도권", "KR 중부", "KR", "temperate mountain", "world"],
        "sources": _sources(),
        "zone_sets": _zone_sets(),
        "context": [
            {
                "kind": "water",
                "file": "water.parquet",
                "columns": {"id": "id", "name_ko": "name_ko", "name_en": "name_en"},
            },
            {"kind": "green", "file": "forest.parquet", "columns": {"id": "stand_id"}},
            {"kind": "green", "file": "parks.parquet", "columns": {"id": "id"}},
            {
                "kind": "roads",
                "file": "roads.parquet",
                "columns": {"id": "link_id", "road_class": "road_class", "name_ko": "name_ko", "name_en": "name_en"},
            },
            {
                "kind": "places",
                "file": "places.parquet",
                "columns": {"id": "id", "name_ko": "name_ko", "name_en": "name_en", "rank": "rank"},
            },
        ],
        "assumptions": _assumptions(),
        "attributions": [
            {
                "text": "Synthetic data drawn by carbonmap; no real place, building or meter",
                "licence": "CC0 1.0",
                "texts": {
                    "ko": "carbonmap이 만든 합성 데이터(실제 장소·건물·계량기가 아님)",
                    "uz": "carbonmap yaratgan sun’iy ma’lumotlar; haqiqiy joy, bino yoki hisoblagich emas",
                    "ru": "Синтетические данные, созданные carbonmap; не реальные места, здания или счётчики",
                },
            }
        ],
        "disclosure": {"min_count": 3, "dominance_percent": 10},
    }
    head = (
        "# A made-up city. Every file beside this one was drawn by `carbonmap demo` from a seed: nothing here\n"
        "# is real, and nothing learnt here says anything about a real place.\n"
    )
    return head + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110)


def _sources() -> list[dict[str, Any]]:
    key, month, carrier, value, unit = HEADER
    return [
        {
            "id": "register",
            "sector": "buildings",
            "file": "buildings.parquet",
            "columns": {
                "id": "건물관리번호", "use": "주용도", "levels": "지상층수", "height_m": "높이",
                "year_built": "사용승인년도", "floor_area_m2": "연면적", "name_ko": "건물명", "name_en": "건물영문명",
            },
            "uses": "korea",
            "open": False,
            "joins": [
                {
                    "file": "meters.csv",
                    "key": key,
                    "on": "id",
                    "layout": "long",
                    "month": month,
                    "carrier": carrier,
                    "carriers": dict(CARRIERS),
                    "value": value,
                    "unit_column": unit,
                    "encoding": "cp949",
                }
            ],
        },
        {
            "id": "roads",
            "sector": "transport",
            "file": "roads.parquet",
            "columns": {
                "id": "link_id", "road_class": "road_class", "lanes": "lanes", "speed_kmh": "speed_kmh", "aadt": "aadt",
            },
            "open": True,
        },
        {
            "id": "forest_map",
            "sector": "forest",
            "file": "forest.parquet",
            "columns": {"id": "stand_id", "species": "수종", "age_class": "영급"},
            "open": True,
        },
        {"id": "land_cover", "sector": "land_cover", "file": "land_cover.tif", "classes": dict(CLASSES), "open": True},
        {
            "id": "residents",
            "sector": "population",
            "file": "population.parquet",
            "columns": {"id": "id", "population": "population"},
            "open": True,
        },
    ]  # fmt: skip


def _zone_sets() -> list[dict[str, Any]]:
    names = {"name_en": "name_en", "name_ko": "name_ko"}
    return [
        {
            "id": "sigungu",
            "title": {"en": "District", "ko": "시군구", "uz": "Tuman", "ru": "Район"},
            "kind": "administrative",
            "file": "sigungu.parquet",
            "columns": {"id": "code", **names},
            "parent": None,
        },
        {
            "id": "legal_dong",
            "title": {"en": "Legal dong", "ko": "법정동", "uz": "Mahalla (dong)", "ru": "Квартал (дон)"},
            "kind": "administrative",
            "file": "legal_dong.parquet",
            "columns": {"id": "code", **names, "parent_id": "sigungu_code"},
            "parent": "sigungu",
        },
        {
            "id": "land_use_zoning",
            "title": {
                "en": "Land-use zoning",
                "ko": "용도지역",
                "uz": "Yerdan foydalanish zonasi",
                "ru": "Зона землепользования",
            },
            "kind": "land_use",
            "file": "land_use_zoning.parquet",
            "columns": {"id": "code", **names},
            "parent": None,
        },
    ]


def _assumptions() -> dict[str, dict[str, Any]]:
    made_up = "made up for the synthetic demo; no published value stands behind it"
    found: dict[str, dict[str, Any]] = {}

    def give(name: str, value: Any, unit: str, low: float | None = None, high: float | None = None) -> None:
        interval = {} if low is None else {"low": low, "high": high}
        found[name] = {"value": value, "unit": unit, **interval, "author": _AUTHOR, "reason": made_up}

    for use, (value, low, high) in _EUI.items():
        give(f"buildings.eui.{use}", value, "kWh/m2/yr", low, high)
    give("buildings.storey_height", 3.3, "m", 2.8, 4.5)
    give("buildings.levels", 2, "1", 1, 4)
    for road_class, (value, low, high) in _AADT.items():
        give(f"transport.aadt.{road_class}", value, "vehicles/day", low, high)
    give("transport.fleet", dict(_FLEET), "1")
    give("transport.ev.charge_loss", 0.10, "1", 0.05, 0.15)
    return found
