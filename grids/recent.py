"""What was found lately, by the digest of what was asked; bounded in bytes and in number."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

MOST_BYTES = 128_000_000
MOST_QUESTIONS = 4096
_ENTRY_BYTES = 512  # what Python needs for a key, an array and their place, beside what they hold


class Sized(Protocol):
    """An array or a table."""

    @property
    def nbytes(self) -> int:
        """Bytes that it holds in memory."""


Found = TypeVar("Found", bound=Sized)


class Recent(Generic[Found]):
    """Answers to questions asked lately, by their digests; those not asked for longest go first.

    Safe to use from several threads.

    Args:
        most_bytes: of keys and answers together, and of what Python needs to hold them.
        most_questions: at a time.
        latest: keep the answer found last however large it is: what costs much to find is asked for again at once.
    """

    def __init__(
        self, most_bytes: int = MOST_BYTES, most_questions: int = MOST_QUESTIONS, *, latest: bool = False
    ) -> None:
        self._most_bytes = most_bytes
        self._most_questions = most_questions
        self._latest = latest
        self._bytes = 0
        self._kept: OrderedDict[bytes, Found] = OrderedDict()
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept, as they are counted."""
        return self._bytes

    def get(self, key: bytes) -> Found | None:
        """Return what is kept for a question, if anything is."""
        with self._guard:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: bytes, found: Found) -> None:
        """Keep the answer to a question, unless it alone is too large; whoever uses one that goes keeps it."""
        size = _size(key, found)
        if size > self._most_bytes and not self._latest:
            return
        with self._guard:
            if key in self._kept:
                return
            self._kept[key] = found
            self._bytes += size
            while (self._bytes > self._most_bytes or len(self._kept) > self._most_questions) and len(self._kept) > 1:
                self._bytes -= _size(*self._kept.popitem(last=False))


def _size(key: bytes, found: Sized) -> int:
    return len(key) + int(found.nbytes) + _ENTRY_BYTES


Of = TypeVar("Of")
More = ParamSpec("More")
Made = TypeVar("Made")


def while_it_lives(make: Callable[Concatenate[Of, More], Made]) -> Callable[Concatenate[Of, More], Made]:
    """Remember what a function returns as long as the object lives that is its first argument, which stays as it is.

    What is remembered is small, holds no reference to the object, and others of its arguments are few.
    """
    remembered: WeakKeyDictionary[Of, dict[Any, Made]] = WeakKeyDictionary()
    guard = threading.Lock()

    @wraps(make)
    def found(of: Of, *more: More.args, **named: More.kwargs) -> Made:
        question = (more, tuple(sorted(named.items())))
        with guard:
            answers = remembered.setdefault(of, {})
        if question not in answers:
            answers[question] = make(of, *more, **named)
        return answers[question]

    return cast("Callable[Concatenate[Of, More], Made]", found)
