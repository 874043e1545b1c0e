"""The plan of a campaign: made, judged, confirmed, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.cli.dial.options import CampaignArguments
    from trudy.cli.shell import Shell
    from trudy.dialer import Columns, Dialer, Plan

_ROLES: Final = ("number", "timezone", "region", "consent", "priority")
SHOWN_OF_HASH: Final = 12
"""Digits of a plan's hash that its summary shows, and that are enough to confirm it: they are 48 bits."""


async def planned(shell: Shell, dialer: Dialer, arguments: CampaignArguments) -> Plan:
    """Read and judge the source; nobody is called.

    Plans of the same people that nobody ran, such as those of a rehearsal before the file was mended, are given up.

    Raises:
        InvalidArgumentError: an option, the policy or the source is bad.
    """
    found = await _planned(dialer, arguments)
    if not found.counts.get("duplicate: earlier_campaign"):
        return found
    given_up = await dialer.store.drop_rival_plans(found.campaign)
    if not given_up:
        return found
    shell.say(f"plans of these people that nobody ran are given up: {', '.join(given_up)}")
    return await _planned(dialer, arguments)


async def _planned(dialer: Dialer, arguments: CampaignArguments) -> Plan:
    from trudy.cli.dial.policy_file import read_policy

    return await dialer.plan(
        arguments.source,
        agent=arguments.agent,
        consent=arguments.consent,
        policy=None if arguments.policy is None else read_policy(arguments.policy),
        region=arguments.region,
        columns=_columns(arguments),
        only_to=arguments.only_to,
        canary=arguments.canary,
        rejects=arguments.rejects,
    )


def check_confirmed(plan: Plan, confirm: str) -> None:
    """Whether a person who said yes to a hash meant this plan.

    Raises:
        InvalidArgumentError: it is that of another plan, or too short to tell.
    """
    word = confirm.strip().lower()
    if len(word) < SHOWN_OF_HASH or not plan.hash.startswith(word):
        raise InvalidArgumentError(
            f"--confirm is not the hash of this plan, {plan.hash[:SHOWN_OF_HASH]}: rows, agent, policy or consent are"
            " others than those that were confirmed",
            argument="confirm",
        )


def advice_on(plan: Plan) -> str | None:
    """What to do about numbers that were rejected for their country, which is how most first files fail."""
    if not any(plan.counts.get(f"rejected: {reason}") for reason in ("no_country", "country")):
        return None
    return "Numbers without a country code, or of other countries, are not called: say whose they are with --region US"


def plan_dict(plan: Plan) -> dict[str, object]:
    """A plan as JSON takes it; it holds no number."""
    return {
        "id": plan.campaign,
        "hash": plan.hash,
        "agent_id": plan.agent_id,
        "rows": plan.rows,
        "to_call": plan.waiting,
        "rejected": plan.rejected,
        "duplicates": plan.duplicates,
        "suppressed": plan.suppressed,
        "unknown_zones": plan.unknown_zones,
        "counts": dict(plan.counts),
        "columns": dict(plan.columns.shown()),
        "openings": [
            {"zones": zones, "rows": rows, "opens_at": None if opens_at is None else opens_at.isoformat()}
            for zones, (rows, opens_at) in sorted(plan.openings.items())
        ],
        "requests": plan.requests,
        "ends_at": None if plan.ends_at is None else plan.ends_at.isoformat(),
        "cost": None if plan.cost is None else list(plan.cost),
        "canary": plan.canary,
        "only_to": None if plan.only_to is None else len(plan.only_to),
        "rejects": None if plan.rejects is None else str(plan.rejects),
    }


def _columns(arguments: CampaignArguments) -> Columns | None:
    from trudy.dialer import Columns

    roles = _pairs(arguments.column or (), "--column", "number='Mobile 2'")
    for role in roles:
        if role not in _ROLES:
            raise InvalidArgumentError(
                f"--column {role}: it says where {', '.join(_ROLES)} are; --variable is for all else", argument="column"
            )
    variables = _pairs(arguments.variable or (), "--variable", "name='First name'")
    if not roles and not variables and arguments.sheet is None:
        return None
    return Columns(
        number=roles.get("number"),
        timezone=roles.get("timezone"),
        region=roles.get("region"),
        consent=roles.get("consent"),
        priority=roles.get("priority"),
        variables=variables,
        sheet=arguments.sheet,
    )


def _pairs(texts: Sequence[str], option: str, example: str) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InvalidArgumentError(f"{option} must be as in {option} {example}", argument=option.strip("-"))
        if name in pairs:
            raise InvalidArgumentError(f"{option} {name} is given twice", argument=option.strip("-"))
        pairs[name.strip()] = value
    return pairs
