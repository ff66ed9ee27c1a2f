"""What was found lately, by the digest of what was asked; bounded in bytes and in number."""

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

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
    """

    def __init__(self, most_bytes: int = MOST_BYTES, most_questions: int = MOST_QUESTIONS) -> None:
        self._most_bytes = most_bytes
        self._most_questions = most_questions
        self._bytes = 0
        self._kept: OrderedDict[bytes, Found] = OrderedDict()
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Found | None:
        """Return what is kept for a question, if anything is."""
        with self._guard:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: bytes, found: Found) -> None:
        """Keep the answer to a question, unless it alone is too large."""
        size = _size(key, found)
        if size > self._most_bytes:
            return
        with self._guard:
            if key in self._kept:
                return
            self._kept[key] = found
            self._bytes += size
            while self._bytes > self._most_bytes or len(self._kept) > self._most_questions:
                self._bytes -= _size(*self._kept.popitem(last=False))


def _size(key: bytes, found: Sized) -> int:
    return len(key) + int(found.nbytes) + _ENTRY_BYTES
