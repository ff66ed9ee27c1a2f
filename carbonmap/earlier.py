"""Earlier editions in the store, of what they have told: an audited build is held beside them, and named after them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from accounting.units import in_base
from carbonmap.layers import SharedLayer
from carbonmap.region import Region
from grids.disclosure_record import disclosure_record
from grids.earlier import EarlierSums
from grids.earlier_ids import ClosedLayer, refuse_if_renamed
from grids.earlier_tables import LatestFactors, has_told, read_told
from grids.edition import Edition, edition_id
from grids.manifest import MANIFEST_FILE, checked_edition
from grids.store_errors import EditionBroken, InvalidName


@dataclass(frozen=True)
class Earlier:
    """Editions that stand in the store before a build.

    Attributes:
        editions: those beside which it is held, by id.
        not_looked_at: ids of others: built without an audit, or without their private tables here.
        built: the id of another one that is this very build, beside `editions`, which stood before it.
        missing: ids of editions beside which it was built and which are not in the store any more, or not whole.
    """

    editions: tuple[Edition, ...] = ()
    not_looked_at: tuple[str, ...] = ()
    built: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def listing(self) -> tuple[object, ...]:
        """Names of all that was found; another one later means that the store has changed."""
        return tuple(self.ids), self.not_looked_at, self.built, self.missing

    @property
    def ids(self) -> list[str]:
        """Of the editions beside which the build is held."""
        return [edition.id for edition in self.editions]

    def told(self, layers: Sequence[SharedLayer], years: Sequence[int]) -> dict[int, dict[str, list[EarlierSums]]]:
        """Year -> sector -> what each edition has told of closed meters; features are numbered as in the layers.

        Raises:
            IdsChanged: meters of an edition stand under other names now.
            EditionBroken: a private table of an edition is missing or damaged.
        """
        closed = {layer.id: layer for layer in layers if not layer.open}

        @cache
        def numbers(layer: str) -> dict[str, int]:
            return {name: k for k, name in enumerate(closed[layer].ids())} if layer in closed else {}

        now = [ClosedLayer(layer.id, layer.sector, layer.footprints) for layer in closed.values()]
        refuse_if_renamed(self.editions, now)
        factors = LatestFactors(in_base)
        for layer in closed.values() if self.editions else ():
            factors.see(layer.id, layer.lines(), layer.size)
        found: dict[int, dict[str, list[EarlierSums]]] = {year: {} for year in years}
        for year in years:
            for sector in sorted({layer.sector for layer in closed.values()}):
                each = [read_told(edition, sector, year, numbers, factors) for edition in self.editions]
                found[year][sector] = [sums for sums in each if sums is not None]
        return found


def earlier_editions(store: Path, region: Region, identity: Mapping[str, Any]) -> Earlier:
    """Editions of a region that a build has to be held beside; none where no audit is asked for.

    Args:
        store: folder of editions.
        region: with its rule of disclosure.
        identity: of the build, without editions beside it.

    Raises:
        EditionBroken: an edition cannot be read, so that nobody knows what it told.
    """
    if not region.disclosure.audit:
        return Earlier()
    folders = sorted(path for path in (store / region.id).glob("*") if (path / MANIFEST_FILE).is_file())
    editions, left = [], []
    built: str | None = None
    before: list[str] = []
    for folder in folders:
        try:
            edition = Edition(store / region.id / checked_edition(folder.name))
            beside = list(disclosure_record(edition.manifest).beside)
        except InvalidName:  # somebody's copy, which the server cannot serve either
            continue
        except EditionBroken as error:
            raise EditionBroken(
                f"{error}. What it has told must not be told again by subtraction: repair it, or take its folder away"
            ) from error
        if edition_id(**identity, beside=beside) == edition.id:
            built, before = edition.id, beside
        elif has_told(edition):
            editions.append(edition)
        else:
            left.append(edition.id)
    if built is not None:
        editions = [edition for edition in editions if edition.id in before]
    return Earlier(tuple(editions), tuple(left), built, tuple(sorted({*before} - {one.id for one in editions})))
