"""What stands beside the numbers of every exported file: edition, made up or not, what is illustrative, whose data."""

import json
from typing import Any

from grids.edition import Edition
from grids.manifest import Attribution

PUBLISHER = "carbonmap"


def region_name(edition: Edition) -> str:
    """Return the region's name in English, else in its first language."""
    names = edition.region.name
    return names.get("en") or next(iter(names.values()))


def illustrative_sectors(edition: Edition) -> list[str]:
    """Return the sectors whose numbers rest on assumptions of the region file."""
    return [sector for sector in edition.manifest.sectors if edition.manifest.illustrative[sector]]


def warnings_of(edition: Edition) -> list[str]:
    """Return the sentences that a reader of any number must see first."""
    sentences = []
    if edition.region.synthetic:
        sentences.append("SYNTHETIC: every number is invented; no real place, building or meter stands behind it.")
    if sectors := illustrative_sectors(edition):
        sentences.append(
            f"ILLUSTRATIVE: {', '.join(sectors)} rest{'s' if len(sectors) == 1 else ''} on assumptions where no "
            "published value was found."
        )
    return sentences


def attribution_text(given: Attribution) -> str:
    """Return an attribution as one line: whose data, under which licence, where."""
    licence = f" ({given.licence})" if given.licence else ""
    where = f", {given.url}" if given.url else ""
    return f"{given.text}{licence}{where}"


def attributions(edition: Edition) -> str:
    """Return all attributions as one line."""
    return "; ".join(attribution_text(given) for given in edition.region.attributions)


def title(edition: Edition, collection: str | None = None, year: int | None = None) -> str:
    """Return what a file holds, for people."""
    what = " ".join(str(part) for part in (collection, year) if part is not None)
    return f"Carbon map of {region_name(edition)}{': ' + what if what else ''}"


def statement(edition: Edition) -> str:
    """Return everything in one paragraph, for formats that have room for one text."""
    sentences = [
        f"Greenhouse gas emissions in tCO2e per year; removals are negative. Edition {edition.id} of region "
        f"{edition.region.id}.",
        *warnings_of(edition),
    ]
    if edition.region.attributions:
        sentences.append(f"Data: {attributions(edition)}.")
    return " ".join(sentences)


def tags(edition: Edition) -> dict[str, str]:
    """Return the labels as short texts by name, for formats that keep such pairs."""
    return {
        "region": edition.region.id,
        "edition": edition.id,
        "synthetic": str(edition.region.synthetic).lower(),
        "illustrative": ", ".join(illustrative_sectors(edition)) or "none",
        "attribution": attributions(edition) or "none",
        "description": statement(edition),
    }


def record(edition: Edition) -> dict[str, Any]:
    """Return the labels as one object, for formats that keep JSON."""
    return {
        "region": edition.region.id,
        "name": edition.region.name,
        "edition": edition.id,
        "crs": edition.crs,
        "synthetic": edition.region.synthetic,
        "illustrative": edition.manifest.illustrative,
        "attributions": [given.model_dump() for given in edition.region.attributions],
        "code": edition.manifest.code.model_dump(),
        "description": statement(edition),
    }


def record_text(edition: Edition, **more: Any) -> str:
    """Return `record` with more members as JSON text that is the same every time."""
    return json.dumps({**record(edition), **more}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
