"""What a server does before it says that it is ready: it compiles or loads what answers, and answers a first time."""

import math
import threading
from collections.abc import Callable

import numpy as np
import shapely

from api.errors import log
from grids.edition import Edition, Store
from grids.manifest import Collection
from grids.projections import LONLAT, reproject
from grids.statistics import chosen_cells, statistics
from grids.store_errors import EditionError
from grids.tiles import Tile, collection_tile, warm_up, zooms


class Warming:
    """Work at the start of a process, in a thread of its own; requests that come meanwhile are answered as they can."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    @property
    def under_way(self) -> bool:
        """Whether it was begun and has not ended."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, work: Callable[[], None]) -> None:
        """Do the work; if it fails, the log says so, and the first requests take longer."""

        def run() -> None:
            try:
                work()
            except Exception:  # noqa: BLE001 - to serve slowly is better than not to serve
                log.exception("the server could not be got ready; the first answers will take longer")

        self._thread = threading.Thread(target=run, name="warming", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when the work has ended."""
        if self._thread is not None:
            self._thread.join()


def answer_first(store: Store) -> None:
    """Get ready for tiles and sums of polygons, and make one of each region: its tables and projections are open then.

    A region that fails is named in the log and keeps no other from getting ready.
    """
    warm_up()
    for region in store.regions():
        try:
            edition = store.open(region)
            for info in edition.collections.values():
                if info.kind == "grid" and info.years:
                    collection_tile(edition, info.id, None, _middle(edition, zooms(info)[1]))
                    _sum_up(edition, info)
                    break
        except EditionError as error:
            log.warning("region %s is not got ready: %s", region, error)


def _sum_up(edition: Edition, info: Collection) -> None:
    """Add up what lies in a square about as large as a cell in the region's middle."""
    west, south, east, north = edition.region.bbox
    middle = shapely.Point((west + east) / 2, (south + north) / 2)
    [moved] = reproject(np.array([middle], dtype=np.object_), LONLAT, edition.crs)
    square = shapely.buffer(moved, (info.cell_size_m or 1) / 2, cap_style="square")
    statistics(edition, info, info.years[-1], chosen_cells(edition, info, info.years[-1], square))


def _middle(edition: Edition, zoom: int) -> Tile:
    """The tile that the region's middle lies in."""
    west, south, east, north = edition.region.bbox
    count = 1 << zoom
    row = (1 - math.asinh(math.tan(math.radians((south + north) / 2))) / math.pi) / 2
    return Tile(zoom, int(row * count), int(((west + east) / 2 + 180) / 360 * count))
