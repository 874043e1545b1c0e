"""The names for which a handler can be registered; `on_call_over`."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.webhooks.samples import SECRET
from trudy.errors import InvalidArgumentError
from trudy.testing import make_delivery
from trudy.webhooks import CallResult, EventName, WebhookRouter

SLIPS = {
    "call.end": "call.ended",
    "call.complete": "call.completed",
    "call.fail": "call.failed",
    "call.start": "call.started",
    "call.bill": "call.billed",
    "call.analysed": "call.analyzed",
    "Call.Ended": "call.ended",
    "CALL_ENDED": "call.ended",
    "call-ended": "call.ended",
    "callEnded": "call.ended",
    "call/ended": "call.ended",
    "call.ended ": "call.ended",
    "calls.ended": "call.ended",
    "ended": "call.ended",
    "call.compleeted": "call.completed",
    "batch.complete": "batch.completed",
    "batch.status": "batch.status.changed",
    "batch_status_changed": "batch.status.changed",
    "voice.training.complete": "voice.training.completed",
    "voice.training.fail": "voice.training.failed",
    "call.*": "call.started",
    "call.edned": "call.ended",
    "call.eended": "call.ended",
    "call.failure": "call.failed",
    "call.ended,call.failed": "call.ended",
    "truedy.call.ended": "call.ended",
    "webhook.batch.completed": "batch.completed",
}
NEW = [
    "call.extended",
    "call.extended",
    "call.restarted",
    "batch.uncompleted",
    "call.transferred",
    "call.queued",
    "call.ringing",
    "call.status.changed",
    "batch.started",
    "voice.training.started",
    "voice.training.paused",
    "number.bought",
    "x",
    "1",
]


@pytest.mark.parametrize("name", SLIPS)
def test_a_name_near_a_known_one_is_refused_with_the_nearest(name: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        WebhookRouter().on(name)
    assert f"did you mean '{SLIPS[name]}'" in str(caught.value)
    assert caught.value.argument == "name"
    with pytest.raises(InvalidArgumentError):
        WebhookRouter().on("call.started", name)


@pytest.mark.parametrize("name", ["*", "call.ended.*", "everything.*"])
def test_there_are_no_patterns(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="on_any"):
        WebhookRouter().on(name)


@pytest.mark.parametrize("name", [*NEW, *get_args(EventName)])
def test_known_names_and_names_unlike_them_are_accepted(name: str) -> None:
    WebhookRouter().on(name)


@pytest.mark.parametrize("name", ["", "  ", None, 5])
def test_no_name(name: object) -> None:
    with pytest.raises(InvalidArgumentError):
        WebhookRouter().on(name)  # type: ignore[call-overload]


def test_on_call_over_takes_every_end_of_a_call_and_nothing_else() -> None:
    router, heard = WebhookRouter(secret=SECRET, clock=FakeClock()), []

    @router.on_call_over
    def over(event: CallResult) -> None:
        heard.append(event.name)

    for name in (*get_args(EventName), "call.invented"):
        made = make_delivery(name, secret=SECRET, sent_at=NOON)
        assert router.handle_blocking("POST", made.headers, made.body).status == 204
    assert heard == ["call.ended", "call.completed", "call.failed"]
