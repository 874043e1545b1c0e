"""What an adapter is given to send; each status with the real servers."""

from __future__ import annotations

import json
import logging
from contextlib import ExitStack

import pytest

from tests.webhooks.adapters.test_adapters import Receiver
from tests.webhooks.receivers import RECEIVERS
from tests.webhooks.samples import SECRET
from trudy.webhooks import WebhookRouter
from trudy.webhooks.answer import problem


@pytest.mark.parametrize("status", [200, 299, 400, 500, 599])
def test_a_problem_names_its_reason(status: int) -> None:
    answer = problem(status, "why", allow="POST")
    assert json.loads(answer.body) == {"error": {"code": "why"}}
    assert answer.headers == {"content-type": "application/json", "allow": "POST"}


@pytest.mark.parametrize("status", [204, 205, 304])
def test_statuses_that_have_no_body(status: int) -> None:
    answer = problem(status, "why", allow="POST")
    assert (answer.status, answer.body, answer.headers) == (status, b"", {"allow": "POST"})


@pytest.mark.parametrize("kind", [kind for kind in RECEIVERS if kind != "fastapi_dependency"])
def test_any_error_status_reaches_the_sender(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """The FastAPI dependency has no such status: there the route says how it failed."""
    for status in (204, 299, 304, 500, 599):
        with ExitStack() as servers:
            receiver = Receiver(kind, WebhookRouter(secret=SECRET, error_status=status), servers)
            receiver.failures = 1
            with caplog.at_level(logging.WARNING):
                assert receiver.send() == status
                assert receiver.send() == 204
            assert len(receiver.seen) == 1
    # Django has a line of its own for each answer from 500 on.
    assert {record.name for record in caplog.records} <= {"trudy.webhooks", "django.request"}
