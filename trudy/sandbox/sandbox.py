"""The Sandbox: a Truedy of one's own, in this process or behind a port."""

from __future__ import annotations

import hmac
import secrets
import uuid
import warnings
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack

import httpx
from attrs import evolve

from trudy._masking import mask_phone
from trudy.sandbox.clock import SandboxClock
from trudy.sandbox.domain import browser_calls
from trudy.sandbox.domain.campaign_runner import CampaignRunner
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.voices import SEEDED_VOICES, SandboxVoice, voice_status
from trudy.sandbox.events.sender import EventSender
from trudy.sandbox.faults.options import FaultOptions
from trudy.sandbox.faults.rules import FaultRule, FaultTable
from trudy.sandbox.http import problems
from trudy.sandbox.http.app import build_app
from trudy.sandbox.http.contract import BASE_PATH
from trudy.sandbox.http.idempotency import IdempotencyStore
from trudy.sandbox.http.in_process import API_HOST, InProcessTransport
from trudy.sandbox.http.media import SignedLinks
from trudy.sandbox.http.problems import PaymentReason
from trudy.sandbox.http.rate_limit import RequestLimit, WindowCount
from trudy.sandbox.http.records import ArrivalLog, RecordedRequest
from trudy.sandbox.http.server import SandboxServer, is_loopback
from trudy.sandbox.http.wire import AnswerFormat
from trudy.sandbox.quirks.answers import Distortion
from trudy.sandbox.quirks.names import read_names
from trudy.sandbox.routes.agents import seed_placeholder_agent
from trudy.sandbox.state import PLACEHOLDER_VOICE, State

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient, TrudyClient
    from trudy.sandbox.events.outbox import Receiver
    from trudy.webhooks import WebhookRouter

KEY_PREFIX = "truedy_sandbox_"
CONTROL_PREFIX = "control_"
PLACEHOLDER_KEY = "YOUR_API_KEY"


