"""What is remembered of results that were asked for: by digest, in a folder that the processes of a server share.

A result is worked out again from its document, which takes less than to keep its cells; only cells of what takes long
(measures of roads) are kept as well. Those that nobody asked for longest go first.
"""

import contextlib
import os
import re
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from api.answers import code
from api.errors import ResultNotFound, log
from api.scenario_runs import Asked
from scenarios.errors import InvalidScenario
from scenarios.frame import FloatArray
from scenarios.result import Result
from scenarios.scenario import read_scenario
from scenarios.shares import sector_change

MOST_BYTES = 500_000_000
_LOOK_EVERY = 100
"""How often a result is remembered before the folder is looked through."""
_LEAST_BYTES = 4096
"""What a file takes of a disk, however short it is: many small ones would else be a million."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class CellValues:
    """What a result says of cells; n cells in the order of the state.

    Attributes:
        before_tco2e, change_tco2e: (sectors, n) a year, by the first set of elasticities; before is NaN where the
            edition tells nothing.
        sets_tco2e: (sets, n) change of all sectors by each set.
        illustrative: whether the result rests on something that no publication stands behind.
    """

    before_tco2e: FloatArray
    change_tco2e: FloatArray
    sets_tco2e: FloatArray
    illustrative: bool

    @classmethod
    def of(cls, result: Result) -> "CellValues":
        """Take them from a result."""
        before, change = sector_change(result)
        sets = np.stack([outcome.change_tco2e.sum(axis=0) for outcome in result.outcomes.values()])
        return cls(before, change, sets, result.illustrative)


class KeptResults:
    """Documents of results by region and digest, and cells of some by edition.

    Args:
        folder: made when the first is kept.
        most_bytes: of all files, each at least what one takes of a disk; whoever keeps more loses what was not asked
            for longest.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = Path(folder)
        self._most_bytes = most_bytes
        self._guard = threading.Lock()
        self._noted = 0

    def note(self, region: str, asked: Asked) -> bool:
        """Remember what a result follows from; whether that worked."""
        path = self._path(region, asked.digest, ".json")
        said = {
            "scenario": asked.scenario.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
            "collection": asked.collection,
            "year": asked.year,
            "samples": asked.samples,
        }
        return _touched(path) or self._write(path, orjson.dumps(said))

    def asked(self, region: str, digest: str) -> Asked:
        """Return what a result follows from.

        Raises:
            ResultNotFound: no result of that digest is remembered.
        """
        if _DIGEST.fullmatch(digest):
            path = self._path(region, digest, ".json")
            try:
                said = orjson.loads(path.read_bytes())
                found = Asked(read_scenario(said["scenario"]), said["collection"], said["year"], said["samples"])
                if found.digest == digest:
                    _touched(path)
                    return found
            except (OSError, ValueError, KeyError, TypeError, InvalidScenario):
                pass  # never there, gone, or of a program that knew other measures
        raise ResultNotFound(
            f"region {region!r} remembers no result {digest[:64]!r}: send its scenario again (to scenarios/results, or "
            "with measures of roads to processes/scenario/execution), and it is there under the same digest"
        )

    def keep_cells(self, region: str, edition: str, digest: str, values: CellValues) -> None:
        """Keep the cells of a result on an edition, if the disk takes them."""
        path = self._cells_path(region, edition, digest)
        draft = path.with_name(f".{uuid.uuid4().hex}.npz")
        try:
            draft.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            np.savez_compressed(
                draft, before=values.before_tco2e, change=values.change_tco2e, sets=values.sets_tco2e,
                illustrative=np.array(values.illustrative),
            )  # fmt: skip
            draft.replace(path)
        except OSError as error:
            log.warning("the cells of a result cannot be kept in %s: %s", self._folder, error)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)

    def cells(self, region: str, edition: str, digest: str) -> CellValues | None:
        """Return the cells of a result, if they are kept and of this program."""
        path = self._cells_path(region, edition, digest)
        try:
            with np.load(path, allow_pickle=False) as found:
                values = CellValues(found["before"], found["change"], found["sets"], bool(found["illustrative"]))
        except (OSError, ValueError, KeyError):
            return None
        _touched(path)
        return values

    def _cells_path(self, region: str, edition: str, digest: str) -> Path:
        return self._path(region, digest, f"-{edition}-{code()[:16]}.npz")

    def _path(self, region: str, digest: str, end: str) -> Path:
        return self._folder / region / f"{digest}{end}"

    def _write(self, path: Path, content: bytes) -> bool:
        draft = path.with_name(f".{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            log.warning("results cannot be remembered in %s: %s", self._folder, error)
            return False
        with self._guard:
            self._noted += 1
            look = self._noted % _LOOK_EVERY == 1
        if look:
            self._make_room()
        return True

    def _make_room(self) -> None:
        files = []
        for path in self._folder.glob("*/*"):
            try:
                known = path.stat()
            except OSError:  # another process was quicker
                continue
            files.append((known.st_mtime_ns, path, max(known.st_size, _LEAST_BYTES)))
        total = sum(size for _, _, size in files)
        for _, path, size in sorted(files):
            if total <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def _touched(path: Path) -> bool:
    """Note that somebody asked for a file; whether it is there."""
    try:
        os.utime(path)
    except OSError:
        return False
    return True
