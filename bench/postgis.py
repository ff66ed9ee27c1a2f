"""PostGIS: a server of its own on this machine, in a folder that is thrown away, asked through psql."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.cases import Case

FloatArray = NDArray[np.float64]
Run = Callable[[], FloatArray]

_END = "-- end of answer --"
_ACCOUNT = "postgres"


def missing() -> str | None:
    """Why PostGIS cannot take part, or None."""
    programs = _programs()
    if programs is None:
        return "no PostgreSQL server here (Debian: postgresql-15-postgis-3)"
    told = subprocess.run([programs / "pg_config", "--sharedir"], capture_output=True, text=True, check=True)
    if not (Path(told.stdout.strip()) / "extension" / "postgis.control").is_file():
        return "PostgreSQL is here without PostGIS (Debian: postgresql-15-postgis-3)"
    if shutil.which("psql") is None:
        return "no psql here (Debian: postgresql-client-15)"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL refuses to run as root, and there is no runuser"
    return None


@contextmanager
def server() -> Iterator[str]:
    """Start a server on a socket of its own and yield the socket's folder; stop it afterwards."""
    programs = _programs()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="bench-postgis-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _ACCOUNT)
        data = str(folder / "data")
        _run([programs / "initdb", "-D", data, "-U", _ACCOUNT, "-A", "trust", "--no-sync"])
        settings = f"-c listen_addresses= -k {folder} -c fsync=off -c jit=off -c shared_buffers=256MB -c work_mem=256MB"
        _run([programs / "pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start"])
        try:
            subprocess.run([*_psql(str(folder)), "-c", "CREATE EXTENSION postgis"], check=True, capture_output=True)
            yield str(folder)
        finally:
            _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])


def postgis(case: Case) -> Run:
    """A join over a GiST index, then the intersection of every pair; tables and index made beforehand."""
    session = Session(case.place.postgis)
    layer = case.layer
    # A run that was ended for taking too long left its query behind, which holds the tables and a core.
    session.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    session.ask("DROP TABLE IF EXISTS f, t")
    session.ask("CREATE TABLE f (feature int, value float8, g geometry); CREATE TABLE t (target int, g geometry)")
    rows = zip(layer.values.tolist(), shapely.to_wkb(layer.geometries, hex=True), strict=True)
    session.load("f (feature, value, g)", (f"{k}\t{value!r}\t{wkb}" for k, (value, wkb) in enumerate(rows)))
    session.load("t (target, g)", (f"{k}\t{wkb}" for k, wkb in enumerate(shapely.to_wkb(case.targets, hex=True))))
    session.ask("CREATE INDEX ON f USING gist (g); CREATE INDEX ON t USING gist (g)")
    session.ask("VACUUM ANALYZE f")
    session.ask("VACUUM ANALYZE t")
    session.ask(f"SET max_parallel_workers_per_gather = {case.place.threads - 1}")
    session.ask("SET extra_float_digits = 3")
    measure = "ST_Length" if layer.is_lines else "ST_Area"
    # The sums themselves are asked for: over a bare count(*) the planner leaves the intersections out.
    query = (
        "SELECT target, sum(CASE WHEN ST_CoveredBy(f.g, t.g) THEN value "
        f"ELSE value * {measure}(ST_Intersection(f.g, t.g)) / {measure}(f.g) END) "
        "FROM f JOIN t ON ST_Intersects(f.g, t.g) GROUP BY target"
    )

    def run() -> FloatArray:
        totals = np.zeros(case.targets.size)
        for line in session.ask(query):
            target, total = line.split("|")
            totals[int(target)] = float(total)
        return totals

    return run


class Session:
    """One psql that stays connected, so that starting it is not measured."""

    def __init__(self, folder: str) -> None:
        self._psql = subprocess.Popen(
            [*_psql(folder), "-q", "-A", "-t"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._end = weakref.finalize(self, _end, self._psql)  # whoever forgets to close it leaves nothing behind

    def close(self) -> None:
        """End psql."""
        self._end()

    def ask(self, sql: str) -> list[str]:
        """The lines of the answer.

        Raises:
            RuntimeError: what the server complained of.
        """
        assert self._psql.stdin is not None
        self._psql.stdin.write(f"{sql};\n\\echo {_END}\n")
        return self._answer()

    def load(self, table: str, lines: Iterator[str]) -> None:
        """Fill a table from tab separated lines."""
        assert self._psql.stdin is not None
        self._psql.stdin.write(f"COPY {table} FROM STDIN;\n")
        self._psql.stdin.writelines(f"{line}\n" for line in lines)
        self._psql.stdin.write(f"\\.\n\\echo {_END}\n")
        self._answer()

    def _answer(self) -> list[str]:
        assert self._psql.stdin is not None
        assert self._psql.stdout is not None
        self._psql.stdin.flush()
        lines: list[str] = []
        for line in self._psql.stdout:
            if line.rstrip("\n") == _END:
                return lines
            if "ERROR" in line:
                break
            lines.append(line.rstrip("\n"))
        raise RuntimeError(f"PostGIS: {line.strip()}")


def _end(psql: subprocess.Popen[str]) -> None:
    """End psql; a server that is stopped has ended it already."""
    with psql, contextlib.suppress(BrokenPipeError):
        assert psql.stdin is not None
        psql.stdin.close()


def _programs() -> Path | None:
    """The folder of PostgreSQL's programs: on PATH, else the newest that Debian put aside."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    return debian[-1].parent if debian else None


def _psql(folder: str) -> list[str]:
    # The same program in the same folder as the server's; errors end the question they belong to.
    return ["psql", "-X", "-h", folder, "-U", _ACCOUNT, "-d", _ACCOUNT, "-v", "ON_ERROR_STOP=1"]


def _run(command: list[str | Path]) -> None:
    as_account = ["runuser", "-u", _ACCOUNT, "--"] if os.geteuid() == 0 else []
    # Files, not pipes: the server inherits them and would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [*as_account, *command], stdout=output, stderr=output, cwd=tempfile.gettempdir(), check=False
        )
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{Path(command[0]).name}: {output.read().decode(errors='replace').strip()}")
