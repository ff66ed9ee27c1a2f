"""HTML pages: templates that escape everything, without scripts and without anything from elsewhere."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.answers import Links, labels, preferred
from api.params import Opened
from api.settings import Settings
from api.words import WORDS
from grids.shipped import shipped_columns


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("api", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def page_language(request: Request) -> str:
    """Return the language of a page's own words."""
    return preferred(request, dict.fromkeys(WORDS, ""))[0]


def html_page(
    template: str,
    request: Request,
    settings: Settings,
    opened: Opened,
    title: str,
    links: Sequence[Mapping[str, Any]],
    trail: Sequence[tuple[str, Sequence[str]]] = (),
    **content: Any,
) -> bytes:
    """Return a page.

    Args:
        template: file name.
        request: decides the language.
        settings: decide how addresses begin.
        opened: the edition whose labels stand on the page.
        title: of the page.
        links: those of the same answer as JSON.
        trail: names and paths below the region of what the page is part of.
        content: what else the template shows.
    """
    made, region = Links(request, settings), opened.edition.region
    pin = opened.edition.id if opened.pinned else None
    steps = [(preferred(request, region.name)[1], made.address(region.id, raw="/", edition=pin))]
    steps += [(text, made.address(region.id, *path, edition=pin)) for text, path in trail]
    language = page_language(request)
    text = (
        _templates()
        .get_template(template)
        .render(
            title=title,
            language=language,
            t=WORDS[language],
            labels=labels(opened.edition.manifest),
            illustrative=[
                shipped_columns().word("sector", sector, language)
                for sector, holds in opened.edition.manifest.illustrative.items()
                if holds
            ],
            links=[{"title": "", **one} for one in links],
            trail=steps,
            **content,
        )
    )
    return text.encode()
