"""What a deployment may decide; from arguments or from variables that begin with CARBONMAP_."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from api.errors import SettingsError
from grids.exports.shelf import MOST_BYTES

PREFIX = "CARBONMAP_"


class Settings(BaseModel):
    """Settings of one server.

    Attributes:
        store: folder of the editions to serve.
        web: folder of the built web map, with its `index.html`; without it `/` explains how to get one.
        public_url: address at which people reach the server, when a proxy hides it; else links follow the request.
        gzip_level: 1 (fast) to 9 (small).
        exports: folder where files made for downloads are kept; beside the store if none.
        exports_bytes: how many bytes of them are kept; those asked for longest ago go first.
        export_wait_s: how long a download waits for its file to be made before it is told to come again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: Path
    web: Path | None = None
    public_url: str | None = None
    gzip_level: int = Field(default=5, ge=1, le=9)
    exports: Path | None = None
    exports_bytes: int = Field(default=MOST_BYTES, ge=1_000_000)
    export_wait_s: float = Field(default=10.0, ge=0, le=600)

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError(f"expected an address that begins with http:// or https://, got {value!r}")
        return value.rstrip("/") if value else None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read CARBONMAP_STORE, CARBONMAP_WEB, CARBONMAP_PUBLIC_URL and CARBONMAP_GZIP_LEVEL.

        Raises:
            SettingsError: CARBONMAP_STORE is missing, or a value is not as expected.
        """
        given = os.environ if environment is None else environment
        values = {name: given[PREFIX + name.upper()] for name in cls.model_fields if given.get(PREFIX + name.upper())}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = "; ".join(f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
            raise SettingsError(f"the server's settings are not complete: {faults}") from error
