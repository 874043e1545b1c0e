from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trudy.sandbox.domain.newest_first import NewestFirst

IDS = st.sampled_from("abcdefgh")
GROUPS = ("even", "odd")


def group_of(row: int) -> str | None:
    """Every seventh row is in no group."""
    return None if row % 7 == 0 else GROUPS[row % 2]


class NewestFirstMachine(RuleBasedStateMachine):
    """`NewestFirst` compared with a plain dict, which keeps the order of insertion."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf: NewestFirst[int] = NewestFirst(group_of)
        self.model: dict[str, int] = {}

    def newest_first(self, group: str | None) -> list[int]:
        return [row for row in reversed(self.model.values()) if group in (None, group_of(row))]

    @rule(row_id=IDS, row=st.integers())
    def put(self, row_id: str, row: int) -> None:
        self.shelf.put(row_id, row)
        self.model[row_id] = row

    @rule(row_id=IDS)
    def remove(self, row_id: str) -> None:
        assert self.shelf.remove(row_id) == (self.model.pop(row_id, None) is not None)

    @rule(
        limit=st.integers(1, 10),
        offset=st.integers(0, 10),
        least=st.integers(),
        group=st.sampled_from([None, *GROUPS, "none"]),
    )
    def page(self, limit: int, offset: int, least: int, group: str | None) -> None:
        rows = self.newest_first(group)
        assert self.shelf.page(limit, offset, group=group) == (rows[offset : offset + limit], len(rows))
        kept = [row for row in rows if row >= least]
        found = self.shelf.page(limit, offset, lambda row: row >= least, group=group)
        assert found == (kept[offset : offset + limit], len(kept))

    @invariant()
    def same(self) -> None:
        assert list(self.shelf) == self.newest_first(None)
        assert len(self.shelf) == len(self.model)
        assert all(self.shelf.get(row_id) == row and row_id in self.shelf for row_id, row in self.model.items())
        for group in GROUPS:
            assert list(self.shelf.of(group)) == self.newest_first(group)
            assert self.shelf.count(group) == len(self.newest_first(group))


TestShelf = NewestFirstMachine.TestCase
TestShelf.settings = settings(max_examples=50, stateful_step_count=30)


def test_without_groups_there_are_none() -> None:
    shelf: NewestFirst[int] = NewestFirst()
    shelf.put("a", 1)
    assert (list(shelf.of("odd")), shelf.count("odd"), shelf.get("b"), "b" in shelf) == ([], 0, None, False)
