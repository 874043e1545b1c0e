"""Good and bad deliveries that test a receiver, and what its answers mean."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from uuid import uuid4

from attrs import field, frozen

from trudy.webhooks.receiver_url import TIMEOUT, ReceiverURL
from trudy.webhooks.sample_events import EventOptions, make_body
from trudy.webhooks.signing import TIMESTAMP, sign
from trudy.webhooks.verify import FUTURE_TOLERANCE, MAX_BODY, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

CheckResult: TypeAlias = Literal["ok", "let in", "turned away"]
_VERDICTS: Final = {
    0: "the receiver accepts good deliveries and refuses bad ones",
    1: "the receiver let in bad deliveries",
    2: "the receiver refused good deliveries; is the secret right, and is its clock?",
}
_NO_RECEIVER: Final = "no delivery was answered; is the receiver running, and is the URL right?"
_MARGIN: Final = 60
"""Seconds beyond the tolerated age, so that a receiver whose clock is a little off still sees a stale delivery."""


@frozen(kw_only=True)
class Trial:
    """One delivery, and whether a receiver should take it."""

    name: str
    is_good: bool
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, hash=False)


@frozen(kw_only=True)
class Finding:
    """How the receiver answered: a status, or None and what went wrong with the connection."""

    trial: Trial
    status: int | None
    fault: str = ""

    @property
    def reading(self) -> CheckResult:
        """`let in` is a bad delivery answered 2xx, `turned away` a good one answered otherwise."""
        accepted = self.status is not None and 200 <= self.status < 300
        if accepted == self.trial.is_good:
            return "ok"
        return "let in" if accepted else "turned away"


def trials(secret: str, *, now: float | None = None) -> tuple[Trial, ...]:
    """All deliveries, in the order to send them. They tell of calls that do not exist, whose ids begin with `check_`.

    Args:
        secret: the receiver's secret.
        now: Unix seconds; the machine's clock if left out.
    """
    sent_at = time.time() if now is None else now
    run = uuid4().hex[:12]

    def write(name: str, call: str, **options: object) -> bytes:
        facts: EventOptions = {"call_id": f"check_{run}_{call}", "agent_id": f"check_{run}"}
        return json.dumps({**make_body(name, **facts), **options}).encode()

    def make(
        name: str,
        body: bytes,
        *,
        is_good: bool = False,
        signed: bytes | None = None,
        at: float = 0.0,
        by: str = secret,
    ) -> Trial:
        headers = sign(body if signed is None else signed, secret=by, timestamp=sent_at + at)
        return Trial(name=name, is_good=is_good, body=body, headers=headers)

    def bare(name: str, call: str, *kept: str) -> Trial:
        """A delivery that lacks all signature headers but these."""
        body = write("call.ended", call)
        signed = sign(body, secret=secret, timestamp=sent_at)
        return Trial(name=name, is_good=False, body=body, headers={one: signed[one] for one in ("Content-Type", *kept)})

    ended = write("call.ended", "1")
    other = write("call.ended", "2")
    return (
        make("good", ended, is_good=True),
        make("duplicate", ended, is_good=True),
        make("reordered", write("call.started", "1"), is_good=True, at=-_MARGIN),
        make("unknown", write("call.invented", "1"), is_good=True),
        make("stale", write("call.ended", "3"), at=-TOLERANCE - _MARGIN),
        make("future", write("call.ended", "4"), at=FUTURE_TOLERANCE + _MARGIN),
        make("tampered", other.replace(b"_2", b"_9"), signed=other),
        make("truncated", other[: len(other) // 2], signed=other),
        bare("unsigned", "5"),
        bare("dated only", "6", TIMESTAMP),
        make("other secret", write("call.ended", "7"), by=f"whsec_{uuid4().hex}"),
        make("oversized", write("call.ended", "8", padding="x" * MAX_BODY)),
    )


def check_receiver(
    receiver: ReceiverURL, secret: str, show: Callable[[Finding], object], *, timeout: float = TIMEOUT
) -> tuple[int, str]:
    """Send all deliveries. Returns the exit status of the command, and what it means.

    Args:
        receiver: where to send them.
        secret: the receiver's secret.
        show: is given each finding as it comes.
        timeout: seconds to wait for each answer.
    """
    import httpx

    findings: list[Finding] = []
    # A proxy set in the environment cannot reach this machine's loopback address.
    with httpx.Client(timeout=timeout, trust_env=not receiver.is_loopback) as client:
        for finding in run_trials(client, receiver.url, trials(secret)):
            findings.append(finding)
            show(finding)
    status = exit_status(tuple(findings))
    is_silent = all(finding.status is None for finding in findings)
    return status, _NO_RECEIVER if is_silent else _VERDICTS[status]


def line_of(finding: Finding) -> str:
    """How one delivery was answered, and what is wrong about that."""
    expected = "2xx" if finding.trial.is_good else "a refusal"
    answered = str(finding.status) if finding.status is not None else f"no answer ({finding.fault})"
    remark = "" if finding.reading == "ok" else f"  <- {finding.reading}, expected {expected}"
    return f"{finding.trial.name:<12}  {answered}{remark}"


def run_trials(client: httpx.Client, url: str, planned: tuple[Trial, ...]) -> Iterator[Finding]:
    """Send each delivery and yield how it was answered."""
    import httpx

    for trial in planned:
        try:
            response = client.post(url, content=trial.body, headers=dict(trial.headers))
        except httpx.TransportError as error:
            # A receiver may close the connection on a body that is too large: that is a refusal, too.
            yield Finding(trial=trial, status=None, fault=type(error).__name__)
        else:
            yield Finding(trial=trial, status=response.status_code)


def exit_status(findings: tuple[Finding, ...]) -> int:
    """1 if a bad delivery was let in, else 2 if a good one was turned away, else 0."""
    readings = {finding.reading for finding in findings}
    return 1 if "let in" in readings else 2 if "turned away" in readings else 0
