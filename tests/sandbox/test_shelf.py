from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trudy.sandbox.shelf import Shelf

IDS = st.sampled_from("abcdefgh")


class ShelfMachine(RuleBasedStateMachine):
    """The shelf beside a plain dict, whose order of insertion is the order of arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf: Shelf[int] = Shelf()
        self.model: dict[str, int] = {}

    @rule(row_id=IDS, row=st.integers())
    def put(self, row_id: str, row: int) -> None:
        self.shelf.put(row_id, row)
        self.model[row_id] = row

    @rule(row_id=IDS)
    def remove(self, row_id: str) -> None:
        assert self.shelf.remove(row_id) == (self.model.pop(row_id, None) is not None)

    @rule(limit=st.integers(1, 10), offset=st.integers(0, 10), least=st.integers())
    def page(self, limit: int, offset: int, least: int) -> None:
        newest_first = list(self.model.values())[::-1]
        assert self.shelf.page(limit, offset) == (newest_first[offset : offset + limit], len(newest_first))
        kept = [row for row in newest_first if row >= least]
        assert self.shelf.page(limit, offset, lambda row: row >= least) == (kept[offset : offset + limit], len(kept))

    @invariant()
    def same(self) -> None:
        assert list(self.shelf) == list(self.model.values())[::-1]
        assert len(self.shelf) == len(self.model)
        assert all(self.shelf.get(row_id) == row for row_id, row in self.model.items())


TestShelf = ShelfMachine.TestCase
TestShelf.settings = settings(max_examples=50, stateful_step_count=30)
