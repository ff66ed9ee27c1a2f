"""Numbers of requests for Prometheus, of all processes of a server together.

Several processes count in files that each maps into its memory (prometheus_client's way). A file with holes would end
its process where the disk turns out to be full when one is filled, so each is written out before it is mapped; where
there is no room for that, a process serves without counting.
"""

import logging
import os
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.settings import multiprocess_folder

log = logging.getLogger("carbonmap.metrics")

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_FILE_BYTES = 1 << 20  # what prometheus_client begins with: some 5,000 numbers, where we have some hundred

_requests = Counter("carbonmap_requests", "Requests answered.", ["method", "route", "status"])
_seconds = Histogram(
    "carbonmap_request_seconds", "Seconds from request to the end of its answer.", ["route"], buckets=_SECONDS
)
_bytes = Counter("carbonmap_answer_bytes", "Bytes of bodies sent, as compressed.", ["route"])
_let_go = Counter("carbonmap_clients_let_go", "Clients that took their answers too slowly and were let go.", ["why"])


def count_let_go(why: str) -> None:
    """Count a client that was let go; `why` is one of few words."""
    if _has_files(os.getpid()):
        _let_go.labels(why).inc()


def count(method: str, route: str, status: int, sent: int, took: float) -> None:
    """Count a request that was answered.

    Args:
        method: of the request, one of few.
        route: template of the address that answered.
        status: of the answer.
        sent: bytes of its body.
        took: seconds.
    """
    if not _has_files(os.getpid()):
        return
    requests, seconds, sizes = _counters(method, route, status)
    requests.inc()
    seconds.observe(took)
    sizes.inc(sent)


def metrics(_: Request) -> Response:
    """The numbers, as Prometheus reads them; of all worker processes where there are several."""
    folder = multiprocess_folder()
    if folder is None:
        body = generate_latest()
    else:
        registry = CollectorRegistry()
        try:
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            body = generate_latest(registry)
        except (OSError, ValueError) as error:  # ValueError: the folder is gone
            log.error("what was counted cannot be read in %s: %s", folder, error)
            return PlainTextResponse(
                "requests are not counted for now: the log says why\n", HTTPStatus.SERVICE_UNAVAILABLE
            )
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


@lru_cache(maxsize=4096)
def _counters(method: str, route: str, status: int) -> tuple[Counter, Histogram, Counter]:
    """What counts such requests; to look it up takes longer than to count."""
    return _requests.labels(method, route, status), _seconds.labels(route), _bytes.labels(route)


@lru_cache(maxsize=1)
def _has_files(process: int) -> bool:
    """Make the files that a process counts in, whole; whether there is room for them. One process needs none."""
    folder = multiprocess_folder()
    if folder is None:
        return True
    try:
        folder.mkdir(parents=True, exist_ok=True)  # whoever cleans temporary files may have removed it
        for kind in ("counter", "histogram"):
            _write_out(folder / f"{kind}_{process}.db")
    except OSError as error:
        log.error(
            "no room to count requests in %s (%s): process %d serves uncounted; make room and restart the server",
            folder,
            error.strerror or error,
            process,
        )
        return False
    return True


def _write_out(file: Path) -> None:
    try:
        with file.open("xb") as opened:
            opened.write(bytes(_FILE_BYTES))
    except FileExistsError:  # of a process that ended, whose number this one has now: it goes on counting there
        pass
    except OSError:
        file.unlink(missing_ok=True)
        raise
