"""The tables of the guides name what there is: no more, no less."""

from __future__ import annotations

import inspect
import re
import tomllib

import trudy
from tests.docs.blocks import ROOT, guide, table_after
from trudy import errors, webhooks
from trudy.options import RequestOptions
from trudy.sandbox import Sandbox
from trudy.sandbox.domain import outcome_by_number
from trudy.sandbox.domain.campaign import PACE_SECONDS, RETRY_SECONDS
from trudy.testing import make_event, plugin
from trudy.webhooks import BadPayloadError, BadSignatureError
from trudy.webhooks.answer import ACCEPTED, BUSY, WRONG_METHOD, refusal


def _names(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def test_every_argument_of_the_clients() -> None:
    rows = [row[0].strip("`") for row in table_after(guide("transport"), "argument")]
    for client in (trudy.AsyncTrudyClient, trudy.TrudyClient):
        arguments = [name for name in inspect.signature(client.__init__).parameters if name != "self"]
        assert rows == arguments


def test_defaults_that_are_values() -> None:
    parameters = inspect.signature(trudy.AsyncTrudyClient.__init__).parameters
    for name, default, _ in table_after(guide("transport"), "argument"):
        if re.fullmatch(r"`?(None|False|\(\)|\d+)`?", default):
            assert parameters[name.strip("`")].default == eval(default.strip("`"))  # noqa: S307  # a literal


def test_every_environment_variable() -> None:
    read = {
        name
        for path in (ROOT / "trudy").rglob("*.py")
        if "sandbox" not in path.parts  # which reads none; it tells other processes
        for name in re.findall(r'"((?:TRUDY|TRUEDY)_[A-Z_]+)"', path.read_text())
    }
    assert {row[0].strip("`") for row in table_after(guide("transport"), "environment variable")} == read


def test_every_error() -> None:
    family = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.TrudyError)
    }
    rows = table_after(guide("pipeline"), "error")
    assert {row[0].strip("`") for row in rows} == family - {"TrudyError"}
    for name, when in rows:
        status = re.match(r"(\d{3})\b", when)
        if status is not None:
            assert getattr(trudy, name.strip("`")).status_code == int(status[1])


def test_every_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [re.search(r"\[([\w-]+)\]", row[0]) for row in table_after(guide("transport"), "extra")]
    assert {match[1] for match in named if match is not None} == set(extras)


def test_every_request_option() -> None:
    sentence = re.search(r"`with_options` gives .*?\.\n", guide("pipeline").read_text(), re.DOTALL)
    assert sentence is not None
    assert _names(sentence[0]) - {"with_options"} == set(RequestOptions.__annotations__)


def test_numbers_and_their_outcomes() -> None:
    stated = {row[0]: row[1] for row in table_after(guide("sandbox"), "NN")}
    covered: list[int] = []
    for key, words in stated.items():
        first, _, last = key.partition("-")
        for nn in range(int(first), int(last or first) + 1):
            number = f"+141555501{nn:02d}"
            outcome = outcome_by_number.outcome_of(number)
            assert outcome is not None
            assert WORDS[outcome] in words
            fate = outcome_by_number.event_fate(number)
            assert ("its events" in words) == (fate is not None)
            assert fate is None or FATES[fate] in words
            covered.append(nn)
    assert covered == list(range(100))


def _methods(namespace: object, name: str) -> dict[str, set[str]]:
    """The public methods of a namespace of a client, and of those below it."""
    methods: set[str] = set()
    below: dict[str, set[str]] = {}
    for member in dir(namespace):
        if not member.startswith("_"):
            value = getattr(namespace, member)
            if callable(value):
                methods.add(member)
            else:
                below |= _methods(value, f"{name}.{member}")
    return {name: methods} | below


def test_every_namespace_and_method() -> None:
    stated = {row[0].strip("`"): _names(row[1]) for row in table_after(guide("resources"), "namespace")}
    with Sandbox().client() as client:
        namespaces = {name.partition(".")[0] for name in stated}
        found = [_methods(getattr(client, name), name) for name in sorted(namespaces)]
        others = {name for name in dir(client) if not name.startswith("_") and not callable(getattr(client, name))}
    assert {name: methods for one in found for name, methods in one.items()} == stated
    assert others - namespaces == {"base_url", "clock", "rate_limit", "server_clock"}


