"""Keys: made once, kept as digests, looked up at every request, revoked, and all of it audited.

A key is `ck_<prefix>_<secret>`: ten hexadecimal digits to find and name it by, which are no secret, and 256 random
bits. What is kept is its SHA-256. A slow hash, as passwords want one, would add nothing: there is no list of likely
keys to go through, and 2^256 of them cannot be tried however fast one try is.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from api.database import Database
from api.database_tables import NAME_LENGTH, SUBJECT_LENGTH, WHO_LENGTH, audit, keys
from api.errors import DatabaseMissing, InvalidKey, KeyNotFound

Role = Literal["planner", "admin"]
"""A planner writes scenarios; an admin may that too, and sees what is private."""

ROLES: tuple[Role, ...] = get_args(Role)

KEY = re.compile(r"ck_(?P<prefix>[0-9a-f]{10})_[0-9a-f]{64}")

_SAID = re.compile(r"ck(?:_|%(?:25)*5f)([0-9a-f]{10})(?:_|%(?:25)*5f)[0-9a-f]+", re.IGNORECASE)
_NAMED = re.compile(r"(?:ck_)?(?P<prefix>[0-9a-f]{10})(?:_[0-9a-f]{64})?")
_NO_DIGEST = bytes(32)


@dataclass(frozen=True)
class KeyHolder:
    """Who asks, as a key says it."""

    prefix: str
    name: str
    role: Role
    expires_at: datetime | None

    def may(self, role: Role) -> bool:
        """Whether this holder may do what a role may: each role may also what those before it may."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class KeyRecord(KeyHolder):
    """All that is known of a key; the key itself is not."""

    created_at: datetime
    revoked_at: datetime | None

    def state(self, now: datetime) -> Literal["valid", "revoked", "expired"]:
        """Say whether the key opens anything at a moment."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "valid"


@dataclass(frozen=True)
class Actor:
    """Who does something, and from where: for the audit."""

    who: str
    origin: str


@dataclass(frozen=True)
class AuditEntry(Actor):
    """What was done, to what, and when."""

    at: datetime
    action: str
    subject: str


@dataclass(frozen=True)
class Refusal:
    """Why a key opens nothing: for the log, never for an answer."""

    reason: Literal["malformed", "unknown", "revoked", "expired", "no database"]
    prefix: str | None


def utc_now() -> datetime:
    """Return the moment, in UTC."""
    return datetime.now(UTC)


def without_keys(text: str) -> str:
    """Return a text in which of every key only the prefix is left."""
    return _SAID.sub(r"ck_\1_(hidden)", text)


class Keys:
    """The keys in a database."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        """Look into a database; `now` gives the moment, with its time zone."""
        self._database = database
        self._now = now

    def create(self, name: str, role: Role, by: Actor, expires_at: datetime | None = None) -> str:
        """Make a key and return it: this once, it is kept nowhere.

        Args:
            name: of whoever will hold it, in up to 100 printable characters.
            role: what it allows.
            by: who makes it.
            expires_at: from this moment on it opens nothing.

        Raises:
            InvalidKey: no such role, a name that cannot be shown, or a moment that is over.
            DatabaseError: the database cannot be used.
        """
        name, now = name.strip(), self._now()
        if role not in ROLES:
            raise InvalidKey(f"role: got {role!r}, expected {' or '.join(ROLES)}")
        if not name or len(name) > NAME_LENGTH or not name.isprintable():
            raise InvalidKey(f"name: got {name[:NAME_LENGTH]!r}, expected 1 to {NAME_LENGTH} printable characters")
        if expires_at is not None and expires_at <= now:
            raise InvalidKey(f"expires: {expires_at.isoformat()} is over, expected a moment to come")
        while True:
            prefix = secrets.token_hex(5)
            key = f"ck_{prefix}_{secrets.token_hex(32)}"
            row = {"prefix": prefix, "digest": _digest(key), "name": name, "role": role}
            try:
                with self._database.writing() as connection:
                    connection.execute(insert(keys).values(**row, created_at=now, expires_at=expires_at))
                    _note(connection, by, now, "key.create", f"{prefix} {role} {name}")
            except IntegrityError:  # the prefix is taken
                continue
            return key

    def listed(self) -> list[KeyRecord]:
        """Return all keys there ever were, the oldest first.

        Raises:
            DatabaseError: the database cannot be used.
        """
        asked = select(*(column for column in keys.c if column is not keys.c.digest))
        try:
            with self._database.reading() as connection:
                rows = connection.execute(asked.order_by(keys.c.created_at, keys.c.prefix)).mappings()
                return [KeyRecord(**row) for row in rows]
        except DatabaseMissing:
            return []

    def revoke(self, prefix: str, by: Actor) -> bool:
        """Revoke a key for good; the next request with it is refused.

        Args:
            prefix: of the key, with or without `ck_`; a whole key goes too.
            by: who revokes it.

        Returns:
            Whether it was not revoked before.

        Raises:
            KeyNotFound: there is no such key.
            DatabaseError: the database cannot be used.
        """
        named = _NAMED.fullmatch(prefix.strip())
        if named is None:
            raise KeyNotFound(f"{without_keys(prefix)[:80]!r} is no prefix of a key: expected ten digits 0-9 a-f")
        prefix, now = named["prefix"], self._now()
        still = update(keys).where(keys.c.prefix == prefix, keys.c.revoked_at.is_(None))
        with self._database.writing() as connection:
            if connection.execute(still.values(revoked_at=now)).rowcount:
                _note(connection, by, now, "key.revoke", prefix)
                return True
            if connection.scalar(select(keys.c.prefix).where(keys.c.prefix == prefix)) is None:
                raise KeyNotFound(f"no key begins with ck_{prefix}: 'carbonmap keys list' names those there are")
        return False

    def holder(self, key: str) -> KeyHolder | Refusal:
        """Return who holds a key, or why it opens nothing.

        Raises:
            DatabaseError: the database cannot be used; without one there are no keys, which is no error.
        """
        named = KEY.fullmatch(key)
        if named is None:
            return Refusal("malformed", None)
        prefix = named["prefix"]
        try:
            with self._database.reading() as connection:
                row = connection.execute(select(keys).where(keys.c.prefix == prefix)).mappings().one_or_none()
        except DatabaseMissing:
            return Refusal("no database", prefix)  # nothing was compared, so it is no guess either
        # The same work whether there is such a key or not, and a comparison that takes no longer the more is right.
        same = hmac.compare_digest(_digest(key), _NO_DIGEST if row is None else row["digest"])
        if row is None or not same:
            return Refusal("unknown", prefix)
        record = KeyRecord(**{name: value for name, value in row.items() if name != "digest"})
        state = record.state(self._now())
        if state != "valid":
            return Refusal(state, prefix)
        return KeyHolder(record.prefix, record.name, record.role, record.expires_at)

    def note(self, by: Actor, action: str, subject: str) -> None:
        """Write into the audit what somebody does.

        Args:
            by: who, and from where.
            action: what, as `receipt.read`.
            subject: to what.

        Raises:
            DatabaseError: it cannot be written, so it should not be done.
        """
        with self._database.writing() as connection:
            _note(connection, by, self._now(), action, subject)

    def audited(self, most: int) -> list[AuditEntry]:
        """Return the latest entries of the audit, the newest first.

        Raises:
            DatabaseError: the database cannot be used.
        """
        asked = select(*(column for column in audit.c if column is not audit.c.id))
        try:
            with self._database.reading() as connection:
                rows = connection.execute(asked.order_by(audit.c.id.desc()).limit(most)).mappings()
                return [AuditEntry(**row) for row in rows]
        except DatabaseMissing:
            return []


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("ascii")).digest()


def _note(connection: Connection, by: Actor, now: datetime, action: str, subject: str) -> None:
    entry = {"at": now, "who": by.who[:WHO_LENGTH], "origin": by.origin[:WHO_LENGTH], "action": action}
    # A subject may come from an address, and PostgreSQL takes no NUL.
    shown = "".join(character if character.isprintable() else "?" for character in without_keys(subject))
    connection.execute(insert(audit).values(**entry, subject=shown[:SUBJECT_LENGTH]))
