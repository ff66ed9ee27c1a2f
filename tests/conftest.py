"""What every test shares: the real inputs, a real PostgreSQL, and that no test skips beside them, nor in CI."""

import contextlib
import itertools
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import hypothesis
import pytest

# No test asserts a time: an example that a busy machine interrupts is no failure.
hypothesis.settings.register_profile("carbonmap", deadline=None)
hypothesis.settings.load_profile("carbonmap")

PROJECT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("CARBONMAP_SHARED", PROJECT.parent / "shared"))
# Tests are no package: what several of them share is imported by its own name.
for _folder in ("api", "browser", "grids"):
    sys.path.append(str(Path(__file__).with_name(_folder)))
NO_INPUTS = "needs the real inputs"
NO_PROGRAM = "needs a program of the system"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(scope="session")
def project() -> Path:
    """The checkout under test."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs beside the project; a clone without it skips, and says so."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"{NO_INPUTS} in {SHARED}, which is not there")
    return SHARED


def free_port() -> int:
    """A port that nobody listens at, and that the system gives to nobody who asks for any: it can be taken later."""
    for port in random.SystemRandom().sample(range(15_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.fail("of 100 ports between 15000 and 32000 none is free")


class PostgreSQL:
    """A server of its own on loopback, in a folder that is thrown away; it may be stopped and started by a test."""

    password = "a:word/with@all%of it"

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self._folder = folder
        # It refuses to run as root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._names = (f"d{number}" for number in itertools.count())
        self.port = free_port()
        if self._as:
            shutil.chown(folder, "postgres")
        words = folder / "password"
        words.write_text(self.password)
        words.chmod(0o644)
        given = ["-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(words), "--no-sync"]
        self._run("initdb", "-D", self._data, *given)

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self.programs / program), *arguments]
        log = self._folder / "log"
        # To files: a server that stays would keep a pipe open.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(command, cwd=self._folder, stdout=said, stderr=said, check=False)
            said.seek(0)
            assert done.returncode == 0, f"{said.read()}\n{log.read_text() if log.exists() else ''}"

    def start(self) -> None:
        given = f"-c listen_addresses=127.0.0.1 -c port={self.port} -k {self._folder} -c fsync=off -c jit=off"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", str(self._folder / "log"), "-o", given, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def url(self, database: str, password: str | None = None) -> str:
        """The address of a database; without the password if it is ""."""
        word = self.password if password is None else password
        return f"postgresql://postgres{':' + quote(word, safe='') if word else ''}@127.0.0.1:{self.port}/{database}"

    def make_database(self) -> str:
        """Make an empty database and give its name."""
        import psycopg

        name = next(self._names)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running PostgreSQL."""
    found = [shutil.which("initdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    programs = [Path(program).parent for program in found if program]
    if not programs:
        pytest.skip(f"{NO_PROGRAM}: a PostgreSQL server (Debian: postgresql-15)")
    with tempfile.TemporaryDirectory(prefix="carbonmap-postgresql-") as name:
        server = PostgreSQL(programs[-1], Path(name))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: tests wait for servers, browsers, disks and what they start."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser's stories first: they wait much, so another process computes meanwhile, and none is left last.

    Beside other processes (`make test`) one of them tells all stories in turn: two browsers that draw without a
    graphics card would be slower than one.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def forbid_skip(report: Report) -> Report:
    """Turn a skip into a failure in CI (`CARBONMAP_CI`) and beside the real inputs: there, a test has what it needs.

    Two reasons stay allowed: that the real inputs are not beside the project, and, but in CI, that a program is not
    installed which no Python package brings.
    """
    strict = bool(os.environ.get("CARBONMAP_CI")) or (SHARED / "data").is_dir()
    if not strict or not report.skipped or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if NO_INPUTS in reason and not (SHARED / "data").is_dir():
        return report
    if NO_PROGRAM in reason and not os.environ.get("CARBONMAP_CI"):
        return report
    report.outcome = "failed"
    report.longrepr = (
        f"{report.nodeid} was skipped, which neither CI nor a checkout beside the real inputs allows. {reason}"
    )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Watch each test's report for skips."""
    return forbid_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Watch each file's collection for skips of the whole file."""
    return forbid_skip((yield))
