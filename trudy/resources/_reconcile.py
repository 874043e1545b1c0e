"""Look first: finds the call whose answer was lost, so that nobody is dialed twice."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from attrs import frozen

from trudy._answer_facts import as_mapping, as_rows
from trudy._concurrency.fork import reset_in_child
from trudy.errors import TrudyError
from trudy.options import NotGiven
from trudy.pipeline.outcome import Outcome, outcome_of
from trudy.pipeline.retry import as_error
from trudy.pipeline.unknown_outcome import call_outcome_unknown
from trudy.request import Response

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.models import Call
    from trudy.pipeline.retry import Ending
    from trudy.request import Request

REF: Final = "trudy_ref"
"""The variable by which a caller may mark a call of his."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_COARSE = 1.0
_KEPT_SECONDS = 900.0


@frozen(kw_only=True)
class Wanted:
    """What is known of the call that is looked for."""

    agent_id: str
    number: str
    ref: str | None

    @classmethod
    def by(cls, agent_id: str, phone_number: str, variables: Mapping[str, object] | NotGiven | None) -> Wanted:
        """The traits of a call about to be placed."""
        ref = variables.get(REF) if isinstance(variables, Mapping) else None
        return cls(agent_id=agent_id, number=digits(phone_number), ref=None if ref is None else str(ref))

    def matches(self, call: Call, not_before: datetime) -> bool:
        """Whether a row may be this call: the number, the agent if shown, the time, and the mark if shown."""
        if digits(call.to or "") != self.number or call.created_at is None or call.created_at < not_before:
            return False
        if call.agent_id is not None and call.agent_id != self.agent_id:
            return False
        return self.ref is None or not call.variables or str(call.variables.get(REF)) == self.ref


class Claims:
    """Which calls have been returned to somebody in this process, and which numbers are being dialed right now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: OrderedDict[str, float] = OrderedDict()
        self._dialing: defaultdict[str, int] = defaultdict(int)

    def add(self, call_id: str, now: float) -> bool:
        """Take a call for one caller; False where another has it already."""
        with self._lock:
            while self._ids and next(iter(self._ids.values())) < now - _KEPT_SECONDS:
                self._ids.popitem(last=False)
            if call_id in self._ids:
                return False
            self._ids[call_id] = now
            return True

    def has(self, call_id: str) -> bool:
        with self._lock:
            return call_id in self._ids

    def dial(self, number: str) -> None:
        """Note that a request to call this number is about to leave."""
        with self._lock:
            self._dialing[number] += 1

    def settle(self, number: str) -> None:
        """Note that such a request has had its answer, or that its call is being looked for."""
        with self._lock:
            self._dialing[number] -= 1
            if self._dialing[number] <= 0:
                del self._dialing[number]

    def is_dialed(self, number: str) -> bool:
        """Whether an answer is still to come that may own a row with this number."""
        with self._lock:
            return number in self._dialing

    def after_fork(self) -> None:
        """In a child: the parent's requests are not ours."""
        self._lock = threading.Lock()
        self._dialing.clear()


claims: Final = Claims()
reset_in_child(claims)

FetchPage = Callable[[int, float], Awaitable[Response]]
"""The page of newest calls at an offset, within so many seconds."""


