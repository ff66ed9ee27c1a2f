"""Processes by OGC API Processes, Part 1: which there are, what each asks, and their execution, awaited or as a job."""

import asyncio
import re
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Annotated, Any, Literal

import orjson
from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field
from pydantic_core import PydanticSerializationError

from api.answers import JSON, Links, dumped, link, of_edition
from api.definition import older
from api.errors import InvalidParameter, JobTooLong, ProcessNotFound
from api.holders import KEY_PROBLEMS, OPTIONAL_KEY, HolderParam
from api.job_addresses import job_address, result_response, told_job
from api.job_files import Job
from api.job_queue import JobQueue
from api.models import Problem
from api.params import OpenedParam, SettingsParam, only
from api.process_inputs import Inputs, read_inputs
from api.process_models import ProcessDescription, Processes, ProcessResult, StatusInfo
from api.process_runs import PROCESSES, VERSION, Process
from api.scenario_runs import MOST_DOCUMENT_BYTES
from api.statistics import body_of, read_document
from api.tries import network_of

router = APIRouter(tags=["processes"], prefix="/{region}/processes")

MOST_WAIT_S = 20.0
EXECUTE = "http://www.opengis.net/def/rel/ogc/1.0/execute"
_LATER = re.compile(r"(^|[,;\s])respond-async($|[,;\s])", re.IGNORECASE)
_BODY = {
    "requestBody": {
        "required": True,
        "description": "inputs as the process describes them",
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "example": {"inputs": {"scenario": {"year": 2040, "measures": []}}},
                }
            }
        },
    }
}
_PROBLEMS = KEY_PROBLEMS | {
    201: {"model": StatusInfo, "description": "a job, where 'Prefer: respond-async' asked for one"},
    429: {
        "model": Problem,
        "description": "too many jobs are under way, or too many keys from this address were not valid",
        "content": {"application/problem+json": {}},
    },
}
ProcessId = Annotated[str, Path(alias="process", description="id of a process", max_length=64)]


class _Execute(Inputs):
    """The body of an execution."""

    inputs: dict[str, Any] = Field(default={})
    outputs: dict[Literal["result"], dict[str, Any]] = Field(default={})
    response: Literal["raw", "document"] = "raw"


@router.get("", response_model=Processes, dependencies=[Depends(only("edition"))])
def processes(request: Request, opened: OpenedParam, settings: SettingsParam) -> Response:
    """List the processes of a region."""
    links, region = Links(request, settings), opened.edition.region.id

    def body() -> bytes:
        listed = [_summary(one, links, region) for one in PROCESSES.values()]
        return dumped({"processes": listed, "links": [link("self", links.again(request, region, "processes"))]})

    return of_edition(request, opened, body)


@router.get("/{process}", response_model=ProcessDescription, dependencies=[Depends(only("edition"))])
def process_description(request: Request, opened: OpenedParam, settings: SettingsParam, process: ProcessId) -> Response:
    """Describe a process: what it asks, with JSON Schemas, and what it gives."""
    found, links = process_of(process), Links(request, settings)

    def body() -> bytes:
        return dumped(
            {
                **_summary(found, links, opened.edition.region.id),
                "inputs": _inputs(found),
                "outputs": {
                    "result": {
                        "title": found.title,
                        "description": "what was found, with labels of the edition, attributions and notes",
                        "schema": {"type": "object", "contentMediaType": JSON},
                    }
                },
            }
        )

    return of_edition(request, opened, body)


