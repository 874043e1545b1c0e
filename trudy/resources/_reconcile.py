"""Finds the call whose answer was lost, so that nobody is dialed twice.

    CallReconciler   looks for the call of one create
    claims_for       which create a call belongs to, for all clients of one API in this process

Which call it is, is decided by pure code in `trudy._call_matching` and `trudy._call_claims`. The list is read in
`_newest_calls`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from trudy._answer_facts import as_mapping
from trudy._call_claims import Claims, PendingCall
from trudy._call_matching import SentCall, is_answer_to, shows_number
from trudy._concurrency.fork import reset_in_child
from trudy._concurrency.loops import bounded
from trudy._cursors import PAGE_SIZE
from trudy._masking import mask_phone, one_line
from trudy._settings import Settings
from trudy.clock import SystemClock
from trudy.options import Timeout
from trudy.pipeline.outcome import AttemptOutcome, outcome_of
from trudy.pipeline.retry import as_error
from trudy.pipeline.unknown_outcome import call_outcome_unknown
from trudy.request import Response, parse_json
from trudy.resources._newest_calls import LONGEST_PAUSE, FetchPage, ListedCall, Listing, NewestCalls

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.models import Call
    from trudy.pipeline.core import Core
    from trudy.pipeline.retry import Ending
    from trudy.request import Endpoint, Request

_FIRST_PAUSE: Final = 0.5
"""Seconds between the first two looks, doubled each time: a call that is there is found soon, and one that is not there
costs few requests."""
_LONGEST_READ: Final = 15.0
"""Seconds that each phase of a list request may take. Others wait for the list too, and longer would take their time;
shorter would give up on a slow server."""
logger = logging.getLogger("trudy")


class CallReconciler:
    """Looks through the newest calls repeatedly, until exactly one fits or the time is over.

    Time spent waiting at the rate limiter does not count.
    """

    def __init__(
        self, *, clock: Clock, claims: Claims, newest: NewestCalls, timeout: float, fetch: Callable[[float], FetchPage]
    ) -> None:
        self._clock = clock
        self._claims = claims
        self._newest = newest
        self._timeout = timeout
        self._fetch = fetch
        self._pending: PendingCall | None = None

    @contextmanager
    def registered(self, request: Request) -> Generator[Callable[[str], None]]:
        """Register a create while the block runs; gives a function to call with the id of the call it returned."""
        progress = request.progress
        opened_at = self._clock.monotonic()

        def left_at() -> float | None:
            if not progress.in_doubt:
                return None
            return progress.sent_at if progress.attempts == 1 else opened_at

        sent = SentCall.of(parse_json(request.body or b""), request.idempotency_key)
        pending = self._pending = PendingCall(sent=sent, opened_at=opened_at, left_at=left_at)
        is_settled = False

        def settle(call_id: str) -> None:
            nonlocal is_settled
            is_settled = True
            self._claims.add(call_id, sent.key, self._clock.monotonic())

        self._claims.open(pending)
        try:
            yield settle
        finally:
            if progress.in_doubt and not is_settled:
                self._claims.give_up(pending, self._clock.monotonic())
            else:
                self._claims.close(pending)

    def accepts(self, response: Response) -> bool:
        """Whether a 2xx can be the answer to this request; a broken proxy may give the answer to another one."""
        from trudy.models import Call, ModelError, decode

        if self._pending is None:
            return True
        try:
            call = decode(Call, response.facts.data)
        except ModelError:
            return True  # it names no call at all
        sent = self._pending.sent
        if not is_answer_to(sent, call):
            return False
        # A row without a number comes from a test double, which may give each create the same id.
        return not (shows_number(call) and self._claims.is_anothers(call.id, sent.key))

    async def __call__(self, request: Request, failure: Ending) -> Response:
        pending = self._pending
        if pending is None:
            raise call_outcome_unknown(request, as_error(request, failure), "it was not looked for")
        sent_at = request.progress.sent_at
        pending.left_at = lambda: sent_at
        pending.lost_at = self._clock.monotonic()
        with self._newest.searching(sent_at):
            return await self._search(request, pending, failure)

    async def _search(self, request: Request, pending: PendingCall, failure: Ending) -> Response:
        clock = self._clock
        is_refused = outcome_of(request.endpoint, failure) is AttemptOutcome.REFUSED
        started = since = clock.monotonic()
        waited = 0.0
        pause = _FIRST_PAUSE
        listing: Listing | None = None
        found: Sequence[ListedCall] = ()
        while (left := self._timeout - (clock.monotonic() - started - waited)) > 0:
            began = clock.monotonic()
            remaining = request.options.remaining(began)
            reading = partial(self._newest.read, since, self._fetch(left))
            listing = await (reading() if remaining is None else bounded(clock, remaining, reading)) or listing
            if listing is None:
                break  # the deadline came first
            waited += min(listing.rate_waited, clock.monotonic() - began)
            if listing.fault is None:
                found = [each for each in listing.calls if self._claims.may_be_given(pending, each.call, each.reading)]
                if len(found) == 1:
                    only = found[0]
                    if self._claims.take(pending, only.call, only.reading, clock.monotonic()):
                        _log_found(only.call, request)
                        return _as_answer(only)
            elif not listing.fault.retryable:
                break
            if is_refused:
                raise as_error(request, failure)  # the server may have stored it as failed: looking once is enough
            rested = clock.monotonic()
            rest = min(pause, self._timeout - (rested - started - waited))
            if (remaining := request.options.remaining(rested)) is not None:
                rest = min(rest, remaining)
            if rest > 0:
                await clock.sleep(rest)
            if remaining is not None and remaining <= rest:
                break
            since = rested + rest / 2  # a list that another has read during the rest is recent enough
            pause = min(pause * 2, LONGEST_PAUSE)
        raise call_outcome_unknown(
            request,
            as_error(request, failure),
            _what_was_found(found, listing, clock.monotonic() - started),
            candidates=[each.call for each in found],
            details=_details(listing),
        )


def reconciler_for(core: Core, settings: Settings, endpoint: Endpoint, timeout: float) -> CallReconciler:
    """The reconciler of one create. `settings` are those of the create, `endpoint` lists calls."""
    claims = core.shared("calls.claims", partial(claims_for, core.base_url, core.clock))
    # A header or parameter of the caller's may select an account, and so which calls are listed.
    whose = hash((frozenset(settings.extra_headers.items()), frozenset(settings.extra_query.items())))
    newest = core.shared(f"calls.newest {whose}", partial(NewestCalls, core.clock, claims))

    def fetch(seconds: float) -> FetchPage:
        phases = settings.timeout or Timeout()
        longest = min(seconds, _LONGEST_READ)
        bounds = Timeout(
            connect=min(phases.connect or longest, longest),
            read=min(phases.read or longest, longest),
            write=min(phases.write or longest, longest),
            pool=min(phases.pool or longest, longest),
        )
        ours = Settings(
            timeout=bounds,
            max_retries=0,  # the next round is the retry
            lane="reconcile",
            extra_headers=settings.extra_headers,
            extra_query=settings.extra_query,
        )

        async def page(offset: int) -> tuple[Response, float]:
            query = {"limit": PAGE_SIZE, "offset": offset}
            request = core.build(endpoint, ours, path=endpoint.path, query=query)
            response = await core.send(request)
            return response, request.progress.rate_waited

        return page

    return CallReconciler(clock=core.clock, claims=claims, newest=newest, timeout=timeout, fetch=fetch)


class _ClaimsByApi:
    """The claims of each API; they live as long as a client holds them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: WeakValueDictionary[tuple[str, int], Claims] = WeakValueDictionary()
        reset_in_child(self)

    def claims_for(self, base_url: str, clock: Clock) -> Claims:
        """The claims shared by all clients of one API in this process that use the same clock.

        Credentials do not matter: two keys of one organisation see the same calls.
        """
        timeline: object = SystemClock if isinstance(clock, SystemClock) else clock
        with self._lock:
            name = (base_url.lower(), id(timeline))
            found = self._claims.get(name)
            if found is None:
                found = self._claims[name] = Claims(timeline)
            return found

    def after_fork(self) -> None:
        """In a child: a thread of the parent may have held the lock."""
        self._lock = threading.Lock()


