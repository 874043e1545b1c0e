"""The text of an argument as the value that a method takes. Errors name the option."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from trudy._parse import seconds_text
from trudy.cli.failures import CommandError
from trudy.cli.operations.api_command import ApiArgument
from trudy.cli.shell import Shell
from trudy.cli.times import instant_of, seconds_of


@frozen(kw_only=True)
class Reader:
    """Reads arguments: knows the time, and where `@-` and `-` read from."""

    shell: Shell
    now: float

    def text(self, argument: ApiArgument, given: str, option: str) -> object:
        """The value of an argument that is written as one text."""
        match argument.kind:
            case "prose":
                return self.content(given, option)
            case "secret":
                return self._secret(given, option)
            case "seconds":
                return seconds_of(given, option)
            case "duration":
                return seconds_text(_whole_if_it_is(seconds_of(given, option)))
            case "instant":
                return instant_of(given, option, self.now)
            case "path":
                return Path(given)
            case _:
                return given

    def texts(self, argument: ApiArgument, given: Sequence[str], option: str) -> Sequence[object]:
        """The value of an argument that is a list: it may be repeated, and ids and numbers may stand with commas."""
        match argument.kind:
            case "ids":
                return [one.strip() for text in given for one in text.split(",") if one.strip()]
            case "wholes":
                return [_whole(one.strip(), option) for text in given for one in text.split(",") if one.strip()]
            case "paths":
                return [Path(text) for text in given]
            case _:
                return list(given)

    def content(self, given: str, option: str) -> str:
        """A text, or what a file holds: `@notes.txt`, or `@-` for standard input. `@@` begins a text with an `@`."""
        if given.startswith("@@"):
            return given[1:]
        if not given.startswith("@"):
            return given
        if given == "@-":
            return self.shell.terminal.input.read()
        try:
            return Path(given[1:]).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise CommandError(f"{option}: {given[1:]} is no text in UTF-8", "Save the file as UTF-8.") from None

    def _secret(self, given: str, option: str) -> str:
        """Never the secret itself, which the shell would keep in its history."""
        if given == "-":
            if not self.shell.terminal.can_ask:
                raise CommandError(
                    f"{option}: there is nobody to ask here", "Name a file or a variable: @FILE, env:NAME"
                )
            return getpass.getpass(f"{option.lstrip('-')}: ", stream=sys.stderr)
        if given.startswith("@"):
            return self.content(given, option).strip()
        if given.startswith("env:"):
            value = os.environ.get(given.removeprefix("env:"))
            if not value:
                raise CommandError(f"{option}: the variable is not set", "Set it, or name a file: @FILE")
            return value
        raise CommandError(
            f"{option} takes no secret as it is: the shell would keep it in its history",
            "Name where it is: @FILE, env:NAME, or - to be asked.",
        )


def given_only(given: Mapping[str, object]) -> dict[str, object]:
    """What stands in the command line; an option that was left out is None, or no item."""
    return {name: value for name, value in given.items() if value is not None and value != []}


def _whole(text: str, option: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise CommandError(f"{option}: {text!r} is no whole number", "Write it like 1,2,3") from None


def _whole_if_it_is(amount: float) -> float:
    return int(amount) if amount.is_integer() else amount
