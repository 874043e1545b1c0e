"""Holds a store against the sandbox's own record of calls: nobody rung twice, nobody lost, and the counters right."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from trudy.sandbox import Sandbox


def judge(sandbox: Sandbox, store: Path, numbers: Collection[str]) -> None:
    """After a campaign that calls each number once, whatever happened to it, was dialed to its end."""
    sandbox.assert_no_number_dialed_twice()
    sandbox.assert_no_ref_placed_twice()
    sandbox.assert_no_overlapping_calls()
    placed = Counter(call.to for call in sandbox.placed_calls)
    with sqlite3.connect(store) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = file.execute("SELECT number, state, outcome FROM rows").fetchall()
        live, dialed, reserved, spent = file.execute("SELECT live, dialed, reserved, spent FROM campaigns").fetchone()
        attempts = Counter(state for (state,) in file.execute("SELECT state FROM attempts"))
        ids = {attempt for (attempt,) in file.execute("SELECT id FROM attempts")}
        calls = {call for (call,) in file.execute("SELECT call_id FROM attempts WHERE call_id IS NOT NULL")}
    assert {number for number, _, _ in rows} == set(numbers)
    for number, state, outcome in rows:
        if state == "unresolved":
            assert placed[number] == 0, "held, although its call could be found"
        else:
            assert state == "done"
            assert placed[number] == (0 if outcome is None else 1)
    assert {call.id for call in sandbox.placed_calls} == calls
    assert {call.variables["trudy_ref"].partition("/")[2] for call in sandbox.placed_calls} <= ids
    assert attempts.keys() <= {"ended", "refused", "not_sent", "unresolved"}
    assert (live, dialed) == (0, attempts["ended"] + attempts["unresolved"])
    assert reserved == attempts["unresolved"]
    assert spent >= 0
