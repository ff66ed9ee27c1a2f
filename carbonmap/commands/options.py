"""Options and arguments that several verbs have, and where what they say goes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
"""What a verb says that went well; what did not is one paragraph on standard error (`carbonmap.cli.main`)."""

RegionArgument = Annotated[
    str,
    typer.Argument(
        metavar="REGION",
        help="A region file (YAML), or the name of one that ships with the program.",
        show_default=False,
    ),
]
InputsOption = Annotated[
    str | None,
    typer.Option(
        "--inputs",
        metavar="DIR",
        help="Where the region file's sources are: a folder, or s3://BUCKET/FOLDER (docs/scale.md). Default: beside "
        "the region file.",
    ),
]
StoreOption = Annotated[
    Path, typer.Option("--store", metavar="DIR", envvar="CARBONMAP_STORE", help="The folder of published editions.")
]
CheckedInputsOption = Annotated[
    str | None,
    typer.Option(
        "--inputs",
        metavar="DIR",
        help="The folder of the region file's sources, on this machine. Default: beside the region file.",
    ),
]
SettledStoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help="The folder of published editions. Default: what CARBONMAP_STORE or the settings file says, else 'store'.",
        show_default=False,
    ),
]
"""Of verbs that take settings: what is not given here is left to `api.settings`, variables and file alike."""
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="A TOML file of settings, see docs/deploy.md.", show_default=False)
]
HostOption = Annotated[str, typer.Option("--host", help="The address to listen on; 127.0.0.1 is this machine only.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
