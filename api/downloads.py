"""An edition as files: which there are, and each one by ranges, with its digest as ETag, made when first asked for."""

import asyncio
import hashlib
from http import HTTPStatus
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.answers import ASK_AGAIN, FOR_GOOD, Links, answer, dumped, holds, labels, link
from api.errors import PROBLEM, NotKept, problem
from api.models import Answer
from api.params import OpenedParam, SettingsParam, only
from api.sent_files import sent_file
from api.workshop import Workshop
from grids.edition import Edition
from grids.exports import documents
from grids.exports.files import (
    SUMS,
    TEXT,
    ExportFile,
    document,
    export_file,
    export_files,
    is_document,
    media_types,
    sums_text,
)
from grids.exports.shelf import Kept
from grids.recent import while_it_lives

router = APIRouter(tags=["downloads"], prefix="/{region}/downloads")

RETRY_AFTER_S = 5
_TRIES = 3
_KINDS: dict[str, Any] = {kind: {} for kind in media_types()}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": _KINDS, "description": "the file; its ETag is its SHA-256"},
    206: {"content": _KINDS, "description": "the bytes asked for by Range"},
    412: {"content": {PROBLEM: {}}, "description": "If-Match names another file than there is"},
    416: {"content": {PROBLEM: {}}, "description": "the file has no such bytes"},
    500: {"content": {PROBLEM: {}}, "description": "the file could not be made"},
    503: {
        "content": {PROBLEM: {}},
        "description": "being made, or no room for it: Retry-After says when to ask again",
    },
}


class Download(Answer):
    """One file that an edition can be had as."""

    name: str
    title: str
    format: str
    type: str
    collection: str | None
    year: int | None
    bytes: int | None
    sha256: str | None
    href: str


class Downloads(Answer):
    """All files of an edition, with what belongs beside them."""

    edition: str
    synthetic: bool
    illustrative: dict[str, bool]
    attributions: list[dict[str, Any]]
    licences: list[str]
    citation: str
    files: list[Download]
    links: list[dict[str, Any]]


def workshop_of(request: Request) -> Workshop:
    """Return the application's workshop."""
    workshop: Workshop = request.app.state.workshop
    return workshop


WorkshopParam = Annotated[Workshop, Depends(workshop_of)]


def sums_of(edition: Edition, workshop: Workshop) -> dict[str, tuple[int, str]]:
    """Return size and SHA-256 of every file that is there: the documents, and tables once made."""
    made = {name: (kept.bytes, kept.sha256) for name, kept in workshop.shelf.kept(edition).items()}
    return {**_document_sums(edition), **made}


@while_it_lives
def _document_sums(edition: Edition) -> dict[str, tuple[int, str]]:
    contents = {file.name: document(edition, file) for file in export_files(edition) if is_document(file)}
    return {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in contents.items()}


def state_of(edition: Edition, sums: dict[str, tuple[int, str]]) -> str:
    """Return what an answer that tells of made files depends on."""
    made = sums_text({name: digest for name, (_, digest) in sums.items()})
    return f"{edition.region.id}/{edition.id}/{hashlib.sha256(made.encode()).hexdigest()}"


@router.get("", response_model=Downloads, dependencies=[Depends(only("edition"))])
def downloads(request: Request, opened: OpenedParam, settings: SettingsParam, workshop: WorkshopParam) -> Response:
    """List the files an edition can be had as; size and SHA-256 are known of those that have been made."""
    edition, links = opened.edition, Links(request, settings)
    sums, pin = sums_of(edition, workshop), edition.id if opened.pinned else None

    def listed(file: ExportFile) -> dict[str, Any]:
        size, digest = sums.get(file.name, (None, None))
        return {
            "name": file.name,
            "title": file.title,
            "format": file.format,
            "type": file.media_type,
            "collection": file.collection,
            "year": file.year,
            "bytes": size,
            "sha256": digest,
            "href": links.address(edition.region.id, "downloads", file.name, edition=pin),
        }

    def body() -> bytes:
        region = edition.region.id
        own = [
            link("self", links.address(region, "downloads", edition=pin)),
            link("license", links.address(region, "downloads", "LICENSE.txt", edition=pin), "text/plain"),
            link("cite-as", links.address(region, "citation", edition=pin), "application/yaml"),
            link("describedby", links.address(region, "columns", edition=pin), title="what the columns mean"),
            link("alternate", links.address(region, "stac", edition=pin), title="the same as a STAC collection"),
        ]
        files = [listed(file) for file in export_files(edition)]
        about = {"licences": documents.licences(edition), "citation": documents.citation_line(edition)}
        return dumped({**labels(edition.manifest), **about, "files": files, "links": own})

    return answer(request, body, of=state_of(edition, sums))


