"""The documents of an edition that belong beside its numbers: licence, citation, columns, factors, manifest."""

import csv
import io
import json
import re
from typing import Any

import yaml

from grids.columns import ColumnTable
from grids.edition import Edition
from grids.exports import labels
from grids.exports.formulas import harmless
from grids.manifest import Attribution

_SPDX = {
    name.lower().replace("-", " "): name
    for name in (
        *("CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "ODbL-1.0", "ODC-By-1.0", "PDDL-1.0"),
        *("OGL-UK-3.0", "etalab-2.0"),
    )
} | {"cc0": "CC0-1.0", "odbl": "ODbL-1.0"}
"""Licences as region files write them (`CC BY 4.0` is `CC-BY-4.0`), by the identifiers that catalogues know."""
_BETWEEN = re.compile(r",(?![^()]*\))")
"""Between the licences of one source; a comma in brackets is part of what a licence is called."""
NOT_STATED = "not stated"

_FACTOR_FIELDS = (
    "id", "activity", "carrier", "basis", "value", "unit", "u95_percent", "distribution", "region", "period",
    "chosen", "source", "confidence", "status", "purpose", "note",
)  # fmt: skip


def licences(edition: Edition) -> list[str]:
    """Return the licences of all sources, each once: SPDX identifiers, and in their own words those SPDX lacks."""
    return list(dict.fromkeys(name for given in edition.region.attributions for name in licences_of(given)))


def licences_of(given: Attribution) -> list[str]:
    """Return the licences of a source, of which one text may name several: `KOGL 1, CC BY 4.0`."""
    parts = [part.strip() for part in _BETWEEN.split(given.licence or "")]
    return [_SPDX.get(_plain(part), part) for part in parts if part] or [NOT_STATED]


def only_licence(edition: Edition) -> str | None:
    """Return the SPDX identifier of the licence that all sources have and no source has another beside; else none.

    Where they differ, each holds for a part of the numbers, which no identifier says: CFF reads several as a choice.
    """
    return _identifier(licences(edition))


def is_spdx(licence: str) -> bool:
    """Say whether one of `licences` is an SPDX identifier."""
    return licence in _SPDX.values()


def _identifier(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 and is_spdx(names[0]) else None


def _plain(licence: str) -> str:
    return " ".join(licence.lower().replace("-", " ").split())


def licence_text(edition: Edition) -> str:
    """Return whose data an edition rests on, under which licences, and how to name them."""
    lines = [labels.title(edition), f"Edition {edition.id} of region {edition.region.id}", ""]
    lines += [*labels.warnings_of(edition), ""] if labels.warnings_of(edition) else []
    lines += ["The numbers are derived from these sources, each under its own licence; name them when you pass on", ""]
    lines[-2] += " anything made from this edition:"
    if not edition.region.attributions:
        lines.append("- The region file names no source. Ask whoever published this edition before you pass it on.")
    for given in edition.region.attributions:
        unknown = "" if given.licence else f" (licence {NOT_STATED}: ask before you pass it on)"
        lines.append(f"- {labels.attribution_text(given)}{unknown}")
    lines += ["", "Attribution in one line:", "", labels.attributions(edition) or "none given", ""]
    sources = sorted({str(factor["source"]) for factor in edition.manifest.factors if factor.get("source")})
    if sources:
        lines += ["Published sources of the factors used:", "", *(f"- {source}" for source in sources), ""]
    lines += [f"How to cite it: see CITATION.cff. Built by carbonmap {edition.manifest.code.version} (Apache-2.0).", ""]
    return "\n".join(lines)


def citation(edition: Edition) -> str:
    """Return CITATION.cff (Citation File Format 1.2.0) of the edition: a data set with its sources as references."""
    region = edition.region
    document: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use numbers of this edition, cite it, and name its sources.",
        "type": "dataset",
        "title": f"{labels.title(edition)}, {_years(edition)}",
        "abstract": labels.statement(edition),
        "authors": [{"name": labels.PUBLISHER}],
        "version": edition.id,
        "identifiers": [
            {
                "type": "other",
                "value": f"carbonmap:{region.id}:{edition.id}",
                "description": "region and edition; equal inputs and code give the same edition",
            }
        ],
        "keywords": [
            "greenhouse gas emissions",
            "CO2e",
            "carbon map",
            *(["synthetic data"] if region.synthetic else []),
        ],
    }
    if spdx := only_licence(edition):
        document["license"] = spdx
    elif region.attributions:
        document["message"] += " Each source has its own licence, which stands beside it."
    references = []
    for given in region.attributions:
        reference: dict[str, Any] = {"type": "data", "title": given.text, "authors": [{"name": given.text}]}
        reference["notes"] = f"Licence: {given.licence or NOT_STATED}"
        if spdx := _identifier(licences_of(given)):
            reference["license"] = spdx
        if given.url and given.url.startswith(("http://", "https://")):
            reference["url"] = given.url
        references.append(reference)
    if references:
        document["references"] = references
    return str(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110))


