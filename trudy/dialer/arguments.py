"""What the dialer's methods are given, checked before anything is read or sent; each error names the argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trudy import _checks
from trudy.dialer.columns import Columns
from trudy.dialer.numbers import ReadNumber, read_number
from trudy.dialer.plan import Plan
from trudy.dialer.policy import Hours, Policy
from trudy.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from trudy.dialer.assembly import RunHooks


def check_client(client: object) -> None:
    """An async client; a sync one has a dialer of its own."""
    from trudy.client import AsyncTrudyClient

    if not isinstance(client, AsyncTrudyClient):
        raise InvalidArgumentError(
            f"client must be AsyncTrudyClient, not {type(client).__name__}; for TrudyClient there is SyncDialer",
            argument="client",
        )


def check_region(region: object) -> None:
    """None, or a country of which numbers can be read."""
    from phonenumbers import SUPPORTED_REGIONS

    if region is not None and region not in SUPPORTED_REGIONS:
        raise InvalidArgumentError('region must be a country in ISO 3166-1, as in "US"', argument="region")


def check_plan(
    *,
    agent: object,
    consent: object,
    policy: object,
    region: object,
    columns: object,
    canary: object,
    rejects: object,
) -> None:
    """What `plan` is given beside its sources."""
    _checks.identifier(agent, "agent")
    if consent is not None:
        _checks.non_empty(consent, "consent")
    if policy is not None:
        _checks.instance(policy, Policy, "policy")
    check_region(region)
    if columns is not None:
        _checks.instance(columns, Columns, "columns")
    if canary is not None:
        _checks.whole(canary, 1, None, "canary")
    if rejects is not None:
        _checks.path(rejects, "rejects")


def check_run(plan: object, confirm: object, *, hooks: RunHooks | None = None, confirmed_by: object) -> None:
    """What `run` or `start` is given."""
    _checks.instance(plan, Plan, "plan")
    if not isinstance(plan, Plan) or confirm != plan.hash:
        raise InvalidArgumentError("confirm is not the hash of this plan", argument="confirm")
    if hooks is not None:
        check_hooks(hooks)
    if confirmed_by is not None:
        _checks.non_empty(confirmed_by, "confirmed_by")


def check_hooks(hooks: RunHooks) -> None:
    """What is called by a run or a worker."""
    _checks.callable_or_none(hooks.on_event, "on_event")
    _checks.callable_or_none(hooks.should_dial, "should_dial")
    _checks.callable_or_none(hooks.on_outcome, "on_outcome")
    if not callable(hooks.classify):
        raise InvalidArgumentError("classify must be callable", argument="classify")


def check_hours(hours: Hours, base_url: str) -> None:
    """No `Hours.always()` for phones of real people, unless somebody says that he knows the law.

    Raises:
        ConfigurationError: somebody does not.
    """
    if hours.anytime and not hours.i_know_the_law and _checks.is_truedys_own(base_url):
        raise ConfigurationError(
            "Hours.always() is for tests and sandboxes; for the real API say Hours.always(i_know_the_law=True)"
        )
    for place in hours.by_region.values():
        check_hours(place, base_url)


def check_resolve(who: object, called: object, reason: object) -> None:
    """What `resolve` is given."""
    if not isinstance(who, int | str) or isinstance(who, bool):
        raise InvalidArgumentError("who must be a number, or the id of a row", argument="who")
    _checks.instance(called, bool, "called")
    _checks.non_empty(reason, "reason")


def e164_of(number: object, region: str | None) -> str:
    """A number in E.164."""
    read = read_number(number, region)
    if not isinstance(read, ReadNumber):
        raise InvalidArgumentError(f"number: {read.hint} ({read.reason})", argument="number")
    return read.e164


def check_store(store: object) -> None:
    """A path, a URL, or a store."""
    if not isinstance(store, str) and not hasattr(store, "__fspath__") and not hasattr(store, "claim"):
        raise InvalidArgumentError(
            f"store must be the path of a file or a URL, not {type(store).__name__}", argument="store"
        )
