"""The workshop of downloads: orders that fail, that take too long, and that are too many."""

import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from api.errors import MadeTooLong, NotMade, WorkshopFull, said_of
from api.workshop import MOST_WAITING, Workshop
from grids.edition import Store
from grids.exports.shelf import Shelf


def test_an_order_that_fails_can_be_given_again(small_store: Path, tmp_path: Path) -> None:
    edition = Store(small_store).open("town")
    workshop = Workshop(small_store, Shelf(tmp_path / "exports"))
    with pytest.raises(NotMade):
        workshop.order(edition, "grid-7m_2023.csv").result(60)
    assert workshop.order(edition, "grid-1km_2023.csv").result(60).bytes > 0


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_made(small_store: Path, tmp_path: Path) -> None:
    edition = Store(small_store).open("town")
    workshop = Workshop(small_store, Shelf(tmp_path / "exports"), seconds=0.001)  # no process starts in that time
    with pytest.raises(MadeTooLong, match=r"took longer than 0\.001 s to make") as told:
        workshop.order(edition, "grid-1km_2023.csv").result(60)
    assert said_of(told.value)[:2] == (503, str(told.value))
    assert told.value.headers["Retry-After"] == "86400"
    workshop._seconds = 600
    assert workshop.order(edition, "grid-500m_2023.csv").result(60).bytes > 0
    with pytest.raises(MadeTooLong, match="smaller collection or another form") as again:
        workshop.order(edition, "grid-1km_2023.csv")
    assert 86_000 < int(again.value.headers["Retry-After"]) <= 86_400
    assert list(workshop.shelf.kept(edition)) == ["grid-500m_2023.csv"]


def test_a_file_that_took_too_long_is_tried_again_after_a_while(small_store: Path, tmp_path: Path) -> None:
    edition = Store(small_store).open("town")
    workshop = Workshop(small_store, Shelf(tmp_path / "exports"), seconds=0.001, again_s=0)
    with pytest.raises(MadeTooLong):
        workshop.order(edition, "grid-1km_2023.csv").result(60)
    workshop._seconds = 600
    assert workshop.order(edition, "grid-1km_2023.csv").result(60).bytes > 0


def test_a_file_that_takes_too_long_is_told_at_once_when_asked_again(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client]
) -> None:
    client = serving(
        small_store, exports=tmp_path / "exports", export_wait_s=60, request_seconds=120, export_seconds=0.001
    )
    first, again = (client.get("/api/town/downloads/grid-1km_2023.csv") for _ in range(2))
    assert first.json()["detail"] == again.json()["detail"]
    assert "ask for a smaller collection" in again.json()["detail"]
    assert (again.status_code, again.headers["content-type"]) == (503, "application/problem+json")
    assert 0 < int(again.headers["retry-after"]) <= int(first.headers["retry-after"]) == 86_400


def test_orders_are_bounded(small_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edition, go_on = Store(small_store).open("town"), threading.Event()
    workshop = Workshop(small_store, Shelf(tmp_path / "exports"))
    monkeypatch.setattr(workshop, "_made", lambda *_: go_on.wait(60))
    orders = [workshop.order(edition, f"file-{k}") for k in range(MOST_WAITING)]
    assert workshop.order(edition, "file-0") is orders[0]
    with pytest.raises(WorkshopFull):
        workshop.order(edition, "one-too-many")
    go_on.set()
    assert all(order.result(60) for order in orders)
