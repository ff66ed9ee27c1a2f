"""The interview: what was found is shown, and each choice is asked for with the proposal as its answer."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from carbonmap.beginning.proposal import Proposal, Wishes
from carbonmap.beginning.templates import template_names
from gis.errors import listed

Ask = Callable[[str, str], str]
"""A question and what an empty answer means; gives the answer."""


def found_lines(proposal: Proposal) -> Iterator[str]:
    """What lies in the folder and what each file is taken for."""
    yield "Found:"
    osm = proposal.osm
    for file in proposal.found.osm:
        counts = ", ".join(f"{count:,} {layer}" for layer, count in sorted(file.counts.items()))
        yield f"  {file.file}: OpenStreetMap{f' of {file.newest}' if file.newest else ''}: about {counts}"
        if file is not osm:
            yield "      not used"
    used = {entry.data["file"] for entry in (*proposal.sources, *proposal.zone_sets) if entry.active}
    for role in proposal.roles:
        layer = role.layer
        what = f"{layer.features:,} {layer.geometry or {'table': 'row'}.get(layer.kind, 'pixel')}s"
        taken = role.kind.replace("_", " ") or "not used"
        if role.kind and role.kind not in ("form", "table") and layer.file not in used:
            taken += ", left to you as a comment"
        yield f"  {layer.title}: {what}, {layer.crs or 'no CRS'}: {taken}"
        yield from (f"      {why}" for why in role.why)
    yield from (f"  {name}: cannot be used: {why}" for name, why in proposal.found.unreadable.items())


def chosen_lines(proposal: Proposal) -> Iterator[str]:
    """What is proposed, what is missing, and what to look at."""
    boundary, why = proposal.boundary
    shown = boundary.get("zone_set") or f"bounds {boundary['bounds']}"
    yield f"Region {proposal.id}, template {proposal.template.id}: {proposal.template_why}"
    yield f"  CRS {proposal.crs.value}: {proposal.crs.why}"
    yield f"  cells of {listed(proposal.sizes[0])} m: {proposal.sizes[1]}"
    yield f"  boundary {shown}: {why}"
    yield f"  years {listed(proposal.years[0])}: {proposal.years[1]}"
    sources = [f"{entry.data['id']} ({entry.data['sector']})" for entry in proposal.sources if entry.active]
    yield f"  sources {listed(sources, 20)}"
    if proposal.missing:
        yield "Missing:"
        yield from (f"  {line}" for line in proposal.missing)
    if proposal.remarks:
        yield "To look at:"
        yield from (f"  {line}" for line in proposal.remarks)


def interview(proposal: Proposal, wishes: Wishes, ask: Ask) -> Wishes:
    """Ask for what was not given as a flag; an empty answer takes the proposal.

    Args:
        proposal: made with the wishes so far.
        wishes: the flags; what they say is not asked again.
        ask: puts one question.

    Returns:
        The wishes with the answers in them.
    """
    if wishes.title is None:
        wishes = replace(wishes, title=ask("What is the place called?", next(iter(proposal.names.values()))))
    if wishes.template is None:
        question = f"Template ({', '.join(template_names())})"
        wishes = replace(wishes, template=ask(question, proposal.template.id))
    if wishes.boundary is None and wishes.bounds is None:
        files = [role.layer.file for role in proposal.roles if role.kind == "zones"]
        if len(files) > 1:
            current = next(entry.data["file"] for entry in proposal.zone_sets if entry.is_boundary)
            question = f"Which zones are the region ({', '.join(files)})"
            wishes = replace(wishes, boundary=ask(question, current))
    if wishes.crs is None:
        answer = ask("CRS in metres", proposal.crs.value)
        wishes = replace(wishes, crs=answer if answer != proposal.crs.value else None)
    if not wishes.years:
        answer = ask("Years, with commas", ", ".join(map(str, proposal.years[0])))
        years = tuple(int(year) for year in answer.replace(",", " ").split() if year.isdigit())
        wishes = replace(wishes, years=years if years != proposal.years[0] else ())
    return wishes
