"""Files as they are sent, whole or one range: opened when found, so that one removed meanwhile comes whole."""

import os
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import BinaryIO

from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.errors import problem

_PIECE = 1 << 18
"""Bytes that are read and sent at once: each piece is a walk to a thread and back."""


def sent_file(request: Request, file: BinaryIO, media_type: str, headers: Mapping[str, str]) -> Response:
    """Answer with an open file, which is closed when that is done.

    One range of it is sent if the request asks for one; what the header's grammar does not allow is no range
    (RFC 9110, 14.2), and a range of another version is answered with the whole file.

    Args:
        request: its headers decide what is sent; of HEAD nothing is read.
        file: open for reading.
        media_type: of the file.
        headers: of the answer; `ETag` must be among them.
    """
    state = os.fstat(file.fileno())
    size = state.st_size
    said = {"Accept-Ranges": "bytes", "Last-Modified": formatdate(state.st_mtime, usegmt=True), **headers}
    status, first, count = HTTPStatus.OK, 0, size
    asked, version = request.headers.get("range"), request.headers.get("if-range")
    if asked is not None and version in (None, said["ETag"], said["Last-Modified"]):
        span = span_of(asked, size)
        if span is not None and span[0] >= size:
            file.close()
            return problem(
                request,
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                f"Range: {asked[:80]!r} begins beyond the file, which has {size} bytes",
                {"Content-Range": f"bytes */{size}"},
            )
        if span is not None:
            status, first, count = HTTPStatus.PARTIAL_CONTENT, span[0], span[1] + 1 - span[0]
            said["Content-Range"] = f"bytes {first}-{span[1]}/{size}"
    said["Content-Length"] = str(count)
    if request.scope.get("carbonmap.head"):
        file.close()
        return Response(status_code=status, headers=said, media_type=media_type)
    return _Sending(file, first, count, status, said, media_type)


class _Sending(StreamingResponse):
    """The bytes of a file, piece by piece, for as long as the client is there."""

    def __init__(
        self, file: BinaryIO, first: int, count: int, status: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(_pieces(file, first, count), status, headers, media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def _pieces(file: BinaryIO, first: int, count: int) -> Iterator[bytes]:
    file.seek(first)
    while count:
        piece = file.read(min(count, _PIECE))
        if not piece:  # cut short under our hands: the connection must not look as if all had come
            raise OSError(f"a file of downloads ended {count} bytes too early")
        count -= len(piece)
        yield piece


def span_of(header: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a single range; none of anything else, which is answered with the whole file."""
    unit, _, wanted = header.partition("=")
    first, dash, last = (part.strip() for part in wanted.partition("-"))
    if unit.strip().lower() != "bytes" or not dash or len(wanted) > 60:
        return None
    if any(part and not (part.isascii() and part.isdigit()) for part in (first, last)) or not (first or last):
        return None
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) else (size, size)
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last), size - 1) if last else size - 1
