"""`python -m trudy.webhooks check URL`: does a receiver accept good deliveries and refuse bad ones?"""

from __future__ import annotations

import argparse
import ipaddress
import math
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from trudy.errors import ConfigurationError
from trudy.webhooks.check import Finding, exit_status, run_trials, trials
from trudy.webhooks.signing import signing_keys

_TIMEOUT = 10.0
"""Seconds to wait for an answer, as long as the early server waited: a receiver slower than this loses events."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        secret = signing_keys(options.secret)[0].secret.decode()
    except ConfigurationError as error:
        parser.error(error.message)
    host = _host(options.url)
    if not host:
        parser.error("URL must begin with http:// or https:// and name a host, and hold no control character")
    loopback = _is_loopback(host)
    if not loopback and not options.remote:
        parser.error(f"{host} is another machine; its handlers would run. Use --remote if that is meant")
    import httpx

    # A proxy set in the environment cannot reach this machine's loopback address.
    with httpx.Client(timeout=options.timeout, trust_env=not loopback) as client:
        findings: list[Finding] = []
        for finding in run_trials(client, options.url, trials(secret)):
            findings.append(finding)
            sys.stdout.write(f"{_line(finding)}\n")
            sys.stdout.flush()
    status = exit_status(tuple(findings))
    sys.stdout.write(f"{_VERDICTS[status]}\n")
    return status


_VERDICTS = {
    0: "the receiver takes what it should and refuses the rest",
    1: "the receiver let in what it should have refused",
    2: "the receiver refused what it should have taken; is the secret right, and its clock?",
}


def _line(finding: Finding) -> str:
    expected = "2xx" if finding.trial.is_good else "a refusal"
    answered = str(finding.status) if finding.status is not None else f"no answer ({finding.fault})"
    remark = "" if finding.reading == "ok" else f"  <- {finding.reading}, expected {expected}"
    return f"{finding.trial.name:<12}  {answered}{remark}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trudy.webhooks")
    commands = parser.add_subparsers(required=True, metavar="check")
    check = commands.add_parser(
        "check",
        help="send good and bad deliveries to a receiver and print how it answers",
        description="Sends good and bad deliveries to a receiver, whose handlers run for the good ones. Exit status: 0"
        " all right, 1 a bad one was let in, 2 a good one was turned away.",
    )
    check.add_argument("url", metavar="URL", help="where the receiver listens")
    check.add_argument("--secret", help="its secret (default: the first of TRUDY_WEBHOOK_SECRET)")
    check.add_argument("--remote", action="store_true", help="allow a receiver on another machine")
    check.add_argument("--timeout", type=_seconds, default=_TIMEOUT, help="seconds to wait for an answer")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError("must be a number of seconds above 0")
    return value


def _host(url: str) -> str:
    """The host that httpx would connect to; empty if the URL is not one for httpx."""
    import httpx

    try:
        # `urlsplit` refuses a port out of range and a broken host, which httpx lets pass.
        _ = urlsplit(url).port
        read = httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return ""
    return read.host if read.scheme in ("http", "https") else ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
