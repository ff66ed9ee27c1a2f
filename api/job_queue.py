"""Runs jobs: each in a process of its own, a few at a time, within limits of time and memory, so that maps are served.

What computes is a worker that keeps baselines and road graphs between jobs. One that is dismissed or late is told to
stop, and killed if it does not; the next job then gets a new one. Workers end with the server, however that ends.
"""

import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import IO, Any

import orjson

from api.errors import TooManyJobs, log
from api.job_files import Job, JobFiles, Order
from api.settings import PREFIX, Settings

MOST_WAITING = 16
"""Jobs that wait in one process of the server; more are refused for the time being."""
HELD_WAITING = 4
"""Places among them for holders of keys alone; so is one of those that run, where there are two or more."""
MOST_EACH = 4
"""Jobs of one key, or of one address without a key, that have not ended."""
GRACE_S = 2.0
"""How long a worker that was told to stop may take before it is killed."""
IDLE_S = 300.0
"""After which a worker that has nothing to do is ended, and its memory free."""
LOOK_S = 0.1

_LATE = "it took longer than {seconds:g} seconds, the most a job may: ask for less"
_DIED = "the job's process ended, which it should not: it may have needed more memory than the {limit} it may use"


@dataclass(eq=False)
class _Task:
    order: Order
    client: str
    held: bool
    done: "Future[Job]" = field(default_factory=Future)


class JobQueue:
    """The jobs of one server process: first those of holders of keys, then those of everybody.

    However many jobs clients without a key order, they never take all places: of two or more that run at a time one is
    kept for holders, and so are some of those that wait.

    Args:
        files: where jobs are kept, by all processes.
        settings: limits, and what workers are told.
    """

    def __init__(self, files: JobFiles, settings: Settings) -> None:
        self.files = files
        self._settings = settings
        self._most_open = max(1, settings.jobs_at_once - 1)  # of clients without a key, at a time
        self._held: deque[_Task] = deque()
        self._open: deque[_Task] = deque()
        self._open_running = 0
        self._open_under_way = 0
        self._under_way: Counter[str] = Counter()
        self._threads: list[threading.Thread] = []
        self._guard = threading.Condition()

    def order(
        self, process: str, region: str, edition: str, inputs: Mapping[str, Any], owner: str, response: str, client: str
    ) -> tuple[Job, "Future[Job]"]:
        """Have a process executed.

        Args:
            process: which.
            region: it works on.
            edition: of the region.
            inputs: checked ones.
            owner: prefix of the key it was asked with, "" without.
            response: form of its result.
            client: whose jobs are counted together.

        Returns:
            The job, and a future that holds it once it has ended.

        Raises:
            TooManyJobs: of this client, or of all.
            JobsFolderLost: jobs cannot be kept.
        """
        held = bool(owner)
        self._drop_dismissed()
        self._admit(client, held=held)
        try:
            task = _Task(self.files.order(process, region, edition, inputs, owner, response), client, held)
        except BaseException:
            self._release(client, held=held)
            raise
        with self._guard:
            (self._held if held else self._open).append(task)
            self._guard.notify()
            # One worker that has everything ready is quicker than two that have not.
            may_run = self._under_way.total() - max(0, self._open_under_way - self._most_open)
            if len(self._threads) < min(self._settings.jobs_at_once, may_run):
                thread = threading.Thread(target=self._work, name="jobs", daemon=True)
                self._threads.append(thread)
                thread.start()
        return task.order.job, task.done

    def _drop_dismissed(self) -> None:
        """Let go of jobs that were dismissed while they waited: their places are free before their turn comes."""
        dropped = []
        with self._guard:
            for waiting in (self._held, self._open):
                for task in [task for task in waiting if self.files.is_dismissed(task.order.job.id)]:
                    waiting.remove(task)
                    dropped.append(task)
        for task in dropped:
            job = task.order.job
            try:
                job = self.files.change(job, status="dismissed", message="was dismissed", progress=0)
            except OSError:  # the folder is lost: whoever looks at the job finds its lock free
                log.exception("job %s was dismissed, which cannot be written", job.id[:6])
            finally:
                task.order.close()
                self._release(task.client, held=task.held)
                task.done.set_result(job)

    def _admit(self, client: str, *, held: bool) -> None:
        with self._guard:
            if self._under_way[client] >= MOST_EACH:
                raise TooManyJobs(
                    f"{MOST_EACH} of your jobs are under way in this process of the server, the most that each takes: "
                    "dismiss one, or wait"
                )
            if self._under_way.total() >= MOST_WAITING + self._settings.jobs_at_once:
                raise TooManyJobs(f"{MOST_WAITING} jobs wait for their turn, and no more may: come again later")
            everybody = MOST_WAITING - HELD_WAITING
            if not held and self._open_under_way >= everybody + self._most_open:
                raise TooManyJobs(
                    f"{everybody} jobs of clients without a key wait for their turn, and no more may: come again later"
                )
            self._under_way[client] += 1
            self._open_under_way += not held

    def _release(self, client: str, *, held: bool) -> None:
        with self._guard:
            self._under_way[client] -= 1
            self._under_way += Counter()  # lets go of those at zero
            self._open_under_way -= not held

    def _next(self) -> _Task | None:
        """The task whose turn it is, once there is one; none if there is none for a while."""
        with self._guard:
            if not self._guard.wait_for(lambda: self._held or self._may_open(), IDLE_S):
                return None
            if self._held:
                return self._held.popleft()
            self._open_running += 1
            return self._open.popleft()

    def _may_open(self) -> bool:
        return bool(self._open) and self._open_running < self._most_open

    def _ended(self, task: _Task) -> None:
        self._release(task.client, held=task.held)
        with self._guard:
            self._open_running -= not task.held
            self._guard.notify()

    def _work(self) -> None:
        worker: Worker | None = None
        while True:
            task = self._next()
            if task is None:
                if worker is not None:
                    worker.end()
                    worker = None
                continue
            job = task.order.job
            try:
                if worker is not None and not worker.alive:
                    worker.end()  # it ended by itself: what was opened to talk to it is closed
                    worker = None
                worker = worker or Worker(self._settings)
                job = _Watch(self.files, self._settings, worker).run(job)
            except Exception:  # noqa: BLE001 - whoever asked is told, and the next job is taken
                log.exception("job %s of process %s could not be run", job.id[:6], job.process)
                job = self._failed(job)
            finally:
                task.order.close()
                self._ended(task)
                task.done.set_result(job)

    def _failed(self, job: Job) -> Job:
        detail = "the server failed to run this job; its log says more"
        try:
            return self.files.change(job, status="failed", message=detail, problem={"status": 500, "detail": detail})
        except OSError:  # the folder is lost: whoever looks at the job finds its lock free
            return job


