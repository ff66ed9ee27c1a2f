"""How an answer leaves: its entity tag, how long it may be kept, its links, and what stands beside every number."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import Request, Response

from api.formats import Format
from api.middleware import has_key
from api.params import Opened
from api.settings import Settings
from api.words import WORDS
from grids.identity import code_digest, folder_digest
from grids.manifest import Manifest
from grids.shipped import shipped_digest

JSON = "application/json"
MVT = "application/vnd.mapbox-vector-tile"
TILE_MATRIX_SET = "WebMercatorQuad"
OGC = "http://www.opengis.net/def/rel/ogc/1.0"
PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "JSON, or a page for people"}
}

FOR_GOOD = "public, max-age=31536000, immutable"
"""Tiles and files of a named edition: large, asked for over and over, and what they hold is named by the address."""
FOR_AN_HOUR = "public, max-age=3600"
"""Other answers from a named edition: their words and links follow the program that is installed."""
ASK_AGAIN = "public, no-cache"


@lru_cache(maxsize=1)
def code() -> str:
    """Return a digest of what makes answers (code, templates, tables): when it changes, so must their tags."""
    parts = (
        code_digest(["accounting", "api", "grids", "scenarios"]),
        folder_digest(Path(__file__).with_name("templates")),
        shipped_digest(),
    )
    return hashlib.sha256("".join(parts).encode()).hexdigest()


Body = Callable[[], bytes | tuple[bytes, Mapping[str, str]]]
"""Makes the bytes of an answer, possibly with headers that are known only then."""


def answer(
    request: Request,
    body: Body,
    *,
    of: str,
    pinned: bool = False,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with a body, or with 304 when the client has it already; then the body is not even made.

    A request that `body` refuses is refused with `If-None-Match: *` too.

    Args:
        request: its address is part of what the tag stands for.
        body: makes the bytes; not called if the client names their tag.
        of: names the immutable thing answered from: an edition's id.
        pinned: the address itself names that thing, so the answer need not be asked for again within the hour.
        media_type: of the body.
        headers: to add.
    """
    sent, same = _tagged(request, of, pinned, media_type, headers)
    if not same or asks_for_any(request.headers.get("if-none-match")):
        made = body()
        if not same:
            content, more = (made, {}) if isinstance(made, bytes) else made
            return Response(content, media_type=media_type, headers={**sent, **more})
    return _not_modified(sent)


