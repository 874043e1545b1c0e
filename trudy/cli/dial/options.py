"""Options and arguments that several commands of `trudy dial` take."""

# Annotations are read here as the module loads, since the class below makes the options of commands.

import inspect
import re
import shlex
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar, cast

import attrs
import typer

from trudy.cli.options import CountryCode

StorePath: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="PATH", envvar="TRUDY_DIAL_STORE", help="What remembers campaigns and calls: a file, or a URL."
    ),
]
CampaignId: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="CAMPAIGN", help="Its id, or the beginning of it; not needed where there is but one."),
]
Number: TypeAlias = Annotated[str, typer.Argument(metavar="NUMBER", help="A phone number, such as +14155550123.")]
ConfirmHash: TypeAlias = Annotated[
    str | None, typer.Option("--confirm", metavar="HASH", help="Say yes to the plan of this hash, and to no other.")
]

DEFAULT_STORE: Final = "dial.db"
"""The file that remembers campaigns and calls, in the working directory."""

_PASSWORD: Final = re.compile(r"(://[^:/@]*):.*@")
_Result = TypeVar("_Result")


@attrs.frozen(kw_only=True)
class CampaignArguments:
    """A source, and how it is to be called. Each member is an option of the commands that read a source."""

    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="Whom to call: CSV, a workbook, or JSON lines.", show_default=False)
    ]
    agent: Annotated[str, typer.Option(metavar="ID", help="The agent that calls, of trudy agents list.")]
    consent: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="On what basis these people are called, unless a column of the file says it."
        ),
    ] = None
    region: CountryCode = None
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="When and how often; trudy dial init writes one.")
    ] = None
    store: StorePath = DEFAULT_STORE
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=COLUMN", help="Where number, timezone, region, consent or priority is; may be repeated."
        ),
    ] = None
    variable: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COLUMN", help="Where a variable of the prompt is; may be repeated."),
    ] = None
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Which sheet of a workbook.")] = None
    only_to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Call only the numbers of this file; the others wait.")
    ] = None
    canary: Annotated[int | None, typer.Option(metavar="N", help="Pause once so many calls were made.", min=1)] = None
    rejects: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the rows go that cannot be called, each with its reason.")
    ] = Path("rejects.csv")

    def command(self, verb: str, *more: str) -> str:
        """The same for another verb, to be pasted into a shell; the password of a store is left out."""
        return shlex.join(["trudy", "dial", verb, str(self.source), *self._options(), *more])

    def _options(self) -> Iterator[str]:
        for member in attrs.fields(CampaignArguments):
            value: Any = getattr(self, member.name)
            if member.name == "source" or value == member.default:
                continue
            values = cast("list[object]", value if isinstance(value, list) else [value])
            for each in values:
                yield f"--{member.name.replace('_', '-')}"
                yield _PASSWORD.sub(r"\1:***@", str(each))


_OF_CAMPAIGN: Final = tuple(inspect.signature(CampaignArguments).parameters.values())


def with_campaign(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Give a command the options of a campaign, before its own; it gets them as its second argument.

    The command takes a context, `CampaignArguments`, and its own options by keyword.
    """
    context, _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @wraps(command)
    def run(context: typer.Context, **given: Any) -> _Result:
        options = {parameter.name: given.pop(parameter.name) for parameter in _OF_CAMPAIGN}
        return command(context, CampaignArguments(**options), **given)

    parameters = (each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (context, *_OF_CAMPAIGN, *own))
    run.__signature__ = inspect.Signature([*parameters])  # type: ignore[attr-defined]
    return run