@router.get("/{file}", response_class=Response, responses=_BYTES, dependencies=[Depends(only("edition"))])
async def download(
    request: Request,
    opened: OpenedParam,
    file: Annotated[str, Path(description="a name of the list of downloads, such as grid-1km_2023.parquet")],
    settings: SettingsParam,
    workshop: WorkshopParam,
) -> Response:
    """Return a file. One that was never asked for is made first: if that takes long, the answer is 503, ask again."""
    edition = opened.edition
    if file == SUMS:
        sums = await run_in_threadpool(sums_of, edition, workshop)
        text = sums_text({_saved_name(edition, name): digest for name, (_, digest) in sums.items()})
        headers = {"Content-Disposition": _saved_as(edition, SUMS)}
        return answer(request, text.encode, of=state_of(edition, sums), media_type=TEXT, headers=headers)
    found = await run_in_threadpool(export_file, edition, file)
    if is_document(found):
        content = await run_in_threadpool(document, edition, found)
        of = f"{edition.region.id}/{edition.id}"
        headers = {"Content-Disposition": _saved_as(edition, found.name)}
        return answer(
            request, lambda: content, of=of, pinned=opened.pinned, media_type=found.media_type, headers=headers
        )
    kept, opened_file = await _opened(request, workshop, edition, found, settings.download_wait_s)
    if kept is not None and not _is_meant(request.headers.get("if-match"), _tag(kept)):
        if opened_file is not None:
            opened_file.close()
        detail = f"If-Match: {found.name} has the tag {_tag(kept)}, which the request does not name"
        return problem(request, HTTPStatus.PRECONDITION_FAILED, detail)
    if kept is None:
        return problem(
            request,
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"{found.name} is being made, which takes more than {settings.download_wait_s:g} s: ask again in "
            f"{RETRY_AFTER_S} s, until it is there",
            {"Retry-After": str(RETRY_AFTER_S)},
        )
    headers = {
        "ETag": _tag(kept),
        "Cache-Control": FOR_GOOD if opened.pinned else ASK_AGAIN,
        "Content-Disposition": _saved_as(edition, found.name),
    }
    if opened_file is None:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return sent_file(request, opened_file, found.media_type, headers)


async def _opened(
    request: Request, workshop: Workshop, edition: Edition, file: ExportFile, seconds: float
) -> tuple[Kept | None, BinaryIO | None]:
    """A file as `_kept` has it, open unless the client has it already: from then on it may be removed.

    Raises:
        NotKept: as often as it is made it is removed at once, since others need the room.
    """
    for _ in range(_TRIES):
        kept = await _kept(workshop, edition, file, seconds)
        if kept is None or holds(request.headers.get("if-none-match"), _tag(kept)):
            return kept, None
        try:
            return kept, await run_in_threadpool(kept.path.open, "rb")
        except FileNotFoundError:  # removed to make room since it was found: it is made anew
            continue
    raise NotKept(f"{file.name} of edition {edition.id} was removed {_TRIES} times before it could be opened")


def _is_meant(header: str | None, tag: str) -> bool:
    """Whether an If-Match header allows a file of this tag; a weak one means no bytes (RFC 9110, 13.1)."""
    return header is None or any(part.strip() in (tag, "*") for part in header.split(","))


def _tag(kept: Kept) -> str:
    return f'"{kept.sha256}"'


async def _kept(workshop: Workshop, edition: Edition, file: ExportFile, seconds: float) -> Kept | None:
    """A file from the shelf, or made within some seconds; none while it is still being made."""
    kept = await run_in_threadpool(workshop.shelf.find, edition, file.name)
    if kept is not None:
        await run_in_threadpool(workshop.shelf.touch, kept)
        return kept
    making = asyncio.wrap_future(workshop.order(edition, file.name))
    done, _ = await asyncio.wait({making}, timeout=seconds)
    return making.result() if done else None


def _saved_name(edition: Edition, name: str) -> str:
    """A name that says which edition it is, since a file outlives its address; SHA256SUMS lists files by it."""
    return f"{edition.region.id}-{edition.id}-{name}"


def _saved_as(edition: Edition, name: str) -> str:
    return f'attachment; filename="{_saved_name(edition, name)}"'
