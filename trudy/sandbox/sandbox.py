"""The Sandbox: a Truedy of one's own, in this process or behind a port."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack

import httpx

from trudy._hours import WorkingHours
from trudy.sandbox import assertions
from trudy.sandbox.clock import SandboxClock
from trudy.sandbox.domain import browser_calls
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.voices import SandboxVoice, voice_status
from trudy.sandbox.events.sender import EventSender
from trudy.sandbox.faults.options import FaultOptions
from trudy.sandbox.faults.rules import FaultRule, FaultTable
from trudy.sandbox.http import problems
from trudy.sandbox.http.app import build_app
from trudy.sandbox.http.contract import BASE_PATH
from trudy.sandbox.http.in_process import API_HOST, InProcessTransport
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
    """A local Truedy: agents, voices and calls, with the documented answers and a clock of its own.

    Nothing runs in the background: what a call is at any moment is computed from the clock when it is asked for. All
    ways in (`async_client`, `client`, `http_client`, `serve`) share one state; every method is thread-safe.

    Args:
        speed: sandbox seconds for each real second; 0 stands still until `advance`, see `SandboxClock`.
        rate_limit: requests admitted in one window; None or False switches the limit off.
        window: length of a rate window in seconds of the sandbox's clock; they begin at whole multiples of it.
        placeholders: accept what the SDK page's snippets show: `YOUR_API_KEY`, `VOICE_UUID`, `agent-uuid`,
            `call-uuid` and their like, and `+1234567890`.
        any_number: call numbers outside the fictional ranges too; they answer.
        seed: what outcomes, ids, keys and secrets follow from, so that they are the same from start to start; whoever
            knows it knows the key. With None the random outcomes are those of 0, and the rest is drawn anew.
        start: Unix seconds at which the clock begins; the present when left out.
        assign_numbers: give each new agent a number to call from.
        experimental: offer what pages only name: `GET /batch-calls/{id}/analytics`, whose members are a guess.
        quirks: names from `trudy.sandbox.QUIRKS`, or `{"all"}`: behaviours seen on real servers that no page documents.
        api_key: the key that is good; made if None.
        webhook_secret: what events are signed with; made if None.
        outcome_mix: shares of outcomes by name (`completed`, `no_answer`, ...; see `Outcome`): what each attempt to a
            number outside the fictional ranges comes to, drawn from the seed and the number.
        clock: in place of `speed` and `start`: one that several sandboxes share, or a `JumpingClock`.
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
        """The clock that all in it follows."""
        return self.world.clock

    @property
    def api_key(self) -> str:
        """A key that is good, unless it was revoked."""
        return self.world.api_key

    @property
    def control_token(self) -> str:
        """What opens `/_sandbox/` of a served sandbox."""
        return self.world.control_token

    @property
    def faults(self) -> FaultTable:
        """What goes wrong, by rule."""
        return self.world.faults

    @property
    def webhooks(self) -> EventSender:
        """Who is told of events."""
        return self.world.webhooks

    @property
    def base_url(self) -> str:
        """Where the in-process clients find it; for a port, see `serve`."""
        return f"http://{API_HOST}{BASE_PATH}"

    @property
    def voices(self) -> tuple[SandboxVoice, ...]:
        """The voices that agents may use now, oldest first."""
        with self.world.state.lock:
            now = self.clock.time()
            return tuple(
                voice for voice in reversed(list(self.world.state.voices)) if voice_status(voice, now) == "active"
            )

    @property
    def payment_required(self) -> PaymentReason | None:
        """Why creating agents and calls answers 402 now; set it to one of the four reasons, or None."""
        return self.world.payment_required

    @payment_required.setter
    def payment_required(self, reason: PaymentReason | None) -> None:
        if reason is not None and reason not in problems.PAYMENT_REASONS:
            raise ValueError(f"payment_required must be None or one of {', '.join(problems.PAYMENT_REASONS)}")
        self.world.payment_required = reason

    # Ways in

    def http_client(self, *, real_time: bool = False) -> httpx.AsyncClient:
        """A new httpx client whose requests reach this sandbox without a socket; a factory for `http_client=`.

        Args:
            real_time: its user's clock is the real one, not the sandbox's: time-outs and the `reset_at` of a 429 are
                told in real seconds.
        """
        return httpx.AsyncClient(transport=InProcessTransport(self.world, self.app, real_time=real_time))

    def async_client(self, **options: Any) -> AsyncTrudyClient:
        """An `AsyncTrudyClient` of this sandbox, on its clock unless `clock=` says otherwise."""
        from trudy import AsyncTrudyClient

        return AsyncTrudyClient(**self._client_options(options))

    def client(self, **options: Any) -> TrudyClient:
        """A `TrudyClient` of this sandbox, on its clock unless `clock=` says otherwise."""
        from trudy import TrudyClient

        return TrudyClient(**self._client_options(options))

    def serve(self, *, host: str = "127.0.0.1", port: int = 0, media_port: int = 0) -> SandboxServer:
        """A server for a `with` block, in a thread; ports of 0 are chosen by the system.

        Warns where other machines reach `host`: whoever has the key can come in.
        """
        if not is_loopback(host):
            warnings.warn(
                f"{host} can be reached from other machines; whoever has the key can use this sandbox", stacklevel=2
            )
        return SandboxServer(self, host=host, port=port, media_port=media_port)

    # Time

    def advance(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Jump ahead; what would have happened meanwhile has happened."""
        self.clock.advance(seconds=seconds, minutes=minutes, hours=hours)

    # What others do

    def join_call(self, join_url: str) -> PlacedCall:
        """What a browser does with the link of a WebRTC or test call: talk, for as long as a call takes.

        Raises:
            LookupError: the link was used, has expired, or is none of this sandbox.
        """
        with self.world.state.lock:
            call = browser_calls.join(self.world, join_url, now=self.world.settle())
            self.webhooks.queue_events_of(call)
        return call

    def cancel_batch(self, batch_call_id: str) -> None:
        """What only the dashboard can do: give a batch up for good; calls that run run on.

        Raises:
            LookupError: there is no such batch, or it is at its end.
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
        """What deliveries are signed with, unless a receiver has a secret of its own."""
        return self.webhooks.secret

    def connect(self, router: WebhookRouter, **options: Any) -> Receiver:
        """Hand all events straight to a router; options as for `webhooks.add`.

        A router that was made with a secret of its own must have been given `webhook_secret`, or be named it here as
        `secret=`; any other one accepts the sandbox's.
        They are sent by `webhooks.deliver()`, or while `webhooks.pumping()` or a server runs.
        """
        return self.webhooks.add(router, **options)

    # Keys

    def new_api_key(self) -> str:
        """Make one more key."""
        return self.world.add_key(KEY_PREFIX + self.world.state.ids.token("api key"))

    def revoke_api_key(self, key: str) -> None:
        """From now on that key answers 401."""
        self.world.revoke_key(key)

    # Faults

    def fail_next(self, **options: Unpack[FaultOptions]) -> FaultRule:
        """Let the next request that fits go wrong. The key must be good and the rate limit not reached.

        `sandbox.faults.add` does so to any number of them; either may pick the nth, or some by chance.

        Args:
            method: such as `"POST"`; all if left out.
            path: below the base URL, such as `"/calls"` or `"/calls/*"` (`/recordings/*` for those); all if left out.
            nth: only that one of the requests that fit, from 1.
            probability: with which each goes wrong.
            times: how many requests; 1 if left out.
            status: answer with this status; the request is carried out only with `effect=True`.
            effect: carry the request out although `status` hides it.
            effect_after: carry it out so many seconds on the sandbox's clock later, its answer being lost by `reset` or
                hidden by `status`.
            code, message, details: of the documented error body of `status`.
            body: in place of any documented body; a mapping becomes JSON.
            headers: added to the answer.
            content_type: in place of the answer's own.
            reset: drop the connection without an answer: `"connect"` before it stands (over a socket the same as
                `"before"`), `"before"` or `"after"` the request was carried out.
            delay: seconds on the sandbox's clock before the answer goes out; the request was carried out before.
            truncate: drop the connection in the middle of the body.
            broken: send half of the body as if it were all.
            drip: seconds on the sandbox's clock between pieces of the body.
            skew: seconds by which the clock that the answer tells of is ahead, or behind where negative.

        Raises:
            TypeError: an option that there is not, or of another kind.
            ValueError: one that makes no sense, such as a number out of its range.
        """
        if options.get("times") is None:
            options["times"] = 1
        return self.faults.add(**options)

    # What tests ask

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest requests to the API, oldest first, credentials masked: 20,000, or 64 MB of bodies."""
        with self.world.state.lock:
            return [arrival.record() for arrival in self.world.arrivals]

    @property
    def media_requests(self) -> list[RecordedRequest]:
        """The same for the origin that recordings are served from."""
        with self.world.state.lock:
            return [arrival.record() for arrival in self.world.media_arrivals]

    @property
    def placed_calls(self) -> list[PlacedCall]:
        """Every call to a number ever accepted, in order, deleted ones and those whose answer was lost included."""
        with self.world.state.lock:
            self.world.settle()
            return list(self.world.state.placed)

    @property
    def max_concurrent_calls(self) -> int:
        """The most calls that rang or talked at one time so far."""
        now = self.clock.time()
        edges: list[tuple[float, int]] = []
        for call in self.placed_calls:
            begin = call.timeline.ringing_at
            if begin is not None and begin <= now:
                edges += [(begin, 1), (call.timeline.ended_at, -1)]
        most = running = 0
        for _, step in sorted(edges):
            running += step
            most = max(most, running)
        return most

    def calls_to(self, number: str) -> list[PlacedCall]:
        """Every call ever accepted to that number, in order."""
        with self.world.state.lock:
            self.world.settle()
            return list(self.world.state.placed_to.get(number, ()))

    def requests_per_window(self) -> list[WindowCount]:
        """How many requests each rate window admitted and refused, in order; counted without a limit, too."""
        with self.world.state.lock:
            return self.world.limiter.windows()

    def assert_no_number_dialed_twice(self) -> None:
        """Raise `AssertionError` when any number was called more than once.

        The attempts that a batch with `retry_failed` makes for one of its contacts count as one.
        """
        assertions.no_number_dialed_twice(self.placed_calls)

    def assert_no_ref_placed_twice(self, name: str = "trudy_ref") -> None:
        """Raise `AssertionError` when two calls were placed with the same value of that variable."""
        assertions.no_ref_placed_twice(self.placed_calls, name)

    def assert_no_overlapping_calls(self) -> None:
        """Raise `AssertionError` when a number was called while another call to it was not over."""
        assertions.no_overlapping_calls(self.placed_calls)

    def assert_called_only_within(
        self,
        start: time,
        end: time | None,
        *,
        timezone: str | Callable[[str], str | Iterable[str]],
        days: Iterable[int] = (1, 2, 3, 4, 5),
    ) -> None:
        """Raise `AssertionError` when a call rang out of hours, as clocks on the wall show them.

        Args:
            start, end: times of day; `end` is not included, None means midnight.
            timezone: IANA, such as `America/New_York`; or a function of a number, for one zone or all it may lie in.
            days: 1 for Monday to 7 for Sunday.
        """
        on = frozenset(days)

        def hours_of(number: str) -> list[WorkingHours]:
            zones = assertions.zones_of(timezone, number)
            return [WorkingHours(zone=zone, days=on, start=start, end=end) for zone in zones]

        assertions.called_only_within(self.placed_calls, hours_of)

    def assert_no_key_left_the_host(self) -> None:
        """Raise `AssertionError` when a request to the recordings' origin carried a credential, wherever it hid."""
        with self.world.state.lock:
            arrivals, keys = list(self.world.media_arrivals), [key.encode() for key in self.world.keys]
        for arrival in arrivals:
            everything = b"\n".join((arrival.query, arrival.body, *(value for _, value in arrival.raw_headers)))
            if "authorization" in arrival.headers() or any(key in everything for key in keys):
                raise AssertionError(
                    f"a credential was sent to the recordings' origin: {arrival.method} {arrival.path}"
                )

    def _client_options(self, options: dict[str, Any]) -> dict[str, Any]:
        defaults: dict[str, Any] = {"api_key": self.api_key, "base_url": self.base_url, "clock": self.clock}
        if options.keys() & {"api_key", "jwt_token"}:
            del defaults["api_key"]
        merged = defaults | options
        real_time = merged["clock"] is not self.clock
        merged.setdefault("http_client", partial(self.http_client, real_time=real_time))
        # All keys of a sandbox share its limit, no two sandboxes do, and a limiter knows but one clock.
        merged.setdefault("rate_limit_group", f"{self._rate_limit_group} {'real' if real_time else 'own'} time")
        return merged
