"""Jobs by OGC API Processes, Part 1: one's own, how each stands, its result, and dismissing it. An id is a secret."""

from typing import Annotated, Any

import orjson
from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request, Response

from api.answers import OGC, Links, dumped, link
from api.errors import JobDismissed, ResultNotReady, RoleRefused, problem
from api.holders import KEY_PROBLEMS, OPTIONAL_KEY, HolderParam
from api.job_files import Job, JobFiles
from api.job_queue import JobQueue
from api.keys import KeyHolder
from api.models import Problem
from api.params import OpenedParam, SettingsParam, only
from api.process_models import Jobs, ProcessResult, StatusInfo
from api.scenarios import result_links, unkept
from api.told_notes import in_language, note_headers, note_language

router = APIRouter(tags=["processes"], prefix="/{region}/jobs")

JobId = Annotated[str, Path(alias="job", description="the id that executing a process gave", max_length=64)]
_GONE: dict[int | str, dict[str, Any]] = {
    410: {
        "model": Problem,
        "description": "the job was dismissed",
        "content": {"application/problem+json": {}},
    }
}


@router.get(
    "",
    response_model=Jobs,
    responses=KEY_PROBLEMS,
    openapi_extra=OPTIONAL_KEY,
    dependencies=[Depends(only("edition"))],
)
async def own_jobs(request: Request, opened: OpenedParam, settings: SettingsParam, holder: HolderParam) -> Response:
    """List the key's own jobs, those made last first; without a key there are none to list."""
    region, links = opened.edition.region.id, Links(request, settings)
    files = _files(request)
    found = await to_thread.run_sync(files.listed, region, "" if holder is None else holder.prefix)
    listed = [link("self", links.address(region, "jobs"))]
    return unkept(dumped({"jobs": [told_job(links, job) for job in found], "links": listed}))


@router.get("/{job}", response_model=StatusInfo, dependencies=[Depends(only("edition"))])
def job_status(request: Request, opened: OpenedParam, settings: SettingsParam, job: JobId) -> Response:
    """Say how a job stands."""
    found = _files(request).get(opened.edition.region.id, job)
    return unkept(dumped(told_job(Links(request, settings), found)))


@router.delete(
    "/{job}",
    response_model=StatusInfo,
    responses=KEY_PROBLEMS,
    openapi_extra=OPTIONAL_KEY,
    dependencies=[Depends(only("edition"))],
)
async def dismiss_job(
    request: Request, opened: OpenedParam, settings: SettingsParam, job: JobId, holder: HolderParam
) -> Response:
    """Stop a job, or delete the result of one that has ended."""
    files = _files(request)

    def dismissed() -> Job:
        found = _theirs(files.get(opened.edition.region.id, job), holder)
        return files.dismiss(found)

    found = await to_thread.run_sync(dismissed)
    # Whoever runs it stops within moments; asked for again, it says dismissed as well.
    told = {**told_job(Links(request, settings), found), "status": "dismissed"}
    return unkept(dumped(told))


@router.get(
    "/{job}/results", response_model=ProcessResult, responses=_GONE, dependencies=[Depends(only("edition"))]
)  # fmt: skip
def job_results(request: Request, opened: OpenedParam, settings: SettingsParam, job: JobId) -> Response:
    """Return what came of a job."""
    files = _files(request)
    found = files.get(opened.edition.region.id, job)
    return result_response(request, Links(request, settings), files, found)


def result_response(request: Request, links: Links, files: JobFiles, job: Job) -> Response:
    """Answer with what came of a job, or with why nothing did.

    Raises:
        ResultNotReady: it has not ended. JobDismissed: nothing will come of it. JobNotFound: the result has gone.
    """
    if not job.ended:
        raise ResultNotReady(f"job {job.id} is {job.status} ({job.progress} %): look at it until it has ended")
    if job.status == "dismissed":
        raise JobDismissed(f"job {job.id} was dismissed: execute the process again if its result is wanted")
    if job.status == "failed":
        more = {name: value for name, value in job.problem.items() if name not in ("status", "detail")}
        return problem(request, job.problem["status"], job.problem["detail"], **more)
    body, language = files.result(job.id), note_language(request)
    if job.process == "scenario" or language != "en":
        found = in_language(orjson.loads(body), job.process, language)
        if job.process == "scenario":
            found["links"] = result_links(links, (job.region, job.edition), found["digest"])
        body = dumped(found)
    if job.response == "document":
        body = b'{"result":' + body + b"}"
    return unkept(body, headers=note_headers(language))


def told_job(links: Links, job: Job) -> dict[str, Any]:
    """Say how a job stands, as the standard has it."""
    address = job_address(links, job)
    listed = [link("self", address), link("monitor", address)]
    if job.status == "successful":
        listed.append(link(f"{OGC}/results", f"{address}/results", title="what came of it"))
    return {
        "processID": job.process,
        "type": "process",
        "jobID": job.id,
        "status": job.status,
        "message": job.message,
        "progress": job.progress,
        "created": job.created,
        **({"started": job.started} if job.started else {}),
        **({"finished": job.finished} if job.finished else {}),
        "updated": job.updated,
        "edition": job.edition,
        "links": listed,
    }


def job_address(links: Links, job: Job) -> str:
    """Return where a job is looked at."""
    return links.address(job.region, "jobs", job.id)


def _theirs(job: Job, holder: KeyHolder | None) -> Job:
    """A job of a key is dismissed by that key, or an admin's; one of nobody by whoever has its id."""
    if job.owner and (holder is None or (holder.prefix != job.owner and not holder.may("admin"))):
        raise RoleRefused("this job belongs to a key: send that key, or an admin's, to dismiss it")
    return job


def _files(request: Request) -> JobFiles:
    jobs: JobQueue = request.app.state.jobs
    return jobs.files
