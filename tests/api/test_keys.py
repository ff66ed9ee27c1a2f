"""Keys in SQLite and in a real PostgreSQL: made once, kept as digests, refused when over, and audited."""

import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select

import api.keys
from api.database import Database
from api.database_tables import audit
from api.database_tables import keys as table
from api.errors import InvalidKey, KeyNotFound
from api.keys import KEY, Actor, KeyHolder, Keys, Refusal, without_keys
from api.settings import Settings

ME = Actor("operator ann", "a-machine")
START = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database: Database, clock: Clock) -> Keys:
    database.upgrade()
    return Keys(database, clock)


def refused(found: KeyHolder | Refusal) -> str:
    assert isinstance(found, Refusal)
    return found.reason


def changed(key: str) -> str:
    """The same key with another last digit."""
    return key[:-1] + ("0" if key[-1] != "0" else "1")


def test_a_key_says_who_holds_it(keys: Keys) -> None:
    until = START + timedelta(days=3)
    key = keys.create(" 도시계획과 ", "admin", ME, until)
    assert KEY.fullmatch(key)
    assert keys.holder(key) == KeyHolder(key[3:13], "도시계획과", "admin", until)


def test_roles_may_what_the_ones_before_them_may() -> None:
    planner, admin = (KeyHolder("p", "n", role, None) for role in api.keys.ROLES)
    assert (planner.may("planner"), planner.may("admin")) == (True, False)
    assert (admin.may("planner"), admin.may("admin")) == (True, True)


def test_keys_have_256_random_bits_each(keys: Keys) -> None:
    made = [keys.create("Ann", "planner", ME) for _ in range(20)]
    parts = {key.split("_")[2] for key in made}
    assert len(parts) == len({key.split("_")[1] for key in made}) == 20
    assert {len(bytes.fromhex(secret)) for secret in parts} == {32}


def test_nothing_of_a_secret_is_kept(keys: Keys, database: Database) -> None:
    key = keys.create("Ann", "planner", ME)
    secret = key.split("_")[2]
    with database.reading() as connection:
        kept = [dict(row) for one in (table, audit) for row in connection.execute(select(one)).mappings()]
    assert key[3:13] in str(kept)
    assert secret not in str(kept)
    assert bytes.fromhex(secret) not in {value for row in kept for value in row.values()}
    if database.file is not None:
        for file in database.file.parent.glob("keys.sqlite*"):
            assert secret.encode() not in file.read_bytes()
            assert bytes.fromhex(secret) not in file.read_bytes()


def test_a_key_is_refused_after_it_was_revoked_and_another_is_not(keys: Keys) -> None:
    one, other = keys.create("Ann", "planner", ME), keys.create("Bob", "planner", ME)
    assert keys.revoke(one[3:13], ME) is True
    assert refused(keys.holder(one)) == "revoked"
    assert isinstance(keys.holder(other), KeyHolder)
    assert keys.revoke(f"ck_{one[3:13]}", ME) is False  # it was before
    assert keys.revoke(other, ME) is True  # the whole key names it too


def test_a_key_opens_until_the_moment_it_expires(keys: Keys, clock: Clock) -> None:
    until = datetime(2026, 5, 2, 9, tzinfo=timezone(timedelta(hours=9)))
    key = keys.create("Ann", "planner", ME, until)
    clock.now = until - timedelta(microseconds=1)
    assert isinstance(keys.holder(key), KeyHolder)
    clock.now = until
    assert refused(keys.holder(key)) == "expired"
    assert [record.state(clock.now) for record in keys.listed()] == ["expired"]


@pytest.mark.parametrize(
    "given",
    [
        *("", "ck_", "x" * 78, "\x00"),
        *(f"ck_0123456789_{'0' * count}" for count in (0, 63, 65)),
        *(f"ck_0123456789_{'0' * 63}{last}" for last in ("G", "A", "٣")),
        *(f"{start}_0123456789_{'0' * 64}" for start in ("CK", " ck", "ck_ck")),
        f"ck_0123456789_{'0' * 64}\n",
    ],
)
def test_what_is_no_key_is_not_even_looked_up(given: str) -> None:
    class Untouched:
        def reading(self) -> Iterator[Any]:
            raise AssertionError("it was looked up")

    untouched: Any = Untouched()
    assert refused(Keys(untouched).holder(given)) == "malformed"


def test_a_wrong_secret_opens_nothing(keys: Keys) -> None:
    key = keys.create("Ann", "planner", ME)
    assert refused(keys.holder(changed(key))) == "unknown"
    assert refused(keys.holder("ck_0000000000_" + "0" * 64)) == "unknown"


def test_a_revoked_key_with_a_wrong_secret_does_not_tell_that_it_was_one(keys: Keys) -> None:
    key = keys.create("Ann", "planner", ME)
    keys.revoke(key, ME)
    assert refused(keys.holder(changed(key))) == "unknown"


