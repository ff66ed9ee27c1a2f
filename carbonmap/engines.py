"""What works on the parts of a build: this process, or workers on other machines."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, Protocol

from carbonmap.errors import RegionError
from carbonmap.parts import Part, WorkFolder, work_part
from carbonmap.plan import Plan
from carbonmap.progress import Progress
from gis.sources import Source
from grids.blocks import threads_here


class Engine(Protocol):
    """Something that works on parts, in any order; their files are all that counts."""

    def get_ready(self, sources: list[Source], plan: Plan) -> None:
        """Make what work on these sources needs here; runs beside the joining of tables.

        Raises:
            GridError: zones that overlap, or more borders or cells than fit in memory.
        """

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


AT_ONCE = 2
"""Parts under way at a time: while one waits for Python the other computes. Each needs up to half a gigabyte."""


class LocalEngine:
    """Work in this process: two parts at a time, and all processors in the compiled code of each."""

    def get_ready(self, sources: list[Source], plan: Plan) -> None:
        """See the zones through the grid, once for all threads."""
        for source in sources:
            plan.division(source)

    def work(
        self, parts: list[Part], plan: Plan, work: WorkFolder, identity: Mapping[str, Any], progress: Progress
    ) -> None:
        """Work on the parts; told of in their order."""

        def one(part: Part) -> None:
            work.keep(part, *work_part(plan, part, work))

        with ThreadPoolExecutor(min(AT_ONCE, threads_here())) as pool:
            under_way = [(part, pool.submit(one, part)) for part in parts]
            try:
                for part, future in under_way:
                    progress.step(f"{part}: reading and sharing out")
                    future.result()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)  # what is under way is finished and kept
                raise


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
