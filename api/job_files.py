"""Jobs on disk: what was asked, how far it is, and what came of it, in a folder that all processes of a server share.

A job's folder has a lock that the server process which runs it holds for as long as it lives. So a job whose lock is
free and which has not ended was left behind by a server that died: whoever looks at it next says so. A job's id is 128
random bits; who has it sees the job, and there is no list of all.
"""

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

import orjson

from api.errors import JobNotFound, JobsFolderLost
from api.keys import utc_now
from grids.locks import ProcessLock
from grids.store_errors import BuildLocked

JobState = Literal["accepted", "running", "successful", "failed", "dismissed"]
ENDED: frozenset[JobState] = frozenset(("successful", "failed", "dismissed"))
STATES: tuple[JobState, ...] = get_args(JobState)
KEPT_DAYS = 7
MOST_BYTES = 2_000_000_000
MOST_JOBS = 20_000
"""Small ones take little room and end within moments, so that many may come in a week."""
_LOOKED_THROUGH = 100
"""Of the jobs that are kept, how many are looked at for each that is ordered, so that many kept delay none."""
LEFT_BEHIND = "the server that ran this job was stopped before it had ended: execute it again"

_NAME = re.compile(r"[A-Za-z0-9_-]{22}")
_REQUEST, _STATE, _RESULT, _LOCK, _DISMISSED = "request.json", "state.json", "result.json", "lock", "dismissed"
_OWNED = "owned"
"""An empty file beside a holder's job: what goes first is told without reading each."""


@dataclass(frozen=True)
class Job:
    """One execution of a process.

    Attributes:
        id: 128 random bits as a text.
        process: which.
        region, edition: what it works on.
        owner: prefix of the key it was asked with; "" if there was none.
        response: `raw` or `document`, the form of its result.
        created, updated, started, finished: moments in UTC, as texts.
        status: how it stands.
        progress: per cent.
        message: for people.
        problem: of a failed one: `status` (HTTP), `detail`, and further members.
    """

    id: str
    process: str
    region: str
    edition: str
    owner: str
    response: str
    created: str
    updated: str
    status: JobState = "accepted"
    progress: int = 0
    message: str = "waits for its turn"
    started: str | None = None
    finished: str | None = None
    problem: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED


@dataclass(frozen=True)
class Order:
    """A job that this process is to run, with its lock; `close` releases it."""

    job: Job
    lock: ExitStack

    def close(self) -> None:
        """Release the lock, after the job's last state was written."""
        self.lock.close()


