"""`trudy webhooks check`: the code of `python -m trudy.webhooks check`."""

from __future__ import annotations

import json

import pytest

from tests.cli.running import trudy
from tests.webhooks.receivers import wsgi
from trudy.cli.listen.state_files import listen_secret
from trudy.webhooks import WebhookRouter
from trudy.webhooks.__main__ import main


@pytest.mark.usefixtures("state")
def test_it_says_what_the_module_says(capsys: pytest.CaptureFixture[str]) -> None:
    with wsgi(WebhookRouter(secret=listen_secret())) as url:
        ran = trudy("webhooks", "check", url)
        status = main(["check", url, "--secret", listen_secret()])
    assert (ran.code, ran.err) == (status, "") == (0, "")
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in ran.lines] == [line.split()[0] for line in shown]
    assert ran.lines[-1] == shown[-1]


@pytest.mark.usefixtures("state")
def test_findings_as_json_lines() -> None:
    with wsgi(WebhookRouter(secret=listen_secret())) as url:
        ran = trudy("webhooks", "check", url, "--json")
    found = [json.loads(line) for line in ran.lines]
    assert found[0] == {"trial": "good", "should_be_accepted": True, "status": 204, "fault": "", "result": "ok"}
    assert {row["result"] for row in found} == {"ok"}
    assert ran.err == "the receiver accepts good deliveries and refuses bad ones\n"


@pytest.mark.usefixtures("state")
def test_a_receiver_with_another_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", "whsec_of_the_environment")
    with wsgi(WebhookRouter(secret=listen_secret())) as url:
        assert trudy("webhooks", "check", url).code == 2
    with wsgi(WebhookRouter(secret="whsec_of_the_environment")) as url:
        assert trudy("webhooks", "check", url).code == 0


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["http://example.test/"], "--remote"),
        (["nowhere"], "http://"),
        (["http://localhost/", "--timeout", "0"], "timeout"),
        (["http://localhost/", "--timeout", "nan"], "timeout"),
    ],
)
def test_what_is_refused(arguments: list[str], what: str) -> None:
    ran = trudy("webhooks", "check", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert what in ran.err
