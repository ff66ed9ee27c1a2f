"""Numbers of addresses, as they are written everywhere: Python's own reading of a text takes more than that.

`1_0`, `+1`, digits of other scripts and spaces around would be read without a word, and mean something else elsewhere.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def plain_number(text: str) -> float:
    """Return the number that a text is.

    Raises:
        ValueError: it is none, or written otherwise than in digits 0 to 9 with a point.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError("a valid number in digits 0 to 9")
    return float(text)


def loosely_written(text: str) -> bool:
    """Whether Python would read a text as a number that is not written as one."""
    try:
        float(text)
    except ValueError:
        return False
    return not _NUMBER.fullmatch(text) and text.strip().lstrip("+-").lower() not in ("nan", "inf", "infinity")


def _whole(given: Any) -> Any:
    if isinstance(given, str) and not _WHOLE.fullmatch(given):
        raise ValueError("a valid integer in digits 0 to 9")
    return given


WholeNumber = Annotated[int, BeforeValidator(_whole)]
