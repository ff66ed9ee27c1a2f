"""Inputs in an object store: fetched into the store of editions, where this machine and all workers read them.

Every input is read whole in any case, for its digest; so what is fetched once is as much as must be, and each worker
then reads the row groups of its own parts from the store that all of them mount. What has not changed since is kept.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType

from carbonmap.errors import RegionError
from carbonmap.inputs import named_files, parts_of_file
from carbonmap.region import Region
from gis.errors import did_you_mean, listed

SCHEMES = ("s3", "gs", "abfs", "abfss")
"""Kinds of addresses, as pyarrow reads them: S3 and what speaks like it, Google's and Azure's."""

FOLDER = ".inputs"
"""Of a store of editions: what was fetched, by address."""

_BLOCK = 8 << 20
_VERSIONS = ".versions.json"


def is_address(inputs: str) -> bool:
    """Whether inputs are named by an address and not by a folder."""
    return "://" in inputs


class ObjectFolder:
    """A folder of an object store.

    Attributes:
        name: its address, without what stands behind a question mark.
    """

    def __init__(self, address: str) -> None:
        """Get ready to ask; nothing is asked yet.

        Args:
            address: `s3://BUCKET/FOLDER`; `gs` and `abfs` likewise. Options of pyarrow's may follow (`?region=`,
                `endpoint_override=` ...); credentials are those of the environment or the machine.

        Raises:
            RegionError: no such address, or one with credentials in it.
        """
        parts = urlsplit(address)
        if parts.scheme not in SCHEMES or not parts.netloc:
            raise RegionError(
                f"--inputs {parts.scheme}://...: expected a folder, or an address of an object store "
                f"({', '.join(f'{scheme}://' for scheme in SCHEMES)}) such as s3://BUCKET/FOLDER"
            )
        if parts.password or (parts.scheme == "s3" and parts.username):
            raise RegionError(
                "--inputs: an address is written into logs, so credentials do not belong in it; give them by the "
                "environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or by the machine's role"
            )
        self.name = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._address = address
        try:
            with _told(self.name):
                self._files, root = FileSystem.from_uri(address)
        except (pa.ArrowException, ValueError) as problem:
            raise RegionError(f"--inputs {self.name}: no address that can be read ({problem})") from problem
        self._root = root.rstrip("/")

    def fetch(self, region: Region, store: Path, told: Callable[[str], None]) -> Path:
        """Fetch every file that a region names, unless it is there already and has not changed.

        Args:
            region: names the files.
            store: of editions; gets a folder of its own for each address.
            told: gets a sentence per file that is fetched.

        Returns:
            The folder they are in, as `--inputs` takes one.

        Raises:
            RegionError: an object that is not there, may not be read, or changed while it was read; or no answer.
        """
        folder = store / FOLDER / hashlib.sha256(self._address.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        versions = _Versions(folder / _VERSIONS)
        for name in named_files(region):
            there = dict(self._found(parts_of_file(name)))
            kept = {part.casefold() for part in there}
            for part in parts_of_file(name):
                if part.casefold() not in kept:  # it has gone from beside the others since it was fetched
                    (folder / part).unlink(missing_ok=True)
            for part, found in there.items():
                if not versions.holds(part, self._version(part, found)):
                    told(f"fetching {part} from {self.name} ({found.size / 1e6:,.1f} MB)")
                    versions.note(part, self._fetch(part, folder / part))
        return folder

    @contextmanager
    def opened(self, name: str, version: str) -> Iterator[Any]:
        """An object to read parts of, as pyarrow opens it.

        Args:
            name: as the region file has it.
            version: that it must still be, see `versions_in`.

        Raises:
            RegionError: it is not there, may not be read, or is another version before or after what is read of it;
                also from what reads of it.
        """
        path = f"{self._root}/{name}"
        with _told(f"{self.name}/{name}"):
            info = self._files.get_file_info(path)
            if info.type != FileType.File:
                raise self._missing(name)
            with self._files.open_input_file(path) as source:
                self._refuse_other(name, version, version_of(source, info))
                try:
                    yield source
                except Exception:  # what makes no sense may be of another version
                    self._refuse_other(name, version, self._version_now(path))
                    raise
                self._refuse_other(name, version, self._version_now(path))

    def _refuse_other(self, name: str, version: str, now: str | None) -> None:
        if now != version:
            raise RegionError(
                f"{self.name}/{name} changed since it was fetched; let whoever writes it finish, build again"
            )

    def _version_now(self, path: str) -> str | None:
        """The version of an object; None if it is not there any more."""
        info = self._files.get_file_info(path)
        if info.type != FileType.File:
            return None
        with self._files.open_input_file(path) as opened:
            return version_of(opened, info)

    def _found(self, parts: Sequence[str]) -> Iterator[tuple[str, FileInfo]]:
        """What there is of a file; all but the first of its parts may be missing."""
        with _told(f"{self.name}/{parts[0]}"):
            infos = self._files.get_file_info([f"{self._root}/{part}" for part in parts])
        if infos[0].type != FileType.File:
            raise self._missing(parts[0])
        yield from ((part, info) for part, info in zip(parts, infos, strict=True) if info.type == FileType.File)

    def _missing(self, name: str) -> RegionError:
        parent = f"{self._root}/{name}".rpartition("/")[0]
        with _told(self.name):
            infos = self._files.get_file_info(FileSelector(parent, allow_not_found=True))
        there = sorted(info.base_name for info in infos)
        return RegionError(
            f"no object {name!r} in {self.name}; there {'are' if there else 'is'}: {listed(there) or 'nothing'}."
            f"{did_you_mean(name.rpartition('/')[2], there)} Choose the folder with --inputs"
        )

    def _version(self, name: str, info: FileInfo) -> str:
        with _told(f"{self.name}/{name}"), self._files.open_input_file(info.path) as opened:
            return version_of(opened, info)

    def _fetch(self, name: str, to: Path) -> str:
        """Copy an object beside its place and rename it; returns the version that it is."""
        path = f"{self._root}/{name}"
        to.parent.mkdir(parents=True, exist_ok=True)
        fresh = to.with_name(f"{to.name}.{os.getpid()}-{os.urandom(4).hex()}")
        try:
            with _told(f"{self.name}/{name}"):
                before = self._files.get_file_info(path)
                with self._files.open_input_file(path) as source, fresh.open("wb") as copy:
                    version = version_of(source, before)
                    while block := source.read(_BLOCK):
                        copy.write(block)
                after = self._files.get_file_info(path)
                if after.type == FileType.File:
                    with self._files.open_input_file(path) as again:
                        is_same = version_of(again, after) == version
            if after.type != FileType.File or not is_same or fresh.stat().st_size != after.size:
                raise RegionError(
                    f"{self.name}/{name} changed while it was fetched; let whoever writes it finish, and build again"
                )
            fresh.replace(to)
            return version
        finally:
            fresh.unlink(missing_ok=True)


def versions_in(folder: Path) -> dict[str, str]:
    """Which version of each object lies in a folder that `ObjectFolder.fetch` filled."""
    return _Versions(folder / _VERSIONS).known()


def version_of(opened: Any, info: FileInfo) -> str:
    """What tells one content of an object from another: its entity tag, or time and size where there is none."""
    told = {_text(key).lower(): _text(value) for key, value in (opened.metadata() or {}).items()}
    return told.get("etag") or f"{info.mtime_ns}"


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class _Versions:
    """Which version of each object lies in a folder: name -> version and size, noted when the file is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known: dict[str, Any] = dict(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            self._known = {}  # nothing was fetched before, or nobody knows what: it is fetched again

    def holds(self, name: str, version: str) -> bool:
        """Whether the file is there, of this version and as long as it was fetched."""
        try:
            size = (self._path.parent / name).stat().st_size
        except OSError:
            return False
        return self._known.get(name) == [version, size]

    def known(self) -> dict[str, str]:
        """Name -> version."""
        return {name: str(version) for name, (version, _) in self._known.items()}

    def note(self, name: str, version: str) -> None:
        """Note a file that is whole."""
        self._known[name] = [version, (self._path.parent / name).stat().st_size]
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(self._known, sort_keys=True), "utf-8")
        fresh.replace(self._path)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """An object store's troubles in words; pyarrow has one kind of error for nearly all of them."""
    try:
        yield
    except FileNotFoundError as problem:
        raise RegionError(
            f"{what} is not there any more, or never was; look at the address and build again"
        ) from problem
    except OSError as problem:
        text = " ".join(str(problem).split())[:300]
        if isinstance(problem, PermissionError) or any(word in text for word in ("ACCESS_DENIED", "HTTP status 403")):
            remedy = (
                "may not be read: give credentials that may (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the "
                "machine's role), and the bucket's region"
            )
        elif problem.filename is not None:  # a file of this machine
            remedy = "cannot be written here"
        else:
            remedy = "cannot be read; is the address right, and can it be reached from here?"
        raise RegionError(f"{what} {remedy} ({text})") from problem
