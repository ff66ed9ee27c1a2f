"""What a fuzz target is: bytes go in, and either they are taken, or they are refused in our own words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
"""Inputs that once broke something, a folder for each target; never emptied."""


@dataclass(frozen=True)
class Target:
    """One parser under attack.

    Attributes:
        name: as it is called on the command line.
        about: what is parsed.
        run: takes bytes; returns whether they were taken. Whatever it raises is a finding.
        seeds: inputs to begin from, some of which are taken.
        words: pieces that occur in such inputs, for mutations.
        native: compiled code reads the bytes, so a fault may end the process.
    """

    name: str
    about: str
    run: Callable[[bytes], bool]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    native: bool = False

    def kept(self) -> Iterator[Path]:
        """Regressions, in order of their names."""
        yield from sorted(path for path in (CORPUS / self.name).glob("*") if path.is_file())
