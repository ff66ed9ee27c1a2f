"""Places as people write them: decimal degrees, or degrees, minutes and seconds."""

import re

_NUMBER = r"\d{1,2}(?:\.\d{1,15})?"
_SIXTIETHS = rf" ?({_NUMBER}) ?['′’](?: ?({_NUMBER}) ?[\"″”])?"
_ANGLE = rf"([+-]?)(\d{{1,3}}(?:\.\d{{1,15}})?)(?: ?[°º](?:{_SIXTIETHS})?)?"
_PAIR = re.compile(rf"{_ANGLE} ?([NSEW]?)(?: ?[,;] ?| ){_ANGLE} ?([NSEW]?)", re.ASCII | re.IGNORECASE)

Pair = tuple[float, float]


def read_place(text: str) -> list[Pair]:
    """Return the (longitude, latitude) pairs that a text may mean, the likelier first; none if it is no place.

    Latitude is taken first, as people say it, unless letters tell otherwise; the other order comes second.
    """
    match = _PAIR.fullmatch(" ".join(text.split()))
    if match is None:
        return []
    parts = match.groups()
    first, second = _degrees(parts[:4]), _degrees(parts[5:9])
    if first is None or second is None:
        return []
    letters = (parts[4].upper(), parts[9].upper())
    first, second = (
        -angle if letter in ("S", "W") else angle for angle, letter in zip((first, second), letters, strict=True)
    )
    if letters == ("", ""):
        meant = [(second, first), (first, second)]
    elif letters[0] in ("N", "S") and letters[1] in ("E", "W"):
        meant = [(second, first)]
    elif letters[0] in ("E", "W") and letters[1] in ("N", "S"):
        meant = [(first, second)]
    else:
        return []
    return [(lon, lat) for lon, lat in meant if abs(lon) <= 180 and abs(lat) <= 90]


def _degrees(parts: tuple[str | None, ...]) -> float | None:
    sign, degrees, minutes, seconds = parts
    sixtieths = (float(minutes or 0), float(seconds or 0))
    if max(sixtieths) >= 60:
        return None
    value = float(degrees or 0) + sixtieths[0] / 60 + sixtieths[1] / 3600
    return -value if sign == "-" else value
