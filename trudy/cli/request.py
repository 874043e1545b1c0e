"""`trudy request`: any endpoint, with the retries, the rate limit and the errors of the named commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from trudy._answer_facts import as_mapping, as_rows
from trudy.cli.asking import confirm
from trudy.cli.connection import open_client
from trudy.cli.operations.api_command import ApiArgument, ApiCommand
from trudy.cli.operations.arguments import arguments_of
from trudy.cli.operations.commands import app_of
from trudy.cli.output import show, show_list, show_value

if TYPE_CHECKING:
    from typing import Any

    from trudy.cli.output import Row
    from trudy.cli.shell import Shell

REQUEST: Final = ApiCommand(
    name="request",
    summary="Send a request to any endpoint of the API.",
    about=("It has the retries, the rate limit and the errors of the named commands.",),
    endpoint="",
    result="one",
    model="RawResponse",
    arguments=(
        ApiArgument(
            name="method", kind="text", help="The HTTP verb, such as GET.", is_positional=True, is_required=True
        ),
        ApiArgument(
            name="path",
            kind="text",
            help="The path below the base URL, such as /agents.",
            is_positional=True,
            is_required=True,
        ),
        ApiArgument(name="query", kind="mapping", help="Query parameters."),
        ApiArgument(name="body", kind="json", help="JSON to send."),
        ApiArgument(name="idempotency_key", kind="text", help="A key of your own, for the creates that know one."),
    ),
)


def run_request(shell: Shell, operation: ApiCommand, given: Mapping[str, object]) -> int:
    """Send the request, after a yes where it may change something, and show the data of the answer."""
    arguments = arguments_of(operation, given, shell)
    verb, path = str(arguments.pop("method")).upper(), str(arguments.pop("path"))
    if verb not in ("GET", "HEAD"):
        confirm(shell, f"Send {verb} {path}.")
    with open_client(shell) as client:
        answer: object = client.request(verb, path, **cast("dict[str, Any]", arguments)).parsed
    envelope = as_mapping(answer)
    data = answer if envelope is None else envelope.get("data", answer)
    rows = as_rows(data)
    members = as_mapping(data)
    if members is not None:
        show(shell, members)
    elif rows is not None and all(as_mapping(row) is not None for row in rows):
        show_list(shell, [cast("Sequence[Row]", rows)])
    elif data is not None:
        show_value(shell, data)
    return 0


app = app_of(REQUEST, run_request, shows_options=True)
