"""The invariants I1 to I8 as questions to a store's file and a sandbox's record; each raises where it does not hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from tests.dialer.recount import RINGING, Tables, check_counters
from trudy.dialer.policy import Policy
from trudy.sandbox.domain.lifecycle import PlacedCall

KNOWN_WITHIN = 1.0
"""Seconds by which the client may be wrong about the server's clock."""
FINAL = ("rejected", "duplicate", "suppressed", "unresolved", "done")


def i1_no_request_without_a_committed_intent(tables: Tables, calls: Iterable[PlacedCall]) -> None:
    """Each call that the server has bears the mark of an attempt whose intent is older."""
    intents = {each["id"]: each["intent_at"] for each in tables["attempts"]}
    for call in calls:
        attempt = call.variables["trudy_ref"].partition("/")[2]
        assert attempt in intents, f"no intent for call {call.id}"
        assert intents[attempt] <= call.created_at + KNOWN_WITHIN, f"call {call.id} is older than its intent"


def i2_at_most_one_live_attempt_a_number(tables: Tables) -> None:
    """Over all campaigns of the store."""
    live = Counter(each["number"] for each in tables["attempts"] if each["state"] in RINGING)
    assert max(live.values(), default=0) <= 1, "a number has two live attempts"


def i3_no_ref_is_placed_twice(calls: Iterable[PlacedCall]) -> None:
    """No attempt became two calls."""
    refs = Counter(call.variables["trudy_ref"] for call in calls)
    assert max(refs.values(), default=0) <= 1, "a trudy_ref was placed twice"


def i4_no_call_outside_the_hours(tables: Tables, calls: Iterable[PlacedCall], policies: Mapping[str, Policy]) -> None:
    """Each phone began to ring inside its campaign's hours in every zone that it may lie in."""
    attempts = {each["id"]: each for each in tables["attempts"]}
    for call in calls:
        attempt = attempts[call.variables["trudy_ref"].partition("/")[2]]
        rang_at = call.timeline.ringing_at
        if rang_at is None:
            continue
        zones = [zone for zone in attempt["zone"].split(", ") if zone]
        opening = policies[attempt["campaign"]].hours.opens(zones, country="US", region=None, moment=rang_at)
        assert opening == rang_at, f"call {call.id} rang out of hours"


def i5_no_call_after_an_opt_out(tables: Tables) -> None:
    """No intent was committed for a number after it came on the list."""
    hashes = {each["id"]: each["number_hash"] for each in tables["attempts"]}
    listed: set[str] = set()
    for event in tables["events"]:
        if event["kind"] == "do_not_call":
            listed.add(event["data"]["number_hash"])
        assert event["kind"] != "intent" or hashes[event["attempt"]] not in listed, "called after an opt-out"


def i6_counters_equal_what_the_rows_say(tables: Tables) -> None:
    """Those of campaigns, rows and caller ids."""
    check_counters(tables)


def i7_every_row_ends_in_one_state_with_a_reason(tables: Tables, *, is_over: bool) -> None:
    """A row at its end says why: by an outcome, or by a reason."""
    for row in tables["rows"]:
        assert not is_over or row["state"] in FINAL, f"row {row['id']} is {row['state']} at the end"
        assert row["state"] not in FINAL or row["outcome"] or row["reason"], f"row {row['id']} says no reason"


def i8_no_unmasked_number(shown: str) -> None:
    """On screen or in logs: no eight digits in a row that a phone number could be, unless they are of an id."""
    found = re.findall(r"(?<![\w-])\+?1?[2-9]\d{2}[ .-]?55501\d{2}(?![\w-])", shown)
    assert not found, f"{len(found)} numbers are shown"