def citation_line(edition: Edition) -> str:
    """Return the citation as one line."""
    return f"{labels.PUBLISHER}: {labels.title(edition)}, {_years(edition)}. Edition {edition.id}."


def columns(edition: Edition, dictionary: ColumnTable) -> list[dict[str, Any]]:
    """Return every column that some table of the edition has, with type, unit, meaning and the collections it is in."""
    held: dict[str, list[str]] = {}
    for collection in edition.manifest.collections:
        for name in collection.columns:
            held.setdefault(name, []).append(collection.id)
    described = (dictionary.describe(name) for name in dictionary.in_order(held))
    return [
        {
            "name": column.name,
            "type": column.type,
            "unit": column.unit,
            "nullable": column.nullable,
            "label": dict(column.label),
            "meaning": dict(column.meaning),
            "collections": held[column.name],
        }
        for column in described
    ]


def columns_csv(edition: Edition, dictionary: ColumnTable) -> str:
    """Return `columns` as CSV, one column per language."""
    rows = [
        {
            **{key: value for key, value in column.items() if key not in ("label", "meaning")},
            **{f"{key}_{language}": text for key in ("label", "meaning") for language, text in column[key].items()},
            "nullable": str(column["nullable"]).lower(),
            "collections": " ".join(column["collections"]),
        }
        for column in columns(edition, dictionary)
    ]
    return _csv(rows, list(rows[0]) if rows else ["name"])


def factors(edition: Edition) -> dict[str, Any]:
    """Return the factors used (with how each was chosen) and the assumptions made where none was found."""
    return {
        **labels.record(edition),
        "factors": list(edition.manifest.factors),
        "assumptions": list(edition.manifest.assumptions),
    }


def factors_csv(edition: Edition) -> str:
    """Return the factors used as CSV; fields that only some of them have come last, in order of name."""
    rows = list(edition.manifest.factors)
    more = sorted({name for row in rows for name in row} - set(_FACTOR_FIELDS))
    return _csv(rows, [*_FACTOR_FIELDS, *more])


def assumptions_csv(edition: Edition) -> str:
    """Return the assumptions of the region file that some number rests on as CSV."""
    rows = list(edition.manifest.assumptions)
    first = [name for name in ("id", "value", "unit", "low", "high") if any(name in row for row in rows)]
    more = sorted({name for row in rows for name in row} - set(first))
    return _csv(rows, [*(first or ["id"]), *more])


def json_text(document: Any) -> str:
    """Return a document as JSON, the same every time."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _csv(rows: list[dict[str, Any]], fields: list[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row.get(name)) for name in fields})
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A value as a cell of CSV; an object as JSON, and an apostrophe before what a spreadsheet would run."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return harmless(value) if isinstance(value, str) else value


def _years(edition: Edition) -> str:
    years = edition.region.years
    return str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"
