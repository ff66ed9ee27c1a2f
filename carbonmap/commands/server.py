"""The verb that serves: `serve`."""

from pathlib import Path
from typing import Annotated

import typer

from carbonmap.commands.options import HostOption, PortOption, SettingsOption, SettledStoreOption, console
from carbonmap.errors import RegionError


def serve(
    store: SettledStoreOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes; they share the port and the files in memory.")
    ] = 1,
    settings: SettingsOption = None,
) -> None:
    """Serve the web map and the API over a store; prints the address. Ctrl-C stops it."""
    serve_store(store, host, port, any_port=False, workers=workers, settings=settings)


def serve_store(
    store: Path | None, host: str, port: int, *, any_port: bool, workers: int = 1, settings: Path | None = None
) -> None:
    """Serve a store until interrupted, and print the address.

    Args:
        store: folder of editions; None: the one that variables or the file of settings name, else `store`.
        host: address to listen on.
        port: 0 for any free one.
        any_port: take any free port when `port` is taken, instead of failing.
        workers: processes.
        settings: a TOML file of settings.

    Raises:
        RegionError: settings that cannot be, no such store, or the port is taken.
    """
    from api.errors import ApiError
    from api.server import serve as run
    from api.settings import Settings
    from carbonmap.resources import web_folder

    try:
        loaded = Settings.load(settings, store=store)
        if loaded.web is None:
            loaded = loaded.model_copy(update={"web": web_folder()})
        run(loaded, host, port, workers=workers, any_port=any_port, ready=_say_address)
    except ApiError as problem:
        raise RegionError(str(problem)) from None


def _say_address(address: str) -> None:
    # Between empty lines on standard output, whatever the log on standard error looks like.
    console.print(f"\nThe map is at {address}   (Ctrl-C stops it)\n", markup=False)
