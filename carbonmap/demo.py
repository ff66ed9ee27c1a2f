"""The demo: a synthetic city, generated once, built once, and served from then on."""

import shutil
from pathlib import Path

from carbonmap.build import Built, build_region
from carbonmap.progress import Terminal
from carbonmap.synthetic.write import write_city
from grids.edition import code_digest

SEED = 20260101


def build_demo(folder: Path, *, buildings: int) -> Built:
    """Generate the demo city's inputs if they are not there, and build it if this edition is not there.

    Args:
        folder: gets `inputs-<buildings>-<generator>/` and `store/`.
        buildings: size of the city; streets, forest and zones grow with it.

    Returns:
        What was built, or what was there.
    """
    with Terminal("Demo city") as progress:
        # Another generator draws another city: its digest keeps an older version's inputs from being taken for its own.
        drawn_by = code_digest(["carbonmap.synthetic"])[:8]
        inputs = folder / f"inputs-{buildings}-{drawn_by}"
        region_file = inputs / "region.yaml"
        if not region_file.is_file():
            progress.step("drawing the city")
            # Written aside and renamed, so that a city half drawn is never taken for a whole one.
            unfinished = folder / f".inputs-{buildings}"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            write_city(unfinished, buildings=buildings, seed=SEED)
            shutil.rmtree(inputs, ignore_errors=True)
            unfinished.rename(inputs)
        return build_region(region_file, inputs, folder / "store", progress=progress)
