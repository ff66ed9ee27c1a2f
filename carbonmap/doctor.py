"""`carbonmap doctor`: whether this machine, this installation and this store are fit, each finding with its remedy."""

import contextlib
import importlib
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from accounting.errors import AccountingError
from carbonmap.errors import RegionError
from carbonmap.inputs import input_files
from carbonmap.region import RegionFile
from carbonmap.resources import MissingResource, data_folder, web_folder
from carbonmap.sectors import Accounts
from gis.errors import GisError, listed
from grids.edition import Store, file_digest
from grids.errors import GridError
from grids.manifest import Manifest
from grids.store_errors import EditionError
from grids.wholeness import damaged_aside, has_digests

Level = Literal["ok", "warning", "error"]

PYTHONS = ((3, 11), (3, 13))
_LIBRARIES = (
    "numpy", "pandas", "shapely", "pyproj", "pyogrio", "rasterio", "osmium", "pyarrow", "numba", "h3", "fastapi",
)  # fmt: skip
_EXTRAS = {"distributed": "builds on several machines (--engine dask): pip install 'carbonmap[dask]'"}
_GIB = 1 << 30
_LEAST_MEMORY = 2 * _GIB
_GOOD_MEMORY = 4 * _GIB
_LEAST_DISK = 1 * _GIB
_GOOD_DISK = 5 * _GIB


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at.

    Attributes:
        level: `ok`, `warning` (works, but look at it), `error` (will not work).
        part: environment, machine, installation, store, region, port.
        what: what was found.
        remedy: what to do; empty where nothing is to be done.
    """

    level: Level
    part: str
    what: str
    remedy: str = ""


def examine(
    store: Path, *, region: str | None = None, inputs: Path | None = None, host: str, port: int, deep: bool = False
) -> Iterator[Diagnosis]:
    """Look at everything that a build or a server needs; nothing is changed.

    Args:
        store: of editions; need not be there yet.
        region: a region file to look at, too.
        inputs: where its files are.
        host: where a server would listen.
        port: on that host.
        deep: compare every table with its digest, which reads the whole store.
    """
    yield from _environment()
    yield from _machine(store)
    yield from _installation()
    yield from _store(store, deep=deep)
    if region is not None:
        yield from _region(region, inputs)
    yield _port(host, port)


def _environment() -> Iterator[Diagnosis]:
    now = sys.version_info[:2]
    said = f"Python {sys.version.split()[0]} on {sys.platform}"
    low, high = PYTHONS
    if now < low:
        yield Diagnosis("error", "environment", said, f"use Python {low[0]}.{low[1]} to {high[0]}.{high[1]}")
    elif now > high:
        yield Diagnosis("warning", "environment", said, f"tested up to Python {high[0]}.{high[1]}")
    else:
        yield Diagnosis("ok", "environment", said)
    if sys.maxsize < 2**32:
        yield Diagnosis(
            "error", "environment", "a Python of 32 bits", "install a Python of 64 bits: memory ends at 2 GiB"
        )
    broken = []
    for name in _LIBRARIES:
        try:
            importlib.import_module(name)
        except Exception as problem:  # noqa: BLE001 - a library may fail to load in any way, and that is the finding
            broken.append(f"{name} ({type(problem).__name__}: {problem})"[:200])
    if broken:
        remedy = "install again: pip install --force-reinstall carbonmap, or make install in a checkout"
        yield Diagnosis("error", "environment", f"cannot be loaded: {listed(broken)}", remedy)
    else:
        yield Diagnosis(
            "ok", "environment", f"libraries load: {', '.join(f'{n} {version(n)}' for n in _LIBRARIES[:6])} ..."
        )
    yield from _versions()
    for name, what_for in _EXTRAS.items():
        try:
            yield Diagnosis("ok", "environment", f"optional: {name} {version(name)}")
        except PackageNotFoundError:
            yield Diagnosis("ok", "environment", f"optional: {name} is not installed; it is for {what_for}")


def _versions() -> Iterator[Diagnosis]:
    """Libraries older than what the installation asks for."""
    try:
        wanted = requires("carbonmap") or []
    except PackageNotFoundError:
        yield Diagnosis("ok", "environment", "carbonmap runs from its source folder, not installed")
        return
    missing, old = [], []
    for line in wanted:
        if "extra ==" in line or "win32" in line:
            continue
        asked = re.match(r"([A-Za-z0-9._-]+)", line)
        at_least = re.search(r">=\s*([0-9.]+)", line)
        if asked is None:
            continue
        name, least = asked[1], at_least[1] if at_least else ""
        try:
            if least and _numbers(version(name)) < _numbers(least):
                old.append(f"{name} {version(name)} (at least {least})")
        except PackageNotFoundError:
            missing.append(name)
    if missing or old:
        remedy = "pip install --upgrade carbonmap, or make install in a checkout"
        yield Diagnosis("error", "environment", f"missing: {listed(missing)}; too old: {listed(old)}", remedy)


def _numbers(text: str) -> tuple[int, ...]:
    numbers = []
    for part in text.split("."):
        digits = "".join(character for character in part if character.isdigit())
        if not digits or not part[0].isdigit():
            break
        numbers.append(int(digits))
    return tuple(numbers)


def memory_bytes() -> int | None:
    """Memory that this process may use: that of the machine, or of its container; None where nothing says so."""
    found = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(limit).read_text("ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            found.append(int(text))
    return min(found, default=None)


def _machine(store: Path) -> Iterator[Diagnosis]:
    memory = memory_bytes()
    cores = os.cpu_count() or 1
    said = f"{cores} processors, " + ("memory unknown" if memory is None else f"{memory / _GIB:.1f} GiB of memory")
    if memory is not None and memory < _LEAST_MEMORY:
        yield Diagnosis("error", "machine", said, "a build of a town takes 2 GiB: use a larger machine or container")
    elif memory is not None and memory < _GOOD_MEMORY:
        yield Diagnosis("warning", "machine", said, "enough for towns; a province of 100 m cells takes 4 GiB")
    else:
        yield Diagnosis("ok", "machine", said)
    for what, folder in (("store", _nearest(store)), ("temporary files", Path(tempfile.gettempdir()))):
        yield _disk(what, folder)


def _disk(what: str, folder: Path) -> Diagnosis:
    free = shutil.disk_usage(folder).free
    said = f"{free / _GIB:.1f} GiB free for {what} in {folder}"
    if not os.access(folder, os.W_OK):
        return Diagnosis(
            "error", "machine", f"{folder} cannot be written ({what})", "choose another with --store, or TMPDIR"
        )
    if free < _LEAST_DISK:
        return Diagnosis(
            "error", "machine", said, "free some: a town's edition takes 0.1 to 1 GiB, and as much while built"
        )
    if free < _GOOD_DISK:
        return Diagnosis("warning", "machine", said, "enough for towns; a province takes 5 GiB")
    return Diagnosis("ok", "machine", said)


def _nearest(path: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    path = path.resolve()
    while not path.is_dir():
        path = path.parent
    return path


def _installation() -> Iterator[Diagnosis]:
    from carbonmap.warm_up import is_cold

    try:
        yield Diagnosis("ok", "installation", f"factor tables, schemas and templates in {data_folder()}")
    except MissingResource as problem:
        yield Diagnosis("error", "installation", str(problem), "install again")
    web = web_folder()
    if web is None:
        remedy = "make web in a checkout (needs Node), or install the wheel; the API works without it"
        yield Diagnosis("warning", "installation", "the web map is not built: `/` will answer 503", remedy)
    else:
        yield Diagnosis("ok", "installation", f"web map in {web}")
    if is_cold():
        remedy = "nothing; or python -m carbonmap.warm_up now"
        yield Diagnosis("ok", "installation", "the first build will compile for half a minute", remedy)
    else:
        yield Diagnosis("ok", "installation", "compiled for this machine")


def _store(store: Path, *, deep: bool) -> Iterator[Diagnosis]:
    if not store.is_dir():
        yield Diagnosis("ok", "store", f"{store} is not there yet; the first build makes it")
        return
    try:
        regions = Store(store).regions()
    except EditionError as problem:
        yield Diagnosis("error", "store", str(problem), "check the folder's owner and mode")
        return
    if not regions:
        yield Diagnosis("ok", "store", f"{store}: nothing is published yet (carbonmap build REGION)")
    for name in regions:
        yield _edition(store, name, deep=deep)
    # Locks stay there as files; what a build is working on is a folder with something in it.
    work = [folder for folder in (store / ".incoming").glob("*/") if any(folder.iterdir())]
    if work:
        remedy = (
            "the same build goes on from them, the next restore clears a stopped one; delete them if it is not wanted "
            "any more and none is running"
        )
        yield Diagnosis(
            "warning", "store", f"parts of {len(work)} builds or restores that were stopped, or are running", remedy
        )


def _edition(store: Path, region: str, *, deep: bool) -> Diagnosis:
    try:
        edition = Store(store).open(region)
    except EditionError as problem:
        return Diagnosis("error", "store", f"{region}: {problem}", f"carbonmap build {region}, or restore a backup")
    wrong = damaged_tables(edition.folder, edition.manifest, deep=deep)
    if deep:
        try:
            wrong += [f"{name} is missing, or not what was published" for name in damaged_aside(edition.folder)]
        except OSError as problem:
            remedy = "run doctor as the user of the server, who must be the one that builds; docs/deploy.md"
            return Diagnosis("error", "store", f"{region}: {problem}", remedy)
    if wrong:
        remedy = "build it again: the same inputs give the same bytes; or restore a backup"
        return Diagnosis("error", "store", f"{region}, edition {edition.id}: {listed(wrong, 5)}", remedy)
    count = sum(len(collection.tables) for collection in edition.manifest.collections)
    how = "digests agree" if deep else "sizes agree; --deep compares digests, too"
    if deep and not has_digests(edition.folder):
        what = f"{region}: edition {edition.id}, {count} tables, digests agree; private and context ones cannot be told"
        return Diagnosis("warning", "store", what, "an older program built it: build it again to have their digests")
    return Diagnosis("ok", "store", f"{region}: edition {edition.id}, {count} tables, {how}")


def damaged_tables(folder: Path, manifest: Manifest, *, deep: bool) -> list[str]:
    """Public tables of an edition that are missing, of another size or, with `deep`, of another digest."""
    wrong = []
    for collection in manifest.collections:
        for year, table in collection.tables.items():
            file = folder / "tables" / collection.id / f"{year}.parquet"
            name = f"{collection.id}/{year}"
            if not file.is_file():
                wrong.append(f"{name} is missing")
            elif file.stat().st_size != table.bytes:
                wrong.append(f"{name} has {file.stat().st_size:,} bytes, its manifest says {table.bytes:,}")
            elif deep and file_digest(file) != table.sha256:
                wrong.append(f"{name} is not what was published (its digest differs)")
    return wrong


def _region(name: str, inputs: Path | None) -> Iterator[Diagnosis]:
    try:
        file = RegionFile(name, inputs)
        Accounts.of(file.region)
    except (RegionError, GisError, GridError, AccountingError) as problem:
        yield Diagnosis("error", "region", str(problem), "correct the region file; docs/region-file.md")
        return
    missing = [name for name, path in input_files(file.region, file.inputs).items() if not path.is_file()]
    if missing:
        remedy = "copy them there, or name their folder with --inputs; docs/data-sources.md says where to get them"
        yield Diagnosis("error", "region", f"{file.path}: not in {file.inputs}: {listed(missing, 8)}", remedy)
    else:
        yield Diagnosis("ok", "region", f"{file.path}: all its files are there; carbonmap check looks into them")


def _port(host: str, port: int) -> Diagnosis:
    try:
        with socket.create_server((host, port)):
            return Diagnosis("ok", "port", f"{host}:{port} is free")
    except OSError as problem:
        remedy = "stop what listens there, or serve with --port"
        return Diagnosis(
            "warning", "port", f"{host}:{port} cannot be listened on ({problem.strerror or problem})", remedy
        )
