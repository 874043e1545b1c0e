"""The store's entries as sentences."""

from __future__ import annotations

import pytest

from trudy.dialer.audit import told
from trudy.dialer.records import HELD_UNTIL

ROW = {"kind": "row", "line": 7, "campaign": "c", "state": "waiting", "attempts": 0}
NOON = 1_780_675_200.0
AT = "2026-06-05 16:00:00  "


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"kind": "intent", "at": NOON}, "2026-06-05 16:00:00  about to be called"),
        ({"kind": "ended", "at": NOON, "outcome": "busy"}, "2026-06-05 16:00:00  the call ended: busy"),
        ({"kind": "settled", "at": NOON, "to": "done", "reason": "x"}, AT + "settled by hand as done: x"),
        ({"kind": "adopted", "at": NOON}, AT + "a call was found that the store had forgotten: no call_id"),
        ({"kind": "something new"}, "-  something new"),
        ({**ROW, "due_at": None}, "row 7 of campaign c: waiting"),
        (
            {**ROW, "due_at": NOON, "reason": "hours"},
            "row 7 of campaign c: waiting until 2026-06-05 16:00:00 (outside the hours)",
        ),
        (
            {**ROW, "due_at": HELD_UNTIL, "reason": "zone_unknown"},
            "row 7 of campaign c: held (its time zone is not known)",
        ),
        (
            {**ROW, "state": "done", "reason": "attempts_spent", "outcome": "busy", "attempts": 3},
            "row 7 of campaign c: done (busy, no attempts are left, called 3 times)",
        ),
        ({**ROW, "state": "done", "reason": "final", "outcome": "answered", "attempts": 1},
         "row 7 of campaign c: done (answered, called 1 time)"),
        ({**ROW, "state": "done", "reason": "not today"}, "row 7 of campaign c: done (not today)"),
    ],
)  # fmt: skip
def test_sentences(entry: dict[str, object], line: str) -> None:
    assert told([entry]) == [line]
