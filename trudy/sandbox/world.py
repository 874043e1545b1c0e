"""The parts of one sandbox, for its routes, endpoints and events: rows, clock, rate limit, faults, quirks."""

from __future__ import annotations

import hmac
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from itertools import count
from operator import itemgetter
from typing import Any

from attrs import evolve, field, frozen

from trudy.sandbox.clock import SandboxClock
from trudy.sandbox.domain.account_numbers import Spares
from trudy.sandbox.domain.call_log import CallLog
from trudy.sandbox.domain.campaign import Campaign
from trudy.sandbox.domain.campaign_runner import CampaignRunner
from trudy.sandbox.domain.lifecycle import TALK_SECONDS, PlacedCall
from trudy.sandbox.domain.newest_first import NewestFirst
from trudy.sandbox.domain.outcome_by_number import read_mix
from trudy.sandbox.domain.voices import SEEDED_VOICES, SandboxVoice
from trudy.sandbox.events.sender import EventSender
from trudy.sandbox.faults.rules import FaultTable
from trudy.sandbox.http import problems
from trudy.sandbox.http.idempotency import IdempotencyStore
from trudy.sandbox.http.problems import PaymentReason
from trudy.sandbox.http.rate_limit import RequestLimit
from trudy.sandbox.http.recordings import SignedLinks
from trudy.sandbox.http.records import ArrivalLog
from trudy.sandbox.http.wire import AnswerFormat
from trudy.sandbox.ids import Ids
from trudy.sandbox.quirks.answers import Distortion
from trudy.sandbox.quirks.names import read_names

KEY_PREFIX = "truedy_sandbox_"
CONTROL_PREFIX = "control_"
_LONGEST_TALK = 86_400.0
SECRET_PREFIX = "whsec_sandbox_"  # noqa: S105  # not a secret, only the beginning of one

Rows = NewestFirst[dict[str, Any]]


@frozen(eq=False)
class State:
    """The rows behind the API. Hold `lock` to read or change them.

    Attributes:
        placed: every accepted call to a number, in order, deleted ones included; `placed_to` has them by number.
        rate_limited: numbers that forced a 429 and have had it.
        sessions: ids of the calls that wait for a browser, by the secret part of their link.
    """

    ids: Ids = field(factory=Ids, repr=False)
    lock: threading.RLock = field(factory=threading.RLock, repr=False)
    agents: Rows = field(factory=Rows, repr=False)
    voices: NewestFirst[SandboxVoice] = field(factory=NewestFirst[SandboxVoice], repr=False)
    tools: Rows = field(factory=Rows, repr=False)
    knowledge_bases: Rows = field(factory=Rows, repr=False)
    sources: Rows = field(factory=lambda: Rows(itemgetter("kb_id")), repr=False)
    folders: Rows = field(factory=Rows, repr=False)
    contacts: Rows = field(factory=lambda: Rows(itemgetter("folder_id")), repr=False)
    numbers: Rows = field(factory=Rows, repr=False)
    spare_numbers: Spares = field(factory=Spares, repr=False)
    credentials: Rows = field(factory=Rows, repr=False)
    campaigns: NewestFirst[Campaign] = field(factory=NewestFirst[Campaign], repr=False)
    calls: CallLog = field(factory=CallLog, repr=False)
    placed: list[PlacedCall] = field(factory=list[PlacedCall], repr=False)
    placed_to: defaultdict[str, list[PlacedCall]] = field(factory=lambda: defaultdict(list), repr=False)
    rate_limited: set[str] = field(factory=set[str], repr=False)
    sessions: dict[str, str] = field(factory=dict[str, str], repr=False)


