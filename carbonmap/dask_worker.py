"""What a Dask worker does of a build: one part at a time, after it has seen that it may.

Part files may come from any worker, so each must have the same code, libraries, factor tables and inputs as the
machine that asked, round like it, and see the same store. A worker of which that is not true does nothing, and says so.
"""

import functools
import hashlib
import logging
import math
import os
import pickle
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pyproj

from accounting.errors import AccountingError
from carbonmap.errors import RegionError
from carbonmap.fetched import ObjectFolder, versions_in
from carbonmap.manifest import code_identity, table_digests
from carbonmap.parts import Part, WorkFolder, work_part
from carbonmap.plan import Plan
from carbonmap.region import RegionFile
from carbonmap.resources import MissingResource
from carbonmap.seals import InputSeals
from gis.errors import GisError
from gis.raw import Opened
from grids.edition import file_digest
from grids.errors import GridError

OURS = (RegionError, GisError, AccountingError, GridError, MissingResource, OSError, MemoryError)
"""Errors that say what is wrong in words; they go back as they are."""


@dataclass(frozen=True)
class Terms:
    """What is to be the same on every machine that works on a build.

    Attributes:
        token: of this run of the build; the work folder holds a file of that name.
        code: version and digest of our code, versions of libraries (`carbonmap.manifest.identity_of`).
        factors: digests of factor tables and schemas.
        rounding: see `rounding`.
        inputs: of every input file `file`, `bytes`, `sha256`, `mtime_ns`.
        folder: where the inputs are.
        work: where parts are kept.
        region: the region file, pickled; opened when all else is known to be the same.
        address: of the object store that the inputs were fetched from, if workers are to read from there.
        versions: of the objects that were fetched.
    """

    token: str
    code: Mapping[str, Any]
    factors: Mapping[str, str]
    rounding: str
    inputs: Sequence[Mapping[str, Any]]
    folder: Path
    work: Path
    region: bytes
    address: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, work: WorkFolder, identity: Mapping[str, Any], *, far: bool = False) -> "Terms":
        """The terms of a build, which begins with this: leaves the file in the work folder that workers look for.

        Args:
            plan: the region.
            work: where parts are kept.
            identity: of the edition.
            far: whether workers may be on other machines, which read from an object store themselves.
        """
        token = os.urandom(8).hex()
        folder = work.folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        inputs = [
            {**entry, "mtime_ns": (plan.inputs / entry["file"]).stat().st_mtime_ns} for entry in identity["inputs"]
        ]
        work.check()  # else workers would take these times for those of the digests
        terms = cls(
            token,
            identity["code"],
            identity["factors"],
            rounding(plan.region.crs),
            inputs,
            plan.inputs,
            folder,
            pickle.dumps(plan.file),
            plan.file.address if far else None,
            versions_in(plan.inputs) if far and plan.file.address else {},
        )
        terms.sign.touch()
        return terms

    @property
    def sign(self) -> Path:
        """The file that whoever sees the same store sees, as long as the build is under way."""
        return self.work / f"build-{self.token}"

    @property
    def paths(self) -> dict[str, Path]:
        """The input files by name."""
        return {entry["file"]: self.folder / entry["file"] for entry in self.inputs}


@dataclass(frozen=True)
class Outcome:
    """What became of a part: kept (neither is given), not begun and why, or the error it ended in."""

    refused: str | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class _Joined:
    """A build that this process works on: its plan, and what the inputs looked like before they were compared."""

    plan: Plan
    seals: InputSeals


_turn = threading.Lock()
_joined: dict[str, _Joined] = {}
_log = logging.getLogger(__name__)


def work_order(terms: Terms, order: bytes) -> Outcome:
    """Work on a part on a worker, and keep it in the build's work folder.

    However many threads a worker has, it works on one part at a time: the compiled code runs on threads of its own,
    and memory is that of one part.

    Args:
        terms: of the build.
        order: the part, pickled.
    """
    with _turn:
        seals = InputSeals(lambda: terms.paths)
        fault = None if terms.token in _joined else fault_of(terms)
        if fault is not None:
            return Outcome(refused=f"{fault} (on {socket.gethostname()})")
        try:
            build = _build(terms, seals)
            part: Part = pickle.loads(order)
            work = WorkFolder(terms.work, build.seals.check)
            if work.record(part) is None:
                worked = work_part(build.plan, part, work)
                if not terms.sign.exists():  # others finished the build meanwhile: nobody waits for this part any more
                    return Outcome(refused="the build is over")
                work.keep(part, *worked)
        except OURS as error:
            return Outcome(error=error)
    return Outcome()


def _build(terms: Terms, seals: InputSeals) -> _Joined:
    """The build that a part belongs to; the one before it is forgotten."""
    if terms.token not in _joined:
        _joined.clear()
        file: RegionFile = pickle.loads(terms.region)
        _joined[terms.token] = _Joined(Plan(file, _opened(terms)), seals)
    return _joined[terms.token]


