"""Answers are compressed for whoever takes that, at every level that a deployment may choose, whole or in pieces."""

import asyncio
import gzip
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.middleware import Compressed

PIECES = [b'{"features": [' + b'{"id": "a"},' * 40_000, b'{"id": "b"}' * 10, b"]}"]


def sent(level: int, pieces: list[bytes], accepted: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """Headers and body that leave an application which sends its answer in pieces."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        for k, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": k + 1 < len(pieces)})

    messages: list[Any] = []

    async def receive() -> Message:
        raise AssertionError("nothing is asked of the client")

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "GET", "path": "/api/x", "headers": [(b"accept-encoding", accepted)]}
    asyncio.run(Compressed(app, minimum_size=500, compresslevel=level)(scope, receive, send))
    return dict(messages[0]["headers"]), b"".join(message.get("body", b"") for message in messages[1:])


@pytest.mark.parametrize("level", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("pieces", [[b"".join(PIECES)], PIECES], ids=["whole", "in pieces"])
def test_what_is_compressed_unpacks_to_what_was_said(level: int, pieces: list[bytes]) -> None:
    headers, body = sent(level, pieces, b"gzip")
    assert headers[b"content-encoding"] == b"gzip"
    assert headers[b"vary"] == b"Accept-Encoding"
    assert len(body) < len(b"".join(PIECES)) / 20
    assert gzip.decompress(body) == b"".join(PIECES)


def test_an_answer_that_is_known_already_varies_as_the_whole_one_does(client: httpx.Client) -> None:
    """A cache updates what it keeps by the headers of a 304, and would forget that others take no gzip."""
    for address in ("/api/town/collections", "/api/town/collections/grid-1km/items", "/api/town/editions"):
        whole = client.get(address)
        again = client.get(address, headers={"if-none-match": whole.headers["etag"]})
        assert (whole.status_code, again.status_code, again.content) == (200, 304, b"")
        assert again.headers["vary"] == whole.headers["vary"]
        assert "Accept-Encoding" in again.headers["vary"].split(", ")


@pytest.mark.parametrize(("accepted", "pieces"), [(b"gzip;q=0", PIECES), (b"br", PIECES), (b"gzip", [b"short"])])
def test_nothing_is_compressed_that_should_not_be(accepted: bytes, pieces: list[bytes]) -> None:
    headers, body = sent(3, pieces, accepted)
    assert b"content-encoding" not in headers
    assert body == b"".join(pieces)
