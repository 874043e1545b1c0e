"""Places the calls of one shard: pick, admit, claim, send, record.

The intent is committed by `before_send`: after the rate limiter admitted the request, and before a byte leaves. So a
crash leaves in doubt only what was on the wire, and a claim that is refused gives its place in the window back.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

import anyio
from attrs import define, field, frozen

from trudy import _checks
from trudy._masking import mask_phone
from trudy.dialer.progress import of_a_hook
from trudy.dialer.records import HELD_UNTIL, CampaignRecord, Claim, DueRow, Miss
from trudy.dialer.refusals import IN_A_ROW, is_about, reason_of
from trudy.dialer.states import ImpossibleError
from trudy.dialer.store import Store, StoreError
from trudy.errors import APIError, ConfigurationError, InvalidArgumentError, TrudyError
from trudy.options import NOT_GIVEN, Timeout
from trudy.pipeline.outcome import AttemptOutcome, outcome_of_error

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock

logger = logging.getLogger("trudy.dialer")

SEND_WITHIN: Final = 5.0
"""Seconds from a claim's start to the last moment at which its request may go on its way. A process that was frozen
longer must not send; a shorter time would refuse on a slow disk."""
_TIMEOUT: Final = Timeout(pool=2.0, connect=3.0, read=180.0, write=30.0)
"""Pool and connect: how long after that a request may still wait for its connection. More would put off the moment from
which on a lost call can be given up. Read: as long as the server may think."""
_LEAVES_WITHIN: Final = SEND_WITHIN + 5.0
"""Seconds from a claim's start until nothing can be sent any more, the waits for a connection included."""
_LONGEST_ADMISSION: Final = 3600.0
"""Seconds that a call waits at the rate limiter at most. It claims nothing meanwhile, so that a long wait does no harm;
a shorter one would end in an error, and begin again at the end of the queue."""
_ASK_AGAIN: Final = 10.0
"""Seconds until a contact is tried again whose call was refused for a reason of the campaign. A shorter time pauses a
small campaign sooner, a longer one rides out more trouble of the server."""
_WRITE_AGAIN: Final = 0.5
"""Seconds between two tries to write an answer down: more would take a database that is back for one that is gone."""


@frozen
class Dial:
    """Go on and call."""


@frozen
class Skip:
    """Do not call this contact."""

    reason: str

    def __attrs_post_init__(self) -> None:
        _checks.non_empty(self.reason, "reason")


@frozen
class Later:
    """Do not call before a time."""

    when: datetime

    def __attrs_post_init__(self) -> None:
        _checks.moment(self.when, "when")


Decision: TypeAlias = Dial | Skip | Later
ShouldDial: TypeAlias = Callable[[DueRow], Decision | None | Awaitable[Decision | None]]
"""Asked before each call; None is `Dial()`."""


class NotNow(Exception):  # noqa: N818  # no error: it keeps a request from leaving
    """The claim missed."""

    def __init__(self, miss: Miss) -> None:
        super().__init__(miss.reason)
        self.miss = miss


class TooLateError(Exception):
    """An intent is not sent: its time is over, or the server has refused it once and would be asked again."""


def new_attempt_id(now: float) -> str:
    """A UUIDv7: in order of time, and good as an idempotency key. `now` is in Unix seconds."""
    milliseconds = int(now * 1000)
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return str(UUID(int=value | 0b10 << 62 | secrets.randbits(62)))


