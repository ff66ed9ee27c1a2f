"""What GDAL says while it reads: kept for the report, where it would print lines of its own on standard error."""

import contextlib
import warnings
from collections.abc import Iterator
from threading import Lock

from pyogrio._err import _ERROR_STACK, capture_errors

from gis.layers import MOST_EXAMPLES

FROM_GDAL = "GDAL: "
"""How a note begins that is GDAL's."""

_ONE_AT_A_TIME = Lock()
"""Python's warnings, by which pyogrio hands over GDAL's, are those of all threads: one file's would be another's."""


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """Listen to GDAL in this thread; afterwards the list has one line of each thing it said.

    Of the same thing about very many features the first few are kept, and how many there were besides.
    """
    said: list[str] = []
    errors: list[Exception] = []
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with capture_errors():
                try:
                    yield said
                finally:  # what is read within may have begun a list of its own
                    errors += _ERROR_STACK.get()
        finally:
            warned = [warning.message for warning in caught if "pyogrio" in warning.filename]
            lines = sorted({_first_line(message) for message in (*warned, *errors)})
            said += [f"{FROM_GDAL}{line}" for line in lines[:MOST_EXAMPLES]]
            if len(lines) > MOST_EXAMPLES:
                said.append(f"{FROM_GDAL}... and {len(lines) - MOST_EXAMPLES:,} more messages")


def _first_line(message: object) -> str:
    return (str(message).strip().splitlines() or [type(message).__name__])[0][:200]
