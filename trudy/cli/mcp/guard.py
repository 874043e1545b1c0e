"""Which calls are allowed: to which numbers, how many, and only as planned. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Final

from attrs import evolve, field, frozen

from trudy._masking import mask_phone
from trudy.options import JSON

PLAN_SECONDS: Final = 600.0
"""How long a plan can be carried out: long enough for a person to read it and say yes, too short to be forgotten."""
_MOST_PLANS: Final = 100
"""Plans that are remembered; the oldest goes first. An agent that plans more than it calls must not fill the memory."""
_HASH_DIGITS: Final = 24
"""Hexadecimal digits of a plan's hash, 96 bits: nobody guesses one, and an agent copies it without a slip."""


class CallRefusedError(Exception):
    """A call is not allowed; the text says why, and what to do."""


@frozen(kw_only=True)
class ProposedCall:
    """A call as it was planned.

    Attributes:
        phone_number: whom to call, in E.164.
        from_number: the number to call from; the server picks if None.
        variables: values for the prompt of the agent.
        plan_hash: with it the call can be placed, once.
    """

    agent_id: str
    phone_number: str = field(repr=mask_phone)
    from_number: str | None = None
    variables: Mapping[str, JSON] = field(factory=dict[str, JSON], repr=False)
    plan_hash: str = ""


class CallGuard:
    """Counts calls over the life of the process, and gives out each planned call once.

    Args:
        numbers: in E.164; no others are called.
        most: how many calls are placed. One that the server refused counts too: the agent has had its try.
        secret: makes the hashes of this process; those of another one are of no use.
        monotonic: seconds.
    """

    def __init__(self, *, numbers: frozenset[str], most: int, secret: bytes, monotonic: Callable[[], float]) -> None:
        self.numbers = numbers
        self.most = most
        self.left = most
        self._secret = secret
        self._monotonic = monotonic
        self._serial = 0
        self._plans: dict[str, tuple[float, ProposedCall]] = {}
        self._spent: set[str] = set()
        self._in_doubt: set[str] = set()

    @property
    def allowance(self) -> str:
        """What is allowed, in words."""
        calls = "1 call" if self.most == 1 else f"{self.most:,} calls"
        numbers = "1 number" if len(self.numbers) == 1 else f"{len(self.numbers):,} numbers"
        return f"at most {calls}, to {numbers} only"

    def check(self, phone_number: str) -> None:
        """Raise unless one more call, to this number, is allowed."""
        if phone_number not in self.numbers:
            raise CallRefusedError(
                f"{mask_phone(phone_number)} is not in the file of numbers that may be called (--only-to)."
                " Only the person who started this server can change that."
            )
        if phone_number in self._in_doubt:
            raise CallRefusedError(
                f"Nobody knows whether the last call to {mask_phone(phone_number)} was placed. Look with calls_list;"
                " this server does not call the number again."
            )
        if self.left < 1:
            raise CallRefusedError(
                f"This server may place no more ({self.allowance}: --max-calls). Only the person who started it can"
                " allow more."
            )

    def propose(self, call: ProposedCall) -> ProposedCall:
        """Remember a call that is allowed, and give it its hash."""
        self.check(call.phone_number)
        self._serial += 1
        facts = [self._serial, call.agent_id, call.phone_number, call.from_number, call.variables]
        text = json.dumps(facts, sort_keys=True)
        proposed = evolve(
            call, plan_hash=hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:_HASH_DIGITS]
        )
        self._plans[proposed.plan_hash] = (self._monotonic(), proposed)
        while len(self._plans) > _MOST_PLANS:
            del self._plans[next(iter(self._plans))]
        return proposed

    def take(self, plan_hash: str) -> ProposedCall:
        """The call of a plan, which is placed now: it counts, and the hash is used up.

        Raises:
            CallRefusedError: no such plan, it was carried out or is too old, or no more calls are allowed.
        """
        if plan_hash in self._spent:
            raise CallRefusedError("This plan was carried out already. Plan again with plan_call for another call.")
        planned_at, call = self._plans.get(plan_hash, (0.0, None))
        if call is None:
            raise CallRefusedError("There is no plan with this plan_hash. Use the one that plan_call gave.")
        if self._monotonic() - planned_at > PLAN_SECONDS:
            del self._plans[plan_hash]
            raise CallRefusedError("This plan is too old. Plan again with plan_call.")
        self.check(call.phone_number)
        del self._plans[plan_hash]
        self._spent.add(plan_hash)
        self.left -= 1
        return call

    def doubt(self, phone_number: str) -> None:
        """Call a number no more: whether it was called is not known."""
        self._in_doubt.add(phone_number)
