"""`python -m trudy.webhooks check`, against receivers that are right and wrong."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.webhooks.receivers import wsgi
from tests.webhooks.samples import OTHER, SECRET
from trudy.webhooks import WebhookRouter
from trudy.webhooks.__main__ import main
from trudy.webhooks.verify import MAX_BODY

GOOD = ["good", "duplicate", "reordered", "unknown"]
BAD = ["stale", "future", "tampered", "truncated", "unsigned", "dated only", "other secret", "oversized"]
TRIALS = GOOD + BAD
Result = tuple[int, dict[str, str], str]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def check(url: str, *arguments: str, secret: str = SECRET) -> Result:
        status = main(["check", url, "--secret", secret, *arguments])
        *lines, verdict = capsys.readouterr().out.splitlines()
        return status, dict(re.split(r"  +", line, maxsplit=1) for line in lines), verdict

    return check


@contextmanager
def naive(answer: Callable[[bytes, Any], int]) -> Iterator[str]:
    """A receiver that answers with the status that `answer` returns."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answer(body, self.headers))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_our_own_receiver(check: Callable[..., Result]) -> None:
    router, seen = WebhookRouter(secret=SECRET), []
    router.on_any(lambda event: seen.append(event.name))
    with wsgi(router) as url:
        status, answers, verdict = check(url)
    assert status == 0
    assert list(answers) == TRIALS
    assert [answers[name] for name in TRIALS[:-1]] == ["204"] * 4 + ["401"] * 7
    assert answers["oversized"] == "400" or answers["oversized"].startswith("no answer")
    assert "refuses bad ones" in verdict
    assert seen == ["call.ended", "call.started", "call.invented"]


def test_a_receiver_that_takes_everything(check: Callable[..., Result]) -> None:
    with naive(lambda body, headers: 200) as url:
        status, answers, verdict = check(url)
    assert status == 1
    assert "let in" in verdict
    assert [name for name in TRIALS if "let in" in answers[name]] == BAD


def test_a_receiver_that_only_looks_whether_the_body_is_json(check: Callable[..., Result]) -> None:
    def answer(body: bytes, headers: Any) -> int:
        try:
            json.loads(body)
        except ValueError:
            return 400
        return 204

    with naive(answer) as url:
        status, answers, _ = check(url)
    assert status == 1
    assert answers["truncated"] == "400"


def fits(body: bytes, headers: Any, secret: str = SECRET) -> bool:
    stamp, mark = headers.get("X-Truedy-Timestamp", "0"), headers.get("X-Truedy-Signature", "")
    message = stamp.encode() + b"." + body
    fresh = -60 <= time.time() - int(stamp) <= 300 and len(body) <= MAX_BODY
    return fresh and hmac.compare_digest(hmac.new(secret.encode(), message, hashlib.sha256).hexdigest(), mark)


@pytest.mark.parametrize(
    ("verifies", "let_in"),
    [
        (lambda headers: "X-Truedy-Signature" in headers, ["unsigned", "dated only"]),
        (lambda headers: "X-Truedy-Timestamp" in headers, ["unsigned"]),
    ],
)
def test_a_receiver_that_verifies_only_what_is_signed(
    verifies: Callable[[Any], bool], let_in: list[str], check: Callable[..., Result]
) -> None:
    with naive(lambda body, headers: 204 if not verifies(headers) or fits(body, headers) else 401) as url:
        status, answers, _ = check(url)
    assert status == 1
    assert [name for name in TRIALS if "let in" in answers[name]] == let_in


def test_a_receiver_that_looks_only_whether_there_is_a_signature(check: Callable[..., Result]) -> None:
    def answer(body: bytes, headers: Any) -> int:
        marked = len(headers.get("X-Truedy-Signature", "")) == 64
        return 204 if marked and -60 <= time.time() - int(headers["X-Truedy-Timestamp"]) <= 300 else 401

    with naive(answer) as url:
        _, answers, _ = check(url)
    assert answers["other secret"] == "204  <- let in, expected a refusal"


def test_a_receiver_with_another_secret(check: Callable[..., Result]) -> None:
    with wsgi(WebhookRouter(secret=OTHER)) as url:
        status, answers, verdict = check(url)
    assert status == 2
    assert "is the secret right" in verdict
    assert all("turned away, expected 2xx" in answers[name] for name in GOOD)


def test_nothing_listens_at_the_url(check: Callable[..., Result]) -> None:
    with naive(lambda body, headers: 200) as url:
        pass
    status, answers, verdict = check(url)
    assert status == 2
    assert answers["good"].startswith("no answer (ConnectError)")
    assert "is the receiver running" in verdict


@pytest.mark.parametrize("url", ["https://example.test/hook", "http://192.0.2.1/", "http://localhost.example.test/"])
def test_other_machines_only_if_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", url, "--secret", SECRET])
    assert caught.value.code == 2
    assert "--remote" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "127.0.0.1:80",
        "http://[",
        "",
        "http://",
        "http://127.0.0.1/\n",
        "http://127.0.0.1/a\nb",
        "http://127.0.0.1/\x00",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://127.0.0.1/" + "x" * 100_000,
    ],
    ids=lambda url: repr(url[:24]),
)
def test_no_url(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", url, "--secret", SECRET])
    assert caught.value.code == 2
    assert "URL must" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1\\@example.test/", "http://example.test#@127.0.0.1/"])
def test_a_loopback_host_that_is_none(url: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", url, "--secret", SECRET])
    assert caught.value.code == 2


@pytest.mark.parametrize("timeout", ["nan", "-1", "0", "inf", "soon", ""])
def test_no_time_limit(timeout: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", "http://127.0.0.1:1/", "--secret", SECRET, f"--timeout={timeout}"])
    assert caught.value.code == 2
    assert "--timeout" in capsys.readouterr().err


def test_as_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", f"{SECRET},{OTHER}")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with wsgi(WebhookRouter(secret=SECRET)) as url:
        run = subprocess.run([sys.executable, "-m", "trudy.webhooks", "check", url], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert SECRET not in run.stdout


def test_without_a_secret() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "trudy.webhooks", "check", "http://127.0.0.1:1/"], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert "TRUDY_WEBHOOK_SECRET" in run.stderr
