"""Engines: the same bytes of any, workers that die, are refused or fail, and builds that are stopped and go on."""

import contextlib
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import psutil
import pytest
import shapely

import accounting.errors
import carbonmap.errors
import gis.errors
import gis.spans
import grids.errors
import grids.private_meters
import grids.store_errors
from carbonmap import dask_cluster, dask_engine, dask_worker
from carbonmap.build import Built, build_region
from carbonmap.dask_cluster import checked_address, local_cluster, quiet
from carbonmap.dask_engine import DaskEngine
from carbonmap.dask_worker import Terms, fault_of, work_order
from carbonmap.engines import LocalEngine, engine_named
from carbonmap.errors import EngineError, RegionError
from carbonmap.manifest import identity_of
from carbonmap.parts import Part, WorkFolder, parts_of
from carbonmap.plan import Plan
from carbonmap.progress import Silent
from carbonmap.region import RegionFile
from gis.errors import BadValue
from grids.edition import EditionWriter, Store

EAST, NORTH = 540_000, 5_220_000
ROWS = 40
BUILDINGS, ROADS, STANDS = 12 * ROWS, 3 * ROWS, 2 * ROWS
PARTS = 12 + 3 + 2
GAS_TCO2E = {"west": 5000.0, "east": 4000.0}
USES = ("apartment", "office", "residential", "retail")


def write_parts(tiny: Any) -> Path:
    """The tiny region with sources of several parts, some meters and totals to meet; returns the region file."""
    tiny.folder.mkdir(parents=True)
    boxes = []
    for k in range(BUILDINGS):
        x, y = EAST + 23 + k % 24 * 81.7, NORTH + 31 + k // 24 * 96.3
        boxes.append(shapely.box(x, y, x + 8 + k % 7 * 9, y + 9 + k % 5 * 11))
    buildings = {
        "bid": [f"b{k}" for k in range(BUILDINGS)],
        "kind": [USES[k % 4] for k in range(BUILDINGS)],
        "floors": [1 + k % 9 for k in range(BUILDINGS)],
        "area": [100.0 + 7 * k for k in range(BUILDINGS)],
    }
    lines = [
        shapely.LineString([(EAST - 50, NORTH + 15.5 * k), (EAST + 900 + 9 * k, NORTH + 15 * k + 40)])
        for k in range(ROADS)
    ]
    roads = {
        "rid": [f"r{k}" for k in range(ROADS)],
        "class": [("primary", "residential")[k % 2] for k in range(ROADS)],
        "count": [1000 + k if k % 2 == 0 else None for k in range(ROADS)],
        "speed": [50] * ROADS,
    }
    corners = [(EAST + 300 * (k % 7), NORTH + 90 * (k % 23)) for k in range(STANDS)]
    stands = {"sid": [f"s{k}" for k in range(STANDS)], "cover": ["tree_mixed"] * STANDS}
    woods = [shapely.box(x, y, x + 100 + 7 * (k % 40), y + 120) for k, (x, y) in enumerate(corners)]  # they overlap
    for name, columns, shapes in (("buildings", buildings, boxes), ("roads", roads, lines), ("forest", stands, woods)):
        frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:32632")
        frame.to_parquet(tiny.folder / f"{name}.parquet", row_group_size=ROWS)
        tiny.source(name)["file"] = f"{name}.parquet"
    tiny.meters = "building;month;carrier;amount\n" + "".join(
        f"b{k};2023{month:02d};electricity;{100 + k}\n" for k in range(0, BUILDINGS, 9) for month in range(1, 13)
    )
    tiny.region["calibration"] = {"totals": "totals.csv", "zone_set": "district", "bounds": [1e-6, 1e6]}
    rows = "".join(f"2023,{zone},buildings,gas,{gas},5,made up\n" for zone, gas in GAS_TCO2E.items())
    head = "year,zone,sector,carrier,tco2e,uncertainty_percent,source\n"
    (tiny.folder / "totals.csv").write_text(head + rows, encoding="utf-8")
    return Path(tiny.write())


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are told which row groups to read, so that it is enough to say it here."""
    monkeypatch.setattr(gis.spans, "ROWS_AT_ONCE", ROWS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler with two workers, each a process."""
    with quiet(), local_cluster(2) as cluster:
        yield cluster


