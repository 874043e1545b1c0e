"""Errors in two lines, and their exit codes."""

from __future__ import annotations

import errno
import re
import tomllib

import pytest

import trudy
from tests.cli import running
from tests.docs.blocks import ROOT
from trudy.cli.asking import NotConfirmedError
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import EXTRAS, CommandError, failure_of

PAYMENT = trudy.PaymentRequiredError("no", details={"redirect_url": "https://pay.example"})
CODES: list[tuple[Exception, ExitCode]] = [
    (trudy.ConfigurationError("base_url is not a URL"), ExitCode.NOT_ALLOWED),
    (trudy.ConfigurationError("report() needs Jinja2: pip install 'x[report]'"), ExitCode.EXTRA_MISSING),
    (ModuleNotFoundError("no", name="sqlalchemy.orm"), ExitCode.EXTRA_MISSING),
    (ModuleNotFoundError("no", name="something_else"), ExitCode.FAULT),
    (trudy.InvalidArgumentError("limit must be a whole number", argument="limit"), ExitCode.USAGE),
    (trudy.BadRequestError("no"), ExitCode.REFUSED),
    (trudy.AuthenticationError("no"), ExitCode.NOT_ALLOWED),
    (PAYMENT, ExitCode.NOT_ALLOWED),
    (trudy.PermissionDeniedError("no"), ExitCode.NOT_ALLOWED),
    (trudy.NotFoundError("no"), ExitCode.NOT_FOUND),
    (trudy.ConflictError("no"), ExitCode.REFUSED),
    (trudy.ValidationError("no"), ExitCode.REFUSED),
    (trudy.RateLimitError("no"), ExitCode.RATE_LIMIT),
    (trudy.ServerError("no"), ExitCode.NO_ANSWER),
    (trudy.ProviderError("no"), ExitCode.NO_ANSWER),
    (trudy.APIConnectionError("no"), ExitCode.NO_ANSWER),
    (trudy.APITimeoutError("no"), ExitCode.NO_ANSWER),
    (trudy.ResponseDecodeError("no"), ExitCode.NO_ANSWER),
    (trudy.CallOutcomeUnknownError("no"), ExitCode.OUTCOME_UNKNOWN),
    (trudy.WaitTimeoutError("no"), ExitCode.NOT_IN_TIME),
    (trudy.APIError("teapot", status_code=418), ExitCode.REFUSED),
    (NotConfirmedError("not confirmed", "Nothing was done."), ExitCode.USAGE),
    (CommandError("held", "Look.", code=ExitCode.PAUSED), ExitCode.PAUSED),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "gone.csv"), ExitCode.USAGE),
    (RuntimeError("a bug about +14155550123"), ExitCode.FAULT),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=lambda value: type(value).__name__)
def test_each_error_has_a_code_and_two_lines(error: Exception, code: ExitCode) -> None:
    failure = failure_of(error)
    assert failure.code is code
    first, second = str(failure).splitlines()
    assert first.startswith("error: ")
    assert second.startswith("  ")
    assert len(second) > 5
    assert "+14155550123" not in str(failure)


def test_every_kind_of_error_of_the_library_is_among_them() -> None:
    kinds = {getattr(trudy, name) for name in trudy.__all__ if name.endswith("Error")}
    assert kinds - {type(error) for error, _ in CODES} <= {trudy.TrudyError}


def test_the_first_line_has_the_request_id_and_what_was_asked() -> None:
    error = trudy.NotFoundError("no such call", request_id="req_1", method="GET", path="/calls/c1")
    assert failure_of(error).what == "404 not_found: no such call (GET /calls/c1, request id req_1)"


@pytest.mark.parametrize("part", ["transcript", "recording"])
def test_what_a_call_lacks_is_no_wrong_id(part: str) -> None:
    error = trudy.NotFoundError("not there", method="GET", path=f"/calls/c1/{part}")
    assert "nobody answered" in failure_of(error).advice
    assert "id is right" in failure_of(trudy.NotFoundError("no", method="GET", path="/calls/c1")).advice


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        (("--phone-number", "415-555-0100"), "at most 15 digits in a row"),
        (("--phone-number", "+14155232671", "--call-settings", '{"recordng": 1}'), "join_timeout"),
    ],
)
def test_no_python_is_advised_in_a_shell(arguments: tuple[str, ...], ends: str) -> None:
    ran = running.trudy("calls", "create", "--agent-id", "a1", *arguments, "--dry-run")
    assert ran.code == ExitCode.USAGE
    assert ran.err.splitlines()[0].endswith(ends)


def test_what_no_api_answers_is_a_matter_of_the_address() -> None:
    for error in (
        trudy.NotFoundError("no", method="GET", path="/calls"),
        trudy.ResponseDecodeError("html", method="GET", path="/calls"),
    ):
        assert "base URL" in failure_of(error).advice
    posted = trudy.ResponseDecodeError("html", method="POST", path="/agents")
    assert "had an effect" in failure_of(posted).advice


def test_the_second_line_says_whether_to_repeat() -> None:
    assert "Run it again" in failure_of(trudy.ServerError("no", retryable=True)).advice
    assert "had an effect" in failure_of(trudy.ServerError("no", retryable=False)).advice
    assert "Do not repeat" in failure_of(trudy.CallOutcomeUnknownError("no")).advice
    assert "https://pay.example" in failure_of(PAYMENT).advice


def test_what_is_missing_is_named_with_the_extra_that_brings_it() -> None:
    assert "'trudy-python-sdk[dialer]'" in failure_of(ModuleNotFoundError("no", name="sqlalchemy.orm")).advice
    assert failure_of(CODES[1][0]).advice == "Install it: pip install 'x[report]'"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra, packages in EXTRAS.items():
        brought = {re.split(r"[^\w-]", one)[0].lower().replace("-", "_") for one in project[extra]}
        assert set(packages) <= brought


def test_what_a_server_says_cannot_forge_a_line() -> None:
    failure = failure_of(trudy.ValidationError("bad\nerror: all is well\x1b[2J"))
    assert len(str(failure).splitlines()) == 2
    assert "\x1b" not in str(failure)


def test_on_a_terminal_lines_break_between_words_and_the_first_word_has_a_colour() -> None:
    error = trudy.NotFoundError("no such call", request_id="5060e709-6454", method="GET", path="/calls/c1")
    assert failure_of(error).text(width=50).splitlines() == [
        "error: 404 not_found: no such call (GET /calls/c1,",
        "       request id 5060e709-6454)",
        "  Look whether the id is right, and of this",
        "  account: list shows what there is.",
    ]
    assert failure_of(error).text(colour=True).startswith("\x1b[31m\x1b[1merror:\x1b[0m 404")
