"""Inputs of a whole nation, generated: what a national build reads, at any size, the same bytes for the same size.

7,200,000 buildings, 400,000 roads, 300,000 forest stands, four administrative levels and the meters of every building
on 100,000 square kilometres in EPSG:5179; a smaller size shrinks all of them alike, the country's area too. Files are
written piece by piece: of the buildings nothing stays in memory but a few numbers for each.
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.nation_layers import write_buildings, write_forests, write_roads, write_zones
from bench.nation_meters import write_meters
from bench.nation_places import Country, Spread, town_density
from bench.nation_region import LEVELS, region_text

Tell = Callable[[str], None]

FloatArray = NDArray[np.float64]

FULL_SIZE = 7_200_000

_ROADS, _FORESTS = 400_000, 300_000
_ZONES = (17, 250, 3_500)
_VILLAGES = (124, 160)  # from west to east and from south to north: 19,840
_KILOMETRES = (280, 360)
_LEAST_KM = 2
_DONE = "nation.json"


@dataclass(frozen=True)
class Nation:
    """How many of each, and on how much ground.

    Attributes:
        size: buildings.
        metered: fraction of them that have meters.
        seed: of all chance.
    """

    size: int
    metered: float = 1.0
    seed: int = 20260101

    @property
    def roads(self) -> int:
        """Road segments."""
        return max(3, round(_ROADS * self._scale))

    @property
    def forests(self) -> int:
        """Forest stands."""
        return max(3, round(_FORESTS * self._scale))

    @property
    def villages(self) -> tuple[int, int]:
        """Zones of the finest level, from west to east and from south to north."""
        return self._along(_VILLAGES[0]), self._along(_VILLAGES[1])

    @property
    def zones(self) -> tuple[int, ...]:
        """Zones of every level, the largest zones first."""
        finest = math.prod(self.villages)
        return (*(min(finest, max(1, round(count * self._scale))) for count in _ZONES), finest)

    @property
    def country(self) -> Country:
        """The ground: whole kilometres."""
        return Country(1000 * self._along(_KILOMETRES[0]), 1000 * self._along(_KILOMETRES[1]))

    @property
    def _scale(self) -> float:
        return self.size / FULL_SIZE

    def _along(self, full: int) -> int:
        return max(_LEAST_KM, round(full * math.sqrt(self._scale)))


def write_nation(folder: Path, nation: Nation, tell: Tell) -> Path:
    """Write all inputs and the region file; nothing is done where this version has written the same before.

    Args:
        folder: made if it is not there; files of these names are replaced.
        nation: what is wanted.
        tell: is told how far it is.

    Returns:
        The path of `region.yaml`.
    """
    region = folder / "region.yaml"
    wanted = {**asdict(nation), "generator": _generator()}
    done = folder / _DONE
    if done.is_file() and json.loads(done.read_text("utf-8")) == wanted:
        return region
    folder.mkdir(parents=True, exist_ok=True)
    done.unlink(missing_ok=True)
    levels = tuple((*names, count) for names, count in zip(LEVELS, nation.zones, strict=True))
    write_zones(folder, levels, nation.villages, nation.country, nation.seed)
    floors_m2 = write_nation_buildings(folder / "buildings.parquet", nation, tell)
    rng, density = _density(nation)
    # Roads stand where houses do, but the country has more of them for each.
    write_roads(
        folder / "roads.parquet", Spread.of(nation.roads, np.sqrt(density), rng), nation.country, nation.seed, tell
    )
    write_forests(folder / "forests.parquet", nation.forests, nation.country, nation.seed, tell)
    (folder / "meters.parquet").unlink(missing_ok=True)
    if nation.metered:
        write_meters(folder / "meters.parquet", floors_m2, nation.metered, nation.seed, tell)
    region.write_text(region_text(metered=nation.metered > 0), encoding="utf-8")
    done.write_text(json.dumps(wanted), encoding="utf-8")  # last: a folder half written is never taken for a whole one
    return region


def write_nation_buildings(file: Path, nation: Nation, tell: Tell) -> NDArray[np.float32]:
    """Write the nation's buildings alone; (n,) m2 of floor of each."""
    rng, density = _density(nation)
    return write_buildings(file, Spread.of(nation.size, density, rng), nation.country, nation.seed, tell)


def _density(nation: Nation) -> tuple[np.random.Generator, FloatArray]:
    """Buildings expected by square, and the generator to draw them with."""
    rng = np.random.default_rng([nation.seed, 9])
    return rng, town_density(nation.country, nation.size, rng)


def _generator() -> str:
    """Digest of the modules that draw a nation: another version draws another one."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("nation*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