_by_api = _ClaimsByApi()
claims_for = _by_api.claims_for


def _as_answer(listed: ListedCall) -> Response:
    response = listed.response
    body = json.dumps({"data": as_mapping(listed.row), "meta": dict(response.facts.meta)}).encode()
    return Response(status=200, headers=response.headers, body=body, reconciled=True)


def _log_found(call: Call, request: Request) -> None:
    logger.info(
        "%s: the answer was lost and the call was found: %s to %s (idempotency key %s)",
        request.endpoint.name,
        one_line(call.id),
        mask_phone(call.to or call.phone_number or ""),
        request.idempotency_key,
    )


def _what_was_found(found: Sequence[ListedCall], listing: Listing | None, seconds: float) -> str:
    if listing is None:
        return "no time was left to look for it"
    if listing.fault is not None and not found:
        return f"the call could not be looked for ({listing.fault.code})"
    if not listing.tells_time:
        return "it could not be looked for, as the server does not tell its time"
    many = f"{len(found)} that it may be" if found else "none"
    return f"looked for the call for {seconds:.0f} s and found {many}"


def _details(listing: Listing | None) -> dict[str, object]:
    if listing is None:
        return {"looked": False}
    if listing.fault is not None:
        return {"looked": False, "look_failed": listing.fault.code}
    return {"looked": listing.tells_time}