class JobFiles:
    """The jobs in a folder.

    Args:
        folder: made when the first job is.
        now: gives the moment, with its time zone.
        most_bytes, most_jobs: of all jobs, about; of the ended ones those without an owner go first, and of these the
            ones that changed longest ago. Those of a week ago go in any case.
    """

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime] = utc_now,
        most_bytes: int = MOST_BYTES,
        most_jobs: int = MOST_JOBS,
    ) -> None:
        self.folder = Path(folder)
        self._now = now
        self._most_bytes, self._most_jobs = most_bytes, most_jobs
        self._unlooked = 0  # orders that are still taken without a look at what is kept
        self._guard = threading.Lock()

    def order(
        self, process: str, region: str, edition: str, inputs: Mapping[str, Any], owner: str, response: str
    ) -> Order:
        """Make a job of what somebody asked, held by this process.

        Raises:
            JobsFolderLost: its folder cannot be written.
        """
        self._make_room()
        name, now = secrets.token_urlsafe(16), self._moment()
        job = Job(name, process, region, edition, owner, response, created=now, updated=now)
        lock = ExitStack()
        try:
            (self.folder / name).mkdir(parents=True, mode=0o700)
            lock.enter_context(ProcessLock(self.folder / name / _LOCK, f"job {name[:6]}..."))
            request = {"process": process, "region": region, "edition": edition, "inputs": dict(inputs)}
            if owner:
                (self.folder / name / _OWNED).touch()
            self._write(name, _REQUEST, orjson.dumps(request))
            self._write(name, _STATE, orjson.dumps(asdict(job)))
        except OSError as error:
            lock.close()
            raise JobsFolderLost(f"jobs cannot be kept in {self.folder}: {error}") from error
        return Order(job, lock)

    def get(self, region: str, name: str) -> Job:
        """Return a job as it stands.

        Raises:
            JobNotFound: none of that id in that region.
        """
        job = self._read(name)
        if job is None or job.region != region:
            raise JobNotFound(f"region {region!r} has no job {name[:22]!r}; jobs are kept for {KEPT_DAYS} days at most")
        if job.ended:
            return job
        try:
            with ProcessLock(self.folder / name / _LOCK, f"job {name[:6]}..."):
                job = self._read(name)  # it may have ended since
                if job is not None and not job.ended:
                    job = self.change(
                        job, status="failed", message=LEFT_BEHIND, problem={"status": 503, "detail": LEFT_BEHIND}
                    )
        except (BuildLocked, OSError):
            job = self._read(name)  # whoever runs it holds the lock
        if job is None:
            raise JobNotFound(f"region {region!r} has no job {name[:22]!r} any more")
        return job

    def listed(self, region: str, owner: str) -> list[Job]:
        """Return a holder's jobs of a region, those made last first."""
        if not owner or not self.folder.is_dir():
            return []
        found = (self._read(path.name) for path in self.folder.iterdir())
        names = [job.id for job in found if job is not None and job.region == region and job.owner == owner]
        jobs = []
        for name in names:
            with suppress(JobNotFound):  # another server has just made room
                jobs.append(self.get(region, name))
        return sorted(jobs, key=lambda job: (job.created, job.id), reverse=True)

    def request(self, name: str) -> dict[str, Any]:
        """Return what was asked of a job: `process`, `region`, `edition` and `inputs`."""
        request: dict[str, Any] = orjson.loads((self.folder / name / _REQUEST).read_bytes())
        return request

    def change(self, job: Job, **values: Any) -> Job:
        """Write how a job stands now; only whoever holds its lock does."""
        now = self._moment()
        if values.get("status") == "running":
            values.setdefault("started", now)
        if values.get("status") in ENDED:
            values.setdefault("finished", now)
        changed = replace(job, updated=now, **values)
        self._write(job.id, _STATE, orjson.dumps(asdict(changed)))
        return changed

    def keep_result(self, name: str, body: bytes) -> None:
        """Keep what came of a job, before it is said to have succeeded."""
        self._write(name, _RESULT, body)

    def result(self, name: str) -> bytes:
        """Return what came of a job.

        Raises:
            JobNotFound: it has gone.
        """
        try:
            return (self.folder / name / _RESULT).read_bytes()
        except OSError as error:
            raise JobNotFound(f"the result of job {name[:22]!r} is not kept any more: execute it again") from error

    def dismiss(self, job: Job) -> Job:
        """Ask whoever runs a job to stop; of an ended one, let go of its result."""
        if job.ended:
            (self.folder / job.id / _RESULT).unlink(missing_ok=True)
            return self.change(job, status="dismissed", message="dismissed, and its result deleted", progress=0)
        (self.folder / job.id / _DISMISSED).touch()
        return job

    def is_dismissed(self, name: str) -> bool:
        """Whether somebody asked for a job to stop."""
        return (self.folder / name / _DISMISSED).exists()

    def _read(self, name: str) -> Job | None:
        if not _NAME.fullmatch(name):
            return None
        try:
            return Job(**orjson.loads((self.folder / name / _STATE).read_bytes()))
        except (OSError, ValueError, TypeError):  # none, or of another version
            return None

    def _is_over(self, name: str) -> bool:
        """Whether nobody runs a job any more; one whose folder another server removes meanwhile is over too."""
        job = self._read(name)
        try:
            return job is None or self.get(job.region, name).ended
        except JobNotFound:
            return True

    def _write(self, name: str, file: str, body: bytes) -> None:
        draft = self.folder / name / f".{file}-{secrets.token_hex(4)}"
        draft.write_bytes(body)
        draft.replace(self.folder / name / file)

    def _moment(self) -> str:
        return self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _make_room(self) -> None:
        """Remove jobs of long ago, and others until there is room; none that is under way."""
        with self._guard:
            self._unlooked -= 1
            if self._unlooked > 0 or not self.folder.is_dir():
                return
            oldest = time.time() - KEPT_DAYS * 86_400
            kept = []
            for path in self.folder.iterdir():
                try:
                    names = list(path.iterdir()) if _NAME.fullmatch(path.name) else []
                    files = [known.stat() for known in names]
                except OSError:
                    continue
                if files:
                    changed = max(one.st_mtime for one in files)
                    # In this order they go: whoever has no key fills a disk at no holder's cost.
                    place = (changed >= oldest, path / _OWNED in names, changed)
                    kept.append((place, path, sum(one.st_size for one in files)))
            self._unlooked = len(kept) // _LOOKED_THROUGH
            left, total = len(kept), sum(size for _, _, size in kept)
            for (young, _, _), path, size in sorted(kept):
                if young and total <= self._most_bytes and left <= self._most_jobs:
                    return
                if self._is_over(path.name):
                    shutil.rmtree(path, ignore_errors=True)
                    left, total = left - 1, total - size
