"""What a server does before it says that it is ready: it compiles or loads what makes tiles, and makes a first one."""

import math
import threading
from collections.abc import Callable

from api.errors import log
from grids.edition import Edition, Store
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
                log.exception("tiles could not be got ready; the first ones will take longer")

        self._thread = threading.Thread(target=run, name="warming", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when the work has ended."""
        if self._thread is not None:
            self._thread.join()


def make_first_tiles(store: Store) -> None:
    """Get ready to make tiles, and make one of each region, so that its tables and projections are open."""
    warm_up()
    for region in store.regions():
        try:
            edition = store.open(region)
            for info in edition.collections.values():
                if info.kind == "grid" and info.years:
                    collection_tile(edition, info.id, None, _middle(edition, zooms(info)[1]))
                    break
        except EditionError as error:
            log.warning("region %s is not got ready: %s", region, error)


def _middle(edition: Edition, zoom: int) -> Tile:
    """The tile that the region's middle lies in."""
    west, south, east, north = edition.region.bbox
    count = 1 << zoom
    row = (1 - math.asinh(math.tan(math.radians((south + north) / 2))) / math.pi) / 2
    return Tile(zoom, int(row * count), int(((west + east) / 2 + 180) / 360 * count))
