"""Cell codes: the Korean national grid (EPSG:5179) and INSPIRE-style codes, written and read.

Source: METHODS G. Korean codes count from E 700,000 N 1,300,000 in squares of 100 km named by two letters, then
    zero-padded
kilometres, hundreds or tens of metres; 500 m and 250 m add one or two letters (a: lower half, b: upper half) behind
each pair of kilometre digits. INSPIRE codes name the lower left corner, north first.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray

from grids.errors import CellCodeError

Scheme = Literal["korea", "inspire"]
Characters = NDArray[np.uint32]

KOREA_EPSG = 5179
KOREA_ORIGIN_M = (700_000, 1_300_000)
KOREA_SIZES_M = (1000, 500, 250, 100, 10)
_SQUARE_M = 100_000
_EAST_LETTERS = "가나다라마바사"
_NORTH_LETTERS = "가나다라마바사아"
_KOREAN = re.compile(
    rf"^([{_EAST_LETTERS}])([{_NORTH_LETTERS}])(?:(\d{{2}})([ab]{{0,2}})(\d{{2}})([ab]{{0,2}})|(\d{{6}})|(\d{{8}}))$",
    re.ASCII,
)
_INSPIRE_LONG = re.compile(r"^CRS(\d{1,6})RES(\d{1,9})mN(\d{1,9})E(\d{1,9})$", re.ASCII)
_INSPIRE_SHORT = re.compile(r"^(\d{1,6})(km|m)N(\d{1,9})E(\d{1,9})$", re.ASCII)
_FARTHEST_M = 999_999_999  # no projection of the earth goes farther, and 64 bits hold it
_POWERS_OF_TEN = 10 ** np.arange(1, 19, dtype=np.int64)
_WIDEST = 32  # above the digits of any number of 64 bits
_CELLS_AT_ONCE = 1 << 14
_INSPIRE_SHORT_EPSG = 3035  # the short form names no CRS; it is only in use for the European grid


@dataclass(frozen=True)
class CellCode:
    """One cell read from its code: the scheme, the EPSG number, the lower left corner and the side, in whole metres."""

    scheme: Scheme
    epsg: int
    east_m: int
    north_m: int
    size_m: int


def cell_codes(scheme: Scheme, crs: str, east_m: ArrayLike, north_m: ArrayLike, size_m: int) -> NDArray[np.str_]:
    """Codes of the cells that hold the given places.

    Args:
        scheme: `korea` or `inspire`.
        crs: the grid's CRS as an EPSG code, e.g. `EPSG:5179`; the only one for `korea`.
        east_m: (n,) eastings; a lower left corner gives the code of its own cell.
        north_m: (n,) northings.
        size_m: side of the cells, whole metres; 1000, 500, 250, 100 or 10 for `korea`.

    Returns:
        (n,) strings.

    Raises:
        CellCodeError: unknown scheme or size, another CRS, or a place the scheme has no code for.
    """
    east = _whole_cells(east_m, size_m)
    north = _whole_cells(north_m, size_m)
    if east.shape != north.shape:
        raise CellCodeError(
            f"{east.size} eastings and {north.size} northings were given; each place needs one of both."
        )
    if scheme == "korea":
        return _korean_codes(crs, east, north, size_m)
    if scheme == "inspire":
        return _inspire_codes(crs, east, north, size_m)
    raise CellCodeError(f"Cell codes {scheme!r} are unknown; 'korea' or 'inspire' was expected.")


def parse_cell_code(code: str) -> CellCode:
    """Read one cell code: Korean, INSPIRE long (`CRS3035RES1000mN...E...`) or short (`1kmN2684E4334`, EPSG:3035).

    Raises:
        CellCodeError: the text is none of these.
    """
    text = unicodedata.normalize("NFC", code.strip())
    if match := _KOREAN.match(text):
        return _from_korean(code, match)
    if match := _INSPIRE_LONG.match(text):
        epsg, size, north, east = (int(part) for part in match.groups())
        return _inspire_cell(code, epsg, east, north, size)
    if match := _INSPIRE_SHORT.match(text):
        size = int(match[1]) * (1000 if match[2] == "km" else 1)
        step = _power_of_ten_in(size) if size else 1
        return _inspire_cell(code, _INSPIRE_SHORT_EPSG, int(match[4]) * step, int(match[3]) * step, size)
    raise CellCodeError(
        f"Cell code {code!r} cannot be read; expected a Korean code (다사6443, 다사64a43b, 다사644437) "
        "or an INSPIRE code (CRS3035RES1000mN2684000E4334000, 1kmN2684E4334)."
    )


def check_code_grid(scheme: Scheme, crs: str, origin_m: tuple[int, int], size_m: int) -> None:
    """Refuse a grid whose cells have no code in the scheme.

    Raises:
        CellCodeError: unknown scheme, CRS without EPSG number, size without code, or cells that are shifted against
            the code's.
    """
    if scheme == "korea":
        _check_korea(crs, size_m)
    elif scheme == "inspire":
        _epsg(crs)
    else:
        raise CellCodeError(f"Cell codes {scheme!r} are unknown; 'korea' or 'inspire' was expected.")
    if any(value % size_m for value in origin_m):
        raise CellCodeError(
            f"The grid's origin {origin_m} is no multiple of its cell size {size_m} m, so its cells have no {scheme} "
            "codes; give an origin that is."
        )


def _whole_cells(values: ArrayLike, size_m: int) -> NDArray[np.int64]:
    """Lower borders of the cells holding the values."""
    if size_m != int(size_m) or size_m <= 0:
        raise CellCodeError(f"A cell size of {size_m} m was given; whole metres above 0 were expected.")
    given = np.atleast_1d(np.asarray(values))
    if not np.issubdtype(given.dtype, np.integer):
        given = given.astype(np.float64)
        if not np.isfinite(given).all():
            raise CellCodeError("A coordinate that is not a finite number has no cell code.")
        given = np.floor(given)
    return given.astype(np.int64) // size_m * size_m


def _epsg(crs: str) -> int:
    try:
        epsg = pyproj.CRS.from_user_input(crs).to_epsg()
    except pyproj.exceptions.CRSError as error:
        raise CellCodeError(f"The CRS {crs!r} is unknown; an EPSG code such as EPSG:3035 was expected.") from error
    if epsg is None:
        raise CellCodeError(f"The CRS {crs!r} has no EPSG number, which INSPIRE cell codes need; use one that has.")
    return int(epsg)


def _check_korea(crs: str, size_m: int) -> None:
    if _epsg(crs) != KOREA_EPSG:
        raise CellCodeError(
            f"Korean cell codes belong to EPSG:{KOREA_EPSG}; the CRS given is {crs}. Use codes: inspire, or that CRS."
        )
    if size_m not in KOREA_SIZES_M:
        raise CellCodeError(
            f"There is no Korean cell code for {size_m} m; the sizes are {', '.join(map(str, KOREA_SIZES_M))} m."
        )


def _korean_codes(crs: str, east: NDArray[np.int64], north: NDArray[np.int64], size_m: int) -> NDArray[np.str_]:
    _check_korea(crs, size_m)
    x = east - KOREA_ORIGIN_M[0]
    y = north - KOREA_ORIGIN_M[1]
    beyond = (x < 0) | (x >= _SQUARE_M * len(_EAST_LETTERS)) | (y < 0) | (y >= _SQUARE_M * len(_NORTH_LETTERS))
    if beyond.any():
        first = int(np.flatnonzero(beyond)[0])
        raise CellCodeError(
            f"E {east[first]} N {north[first]} lies outside the Korean national grid (E 700,000-1,400,000, N "
            "1,300,000-2,100,000)."
        )
    digits = _korean_width(size_m)
    table = np.zeros((x.size, 2 + 2 * digits), dtype=np.uint32)
    for of in _blocks(x.size):
        for k, (letters, metres) in enumerate(((_EAST_LETTERS, x[of]), (_NORTH_LETTERS, y[of]))):
            table[of, k] = _characters(letters)[metres // _SQUARE_M]
            _write(table[of, 2 + k * digits :], _korean_part(metres % _SQUARE_M, size_m))
    return _texts(table)


def _korean_width(size_m: int) -> int:
    """Characters along one axis behind the letters of the square."""
    return {500: 3, 250: 4}.get(size_m) or len(str(_SQUARE_M // size_m - 1))


def _korean_part(metres: NDArray[np.int64], size_m: int) -> Iterator[Characters]:
    """What a code says along one axis, within its square of 100 km."""
    if size_m not in (500, 250):
        yield from _digits(metres // size_m, _korean_width(size_m))
        return
    yield from _digits(metres // 1000, 2)
    for half in (500, 250)[: _korean_width(size_m) - 2]:
        yield _characters("ab")[metres // half % 2]


def _characters(text: str) -> Characters:
    return np.array([ord(character) for character in text], dtype=np.uint32)


def _digits(values: NDArray[np.int64], width: int) -> Iterator[Characters]:
    """The decimal digits of numbers below 10^width, column by column, zeros in front."""
    for place in reversed(range(width)):
        yield (values // 10**place % 10).astype(np.uint32) + np.uint32(ord("0"))


def _write(table: Characters, columns: Iterable[Characters]) -> None:
    """Put characters into a table, column by column; a column of one is the same for all rows."""
    for place, characters in enumerate(columns):
        table[:, place] = characters


def _blocks(n: int) -> Iterator[slice]:
    """Some thousand cells at a time, whose digits stay in the processor's cache."""
    return (slice(begin, min(begin + _CELLS_AT_ONCE, n)) for begin in range(0, n, _CELLS_AT_ONCE))


