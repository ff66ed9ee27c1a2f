"""The tables of the database, the same in SQLite and PostgreSQL; `api/migrations` makes them."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite, which knows no time zones, gets and gives it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC; one without a zone could mean anything, and is refused."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a moment needs its time zone, got {value.isoformat()}")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what was stored, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


NAME_LENGTH = 100
"""Characters of a holder's name."""

WHO_LENGTH = 200
SUBJECT_LENGTH = 400
"""Characters of an audit's entry: longer texts are cut."""

VERSION_TABLE = "carbonmap_revision"
"""Holds the revision the tables are at; not by Alembic's usual name, which another program could use beside us."""

REVISION = "0002"
"""The last step of `api/migrations`, which makes the tables as they stand here; a test holds both together."""

metadata = MetaData()

keys = Table(
    "keys",
    metadata,
    Column("prefix", String(10), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("name", String(NAME_LENGTH), nullable=False),
    Column("role", String(20), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    CheckConstraint("role IN ('planner', 'admin')", name="keys_role"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("who", String(WHO_LENGTH), nullable=False),
    Column("origin", String(WHO_LENGTH), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(SUBJECT_LENGTH), nullable=False),
)

scenarios = Table(
    "scenarios",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("region", String(64), nullable=False),
    Column("owner", String(10), nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("scenarios_owner", "owner", "region"),
)
"""The id is 128 random bits: who has it may read the scenario. The owner is the prefix of a key."""

scenario_versions = Table(
    "scenario_versions",
    metadata,
    Column("scenario", String(22), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("edition", String(16), nullable=False),
    Column("saved_by", String(10), nullable=False),
    Column("saved_at", Moment, nullable=False),
)
