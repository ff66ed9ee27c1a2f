"""Question `disclosure`: how closely do all public outputs, taken together, bind single closed meters?

A generated city is built, and built again after one meter was corrected. `bench.attacker` reads the equations out of
the public tables, `bench.spans` solves them for the meters that fewest neighbours hide, with the meter of any one other
building known.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from bench.attacker import Equations, equations_of
from bench.report import Report, Row
from bench.spans import Places
from carbonmap.build import build_region
from carbonmap.progress import Silent
from carbonmap.synthetic.write import write_city
from grids.edition import Edition, Store

Tell = Callable[[str], None]

COLUMNS = {
    "editions": "editions",
    "what": "sector, year, carrier",
    "meters": "meters",
    "equations": "equations",
    "places": "told apart",
    "asked": "asked",
    "narrow": "narrower than asked for",
    "narrowest": "narrowest at most, %",
}
ROUNDING = 1e-6
"""A span that is narrower than asked for by less than this was cut by rounding."""


def disclosure_question(
    *, size: int, asked: int, percent: float, seed: int, store: Path | None, region: str, tell: Tell
) -> Report:
    """Attack one edition of a generated city, and two; or the editions of a region in a store.

    Args:
        size: buildings of the city.
        asked: meters that are asked for in each sector, year and carrier: those that fewest neighbours hide.
        percent: how far each should be able to be off, both ways.
        seed: of the city.
        store: attack these editions instead, each by itself and all together.
        region: theirs.
        tell: is told of each step.
    """
    settings: dict[str, object] = {"buildings": size, "asked": asked, "percent": percent, "seed": seed}
    if store is not None:
        settings = {"region": region, "asked": asked, "percent": percent}
    report = Report("disclosure", "Bounds on closed meters from all public outputs", COLUMNS, settings)
    if store is not None:
        editions = _editions(store, region)
        report.rows += _attacked(editions, asked, percent, tell)
    else:
        with TemporaryDirectory(prefix="carbonmap-bench-") as folder:
            editions = two_editions(Path(folder), size, seed, tell)
            report.rows += _attacked(editions, asked, percent, tell)
    report.notes.append(
        "The attacker knows all geometry, which buildings are metered, every line that is no closed meter, which "
        "meters changed between editions, and the meter of any one other building. Spans wider than asked for are not "
        "looked at further."
    )
    return report


def two_editions(folder: Path, size: int, seed: int, tell: Tell) -> list[Edition]:
    """A generated city, and the same after one meter was corrected to three times of what it read.

    Args:
        folder: gets inputs and store.
        size: buildings.
        seed: of the city.
        tell: is told of each step.
    """
    inputs = folder / "inputs"
    tell(f"drawing a city of {size:,} buildings")
    write_city(inputs, buildings=size, seed=seed)
    tell("building its first edition")
    build_region(inputs / "region.yaml", inputs, folder / "store", progress=Silent())
    changed = folder / "changed"
    shutil.copytree(inputs, changed)
    correct_one_meter(changed / "meters.csv", 3.0)
    tell("building it again, with one meter corrected")
    build_region(changed / "region.yaml", changed, folder / "store", progress=Silent())
    return _editions(folder / "store", "demo")


def correct_one_meter(file: Path, factor: float) -> str:
    """Multiply all readings of the building in the middle of the file; returns its id."""
    readings = pd.read_csv(file, encoding="cp949", dtype=str)
    key, value = readings.columns[0], readings.columns[3]
    chosen = str(readings[key].iloc[len(readings) // 2])
    mine = readings[key] == chosen
    readings.loc[mine, value] = [f"{float(reading) * factor:.3f}" for reading in readings.loc[mine, value]]
    readings.to_csv(file, index=False, encoding="cp949")
    return chosen


def span_row(equations: Equations, asked: int, percent: float) -> Row:
    """How closely the most exposed meters of one system are bound."""
    places = Places(equations)
    chosen = places.exposed_first()[:asked]
    spans = [places.span(int(unknown), percent / 100) for unknown in chosen]
    widths = np.array([span.least for span in spans])
    return {
        "what": equations.what,
        "meters": len(equations.true),
        "equations": equations.rows.shape[0],
        "places": len(places.sums),
        "asked": len(chosen),
        "narrow": int((widths < percent / 100 - ROUNDING).sum()),
        "narrowest": float(100 * widths.min(initial=np.inf)),
    }


def _attacked(editions: Sequence[Edition], asked: int, percent: float, tell: Tell) -> list[Row]:
    rows = []
    together = [[edition] for edition in editions] + ([list(editions)] if len(editions) > 1 else [])
    for some in together:
        names = " + ".join(edition.id[:6] for edition in some)
        for equations in equations_of(some):
            tell(f"{names}: {equations.what}")
            rows.append({"editions": names, **span_row(equations, asked, percent)})
    return rows


def _editions(store: Path, region: str) -> list[Edition]:
    """All editions of a region in a store, the one that is served last."""
    opened = Store(store)
    current = opened.current(region)
    names = sorted(path.name for path in (store / region).iterdir() if (path / "manifest.json").is_file())
    return [opened.open(region, name) for name in sorted(names, key=lambda name: (name == current, name))]
