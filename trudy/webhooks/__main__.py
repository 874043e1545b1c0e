"""`python -m trudy.webhooks check URL`: does a receiver accept good deliveries and refuse bad ones?"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence

from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.webhooks.check import check_receiver, line_of
from trudy.webhooks.receiver_url import TIMEOUT, receiver_url
from trudy.webhooks.signing import ENVIRONMENT, environment_keys, signing_keys


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser, check = _parser()
    options = parser.parse_args(arguments)
    if options.secret is None and not environment_keys():
        check.error(f"no webhook secret: pass --secret, or set {ENVIRONMENT}")
    try:
        secret = signing_keys(options.secret)[0].secret.decode()
        receiver = receiver_url(options.url, remote=options.remote)
    except (ConfigurationError, InvalidArgumentError) as error:
        check.error(error.message)
    status, verdict = check_receiver(
        receiver, secret, lambda finding: _write(line_of(finding)), timeout=options.timeout
    )
    _write(verdict)
    return status


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


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
        default=TIMEOUT,
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


if __name__ == "__main__":
    sys.exit(main())
