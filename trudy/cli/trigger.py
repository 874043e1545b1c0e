"""`trudy trigger`: one signed event of one's own making, sent to a receiver."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from trudy.cli.failures import CommandError
from trudy.cli.groups import single
from trudy.cli.options import AllowRemote
from trudy.cli.shell import shell_of

if TYPE_CHECKING:
    from trudy.webhooks.sample_events import EventOptions

app = single()

_ALWAYS: Final = ("id", "style", "ids")
_OPTIONS: Final = {
    "call": (*_ALWAYS, "call_id", "batch_id", "agent_id", "status"),
    "batch": (*_ALWAYS, "batch_id", "status"),
    "voice": (*_ALWAYS, "voice_id"),
}
"""Arguments of `make_body` that the events of each kind use; all other names are members of the event's object."""
_ANY_OPTIONS: Final = (*_ALWAYS, "call_id", "batch_id", "voice_id", "agent_id", "status")


@app.command()
def trigger(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="EVENT", help="The event, such as call.ended or batch.completed.")],
    to: Annotated[str, typer.Option(metavar="URL", help="The receiver.")],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="An id, a status or another member of the event; may be repeated."
        ),
    ] = None,
    remote: AllowRemote = False,
) -> int:
    """Send a made-up event to a receiver, signed as the server signs; its handlers run."""
    from trudy.cli.listen.changes import SimulatedEvent
    from trudy.cli.listen.sending import send_once
    from trudy.webhooks.events import misspelt
    from trudy.webhooks.parse import parse_event
    from trudy.webhooks.receiver_url import receiver_url
    from trudy.webhooks.sample_events import make_body

    shell = shell_of(context)
    if (fault := misspelt(name)) is not None:
        raise CommandError(fault, "Nothing was sent.")
    receiver = receiver_url(to, remote=remote)
    body = make_body(name, **event_options(name, set_ or ()))
    if shell.dry_run:
        shell.terminal.out.write(f"{json.dumps(body, indent=2)}\n")
        return 0
    event = parse_event(body)
    about = next((found for kind in ("call", "batch", "voice") if (found := getattr(event, f"{kind}_id", None))), "")
    moment = event.timestamp.timestamp() if event.timestamp is not None else 0.0
    made = SimulatedEvent(name=name, about=about, moment=moment, body=body)
    return send_once(shell, [receiver], [made])


def event_options(name: str, pairs: Iterable[str]) -> EventOptions:
    """The arguments of `make_body` that `--set` means.

    Ids, `status`, `style` and `ids` are its own arguments. Any other name is a member of the event's object, in
    snake_case or camelCase; one with dots is the path of a member of `data`. Values that are JSON are read as such.

    Raises:
        CommandError: a pair is not written NAME=VALUE.
    """
    options: dict[str, Any] = {}
    known = _OPTIONS.get(name.partition(".")[0], _ANY_OPTIONS)
    members: list[tuple[list[str], object]] = []
    for pair in pairs:
        path, sign, text = pair.partition("=")
        if not sign or not all(path.split(".")):
            raise CommandError(f"--set is written NAME=VALUE, not {pair!r}", "For example --set end_reason=busy")
        if path in known:
            options[path] = text
        else:
            members.append((path.split("."), _value(text)))
    is_nested = name.startswith("call.") and options.get("style", "nested") == "nested"
    data: dict[str, Any] = {}
    for names, value in members:
        if len(names) == 1 and is_nested:
            names = ["call", _camel(names[0])]
        _put(data, names, value)
    if data:
        options["data"] = data
    return cast("EventOptions", options)


def _put(data: dict[str, Any], names: list[str], value: object) -> None:
    *outer, last = names
    holder = data
    for name in outer:
        inner = holder.setdefault(name, {})
        if not isinstance(inner, dict):
            raise CommandError(f"--set gives {name} a value and members", "Give it one or the other.")
        holder = cast("dict[str, Any]", inner)
    holder[last] = value


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
