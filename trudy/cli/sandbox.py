"""`trudy sandbox`: what `python -m trudy.sandbox` does, with the options of the same table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import GenericAlias
from typing import Annotated, Any, Final

import attrs
import typer

from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.cli.groups import single
from trudy.cli.shell import shell_of

app = single()

_CONTEXT: Final = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)


def _command() -> Callable[..., None]:
    """A function with a parameter for each option of the table, as typer reads them."""
    try:
        from trudy.sandbox import command
    except ModuleNotFoundError as error:
        raise CommandError(
            f"the sandbox needs the package {error.name}, which is not installed",
            "Install it: pip install 'trudy-python-sdk[sandbox]'",
            code=ExitCode.EXTRA_MISSING,
        ) from None

    def sandbox(context: typer.Context, **given: Any) -> None:
        """Serve a local Truedy to develop and test against, until Ctrl-C."""
        try:
            code = command.serve(command.ServeOptions(**_given(given)), as_json=shell_of(context).json)
        except command.CannotListenError as error:
            advice = "Perhaps another sandbox runs there; choose another port with --port, 0 for any that is free."
            raise CommandError(str(error), advice) from None
        except ValueError as error:
            raise CommandError(str(error), "Try trudy sandbox --help") from None
        if code:
            raise typer.Exit(code)

    options = [_parameter(option) for option in attrs.fields(command.ServeOptions)]
    sandbox.__signature__ = inspect.Signature([_CONTEXT, *options])  # type: ignore[attr-defined]
    return sandbox


def _parameter(option: attrs.Attribute[Any]) -> inspect.Parameter:
    facts, default, repeats = option.metadata, option.default, option.default == ()
    kind: Any = facts["kind"]
    words: Sequence[str] = facts["words"]
    told = f"{facts['help'][:1].upper()}{facts['help'][1:]}{'; a wrong one gets the list' if words else ''}."
    shown = typer.Option(
        f"--{option.name.replace('_', '-')}",
        help=told,
        metavar=facts["metavar"] or {int: "NUMBER", float: "NUMBER", str: "TEXT"}.get(kind),
        autocompletion=_completion(words) if words else None,
    )
    annotation: Any = GenericAlias(list, (kind,)) if repeats else kind if default is not None else kind | None
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if repeats else default,
        annotation=Annotated[annotation, shown],
    )


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Without those that were left out and have no default here."""
    return {name: value for name, value in options.items() if value is not None}


def _completion(words: Sequence[str]) -> Callable[[str], list[str]]:
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


app.command()(_command())
