"""Compile all that a build needs before there is anything to build: `python -m carbonmap.warm_up`.

Which functions are compiled for which types follows from what builds do, so a very small synthetic city is built in a
folder that is thrown away; what its build does not touch is asked for by its own name.
"""

import tempfile
from importlib import import_module
from pathlib import Path

import grids.cell_sums
import grids.survey
import grids.zone_index
from grids.compiled import to_compile

_CITY = 200  # buildings
_LOADED = ("gis.measure", "gis.meters", "grids.aggregate", "grids.disclosure", "grids.feature_lines")


def warm_up() -> None:
    """Compile, or load from the cache, the kernels of a build; takes about half a minute of one processor once.

    Raises:
        OSError: no folder for temporary files.
    """
    from carbonmap.build import build_region
    from carbonmap.progress import Silent
    from carbonmap.synthetic.write import write_city

    grids.survey.warm_up()
    grids.cell_sums.warm_up()
    grids.zone_index.warm_up()
    with tempfile.TemporaryDirectory(prefix="carbonmap-") as name:
        folder = Path(name)
        write_city(folder / "inputs", buildings=_CITY, seed=1)
        build_region(folder / "inputs" / "region.yaml", folder / "inputs", folder / "store", progress=Silent())


def is_cold() -> bool:
    """Whether most functions would have to be compiled, and can be kept: the first start of a version on a machine."""
    for module in _LOADED:
        import_module(module)
    return to_compile() >= 20


if __name__ == "__main__":
    warm_up()
