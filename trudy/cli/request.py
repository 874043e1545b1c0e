"""`trudy request`: any endpoint, with the retries, the rate limit and the errors of the named commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from trudy.cli.asking import confirm
from trudy.cli.connection import open_client
from trudy.cli.failures import CommandError
from trudy.cli.output import show, show_list
from trudy.cli.shell import shell_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trudy.options import JSON

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def request(
    context: typer.Context,
    method: Annotated[str, typer.Argument(help="The HTTP verb, such as GET.")],
    path: Annotated[str, typer.Argument(help="The path below the base URL, such as /agents.")],
    query: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A query parameter; may be repeated.")
    ] = None,
    body: Annotated[str | None, typer.Option(metavar="JSON|@FILE", help="The body, or a file that holds it.")] = None,
) -> None:
    """Send a request to any endpoint of the API."""
    shell = shell_of(context)
    verb = method.upper()
    parameters = dict(_pair(text) for text in query or ())
    content = None if body is None else _body(body)
    if verb not in ("GET", "HEAD"):
        confirm(shell, f"Send {verb} {path}.")
    with open_client(shell) as client:
        answer = client.request(verb, path, query=parameters, body=content).parsed
    data = answer.get("data", answer) if isinstance(answer, dict) else answer
    if isinstance(data, list):
        show_list(shell, [cast("list[dict[str, object]]", data)])
    elif isinstance(data, dict):
        show(shell, cast("dict[str, object]", data))


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise CommandError("--query is written NAME=VALUE", "For example --query limit=5")
    return name, value


def _body(text: str) -> Mapping[str, JSON] | Sequence[JSON]:
    source = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
    try:
        found = json.loads(source)
    except ValueError as error:
        raise CommandError(f"--body is no JSON: {error}", "Write it as JSON, or in a file as --body @FILE") from None
    if not isinstance(found, dict | list):
        raise CommandError("--body must be a JSON object or list", "Write it as JSON, or in a file as --body @FILE")
    return cast("Mapping[str, JSON] | Sequence[JSON]", found)
