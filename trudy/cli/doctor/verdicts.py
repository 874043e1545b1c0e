"""What facts mean: of a clock, a certificate, a rate limit, an agent's numbers, a receiver's answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from trudy.cli.doctor.diagnosis import Diagnosis, doubtful, failed, fine
from trudy.cli.exit_codes import ExitCode

SKEW: Final = 5.0
"""Seconds by which clocks may differ without a word: more shows in logs and in times of calls, less is common."""
TOLERATED_SKEW: Final = 300.0
"""Seconds after which receivers refuse a signature as too old: the tolerance of this SDK's and of most others."""
EXPIRY_DAYS: Final = 14
"""Days before the end of a certificate at which to tell: renewals run weeks ahead, so that one of them has failed."""
_DAY: Final = 86_400.0


@frozen(kw_only=True)
class TLSFacts:
    """What a handshake showed.

    Attributes:
        version: such as `TLSv1.3`.
        issuer: who signed the certificate.
        seconds_left: until the certificate ends; None where it does not tell.
    """

    version: str
    issuer: str
    seconds_left: float | None


@frozen(kw_only=True)
class AgentLines:
    """An agent, and how many numbers it may call from; None where that could not be asked."""

    id: str
    name: str
    outbound: int


def of_clock(offset: float, uncertainty: float) -> Diagnosis:
    """How far the server's clock is ahead of this machine's, in seconds."""
    size = abs(offset)
    off = f"this machine is {size:,.1f} s {'behind' if offset > 0 else 'ahead of'} the server"
    if size <= SKEW + uncertainty:
        return fine("clock", f"agrees with the server's within {size + uncertainty:.1f} s")
    mend = "Set the machine's clock: timedatectl set-ntp true, or your system's time settings."
    if size < TOLERATED_SKEW:
        return doubtful("clock", off, mend)
    return doubtful("clock", off, f"{mend} Signatures of webhooks are refused until then.")


def of_tls(facts: TLSFacts) -> Diagnosis:
    """A handshake that went well."""
    found = f"{facts.version}, certificate of {facts.issuer}"
    if facts.seconds_left is None:
        return fine("TLS", found)
    days = int(facts.seconds_left // _DAY)
    if days < EXPIRY_DAYS:
        return doubtful("TLS", f"{found}, ends in {days} days", "Tell the server's operator to renew the certificate.")
    return fine("TLS", f"{found}, good for {days} days")


def of_rate_limit(limit: int | None, used: int) -> Diagnosis:
    """What was learned of the limit on the way."""
    sent = f"{used} request{'' if used == 1 else 's'} sent"
    if limit is None:
        return fine("rate limit", f"not reached ({sent})")
    return fine("rate limit", f"{limit} requests a minute ({sent})")


def of_agents(agents: Sequence[AgentLines], *, chosen: bool) -> Diagnosis:
    """Whether an agent can call: it needs a number to call from.

    Args:
        agents: those that were looked at.
        chosen: whether the caller named the agent.
    """
    if not agents:
        return failed("agent", "there is no agent", "Make one: trudy agents create --help", ExitCode.REFUSED)
    able = [agent for agent in agents if agent.outbound]
    if able:
        first = able[0]
        more = "" if first.outbound == 1 else "s"
        return fine("agent", f"{first.name or first.id} has {first.outbound} number{more} to call from")
    if chosen:
        who = f"{agents[0].name or agents[0].id} has"
    else:
        who = "the agent has" if len(agents) == 1 else f"the {len(agents)} newest agents have"
    return failed(
        "agent",
        f"{who} no number to call from",
        "Give it one: trudy telephony numbers list, then trudy telephony numbers assign --help",
        ExitCode.REFUSED,
    )


def of_receiver(status: int, *, host: str, is_local: bool, is_https: bool) -> Diagnosis:
    """What the answer to a delivery without a signature tells about a receiver."""
    if 200 <= status < 300:
        return failed(
            "webhook",
            f"{host} takes a delivery without a signature ({status}), so that anybody can forge events",
            "Verify each delivery: see the guide of trudy.webhooks, then trudy webhooks check URL",
            ExitCode.NOT_ALLOWED,
        )
    if 300 <= status < 400:
        return failed("webhook", f"{host} redirects ({status})", _FINAL_URL, ExitCode.NO_ANSWER)
    if status in (404, 405, 410):
        return failed(
            "webhook",
            f"{host} has no receiver under this path ({status})",
            "Look at the path, and whether POST is routed there.",
            ExitCode.NO_ANSWER,
        )
    if status >= 500:
        return failed(
            "webhook",
            f"{host} answers {status}",
            "Look into the receiver's log; it must refuse a bad signature with 400 or 401.",
            ExitCode.NO_ANSWER,
        )
    found = f"{host} answers, and refuses a delivery without a signature ({status})"
    if is_local:
        return doubtful(
            "webhook",
            f"{found}; only this network reaches it",
            "Truedy cannot: trudy listen --forward-to URL brings events here without a public address.",
        )
    if not is_https:
        return doubtful("webhook", f"{found}; events travel unencrypted", "Give the receiver an https:// address.")
    return fine("webhook", found)


_FINAL_URL: Final = "Register the address that it redirects to: events are not sent on."
