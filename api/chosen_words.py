"""How a factor was chosen among the values there are, in the reader's language.

Editions keep it in English, as `accounting` writes it; what is not written so stays as it is.
"""

import re
from collections.abc import Mapping

from accounting.factors import ANYWHERE

_YEAR = (
    r"exact year (?P<exact>\d+)|(?P<any>valid for any year)"
    r"|(?P<side>earlier|later) year (?P<other>\d+) for (?P<year>\d+)"
)
_TABLES = re.compile(rf"(?:{_YEAR}); region (?P<region>[^(]+?)(?: \(nothing for (?P<tried>.+)\))?")
_PRODUCT = re.compile(r"calorific value \((?P<heat>.+)\) x factor of energy \((?P<energy>.+)\)")
_OVERRIDE = re.compile(r"override of the region file for (?P<activity>\S+)")
_ASSUMED = re.compile(r"assumption (?P<id>\S+) of the region file: the tables have no answer")
_CURVE = re.compile(r"uptake by age of (?P<species>.+), interpolated")
_WOOD = re.compile(r"wood of (?P<species>.+)")

WORDS: Mapping[str, Mapping[str, str]] = {
    "ko": {
        "exact": "{exact}년 값",
        "anywhere": "공통",
        "any": "연도와 관계없이 쓰는 값",
        "earlier": "{year}년 값이 없어 앞선 {other}년 값",
        "later": "{year}년 값이 없어 이후 {other}년 값",
        "region": "{how}, 지역 {region}",
        "tried": "{how}, 지역 {region}({tried}에는 값 없음)",
        "product": "발열량({heat}) × 열량당 계수({energy})",
        "override": "지역 파일에서 {activity}에 지정한 값",
        "assumed": "계수표에 값이 없어 지역 파일의 가정 {id} 사용",
        "curve": "{species}의 임령별 흡수량을 보간",
        "wood": "{species} 목재",
    },
    "ru": {
        "exact": "за {exact} год",
        "anywhere": "любой",
        "any": "для любого года",
        "earlier": "за более ранний {other} год, для {year} нет",
        "later": "за более поздний {other} год, для {year} нет",
        "region": "{how}; регион {region}",
        "tried": "{how}; регион {region} (нет для {tried})",
        "product": "теплота сгорания ({heat}) × коэффициент энергии ({energy})",
        "override": "задано файлом региона для {activity}",
        "assumed": "допущение {id} файла региона: в таблицах значения нет",
        "curve": "поглощение по возрасту: {species}, интерполяция",
        "wood": "древесина: {species}",
    },
    "uz": {
        "exact": "{exact}-yil qiymati",
        "anywhere": "istalgan",
        "any": "har qanday yil uchun",
        "earlier": "{year}-yil uchun yoʻq, oldingi {other}-yil qiymati",
        "later": "{year}-yil uchun yoʻq, keyingi {other}-yil qiymati",
        "region": "{how}; hudud {region}",
        "tried": "{how}; hudud {region} ({tried} uchun yoʻq)",
        "product": "yonish issiqligi ({heat}) × energiya koeffitsiyenti ({energy})",
        "override": "{activity} uchun hudud faylida berilgan",
        "assumed": "hudud faylidagi {id} farazi: jadvallarda qiymat yoʻq",
        "curve": "yosh boʻyicha yutilish: {species}, interpolyatsiya",
        "wood": "yogʻoch: {species}",
    },
}
"""Language -> kind of choice -> words."""


def chosen_in(language: str, chosen: str) -> str:
    """Return how a factor was chosen in a language; as it was written where that has no words for it."""
    words = WORDS.get(language)
    if words is None:
        return chosen
    if found := _PRODUCT.fullmatch(chosen):
        parts = {name: chosen_in(language, part) for name, part in found.groupdict().items()}
        return words["product"].format(**parts)
    if found := _TABLES.fullmatch(chosen):
        told = found.groupdict()
        how = told["side"] or ("exact" if told["exact"] else "any")
        written = words[how].format(**told)
        region = words["anywhere"] if told["region"] == ANYWHERE else told["region"]
        return words["tried" if told["tried"] else "region"].format(how=written, region=region, tried=told["tried"])
    for kind, pattern in (("override", _OVERRIDE), ("assumed", _ASSUMED), ("curve", _CURVE), ("wood", _WOOD)):
        if found := pattern.fullmatch(chosen):
            return words[kind].format(**found.groupdict())
    return chosen
