"""Whether the inputs of a build are still what was digested when it began."""

from collections.abc import Callable, Mapping
from pathlib import Path

from carbonmap.errors import RegionError


class InputChanged(RegionError):
    """An input was written to while the region was built; nothing was published."""


class InputSeals:
    """What the input files looked like before their digests were taken.

    An edition is named after those digests: what was read of a file that has changed since must not get into it.
    """

    def __init__(self, files: Callable[[], Mapping[str, Path]]) -> None:
        """Look at input files; those that are not there are the business of who reads them.

        Args:
            files: lists them by their names, each time it is called: some may come, such as a world file.
        """
        self._files = files
        self._states = self._look()

    def check(self) -> None:
        """Look again: size, time of the last change and file of every input must be the same, and none has come.

        Raises:
            InputChanged: names the inputs that are not, and those that have come or gone.
        """
        now = self._look()
        changed = sorted(name for name in now.keys() | self._states if now.get(name) != self._states.get(name))
        if changed:
            raise InputChanged(
                f"{', '.join(changed)} changed while the region was built; nothing was published, and what was done "
                "so far is forgotten: build again when the inputs stand still"
            )

    def _look(self) -> dict[str, tuple[int, int, int] | None]:
        return {name: _state(path) for name, path in self._files().items()}


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