def _texts(table: Characters) -> NDArray[np.str_]:
    """(n,) texts from a table of characters (n, width), zero behind the end of shorter ones, as numpy keeps them."""
    if not len(table):
        return np.array([], dtype=np.str_)
    texts: NDArray[np.str_] = table.view(f"U{table.shape[1]}")[:, 0]
    return texts


def _from_korean(code: str, match: re.Match[str]) -> CellCode:
    east_letter, north_letter, x_km, x_half, y_km, y_half, hundreds, tens = match.groups()
    if hundreds or tens:
        digits = hundreds or tens
        size, middle = 10 ** (5 - len(digits) // 2), len(digits) // 2
        x, y = int(digits[:middle]) * size, int(digits[middle:]) * size
    else:
        if len(x_half) != len(y_half):
            raise CellCodeError(
                f"Cell code {code!r} has {x_half!r} and {y_half!r} behind its kilometres; both need as many letters."
            )
        size = 1000 >> len(x_half)
        x, y = int(x_km) * 1000 + _halves_m(x_half), int(y_km) * 1000 + _halves_m(y_half)
    east = KOREA_ORIGIN_M[0] + _EAST_LETTERS.index(east_letter) * _SQUARE_M + x
    north = KOREA_ORIGIN_M[1] + _NORTH_LETTERS.index(north_letter) * _SQUARE_M + y
    return CellCode("korea", KOREA_EPSG, east, north, size)


def _halves_m(letters: str) -> int:
    """Metres from the kilometre to the half (500 m), and half of that half (250 m), that the letters name."""
    return sum((500 >> place) for place, letter in enumerate(letters) if letter == "b")


def _inspire_codes(crs: str, east: NDArray[np.int64], north: NDArray[np.int64], size_m: int) -> NDArray[np.str_]:
    epsg = _epsg(crs)
    negative = (east < 0) | (north < 0)
    if negative.any():
        first = int(np.flatnonzero(negative)[0])
        raise CellCodeError(
            f"E {east[first]} N {north[first]} in EPSG:{epsg} is negative, for which INSPIRE cell codes have no form; "
            "choose a CRS whose false origin keeps the region positive (a UTM zone does)."
        )
    tall, wide = (np.searchsorted(_POWERS_OF_TEN, axis, side="right") + 1 for axis in (north, east))
    before, between = _characters(f"CRS{epsg}RES{size_m}mN"), _characters("E")
    most = before.size + between.size + int((tall + wide).max(initial=0))
    table = np.zeros((east.size, most), dtype=np.uint32)
    for of in _blocks(east.size):
        # Numbers have no zeros in front, so their widths vary; near each other few of them occur.
        for pair in np.unique(tall[of] * _WIDEST + wide[of]).tolist():
            n, e = divmod(pair, _WIDEST)
            rows = of.start + np.flatnonzero((tall[of] == n) & (wide[of] == e))
            some = np.zeros((rows.size, most), dtype=np.uint32)
            _write(some, chain(before, _digits(north[rows], n), between, _digits(east[rows], e)))
            table[rows] = some
    return _texts(table)


def _inspire_cell(code: str, epsg: int, east: int, north: int, size: int) -> CellCode:
    if size == 0:
        raise CellCodeError(f"Cell code {code!r} names a cell of 0 m; a size above 0 was expected.")
    if max(east, north) > _FARTHEST_M:
        raise CellCodeError(f"Cell code {code!r} names E {east} N {north}, {_FARTHEST_M} m at most were expected.")
    if east % size or north % size:
        raise CellCodeError(f"Cell code {code!r} names E {east} N {north}, which is no corner of a cell of {size} m.")
    return CellCode("inspire", epsg, east, north, size)


def _power_of_ten_in(size_m: int) -> int:
    """The zeros at the end of the size: coordinates of the short form are divided by them (100 m: 100; 250 m: 10)."""
    step = 1
    while size_m % (step * 10) == 0:
        step *= 10
    return step