def test_a_prefix_is_given_once(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    first = keys.create("Ann", "planner", ME)
    real, given = secrets.token_hex, [first[3:13]]
    monkeypatch.setattr(secrets, "token_hex", lambda n: given.pop() if n == 5 and given else real(n))
    second = keys.create("Bob", "planner", ME)
    assert not given
    assert second[3:13] != first[3:13]
    assert isinstance(keys.holder(first), KeyHolder)
    assert [entry.subject for entry in keys.audited(9)] == [f"{second[3:13]} planner Bob", f"{first[3:13]} planner Ann"]


@pytest.mark.parametrize(
    ("name", "role", "days", "word"),
    [
        ("", "planner", 1, "name"),
        ("  ", "planner", 1, "name"),
        ("a\nb", "planner", 1, "name"),
        ("\x1b[31m", "planner", 1, "name"),
        ("a" * 101, "planner", 1, "name"),
        ("Ann", "owner", 1, "planner or admin"),
        ("Ann", "planner", 0, "is over"),
        ("Ann", "planner", -1, "is over"),
    ],
)
def test_what_cannot_be_a_key_is_refused_and_not_audited(
    keys: Keys, name: str, role: Any, days: int, word: str
) -> None:
    with pytest.raises(InvalidKey, match=word):
        keys.create(name, role, ME, START + timedelta(days=days))
    assert keys.listed() == []
    assert keys.audited(9) == []


@pytest.mark.parametrize("prefix", ["", "abc", "0123456789; DROP TABLE keys", "' OR ''='", "0123456789"])
def test_revoking_what_is_no_key_says_so(keys: Keys, prefix: str) -> None:
    key = keys.create("Ann", "planner", ME)
    with pytest.raises(KeyNotFound, match=r"prefix|carbonmap keys list"):
        keys.revoke(prefix, ME)
    assert isinstance(keys.holder(key), KeyHolder)


def test_the_audit_says_who_what_when_and_from_where(keys: Keys, clock: Clock) -> None:
    key = keys.create("Ann", "admin", ME)
    clock.now += timedelta(hours=1)
    keys.note(Actor("key", "192.0.2.7"), "receipt.read", "town/\0\ud800\n" + "x" * 999)
    clock.now += timedelta(hours=1)
    keys.revoke(key, Actor("operator bob" + "b" * 999, "elsewhere"))
    keys.revoke(key, ME)  # for the second time, which changes nothing
    revoked, noted, created = keys.audited(10)
    assert (created.who, created.origin, created.at) == (ME.who, ME.origin, START)
    assert (created.action, created.subject) == ("key.create", f"{key[3:13]} admin Ann")
    assert (noted.action, noted.origin, noted.subject) == ("receipt.read", "192.0.2.7", "town/???" + "x" * 392)
    assert (revoked.action, revoked.subject, len(revoked.who)) == ("key.revoke", key[3:13], 200)
    assert revoked.at == START + timedelta(hours=2)
    assert [entry.action for entry in keys.audited(1)] == ["key.revoke"]


def test_several_processes_make_and_revoke_keys_at_once(
    keys: Keys, database_settings: Settings, at_once: Callable[[str, Settings], list[str]]
) -> None:
    shared = keys.create("all", "planner", ME)
    said = at_once(
        "keys, me = Keys(Database.of(settings)), Actor(f'process {number}', 'here')\n"
        "made = [keys.create(f'holder {number} {k}', 'planner', me) for k in range(5)]\n"
        f"print(keys.revoke({shared!r}, me), *[keys.revoke(key, me) for key in made[:3]], "
        "*[type(keys.holder(key)).__name__ for key in made])",
        database_settings,
    )
    assert sorted(line.split()[0] for line in said) == ["False", "False", "False", "True"]
    assert [line.split()[1:] for line in said] == [["True"] * 3 + ["Refusal"] * 3 + ["KeyHolder"] * 2] * 4
    records = keys.listed()
    assert len(records) == len({record.prefix for record in records}) == 21
    assert sum(record.revoked_at is not None for record in records) == 13
    actions = [entry.action for entry in keys.audited(1000)]
    assert (actions.count("key.create"), actions.count("key.revoke")) == (21, 13)


def test_a_text_keeps_only_the_prefix_of_a_key() -> None:
    key = "ck_0123456789_" + "abcdef01" * 8
    for said in (key, key.replace("_", "%5F"), key.upper(), key[:30], f"a?key={key}&x=1 {key}"):
        hidden = without_keys(said)
        assert "abcdef01" not in hidden.lower()
        assert re.search("ck_0123456789_.hidden.", hidden)
    assert without_keys("ck_0123456789 and back_0123456789_x") == "ck_0123456789 and back_0123456789_x"
