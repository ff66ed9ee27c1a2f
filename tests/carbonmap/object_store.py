"""An object store on this machine that speaks what S3 does: keys, ranges, entity tags, listings, signed requests."""

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET, KEY = "inputs", "AKIATEST"


class ObjectStore:
    """Objects by key, and what was asked of them.

    Attributes:
        objects: key -> bytes.
        asked: method and key of each request for an object.
        sent: key -> bytes of it that were sent.
        before_read: called with a key before its bytes are sent; may exchange them.
    """

    def __init__(self, port: int) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.sent: Counter[str] = Counter()
        self.before_read: Callable[[str], None] = lambda key: None
        self.address = f"s3://{BUCKET}/nation?scheme=http&endpoint_override=127.0.0.1:{port}&region=here"

    @property
    def read(self) -> list[str]:
        """Keys of which bytes were read, each once."""
        return sorted({key for method, key in self.asked if method == "GET"})


@contextmanager
def serving() -> Iterator[ObjectStore]:
    """Serve an empty object store on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            _, bucket, key = [*unquote(parts.path).split("/", 2), ""][:3]
            signed = self.headers.get("Authorization", "")
            if not signed.startswith("AWS4-HMAC-SHA256") or f"Credential={KEY}/" not in signed:
                return self._send(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
            if bucket == BUCKET and not key:
                return self._list(parse_qs(parts.query))
            store.asked.append((self.command, key))
            if bucket != BUCKET or key not in store.objects:
                return self._send(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")
            if self.command == "GET":
                store.before_read(key)
            whole = store.objects[key]
            tags = {"ETag": f'"{hashlib.md5(whole).hexdigest()}"', "Last-Modified": "Sat, 21 Nov 2026 00:00:00 GMT"}
            span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if span is None:
                store.sent[key] += len(whole) if self.command == "GET" else 0
                return self._send(200, whole, tags)
            first, last = int(span[1]), min(int(span[2]), len(whole) - 1)
            if first > last:
                return self._send(416, b"<Error><Code>InvalidRange</Code><Message>no</Message></Error>")
            store.sent[key] += last + 1 - first
            tags["Content-Range"] = f"bytes {first}-{last}/{len(whole)}"
            return self._send(206, whole[first : last + 1], tags)

        def _list(self, query: dict[str, list[str]]) -> None:
            prefix = query.get("prefix", [""])[0]
            keys = [key for key in sorted(store.objects) if key.startswith(prefix) and "/" not in key[len(prefix) :]]
            found = "".join(
                f"<Contents><Key>{escape(key)}</Key><Size>{len(store.objects[key])}</Size>"
                "<LastModified>2026-11-21T00:00:00.000Z</LastModified></Contents>"
                for key in keys
            )
            head = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            text = f"{head}<KeyCount>{len(keys)}</KeyCount><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
            self._send(200, text.encode())

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/xml", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    store = ObjectStore(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
