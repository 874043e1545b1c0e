"""What a table says of an operation of the API and of its arguments."""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import frozen

Kind: TypeAlias = Literal[
    "text",
    "prose",
    "secret",
    "whole",
    "number",
    "flag",
    "word",
    "seconds",
    "duration",
    "instant",
    "texts",
    "ids",
    "wholes",
    "path",
    "paths",
    "mapping",
    "json",
    "object",
    "objects",
    "contacts",
]
"""How the text of an argument is read; `values.py` has a line for each."""


@frozen(kw_only=True)
class ApiArgument:
    """One argument of an operation, or one member of an object that is an argument.

    Attributes:
        name: as the method has it.
        kind: how its text is read.
        help: one sentence.
        is_positional: whether it stands without a name.
        is_required: whether there is no default.
        is_nullable: whether null clears it.
        words: what it can be; others are refused for the kind `word` only.
        default: the default where it is worth telling.
        model: the class in `trudy.models` of an object.
        members: of an object, those that have an option each.
    """

    name: str
    kind: Kind
    help: str = ""
    is_positional: bool = False
    is_required: bool = False
    is_nullable: bool = False
    words: tuple[str, ...] = ()
    default: str | None = None
    model: str | None = None
    members: tuple[ApiArgument, ...] = ()

    @property
    def option(self) -> str:
        """The name on the command line, such as `created-after`."""
        return self.name.strip("_").replace("_", "-")


@frozen(kw_only=True)
class ApiCommand:
    """One method of the client.

    Attributes:
        name: where the client has it, such as `contacts.folders.list`.
        summary: one sentence.
        about: more sentences, a paragraph each.
        endpoint: verb and path, as its docstring has them.
        result: one object, the pages of a list, or an iterator.
        model: the class in `trudy.models` of what it gives.
        arguments: in the method's order.
        reports: whether the method tells its progress.
    """

    name: str
    summary: str
    about: tuple[str, ...] = ()
    endpoint: str
    result: Literal["one", "pages", "steps"]
    model: str
    arguments: tuple[ApiArgument, ...] = ()
    reports: bool = False

    @property
    def command(self) -> str:
        """The last word of the command, such as `get-transcript`."""
        return self.name.rpartition(".")[2].strip("_").replace("_", "-")

    @property
    def repeated(self) -> ApiArgument | None:
        """The id of which several may be given, one request each: `trudy calls get ID ID`."""
        positional = [argument for argument in self.arguments if argument.is_positional]
        if len(positional) != 1 or self.result != "one" or any(argument.kind == "path" for argument in self.arguments):
            return None
        return positional[0] if positional[0].name.endswith("_id") else None


@frozen(kw_only=True)
class ApiGroup:
    """A namespace of the client, and those inside it."""

    name: str
    summary: str
    operations: tuple[ApiCommand, ...]
    inner: tuple[ApiGroup, ...] = ()

    @property
    def command(self) -> str:
        """The word for it on the command line, such as `batch-calls`."""
        return self.name.rpartition(".")[2].replace("_", "-")