def of_edition(
    request: Request,
    opened: Opened,
    body: Body,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer from an edition."""
    return answer(request, body, of=_name(opened), pinned=opened.pinned, media_type=media_type, headers=headers)


def unchanged(
    request: Request, opened: Opened, media_type: str = JSON, headers: Mapping[str, str] | None = None
) -> Response | None:
    """Return what `of_edition` would answer if it is a 304 for which no body is made; else none.

    Whoever has the answer need not wait for a turn to have it made.
    """
    return known_answer(request, of=_name(opened), pinned=opened.pinned, media_type=media_type, headers=headers)


def known_answer(
    request: Request,
    *,
    of: str,
    pinned: bool = False,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response | None:
    """Return what `answer` would return if it is a 304 for which no body is made; else none."""
    sent, same = _tagged(request, of, pinned, media_type, headers)
    return _not_modified(sent) if same and not asks_for_any(request.headers.get("if-none-match")) else None


def _name(opened: Opened) -> str:
    return f"{opened.edition.region.id}/{opened.edition.id}"


def _tagged(
    request: Request, of: str, pinned: bool, media_type: str, headers: Mapping[str, str] | None
) -> tuple[dict[str, str], bool]:
    """Headers of an answer with its entity tag, and whether the client says that it has it."""
    public_url = request.app.state.settings.public_url or ""  # what links begin with, else the address asked
    # Who likes which languages is part of it only where the answer says that it depends on them.
    liked = ",".join(_liked(request)) if "Accept-Language" in (headers or {}).get("Vary", "") else ""
    tag = tag_of(of, public_url, str(request.url), liked, media_type)
    # What the client has may be the answer that is given without a key.
    same = not has_key(request) and holds(request.headers.get("if-none-match"), tag)
    return {"ETag": tag, "Cache-Control": FOR_AN_HOUR if pinned else ASK_AGAIN, **(headers or {})}, same


def _not_modified(sent: Mapping[str, str]) -> Response:
    # The body that this stands for is compressed for whoever takes that, and says so when it is.
    vary = ", ".join(filter(None, (sent.get("Vary"), "Accept-Encoding")))
    return Response(status_code=304, headers={**sent, "Vary": vary})


def tag_of(*said: str) -> str:
    """Return the entity tag of an answer that these texts and our code decide.

    It is weak: the same tag stands for the plain and the compressed bytes.
    """
    told = "\n".join((code(), *said))
    return f'W/"{hashlib.sha256(told.encode()).hexdigest()[:24]}"'


def asks_for_any(header: str | None) -> bool:
    """Return whether an If-None-Match header is met by any answer (`*`): that there is one, making it shows."""
    return header is not None and "*" in header


def holds(header: str | None, tag: str) -> bool:
    """Return whether an If-None-Match header names a tag."""
    if header is None:
        return False
    opaque = tag.removeprefix("W/")
    return any(part.strip().removeprefix("W/") in (opaque, "*") for part in header.split(","))


def dumped(document: Any) -> bytes:
    """Return JSON bytes; NaN becomes null, whole numbers as keys become texts."""
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)


def queried(**query: str | int | None) -> str:
    """Return a query in the order given; parameters that are None are left out."""
    return urlencode({key: value for key, value in query.items() if value is not None}, safe=",")


class Links:
    """Makes absolute links within the API, with the same base as the request came to (or as the settings say)."""

    def __init__(self, request: Request, settings: Settings) -> None:
        self.base = f"{settings.public_url or str(request.base_url).rstrip('/')}/api"

    def again(self, request: Request, *path: str, raw: str = "", **changed: str | int | None) -> str:
        """Return the address of a path with the request's own parameters, some changed or (None) left out."""
        asked = {name: value for name, value in request.query_params.items() if name not in changed}
        return self.address(*path, raw=raw, **asked, **changed)

    def address(self, *path: str, raw: str = "", **query: str | int | None) -> str:
        """Return the address of a path below /api, ending in `raw` as it is; parameters that are None are left out."""
        asked = queried(**query)
        where = "/".join([self.base, *(quote(part, safe="") for part in path)])
        return f"{where}{raw}{'?' + asked if asked else ''}"


def link(rel: str, href: str, media_type: str = JSON, **more: Any) -> dict[str, Any]:
    """Return one OGC link."""
    return {"rel": rel, "href": href, "type": media_type, **more}


def alternates(
    links: Links, request: Request, format_: Format, offered: Sequence[Format], *path: str, raw: str = ""
) -> list[dict[str, Any]]:
    """Return links to the answer itself and to its other forms."""
    listed = [link("self", links.again(request, *path, raw=raw), format_.media_type, title=format_.title)]
    for other in offered:
        if other is not format_:
            href = links.again(request, *path, raw=raw, f=other.name)
            listed.append(link("alternate", href, other.media_type, title=other.title))
    return listed


def headed(links: Sequence[Mapping[str, Any]]) -> str:
    """Return the way on as a Link header (RFC 8288), for forms of answers that have no place for links."""
    # Other forms stay out: with a long filter in every address the header would be longer than clients take.
    onward = (one for one in links if one["rel"] in ("next", "prev", "collection"))
    return ", ".join(f'<{one["href"]}>; rel="{one["rel"]}"; type="{one["type"].split(";")[0]}"' for one in onward)


def labels(manifest: Manifest) -> dict[str, Any]:
    """Return what must stand beside every number: which edition, made up or not, and what rests on assumptions."""
    return {
        "edition": manifest.edition,
        "synthetic": manifest.region.synthetic,
        "illustrative": manifest.illustrative,
        "attributions": [attribution.model_dump() for attribution in manifest.region.attributions],
    }


def spoken(request: Request, opened: Opened) -> dict[str, str]:
    """Return the headers of an answer that comes in several forms and languages.

    Titles are in the languages of the region, our own words in those that we have: where they differ, both are named.
    """
    languages = [preferred(request, texts)[0] for texts in (opened.edition.region.name, dict.fromkeys(WORDS, ""))]
    return {"Vary": "Accept, Accept-Language", "Content-Language": ", ".join(dict.fromkeys(languages))}


def preferred(request: Request, texts: Mapping[str, str]) -> tuple[str, str]:
    """Return the language and text that the request's Accept-Language likes best; else English, else the first."""
    for liked in _liked(request):
        if liked in texts:
            return liked, texts[liked]
    language = "en" if "en" in texts else next(iter(texts))
    return language, texts[language]


def _liked(request: Request) -> list[str]:
    """Languages that the request's Accept-Language names, the best first, each once and without its country."""
    wanted: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "").split(",")[:20]:
        name, _, weight = "".join(part.split()).lower().partition(";q=")
        try:
            wanted.append((-float(weight or 1), name.split("-")[0]))
        except ValueError:
            continue
    return list(dict.fromkeys(name for negative, name in sorted(wanted, key=lambda one: one[0]) if negative < 0))
