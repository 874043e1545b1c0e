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
from trudy.webhooks.signing import ENVIRONMENT, environment_keys, signing_keys

_TIMEOUT = 10.0
"""Seconds to wait for an answer, as long as the early server waited: a receiver slower than this loses events."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser, check = _parser()
    options = parser.parse_args(arguments)
    if options.secret is None and not environment_keys():
        check.error(f"no webhook secret: pass --secret, or set {ENVIRONMENT}")
    try:
        secret = signing_keys(options.secret)[0].secret.decode()
    except ConfigurationError as error:
        check.error(error.message)
    host = _host(options.url)
    if not host:
        check.error("URL must begin with http:// or https:// and name a host, and hold no control character")
    loopback = _is_loopback(host)
    if not loopback and not options.remote:
        check.error(f"{host} is another machine, and its handlers would run; pass --remote to allow that")
    import httpx

    # A proxy set in the environment cannot reach this machine's loopback address.
    with httpx.Client(timeout=options.timeout, trust_env=not loopback) as client:
        findings: list[Finding] = []
        for finding in run_trials(client, options.url, trials(secret)):
            findings.append(finding)
            sys.stdout.write(f"{_line(finding)}\n")
            sys.stdout.flush()
    status = exit_status(tuple(findings))
    is_silent = all(finding.status is None for finding in findings)
    sys.stdout.write(f"{_NO_RECEIVER if is_silent else _VERDICTS[status]}\n")
    return status


_VERDICTS = {
    0: "the receiver accepts good deliveries and refuses bad ones",
    1: "the receiver let in bad deliveries",
    2: "the receiver refused good deliveries; is the secret right, and is its clock?",
}
_NO_RECEIVER = "no delivery was answered; is the receiver running, and is the URL right?"


def _line(finding: Finding) -> str:
    expected = "2xx" if finding.trial.is_good else "a refusal"
    answered = str(finding.status) if finding.status is not None else f"no answer ({finding.fault})"
    remark = "" if finding.reading == "ok" else f"  <- {finding.reading}, expected {expected}"
    return f"{finding.trial.name:<12}  {answered}{remark}"


def _parser() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(prog="python -m trudy.webhooks")
    commands = parser.add_subparsers(required=True, metavar="check")
    check = commands.add_parser(
        "check",
        help="send good and bad deliveries to a receiver and print how it answers",
        description="Sends good and bad deliveries to a receiver, whose handlers run for the good ones. Exit status: 0"
        " if all is well, 1 if a bad delivery was let in, 2 if a good one was turned away.",
    )
    check.add_argument("url", metavar="URL", help="the receiver's URL")
    check.add_argument("--secret", help=f"the receiver's secret (default: the first of {ENVIRONMENT})")
    check.add_argument("--remote", action="store_true", help="allow a receiver on another machine")
    check.add_argument(
        "--timeout",
        type=_seconds,
        default=_TIMEOUT,
        metavar="SECONDS",
        help="how long to wait for each answer (default: %(default)g)",
    )
    return parser, check


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
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
