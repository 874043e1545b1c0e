"""Which column of a source holds what: named by the caller, or guessed from the header."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from attrs import field, frozen

from trudy import _checks
from trudy.dialer.exported import taken_names
from trudy.dialer.sources import Row
from trudy.errors import InvalidArgumentError

_NUMBER: Final = (
    "phone_number", "phone", "number", "mobile", "mobile_phone", "mobile_number", "cell", "cell_phone", "telephone",
    "telephone_number", "tel", "msisdn", "to", "e_164", "contact_number",
)  # fmt: skip
_ZONE: Final = ("timezone", "time_zone", "tz")
_REGION: Final = ("region", "state", "province")
_CONSENT: Final = ("consent", "consent_basis", "opt_in")
_PRIORITY: Final = ("priority",)
_NUMBER_WORDS: Final = frozenset(("phone", "phonenumber", "mobile", "cell", "cellphone", "telephone", "tel", "telefon"))
"""Where no name is known, the only column with one of these words in its name is taken."""
_ABOUT_A_NUMBER: Final = frozenset(
    ("type", "kind", "country", "code", "ext", "extension", "carrier", "status", "valid", "verified", "notes", "id",
     "consent", "time", "zone", "timezone", "region", "state", "model", "provider")
)  # fmt: skip
"""With one of these, a column tells something about a number."""


@frozen(kw_only=True)
class Columns:
    """Which column holds what. What is left out is guessed from the header; every other column is a variable.

    Attributes:
        number: the phone number.
        timezone: the contact's zone, such as `America/New_York`; wins over what region and number tell.
        region: ISO 3166-2, such as `US-FL`, or the part after the hyphen, or its name; wins over what the number tells.
        consent: what the contact agreed to; empty or "no" rejects the row.
        priority: a whole number; higher goes first.
        variables: variables of the agent's prompt by column, where their names differ.
        sheet: which sheet of a workbook that has several.
    """

    number: str | None = None
    timezone: str | None = None
    region: str | None = None
    consent: str | None = None
    priority: str | None = None
    variables: Mapping[str, str] = field(factory=dict[str, str])
    sheet: str | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("number", "timezone", "region", "consent", "priority", "sheet"):
            if getattr(self, name) is not None:
                _checks.non_empty(getattr(self, name), f"columns.{name}")
        _checks.instance(self.variables, Mapping, "columns.variables")
        for variable, column in self.variables.items():
            _checks.non_empty(variable, "columns.variables")
            _checks.non_empty(column, f"columns.variables[{variable!r}]")

    def shown(self) -> Sequence[tuple[str, str]]:
        """What is taken from which column, for a person to check."""
        own = ("number", "timezone", "region", "consent", "priority")
        return [
            *((name, value) for name in own if (value := getattr(self, name)) is not None),
            *sorted((name, column) for name, column in self.variables.items()),
        ]


def number_cell(cells: Row, column: str | None = None) -> object:
    """The cell of a list of numbers: of the column named, of one that looks like it, or the first."""
    if column is not None:
        return cells.get(column)
    found = _number_column(cells)
    return cells[found] if found is not None else next(iter(cells.values()), None)


def guessed(cells: Row, given: Columns, needed: Collection[str]) -> Columns:
    """The columns of a source whose first row this is, and those of the variables that are needed.

    Raises:
        InvalidArgumentError: no column with numbers, or one is named that is not there.
    """
    names = _by_plain_name(cells)
    taken = taken_names(cells)
    for name, own in taken.items():
        if names[name] == name:
            del names[name]
            names |= {} if own is None else {name: own}

    def column(own: str | None, guesses: Sequence[str], argument: str) -> str | None:
        if own is not None:
            if own not in cells:
                raise InvalidArgumentError(f"columns.{argument}: the source has no column {own!r}", argument="columns")
            return own
        return next((names[guess] for guess in guesses if guess in names), None)

    for variable, named in given.variables.items():
        column(named, (), f"variables[{variable!r}]")
    number = column(given.number, (), "number") or _number_column(cells)
    if number is None:
        raise InvalidArgumentError(
            f"the source has no column that looks like a phone number; name it by columns=Columns(number=...); there"
            f" are {', '.join(cells)}",
            argument="columns",
        )
    return Columns(
        number=number,
        timezone=column(given.timezone, _ZONE, "timezone"),
        region=column(given.region, _REGION, "region"),
        consent=column(given.consent, _CONSENT, "consent"),
        priority=column(given.priority, _PRIORITY, "priority"),
        variables={
            **{
                name: names[_plain(name)]
                for name in needed
                if (name not in cells or taken.get(name)) and _plain(name) in names
            },
            **given.variables,
        },
        sheet=given.sheet,
    )


def _number_column(cells: Iterable[str]) -> str | None:
    names = _by_plain_name(cells)
    for guess in _NUMBER:
        if guess in names:
            return names[guess]
    words = {name: {*plain.split("_")} for plain, name in names.items()}
    alike = [name for name, parts in words.items() if parts & _NUMBER_WORDS and not parts & _ABOUT_A_NUMBER]
    return alike[0] if len(alike) == 1 else None


def _by_plain_name(names: Iterable[str]) -> dict[str, str]:
    """The first column of each name."""
    return {_plain(name): name for name in reversed(list(names))}


def _plain(name: str) -> str:
    """`Phone Number`, `phoneNumber` and `PHONE-NUMBER #` as `phone_number`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])", "_", name)
    return re.sub(r"[\W_]+", "_", apart).strip("_").lower()
