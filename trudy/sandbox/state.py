"""Everything a sandbox remembers; one lock guards it all, so that every connection sees the same."""

from __future__ import annotations

import threading
from collections import defaultdict
from operator import itemgetter
from typing import Any

from attrs import field, frozen

from trudy.sandbox.domain.call_log import CallLog
from trudy.sandbox.domain.campaign import Campaign
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.newest_first import NewestFirst
from trudy.sandbox.domain.numbers import Spares
from trudy.sandbox.domain.voices import SandboxVoice

PLACEHOLDER_VOICE = "VOICE_UUID"
PLACEHOLDER_AGENT = "agent-uuid"

Rows = NewestFirst[dict[str, Any]]


@frozen(eq=False)
class State:
    """The rows behind the API. Hold `lock` for every look and every change.

    Attributes:
        placed: every call to a number ever accepted, deleted ones included, in order; `placed_to` by number.
        rate_limited: numbers that had their one forced 429.
        sessions: the calls that wait for a browser, by what is secret in their link.
    """

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
