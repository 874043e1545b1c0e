"""Shows the request that a command would send, in place of sending it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NoReturn, cast

from attrs import frozen

if TYPE_CHECKING:
    from trudy.cli.shell import Shell
    from trudy.request import CallNext, Request

KEY: Final = "dry-run"
"""Stands for the key where there is none: it is never sent."""

_SECRETS: Final = frozenset({"api_key", "auth_token", "sip_password"})
"""Members of a body that nobody should see."""


class RequestShownError(Exception):
    """The first request of a dry run, which ends there."""

    def __init__(self, request: Request) -> None:
        super().__init__("the request was shown, not sent")
        self.request = request


@frozen
class NotSent:
    """Middleware that ends an operation at its first request."""

    scope: Final = "operation"

    async def __call__(self, request: Request, call_next: CallNext) -> NoReturn:
        raise RequestShownError(request)


def show_request(shell: Shell, request: Request) -> None:
    """Print method, URL and body; no headers, so never the key. Secrets in the body are masked."""
    body = _body(request)
    out = shell.terminal.out
    if shell.json or not shell.terminal.shows_tables:
        facts = {"method": request.method, "url": request.url, **({} if body is None else {"body": body})}
        out.write(json.dumps(facts, ensure_ascii=False) + "\n")
    else:
        out.write(f"{request.method} {request.url}\n")
        if body is not None:
            out.write((body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)) + "\n")
    shell.say("dry run: nothing was sent")


def _body(request: Request) -> object:
    if not request.body:
        return None
    kind = request.header("content-type") or "bytes"
    if "json" not in kind:
        return f"({kind.partition(';')[0]}, {len(request.body)} bytes)"
    return _masked(json.loads(request.body))


def _masked(value: object) -> object:
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {
            name: "***" if name in _SECRETS and member is not None else _masked(member)
            for name, member in members.items()
        }
    return [_masked(item) for item in cast("list[object]", value)] if isinstance(value, list) else value
