"""What a result rests on that its data do not say: a code that stays, numbers and names in it, and English words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Value = float | str | tuple[str, ...]

TEXTS: Mapping[str, str] = {
    "cut_off": "{residents} residents more reach no job by car or on foot.",
    "edition_assumptions": "The edition's own values of {sector} rest on assumptions of its region file.",
    "fleet": "Vehicle classes are split by one fleet for the whole region, at one mean speed.",
    "floor_area": "No open source tells floor area by use: it follows emissions and people.",
    "green": "No open source tells green areas: green per person is unknown and new ground loses none.",
    "invented": "Everything in this region is invented.",
    "jobs": "Jobs follow the floor area of other buildings.",
    "jobs_gaps": "{places} places of the source of jobs have no number. They count as none.",
    "net_unknown": "Net is unknown, since the edition tells nothing of {sectors}.",
    "new_use": "This region has no floor area of the use {uses}: new one is taken to emit as its buildings do.",
    "people": "Nobody is counted: people follow dwellings' floor area.",
    "ranges": "The ranges given of {parameters} are in no interval: samples take the values themselves.",
    "resident_share": "The residents' part of car traffic is assumed.",
    "resident_travel": "Residents' car travel comes out at {tonnes} t a head and year, more than {most}: the "
    "residents' part of traffic, or the length of their trips, is set too high for this region.",
    "road_background": "No open source of roads: those drawn as background, both ways, at a speed of their class.",
    "road_speeds": "Speed limits stand for mean speeds; no queue is known, and no turn forbidden.",
    "road_trips": "Residents' trips take the quickest path whatever the traffic, without equilibrium, to jobs inside "
    "the region; through traffic, lorries and buses stay where they are.",
    "rooftop_pv": "Electricity fed in counts at the same factor as electricity drawn.",
    "sector_gaps": "{cells} cells have no value of {sector}. They count as nothing, before and after.",
    "sector_unknown": "The edition has no values of {sector}. They count as nothing, before and after.",
    "target_unknown": "The target cannot be held against net, which is unknown.",
    "travel": "Only residents' car travel responds to form, by two sets of elasticities, mostly from US cities.",
}
"""Code -> words; what stands in braces is filled in with the note's values."""


@dataclass(frozen=True)
class Note:
    """Something that must be known of a result.

    Attributes:
        about: what it is about: a sector, an input, a kind of measure.
        code: a key of `TEXTS`; others may have words for it in further languages.
        parameters: those that it rests on.
        illustrative: whether it says that numbers rest on no publication.
        values: numbers, names of sectors or ids in its words.
    """

    about: str
    code: str
    parameters: tuple[str, ...] = ()
    illustrative: bool = False
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)

    @property
    def text(self) -> str:
        """The note in English."""
        return TEXTS[self.code].format(**{name: written(value) for name, value in self.values.items()})

    def record(self) -> dict[str, Any]:
        """Return the note as it goes into JSON."""
        return {
            "about": self.about,
            "code": self.code,
            "values": {name: list(value) if isinstance(value, tuple) else value for name, value in self.values.items()},
            "text": self.text,
            "parameters": list(self.parameters),
            "illustrative": self.illustrative,
        }


def written(value: Value) -> str:
    """Return a value as it stands in English words."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}" if isinstance(value, float) else listed(value)


def listed(names: Sequence[str]) -> str:
    """Return names as an English list."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
