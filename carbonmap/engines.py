"""What works on the parts of a build: this process, or workers on other machines."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from carbonmap.errors import RegionError
from carbonmap.parts import Part, WorkFolder, work_part
from carbonmap.plan import Plan
from carbonmap.progress import Progress


class Engine(Protocol):
    """Something that works on parts, in any order; their files are all that counts."""

    def work(
        self, parts: list[Part], plan: Plan, work: WorkFolder, identity: Mapping[str, Any], progress: Progress
    ) -> None:
        """Work on parts and keep them; returns when all of them are kept.

        Args:
            parts: those that are not done yet.
            plan: the region.
            work: where parts are kept.
            identity: of the edition (`carbonmap.manifest.identity_of`): whoever works on a part has the same of it.
            progress: told of each part.

        Raises:
            GisError, AccountingError, GridError: as `work_part`; parts that were done are kept.
        """


class LocalEngine:
    """One part after the other in this process; the compiled code in it uses all processors."""

    def work(
        self, parts: list[Part], plan: Plan, work: WorkFolder, identity: Mapping[str, Any], progress: Progress
    ) -> None:
        """Work on the parts in their order."""
        for part in parts:
            progress.step(f"{part}: reading and sharing out")
            work.keep(part, *work_part(plan, part))


def engine_named(name: Literal["local", "dask"], scheduler: str | None) -> Engine:
    """The engine that the command line asks for; a scheduler that does not answer is noticed here, not hours later.

    Args:
        name: which one.
        scheduler: `tcp://HOST:PORT` of a running Dask scheduler; None: Dask on this machine.

    Raises:
        RegionError: no address of a scheduler; Dask is asked for and not installed; a scheduler without Dask.
        EngineError: no scheduler answers.
    """
    if name == "local":
        if scheduler is not None:
            raise RegionError("--scheduler is for --engine dask; the local engine needs none")
        return LocalEngine()
    try:
        from carbonmap.dask_engine import DaskEngine
    except ModuleNotFoundError as problem:
        if str(problem.name).split(".")[0] not in ("dask", "distributed"):
            raise
        raise RegionError(
            "--engine dask needs Dask's scheduler and client, which are not installed: pip install 'carbonmap[dask]'"
        ) from None
    engine = DaskEngine(scheduler)
    engine.reach()
    return engine
