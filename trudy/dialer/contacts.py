"""One row of a source, judged: its number, variables, zones and consent, or why nobody is called for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from attrs import frozen

from trudy.dialer.columns import Columns, guessed, number_cell
from trudy.dialer.numbers import ReadNumber, Unreadable, read_number
from trudy.dialer.policy import Policy
from trudy.dialer.records import NewRow
from trudy.dialer.sources import SURPLUS, UNNAMED, Row, Source, cell_text, read_rows
from trudy.dialer.states import RowState
from trudy.dialer.zones import region_named, zone_named, zones_in
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.models import Agent

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_NO_CONSENT: Final = frozenset(
    ("", "no", "false", "0", "n", "f", "none", "null", "nan", "na", "n a", "off", "unknown", "opt out", "opted out",
     "not given", "denied", "declined", "refused", "revoked", "withdrawn", "unsubscribed", "do not call", "dnc",
     "\N{BALLOT BOX}", "\N{BALLOT X}", "\N{HEAVY BALLOT X}", "\N{CROSS MARK}")
)  # fmt: skip
"""What says in a column of consent that there is none, in lower case and with spaces between the words."""


@frozen(kw_only=True)
class Reading:
    """How rows are judged: all that is the same for each."""

    columns: Columns
    region: str | None
    policy: Policy
    consent: str | None
    needed: frozenset[str]


@frozen(kw_only=True)
class Judged:
    """A row as the store takes it, and what to do about it where it is rejected."""

    row: NewRow
    hint: str = ""


async def numbers_in(source: Source, region: str | None, argument: str, *, column: str | None = None) -> list[str]:
    """The numbers of a source, in E.164.

    Raises:
        InvalidArgumentError: a row holds none, named by its line, or the source cannot be read; it names `argument`.
    """
    numbers: list[str] = []
    try:
        async for line, cells in read_rows(source):
            if column is not None and column not in cells:
                raise InvalidArgumentError(f"{argument}: the source has no column {column!r}", argument="column")
            read = read_number(number_cell(cells, column), region)
            if not isinstance(read, ReadNumber):
                raise InvalidArgumentError(
                    f"{argument}: line {line} holds no number ({read.reason})", argument=argument
                )
            numbers.append(read.e164)
    except InvalidArgumentError as error:
        if error.argument != "source":
            raise
        raise InvalidArgumentError(error.message.replace("source", argument, 1), argument=argument) from None
    return numbers


def reading_for(
    cells: Row, agent: Agent, columns: Columns | None, region: str | None, policy: Policy, consent: str | None
) -> Reading:
    """How to judge the rows of a source, given its first.

    Raises:
        InvalidArgumentError: no column with numbers, no consent, or no column for a variable that the agent's prompt
            needs.
    """
    needed = _needed(agent)
    found = guessed(cells, columns or Columns(), needed)
    if consent is None and found.consent is None:
        raise InvalidArgumentError(
            "consent is needed: one basis for all rows, or a column of the source", argument="consent"
        )
    lacking = needed - set(cells) - set(found.variables)
    if lacking:
        raise InvalidArgumentError(
            f"the agent's prompt needs {', '.join(sorted(lacking))}, and the source has no such column",
            argument="source",
        )
    return Reading(columns=found, region=region, policy=policy, consent=consent, needed=needed)


def judged(line: int, cells: Row, reading: Reading) -> Judged:
    """A row on its way into the store."""
    columns = reading.columns
    texts = {name: cell_text(value) for name, value in cells.items()}
    own = {columns.number, columns.timezone, columns.region, columns.consent, columns.priority, SURPLUS}
    own |= {name for name in texts if name.startswith(UNNAMED)}
    variables = {
        name: text for name, text in texts.items() if text != "" and (name not in own or name in reading.needed)
    }
    variables |= {name: texts.get(column, "") for name, column in columns.variables.items()}
    number = read_number(cells.get(columns.number or ""), reading.region)
    country = number.country if isinstance(number, ReadNumber) else None
    region = region_named(_cell(texts, columns.region), country)
    consent = reading.consent if columns.consent is None else _cell(texts, columns.consent)
    zones, zone_fault = _zones(_cell(texts, columns.timezone), region, number)
    reason, hint = _why_not(number, SURPLUS in texts, zone_fault, consent, variables, reading)
    row = NewRow(
        line=line,
        number=number.e164 if isinstance(number, ReadNumber) else None,
        variables=variables,
        columns=texts,
        zones=zones,
        country=country if region is None else region.partition("-")[0],
        region=region,
        consent=consent,
        priority=_whole(_cell(texts, columns.priority)),
        state=RowState.WAITING if reason is None else RowState.REJECTED,
        reason=reason,
    )
    return Judged(row=row, hint=hint)


def _needed(agent: Agent) -> frozenset[str]:
    texts: list[object] = [agent.system_prompt, agent.greeting]
    if agent.greeting_settings is not None:
        texts += [agent.greeting_settings.text, agent.greeting_settings.prompt]
    return frozenset(_PLACEHOLDER.findall(" ".join(str(text) for text in texts if text)))


def _why_not(
    number: ReadNumber | Unreadable,
    has_surplus: bool,
    zone_fault: str | None,
    consent: str | None,
    variables: Mapping[str, str],
    reading: Reading,
) -> tuple[str | None, str]:
    """Why a row is rejected, in one word, and what to do about it; None where it is not."""
    if has_surplus:
        return "surplus_cells", "it has more cells than the header, so no cell can be trusted: quote the delimiter"
    if isinstance(number, Unreadable):
        return number.reason, number.hint
    refused = reading.policy.may_call(country=number.country, kind=number.kind, default_country=reading.region)
    if refused is not None:
        return refused, f"the policy does not call {number.country or 'numbers of no country'}, {number.kind}"
    if consent is None or re.sub(r"[\s_./?-]+", " ", consent).strip().lower() in _NO_CONSENT:
        return "no_consent", "the consent column is empty or says no"
    empty = sorted(name for name in reading.needed if not variables.get(name))
    if empty:
        return f"no_{empty[0]}", "the agent's prompt needs it"
    return zone_fault, "no such time zone: write it like America/New_York" if zone_fault else ""


def _zones(text: str, region: str | None, number: ReadNumber | Unreadable) -> tuple[tuple[str, ...], str | None]:
    if text.strip():
        zone = zone_named(text)
        return ((zone,), None) if zone is not None else ((), "timezone")
    if region is not None and (known := zones_in(region)):
        return known, None
    return (number.zones, None) if isinstance(number, ReadNumber) else ((), None)


def _cell(texts: Mapping[str, str], column: str | None) -> str:
    """Empty where there is no such column; one of the source may have no name."""
    return "" if column is None else texts.get(column, "")


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"-?[0-9]{1,6}", text.strip()) else 0
