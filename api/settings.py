"""What a deployment may decide: by arguments, by variables that begin with CARBONMAP_, or in a TOML file."""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from api.errors import SettingsError
from grids.edition_tables import MOST_INDEX_BYTES
from grids.exports.shelf import MOST_BYTES

PREFIX = "CARBONMAP_"
FILE = "CARBONMAP_SETTINGS"
"""The variable that names a settings file."""

_SECRET = {"database_url"}
"""Settings that may hold a password, and are never repeated in a message."""

_WAIT_S, _WAITED = 10.0, 0.7
"""How long a download waits for its file if nobody says, and for which part of the time of a request at most."""

LogFormat = Literal["auto", "text", "json"]


class Settings(BaseModel):
    """Settings of one server.

    Attributes:
        store: folder of the editions to serve.
        web: folder of the built web map, with its `index.html`; without it `/` explains how to get one.
        public_url: address at which people reach the server, when a proxy hides it; else links follow the request.
        gzip_level: 1 to 3 (fast, by ISA-L), or 4 to 9 (small, by zlib).
        exports: folder where files made for downloads are kept; beside the store if none.
        exports_bytes: how many bytes of them are kept; those asked for longest ago go first.
        export_seconds: what making a file may take.
        jobs: folder of what runs for a while, and of what is remembered of results; beside the store if none.
        jobs_at_once: how many jobs one process of the server runs at a time, each in a process of its own; of two or
            more one is for holders of keys.
        job_seconds: how long a job may take.
        job_bytes: how much memory of its own a job's process may hold.
        cors_origins: pages of which hosts may read answers in a browser; `*` is any.
        log_format: `text` for people, `json` for programs; `auto` is text on a terminal, else json.
        metrics: whether `/api/metrics` answers; behind a proxy that everybody reaches it may better not.
        request_seconds: how long one answer may take to begin.
        export_wait_s: how long a download waits for its file to be made before it is told to come again; 10 seconds, or
            0.7 of `request_seconds` where that is less, if none.
        body_bytes: the largest body that is taken.
        address_bytes: the longest path with its query.
        tile_bytes: how many bytes of tiles each process keeps, compressed, to answer with them again.
        index_bytes: how many bytes of footers of tables and of names of zones each process keeps.
        concurrency: requests under way at a time in one process; more are told to come again.
        database_url: where keys are kept: `sqlite:///FILE`, or `postgresql://USER@HOST/NAME`; without it, in an SQLite
            file beside the store.
        database_password_file: a file that holds the password for it and nothing else, as secrets of containers come.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: Path = Path("store")
    web: Path | None = None
    public_url: str | None = None
    gzip_level: int = Field(default=3, ge=1, le=9)
    exports: Path | None = None
    exports_bytes: int = Field(default=MOST_BYTES, ge=1_000_000)
    export_seconds: float = Field(default=3600.0, gt=0, le=86_400)
    jobs: Path | None = None
    jobs_at_once: int = Field(default=2, ge=1, le=64)
    job_seconds: float = Field(default=300.0, gt=0, le=86_400)
    job_bytes: int = Field(default=4_000_000_000, ge=500_000_000)
    cors_origins: tuple[str, ...] = ("*",)
    log_format: LogFormat = "auto"
    metrics: bool = True
    request_seconds: float = Field(default=30.0, gt=0, le=3600)
    export_wait_s: float | None = Field(default=None, ge=0, le=600)
    body_bytes: int = Field(default=2_000_000, ge=1_000, le=1 << 30)
    address_bytes: int = Field(default=16_384, ge=1_000, le=60_000)
    tile_bytes: int = Field(default=64_000_000, ge=0)
    index_bytes: int = Field(default=MOST_INDEX_BYTES, ge=1_000_000)
    concurrency: int = Field(default=200, ge=1, le=100_000)
    database_url: str | None = Field(default=None, repr=False)
    database_password_file: Path | None = None

    @field_validator("export_wait_s")
    @classmethod
    def _before_the_limit(cls, value: float | None, info: ValidationInfo) -> float | None:
        """Who waits for a file must be told that it is being made before the limit of time answers in its place."""
        limit = info.data.get("request_seconds")
        if value is not None and limit is not None and value > _WAITED * limit:
            raise ValueError(
                f"expected {_WAITED * limit:g} at most, {_WAITED:g} of request_seconds ({limit:g}): a download must be "
                "answered before its time is over"
            )
        return value

    @property
    def download_wait_s(self) -> float:
        """How long a download waits for its file to be made."""
        return min(_WAIT_S, _WAITED * self.request_seconds) if self.export_wait_s is None else self.export_wait_s

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError(f"expected an address that begins with http:// or https://, got {value!r}")
        return value.rstrip("/") if value else None

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str | None) -> str | None:
        if value is not None:
            _parsed(value)
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _separated(cls, value: Any) -> Any:
        """A variable holds one text: origins separated by commas."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _single(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not origin or set(origin) & set(", \t\r\n") for origin in value):
            raise ValueError("expected origins such as https://map.example.org, or *, each by itself")
        return value

    @classmethod
    def load(cls, file: Path | None = None, environment: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Settings from what is given, else from variables, else from a file, else as they are without.

        Args:
            file: TOML with the names of the attributes; default: the file that CARBONMAP_SETTINGS names, if it does.
            environment: CARBONMAP_STORE, CARBONMAP_WEB and so on; default: that of this process.
            given: attributes; None is not given.

        Raises:
            SettingsError: the file cannot be read, a name in it is unknown, or a value is not as expected.
        """
        variables = os.environ if environment is None else environment
        file = file or (Path(variables[FILE]) if variables.get(FILE) else None)
        values: dict[str, Any] = {}
        said_by: dict[str, str] = {}
        layers: list[tuple[dict[str, Any], Callable[[str], str]]] = [
            ({} if file is None else _read(file), lambda name: f"{name} in {file}"),
            (_variables(cls, variables), lambda name: PREFIX + name.upper()),
            ({name: value for name, value in given.items() if value is not None}, lambda name: name),
        ]
        for layer, say in layers:
            values |= layer
            said_by |= {name: say(name) for name in layer}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(f"the server's settings cannot be used: {_faults(error, said_by)}") from error

    def as_environment(self) -> dict[str, str]:
        """Variables from which another process makes the same settings."""
        named = self.model_dump(mode="json", exclude_none=True)
        return {
            PREFIX + name.upper(): ",".join(value) if isinstance(value, list) else str(value)
            for name, value in named.items()
        }


def database_beside(store: Path) -> Path:
    """Return the SQLite file beside a store that is used unless said otherwise."""
    store = store.resolve()
    return store.with_name(f"{store.name}.sqlite")


def jobs_folder(settings: Settings) -> Path:
    """Return the folder of jobs and results: the one that is set, or one beside the store."""
    store = settings.store.resolve()
    return settings.jobs or store.with_name(f"{store.name}.jobs")


def database_url_of(settings: Settings) -> URL:
    """Return where the database is, with the password if there is a file of it.

    Raises:
        SettingsError: the file of the password cannot be read.
    """
    if settings.database_url is None:
        return URL.create("sqlite", database=str(database_beside(settings.store)))
    url = _parsed(settings.database_url)
    file = settings.database_password_file
    if file is None or url.get_backend_name() == "sqlite":
        return url
    try:
        return url.set(password=file.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the password of the database cannot be read from {file}: {error}") from error


def _parsed(text: str) -> URL:
    """Return a database's URL with the driver we use; a complaint leaves the text out: it may hold a password."""
    expected = "expected sqlite:///FILE or postgresql://USER@HOST/NAME"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(f"this is no database's address; {expected}") from None
    if url.drivername == "sqlite" and url.database and url.database != ":memory:" and not (url.host or url.query):
        return url
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    raise ValueError(f"got one that begins with {url.drivername[:40]!r}; {expected}")


def multiprocess_folder() -> Path | None:
    """Where the processes of one server leave their counts for each other; None where there is one."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def _variables(cls: type[BaseModel], variables: Mapping[str, str]) -> dict[str, str]:
    names = ((name, PREFIX + name.upper()) for name in cls.model_fields)
    return {name: variables[variable] for name, variable in names if variables.get(variable)}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"there is no settings file {file}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"settings file {file} cannot be read as TOML in UTF-8: {error}") from error


def _faults(error: ValidationError, said_by: Mapping[str, str]) -> str:
    faults = []
    for fault in error.errors():
        name = str(fault["loc"][0])
        if fault["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            faults.append(f"{said_by.get(name, name)} is no setting; expected some of {known}")
        else:
            message = str(fault["msg"]).removeprefix("Value error, ")
            given = "" if name in _SECRET else f", got {str(fault['input'])[:80]!r}"
            faults.append(f"{said_by.get(name, name)}: {message}{given}")
    return "; ".join(faults)
