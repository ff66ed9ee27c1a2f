"""Processes and jobs by OGC API Processes, asked of a real server whose jobs run in processes of their own."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import psutil
import pytest
from owslib.ogcapi.processes import Processes as OwsProcesses

from api import job_files, process_addresses
from api.database import Database
from api.job_files import LEFT_BEHIND, Job, JobFiles
from api.job_queue import HELD_WAITING, MOST_EACH, MOST_WAITING
from api.keys import Actor, Keys
from api.models import Problem
from api.process_models import Jobs, ProcessDescription, Processes, StatusInfo
from api.scenario_models import ResultOut
from api.settings import Settings
from grids.edition import Store

REGION = "/api/town"
RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"
SCENARIO: dict[str, Any] = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]}
LATER = {"Prefer": "respond-async"}
TAKES_LONG = {"zones": "municipality", "collection": "grid-100m", "samples": 5000}


def execute(client: httpx.Client, process: str, inputs: Any, **more: Any) -> httpx.Response:
    return client.post(f"{REGION}/processes/{process}/execution", json={"inputs": inputs, **more}, headers=LATER)


def ordered(client: httpx.Client, process: str, inputs: Any, **more: Any) -> dict[str, Any]:
    told = execute(client, process, inputs, **more)
    assert told.status_code == 201, told.text
    found: dict[str, Any] = told.json()
    StatusInfo.model_validate(found)
    assert told.headers["location"].endswith(f"{REGION}/jobs/{found['jobID']}")
    assert told.headers["preference-applied"] == "respond-async"
    return found


def ended(client: httpx.Client, job: str) -> dict[str, Any]:
    """The job once it has ended; tests say what they wait for, not how long."""
    for _ in range(3000):
        told = client.get(f"{REGION}/jobs/{job}")
        assert told.status_code == 200, told.text
        found: dict[str, Any] = told.json()
        StatusInfo.model_validate(found)
        if found["status"] in ("successful", "failed", "dismissed"):
            return found
        time.sleep(0.1)
    raise AssertionError(f"job {job} has not ended: {found}")


def done(client: httpx.Client, process: str, inputs: Any) -> dict[str, Any]:
    """What a process gives, by a job."""
    told = ended(client, ordered(client, process, inputs)["jobID"])
    assert told["status"] == "successful", told
    assert told["progress"] == 100
    (href,) = (one["href"] for one in told["links"] if one["rel"] == RESULTS)
    found: dict[str, Any] = client.get(href).json()
    return found


def keys_of(database_url: str, store: Path, *names: str) -> list[dict[str, str]]:
    """Headers with a planner's key for each name."""
    database = Database.of(Settings(store=store, database_url=database_url))
    database.upgrade()
    keys, me = Keys(database), Actor("a test", "here")
    return [{"Authorization": f"Bearer {keys.create(name, 'planner', me)}"} for name in names]


def test_processes_are_listed_and_described(client: httpx.Client) -> None:
    told = client.get(f"{REGION}/processes").json()
    Processes.model_validate(told)
    assert {one["id"] for one in told["processes"]} == {"scenario", "best-mix", "where-to-act"}
    for one in told["processes"]:
        (own,) = (link["href"] for link in one["links"] if link["rel"] == "self")
        described = client.get(own).json()
        ProcessDescription.model_validate(described)
        for asked in described["inputs"].values():
            assert "$ref" not in str(asked["schema"]), "each schema says all by itself"
            jsonschema.Draft4Validator.check_schema(asked["schema"])  # what OpenAPI 3.0 builds on
        assert described["outputs"].keys() == {"result"}
    mix = client.get(f"{REGION}/processes/best-mix").json()["inputs"]
    assert (mix["candidates"]["minOccurs"], mix["target_tco2e"]["minOccurs"]) == (1, 0)
    unknown = client.get(f"{REGION}/processes/nothing")
    assert unknown.status_code == 404
    assert unknown.json()["type"].endswith("/no-such-process")


def test_a_job_gives_what_is_given_at_once(client: httpx.Client) -> None:
    found = done(client, "scenario", {"scenario": SCENARIO, "samples": 20})
    ResultOut.model_validate(found)
    sent = client.post(f"{REGION}/scenarios/results", json=SCENARIO, params={"samples": 20}).json()
    assert found == sent
    (tiles,) = (one["href"] for one in found["links"] if one["rel"] == "tiles")
    assert client.get(tiles).json()["digest"] == found["digest"]
    waited = client.post(f"{REGION}/processes/scenario/execution", json={"inputs": {"scenario": {"value": SCENARIO}}})
    assert waited.status_code == 200, waited.text
    assert waited.json()["result"]["change_tco2e"] == sent["result"]["change_tco2e"]
    assert 'rel="monitor"' in waited.headers["link"]
    document = {"inputs": {"scenario": SCENARIO}, "response": "document", "outputs": {"result": {}}}
    wrapped = client.post(f"{REGION}/processes/scenario/execution", json=document)
    assert wrapped.json() == {"result": waited.json()}