class CallReconciler:
    """Looks among the newest calls, again and again, until exactly one is ours or the time is over."""

    def __init__(self, *, clock: Clock, wanted: Wanted, timeout: float, fetch: FetchPage) -> None:
        self._clock = clock
        self._wanted = wanted
        self._timeout = timeout
        self._fetch = fetch
        self._is_dialing = False

    @contextmanager
    def dialing(self) -> Generator[None]:
        """While the answer is outstanding, a row with this number may be this caller's."""
        claims.dial(self._wanted.number)
        self._is_dialing = True
        try:
            yield
        finally:
            self._settle()

    def _settle(self) -> None:
        if self._is_dialing:
            self._is_dialing = False
            claims.settle(self._wanted.number)

    async def __call__(self, request: Request, failure: Ending) -> Response:
        self._settle()
        is_refused = outcome_of(request.endpoint, failure) is Outcome.REFUSED
        started = self._clock.monotonic()
        end = started + self._timeout
        if request.options.deadline is not None:
            end = min(end, request.options.deadline)
        pause = _FIRST_PAUSE
        found: Sequence[tuple[Call, Response]] = ()
        fault: TrudyError | None = None
        has_looked = False
        while (left := end - self._clock.monotonic()) > 0:
            try:
                found = [match async for match in self._matches(request, left)]
            except TrudyError as error:
                fault = error
            else:
                fault, has_looked = None, True
                if len(found) == 1 and not claims.is_dialed(self._wanted.number):
                    call, answer = found[0]
                    if claims.add(call.id, self._clock.monotonic()):
                        return answer
            if is_refused and has_looked:
                raise as_error(request, failure)  # refused, and nothing was filed: once is enough
            if fault is not None and not fault.retryable:
                break
            left = end - self._clock.monotonic()
            if left > 0:
                await self._clock.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE)
        seconds = self._clock.monotonic() - started
        raise call_outcome_unknown(
            request,
            as_error(request, failure),
            _what_was_found(found, fault, seconds) if has_looked or fault else "no time was left to look for it",
            candidates=[call for call, _ in found],
            details={"looked": has_looked and fault is None, **({} if fault is None else {"look_failed": fault.code})},
        )

    async def _matches(self, request: Request, seconds: float) -> AsyncIterator[tuple[Call, Response]]:
        from trudy.models import Call, ModelError, decode

        end = self._clock.monotonic() + seconds
        offset = 0
        previous: datetime | None = None
        newest_first = True
        seen: set[str] = set()
        while True:
            asked = self._clock.time()
            response = await self._fetch(offset, max(0.1, end - self._clock.monotonic()))
            answer = response.facts
            rows = as_rows(answer.data) or ()
            known = len(seen)
            not_before = _on_server_clock(request.progress.sent_at, asked, self._clock.time(), response)
            for row in rows:
                try:
                    call = decode(Call, row)
                except ModelError:
                    continue  # a row without an id can be nobody's call
                if call.created_at is not None:
                    newest_first &= previous is None or call.created_at <= previous
                    previous = call.created_at
                if call.id in seen:
                    continue  # pushed to this page by a newer call
                seen.add(call.id)
                if self._wanted.matches(call, not_before) and not claims.has(call.id):
                    yield call, _as_answer(row, answer.meta, response)
            offset += len(rows)
            is_older = newest_first and previous is not None and previous < not_before
            if len(seen) == known or is_older or answer.pagination.get("has_more") is not True:
                return


def digits(number: str) -> str:
    """A number in any spelling as country code and digits."""
    return re.sub(r"[^0-9]", "", number.partition("@")[0]).removeprefix("00")


def _on_server_clock(moment: float, asked: float, answered: float, response: Response) -> datetime:
    """A moment of ours on the server's clock, as early as the answer's own time leaves open."""
    exact = response.facts.server_time
    told = exact or response.facts.date
    local = datetime.fromtimestamp(moment, UTC)
    doubt = timedelta(seconds=answered - asked + _COARSE + (0 if exact else _COARSE))
    if told is None:
        return local - doubt
    return local + (told - datetime.fromtimestamp(answered, UTC)) - doubt


def _as_answer(row: object, meta: Mapping[str, object], response: Response) -> Response:
    body = json.dumps({"data": as_mapping(row), "meta": dict(meta)}).encode()
    return Response(status=200, headers=response.headers, body=body, reconciled=True)


def _what_was_found(found: Sequence[object], fault: TrudyError | None, seconds: float) -> str:
    if fault is not None and not found:
        return f"the call could not be looked for ({fault.code})"
    return (
        f"looked for the call for {seconds:.0f} s and found {len(found) or 'none'}{' that it may be' if found else ''}"
    )
