"""Places of jobs that wait for their turn: those of dismissed ones are free at once."""

from concurrent.futures import Future
from pathlib import Path

import pytest

from api.errors import TooManyJobs
from api.job_files import Job, JobFiles
from api.job_queue import MOST_EACH, JobQueue
from api.settings import Settings


def test_dismissed_jobs_that_wait_leave_their_places_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobQueue, "_work", lambda self: None)  # whatever is ordered waits
    files = JobFiles(tmp_path / "jobs")
    jobs = JobQueue(files, Settings(store=tmp_path))

    def order() -> tuple[Job, Future[Job]]:
        return jobs.order("scenario", "town", "0" * 16, {}, "", "raw", "somebody")

    waiting = [order() for _ in range(MOST_EACH)]
    with pytest.raises(TooManyJobs):
        order()
    dropped, done = waiting[1]
    files.dismiss(dropped)
    order()
    assert done.result(timeout=0).status == files.get("town", dropped.id).status == "dismissed"
    assert not any(future.done() for job, future in waiting if job.id != dropped.id)
    with pytest.raises(TooManyJobs):
        order()
