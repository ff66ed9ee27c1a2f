"""Names on the map: landmarks among the buildings, and places."""

import numpy as np
import shapely

from carbonmap.synthetic.city import City
from carbonmap.synthetic.names import VILLAGES, city_name
from carbonmap.synthetic.noise import FloatArray

__all__ = ["building_names", "make_places"]

# Use -> name; the largest building of the use in the main town has it.
_LANDMARKS = {
    "공공용시설": ("시청", "City Hall"),
    "의료시설": ("대학병원", "University Hospital"),
    "교육연구시설": ("대학교 본관", "University Main Hall"),
    "판매시설": ("백화점", "Department Store"),
    "업무시설": ("타워", "Tower"),
    "숙박시설": ("호텔", "Hotel"),
    "문화및집회시설": ("예술회관", "Arts Centre"),
    "운동시설": ("체육관", "Sports Hall"),
    "종교시설": ("대성당", "Cathedral"),
    "공장": ("제철", "Works"),
    "창고시설": ("물류센터", "Logistics Centre"),
}


def building_names(city: City) -> tuple[list[str | None], list[str | None]]:
    """Names of the landmarks in Korean and English, None for all other buildings."""
    stock = city.buildings
    korean: list[str | None] = [None] * len(stock.polygon)
    english: list[str | None] = [None] * len(stock.polygon)
    city_ko, city_en = city_name(city.tile.index)
    for use, (ko, en) in _LANDMARKS.items():
        members = np.flatnonzero((stock.use == use) & (stock.superblock >= 0))
        if len(members):
            largest = int(members[stock.gross_m2[members].argmax()])
            korean[largest] = f"{city_ko.removesuffix('시')}{'' if ko == '시청' else ' '}{ko}"
            english[largest] = f"{city_en} {en}"
    return korean, english


def make_places(city: City) -> tuple[list[str], list[str], list[str], FloatArray]:
    """Places to name on the map.

    Returns:
        Names in Korean and English, ranks (city, town, village) and (n, 2) positions on the plane.
    """
    city_ko, city_en = city_name(city.tile.index)
    korean, english, rank = [city_ko], [city_en], ["city"]
    centres = np.asarray(shapely.points(city.tile.plan.bend(city.centres.uv[1:])), dtype=object)
    for point in centres:
        home = int(np.flatnonzero(shapely.intersects(city.dongs.polygon, point))[0])
        korean.append(str(city.dongs.name_ko[home]))
        english.append(str(city.dongs.name_en[home]))
        rank.append("town")
    order = city.tile.generator(23).permutation(len(VILLAGES))
    for k in range(len(city.villages.uv)):
        ko, en = VILLAGES[int(order[k % len(VILLAGES)])]
        korean.append(ko)
        english.append(en)
        rank.append("village")
    return korean, english, rank, np.concatenate([city.centres.uv, city.villages.uv])
