"""Whether the inputs of a build are still what was digested when it began."""

from collections.abc import Mapping
from pathlib import Path

from carbonmap.errors import RegionError


class InputChanged(RegionError):
    """An input was written to while the region was built; nothing was published."""


class InputSeals:
    """What the input files looked like before their digests were taken.

    An edition is named after those digests: what was read of a file that has changed since must not get into it.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        """Look at input files, by their names; those that are not there are the business of who reads them."""
        self._states = {name: (path, _state(path)) for name, path in paths.items()}

    def check(self) -> None:
        """Look again: size, time of the last change and file of every input must be the same.

        Raises:
            InputChanged: names the inputs that are not.
        """
        changed = [name for name, (path, state) in self._states.items() if _state(path) != state]
        if changed:
            raise InputChanged(
                f"{', '.join(changed)} changed while the region was built; nothing was published, and what was done "
                "so far is forgotten: build again when the inputs stand still"
            )


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