class Worker:
    """A process that works out one job after another."""

    def __init__(self, settings: Settings) -> None:
        told = settings.model_copy(update={"database_url": None, "database_password_file": None})
        others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        # -P: the folder the server was started in must not offer modules of our names. Ctrl-C is for the server alone.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "api.job_worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            env={**others, **told.as_environment()},
        )  # fmt: skip
        assert self._process.stdout is not None
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(self._process.stdout,), name="job worker", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it can be given a job."""
        return self._process.poll() is None

    def tell(self, **order: Any) -> None:
        """Give it a job, or tell it to stop the one it has; nothing happens if it has ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(orjson.dumps(order) + b"\n")
            self._process.stdin.flush()
        except OSError:
            return

    def heard(self, seconds: float) -> dict[str, Any]:
        """Return what it says within some seconds: nothing, or `{"ended": code}` if it has ended.

        Args:
            seconds: to wait.
        """
        try:
            said = self._said.get(timeout=seconds)
        except queue.Empty:
            return {}
        return {"ended": self._process.wait()} if said is None else said

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError:  # it held words that nobody reads any more
            return

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._said.put(orjson.loads(line))
        self._said.put(None)


class _Watch:
    """Watches one job until it has ended, one way or another."""

    def __init__(self, files: JobFiles, settings: Settings, worker: Worker) -> None:
        self._files, self._settings, self._worker = files, settings, worker

    def run(self, job: Job) -> Job:
        if self._files.is_dismissed(job.id):
            return self._dismissed(job)
        job = self._files.change(job, status="running", message="has begun")
        self._worker.tell(job=job.id)
        began = time.monotonic()
        while True:
            said = self._worker.heard(LOOK_S)
            if "progress" in said:
                job = self._files.change(job, progress=min(int(said["progress"]), 99), message=said["message"])
            elif "done" in said:
                return self._files.change(job, status="successful", progress=100, message="is done")
            elif "problem" in said:
                problem = said["problem"]
                if self._files.is_dismissed(job.id):
                    return self._dismissed(job)
                if said.get("spent"):  # what it holds in memory is not worth keeping
                    self._worker.end()
                return self._files.change(job, status="failed", message=problem["detail"], problem=problem)
            elif "ended" in said:
                log.error("the worker of job %s ended with %s", job.id[:6], said["ended"])
                limit = f"{self._settings.job_bytes / 1e9:g} GB"
                return self._failed(job, 503, _DIED.format(limit=limit))
            elif self._files.is_dismissed(job.id):
                self._stop()
                return self._dismissed(job)
            elif time.monotonic() - began > self._settings.job_seconds:
                self._stop()
                return self._failed(job, 503, _LATE.format(seconds=self._settings.job_seconds))

    def _stop(self) -> None:
        """Tell the worker to stop, and end it if it does not soon."""
        self._worker.tell(stop=True)
        until = time.monotonic() + GRACE_S
        while time.monotonic() < until:
            said = self._worker.heard(LOOK_S)
            if "problem" in said or "done" in said or "ended" in said:
                return
        self._worker.end()

    def _dismissed(self, job: Job) -> Job:
        return self._files.change(job, status="dismissed", message="was dismissed", progress=0)

    def _failed(self, job: Job, status: int, detail: str) -> Job:
        return self._files.change(job, status="failed", message=detail, problem={"status": status, "detail": detail})