@define(kw_only=True, eq=False)
class Placer:
    """Places calls for one worker. `server_now` is the server's clock, as the client learned it."""

    client: AsyncTrudyClient
    store: Store
    clock: Clock
    server_now: Callable[[], float]
    worker: str
    should_dial: ShouldDial | None = None
    clock_moved: Callable[[], bool] = field(default=lambda: False)
    """Whether somebody moved the clock, so that nobody knows the server's time: nothing is sent then."""
    claimed: set[int] = field(factory=set[int], init=False)
    """Rows whose intent is being committed, or is, and whose answer is awaited."""
    awaited: set[str] = field(factory=set[str], init=False)
    """Attempts whose answer is awaited here, or is being written down."""
    claims: int = field(default=0, init=False)
    """How many intents were committed."""
    patience: float = 0.0
    """Seconds for which an answer is kept that the store cannot take. It is worth it where others keep the campaign
    going; where nobody does, the next run looks for the call."""
    on_stop: Callable[[str, str], Awaitable[None]] = field()
    """Called with a campaign and a reason where nobody can be called any more."""
    on_refused: Callable[[], Awaitable[None]] | None = None
    """Called after each refusal that ended a row, for the breaker."""
    on_event: Callable[[str, DueRow, str], None] = field()
    """Told of what was placed, refused and so on: the kind, the contact, a detail."""

    async def place(
        self,
        campaign: CampaignRecord,
        contact: DueRow,
        *,
        fence: int,
        on_claim: Callable[[], None] = lambda: None,
    ) -> Miss | None:
        """Call one contact, if everything allows it; what did not, otherwise. The outcome is in the store then.

        `on_claim` is called when the intent is committed, before the request leaves.
        """
        decision = await self._asked(contact)
        if isinstance(decision, Skip):
            await self.store.settle_row(contact.id, decision.reason, self.server_now())
            return None
        if isinstance(decision, Later):
            soonest = self.server_now() + _ASK_AGAIN  # with a time in the past the hook would be asked without a pause
            await self.store.postpone(contact.id, max(decision.when.timestamp(), soonest), "later")
            return None
        from_number = await self.store.caller_id(contact, campaign.policy, self.server_now())
        if isinstance(from_number, Miss):
            return await self._missed(contact, from_number)
        attempt = new_attempt_id(self.server_now())
        claims: list[Claim] = []

        async def before_send() -> None:
            if claims:
                raise TooLateError
            if self.clock_moved():
                raise NotNow(Miss(reason="clock"))
            began = self.clock.monotonic()
            self.claimed.add(contact.id)
            self.awaited.add(attempt)
            try:
                claim = await self.store.claim(
                    contact,
                    attempt=attempt,
                    from_number=from_number,
                    worker=self.worker,
                    shard=contact.shard,
                    fence=fence,
                    now=self.server_now(),
                    send_within=_LEAVES_WITHIN,
                )
            except StoreError:
                await self._disown(attempt)
                raise
            if isinstance(claim, Miss):
                self.claimed.discard(contact.id)
                raise NotNow(claim)
            claims.append(claim)
            self.claims += 1
            on_claim()
            if self.clock.monotonic() - began > SEND_WITHIN or self.clock_moved():
                raise TooLateError

        try:
            return await self._send(campaign, contact, attempt, from_number, claims, before_send)
        finally:
            self.awaited.discard(attempt)

    async def _send(
        self,
        campaign: CampaignRecord,
        contact: DueRow,
        attempt: str,
        from_number: str | None,
        claims: list[Claim],
        before_send: Callable[[], Awaitable[None]],
    ) -> Miss | None:
        try:
            call = await self.client.calls.create(
                agent_id=campaign.agent_id,
                phone_number=contact.number,
                from_number=NOT_GIVEN if from_number is None else from_number,
                variables={**contact.variables, "trudy_ref": f"{self.store.id}/{attempt}"},
                on_unknown="raise",
                idempotency_key=attempt,
                lane="bulk",
                max_retries=0,
                max_rate_limit_wait=_LONGEST_ADMISSION,
                timeout=_TIMEOUT,
                before_send=before_send,
            )
        except NotNow as missed:
            return await self._missed(contact, missed.miss)
        except TooLateError:
            await self._write(lambda: self.store.not_sent(attempt, "too_late", self.server_now()))
            return None
        except TrudyError as error:
            with anyio.CancelScope(shield=True):
                await self._failed(campaign, contact, attempt, bool(claims), error)
            return None
        except BaseException:
            if claims:
                await self._write(lambda: self.store.unknown(attempt, "interrupted", self.server_now()))
            raise
        await self._write(lambda: self.store.placed(attempt, call.id, self.server_now()))
        self.on_event("placed", contact, call.id)
        return None

    async def _asked(self, contact: DueRow) -> Decision:
        if self.should_dial is None:
            return Dial()
        with of_a_hook():
            answer = self.should_dial(contact)
            decision = await answer if isawaitable(answer) else answer
        if decision is None:
            return Dial()
        if not isinstance(decision, Dial | Skip | Later):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidArgumentError(
                f"should_dial must give Dial(), Skip(reason) or Later(when), not {type(decision).__name__}",
                argument="should_dial",
            )
        return decision

    async def _missed(self, contact: DueRow, miss: Miss) -> Miss:
        if miss.reason == "do_not_call":
            await self.store.settle_row(contact.id, "do_not_call", self.server_now())
        elif miss.reason in ("hours", "a_day", "in_30_days", "caller_id", "ringing", "only_to"):
            due_at = miss.due_at
            if due_at is None and miss.reason == "hours":
                due_at = HELD_UNTIL
            await self.store.postpone(contact.id, self.server_now() + 60.0 if due_at is None else due_at, miss.reason)
        return miss

    async def _failed(
        self, campaign: CampaignRecord, contact: DueRow, attempt: str, claimed: bool, error: TrudyError
    ) -> None:
        now = self.server_now()
        status = error.status_code if isinstance(error, APIError) else None
        if not claimed:
            await self._not_begun(campaign, contact, error)
            return
        match outcome_of_error(error):
            case AttemptOutcome.NOT_SENT:
                await self._write(lambda: self.store.not_sent(attempt, error.code, now, due_at=now + 5.0))
                self.on_event("not_sent", contact, error.code)
            case AttemptOutcome.REFUSED if status == 429:
                await self._write(lambda: self.store.not_sent(attempt, error.code, now))
                self.on_event("not_sent", contact, error.code)
            case AttemptOutcome.REFUSED:
                await self._refused(campaign, contact, attempt, error)
            case _:
                await self._write(lambda: self.store.unknown(attempt, error.code, now))
                logger.warning("the call to %s may have been placed; it is looked for", mask_phone(contact.number))
                self.on_event("unknown", contact, error.code)

    async def _refused(self, campaign: CampaignRecord, contact: DueRow, attempt: str, error: TrudyError) -> None:
        """The row waits where the campaign is the cause, else it is done; if the next ones are refused likewise, the
        cause was not the row, and it waits after all."""
        now, about, reason = self.server_now(), is_about(error), reason_of(error)
        waits, why = about in ("account", "campaign"), None if about == "contact" else reason
        if waits:
            await self._write(lambda: self.store.not_sent(attempt, error.code, now, due_at=now + _ASK_AGAIN, why=why))
        else:
            await self._write(lambda: self.store.refused(attempt, error.code, now, why=why))
        self.on_event("not_sent" if waits else "refused", contact, error.code)
        if about == "account":
            await self.on_stop(campaign.id, reason)
        elif about != "contact" and (alike := await self.store.refused_alike(campaign.id, reason, now)) >= IN_A_ROW:
            await self.on_stop(campaign.id, f"{alike} calls in a row were refused alike: {reason}")
        elif not waits and self.on_refused is not None:
            await self.on_refused()

    async def _not_begun(self, campaign: CampaignRecord, contact: DueRow, error: TrudyError) -> None:
        """Refused by the client, before an intent was there: an argument, a deadline, a closed client."""
        now, about = self.server_now(), is_about(error)
        if isinstance(error, ConfigurationError | InvalidArgumentError) and about in ("account", "campaign"):
            await self.on_stop(campaign.id, f"no call can be sent: {error.message}")
        elif isinstance(error, InvalidArgumentError):
            await self.store.settle_row(contact.id, error.code, now)
        elif isinstance(error, APIError) or outcome_of_error(error) is AttemptOutcome.NOT_SENT:
            await self.store.postpone(contact.id, now + 60.0, error.code)
        self.on_event("not_sent", contact, error.code)

    async def _disown(self, attempt: str) -> None:
        """Nobody knows whether the intent was committed, but nothing was sent."""
        if self.patience:
            with suppress(ImpossibleError, StoreError):
                await self._write(lambda: self.store.not_sent(attempt, "store", self.server_now()))

    async def _write(self, write: Callable[[], Awaitable[None]]) -> None:
        """What has happened is written down although the task is cancelled."""
        until, is_again = self.clock.monotonic() + self.patience, False
        with anyio.CancelScope(shield=True):
            while True:
                try:
                    return await write()
                except StoreError:
                    if self.clock.monotonic() >= until:
                        raise
                except ImpossibleError:
                    if is_again:  # the first try was committed, and the connection lost before it said so
                        return None
                    raise
                is_again = True
                await self.clock.sleep(_WRITE_AGAIN)


def worker_name() -> str:
    """Host and process, for whoever asks who dials."""
    import socket

    return f"{socket.gethostname()}, process {os.getpid()}"
