"""Question `disclosure`: how closely do all public outputs, taken together, bind single closed meters?

A generated city is built, and built again after one meter was corrected. `bench.attacker` reads the equations out of
the public tables, `bench.spans` solves them for the meters that fewest neighbours hide, with the meter of any one other
building known.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import yaml

from bench.attacker import Equations, equations_of
from bench.report import Report, Row
from bench.spans import Places
from carbonmap.build import build_region
from carbonmap.progress import Silent
from carbonmap.synthetic.write import write_city
from grids.disclosure_record import disclosure_record
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
CHANGED, NEW = 0.05, 0.02
"""Parts of the meters that read otherwise in a later edition, and that are new in it; as many have vanished."""
ROUNDING = 1e-6
"""A span that is narrower than asked for by less than this was cut by rounding."""


def disclosure_question(
    *, size: int, asked: int, percent: float, seed: int, audit: bool, store: Path | None, region: str, tell: Tell
) -> Report:
    """Attack one edition of a generated city, and two; or the editions of a region in a store.

    Args:
        size: buildings of the city.
        asked: meters that are asked for in each sector, year and carrier: those that fewest neighbours hide.
        percent: how far each should be able to be off, both ways.
        seed: of the city.
        audit: build with the audit, and the second time with many other meters; else with one corrected.
        store: attack these editions instead, each by itself and all together.
        region: theirs.
        tell: is told of each step.
    """
    settings: dict[str, object] = {"buildings": size, "asked": asked, "percent": percent, "seed": seed, "audit": audit}
    if store is not None:
        settings = {"region": region, "asked": asked, "percent": percent}
    report = Report("disclosure", "Bounds on closed meters from all public outputs", COLUMNS, settings)
    if store is not None:
        editions = _editions(store, region)
        report.rows += _attacked(editions, asked, percent, tell)
    else:
        with TemporaryDirectory(prefix="carbonmap-bench-") as folder:
            if audit:
                editions, seconds = audited_editions(Path(folder), size, seed, percent, tell)
                settings |= {"changed": CHANGED, "new": NEW, "vanished": NEW, "seconds": seconds}
                report.notes += [f"{edition.id[:6]}: {line}" for edition in editions for line in held_lines(edition)]
            else:
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
    inputs, changed = _two_folders(folder, size, seed, tell)
    correct_one_meter(changed / "meters.csv", 3.0)
    return _built(folder / "store", [inputs, changed], tell)[0]


def audited_editions(
    folder: Path, size: int, seed: int, percent: float, tell: Tell
) -> tuple[list[Edition], list[float]]:
    """A generated city, and a later one of it with other meters, both audited; and seconds of each build.

    Args:
        folder: gets inputs and store.
        size: buildings.
        seed: of the city and of what changes.
        percent: how far each meter has to stay open.
        tell: is told of each step.
    """
    inputs, changed = _two_folders(folder, size, seed, tell)
    change_meters(inputs / "meters.csv", changed / "meters.csv", seed)
    for each in (inputs, changed):
        audited(each / "region.yaml", percent)
    return _built(folder / "store", [inputs, changed], tell)


def audited(file: Path, percent: float) -> None:
    """Let a region file ask for the audit."""
    text = yaml.safe_load(file.read_text(encoding="utf-8"))
    text["disclosure"] = {"min_count": 3, "dominance_percent": percent, "audit": True}
    file.write_text(yaml.safe_dump(text, allow_unicode=True, sort_keys=False), encoding="utf-8")


def change_meters(first: Path, second: Path, seed: int) -> None:
    """Of the buildings with readings, 2 % are missing in the first file, 2 % others in the second, 5 % read otherwise.

    Args:
        first: the readings; those that are new in the second are taken out.
        second: the same readings; changed, and those that vanish taken out.
        seed: of the choice, and of changes between half and one and a half of what was read.
    """
    readings = pd.read_csv(first, encoding="cp949", dtype=str)
    key, value = readings.columns[0], readings.columns[3]
    names = np.unique(readings[key].to_numpy(dtype=str))
    random = np.random.default_rng(seed)
    few, more = max(3, round(NEW * len(names))), max(3, round(CHANGED * len(names)))
    new, vanished, changed = np.split(random.permutation(names)[: 2 * few + more], [few, 2 * few])
    by = dict(zip(changed, random.uniform(0.5, 1.5, len(changed)), strict=True))
    readings[~readings[key].isin(new)].to_csv(first, index=False, encoding="cp949")
    later = readings[~readings[key].isin(vanished)].copy()
    factor = later[key].map(by).to_numpy(dtype=np.float64)
    is_changed = np.isfinite(factor)
    later.loc[is_changed, value] = [
        f"{float(reading) * one:.3f}" for reading, one in zip(later[value][is_changed], factor[is_changed], strict=True)
    ]
    later.to_csv(second, index=False, encoding="cp949")


def _two_folders(folder: Path, size: int, seed: int, tell: Tell) -> tuple[Path, Path]:
    inputs, changed = folder / "inputs", folder / "changed"
    tell(f"drawing a city of {size:,} buildings")
    write_city(inputs, buildings=size, seed=seed)
    shutil.copytree(inputs, changed)
    return inputs, changed


def _built(store: Path, folders: Sequence[Path], tell: Tell) -> tuple[list[Edition], list[float]]:
    seconds = []
    for number, inputs in enumerate(folders, start=1):
        tell(f"building edition {number}")
        built = build_region(inputs / "region.yaml", inputs, store, progress=Silent())
        seconds.append(built.seconds or 0.0)
    return _editions(store, "demo"), seconds


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


def held_lines(edition: Edition) -> Iterator[str]:
    """What disclosure control says of each collection in the last year: what the audit costs in detail."""
    for name, years in disclosure_record(edition.manifest).collections.items():
        for sector, counts in years[max(years)].items():
            if counts.with_private_meters:
                parts = [f"{counts.held} of {counts.with_private_meters} held"]
                parts += [f"{counts.by_audit} by_audit"] if counts.by_audit is not None else []
                parts += [f"{counts.unproven} unproven"] if counts.unproven is not None else []
                yield f"{name} {sector}: {', '.join(parts)}"


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