class Sandbox:
    """A local Truedy: agents, voices and calls, with the documented answers and a clock of its own.

    Nothing runs in the background: what a call is at any moment is computed from the clock when it is asked for. All
    ways in (`async_client`, `client`, `http_client`, `serve`) share one state; every method is thread-safe.

    Args:
        speed: sandbox seconds for each real second; 0 stands still until `advance`, see `SandboxClock`.
        rate_limit: requests admitted in one window; None or False switches the limit off.
        window: length of a rate window in seconds of the sandbox's clock; they begin at whole multiples of it.
        placeholders: accept what the SDK page's snippets show: `YOUR_API_KEY`, `VOICE_UUID`, `agent-uuid` and
            `+1234567890`.
        any_number: call numbers outside the fictional ranges too; they answer.
        seed: for the numbers whose outcome is random.
        start: Unix seconds at which the clock begins; the present when left out.
        assign_numbers: give each new agent a number to call from.
        experimental: offer what pages only name: `GET /batch-calls/{id}/analytics`, whose members are a guess.
        quirks: names from `trudy.sandbox.QUIRKS`, or `{"all"}`: behaviours seen on real servers that no page documents.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        rate_limit: int | None | Literal[False] = 100,
        window: float = 60.0,
        placeholders: bool = False,
        any_number: bool = False,
        seed: int = 0,
        start: float | None = None,
        assign_numbers: bool = True,
        experimental: bool = False,
        quirks: Iterable[str] = (),
    ) -> None:
        names = read_names(quirks)
        self.clock = SandboxClock(start=start, speed=speed)
        self.api_key = KEY_PREFIX + secrets.token_hex(16)
        self.control_token = CONTROL_PREFIX + secrets.token_urlsafe(24)
        self.placeholders = placeholders
        self.any_number = any_number
        self.assign_numbers = assign_numbers
        self.experimental = experimental
        self.seed = seed
        self.started_at = self.clock.time()
        self.wire = AnswerFormat(names)
        self.distortion = Distortion(self.wire)
        self.limiter = RequestLimit(
            limit=rate_limit or None, window=window, counters=3 if "several_counters" in names else 1, seed=seed
        )
        self.faults = FaultTable(seed)
        self.idempotency = IdempotencyStore()
        self.links = SignedLinks()
        self.arrivals = ArrivalLog()
        self.media_arrivals = ArrivalLog()
        self.webhooks = EventSender(self)
        self._payment_required: PaymentReason | None = None
        self._keys = {self.api_key}
        self._rate_limit_group = f"sandbox {uuid.uuid4()}"
        self.state = State()
        voices: tuple[SandboxVoice, ...] = SEEDED_VOICES
        if placeholders:
            self._keys.add(PLACEHOLDER_KEY)
            voices = (*voices, SandboxVoice(id=PLACEHOLDER_VOICE, name="Placeholder"))
        for voice in voices:
            self.state.voices.put(voice.id, evolve(voice, created_at=self.started_at, updated_at=self.started_at))
        self.campaigns = CampaignRunner(self)
        self._campaigns_made = 0
        self.app = build_app(self)
        if placeholders:
            seed_placeholder_agent(self)

    def __repr__(self) -> str:
        return f"<Sandbox {len(self.state.agents)} agents, {len(self.state.calls)} calls>"

    @property
    def base_url(self) -> str:
        """Where the in-process clients find it; for a port, see `serve`."""
        return f"http://{API_HOST}{BASE_PATH}"

    @property
    def voices(self) -> tuple[SandboxVoice, ...]:
        """The voices that agents may use now, oldest first."""
        with self.state.lock:
            now = self.clock.time()
            return tuple(voice for voice in reversed(list(self.state.voices)) if voice_status(voice, now) == "active")

    @property
    def payment_required(self) -> PaymentReason | None:
        """Why creating agents and calls answers 402 now; set it to one of the four reasons, or None."""
        return self._payment_required

    @payment_required.setter
    def payment_required(self, reason: PaymentReason | None) -> None:
        if reason is not None and reason not in problems.PAYMENT_REASONS:
            raise ValueError(f"payment_required must be None or one of {', '.join(problems.PAYMENT_REASONS)}")
        self._payment_required = reason

    # Ways in

    def http_client(self, *, real_time: bool = False) -> httpx.AsyncClient:
        """A new httpx client whose requests reach this sandbox without a socket; a factory for `http_client=`.

        Args:
            real_time: its user's clock is the real one, not the sandbox's: time-outs and the `reset_at` of a 429 are
                told in real seconds.
        """
        return httpx.AsyncClient(transport=InProcessTransport(self, real_time=real_time))

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
        with self.state.lock:
            call = browser_calls.join(self, join_url, now=self.settle())
            self.webhooks.queue_events_of(call)
        return call

    def cancel_batch(self, batch_call_id: str) -> None:
        """What only the dashboard can do: give a batch up for good; calls that run run on.

        Raises:
            LookupError: there is no such batch, or it is at its end.
        """
        with self.state.lock:
            now, campaign = self.settle(), self.state.campaigns.get(batch_call_id)
            if campaign is None or campaign.status in ("completed", "failed", "cancelled"):
                raise LookupError("there is no such batch that could be cancelled")
            campaign.end("cancelled", now)
            self.campaigns.watch(campaign)

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
        key = KEY_PREFIX + secrets.token_hex(16)
        with self.state.lock:
            self._keys.add(key)
        return key

    def revoke_api_key(self, key: str) -> None:
        """From now on that key answers 401."""
        with self.state.lock:
            self._keys.discard(key)

    def accepts_credential(self, header: str) -> bool:
        """Whether an `Authorization` header opens this sandbox."""
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer":
            return False
        presented = key.encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(presented, known.encode()) for known in self._keys)

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
        with self.state.lock:
            return [arrival.record() for arrival in self.arrivals]

    @property
    def media_requests(self) -> list[RecordedRequest]:
        """The same for the origin that recordings are served from."""
        with self.state.lock:
            return [arrival.record() for arrival in self.media_arrivals]

    @property
    def placed_calls(self) -> list[PlacedCall]:
        """Every call to a number ever accepted, in order, deleted ones and those whose answer was lost included."""
        with self.state.lock:
            self.settle()
            return list(self.state.placed)

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
        with self.state.lock:
            self.settle()
            return list(self.state.placed_to.get(number, ()))

    def requests_per_window(self) -> list[WindowCount]:
        """How many requests each rate window admitted and refused, in order; counted without a limit, too."""
        with self.state.lock:
            return self.limiter.windows()

    def assert_no_number_dialed_twice(self) -> None:
        """Raise `AssertionError` when any number was called more than once.

        The attempts that a batch with `retry_failed` makes for one of its contacts count as one.
        """
        wishes: dict[str, set[tuple[str, str | None]]] = {}
        for call in self.placed_calls:
            if call.was_dialed:
                wish = (call.id, None) if call.campaign_id is None else (call.campaign_id, call.contact_id)
                wishes.setdefault(call.to, set()).add(wish)
        twice = [f"{mask_phone(number)} {len(found)} times" for number, found in wishes.items() if len(found) > 1]
        if twice:
            raise AssertionError(f"dialed more than once: {', '.join(twice)}")

    def assert_no_key_left_the_host(self) -> None:
        """Raise `AssertionError` when a request to the recordings' origin carried a credential, wherever it hid."""
        with self.state.lock:
            arrivals, keys = list(self.media_arrivals), [key.encode() for key in self._keys]
        for arrival in arrivals:
            everything = b"\n".join((arrival.query, arrival.body, *(value for _, value in arrival.raw_headers)))
            if "authorization" in arrival.headers() or any(key in everything for key in keys):
                raise AssertionError(
                    f"a credential was sent to the recordings' origin: {arrival.method} {arrival.path}"
                )

    # For the application

    def relative_path(self, path: str) -> str:
        """A request's path below the base URL."""
        return path.removeprefix(BASE_PATH)

    def next_campaign(self) -> int:
        """Count the batches made."""
        self._campaigns_made += 1
        return self._campaigns_made - 1

    def check_payment(self) -> None:
        """Raise the 402 that is switched on, if any."""
        if self._payment_required is not None:
            raise problems.payment_required(self._payment_required)

    def settle(self) -> float:
        """Let everything happen that was due by now, and say what the time is. Hold the state's lock."""
        now = self.clock.time()
        self.campaigns.settle(now)
        return now

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