def test_every_adapter() -> None:
    named = {
        name
        for row in table_after(guide("webhooks"), "framework")
        for name in re.findall(r"(\w+)\(router\)|`(\w+)`", row[1])
    }
    adapters = {name for pair in named for name in pair if name}
    assert adapters == {name for name in webhooks.__all__ if re.search(r"_(?!\Z)", name)}


def test_every_argument_of_the_router() -> None:
    parameters = inspect.signature(webhooks.WebhookRouter).parameters
    rows = table_after(guide("webhooks"), "router argument")
    assert [row[0].strip("`") for row in rows] == list(parameters)
    for name, default, _ in rows:
        if re.fullmatch(r"`?(False|[\d,]+)`?", default):
            value = eval(default.strip("`").replace(",", ""))  # noqa: S307  # a literal
            assert parameters[name.strip("`")].default == value


def test_every_refusal_of_a_delivery() -> None:
    kinds = {cls.__name__ for cls in webhooks.WebhookVerificationError.__subclasses__()}
    sentence = re.search(r"A `WebhookVerificationError` is one of .*?\.\n", guide("webhooks").read_text(), re.DOTALL)
    assert sentence is not None
    assert {name for name in _names(sentence[0]) if name.endswith("Error")} == kinds | {"WebhookVerificationError"}


def test_handlers_get_what_they_are_typed_for() -> None:
    registered = re.findall(r"@router\.on\((.*?)\)\n(?:async )?def \w+\(event: (\w+)\)", guide("webhooks").read_text())
    assert registered
    for names, typed in registered:
        for name in re.findall(r'"([\w.]+)"', names):
            assert isinstance(make_event(name), getattr(webhooks, typed))


def test_every_fixture() -> None:
    fixtures = {
        name for name in vars(plugin) if name.endswith(("client", "server", "_jumping_clock")) or "sandbox" in name
    }
    assert {row[0].strip("`") for row in table_after(guide("testing"), "fixture")} == fixtures


def test_every_answer_to_a_delivery() -> None:
    statuses = {ACCEPTED.status, BUSY.status, WRONG_METHOD.status, 500}
    statuses |= {refusal(error("x")).status for error in (BadPayloadError, BadSignatureError)}
    assert {int(row[0]) for row in table_after(guide("webhooks"), "answer")} == statuses


WORDS = {
    outcome_by_number.Outcome.COMPLETED: "completed",
    outcome_by_number.Outcome.NO_ANSWER: "no answer",
    outcome_by_number.Outcome.BUSY: "busy",
    outcome_by_number.Outcome.VOICEMAIL: "voicemail",
    outcome_by_number.Outcome.REFUSED: "refused",
    outcome_by_number.Outcome.FAILED: "failed",
    outcome_by_number.Outcome.ANSWERED_SECOND_TIME: "second attempt",
    outcome_by_number.Outcome.DO_NOT_CALL: "not to be called",
    outcome_by_number.Outcome.LONG: "long",
    outcome_by_number.Outcome.RATE_LIMITED_ONCE: "429",
    outcome_by_number.Outcome.SERVER_ERROR_AFTER: "500",
    outcome_by_number.Outcome.RESET_AFTER: "reset",
    outcome_by_number.Outcome.HANG: "30 seconds",
    outcome_by_number.Outcome.PAYMENT_REQUIRED: "402",
    outcome_by_number.Outcome.FORBIDDEN: "403",
    outcome_by_number.Outcome.RANDOM: "random",
}
FATES = {
    outcome_by_number.EventFate.NEVER: "never sent",
    outcome_by_number.EventFate.JUMBLED: "sent twice, the last one first",
    outcome_by_number.EventFate.LATE: "ten minutes late",
}


def test_the_pace_of_campaigns() -> None:
    text = " ".join(guide("sandbox").read_text(encoding="utf-8").split())
    assert f"`max_concurrent_calls`, {PACE_SECONDS:g} seconds apart" in text
    assert f"called again after {RETRY_SECONDS:g} seconds at the earliest" in text
