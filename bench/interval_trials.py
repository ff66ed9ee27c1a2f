"""Question `intervals`: how often do published 90 % intervals hold the truth, where truth is not made by our formulas?

A town is estimated as the map does it, with the relative deviations that the factor tables declare, and its intervals
are those of `grids.aggregate`. Truths come from another generator: factors of Student's t with five degrees of freedom
for whatever buildings share, heavy-tailed errors of single buildings, part of which neighbours have in common (a field
that fades with distance), everything multiplied and never below zero. All that intervals may know of it are two numbers
that a region states: that part and its range. They see squares where the truth has a field without borders.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from accounting.assumptions import Assumptions
from accounting.factors import FactorTable
from accounting.likeness import Likeness, likeness_of
from accounting.uncertainty import Z90, relative_sd
from bench.report import Report
from carbonmap.resources import data_folder
from grids.aggregate import LayerShares, collection_sums
from grids.features import LayerLines
from grids.neighbourhoods import Neighbourhoods

FloatArray = NDArray[np.float64]
Tell = Callable[[str], None]

COLUMNS = {
    "neighbours": "shared by neighbours",
    "intervals": "intervals",
    "cell": "cells, %",
    "zone": "zones, %",
    "city": "city, %",
}
CELL_M, CELLS, ZONES = 100, 24, 4
USES = {"residential": 0.55, "apartment": 0.2, "office": 0.12, "retail": 0.08, "other": 0.05}
CARRIERS = {"electricity": ("indirect", 0.45), "gas": ("direct", 0.55)}
FREEDOM = 5
FADES_M = 250.0
AT_ONCE = 250
INTERVALS = ("neighbours as stated", "neighbours by default", "neighbours unknown", "without shared errors")
"""What deviations know: part and range of the truth, stated by the region; those of the tables, which may be wrong;
nothing of neighbours; nothing of any shared error. The first two are what is published."""
LEAST_SHARE = 0.2
"""Of the mean cell: what is published of emptier cells is one shed, and says nothing of intervals."""


@dataclass(frozen=True, eq=False)
class Town:
    """An estimated town.

    Attributes:
        lines: emission lines, the columns of docs/architecture.md.
        shares: level -> (targets, buildings) csr.
        use: (buildings,) position in `USES`.
        xy: (buildings, 2) metres.
        emissions: carrier -> (buildings,) tCO2e as estimated.
        u_own: relative deviation of a building.
        u_use: (uses,) relative deviation shared by the buildings of a use.
        u_factor: carrier -> relative deviation of its factor.
        by_default: what the tables say of neighbours.
    """

    lines: pd.DataFrame
    shares: dict[str, csr_array]
    use: NDArray[np.int64]
    xy: FloatArray
    emissions: dict[str, FloatArray]
    u_own: float
    u_use: FloatArray
    u_factor: dict[str, float]
    by_default: Likeness

    def sd(self, level: str, intervals: str, neighbours: float) -> tuple[FloatArray, FloatArray]:
        """(targets,) values and deviations by one of `INTERVALS`."""
        stated, by_default, _, without = INTERVALS
        frame = self.lines.assign(u_group=0.0, u_factor=0.0) if intervals == without else self.lines
        near = None
        if intervals == stated and neighbours > 0:
            near = self._neighbourhoods(neighbours, FADES_M)
        elif intervals == by_default:
            near = self._neighbourhoods(self.by_default.part, self.by_default.range_m)
        shares = self.shares[level]
        layer = LayerShares("town", "buildings", shares, LayerLines.of("town", frame, shares.shape[1], near=near))
        reach = np.ones(shares.shape[0])
        sums = collection_sums(
            [layer], n_targets=shares.shape[0], year=2023, sectors=["buildings"], coverage={"buildings": reach}
        ).sectors["buildings"]
        return sums.total, np.sqrt(sums.variance)

    def _neighbourhoods(self, part: float, range_m: float) -> Neighbourhoods:
        """Squares as a build makes them, of the cells in which buildings mainly lie."""
        row, col = ((self.xy // CELL_M + 0.5) * CELL_M // range_m).astype(np.int32).T
        return Neighbourhoods.of(row, col, part)

    @property
    def cell(self) -> NDArray[np.int64]:
        """(buildings,) number of the cell in which a building mainly lies."""
        return np.asarray((self.xy // CELL_M).astype(np.int64) @ np.array([CELLS, 1]))


def intervals_question(*, trials: int, buildings: int, seed: int, tell: Tell) -> Report:
    """Count how often intervals hold the truth, per level, for three strengths of likeness between neighbours.

    Args:
        trials: truths that are drawn for each strength.
        buildings: of the town.
        seed: of town and truths.
        tell: is told of each step.
    """
    settings = {"trials": trials, "buildings": buildings, "seed": seed}
    report = Report("intervals", "How often 90 % intervals hold a truth of another generator", COLUMNS, settings)
    town = made_town(buildings, np.random.default_rng(seed))
    for neighbours in (0.0, 0.1, 0.3):
        tell(f"{trials} truths in which neighbours share {neighbours:.0%} of a building's own variance")
        truths = list(drawn_truths(town, trials, neighbours, np.random.default_rng(seed + 1)))
        for intervals in INTERVALS:
            row = {level: 100 * held_share(town, level, truths, intervals, neighbours) for level in town.shares}
            report.rows.append({"neighbours": f"{neighbours:.0%}", "intervals": intervals, **row})
    report.notes.append(
        "Shared factors: Student's t with 5 degrees of freedom. Single buildings: a lognormal whose tails are doubled "
        "for one in twenty. Products never below zero."
    )
    return report


def made_town(buildings: int, rng: np.random.Generator) -> Town:
    """A town of buildings in cells and zones, dense in the middle, uses in quarters, estimated as the map does."""
    side = CELL_M * CELLS
    xy = np.clip(rng.normal(side / 2, side / 4.5, (buildings, 2)), 1, side - 1)
    quarter = (xy // 400).astype(np.int64)
    leaning = np.random.default_rng(7).dirichlet(np.array(list(USES.values())) * 6, size=(side // 400, side // 400))
    chances = leaning[quarter[:, 0], quarter[:, 1]]
    use = (rng.random(buildings)[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(0, len(USES) - 1)
    kwh = rng.lognormal(np.log(25_000), 0.8, buildings) * np.where(use == 0, 1.0, 2.5)
    factors = FactorTable.load(data_folder() / "factors")

    def u(name: str) -> float:
        row = factors.lookup(f"uncertainty.{name}", year=0, regions=("KR", "world"), purpose="uncertainty").factor
        return relative_sd(row.value)

    u_own = float(np.hypot(u("eui.building"), u("floor_area.levels")))
    u_use = np.array([u("eui.all_uses") if name == "other" else u("eui.of_use") for name in USES])
    u_factor = {"electricity": u("factor.electricity"), "gas": u("factor.unstated")}
    emissions = {name: kwh * part * 0.3e-3 for name, (_, part) in CARRIERS.items()}
    frames = [
        pd.DataFrame(
            {
                "feature": np.arange(buildings, dtype=np.int32), "year": np.int16(2023), "carrier": name,
                "basis": CARRIERS[name][0], "method": "modelled", "factor_id": f"made_{name}",
                "emissions_tco2e": values,
                "u_own": u_own, "group": [f"eui:{list(USES)[k]}" for k in use], "u_group": u_use[use],
                "u_factor": u_factor[name], "assumptions": "",
            }
        )
        for name, values in emissions.items()
    ]  # fmt: skip
    by_default = likeness_of("buildings", factors=factors, assumptions=Assumptions(), regions=("KR", "world"))
    assert by_default is not None, "the tables say nothing of neighbours"
    lines = pd.concat(frames, ignore_index=True)
    return Town(lines, _levels(xy, rng), use, xy, emissions, u_own, u_use, u_factor, by_default)


def drawn_truths(town: Town, trials: int, neighbours: float, rng: np.random.Generator) -> Iterator[FloatArray]:
    """True emissions per building, (buildings, some) at a time.

    Args:
        town: as estimated.
        trials: in all.
        neighbours: part of the variance of a building's own error that it has in common with its neighbours.
        rng: of the draws.
    """
    root = np.linalg.cholesky(likeness() + 1e-9 * np.eye(CELLS * CELLS))
    cell = town.cell
    own = town.u_own
    for first in range(0, trials, AT_ONCE):
        n = min(AT_ONCE, trials - first)
        field = (root @ rng.standard_normal((len(root), n)))[cell]
        alone = _heavy(rng, (len(cell), n), own * np.sqrt(1 - neighbours))
        like = np.exp(own * np.sqrt(neighbours) * field - own**2 * neighbours / 2)
        of_use = np.maximum(1 + town.u_use[:, None] * _student(rng, (len(USES), n)), 0)[town.use]
        total = np.zeros((len(cell), n))
        for carrier, values in town.emissions.items():
            factor = np.maximum(1 + town.u_factor[carrier] * _student(rng, (1, n)), 0)
            total += values[:, None] * factor
        yield total * of_use * alone * like


def held_share(town: Town, level: str, truths: list[FloatArray], intervals: str, neighbours: float) -> float:
    """Part of targets and trials whose truth lies in the 90 % interval."""
    value, sd = town.sd(level, intervals, neighbours)
    counts = value >= LEAST_SHARE * value.mean()
    low, high = (value - Z90 * sd)[counts, None], (value + Z90 * sd)[counts, None]
    shares = town.shares[level][np.flatnonzero(counts)]
    held = total = 0
    for truth in truths:
        there = shares @ truth
        held += int(((there >= low) & (there <= high)).sum())
        total += there.size
    return held / total


def likeness() -> FloatArray:
    """(cells, cells) correlation of what neighbours share: it fades with the distance of their cells."""
    along = (np.arange(CELLS) + 0.5) * CELL_M
    places = np.stack(np.meshgrid(along, along, indexing="ij"), -1).reshape(-1, 2)
    return np.asarray(np.exp(-np.linalg.norm(places[:, None] - places[None], axis=-1) / FADES_M))


def _heavy(rng: np.random.Generator, shape: tuple[int, int], u: float) -> FloatArray:
    """Positive factors of mean 1 and relative deviation u, a lognormal with one in twenty of twice the spread."""
    log_sd = np.sqrt(np.log1p(u**2))
    spread = np.where(rng.random(shape) < 0.05, 2.0, 1.0) * log_sd
    values = np.exp(spread * rng.standard_normal(shape) - spread**2 / 2)
    excess = np.sqrt(0.95 * np.expm1(log_sd**2) + 0.05 * np.expm1(4 * log_sd**2))
    return np.asarray(np.maximum(1 + (values - 1) * u / excess, 0))


def _student(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Student's t scaled to a deviation of 1."""
    return np.asarray(rng.standard_t(FREEDOM, shape) / np.sqrt(FREEDOM / (FREEDOM - 2)))


def _levels(xy: FloatArray, rng: np.random.Generator) -> dict[str, csr_array]:
    """Shares in cells, zones and the city; one building in five is cut by the border of a cell."""
    buildings = len(xy)
    row, col = (xy // CELL_M).astype(np.int64).T
    part = np.where(rng.random(buildings) < 0.2, rng.uniform(0.3, 0.9, buildings), 1.0)
    beside = np.clip(col + 1, 0, CELLS - 1)
    feature = np.arange(buildings)
    target = np.concatenate([row * CELLS + col, row * CELLS + beside])
    share = np.concatenate([part, 1 - part])
    cells = csr_array((share, (target, np.tile(feature, 2))), shape=(CELLS * CELLS, buildings))
    cells.sum_duplicates()
    cells.eliminate_zeros()
    per = CELLS // ZONES
    zone = (np.arange(CELLS * CELLS) // CELLS // per) * ZONES + np.arange(CELLS * CELLS) % CELLS // per
    up = csr_array((np.ones(len(zone)), (zone, np.arange(len(zone)))), shape=(ZONES**2, len(zone)))
    return {"cell": cells, "zone": csr_array(up @ cells), "city": csr_array(np.ones((1, buildings)))}
