"""Options that commands of several groups take."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

AllowRemote: TypeAlias = Annotated[bool, typer.Option("--remote", help="Allow a receiver on another machine.")]
CountryCode: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COUNTRY", help="The country of numbers without one, such as US."),
]
ShowNumbers: TypeAlias = Annotated[bool, typer.Option("--show-numbers", help="Show whole phone numbers.")]