def pids(cluster: Any) -> dict[str, int]:
    """Processes of the two workers, by address; in the place of one that was killed another one is waited for."""
    import distributed

    with distributed.Client(cluster, set_as_default=False) as client:
        while len(found := client.run(os.getpid, on_error="ignore")) != 2:
            time.sleep(0.05)
        return dict(found)


def wait_until_idle(cluster: Any) -> None:
    """Wait until no worker has an order that has not ended."""
    import distributed

    with distributed.Client(cluster, set_as_default=False) as client:
        while any(client.processing().values()):
            time.sleep(0.01)


class Telling(Silent):
    """Notes who did which part."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.said: list[str] = []

    def step(self, what: str) -> None:
        self.said.append(what)
        match = re.fullmatch(r"(?P<part>.+): done by (?P<worker>tcp://\S+) \(\d+ workers?\)", what)
        if match:
            self.done.append((match["part"], match["worker"]))
            self.after(match["worker"])

    def after(self, worker: str) -> None:
        """What else is to happen after a part."""


class Asking:
    """An engine that notes what it was asked to do."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.asked = engine, list[Part]()
        self.get_ready = engine.get_ready

    def work(self, parts: list[Part], *given: Any) -> None:
        self.asked += parts
        self.engine.work(parts, *given)


def build(tiny: Any, store: str, engine: Any = None, progress: Any = None) -> Built:
    return build_region(tiny.file, None, tiny.folder / store, progress=progress or Silent(), engine=engine)


def contents(store: Path) -> dict[str, bytes]:
    """Every published file, public and private."""
    files = (path for path in sorted((store / "tiny").rglob("*")) if path.is_file())
    return {str(path.relative_to(store)): path.read_bytes() for path in files}


def plan_of(tiny: Any) -> tuple[Plan, dict[str, Any]]:
    file = RegionFile(tiny.file)
    return Plan(file), identity_of(file)


def done_parts(store: Path) -> dict[str, int]:
    """Parts in the work folder that are whole, with the time of their records."""
    found = {}
    for record in store.glob(".incoming/tiny.work/*/*/*/record.json"):
        if record.parent.name.isdecimal():
            found[f"{record.parent.parent.name}/{record.parent.name}"] = record.stat().st_mtime_ns
    return found


