"""Names of made-up places, in Korean and English. Cities and districts are named after stars; none of them exists."""

__all__ = ["CITIES", "DISTRICTS", "DONGS", "STREETS", "VILLAGES", "city_name", "road_name", "street_name"]

Name = tuple[str, str]  # Korean, English

CITIES: tuple[Name, ...] = (
    ("새별", "Saebyeol"), ("한별", "Hanbyeol"), ("큰별", "Keunbyeol"), ("달별", "Dalbyeol"), ("온별", "Onbyeol"),
    ("참별", "Chambyeol"), ("해별", "Haebyeol"), ("솔별", "Solbyeol"), ("물별", "Mulbyeol"), ("들별", "Deulbyeol"),
    ("뫼별", "Moebyeol"), ("늘별", "Neulbyeol"), ("빛별", "Bitbyeol"), ("꽃별", "Kkotbyeol"), ("잔별", "Janbyeol"),
)  # fmt: skip
DISTRICTS: tuple[Name, ...] = (
    ("샛별구", "Saetbyeol-gu"), ("미리내구", "Mirinae-gu"), ("별빛구", "Byeolbit-gu"), ("은하구", "Eunha-gu"),
)  # fmt: skip
DONGS: tuple[Name, ...] = (
    ("솔뫼동", "Solmoe-dong"), ("달빛동", "Dalbit-dong"), ("은빛동", "Eunbit-dong"), ("가람동", "Garam-dong"),
    ("나루동", "Naru-dong"), ("다온동", "Daon-dong"), ("라온동", "Raon-dong"), ("마루동", "Maru-dong"),
    ("새봄동", "Saebom-dong"), ("여울동", "Yeoul-dong"), ("미르동", "Mireu-dong"), ("별하동", "Byeolha-dong"),
    ("시내동", "Sinae-dong"), ("누리동", "Nuri-dong"), ("햇살동", "Haetsal-dong"), ("느티동", "Neuti-dong"),
    ("단풍동", "Danpung-dong"), ("버들동", "Beodeul-dong"), ("소담동", "Sodam-dong"), ("이슬동", "Iseul-dong"),
    ("초롱동", "Chorong-dong"), ("푸른동", "Pureun-dong"), ("하늘동", "Haneul-dong"), ("해오름동", "Haeoreum-dong"),
    ("꽃내동", "Kkonnae-dong"), ("너울동", "Neoul-dong"), ("두레동", "Dure-dong"), ("모란동", "Moran-dong"),
    ("산들동", "Sandeul-dong"), ("온새동", "Onsae-dong"), ("참샘동", "Chamsaem-dong"), ("큰골동", "Keungol-dong"),
    ("돌다리동", "Doldari-dong"), ("배꽃동", "Baekkot-dong"), ("감골동", "Gamgol-dong"), ("밤골동", "Bamgol-dong"),
    ("장터동", "Jangteo-dong"), ("물레동", "Mulle-dong"), ("옹달동", "Ongdal-dong"), ("풀빛동", "Pulbit-dong"),
    ("노을동", "Noeul-dong"), ("바람동", "Baram-dong"), ("구름동", "Gureum-dong"), ("안개동", "Angae-dong"),
)  # fmt: skip
STREETS: tuple[Name, ...] = (
    ("별빛로", "Byeolbit-ro"), ("중앙로", "Jungang-ro"), ("은하로", "Eunha-ro"), ("솔숲로", "Solsup-ro"),
    ("강변로", "Gangbyeon-ro"), ("시청로", "Sicheong-ro"), ("장터로", "Jangteo-ro"), ("들꽃로", "Deulkkot-ro"),
    ("한솔로", "Hansol-ro"), ("느티로", "Neuti-ro"), ("새벽로", "Saebyeok-ro"), ("물빛로", "Mulbit-ro"),
    ("언덕로", "Eondeok-ro"), ("나루로", "Naru-ro"), ("다리로", "Dari-ro"), ("공단로", "Gongdan-ro"),
)  # fmt: skip
_FIRST: tuple[Name, ...] = (
    ("웃", "Ut"), ("아랫", "Araet"), ("큰", "Keun"), ("새", "Sae"), ("안", "An"), ("양지", "Yangji"),
    ("감나무", "Gamnamu"), ("대추", "Daechu"), ("돌", "Dol"), ("샘", "Saem"), ("솔", "Sol"), ("갈", "Gal"),
)  # fmt: skip
_SECOND: tuple[Name, ...] = (
    ("골", "gol"), ("말", "mal"), ("터", "teo"), ("들", "deul"), ("재", "jae"), ("내", "nae"),
)  # fmt: skip
VILLAGES: tuple[Name, ...] = tuple((a + c, b + d) for a, b in _FIRST for c, d in _SECOND)


def city_name(index: int) -> Name:
    """Name of the city on a tile: `("새별시", "Saebyeol")` for the first, numbered once the list is used up."""
    korean, english = CITIES[index % len(CITIES)]
    turn = index // len(CITIES)
    return (f"{korean}{turn + 1}시", f"{english} {turn + 1}") if turn else (f"{korean}시", english)


def street_name(number: int) -> Name:
    """Name of a street of the main net; numbers without end, so a second turn through the list says so."""
    korean, english = STREETS[number % len(STREETS)]
    turn = number // len(STREETS)
    return (f"{korean}{turn + 1}길", f"{english} {turn + 1}-gil") if turn else (korean, english)


def road_name(city: int, street: int) -> Name | None:
    """Name of a stretch of the main net by its street number (see `streets.Network`); None for country lanes.

    Args:
        city: index of the tile.
        street: number within the tile; 900 is the motorway, from 1000 the roads between towns.
    """
    korean, english = city_name(city)
    if street < 0:
        return None
    if street == 900:
        return f"{korean.removesuffix('시')}고속도로", f"{english} Expressway"
    if street >= 1000:
        return (f"{korean.removesuffix('시')}대로", f"{english}-daero")
    return street_name(street)
