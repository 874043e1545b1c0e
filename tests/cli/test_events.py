"""`trudy events`: the log of events made on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import trudy
from tests.webhooks.receivers import wsgi
from trudy.cli.listen.changes import SimulatedEvent
from trudy.cli.listen.journal import ForwardAttempt, Journal
from trudy.cli.listen.state_files import listen_secret
from trudy.webhooks import WebhookRouter
from trudy.webhooks.sample_events import make_body

AT = 1_780_315_200.0
URL = "http://localhost:1/hooks"


@pytest.fixture
def journal(state: Path) -> None:
    """Three events: one delivered at the second try, one given up, one never sent."""
    names = ["call.started", "call.ended", "batch.completed"]
    made = [
        SimulatedEvent(name=name, about=f"c{number}", moment=AT, body=make_body(name, call_id=f"c{number}"))
        for number, name in enumerate(names)
    ]
    with Journal() as journal:
        first, second, _ = journal.add(made, source="listen")
        for event, status in ((first, 500), (first, 204), (second, None)):
            fault = "" if status else "ConnectError"
            journal.record(event.id, ForwardAttempt(url=URL, at=AT, status=status, fault=fault, seconds=0.012))


@pytest.mark.usefixtures("journal")
def test_the_list_off_a_terminal_is_json_lines() -> None:
    rows = [json.loads(line) for line in trudy("events", "list").lines]
    assert [(row["id"], row["event"], row["about"]) for row in rows] == [
        ("evt_1", "call.started", "c0"),
        ("evt_2", "call.ended", "c1"),
        ("evt_3", "batch.completed", "c2"),
    ]
    assert [delivery["status"] for delivery in rows[0]["deliveries"]] == [500, 204]
    assert rows[0]["timestamp"] == "2026-06-01T12:00:00.000Z"
    assert rows[1]["body"]["data"]["call"]["callId"] == "c1"


@pytest.mark.usefixtures("journal")
def test_a_part_of_the_list() -> None:
    assert trudy("events", "list", "--limit", "2", "-q").lines == ["evt_2", "evt_3"]
    assert trudy("events", "list", "--event", "call.ended", "-q").lines == ["evt_2"]
    assert trudy("events", "list", "--event", "call.billed", "-q").lines == []
    assert trudy("events", "list", "--limit", "0").code == 1


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("width", [80, 120])
def test_the_list_on_a_terminal_fits(width: int) -> None:
    head, *rows = trudy("events", "list", terminal=True, width=width).lines
    assert head.split() == ["id", "time", "event", "answer", *(["facts"] if width >= 100 else []), "about"]
    assert [row.split()[0] for row in rows] == ["evt_1", "evt_2", "evt_3"]
    assert "204" in rows[0]
    assert "nobody listens" in rows[1]
    assert "not sent" in rows[2]
    assert max(map(len, [head, *rows])) <= width
    assert ("hangup 24s" in rows[1]) == (width >= 100)


@pytest.mark.usefixtures("state")
def test_an_empty_log() -> None:
    ran = trudy("events", "list", terminal=True)
    assert (ran.code, ran.out, ran.err) == (0, "", "there is none\n")


@pytest.mark.usefixtures("journal")
def test_one_event() -> None:
    shown = json.loads(trudy("events", "show", "evt_2").out)
    assert shown["deliveries"] == [
        {"url": URL, "at": "2026-06-01T12:00:00.000Z", "status": None, "fault": "ConnectError", "seconds": 0.012}
    ]
    ran = trudy("events", "show", "2", terminal=True)
    members, _, body = ran.out.partition("{")
    assert json.loads("{" + body) == shown["body"]
    assert "nobody listens" in members


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("event_id", ["evt_9", "9", "c1", "", "evt_", "-1", "9" * 40])
@pytest.mark.parametrize("command", ["show", "resend"])
def test_no_such_event(command: str, event_id: str) -> None:
    ran = trudy("events", command, "--", event_id)
    assert (ran.code, ran.out) == (6, "")
    assert "trudy events list" in ran.err


@pytest.mark.usefixtures("journal")
def test_an_event_is_sent_again_to_where_it_was_sent_or_elsewhere() -> None:
    router, seen = WebhookRouter(secret=listen_secret()), list[str]()
    router.on_any(lambda event: seen.append(event.dedupe_key))
    with wsgi(router) as url:
        ran = trudy("events", "resend", "evt_1", "evt_2", "--to", url)
        assert ran.code == 0
        assert seen == ["call.started:c0", "call.ended:c1"]
        again = trudy("events", "resend", "evt_1", terminal=True)
    assert again.code == 10, "the receiver of before does not answer, that of now does"
    assert seen == ["call.started:c0", "call.ended:c1"], "the router handles no event twice"
    assert len(again.lines) == 3


@pytest.mark.usefixtures("journal")
def test_an_event_goes_nowhere_unless_told() -> None:
    never = trudy("events", "resend", "evt_3")
    assert (never.code, never.out) == (1, "")
    assert "--to" in never.err
    remote = trudy("events", "resend", "evt_1", "--to", "http://example.test/")
    assert (remote.code, remote.out) == (1, "")
    assert "--remote" in remote.err


def test_the_log_does_not_keep_what_a_query_says(state: Path) -> None:
    with wsgi(WebhookRouter(secret="whsec_x")) as url:
        trudy("trigger", "call.ended", "--to", f"{url}?token=sesame")
    assert all(b"sesame" not in file.read_bytes() for file in state.iterdir())
    ran = trudy("events", "resend", "evt_1")
    assert ran.code == 1
    assert "--to" in ran.err
