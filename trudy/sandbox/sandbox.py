"""`Sandbox`: a local Truedy, in this process or served over HTTP."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack

import httpx

from trudy.sandbox import assertions
from trudy.sandbox.clock import SandboxClock
from trudy.sandbox.domain import browser_calls
from trudy.sandbox.domain.lifecycle import TALK_SECONDS, PlacedCall, most_at_once
from trudy.sandbox.domain.voices import SandboxVoice, voice_status
from trudy.sandbox.events.sender import EventSender
from trudy.sandbox.faults.options import FaultOptions
from trudy.sandbox.faults.rules import FaultRule, FaultTable
from trudy.sandbox.http import problems
from trudy.sandbox.http.app import build_app
from trudy.sandbox.http.contract import BASE_PATH
from trudy.sandbox.http.in_process import API_HOST, InProcessClient, InProcessTransport
from trudy.sandbox.http.problems import PaymentReason
from trudy.sandbox.http.rate_limit import WindowCount
from trudy.sandbox.http.records import RecordedRequest
from trudy.sandbox.http.server import SandboxServer, is_loopback
from trudy.sandbox.placeholders import add_placeholders
from trudy.sandbox.world import KEY_PREFIX, World, WorldOptions

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient, TrudyClient
    from trudy.sandbox.events.outbox import Receiver
    from trudy.webhooks import WebhookRouter


class Sandbox:
    """A local Truedy with the documented answers and a clock of its own.

    Nothing runs in the background: the state of a call is computed from the clock when it is read. All clients
    (`async_client`, `client`, `http_client`, `serve`) share one state, and every method is thread-safe.

    Args:
        speed: sandbox seconds for each real second; with 0 the clock stands still until `advance`, see `SandboxClock`.
        rate_limit: requests admitted in one window; None or False switches the limit off.
        window: length of a rate window in seconds of the sandbox's clock; windows begin at whole multiples of it.
        placeholders: accept the names in the examples of Truedy's SDK page: `YOUR_API_KEY`, `VOICE_UUID`,
            `agent-uuid`, `call-uuid`, the same in the other case, and the number `+1234567890`.
        any_number: accept calls to numbers outside the fictional ranges; they are answered.
        seed: makes outcomes, ids, keys and secrets the same at each start; anyone who knows it can find the key. If
            None, the outcomes are those of seed 0, and all else is random.
        start: Unix seconds at which the clock begins; the present if left out.
        assign_numbers: give each new agent a number to call from.
        experimental: offer `GET /batch-calls/{id}/analytics`, which pages name but do not describe.
        quirks: names from `trudy.sandbox.QUIRKS`, or `{"all"}`: behaviours of real servers that no page documents.
        api_key: the valid key; a new one if None.
        webhook_secret: signs events; a new one if None.
        outcome_mix: shares of outcomes by name (`completed`, `no_answer`, ...; see `Outcome`) for numbers outside the
            fictional ranges. The outcome of each attempt is drawn by the seed and the number.
        mix_fictional: draw the outcomes of fictional numbers by `outcome_mix` too.
        talk_seconds: how long an answered call talks.
        clock: used in place of `speed` and `start`: one that several sandboxes share, or a `JumpingClock`.

    Raises:
        ValueError: a number is out of range, or a name is unknown.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        rate_limit: int | None | Literal[False] = 100,
        window: float = 60.0,
        placeholders: bool = False,
        any_number: bool = False,
        seed: int | None = None,
        start: float | None = None,
        assign_numbers: bool = True,
        experimental: bool = False,
        quirks: Iterable[str] = (),
        api_key: str | None = None,
        webhook_secret: str | None = None,
        clock: SandboxClock | None = None,
        outcome_mix: Mapping[str, float] | None = None,
        mix_fictional: bool = False,
        talk_seconds: float = TALK_SECONDS,
    ) -> None:
        if clock is not None and (start is not None or speed != 1.0):
            raise ValueError("give a clock, or its start and speed")
        self.world = World(
            clock or SandboxClock(start=start, speed=speed),
            WorldOptions(
                rate_limit=rate_limit or None,
                window=window,
                placeholders=placeholders,
                any_number=any_number,
                seed=seed,
                assign_numbers=assign_numbers,
                experimental=experimental,
                quirks=quirks,
                api_key=api_key,
                webhook_secret=webhook_secret,
                outcome_mix=outcome_mix or {},
                mix_fictional=mix_fictional,
                talk_seconds=talk_seconds,
            ),
        )
        self._rate_limit_group = f"sandbox {uuid.uuid4()}"
        self.app = build_app(self.world)
        if placeholders:
            add_placeholders(self.world)

    def __repr__(self) -> str:
        state = self.world.state
        return f"<Sandbox {len(state.agents)} agents, {len(state.calls)} calls>"

    @property
    def clock(self) -> SandboxClock:
        """The clock of this sandbox."""
        return self.world.clock

    @property
    def api_key(self) -> str:
        """The valid key, unless it was revoked."""
        return self.world.api_key

    @property
    def control_token(self) -> str:
        """The token for `/_sandbox/` of a served sandbox."""
        return self.world.control_token

    @property
    def faults(self) -> FaultTable:
        """The rules by which requests fail."""
        return self.world.faults

    @property
    def webhooks(self) -> EventSender:
        """The receivers of events, and their deliveries."""
        return self.world.webhooks

    @property
    def base_url(self) -> str:
        """The base URL of in-process clients; for a URL that other programs can use, see `serve`."""
        return f"http://{API_HOST}{BASE_PATH}"

    @property
    def voices(self) -> tuple[SandboxVoice, ...]:
        """The voices that agents can use now, oldest first."""
        with self.world.state.lock:
            now = self.clock.time()
            return tuple(
                voice for voice in reversed(list(self.world.state.voices)) if voice_status(voice, now) == "active"
            )

    @property
    def payment_required(self) -> PaymentReason | None:
        """The reason why creating agents and calls answers 402; None if it does not. Set it to change that."""
        return self.world.payment_required

    @payment_required.setter
    def payment_required(self, reason: PaymentReason | None) -> None:
        if reason is not None and reason not in problems.PAYMENT_REASONS:
            raise ValueError(f"payment_required must be None or one of {', '.join(problems.PAYMENT_REASONS)}")
        self.world.payment_required = reason

    # Clients

    def http_client(self, *, real_time: bool = False) -> httpx.AsyncClient:
        """Make an httpx client whose requests reach this sandbox without a socket; a factory for `http_client=`.

        Args:
            real_time: use it with a client that has the machine's clock: timeouts, and the `reset_at` of a 429, are
                then in real seconds.
        """
        return InProcessClient(InProcessTransport(self.world, self.app, real_time=real_time))

    def async_client(self, **options: Any) -> AsyncTrudyClient:
        """An `AsyncTrudyClient` of this sandbox, on its clock unless `clock=` is given."""
        from trudy import AsyncTrudyClient

        return AsyncTrudyClient(**self._client_options(options))

    def client(self, **options: Any) -> TrudyClient:
        """A `TrudyClient` of this sandbox, on its clock unless `clock=` is given."""
        from trudy import TrudyClient

        return TrudyClient(**self._client_options(options))

    def serve(self, *, host: str = "127.0.0.1", port: int = 0, media_port: int = 0) -> SandboxServer:
        """Make a server that runs in a thread during a `with` block. A port of 0 is chosen by the system.

        Warns if other machines can reach `host`: everybody who has the key can then use the sandbox.
        """
        if not is_loopback(host):
            warnings.warn(
                f"{host} can be reached from other machines; whoever has the key can use this sandbox", stacklevel=2
            )
        return SandboxServer(self, host=host, port=port, media_port=media_port)

    # Time

    def advance(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Move the clock ahead; everything due until then has happened. See `SandboxClock.advance`."""
        self.clock.advance(seconds=seconds, minutes=minutes, hours=hours)

    # What others do

    def join_call(self, join_url: str) -> PlacedCall:
        """Join a WebRTC or test call by its link, as a browser does, and talk for as long as an answered call takes.

        Raises:
            LookupError: the link was used, has expired, or is not of this sandbox.
        """
        with self.world.state.lock:
            call = browser_calls.join(self.world, join_url, now=self.world.settle())
            self.webhooks.queue_events_of(call)
        return call

    def cancel_batch(self, batch_call_id: str) -> None:
        """Cancel a batch, as only the dashboard can; running calls go on.

        Raises:
            LookupError: there is no such batch, or it is over.
        """
        with self.world.state.lock:
            now, campaign = self.world.settle(), self.world.state.campaigns.get(batch_call_id)
            if campaign is None or campaign.status in ("completed", "failed", "cancelled"):
                raise LookupError("there is no such batch that could be cancelled")
            campaign.end("cancelled", now)
            self.world.campaigns.watch(campaign)

    # Events

    @property
    def webhook_secret(self) -> str:
        """Signs deliveries, except to receivers with a secret of their own."""
        return self.webhooks.secret

    def connect(self, router: WebhookRouter, **options: Any) -> Receiver:
        """Send all events straight to a router; options as for `webhooks.add`.

        A router that was made without a secret accepts the sandbox's. For one that was made with a secret, pass the
        same one here as `secret=`. Events are sent by `webhooks.deliver()`, or while `webhooks.pumping()` or a server
        runs.
        """
        return self.webhooks.add(router, **options)

    # Keys

    def new_api_key(self) -> str:
        """Make one more valid key."""
        return self.world.add_key(KEY_PREFIX + self.world.state.ids.token("api key"))

    def revoke_api_key(self, key: str) -> None:
        """Make a key invalid: requests with it answer 401."""
        self.world.revoke_key(key)

    # Faults

    def fail_next(self, **options: Unpack[FaultOptions]) -> FaultRule:
        """Make the next matching request fail, if its key is valid and the rate limit admits it.

        `sandbox.faults.add` takes the same options and has no limit of `times`.

        Args:
            method: such as `"POST"`; all if left out.
            path: below the base URL, such as `"/calls"` or `"/calls/*"` (`/recordings/*` for those); all if left out.
            nth: only this one of the matching requests fails, counted from 1.
            probability: the probability that a matching request fails.
            times: how many requests fail; 1 if left out.
            status: answer with this status; the request is carried out only with `effect=True`.
            effect: carry the request out although `status` hides it.
            effect_after: carry it out so many seconds of the sandbox's clock later; its answer must be lost by `reset`
                or hidden by `status`.
            code, message, details: members of the documented error body of `status`.
            body: sent in place of any documented body; a mapping becomes JSON.
            headers: added to the answer.
            content_type: replaces the answer's own.
            reset: drop the connection without an answer: `"connect"` while it is being made (over a socket the same as
                `"before"`), `"before"` or `"after"` the request was carried out.
            delay: seconds of the sandbox's clock between carrying the request out and sending the answer.
            truncate: drop the connection in the middle of the body.
            broken: send half of the body as if it were all.
            drip: seconds of the sandbox's clock between pieces of the body.
            skew: seconds by which the server's clock in the answer is ahead; negative if it is behind.

        Raises:
            TypeError: there is no such option, or its value is of another type.
            ValueError: a value makes no sense, such as a number out of range.
        """
        if options.get("times") is None:
            options["times"] = 1
        return self.faults.add(**options)

    # What tests ask

    @property
    def requests(self) -> list[RecordedRequest]:
        """The newest requests to the API, oldest first, credentials masked: at most 20,000, or 64 MB of bodies."""
        with self.world.state.lock:
            return [arrival.record() for arrival in self.world.arrivals]

    @property
    def media_requests(self) -> list[RecordedRequest]:
        """The same for requests to the origin of the recordings."""
        with self.world.state.lock:
            return [arrival.record() for arrival in self.world.media_arrivals]

    @property
    def placed_calls(self) -> list[PlacedCall]:
        """All accepted calls to numbers, in order, with those that were deleted or whose answer was lost."""
        with self.world.state.lock:
            self.world.settle()
            return list(self.world.state.placed)

    @property
    def max_concurrent_calls(self) -> int:
        """The most calls that rang or were answered at the same time so far."""
        return most_at_once(self.placed_calls, until=self.clock.time())

    def calls_to(self, number: str) -> list[PlacedCall]:
        """All accepted calls to this number, in order."""
        with self.world.state.lock:
            self.world.settle()
            return list(self.world.state.placed_to.get(number, ()))

    def requests_per_window(self) -> list[WindowCount]:
        """How many requests each rate window admitted and refused, in order; counted also if there is no limit."""
        with self.world.state.lock:
            return self.world.limiter.windows()

    def assert_no_number_dialed_twice(self) -> None:
        """Raise `AssertionError` if any number was called more than once.

        The attempts of a batch with `retry_failed` to reach one contact count as one call.
        """
        assertions.no_number_dialed_twice(self.placed_calls)

    def assert_no_ref_placed_twice(self, name: str = "trudy_ref") -> None:
        """Raise `AssertionError` if two calls were placed with the same value of this variable."""
        assertions.no_ref_placed_twice(self.placed_calls, name)

    def assert_no_overlapping_calls(self) -> None:
        """Raise `AssertionError` if a number was called while another call to it was not over."""
        assertions.no_overlapping_calls(self.placed_calls)

    def assert_called_only_within(
        self,
        start: time,
        end: time | None,
        *,
        timezone: str | Callable[[str], str | Iterable[str]],
        days: Iterable[int] = (1, 2, 3, 4, 5),
    ) -> None:
        """Raise `AssertionError` if a call rang outside these hours of local time.

        Args:
            start, end: times of day; `end` is exclusive, None means midnight.
            timezone: an IANA name such as `America/New_York`, or a function that gives the zones of a number, one or
                several.
            days: 1 for Monday to 7 for Sunday.
        """
        assertions.called_only_within(self.placed_calls, start, end, timezone=timezone, days=frozenset(days))

    def assert_no_key_left_the_host(self) -> None:
        """Raise `AssertionError` if a request to the recordings' origin had a key or token anywhere in it."""
        with self.world.state.lock:
            arrivals, keys = list(self.world.media_arrivals), [key.encode() for key in self.world.keys]
        assertions.no_key_sent(arrivals, keys)

    def _client_options(self, options: dict[str, Any]) -> dict[str, Any]:
        defaults: dict[str, Any] = {"api_key": self.api_key, "base_url": self.base_url, "clock": self.clock}
        if options.keys() & {"api_key", "jwt_token"}:
            del defaults["api_key"]
        merged = defaults | options
        real_time = merged["clock"] is not self.clock
        merged.setdefault("http_client", partial(self.http_client, real_time=real_time))
        # All keys of a sandbox share its limit, different sandboxes do not, and a rate limiter has one clock.
        if merged.get("rate_limiter") is None:
            merged.setdefault("rate_limit_group", f"{self._rate_limit_group} {'real' if real_time else 'own'} time")
        return merged