@router.post(
    "/{process}/execution",
    response_model=ProcessResult,
    responses=_PROBLEMS,
    openapi_extra={**_BODY, **OPTIONAL_KEY},
    dependencies=[Depends(only("edition"))],
)
async def execute(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    process: ProcessId,
    holder: HolderParam,
    body: Annotated[bytes, Depends(body_of)],
) -> Response:
    """Execute a process: at once, or as a job where the header says `Prefer: respond-async`."""
    found, links = process_of(process), Links(request, settings)
    if len(body) > 4 * MOST_DOCUMENT_BYTES:
        raise InvalidParameter(f"body: got {len(body)} bytes, at most {4 * MOST_DOCUMENT_BYTES} are taken")
    edition, jobs = opened.edition, jobs_of(request)
    client = holder.prefix if holder is not None else network_of(request.client.host) if request.client else "-"

    def order() -> tuple[Job, "Future[Job]"]:
        asked = read_execution(read_document(body))
        inputs = read_inputs(found.inputs, asked.inputs)
        try:
            said = orjson.loads(inputs.model_dump_json(exclude_unset=True))
        except PydanticSerializationError as error:
            raise InvalidParameter(f"inputs: cannot be kept as JSON, expected less in each other: {error}") from error
        owner = "" if holder is None else holder.prefix
        return jobs.order(found.id, edition.region.id, edition.id, said, owner, asked.response, client)

    job, done = await to_thread.run_sync(order)
    monitor = job_address(links, job)
    if _LATER.search(",".join(request.headers.getlist("prefer"))):
        headers = {"Location": monitor, "Preference-Applied": "respond-async", "Cache-Control": "no-store"}
        return Response(dumped(told_job(links, job)), 201, headers, JSON)
    seconds = min(MOST_WAIT_S, 0.7 * settings.request_seconds)
    try:
        ended = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(done)), seconds)
    except TimeoutError as error:
        await to_thread.run_sync(jobs.files.dismiss, job)  # a disk may hang
        raise JobTooLong(
            f"it takes longer than {seconds:g} seconds, the most that is waited for: send the header "
            "'Prefer: respond-async', and look at the job until it has ended"
        ) from error
    response = await to_thread.run_sync(result_response, request, links, jobs.files, ended)
    response.headers["Link"] = f'<{monitor}>; rel="monitor"; type="{JSON}"'
    return response


def process_of(name: str) -> Process:
    """Return a process.

    Raises:
        ProcessNotFound: none of that id.
    """
    if name not in PROCESSES:
        raise ProcessNotFound(f"there is no process {name!r}: expected {', '.join(PROCESSES)}")
    return PROCESSES[name]


def jobs_of(request: Request) -> JobQueue:
    """Return the application's jobs."""
    jobs: JobQueue = request.app.state.jobs
    return jobs


def read_execution(document: Mapping[str, Any]) -> _Execute:
    """Read the body of an execution; how outputs are sent is not chosen, since each process has one, as JSON.

    Raises:
        InvalidParameter: names what cannot be used.
    """
    if "subscriber" in document:
        raise InvalidParameter("subscriber: nobody is called back; look at the job instead")
    return read_inputs(_Execute, dict(document), "body")


def _summary(process: Process, links: Links, region: str) -> dict[str, Any]:
    address = links.address(region, "processes", process.id)
    return {
        "id": process.id,
        "title": process.title,
        "description": process.description,
        "version": VERSION,
        "jobControlOptions": ["sync-execute", "async-execute", "dismiss"],
        "outputTransmission": ["value"],
        "links": [
            link("self", address, title="description of the process"),
            link(EXECUTE, f"{address}/execution", title="where it is executed"),
        ],
    }


def _inputs(process: Process) -> dict[str, Any]:
    """Inputs with their schemas, each by itself, in the words of OpenAPI 3.0 as the standard has them."""
    whole = process.inputs.model_json_schema()
    known = whole.get("$defs", {})
    required = set(whole.get("required", ()))
    found = {}
    for name, schema in whole["properties"].items():
        said = _inlined(schema, known)
        title, description = said.pop("title", name), said.pop("description", None)
        found[name] = {
            "title": title,
            **({} if description is None else {"description": description}),
            "schema": older(said),
            "minOccurs": int(name in required),
            "maxOccurs": 1,
        }
    return found


def _inlined(node: Any, known: dict[str, Any]) -> Any:
    """A schema with what it refers to in its place."""
    if isinstance(node, list):
        return [_inlined(one, known) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        meant = known[node["$ref"].removeprefix("#/$defs/")]
        return _inlined({**meant, **{key: value for key, value in node.items() if key != "$ref"}}, known)
    return {key: _inlined(value, known) for key, value in node.items()}
