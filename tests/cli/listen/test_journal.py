"""The local log of events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from trudy.cli.failures import CommandError
from trudy.cli.listen import journal as module
from trudy.cli.listen.changes import SimulatedEvent
from trudy.cli.listen.journal import ForwardAttempt, Journal, LoggedEvent

URL = "http://localhost/hooks"


def made(number: int, size: int = 1) -> SimulatedEvent:
    return SimulatedEvent(name="call.ended", about=f"c{number}", moment=float(number), body={"x": "é" * size})


def attempt(status: int | None) -> ForwardAttempt:
    return ForwardAttempt(url=URL, at=1.0, status=status, fault="" if status else "ConnectError", seconds=0.1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as journal:
        yield journal


def add(journal: Journal, *numbers: int, urls: tuple[str, ...] = (URL,)) -> list[LoggedEvent]:
    return journal.add(map(made, numbers), source="listen", account="mine", urls=urls, state="{}")


def test_events_come_back_with_their_attempts(journal: Journal) -> None:
    first, second = add(journal, 1, 2)
    journal.record(first.id, attempt(500), account="mine", is_last=False)
    journal.record(first.id, attempt(204), account="mine")
    found = journal.get(first.id)
    assert found is not None
    assert (found.name, found.about, found.body, found.source) == ("call.ended", "c1", '{"x":"\\u00e9"}', "listen")
    assert [one.status for one in found.attempts] == [500, 204]
    assert [one.is_accepted for one in found.attempts] == [False, True]
    assert [event.id for event in journal.newest(5)] == [first.id, second.id]
    assert [event.id for event in journal.newest(1)] == [second.id]
    assert journal.newest(5, name="call.failed") == []
    assert journal.get(99) is None


def test_what_is_not_accepted_waits_with_its_tries(journal: Journal) -> None:
    first, second, third = add(journal, 1, 2, 3)
    journal.record(first.id, attempt(204), account="mine")
    journal.record(second.id, attempt(None), account="mine", is_last=False)
    assert [(one.event.id, one.url, one.tries) for one in journal.waiting("mine")] == [
        (second.id, URL, 1),
        (third.id, URL, 0),
    ]
    assert journal.waiting("other") == []
    journal.forget_waiting("mine")
    assert journal.waiting("mine") == []


def test_only_the_user_can_read_it(path: Path, journal: Journal) -> None:
    add(journal, 1)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_the_newest_events_are_kept(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_EVENTS", 3)
    monkeypatch.setattr(module, "KEPT_ATTEMPTS", 4)
    [first] = add(journal, 0)
    for _ in range(9):
        journal.record(first.id, attempt(500))
    add(journal, 1, 2, 3, 4)
    assert [event.about for event in journal.newest(10)] == ["c2", "c3", "c4"]
    assert journal.get(first.id) is None
    assert len(journal.waiting("mine")) == 3
    assert journal._database.execute("SELECT count(*) FROM attempts").fetchone() == (0,)


def test_the_bytes_of_bodies_are_bounded(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 1000)
    for number in range(9):
        journal.add([made(number, 20)], source="listen")
    assert 2 <= len(journal.newest(10)) <= 7
    journal.add([made(10, 5000)], source="listen")
    assert [event.about for event in journal.newest(10)] == ["c10"], "the newest is kept, however long"


def test_half_a_character_is_stored(journal: Journal) -> None:
    event = SimulatedEvent(name="call.ended", about="c\ud800", moment=1.0, body={"x": "\ud800"})
    [added] = journal.add([event], source="listen")
    assert journal.get(added.id) == added
    assert added.body.encode() == b'{"x":"\\ud800"}'


def test_numbers_are_never_used_again(journal: Journal) -> None:
    [first] = add(journal, 1)
    journal._database.execute("DELETE FROM events")
    [second] = add(journal, 2)
    assert second.id > first.id


def test_a_state_is_written_with_its_events_or_not_at_all(path: Path, journal: Journal) -> None:
    def events() -> Iterator[SimulatedEvent]:
        yield made(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.add(events(), source="listen", account="mine", state="new")
    assert journal.newest(5) == []
    assert journal.state_of("mine") is None
    add(journal, 2)
    with Journal(path) as other:
        assert other.state_of("mine") == "{}"
        assert [event.about for event in other.newest(5)] == ["c2"]


def test_a_file_that_is_no_log_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(CommandError) as caught:
        Journal(path)
    assert str(path) in caught.value.failure.what


def test_a_log_that_another_process_holds_is_busy(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CommandError) as caught, Journal(path) as late:
        add(late, 1)
    assert caught.value.failure.code == 5
    other.close()
