"""What `python -m trudy.sandbox` and `trudy sandbox` do, and the options that both have."""

from __future__ import annotations

import json
import sys
import threading
import warnings
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from trudy.sandbox.faults.file import load_faults
from trudy.sandbox.http.server import SandboxServer
from trudy.sandbox.quirks.names import ALL, QUIRKS
from trudy.sandbox.sandbox import Sandbox

DEFAULT_PORT = 8765


def _option(text: str, *, kind: type, default: object = None, metavar: str = "", words: Sequence[str] = ()) -> Any:
    facts = {"help": text, "kind": kind, "metavar": metavar, "words": words}
    return field(default=default, converter=tuple if default == () else None, repr=False, metadata=facts)


@frozen(kw_only=True)
class ServeOptions:
    """The options of the command; each default and help text stands here and nowhere else.

    A tuple is an option that can be given several times.
    """

    port: int = _option("0 for any free port", kind=int, default=DEFAULT_PORT)
    host: str = _option("address to listen on", kind=str, default="127.0.0.1")
    speed: float = _option("sandbox seconds for each real second", kind=float, default=1.0)
    rate_limit: int = _option("requests in each rate window, 0 for no limit", kind=int, default=100, metavar="REQUESTS")
    window: float = _option("length of a rate window in sandbox seconds", kind=float, default=60.0, metavar="SECONDS")
    seed: int | None = _option(
        "makes outcomes, ids, keys and secrets the same at each start; they can be guessed then", kind=int
    )
    api_key: str | None = _option("the valid key (a new one if left out)", kind=str, metavar="KEY")
    webhook_secret: str | None = _option("signs events (a new one if left out)", kind=str, metavar="SECRET")
    any_number: bool = _option("accept numbers outside the fictional ranges", kind=bool, default=False)
    placeholders: bool = _option("accept the names in the SDK page's examples", kind=bool, default=False)
    experimental: bool = _option(
        "offer batch analytics, which pages name but do not describe", kind=bool, default=False
    )
    faults: Path | None = _option(  # noqa: RUF009 - a field of attrs
        "TOML file with a [[fault]] for each rule", kind=Path, metavar="FILE"
    )
    webhook: tuple[str, ...] = _option(
        "send signed events to this URL; repeatable", kind=str, default=(), metavar="URL"
    )
    quirk: tuple[str, ...] = _option(
        "a behaviour of real servers that no page documents; repeatable: a name, or `all`",
        kind=str,
        default=(),
        metavar="NAME",
        words=(ALL, *QUIRKS),
    )
    open: bool = _option("open the inspector in a browser", kind=bool, default=False)


class CannotListenError(Exception):
    """The port is taken, or is none."""


def serve(options: ServeOptions, *, as_json: bool = False) -> int:
    """Serve a sandbox until interrupted; prints the address and the key. Returns the exit status.

    Args:
        options: those of the command line.
        as_json: print them as one JSON object, for a program that starts it.

    Raises:
        ValueError: an option cannot be used.
        CannotListenError: the port is taken, or is none.
    """
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
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            server = sandbox.serve(host=options.host, port=options.port)
    except (OSError, OverflowError) as error:
        what = getattr(error, "strerror", None) or error
        raise CannotListenError(f"cannot listen on {options.host} port {options.port}: {what}") from None
    for warning in caught:
        sys.stderr.write(f"warning: {warning.message}\n")
    try:
        sys.stdout.write((_facts if as_json else _greeting)(sandbox, server))
        sys.stdout.flush()
        if options.open:
            # A browser in the terminal returns when it is closed, and the page is there once the server runs.
            threading.Thread(target=webbrowser.open, args=(server.inspector_url,), daemon=True).start()
        server.run()
    except KeyboardInterrupt:
        sys.stderr.write("\n" if sys.stderr.isatty() else "")  # after the ^C that the terminal shows
        return 0  # Ctrl-C is the usual end
    finally:
        server.close()
    return 0


def _greeting(sandbox: Sandbox, server: SandboxServer) -> str:
    voices = "\n".join(f"voice     {voice.id}  {voice.name}" for voice in sandbox.voices)
    return (
        f"base URL  {server.base_url}\nAPI key   {sandbox.api_key}\nevents    signed with {sandbox.webhook_secret}\n"
        f"inspector {server.inspector_url}\n{voices}\n\n"
        f"# Ctrl-C ends the sandbox. Paste this into the shell that starts your app:\n{_to_paste(server.environment)}"
        f'# Then, say: trudy agents create --name Ada --voice-id {sandbox.voices[0].id} --system-prompt "Be kind."\n'
    )


def _facts(sandbox: Sandbox, server: SandboxServer) -> str:
    voices = [{"id": voice.id, "name": voice.name} for voice in sandbox.voices]
    facts = {"base_url": server.base_url, "inspector_url": server.inspector_url, "voices": voices}
    return json.dumps({**facts, "environment": server.environment}) + "\n"


def _to_paste(environment: Mapping[str, str]) -> str:
    line = '$env:{} = "{}"\n' if sys.platform == "win32" else "export {}='{}'\n"
    return "".join(line.format(name, value) for name, value in environment.items())