def _opened(terms: Terms) -> Opened | None:
    """Opens inputs in the object store that they were fetched from; None if this machine reads them from the store.

    A machine that may not read there, or has no way to it, finds the same bytes in the store. One input of this build
    is tried: what was fetched for another one may be gone from there.
    """
    tried = next((entry["file"] for entry in terms.inputs if entry["file"] in terms.versions), None)
    if terms.address is None or tried is None:
        return None
    try:
        objects = ObjectFolder(terms.address)
        with objects.opened(tried, terms.versions[tried]):
            pass
    except RegionError as problem:
        _log.warning("inputs are read from %s: %s", terms.folder, problem)
        return None
    return lambda name: objects.opened(name, terms.versions[name])


def fault_of(terms: Terms) -> str | None:
    """Why this process may not work on a build; None if it may."""
    return _code_fault(terms) or _input_fault(terms) or _store_fault(terms)


_code_here = functools.cache(code_identity)
"""Asked once per process: what was imported counts, not what has been put on disk since."""


def _code_fault(terms: Terms) -> str | None:
    try:
        here = _code_here()
    except PackageNotFoundError as problem:
        return f"a library is missing there: {problem.name}"
    theirs, ours = terms.code["libraries"], here["libraries"]
    differ = [f"{name} {ours.get(name)} instead of {theirs[name]}" for name in theirs if ours.get(name) != theirs[name]]
    if here["version"] != terms.code["version"]:
        return f"it runs carbonmap {here['version']}, the build {terms.code['version']}: install the same one there"
    if here["sha256"] != terms.code["sha256"]:
        return (
            "it runs other code of carbonmap under the same version: install the same one there, and start the worker "
            "again if that was done while it ran"
        )
    if differ:
        return f"it has other libraries: {', '.join(differ)}; install the same ones there"
    if table_digests() != terms.factors:
        return "it has other factor tables or schemas: install the same carbonmap there"
    crs = pickle.loads(terms.region).region.crs
    if rounding(crs) != terms.rounding:
        return (
            "its processor or its C library rounds otherwise, so that its results would not be the same bytes: use "
            "machines of one kind"
        )
    return None


def _input_fault(terms: Terms) -> str | None:
    if not terms.folder.is_dir():
        return f"it cannot see the inputs folder {terms.folder}: mount it there under the same path"
    for entry in terms.inputs:
        path = terms.folder / entry["file"]
        try:
            found = path.stat()
            if found.st_size == entry["bytes"] and found.st_mtime_ns == entry["mtime_ns"]:
                continue
            same = found.st_size == entry["bytes"] and _digest(path, found.st_mtime_ns) == entry["sha256"]
        except OSError as problem:
            return f"it cannot read the input {path}: {problem.strerror}; mount the inputs there under the same path"
        if not same:
            return f"its input {path} is another file than the build's: give it the same one"
    return None


@functools.lru_cache(maxsize=1024)
def _digest(path: Path, mtime_ns: int) -> str:
    return file_digest(path)


def _store_fault(terms: Terms) -> str | None:
    if not terms.sign.exists():
        return f"it cannot see the store's work folder {terms.work}: mount the store there under the same path"
    trial = terms.sign.with_name(f"{terms.sign.name}-{socket.gethostname()}-{os.getpid()}")
    try:
        trial.touch()
        trial.unlink()
    except OSError as problem:
        return f"it cannot write in the store's work folder {terms.work}: {problem.strerror}"
    return None


@functools.lru_cache(maxsize=8)
def rounding(crs: str) -> str:
    """Digest of what this machine makes of functions whose last bit is left to processor and C library.

    Args:
        crs: the region's; projecting is the most of it.
    """
    x = np.linspace(0.001, 20, 4099)
    digest = hashlib.sha256()
    for function in (np.exp, np.log, np.sin, np.cos, np.tan, np.arctan, np.tanh, np.cbrt):
        digest.update(function(x).tobytes())
    digest.update(np.power(x, 1.7).tobytes())
    digest.update(np.add.reduce(x[:, None] * x[:7], axis=0).tobytes())
    for one in x[::16].tolist():
        digest.update(repr((math.exp(one), math.sin(one), math.pow(one, 1.7), math.atan2(one, 3.0))).encode())
    system = pyproj.CRS.from_user_input(crs)
    area = system.area_of_use
    west, south, east, north = (-180, -80, 180, 80) if area is None else area.bounds
    lon, lat = np.linspace(west, east, 499), np.linspace(south, north, 499)
    for projected in pyproj.Transformer.from_crs("EPSG:4326", system, always_xy=True).transform(lon, lat):
        digest.update(np.asarray(projected).tobytes())
    digest.update(repr(pyproj.Geod(ellps="GRS80").polygon_area_perimeter(lon[:9], lat[::60][:9])).encode())
    return digest.hexdigest()