@frozen(kw_only=True)
class WorldOptions:
    """Arguments of `Sandbox`, whose docstring explains them."""

    rate_limit: int | None = 100
    window: float = 60.0
    placeholders: bool = False
    any_number: bool = False
    seed: int | None = None
    assign_numbers: bool = True
    experimental: bool = False
    outcome_mix: Mapping[str, float] = field(factory=dict[str, float], converter=read_mix)
    mix_fictional: bool = False
    talk_seconds: float = TALK_SECONDS
    quirks: frozenset[str] = field(default=frozenset(), converter=read_names)
    api_key: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if not 0 < self.talk_seconds <= _LONGEST_TALK:
            raise ValueError("talk_seconds must be above 0, and a day at most")
        if self.mix_fictional and not self.outcome_mix:
            raise ValueError("mix_fictional needs an outcome_mix")
        for name, text in (("api_key", self.api_key), ("webhook_secret", self.webhook_secret)):
            if text is not None and (not text or not text.isascii() or not text.isprintable() or " " in text):
                raise ValueError(f"{name} must be ASCII text without spaces, and not empty")


class World:
    """The parts of one sandbox. Hold `state.lock` to read or change them."""

    def __init__(self, clock: SandboxClock, options: WorldOptions) -> None:
        names = options.quirks
        self.options = options
        self.clock = clock
        self.started_at = clock.time()
        self.seed = options.seed or 0
        ids = Ids(options.seed)
        self.state = State(ids)
        self.api_key = options.api_key or KEY_PREFIX + ids.token("api key")
        self.control_token = CONTROL_PREFIX + ids.token("control token")
        self.payment_required: PaymentReason | None = None
        self.wire = AnswerFormat(names)
        self.distortion = Distortion(self.wire)
        self.limiter = RequestLimit(
            limit=options.rate_limit,
            window=options.window,
            counters=3 if "several_counters" in names else 1,
            seed=self.seed,
        )
        self.faults = FaultTable(self.seed)
        self.idempotency = IdempotencyStore()
        self.links = SignedLinks(ids.token("links"))
        self.arrivals = ArrivalLog()
        self.media_arrivals = ArrivalLog()
        self.campaigns = CampaignRunner(self)
        self.webhooks = EventSender(self, options.webhook_secret or SECRET_PREFIX + ids.token("webhook secret"))
        self._keys = {self.api_key}
        self._campaigns_made = 0
        self._late: list[tuple[float, int, Callable[[float], None]]] = []
        self._late_made = count()
        for voice in SEEDED_VOICES:
            self.put_voice(voice)

    @property
    def keys(self) -> frozenset[str]:
        """Every valid key."""
        return frozenset(self._keys)

    def add_key(self, key: str) -> str:
        """Accept one more key."""
        with self.state.lock:
            self._keys.add(key)
        return key

    def revoke_key(self, key: str) -> None:
        """Refuse this key from now on."""
        with self.state.lock:
            self._keys.discard(key)

    def accepts_credential(self, header: str) -> bool:
        """Whether an `Authorization` header holds a valid key."""
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer":
            return False
        presented = key.encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(presented, known.encode()) for known in self._keys)

    def put_voice(self, voice: SandboxVoice) -> None:
        """Add a voice that exists from the start of the sandbox."""
        self.state.voices.put(voice.id, evolve(voice, created_at=self.started_at, updated_at=self.started_at))

    def next_campaign(self) -> int:
        """The number of the next batch, counted from 0."""
        self._campaigns_made += 1
        return self._campaigns_made - 1

    def check_payment(self) -> None:
        """Raise the 402 that a test has switched on, if any."""
        if self.payment_required is not None:
            raise problems.payment_required(self.payment_required)

    def do_later(self, moment: float, work: Callable[[float], None]) -> None:
        """Call `work` with `moment` as soon as the clock has reached it. Hold the state's lock."""
        heappush(self._late, (moment, next(self._late_made), work))

    def settle(self) -> float:
        """Carry out everything that is due, and return the time. Hold the state's lock."""
        now = self.clock.time()
        while self._late and self._late[0][0] <= now:
            moment, _, work = heappop(self._late)
            self.campaigns.settle(moment)
            work(moment)
        self.campaigns.settle(now)
        return now
