"""Scenarios in the database: saved by planners, every version kept, read by whoever has the id.

The id is 128 random bits, as unguessable as a key; there is no list of all, only of one's own.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, LargeBinary, Row, cast, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from api.database import Database
from api.database_tables import scenario_versions, scenarios
from api.errors import DatabaseMissing, RoleRefused, ScenarioChanged, ScenarioNotFound, TooManyScenarios
from api.keys import KeyHolder, utc_now
from scenarios.scenario import Scenario

MOST_SCENARIOS = 500
MOST_VERSIONS = 200
MOST_BYTES = 50_000_000
"""Of all versions of all scenarios of one key."""


@dataclass(frozen=True)
class Saved:
    """One version of a scenario.

    Attributes:
        id, region, owner, created_at: of the scenario; the owner is the prefix of a key.
        version, latest: which of how many; they count from 1.
        document: as it was read, with the defaults of its members left out.
        edition: that the version was saved against; it may be run against any other.
        saved_at: when this version was.
    """

    id: str
    region: str
    owner: str
    created_at: datetime
    version: int
    latest: int
    document: dict[str, Any]
    edition: str
    saved_at: datetime


class Scenarios:
    """The scenarios in a database."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        """Look into a database; `now` gives the moment, with its time zone."""
        self._database = database
        self._now = now

    def save(self, region: str, edition: str, scenario: Scenario, by: KeyHolder) -> Saved:
        """Save a new scenario as its first version.

        Raises:
            TooManyScenarios: the holder keeps as many as they may.
            DatabaseError: the database cannot be used.
        """
        name, now, document = secrets.token_urlsafe(16), self._now(), _written(scenario)
        with self._database.writing() as connection:
            kept = connection.scalar(
                select(func.count()).select_from(scenarios).where(scenarios.c.owner == by.prefix)
            )  # fmt: skip
            if (kept or 0) >= MOST_SCENARIOS:
                raise TooManyScenarios(f"this key keeps {kept} scenarios, the most it may: delete some first")
            _check_room(connection, by.prefix, document)
            connection.execute(
                insert(scenarios).values(id=name, region=region, owner=by.prefix, created_at=now)
            )  # fmt: skip
            _insert(connection, name, 1, edition, document, by, now)
            return _found(connection, region, name, None)

    def add_version(
        self, region: str, name: str, edition: str, scenario: Scenario, by: KeyHolder, follows: Collection[int] | None
    ) -> Saved:
        """Save the next version.

        Args:
            region: of the scenario.
            name: its id.
            edition: it is saved against.
            scenario: the whole document.
            by: its owner, or an admin.
            follows: versions it may have been made from, one of which must be the latest, so that no change of
                somebody else is lost; None: whichever there is.

        Raises:
            ScenarioNotFound, RoleRefused: none of that id; not theirs.
            ScenarioChanged: there is a later version. TooManyScenarios: there are as many as may be.
        """
        try:
            with self._database.writing() as connection:
                found = _theirs(_found(connection, region, name, None), by)
                latest = found.latest
                if follows is not None and latest not in follows:
                    named = ", ".join(map(str, sorted(follows))) or "no version"
                    raise ScenarioChanged(
                        f"follows: got {named}, the latest version is {latest}: look at it, and save again after it"
                    )
                if latest >= MOST_VERSIONS:
                    raise TooManyScenarios(
                        f"this scenario has {latest} versions, the most it may: save it as a new one"
                    )
                document = _written(scenario)
                _check_room(connection, found.owner, document)
                _insert(connection, name, latest + 1, edition, document, by, self._now())
                return _found(connection, region, name, None)
        except IntegrityError as error:
            raise ScenarioChanged("the next version was saved by somebody else in this moment") from error

    def get(self, region: str, name: str, version: int | None = None) -> Saved:
        """Return a version, the latest if none is named.

        Raises:
            ScenarioNotFound: none of that id or version.
            DatabaseError: the database cannot be used.
        """
        try:
            with self._database.reading() as connection:
                return _found(connection, region, name, version)
        except DatabaseMissing as error:
            raise _missing(region, name, version) from error

    def listed(self, region: str, by: KeyHolder) -> list[Saved]:
        """Return the latest versions of the holder's own scenarios of a region, those saved last first."""
        own = select(scenarios.c.id).where(scenarios.c.owner == by.prefix, scenarios.c.region == region)
        latest = (
            select(scenario_versions.c.scenario, func.max(scenario_versions.c.version).label("latest"))
            .where(scenario_versions.c.scenario.in_(own))
            .group_by(scenario_versions.c.scenario)
            .subquery()
        )
        asked = (
            _everything(latest.c.latest)
            .join(latest, latest.c.scenario == scenarios.c.id)
            .where(scenario_versions.c.version == latest.c.latest)
            .order_by(scenario_versions.c.saved_at.desc(), scenarios.c.id)
        )
        with self._database.reading() as connection:
            return [_saved(row) for row in connection.execute(asked)]

    def remove(self, region: str, name: str, by: KeyHolder) -> None:
        """Delete a scenario with all versions, for good.

        Raises:
            ScenarioNotFound, RoleRefused: none of that id; not theirs.
        """
        with self._database.writing() as connection:
            _theirs(_found(connection, region, name, None), by)
            connection.execute(delete(scenario_versions).where(scenario_versions.c.scenario == name))
            connection.execute(delete(scenarios).where(scenarios.c.id == name))


