"""Functions compiled by numba: without the interpreter's lock, and kept on disk from one process to the next.

Numba keeps machine code in `__pycache__` beside the source, or in the user's own cache folder, or in NUMBA_CACHE_DIR.
Where none of them can be written, or what lies there cannot be read, functions are compiled anew in memory: a slower
start, and no failure.
"""

import functools
import hashlib
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_log = logging.getLogger(__name__)
_UNREADABLE = (OSError, EOFError, pickle.UnpicklingError, ValueError, AttributeError, ImportError, IndexError, KeyError)


def compiled(function: Function) -> Function:
    """Compile a function at its first call for each combination of types; divisions by zero follow IEEE."""
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        dispatcher.enable_caching()
    except RuntimeError as error:  # no folder that can be written
        _log.info("%s is compiled in memory only: %s", function.__name__, error)
    else:
        dispatcher._cache._cache_file._source_stamp = _sources(Path(function.__code__.co_filename).parent)
        dispatcher._cache = _ForgivingCache(dispatcher._cache, function.__name__)
    return cast(Function, dispatcher)


@functools.cache
def _sources(folder: Path) -> str:
    """Digest of the compiled modules here and in a folder: numba would not notice a change in another file."""
    digest = hashlib.sha256()
    for place in dict.fromkeys((Path(__file__).parent, folder)):
        for source in sorted(place.glob("*_kernels.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


class _ForgivingCache:
    """A function's cache on disk; one that is full, damaged or has lost its permissions counts as empty."""

    def __init__(self, cache: Any, name: str) -> None:
        self._cache, self._name = cache, name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._cache, attribute)

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
