"""What a manifest says of disclosure control, as a typed record: its rule, counts by collection, editions beside it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from grids.manifest import EditionId, Manifest, first_faults
from grids.store_errors import EditionBroken


class _Record(BaseModel):
    """Keys that are not known here are passed over: the manifest's own model refuses what must not be there."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class RuleRecord(_Record):
    """The rule of the region file."""

    min_count: int
    dominance_percent: float
    audit: bool = False


class HeldCounts(_Record):
    """Of one collection, year and sector: how many targets are held and why; `data/schema/manifest.md` has each.

    What only groups or only audits have is None elsewhere.
    """

    mode: Literal["shared", "modelled", "null"]
    targets: int
    with_private_meters: int
    too_few: int
    dominated: int
    by_difference: int | None = None
    added: int | None = None
    groups: int | None = None
    by_audit: int | None = None
    unproven: int | None = None
    held: int
    withheld_columns: tuple[str, ...] = ()


class DisclosureRecord(_Record):
    """The part `disclosure` of a manifest.

    Attributes:
        rule: None in editions that say nothing of it.
        collections: collection -> year -> sector -> counts.
        beside: editions that this one was held beside.
        not_looked_at: others of the store then: audited ones told what nobody knows any more, or were not audited.
    """

    rule: RuleRecord | None = None
    collections: dict[str, dict[int, dict[str, HeldCounts]]] = {}
    beside: tuple[EditionId, ...] = ()
    not_looked_at: tuple[EditionId, ...] = ()

    @property
    def unproven(self) -> dict[str, int]:
        """Collection -> features without a witness, in the year and sector with most of them, where there are any."""
        found = {
            name: max((each.unproven or 0 for year in years.values() for each in year.values()), default=0)
            for name, years in self.collections.items()
        }
        return {name: count for name, count in found.items() if count}


def disclosure_record(manifest: Manifest) -> DisclosureRecord:
    """Read the part `disclosure` of a manifest; an empty record where there is none.

    Raises:
        EditionBroken: it is not as builds write it.
    """
    try:
        return DisclosureRecord.model_validate({} if manifest.disclosure is None else manifest.disclosure)
    except ValidationError as error:
        raise EditionBroken(
            f"disclosure in the manifest of edition {manifest.edition} of region {manifest.region.id!r} is not as "
            f"this version expects: {first_faults(error)}. Build it again"
        ) from error


def disclosure_remarks(record: DisclosureRecord) -> list[str]:
    """What the operator of an audited edition should hear: what was not looked at, and what was not proved."""
    said = []
    if record.not_looked_at:
        said.append(
            f"disclosure: {len(record.not_looked_at)} earlier editions of the store were not looked at "
            f"({', '.join(record.not_looked_at)}): built without the audit, or without private tables here. Whoever "
            "has their public tables may find single closed meters by subtraction; take them out of the store if "
            "nobody has seen them, and else count on this edition to be safe by itself only"
        )
    for name, n_features in record.unproven.items():
        said.append(
            f"disclosure: no witness was found in {name} for {n_features} features of a year, which is no proof that "
            "they are bound; `python -m bench disclosure --store` asks how closely"
        )
    return said
