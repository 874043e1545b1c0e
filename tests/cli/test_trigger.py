"""`trudy trigger`: one made-up event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define, field

from tests.cli.running import trudy
from tests.webhooks.receivers import wsgi
from trudy.cli.failures import CommandError
from trudy.cli.listen.state_files import listen_secret
from trudy.cli.trigger import event_options
from trudy.webhooks import WebhookEvent, WebhookRouter
from trudy.webhooks.parse import parse_event
from trudy.webhooks.sample_events import make_body


@define
class Receiver:
    url: str
    events: list[WebhookEvent] = field(factory=list)


@pytest.fixture
def receiver(state: Path) -> Iterator[Receiver]:
    """It has the secret of this machine."""
    router, received = WebhookRouter(secret=listen_secret()), Receiver("")
    router.on_any(lambda event: received.events.append(event))
    with wsgi(router) as url:
        received.url = url
        yield received


def test_an_event_is_signed_sent_and_logged(receiver: Receiver) -> None:
    ran = trudy("trigger", "call.ended", "--to", receiver.url, "--set", "call_id=c1", "--set", "end_reason=busy")
    assert (ran.code, ran.err) == (0, "")
    [event] = receiver.events
    assert (event.name, event.call_id, event.end_reason) == ("call.ended", "c1", "busy")
    made, delivery = map(json.loads, ran.lines)
    assert (made["type"], made["id"], made["about"]) == ("event", "evt_1", "c1")
    assert (delivery["type"], delivery["status"], delivery["url"]) == ("delivery", 204, receiver.url)
    assert made["body"] == event.to_dict()
    assert listen_secret() not in ran.out
    assert trudy("events", "list", "-q").lines == ["evt_1"]


def test_on_a_terminal(receiver: Receiver) -> None:
    ran = trudy("trigger", "batch.completed", "--to", receiver.url, "--set", "batch_id=b1", terminal=True)
    first, second = ran.lines
    assert first.split()[-4:] == ["evt_1", "batch.completed", "completed", "b1"]
    assert "-> 204 in" in second
    assert receiver.url not in second


def test_the_secret_of_the_environment_goes_first(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", "whsec_another")
    ran = trudy("trigger", "call.ended", "--to", receiver.url, terminal=True)
    assert ran.code == 8
    assert "-> 401 in" in ran.lines[1]
    assert "does the receiver have this secret?" in ran.lines[1]
    assert receiver.events == []


@pytest.mark.usefixtures("state")
def test_nobody_listens() -> None:
    with wsgi(WebhookRouter(secret="whsec_x")) as url:
        pass
    ran = trudy("trigger", "call.ended", "--to", url, terminal=True)
    assert ran.code == 10
    assert "nobody listens" in ran.lines[1]


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["call.end", "--to", "http://localhost/"], "did you mean 'call.ended'?"),
        (["call.ended", "--to", "http://example.test/"], "--remote"),
        (["call.ended", "--to", "localhost:8000"], "http://"),
        (["call.ended", "--to", "http://user:pw@localhost/"], "no user and no password"),
        (["call.ended", "--to", "http://localhost/", "--set", "summary"], "NAME=VALUE"),
        (["call.ended", "--to", "http://localhost/", "--set", "=1"], "NAME=VALUE"),
        (["call.ended", "--to", "http://localhost/", "--set", "a..b=1"], "NAME=VALUE"),
        (["call.ended", "--to", "http://localhost/", "--set", "style=round"], "nested or flat"),
        (["call.ended", "--to", "http://localhost/", "--set", "a.b=1", "--set", "a.b.c=1"], "a value and members"),
        (["call.ended"], "--to"),
    ],
)
def test_what_cannot_be_sent(arguments: list[str], what: str, state: Path) -> None:
    ran = trudy("trigger", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert what in ran.err
    assert "pw" not in ran.err
    assert not (state / "events.db").exists()


@pytest.mark.usefixtures("state")
def test_a_dry_run_shows_the_body_and_sends_nothing(receiver: Receiver) -> None:
    ran = trudy("trigger", "call.billed", "--to", receiver.url, "--set", "cost_usd=0.5", "--dry-run")
    assert json.loads(ran.out)["data"]["call"]["costUsd"] == 0.5
    assert receiver.events == []
    assert trudy("events", "list").out == ""


@pytest.mark.parametrize(
    ("name", "pairs", "expected"),
    [
        ("call.ended", ["cost_usd=0.5"], {"cost_usd": 0.5}),
        ("call.ended", ["costUsd=0.5"], {"cost_usd": 0.5}),
        ("call.ended", ["call.costUsd=0.5", "style=flat"], {}),
        ("call.ended", ["style=flat", "cost_usd=0.5", "duration_seconds=7"], {"cost_usd": 0.5, "duration_seconds": 7}),
        ("call.ended", ["call.summary=It said a=b"], {"summary": "It said a=b"}),
        ("call.ended", ["call_id=007", "agent_id=a"], {"call_id": "007", "agent_id": "a"}),
        ("call.ended", ["id=evt_1"], {"id": "evt_1"}),
        ("batch.status.changed", ["status=paused", "batch_id=b"], {"status": "paused", "batch_id": "b"}),
        ("batch.completed", ["agent_id=a"], {"agent_id": "a"}),
        ("voice.training.failed", ["voice_id=v", "status=failed"], {"voice_id": "v", "status": "failed"}),
    ],
)
def test_what_set_means(name: str, pairs: list[str], expected: dict[str, object]) -> None:
    event = parse_event(make_body(name, **event_options(name, pairs)))
    assert {member: getattr(event, member) for member in expected} == expected


def test_a_value_is_json_where_it_can_be() -> None:
    options = event_options("voice.new", ["a=1", "b=null", "c=text", 'd={"e": [true]}', "f.g=007", "h="])
    assert options["data"] == {"a": 1, "b": None, "c": "text", "d": {"e": [True]}, "f": {"g": "007"}, "h": ""}


def test_a_pair_is_checked() -> None:
    with pytest.raises(CommandError):
        event_options("call.ended", ["nothing"])
