"""What a wheel holds beside our packages: `data/` and the built web map, as package data of `carbonmap`."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedFiles(BuildHookInterface):
    """Put the shipped files where `carbonmap.resources` looks for them in an installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folders, but not to an editable installation, which uses the checkout's own.

        Raises:
            FileNotFoundError: the web map is not built; a wheel without it would serve an empty page.
        """
        if version == "editable":
            return
        root = Path(self.root)
        if not (root / "web" / "dist" / "index.html").is_file():
            raise FileNotFoundError(
                "web/dist/index.html is missing: the web map is not built. Run 'make web' (or 'npm ci' and "
                "'npm run build' in web/) before building a wheel; 'make build' does both."
            )
        places = {"data": "carbonmap/data", "web/dist": "carbonmap/web"}
        if self.target_name == "sdist":
            places = {"web/dist": "web/dist"}  # git ignores it; a wheel built from the sdist needs it
        build_data["force_include"].update({str(root / source): target for source, target in places.items()})
