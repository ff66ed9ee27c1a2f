"""The text of a proposed region file: YAML with the reason for every choice beside it."""

from collections.abc import Iterator
from typing import Any

import yaml

from carbonmap.beginning.entries import Entry
from carbonmap.beginning.proposal import Proposal

_WIDTH = 110


def region_text(proposal: Proposal) -> str:
    """The region file as text, complete and valid, explained by comments."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    template = proposal.template
    yield f"# {next(iter(proposal.names.values()))}: written by carbonmap init from the files beside it; yours to edit."
    yield "# What each key means: docs/region-file.md. `carbonmap check` says what is wrong, file, line and key."
    yield "#"
    yield "# Numbers under `assumptions` are orders of magnitude; what rests on one is labelled illustrative."
    yield f"# Template {template.id}: {proposal.template_why}."
    if proposal.missing:
        yield "#"
        yield "# Missing, and where it can be had (docs/data-sources.md):"
        yield from (f"#   {line}" for line in proposal.missing)
    if proposal.remarks:
        yield "#"
        yield "# To look at:"
        yield from (f"#   {line}" for line in proposal.remarks)
    yield f"id: {proposal.id}"
    yield f"name: {_flow(proposal.names)}"
    yield f"languages: {_flow(list(proposal.languages))}"
    if template.currency:
        yield f"currency: {template.currency}    # of costs in scenarios that name no other"
    yield f"crs: {proposal.crs.value}    # {proposal.crs.why}"
    yield f"grid: {_flow(proposal.grid)}    # {proposal.sizes[1]}"
    yield f"h3_resolutions: [{proposal.hexagons}]"
    years, why = proposal.years
    yield f"years: {_flow(list(years))}    # {why}"
    boundary, why = proposal.boundary
    yield f"boundary: {_flow(boundary)}    # {why}"
    regions = _flow(template.factor_regions_of(proposal.lonlat))
    yield f"factor_regions: {regions}    # where factors are looked up, nearest first"
    yield "sources:"
    for entry in proposal.sources:
        yield from _entry(entry)
    if proposal.zone_sets:
        active = any(entry.active for entry in proposal.zone_sets)
        yield "zone_sets:" if active else "# zone_sets:"
        for entry in proposal.zone_sets:
            yield from _entry(entry)
    yield from _calibration(proposal)
    if proposal.context:
        yield "context:"
        yield "  # drawn quietly behind the numbers"
        for entry in proposal.context:
            yield f"  - {_flow(entry.data)}"
    if template.factors:
        yield "factors:"
        yield f"  # of the template {template.id}: rows of data/factors that stand in for rows of this place"
        for name, value in template.factors.items():
            yield f"  {name}: {_flow(value)}"
    yield "assumptions:"
    yield f"  # of the template {template.id}; each with range (95 %), author and reason. Replace them by local ones."
    for name, value in template.assumptions.items():
        yield f"  {name}: {_flow(value)}"
    if proposal.attributions:
        yield "attributions:"
        yield from (f"  - {_flow(one)}" for one in proposal.attributions)


def _calibration(proposal: Proposal) -> Iterator[str]:
    """A table of control totals that was filled, for the user to switch on."""
    zones = next((entry.data["id"] for entry in proposal.zone_sets if entry.active), None)
    for role in proposal.roles:
        if role.form == "inventory_totals":
            data = {"totals": role.layer.file} | ({"zone_set": zones} if zones else {}) | {"method": "ratio"}
            yield f"# {role.layer.file} holds control totals: without the # below, what is modelled is scaled to them"
            yield f"# calibration: {_flow(data)}"


def _entry(entry: Entry) -> Iterator[str]:
    """A member of a list, its reasons above it; as a comment where it is not active."""
    yield from (f"  # {line}" for why in entry.why for line in why.splitlines())
    mark = "  # " if not entry.active else "  "
    first = True
    for key, value in entry.data.items():
        lead = "- " if first else "  "
        first = False
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{mark}{lead}{key}:"
            yield from (f"{mark}    - {_flow(member)}" for member in value)
        else:
            yield f"{mark}{lead}{key}: {_flow(value)}"


def _flow(value: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=float("inf")
    ).strip()
    return text.removesuffix("\n...").strip()