def _everything(latest: Any) -> Any:
    columns = (
        scenarios.c.id, scenarios.c.region, scenarios.c.owner, scenarios.c.created_at, scenario_versions.c.version,
        latest.label("latest"), scenario_versions.c.document, scenario_versions.c.edition,
        scenario_versions.c.saved_at,
    )  # fmt: skip
    return select(*columns).join(scenario_versions, scenario_versions.c.scenario == scenarios.c.id)


def _found(connection: Connection, region: str, name: str, version: int | None) -> Saved:
    latest = (
        select(func.max(scenario_versions.c.version)).where(scenario_versions.c.scenario == name).scalar_subquery()
    )  # fmt: skip
    asked = _everything(latest).where(
        scenarios.c.id == name,
        scenarios.c.region == region,
        scenario_versions.c.version == (latest if version is None else version),
    )
    row = connection.execute(asked).one_or_none()
    if row is None:
        raise _missing(region, name, version)
    return _saved(row)


def _saved(row: Row[Any]) -> Saved:
    values = dict(row._mapping)
    return Saved(**{**values, "document": orjson.loads(values["document"])})


def _written(scenario: Scenario) -> str:
    # JSON escapes what a database might refuse in a text, such as NUL.
    return orjson.dumps(scenario.model_dump(mode="json", exclude_defaults=True, exclude_none=True)).decode()


def _check_room(connection: Connection, owner: str, document: str) -> None:
    column = scenario_versions.c.document
    # SQLite counts bytes only of what is no text.
    size = func.length(cast(column, LargeBinary)) if connection.dialect.name == "sqlite" else func.octet_length(column)
    kept = connection.scalar(
        select(func.coalesce(func.sum(size), 0))
        .join(scenarios, scenarios.c.id == scenario_versions.c.scenario)
        .where(scenarios.c.owner == owner)
    )
    new = len(document.encode())
    if int(kept or 0) + new > MOST_BYTES:
        raise TooManyScenarios(
            f"this scenario has {new:,} bytes, all versions that its key keeps {kept:,}, of {MOST_BYTES:,} at most: "
            "delete scenarios that nobody needs, or name areas by collection and ids where they are drawn"
        )


def _insert(
    connection: Connection, name: str, version: int, edition: str, document: str, by: KeyHolder, now: datetime
) -> None:
    connection.execute(
        insert(scenario_versions).values(
            scenario=name, version=version, document=document, edition=edition, saved_by=by.prefix, saved_at=now
        )
    )


def _theirs(saved: Saved, by: KeyHolder) -> Saved:
    if saved.owner != by.prefix and not by.may("admin"):
        raise RoleRefused("this scenario belongs to another key: save it as one of your own")
    return saved


def _missing(region: str, name: str, version: int | None) -> ScenarioNotFound:
    what = f"scenario {name[:40]!r}" + ("" if version is None else f" in version {version}")
    return ScenarioNotFound(f"region {region!r} has no {what}; it may have been deleted")
