"""Which edition this is: digests of files, of code, and of everything a result depends on."""

import hashlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grids.store_errors import EditionError

_BLOCK = 1 << 20


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits, reading it block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def code_digest(packages: Sequence[str]) -> str:
    """Return the SHA-256 of the Python sources of top-level packages, as 64 hex digits.

    Line ends are read as LF, so that a checkout on Windows gives the same digest. Nothing is imported.

    Raises:
        EditionError: a package that cannot be found, or that has no source.
    """
    digest = hashlib.sha256()
    for package in sorted(packages):
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise EditionError(
                f"package {package!r} is not installed as a folder of Python files, so its code cannot be identified"
            )
        folder = Path(next(iter(spec.submodule_search_locations)))
        files = sorted((source.relative_to(folder).as_posix(), source) for source in folder.rglob("*.py"))
        if not files:
            raise EditionError(f"package {package!r} in {folder} has no Python files, so its code cannot be identified")
        for name, source in files:
            text = source.read_bytes().replace(b"\r\n", b"\n")
            digest.update(f"{package}/{name}\0{len(text)}\0".encode())
            digest.update(text)
    return digest.hexdigest()


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 of the names and bytes of all files below a folder, as 64 hex digits.

    Raises:
        EditionError: there are none.
    """
    files = sorted((file.relative_to(folder).as_posix(), file) for file in folder.rglob("*") if file.is_file())
    if not files:
        raise EditionError(f"{folder} has no files, so what they add to answers cannot be identified")
    digest = hashlib.sha256()
    for name, file in files:
        digest.update(f"{name}\0{file_digest(file)}\0".encode())
    return digest.hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return JSON whose bytes depend on the value alone: sorted keys, no spaces, UTF-8, no NaN.

    Raises:
        EditionError: something that JSON cannot say (NaN, infinity, a set, a path, two keys that read the same).
    """
    _refuse_ambiguous_keys(value)
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EditionError(
            f"an edition id needs plain JSON values (texts, finite numbers, lists, mappings): {error}"
        ) from error
    return text.encode()


def _refuse_ambiguous_keys(value: Any) -> None:
    # json.dumps writes the key 2023 and the key "2023" alike: two different inputs would then share an id.
    if isinstance(value, Mapping):
        if len({str(key) for key in value}) != len(value):
            raise EditionError(f"an edition id needs keys that stay different as texts, got {sorted(map(str, value))}")
        for inner in value.values():
            _refuse_ambiguous_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_ambiguous_keys(inner)


def value_digest(value: Any) -> str:
    """Return the SHA-256 of plain values as 64 hex digits, the same for whatever order their keys have.

    Raises:
        EditionError: a value that JSON cannot say.
    """
    return hashlib.sha256(canonical_json(value)).hexdigest()


def edition_id(inputs: Any, resolved_region: Any, factors: Any, code: Any, beside: Sequence[str] = ()) -> str:
    """Return the 16 hex digits that name an edition: the same inputs, region file, factors and code give the same id.

    Args:
        inputs: files of the build, e.g. [{file, bytes, sha256}]; order counts, so sort by file name.
        resolved_region: the validated region file as plain values.
        factors: factor tables, e.g. {file: sha256}.
        code: e.g. {version, sha256}, and whatever else changes results (libraries).
        beside: ids of earlier editions, in order, on which depends what is held; without any, ids are as ever.

    Raises:
        EditionError: a value that JSON cannot say.
    """
    document = {"inputs": inputs, "region": resolved_region, "factors": factors, "code": code}
    if beside:
        document["beside"] = list(beside)
    return value_digest(document)[:16]
