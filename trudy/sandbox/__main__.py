"""`python -m trudy.sandbox`: serve a sandbox over HTTP until interrupted."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from trudy.sandbox.faults.file import load_faults
from trudy.sandbox.quirks.names import ALL, QUIRKS
from trudy.sandbox.sandbox import Sandbox

DEFAULT_PORT = 8765


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; prints the address and the key, and returns its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        sandbox = Sandbox(
            speed=options.speed,
            rate_limit=options.rate_limit or None,
            window=options.window,
            any_number=options.any_number,
            placeholders=options.placeholders,
            experimental=options.experimental,
            seed=options.seed,
            quirks=options.quirk,
            api_key=options.api_key,
            webhook_secret=options.webhook_secret,
        )
        if options.faults is not None:
            load_faults(sandbox.faults, options.faults)
        for url in options.webhook:
            sandbox.webhooks.add(url)
    except ValueError as error:
        parser.error(str(error))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            server = sandbox.serve(host=options.host, port=options.port)
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"cannot listen on {options.host} port {options.port}: {error}\n")
        return 1
    for warning in caught:
        sys.stderr.write(f"warning: {warning.message}\n")
    voices = "\n".join(f"voice     {voice.id}  {voice.name}" for voice in sandbox.voices)
    sys.stdout.write(
        f"base URL  {server.base_url}\nAPI key   {sandbox.api_key}\nevents    signed with {sandbox.webhook_secret}\n"
        f"inspector {server.inspector_url}\n{voices}\n\n"
        f"# paste into the shell that starts your app:\n{_to_paste(server.environment)}"
    )
    sys.stdout.flush()
    try:
        server.run()
    except KeyboardInterrupt:
        # Ctrl-C is the usual end; uvicorn has closed everything by now.
        return 0
    return 0


def _to_paste(environment: Mapping[str, str]) -> str:
    """Lines to paste into the shell that starts the app."""
    line = '$env:{} = "{}"\n' if sys.platform == "win32" else "export {}='{}'\n"
    return "".join(line.format(name, value) for name, value in environment.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trudy.sandbox", description="Serve a local Truedy to develop and test against."
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 for any free port (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="sandbox seconds for each real second (default: %(default)g)"
    )
    parser.add_argument(
        "--rate-limit",
        type=int,
        default=100,
        metavar="REQUESTS",
        help="requests in each rate window, 0 for no limit (default: %(default)s)",
    )
    parser.add_argument(
        "--window",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="length of a rate window in sandbox seconds (default: %(default)g)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        help="makes outcomes, ids, keys and secrets the same at each start; they can be guessed then",
    )
    parser.add_argument("--api-key", metavar="KEY", help="the valid key (default: a new one)")
    parser.add_argument("--webhook-secret", metavar="SECRET", help="signs events (default: a new one)")
    parser.add_argument("--any-number", action="store_true", help="accept numbers outside the fictional ranges")
    parser.add_argument("--placeholders", action="store_true", help="accept the names in the SDK page's examples")
    parser.add_argument(
        "--experimental", action="store_true", help="offer batch analytics, which pages name but do not describe"
    )
    parser.add_argument("--faults", type=Path, metavar="FILE", help="TOML file with a [[fault]] for each rule")
    parser.add_argument(
        "--webhook", action="append", default=[], metavar="URL", help="send signed events to this URL; repeatable"
    )
    parser.add_argument(
        "--quirk",
        action="append",
        default=[],
        metavar="NAME",
        choices=[ALL, *QUIRKS],
        help="a behaviour of real servers that no page documents; repeatable, or `all`; the names are: "
        + ", ".join(QUIRKS),
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