def test_owslib_finds_and_executes(served: str) -> None:
    theirs = OwsProcesses(f"{served}{REGION}/")
    assert "scenario" in {one["id"] for one in theirs.processes()}
    assert theirs.process("scenario")["inputs"]["scenario"]["minOccurs"] == 1
    told = theirs.execute("scenario", {"scenario": SCENARIO}, {"result": {}})
    assert told["result"]["result"]["change_tco2e"]["net"] < 0
    job = theirs.execute("scenario", {"scenario": SCENARIO}, {"result": {}}, async_=True)
    assert job["status"] in ("accepted", "running", "successful")
    with httpx.Client(base_url=served, timeout=30) as client:
        assert ended(client, job["jobID"])["status"] == "successful"


@pytest.mark.parametrize(
    ("process", "inputs", "said"),
    [
        ("scenario", {}, "inputs.scenario: Field required"),
        ("scenario", {"scenario": SCENARIO, "samlpes": 3}, "samlpes"),
        ("scenario", {"scenario": SCENARIO, "samples": 10**6}, "less than or equal to"),
        ("scenario", [], "inputs"),
        ("best-mix", {"year": 2040, "zones": "municipality", "candidates": []}, "candidates"),
        ("best-mix", {"year": 2040, "zones": "h3-8", "candidates": [{"measure": {}, "levels": [1]}]}, "exactly one"),
        ("where-to-act", {"zones": "municipality", "sector": "sea"}, "sector"),
    ],
)  # fmt: skip
def test_inputs_that_cannot_be_used_make_no_job(client: httpx.Client, process: str, inputs: Any, said: str) -> None:
    told = execute(client, process, inputs)
    assert told.status_code == 400, told.text
    Problem.model_validate(told.json())
    assert said in told.json()["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"inputs": []}, "body.inputs: Input should be a valid dictionary (given: [])"),
        ({"input": {}}, "body.input: Extra inputs are not permitted (given: {})"),
    ],
)
def test_a_body_is_told_apart_from_its_inputs(client: httpx.Client, body: Any, said: str) -> None:
    told = client.post(f"{REGION}/processes/scenario/execution", json=body)
    assert (told.status_code, told.json()["detail"]) == (400, said)


def test_what_fails_says_why(client: httpx.Client) -> None:
    gap = {"year": 2040, "measures": [{"id": "p", "kind": "rooftop_pv", "level": 0.5}]}
    told = ended(client, ordered(client, "scenario", {"scenario": gap})["jobID"])
    assert told["status"] == "failed"
    assert "is a gap" in told["message"]
    refused = client.get(f"{REGION}/jobs/{told['jobID']}/results")
    assert refused.status_code == 400
    Problem.model_validate(refused.json())
    at_once = client.post(f"{REGION}/processes/scenario/execution", json={"inputs": {"scenario": gap}})
    assert (at_once.status_code, at_once.json()["detail"]) == (400, refused.json()["detail"])
    nobody = client.get(f"{REGION}/jobs/{'a' * 22}")
    assert nobody.status_code == 404
    assert nobody.json()["type"].endswith("/no-such-job")
    assert client.get(f"/api/elsewhere/jobs/{told['jobID']}").status_code == 404