def alive_in_session(session: int) -> list[int]:
    """Processes of a session, those left out that are dead and that nobody has asked after yet."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


# --- the same bytes ---------------------------------------------------------------------------------------------------


def test_tables_are_the_same_bytes_though_a_worker_is_killed_after_it_has_done_parts(tiny, cluster):
    write_parts(tiny)
    build(tiny, "local")
    processes = pids(cluster)
    assert len(processes) == 2

    class Killing(Telling):
        killed = ""
        parts_before = 0

        def after(self, worker: str) -> None:
            # No more is handed out meanwhile: whichever is slow to begin, or to say so, both have done a part.
            if len(self.done) == 1:
                wait_until_idle(cluster)
            # The one that did not just end a part is mostly in the middle of one.
            if not self.killed and len(self.done) == 4:
                [self.killed] = {by for _, by in self.done} - {worker}
                self.parts_before = len(self.done)
                os.kill(processes[self.killed], signal.SIGKILL)

    telling = Killing()
    engine = Asking(DaskEngine(cluster.scheduler_address))
    build(tiny, "dask", engine, telling)

    parts_by = Counter(worker for _, worker in telling.done)
    assert len(engine.asked) == PARTS
    assert telling.killed
    assert parts_by[telling.killed] >= 1
    assert sorted(part for part, _ in telling.done) == sorted(map(str, engine.asked))
    survivors = {worker for _, worker in telling.done[telling.parts_before + 1 :]}
    assert survivors - {telling.killed}
    local, dask = contents(tiny.folder / "local"), contents(tiny.folder / "dask")
    assert sum("private/" in name for name in local) > 6
    assert sum("tables/" in name for name in local) == 5
    assert dask == local
    zones = Store(tiny.folder / "dask").open("tiny").table("district").to_pandas().set_index("id")
    assert zones["buildings_gas_direct_tco2e"].to_dict() == pytest.approx(GAS_TCO2E, rel=1e-12)
    assert not (tiny.folder / "dask" / ".incoming" / "tiny.work").exists()


@pytest.mark.slow
@pytest.mark.parametrize("noticed", [False, True], ids=["nobody knows yet", "the scheduler knows"])
def test_a_worker_may_die_between_the_end_of_a_part_and_the_taking_of_its_outcome(tiny, cluster, monkeypatch, noticed):
    write_parts(tiny)
    processes = pids(cluster)
    settle = dask_engine._Shift._settle
    killed: list[str] = []

    def kill_before(shift: Any, part: Part, address: str, future: Any) -> None:
        if not killed:
            assert future.status == "finished"
            killed.append(address)
            os.kill(processes[address], signal.SIGKILL)
            while noticed and future.status == "finished":
                time.sleep(0.01)
        settle(shift, part, address, future)

    monkeypatch.setattr(dask_engine._Shift, "_settle", kill_before)
    telling = Telling()
    engine = Asking(DaskEngine(cluster.scheduler_address))
    build(tiny, "dask", engine, telling)

    assert killed
    assert sorted(part for part, _ in telling.done) == sorted(map(str, engine.asked))
    assert killed[0] not in {worker for _, worker in telling.done}


@pytest.mark.slow
def test_a_build_killed_half_way_goes_on_from_its_parts(tiny, cluster, project):
    file = write_parts(tiny)
    store = tiny.folder / "stopped"
    # It kills itself: however slow this process is to look, the build is never done.
    script = (
        "import gis.spans, os, signal, sys; from pathlib import Path; from carbonmap.build import build_region\n"
        "from carbonmap.parts import WorkFolder; from carbonmap.progress import Silent\n"
        f"gis.spans.ROWS_AT_ONCE = {ROWS}\n"
        "keep, kept = WorkFolder.keep, []\n"
        "def keep_three(*given):\n"
        "    keep(*given)\n"
        "    kept.append(given)\n"
        "    if len(kept) >= 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "WorkFolder.keep = keep_three\n"
        "build_region(sys.argv[1], None, Path(sys.argv[2]), progress=Silent())"
    )
    command = [sys.executable, "-c", script, str(file), str(store)]
    killed = subprocess.run(command, capture_output=True, text=True, cwd=project, check=False)
    before = done_parts(store)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # Two are worked on at a time, so that another one may be kept in the moment of the third.
    assert 3 <= len(before) <= 4
    assert not (store / "tiny").exists()

    class Looking(Telling):
        kept: dict[str, int]

        def step(self, what: str) -> None:
            self.kept = done_parts(store) or self.kept
            super().step(what)

    telling = Looking()
    engine = Asking(DaskEngine(cluster.scheduler_address))
    build(tiny, "stopped", engine, telling)
    asked = {f"{part.source}/{part.number:05d}" for part in engine.asked}
    assert asked.isdisjoint(before)
    assert len(asked) == PARTS - len(before)
    assert {name: telling.kept[name] for name in before} == before
    assert sum("done before" in said for said in telling.said) == len(before)
    build(tiny, "local")
    assert contents(store) == contents(tiny.folder / "local")


# --- errors -----------------------------------------------------------------------------------------------------------


def test_an_error_arrives_as_it_was_and_cancels_the_other_parts(tiny, cluster):
    write_parts(tiny)
    pids(cluster)  # both workers are there
    frame = gpd.read_parquet(tiny.folder / "roads.parquet")
    frame.loc[ROWS + 2, "count"] = 600_000
    frame.to_parquet(tiny.folder / "roads.parquet", row_group_size=ROWS)
    tiny.region["sources"].sort(key=lambda source: source["id"] == "buildings")  # what comes after is cancelled
    tiny.write()
    with pytest.raises(BadValue, match="roads") as local:
        build(tiny, "local")

    class Waiting(Telling):
        def after(self, worker: str) -> None:
            wait_until_idle(cluster)  # else one worker could do all while the other one is slow to begin

    telling = Waiting()
    with pytest.raises(BadValue) as remote:
        build(tiny, "dask", DaskEngine(cluster.scheduler_address), telling)
    assert (type(remote.value), str(remote.value)) == (type(local.value), str(local.value))
    # The bad one is among the first two; how many good ones are done before it is known depends on who is quick.
    assert len(telling.done) < PARTS // 2
    assert len(done_parts(tiny.folder / "dask")) >= len(telling.done)
    assert not (tiny.folder / "dask" / "tiny").exists()


OUR_ERRORS = [
    error
    for module in (
        accounting.errors,
        carbonmap.errors,
        gis.errors,
        grids.errors,
        grids.store_errors,
        grids.private_meters,
    )
    for error in vars(module).values()
    if isinstance(error, type) and issubclass(error, Exception)
]


@pytest.mark.parametrize("error", OUR_ERRORS)
def test_errors_of_ours_travel(error):
    text = "source roads: column 'aadt' holds -1; expected 0 or more" + " and so on" * 2000
    found = pickle.loads(pickle.dumps(error(text)))
    assert type(found) is error
    assert str(found) == text


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_stopping_cancels_what_is_under_way_and_keeps_what_is_done(tiny, cluster):
    write_parts(tiny)

    class Stopping(Telling):
        def after(self, worker: str) -> None:
            if len(self.done) == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tiny, "dask", DaskEngine(cluster.scheduler_address), Stopping())
    assert len(done_parts(tiny.folder / "dask")) >= 3
    engine = Asking(DaskEngine(cluster.scheduler_address))
    build(tiny, "dask", engine)
    assert len(engine.asked) <= PARTS - 3


def test_ctrl_c_ends_the_workers_of_this_machine_and_says_how_to_go_on(tiny, project):
    file = write_parts(tiny)
    script = tiny.folder / "command.py"
    script.write_text(
        "if __name__ == '__main__':\n"
        "    import gis.spans\n"
        f"    gis.spans.ROWS_AT_ONCE = {ROWS}\n"
        "    import threading\n"
        "    from carbonmap.cli import main\n"
        "    from carbonmap.dask_engine import _Shift\n"
        "    settle = _Shift._settle\n"
        "    def settle_one(*given):\n"
        "        settle(*given)\n"
        "        threading.Event().wait()\n"  # for Ctrl-C: else a quick build would be over before it
        "    _Shift._settle = settle_one\n"
        "    main()\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(script), "build", str(file), "--store", str(tiny.store), "--engine", "dask"]
    # A session of its own: Ctrl-C on a terminal reaches the command and all its children.
    place = {**os.environ, "PYTHONPATH": str(project)}
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, env=place)
    while not done_parts(tiny.store) and running.poll() is None:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate()
    assert running.returncode == 130, said
    own = [line for line in said.splitlines() if not re.match(r"\[\d+(/\d+)?\] ", line)]
    assert len(own) == 1, said
    assert "stopped before it was done" in own[0]
    assert "goes on" in own[0]
    assert done_parts(tiny.store)
    while alive_in_session(running.pid):  # a worker that stays is the end of this test's patience
        time.sleep(0.05)


# --- who may work -----------------------------------------------------------------------------------------------------


def terms_of(tiny: Any, **other: Any) -> Terms:
    plan, identity = plan_of(tiny)
    identity["code"] |= other
    return Terms.of(plan, WorkFolder(tiny.folder / "work"), identity)


def changed(terms: Terms, **other: Any) -> Terms:
    return Terms(**(vars(terms) | other))


def test_a_worker_with_the_same_of_everything_may_work(tiny):
    write_parts(tiny)
    assert fault_of(terms_of(tiny)) is None


def test_a_worker_with_other_code_or_libraries_may_not(tiny):
    write_parts(tiny)
    terms = terms_of(tiny)
    older = {**terms.code["libraries"], "pyarrow": "1.0"}
    missing = {**terms.code["libraries"], "newlib": "2.0"}
    for code, said in (
        ({"version": "0.0.1"}, "the build 0.0.1"),
        ({"sha256": "0" * 64}, "other code of carbonmap"),
        ({"libraries": older}, "instead of 1.0"),
        ({"libraries": missing}, "newlib None instead of 2.0"),
    ):
        assert said in str(fault_of(changed(terms, code={**terms.code, **code})))
    assert "factor tables" in str(fault_of(changed(terms, factors={})))
    assert "rounds otherwise" in str(fault_of(changed(terms, rounding="0" * 64)))


def test_a_worker_with_other_inputs_may_not(tiny):
    write_parts(tiny)
    terms = terms_of(tiny)
    roads = tiny.folder / "roads.parquet"
    assert str(tiny.folder / "away") in str(fault_of(changed(terms, folder=tiny.folder / "away")))
    os.utime(roads, ns=(1, 1))
    assert fault_of(terms) is None  # a copy of the same bytes will do
    content = bytearray(roads.read_bytes())
    content[len(content) // 2] ^= 1
    roads.write_bytes(content)
    assert f"{roads} is another file" in str(fault_of(terms))
    roads.unlink()
    assert f"cannot read the input {roads}" in str(fault_of(terms))


def test_a_worker_that_does_not_see_the_store_may_not(tiny, tmp_path):
    write_parts(tiny)
    terms = terms_of(tiny)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    said = str(fault_of(changed(terms, work=elsewhere)))
    assert str(elsewhere) in said
    assert "mount the store" in said


def test_a_worker_that_comes_too_late_leaves_nothing_behind(tiny, monkeypatch):
    write_parts(tiny)
    plan, identity = plan_of(tiny)
    work = WorkFolder(tiny.folder / "work")
    terms = Terms.of(plan, work, identity)
    part = parts_of(plan.region.sources[0], plan)[0]

    def published_meanwhile(*given: Any) -> Any:
        work.remove()
        return None, None

    monkeypatch.setattr(dask_worker, "work_part", published_meanwhile)
    assert "is over" in str(work_order(terms, pickle.dumps(part)).refused)
    assert not work.folder.exists()


def test_when_all_workers_are_refused_the_build_says_why(tiny, cluster, caplog):
    write_parts(tiny)

    class Elsewhere(DaskEngine):
        def work(self, parts: Any, plan: Any, work: Any, identity: Any, progress: Any) -> None:
            libraries = {**identity["code"]["libraries"], "GEOS": "3.1.0"}
            super().work(
                parts, plan, work, {**identity, "code": {**identity["code"], "libraries": libraries}}, progress
            )

    with pytest.raises(
        EngineError, match=r"no worker of tcp://\S+ may work on this build; .*GEOS \S+ instead of 3\.1\.0"
    ):
        build(tiny, "dask", Elsewhere(cluster.scheduler_address))
    assert done_parts(tiny.folder / "dask") == {}


# --- the shift, by a scheduler that plays a script --------------------------------------------------------------------


class Played:
    """A scheduler whose workers come, go and answer as a test says."""

    def __init__(self, *present: list[str], answers: dict[str, Any] | None = None) -> None:
        self.present, self.answers, self.given = list(present), answers or {}, list[tuple[str, Part]]()

    def nthreads(self) -> dict[str, int]:
        now = self.present.pop(0) if len(self.present) > 1 else self.present[0]
        return dict.fromkeys(now, 1)

    def submit(self, run: Any, terms: Any, order: bytes, workers: list[str], **_: Any) -> Any:
        self.given.append((workers[0], pickle.loads(order)))
        answer = self.answers.get(workers[0])

        def call_back(take: Any) -> None:
            if answer is not None:
                take(future)

        future = SimpleNamespace(
            status="finished", result=lambda timeout: answer, cancel=lambda: None, add_done_callback=call_back
        )
        return future

    def cancel(self, orders: Any, force: bool) -> None:
        self.cancelled = orders


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(dask_engine, "LOOK_AGAIN_S", 0.01)

    def run(client: Played, parts: int = 2, patience_s: float = 600.0) -> Telling:
        telling = Telling()
        orders = [Part("roads", number, parts) for number in range(parts)]
        terms: Any = None
        dask_engine._Shift(client, terms, orders, telling, "tcp://here:1", patience_s).run()
        return telling

    return run


def test_when_only_a_refused_worker_is_left_another_one_is_waited_for(shift, caplog):
    """The one that died may be started again, under another address."""
    ok = dask_worker.Outcome()
    answers = {"tcp://a:1": dask_worker.Outcome(refused="other code"), "tcp://b:1": ok, "tcp://b:2": ok}
    both, left, again = ["tcp://a:1", "tcp://b:1"], ["tcp://a:1"], ["tcp://a:1", "tcp://b:2"]
    telling = shift(Played(both, left, left, left, again, answers=answers), parts=4)
    assert sorted(Counter(worker for _, worker in telling.done)) == ["tcp://b:1", "tcp://b:2"]
    with pytest.raises(EngineError, match=r"no worker for 0 s.*Refused were worker tcp://a:1: other code"):
        shift(Played(both, left, answers=answers), parts=4, patience_s=0.05)


def test_a_part_that_kills_its_workers_is_given_up(shift):
    client = Played(["tcp://a:1"], ["tcp://b:1"], ["tcp://c:1"], ["tcp://d:1"])
    with pytest.raises(EngineError, match=r"roads, part 1 of 2 was given to 3 workers.*tcp://c:1.*memory"):
        shift(client)
    assert [address for address, _ in client.given] == ["tcp://a:1", "tcp://b:1", "tcp://c:1"]


def test_a_refused_worker_gets_no_more_and_the_others_do_its_part(shift, caplog):
    answers = {"tcp://a:1": dask_worker.Outcome(refused="it has other libraries"), "tcp://b:1": dask_worker.Outcome()}
    client = Played(["tcp://a:1", "tcp://b:1"], answers=answers)
    telling = shift(client, parts=5)
    assert len(telling.done) == 5
    assert Counter(address for address, _ in client.given)["tcp://a:1"] == 1
    assert telling.said[-1].endswith("(1 worker)")
    assert "worker tcp://a:1 is not used: it has other libraries" in caplog.text


def test_without_any_worker_the_build_waits_a_while_and_says_how_to_start_one(shift):
    with pytest.raises(EngineError, match="no worker for 0 s: start some with `dask worker tcp://here:1`"):
        shift(Played([]), patience_s=0.05)


# --- asking for an engine ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:8786", "http://host:8786", "tcp://host", "tcp://:8786", "tcp://host:0", "tcp://host:99999", ""],
)
def test_what_is_no_address_of_a_scheduler_is_refused(address, tiny, command):
    with pytest.raises(RegionError, match="tcp://HOST:PORT"):
        checked_address(address)


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tls://scheduler.example-net.org:8786", "tcp://[::1]:8786"]
)
def test_addresses_of_schedulers(address):
    assert checked_address(address) == address


def test_a_scheduler_that_does_not_answer_is_noticed_first(tiny, command, monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 1)
    file = write_parts(tiny)
    code, _, said = command(
        "build", file, "--store", tiny.store, "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9"
    )
    assert code == 2
    assert said.startswith("carbonmap: no Dask scheduler answers at tcp://127.0.0.1:9")
    assert len(said.splitlines()) == 1
    assert not tiny.store.exists()


def test_a_build_that_fails_leaves_no_sign_that_it_is_under_way(tiny, monkeypatch):
    """A worker that is still busy would go by it, and keep a part that nobody waits for."""
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.2)
    write_parts(tiny)
    plan, identity = plan_of(tiny)
    work = WorkFolder(tiny.folder / "work")
    with pytest.raises(EngineError, match="no Dask scheduler answers"):
        DaskEngine("tcp://127.0.0.1:9").work([Part("roads", 0, 1)], plan, work, identity, Silent())
    assert work.folder.is_dir()
    assert list(work.folder.glob("build-*")) == []


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_what_is_no_scheduler_is_refused(greeting, monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connection, contextlib.suppress(ConnectionError):
                connection.sendall(greeting)
                connection.recv(1)  # until the other side hangs up

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(EngineError, match="is no Dask scheduler"):
            DaskEngine(f"tcp://127.0.0.1:{listener.getsockname()[1]}").reach()
        answering.join()


def test_tls_without_certificates_says_what_is_missing():
    with pytest.raises(EngineError, match=r"distributed\.comm\.tls"):
        DaskEngine("tls://127.0.0.1:9").reach()


def test_a_scheduler_without_dask_is_refused(tiny, command):
    code, _, said = command("build", write_parts(tiny), "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2
    assert "--scheduler is for --engine dask" in said


def test_without_dask_installed_the_remedy_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "carbonmap.dask_engine")
    monkeypatch.delitem(sys.modules, "carbonmap.dask_cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RegionError, match=r"pip install 'carbonmap\[dask\]'"):
        engine_named("dask", None)


def test_nothing_is_started_where_nothing_is_to_do(tiny):
    write_parts(tiny)
    plan, identity = plan_of(tiny)
    with EditionWriter(tiny.store, "tiny", "0" * 16, crs=plan.region.crs) as writer:
        DaskEngine().work([], plan, WorkFolder(writer.work_folder), identity, Silent())
    assert isinstance(engine_named("local", None), LocalEngine)
