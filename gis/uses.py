"""Uses of buildings: our words, and those of others mapped to them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.tables import read_rows
from gis.columns import words_of
from gis.errors import BadValue, did_you_mean, listed

UseCodes = npt.NDArray[np.int8]

USES = (
    "residential", "apartment", "office", "retail", "education", "health", "hotel", "public", "industrial", "warehouse",
    "other", "unheated",
)  # fmt: skip
"""Uses of buildings; `unheated` uses no energy."""
DWELLINGS = ("residential", "apartment")


def read_uses(name: str, schema: Path) -> dict[str, str]:
    """The table `uses_<name>.csv` as mapping theirs -> ours.

    Args:
        name: osm, korea, seattle, ...
        schema: the folder `data/schema`.

    Raises:
        BadValue: there is no such table, or it names a use that is not ours.
    """
    path = schema / f"uses_{name}.csv"
    if not path.is_file():
        known = sorted(file.stem.removeprefix("uses_") for file in schema.glob("uses_*.csv"))
        raise BadValue(f"uses: {name!r} is no table of building uses; there are {listed(known)}.")
    return check_uses({row["theirs"]: row["use"] for row in read_rows(path, ("theirs", "use", "note"))}, str(path))


def check_uses(uses: Mapping[str, str], where: str = "uses") -> dict[str, str]:
    """A mapping theirs -> ours whose right-hand sides are all our uses.

    Raises:
        BadValue: names the use that is not one, and those there are.
    """
    for theirs, ours in uses.items():
        if ours not in USES:
            raise BadValue(
                f"{where}: {theirs!r} -> {ours!r} is not one of our uses: {listed(USES)}.{did_you_mean(ours, USES)}"
            )
    return dict(uses)


def use_codes(given: "pd.Series[Any]", uses: Mapping[str, str]) -> tuple[UseCodes, dict[str, int]]:
    """Each building's use as position in `USES`.

    A value is looked up as it stands, then in lower case, then part by part (`yes;apartments`); our own words stand for
    themselves. What is missing is `other`; what is unknown is `other` too, and counted.

    Args:
        given: (n,) uses as the source has them, null where it says nothing.
        uses: theirs -> ours.

    Returns:
        (n,) positions, and the values that nothing maps with how many buildings have them.
    """
    lower = {theirs.lower(): ours for theirs, ours in uses.items()} | {use: use for use in USES}
    unknown: dict[str, int] = {}
    codes, words = words_of(given)
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    table = np.full(len(words) + 1, USES.index("other"), dtype=np.int8)
    for position, word in enumerate(words):
        text = word.strip()
        parts = [uses.get(part.strip()) or lower.get(part.strip().lower()) for part in text.split(";")]
        known = [use for use in parts if use]
        found = uses.get(text) or lower.get(text.lower()) or next((use for use in known if use != "other"), None)
        if found is None and not known:
            unknown[text] = unknown.get(text, 0) + int(counts[position])
        table[position] = USES.index(found or "other")
    return table[codes], unknown