def test_a_job_that_is_waited_for_too_long_is_dismissed_on_a_thread(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the loop a disk that hangs would hold up everybody."""
    seen: list[str] = []
    dismiss = JobFiles.dismiss

    def noted(self: JobFiles, job: Job) -> Job:
        seen.append(threading.current_thread().name)
        return dismiss(self, job)

    monkeypatch.setattr(JobFiles, "dismiss", noted)
    monkeypatch.setattr(process_addresses, "MOST_WAIT_S", 0.0)
    client = serving(small_store, jobs=tmp_path / "jobs")
    told = client.post(f"{REGION}/processes/scenario/execution", json={"inputs": {"scenario": SCENARIO}})
    assert told.status_code == 503, told.text
    assert "respond-async" in told.json()["detail"]
    assert len(seen) == 1
    assert "AnyIO worker thread" in seen[0]


def test_jobs_are_dismissed_while_they_run_and_while_they_wait_and_are_not_too_many(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    client = serving(own_store.path, jobs=tmp_path / "jobs", jobs_at_once=1)
    first, *others = [ordered(client, "where-to-act", TAKES_LONG)["jobID"] for _ in range(MOST_EACH)]
    refused = execute(client, "scenario", {"scenario": SCENARIO})
    assert refused.status_code == 429
    assert refused.headers["retry-after"]
    early = client.get(f"{REGION}/jobs/{first}/results")
    assert early.status_code == 404
    assert early.json()["type"].endswith("/result-not-ready")
    while client.get(f"{REGION}/jobs/{first}").json()["status"] == "accepted":
        time.sleep(0.1)
    for job in (*others, first):
        told = client.delete(f"{REGION}/jobs/{job}")
        assert (told.status_code, told.json()["status"]) == (200, "dismissed")
    ends = [ended(client, job) for job in (first, *others)]
    assert {one["status"] for one in ends} == {"dismissed"}
    assert ["started" in one for one in ends] == [True, False, False, False]
    assert client.get(f"{REGION}/jobs/{first}/results").status_code == 410
    after = ended(client, ordered(client, "scenario", {"scenario": SCENARIO})["jobID"])
    assert after["status"] == "successful", "the next job has a worker"
    told = client.delete(f"{REGION}/jobs/{after['jobID']}")
    assert told.json()["status"] == "dismissed"
    assert client.get(f"{REGION}/jobs/{after['jobID']}/results").status_code == 410


def test_a_job_whose_worker_is_killed_fails_and_the_next_one_has_another(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    before = set(psutil.Process().children())
    client = serving(own_store.path, jobs=tmp_path / "jobs", jobs_at_once=1)
    job = ordered(client, "where-to-act", TAKES_LONG)["jobID"]
    while client.get(f"{REGION}/jobs/{job}").json()["status"] == "accepted":
        time.sleep(0.05)
    [worker] = set(psutil.Process().children()) - before
    worker.kill()
    told = ended(client, job)
    assert told["status"] == "failed"
    assert "the job's process ended" in told["message"]
    assert client.get(f"{REGION}/jobs/{job}/results").status_code == 503
    assert done(client, "scenario", {"scenario": SCENARIO})["result"]["change_tco2e"]["net"] < 0


def test_two_tabs_may_dismiss_one_job_at_once(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:  # fmt: skip
    client = serving(own_store.path, jobs=tmp_path / "jobs", jobs_at_once=1)
    job = ordered(client, "where-to-act", TAKES_LONG)["jobID"]
    with ThreadPoolExecutor(8) as tabs:
        told = list(tabs.map(lambda _: client.delete(f"{REGION}/jobs/{job}"), range(8)))
    assert {(one.status_code, one.json()["status"]) for one in told} == {(200, "dismissed")}
    assert ended(client, job)["status"] == "dismissed"
    assert client.delete(f"{REGION}/jobs/{job}").json()["status"] == "dismissed"
    assert done(client, "scenario", {"scenario": SCENARIO})["result"]["change_tco2e"]["net"] < 0


def test_a_job_that_takes_too_long_is_stopped(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:  # fmt: skip
    hasty = serving(own_store.path, jobs=tmp_path / "jobs", job_seconds=0.01)
    late = ended(hasty, ordered(hasty, "where-to-act", TAKES_LONG)["jobID"])
    assert late["status"] == "failed"
    assert "took longer than 0.01 seconds" in late["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_job_that_wants_too_much_memory_is_told_so(project: Path) -> None:
    script = (
        "import resource; import numpy as np; from api.job_worker import limit_memory\n"
        "limit_memory(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 500_000_000)\n"
        "small = np.ones(10_000_000)\n"
        "try: np.ones(1_000_000_000)\n"
        "except MemoryError: print('refused')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(project)}
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    ).stdout  # fmt: skip
    assert said == "refused\n"


def test_a_job_that_a_dead_server_left_is_no_longer_running(
    own_store: Store, serving: Callable[..., httpx.Client], project: Path, tmp_path: Path
) -> None:
    """A server is killed, as by a power cut, while a job runs; another one over the same folder is asked of it."""
    script = (
        "import sys; from pathlib import Path; import uvicorn; from api.app import create_app\n"
        "from api.server import listen; from api.settings import Settings\n"
        "listening = listen('127.0.0.1', 0); print(listening.getsockname()[1], flush=True)\n"
        "app = create_app(Settings(store=Path(sys.argv[1]), jobs=Path(sys.argv[2])))\n"
        "uvicorn.Server(uvicorn.Config(app, log_level='error', lifespan='off')).run(sockets=[listening])\n"
    )
    command = [sys.executable, "-c", script, str(own_store.path), str(tmp_path / "jobs")]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"
        with httpx.Client(base_url=address, timeout=60) as first:
            job = ordered(first, "where-to-act", TAKES_LONG)["jobID"]
            other = serving(own_store.path, jobs=tmp_path / "jobs")
            seen = other.get(f"{REGION}/jobs/{job}").json()
            assert seen["status"] in ("accepted", "running"), "another process sees that somebody runs it"
            workers = children(server.pid)
            server.send_signal(signal.SIGKILL)
            server.wait()
    told = ended(other, job)
    assert (told["status"], told["message"]) == ("failed", LEFT_BEHIND)
    assert other.get(f"{REGION}/jobs/{job}/results").status_code == 503
    for _ in range(600):
        if not any(Path(f"/proc/{worker}").exists() and not is_zombie(worker) for worker in workers):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the worker outlived its server")


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def is_zombie(process: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return True


def test_jobs_of_a_key_are_its_own(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:  # fmt: skip
    url = f"sqlite:///{tmp_path / 'keys.sqlite'}"
    ann, ben = keys_of(url, own_store.path, "Ann", "Ben")
    client = serving(own_store.path, database_url=url, jobs=tmp_path / "jobs")
    body = {"inputs": {"scenario": SCENARIO}}
    told = client.post(f"{REGION}/processes/scenario/execution", json=body, headers={**LATER, **ann})
    assert told.status_code == 201, told.text
    job = told.json()["jobID"]
    unowned = ordered(client, "scenario", {"scenario": SCENARIO})["jobID"]
    for headers, own in ((ann, [job]), (ben, []), ({}, [])):
        listed = client.get(f"{REGION}/jobs", headers=headers)
        assert listed.status_code == 200
        Jobs.model_validate(listed.json())
        assert [one["jobID"] for one in listed.json()["jobs"]] == own
    assert ended(client, job)["status"] == "successful", "who has the id sees it"
    assert client.delete(f"{REGION}/jobs/{job}").status_code == 403
    assert client.delete(f"{REGION}/jobs/{job}", headers=ben).status_code == 403
    assert client.delete(f"{REGION}/jobs/{job}", headers=ann).status_code == 200
    assert client.delete(f"{REGION}/jobs/{unowned}").status_code == 200
    assert all(oct(path.stat().st_mode & 0o777) == "0o700" for path in (tmp_path / "jobs" / "jobs").iterdir())


def flood(client: httpx.Client) -> list[str]:
    """Order jobs without a key from one address of this machine after the other, until no more are taken."""
    jobs: list[str] = []
    for k in range(2, 250):
        transport = httpx.HTTPTransport(local_address=f"127.0.0.{k}")
        with httpx.Client(base_url=client.base_url, timeout=60, transport=transport) as another:
            for _ in range(MOST_EACH):
                told = execute(another, "where-to-act", TAKES_LONG)
                if told.status_code == 429:
                    assert "jobs of clients without a key wait" in told.json()["detail"]
                    return jobs
                jobs.append(told.json()["jobID"])
    raise AssertionError("nothing was refused")


def under_way(client: httpx.Client, jobs: list[str]) -> set[str]:
    return {job for job in jobs if client.get(f"{REGION}/jobs/{job}").json()["status"] == "running"}


@pytest.mark.skipif(sys.platform != "linux", reason="has one address of its own")
@pytest.mark.parametrize("at_once", [1, 2])
def test_jobs_without_a_key_leave_places_to_those_with_one(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path, at_once: int
) -> None:
    url = f"sqlite:///{tmp_path / 'keys.sqlite'}"
    [ann] = keys_of(url, own_store.path, "Ann")
    client = serving(own_store.path, database_url=url, jobs=tmp_path / "jobs", jobs_at_once=at_once)
    jobs = flood(client)
    assert len(jobs) <= MOST_WAITING - HELD_WAITING + 1 + 3, "those that ended meanwhile made room"
    body = {"inputs": {"scenario": SCENARIO}}
    orders = [
        client.post(f"{REGION}/processes/scenario/execution", json=body, headers={**LATER, **ann})
        for _ in range(HELD_WAITING)
    ]
    assert {told.status_code for told in orders} == {201}, "their places were kept"
    if at_once == 1:  # no place is kept where there is one: hers are the next
        for _ in range(3000):
            if running := under_way(client, jobs):
                break
            time.sleep(0.1)
        else:
            raise AssertionError("none of the jobs has begun")
        for job in running:
            client.delete(f"{REGION}/jobs/{job}")
    hers = [ended(client, told.json()["jobID"]) for told in orders]
    assert {one["status"] for one in hers} == {"successful"}
    # Whatever runs in two looks one after the other ran between them.
    assert len(under_way(client, jobs) & under_way(client, jobs)) <= 1
    waiting = [job for job in jobs if client.get(f"{REGION}/jobs/{job}").json()["status"] == "accepted"]
    assert waiting, "hers did not wait for all of them"
    for job in reversed(jobs):
        client.delete(f"{REGION}/jobs/{job}")


def test_many_small_jobs_make_room_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at each order: to look through all that a week of small ones leaves would delay whoever orders another."""
    monkeypatch.setattr(job_files, "_LOOKED_THROUGH", 2)
    files, counts = JobFiles(tmp_path, most_jobs=5), []
    for _ in range(40):
        order = files.order("scenario", "town", "0" * 16, {}, "", "raw")
        files.change(order.job, status="successful")
        order.close()
        counts.append(len(list(tmp_path.iterdir())))
    assert 6 < max(counts[20:]) <= 11


def test_old_jobs_make_room_and_those_under_way_stay(tmp_path: Path) -> None:
    files = JobFiles(tmp_path, most_bytes=5_000)
    held = files.order("scenario", "town", "0" * 16, {}, "", "raw")
    names = []
    for _ in range(10):
        order = files.order("scenario", "town", "0" * 16, {}, "", "raw")
        files.keep_result(order.job.id, b"x" * 1000)
        files.change(order.job, status="successful")
        order.close()
        names.append(order.job.id)
    kept = {path.name for path in tmp_path.iterdir()}
    assert held.job.id in kept
    assert names[-1] in kept
    assert len(kept) < 8
    assert files.get("town", held.job.id).status == "accepted"
    held.close()
    assert files.get("town", held.job.id).status == "failed"


def test_jobs_of_holders_stay_longer_than_those_of_nobody(tmp_path: Path) -> None:
    """Whoever has no key does not push out what a holder has had made; what is of long ago goes, whoever's it is."""
    files, names = JobFiles(tmp_path, most_jobs=4), {}
    for k, owner in enumerate(["holder", "holder", "", "", ""]):
        order = files.order("scenario", "town", "0" * 16, {}, owner, "raw")
        names[order.job.id] = owner
        files.change(order.job, status="successful")
        order.close()
        for file in (tmp_path / order.job.id).iterdir():
            os.utime(file, (time.time() - 1000 + k, time.time() - 1000 + k))
    files.order("scenario", "town", "0" * 16, {}, "", "raw").close()
    kept = [name for name in names if (tmp_path / name).exists()]
    assert kept == [name for k, name in enumerate(names) if k != 2], "the first of nobody"
    for file in (tmp_path / kept[0]).iterdir():
        os.utime(file, (1.0, 1.0))
    files.order("scenario", "town", "0" * 16, {}, "", "raw").close()
    assert not (tmp_path / kept[0]).exists()
    assert (tmp_path / kept[1]).exists()


def test_two_servers_make_room_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the other one has just removed is over, whenever it goes: an order and a list do not stumble over it."""
    files, other = JobFiles(tmp_path), JobFiles(tmp_path)
    orders = [files.order("scenario", "town", "0" * 16, {}, "holder", "raw") for _ in range(3)]
    original = JobFiles.get

    def get(mine: JobFiles, region: str, name: str) -> Job:
        shutil.rmtree(tmp_path / name, ignore_errors=True)  # between the look at it and the next one
        return original(mine, region, name)

    monkeypatch.setattr(JobFiles, "get", get)
    assert other.listed("town", "holder") == []
    for order in orders:
        order.close()
    orders = [files.order("scenario", "town", "0" * 16, {}, "holder", "raw") for _ in range(3)]
    monkeypatch.setattr(other, "_most_jobs", 1)
    other.order("scenario", "town", "0" * 16, {}, "", "raw").close()
    assert len(list(tmp_path.iterdir())) == 2, "room was made until one was left, and one came"
    for order in orders:
        order.close()
