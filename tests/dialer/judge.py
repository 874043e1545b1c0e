"""Holds a store against the sandbox's own record of calls: nobody rung twice, nobody lost, and the counters right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from tests.dialer.recount import check_counters, reader, tables_of
from trudy.sandbox import Sandbox


def judge(sandbox: Sandbox, store: Path | str, numbers: Collection[str]) -> None:
    """After a campaign that calls each number once, whatever happened to it, was dialed to its end."""
    sandbox.assert_no_number_dialed_twice()
    sandbox.assert_no_ref_placed_twice()
    sandbox.assert_no_overlapping_calls()
    placed = Counter(call.to for call in sandbox.placed_calls)
    if "://" not in str(store):
        with reader(store) as read:
            assert read("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    tables = tables_of(store)
    attempts = tables["attempts"]
    assert {row["number"] for row in tables["rows"]} == set(numbers)
    assert len(tables["rows"]) == len(numbers)
    for row in tables["rows"]:
        if row["state"] == "unresolved":
            assert placed[row["number"]] == 0, "held, although its call could be found"
        else:
            assert row["state"] == "done", row
            assert placed[row["number"]] == (0 if row["outcome"] is None else 1), row
        assert row["outcome"] or row["reason"], row
    assert {call.id for call in sandbox.placed_calls} == {each["call_id"] for each in attempts} - {None}
    marks = {call.variables["trudy_ref"].partition("/")[2] for call in sandbox.placed_calls}
    assert marks <= {each["id"] for each in attempts}
    assert {each["state"] for each in attempts} <= {"ended", "refused", "not_sent", "unresolved"}
    check_counters(tables)
