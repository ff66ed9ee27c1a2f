"""Functions compiled by numba: without the interpreter's lock, and kept on disk from one process to the next.

Machine code lies in `__pycache__` beside the source, or in the user's own cache folder, or in NUMBA_CACHE_DIR. Where
none of them can be written, or what lies there cannot be read, functions are compiled anew in memory: a slower start,
and no failure. Processes that compile at the same time write the same files, each beside and renamed.
"""

import contextlib
import functools
import glob
import hashlib
import logging
import os
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import types

Function = TypeVar("Function", bound=Callable[..., Any])

_log = logging.getLogger(__name__)
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_NO_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_unliteral: Any = types.unliteral
_kept: list[Any] = []
_UNREADABLE = (OSError, EOFError, pickle.UnpicklingError, ValueError, AttributeError, ImportError, IndexError, KeyError)


def compiled(function: Function) -> Function:
    """Compile a function at its first call for each combination of types; divisions by zero follow IEEE.

    For what Python calls; what only compiled code calls is `inner`.
    """
    dispatcher: Any = numba.njit(**_OPTIONS)(function)
    _compile_once(dispatcher)
    try:
        _ask_for_home(Path(function.__code__.co_filename).parent / "__pycache__")
        dispatcher.enable_caching()
    except RuntimeError as error:  # no folder that can be written
        _log.info("%s is compiled in memory only: %s", function.__name__, error)
    else:
        sources = _sources(Path(function.__code__.co_filename).parent)
        dispatcher._cache._cache_file = _MachineCode(dispatcher._cache._cache_file, sources)
        dispatcher._cache = _ForgivingCache(dispatcher._cache, function.__name__)
        _kept.append(dispatcher._cache)
    return cast(Function, dispatcher)


def inner(function: Function) -> Function:
    """Compile a function that only compiled functions call, as part of them: it cannot be called from Python.

    It has no file of its own in the cache and no wrappers that take Python's objects apart; both take longer to make
    than most small functions.
    """
    dispatcher: Any = numba.njit(**_OPTIONS, **_NO_WRAPPERS)(function)
    _compile_once(dispatcher)
    return cast(Function, dispatcher)


def _compile_once(dispatcher: Any) -> None:
    """Let compiled callers share one version for all values of an argument.

    Numba would make one for every combination of literals (`put(rows, 0, n)`, `put(rows, n, 0)`, `put(rows, n, n)`),
    although LLVM inlines small functions and then knows the literals anyway.
    """
    template_of = dispatcher.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        plain = tuple(_unliteral(each) for each in args)
        return template_of(plain, {name: _unliteral(each) for name, each in kws.items()})

    dispatcher.get_call_template = get_call_template


@functools.cache
def _sources(folder: Path) -> str:
    """Digest of the compiled modules here and in a folder: numba would not notice a change in another file."""
    digest = hashlib.sha256()
    for place in dict.fromkeys((Path(__file__).parent, folder)):
        for source in sorted([*place.glob("*_kernels.py"), *place.glob("tolerances.py")]):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def _ask_for_home(beside: Path) -> None:
    """Fail with a RuntimeError where numba, for want of the user's home, would make a folder named `~` to write in."""
    may_be_made = beside if beside.exists() else beside.parent
    if not (os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")) and not (
        may_be_made.is_dir() and os.access(may_be_made, os.W_OK)
    ):
        Path.home()


def to_compile() -> int:
    """How many functions of the modules loaded so far have no machine code on disk that a call could use.

    Those that cannot be kept anywhere are not counted: they are compiled in every process.
    """
    return sum(not cache.has_code() for cache in _kept)


class _MachineCode:
    """One function's files, each named by what its code was made of and for which types and processor.

    Numba numbers them and keeps an index: two processes at once, or of two versions, may then find code for other types
    under a number. Here a name stands for one content only, and there is no index to lose. What was made of former
    sources is removed when new code is written; whoever still runs them has theirs in memory, or compiles again.
    """

    def __init__(self, files: Any, sources: str) -> None:
        self._files = files  # numba's own, which write beside and rename
        base = files._index_name.removesuffix(".nbi")  # module.function-line.python
        self._begins = f"{base}.{_digest(numba.__version__)}.{_digest(sources)}"
        function, _, line_and_python = base.rpartition("-")
        python = re.escape(line_and_python.lstrip("0123456789"))
        ours = rf"{re.escape(function)}-\d+{python}\.{_digest(numba.__version__)}\.[0-9a-f]{{16}}\.[0-9a-f]{{16}}\.nbc"
        self._any_sources = re.compile(ours)

    def _name(self, key: Any) -> str:
        return f"{self._begins}.{_digest(repr(key))}.nbc"

    def save(self, key: Any, data: Any) -> None:
        self._files._save_data(self._name(key), data)
        with contextlib.suppress(OSError):  # another user's, or a folder on a disk that is read-only by now
            for file in Path(self._files._cache_path).iterdir():
                if self._any_sources.fullmatch(file.name) and not file.name.startswith(f"{self._begins}."):
                    file.unlink(missing_ok=True)

    def load(self, key: Any) -> Any:
        try:
            return self._files._load_data(self._name(key))
        except FileNotFoundError:
            return None

    def flush(self) -> None:
        for file in self._found():
            file.unlink(missing_ok=True)

    def has_code(self) -> bool:
        return any(True for _ in self._found())

    def _found(self) -> Iterator[Path]:
        return Path(self._files._cache_path).glob(f"{glob.escape(self._begins)}.*.nbc")


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


class _ForgivingCache:
    """A function's cache on disk; one that is full, damaged or has lost its permissions counts as empty."""

    def __init__(self, cache: Any, name: str) -> None:
        self._cache, self._name = cache, name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._cache, attribute)

    def has_code(self) -> bool:
        try:
            return bool(self._cache._cache_file.has_code())
        except OSError:
            return False

    def load_overload(self, *arguments: Any) -> Any:
        try:
            return self._cache.load_overload(*arguments)
        except _UNREADABLE as error:
            _log.info("%s is compiled anew, since its cached code cannot be read: %s", self._name, error)
            return None

    def save_overload(self, *arguments: Any) -> None:
        try:
            self._cache.save_overload(*arguments)
        except _UNREADABLE as error:
            _log.info("%s is compiled in memory only: %s", self._name, error)
