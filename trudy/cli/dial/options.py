"""Options and arguments that several commands of `trudy dial` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

SourceFile: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="Whom to call: CSV, a workbook, or JSON lines.", show_default=False)
]
AgentId: TypeAlias = Annotated[str, typer.Option(metavar="ID", help="The agent that calls.")]
ConsentBasis: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="On what basis these people are called, unless a column of the file says it."),
]
CountryCode: TypeAlias = Annotated[
    str | None, typer.Option(metavar="COUNTRY", help="Of numbers without a country code, such as US.")
]
PolicyFile: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="When and how often to call; trudy dial init writes one.")
]
StorePath: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="PATH", envvar="TRUDY_DIAL_STORE", help="What remembers campaigns and calls: a file, or a URL."
    ),
]
ColumnNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--column", metavar="ROLE=COLUMN", help="Where number, timezone, region, consent or priority is; repeatable."
    ),
]
VariableNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--variable", metavar="NAME=COLUMN", help="Where a variable of the agent's prompt is; repeatable."),
]
SheetName: TypeAlias = Annotated[str | None, typer.Option(metavar="NAME", help="Which sheet of a workbook.")]
OnlyToFile: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Call only the numbers of this file; the others wait.")
]
CanaryCalls: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", help="Pause once so many calls were made.", min=1)
]
RejectsPath: TypeAlias = Annotated[
    Path, typer.Option(metavar="FILE", help="Where the rows go that cannot be called, each with its reason.")
]
CampaignId: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="CAMPAIGN", help="Its id, or the beginning of it; not needed where there is but one."),
]
Number: TypeAlias = Annotated[str, typer.Argument(metavar="NUMBER", help="A phone number, such as +14155550123.")]
ShowNumbers: TypeAlias = Annotated[bool, typer.Option("--show-numbers", help="Show whole phone numbers.")]
ConfirmHash: TypeAlias = Annotated[
    str | None, typer.Option("--confirm", metavar="HASH", help="Say yes to the plan of this hash, and to no other.")
]
