"""What a walk over the pages of a list remembers, and what it does when rows came or went between two pages. Pure.

Pages are asked for by position. Where rows are removed before that position, those after them move to positions that
were read already, and would be skipped. There are two signs of it:

    total falls     the list has so many rows less; the walk goes back by as many positions
    no total        the pages of an offset list overlap by one row; where no row of a page was seen before, the walk
                    goes back page by page until one was
                    pages by number cannot overlap: each is read once more before the next, while it has new rows

Rows seen before are left out, so that going back gives none twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from trudy._cursors import Cursor
    from trudy.models import Pagination, ResponseMeta

T = TypeVar("T")

_REMEMBERED: Final = 100_000
"""Ids remembered, about 15 MB: with fewer, a walk that goes back further than that would give rows twice."""
_MOST_COPIES: Final = 3
"""Equal pages in a row after which a walk fails: new rows may push a whole small page to the next place once or twice,
so that fewer would fail such a list; more would cost requests on a server that gives the same page for ever."""
_MOST_STALE: Final = 100
"""Pages in a row without a new row after which a walk fails, beyond those that going back may read again. Fewer would
fail a list that changes fast; more would cost more than a minute's requests on a server that repeats itself."""


@frozen(kw_only=True)
class InvalidRow:
    """A row that could not be read: its place on the page, why, and the row itself."""

    index: int
    reason: str
    raw: object = field(repr=False)


@frozen(kw_only=True)
class FetchedRows(Generic[T]):
    """One answer of a list endpoint: the rows that could be read, those that could not, and how many there were."""

    items: Sequence[tuple[str | None, T]]
    """Each with the id of its row; a row without an id is never taken for one seen before."""
    invalid: Sequence[InvalidRow]
    count: int
    pagination: Pagination
    meta: ResponseMeta


@frozen(kw_only=True)
class Walk:
    """What is kept of the pages so far."""

    read_to: int
    """Every row before this position was given, or was added after the walk had passed its place."""
    seen: tuple[frozenset[str], ...] = ()
    """Ids by page, the latest last; shared between the walks that go on from one page."""
    joined: tuple[frozenset[str], ...] = ()
    """Ids by page, of those pages that are known to follow the one before without a gap."""
    last: object = None
    """The rows of the last page, to recognise an equal one."""
    copies: int = 0
    """How many pages in a row were equal to the one before."""
    total: int | None = None
    """Rows of the list when the last page was read, if that page did not contradict it."""
    most_fell: int = 0
    """The largest fall of `total` between two pages."""
    is_behind: bool = False
    """Whether rows may stand unread before the last page."""
    size: int = 1
    """The most rows that a page had."""
    may_overlap: bool = False
    """Whether the next page can be asked for so that it begins with a row that was seen."""
    overlaps: bool = False
    """Whether the next page was asked for in that way."""
    is_again: bool = False
    """Whether the page read last is asked for once more."""
    turns: int = 0
    """How often the walk went back since the last new row."""
    stale: int = 0
    """Pages read since the last new row."""

    @property
    def is_stuck(self) -> str | None:
        """Why the walk cannot go on; None where it can."""
        if self.copies >= _MOST_COPIES:
            return "the list promises more and gives the same page again and again"
        if self.stale >= _MOST_STALE + len(self.seen):
            return "the list promises more, and page after page has no new row"
        return None

    @property
    def expects_seen_rows(self) -> bool:
        """Whether a page without a new row tells nothing: the walk has gone back, or reads a page once more."""
        return self.is_again or self.turns > 0

    def with_page(self, cursor: Cursor, rows: FetchedRows[T]) -> Step[T]:
        """Take in the page at a place of the list."""
        keys = [key for key, _ in rows.items]
        fresh = [(key, item) for key, item in rows.items if not _has(self.seen, key)]
        taken = len(rows.items) + len(rows.invalid)
        total = _trusted_total(cursor, rows, taken)
        fell = max(0, self.total - total) if self.total is not None and total is not None else 0
        is_torn = self.overlaps and not any(_has(self.joined, key) for key in keys)
        read_to = self.read_to - fell
        back_to = None
        if is_torn:
            back_to = cursor.position - (max(self.size, rows.count) << self.turns)
        elif cursor.position > read_to:
            # A list that shrinks at each page would otherwise move away as fast as the walk goes back.
            margin = min(max(fell, self.most_fell), max(rows.count - 1, 0)) if self.is_behind else 0
            back_to = read_to - margin
        last = ([item if key is None else key for key, item in rows.items], rows.invalid)
        ids = frozenset(key for key in keys if key is not None)
        walk = Walk(
            read_to=read_to if back_to is not None else max(read_to, cursor.position + taken),
            seen=_latest((*self.seen, ids - {key for key in ids if _has(self.seen, key)})),
            joined=self.joined if back_to is not None else _latest((*self.joined, ids)),
            last=last,
            copies=self.copies + 1 if rows.count and last == self.last else 0,
            total=total,
            most_fell=max(fell, self.most_fell),
            is_behind=back_to is not None,
            size=max(self.size, rows.count),
            # A server that gives one row at a time would only ever give the row that was seen.
            may_overlap=rows.pagination.total is None
            and bool(keys)
            and keys[-1] is not None
            and (len(keys) > 1 or not self.overlaps),
            overlaps=is_torn,
            turns=0 if fresh else self.turns,
            stale=0 if fresh else self.stale + 1,
        )
        return Step(fresh=[item for _, item in fresh], back_to=back_to, walk=walk)

    def going_back(self, cursor: Cursor) -> Walk:
        """The walk, when the next page is at a place further back. At the start no row stands unread before it."""
        return evolve(
            self,
            turns=self.turns + 1,
            read_to=max(self.read_to, cursor.position) if cursor.is_start else self.read_to,
            overlaps=self.overlaps and not cursor.is_start,
        )

    def reading_again(self) -> Walk:
        """The walk at a second reading of the same page."""
        return evolve(self, overlaps=True, is_again=True)

    def going_on(self, cursor: Cursor, *, overlaps: bool) -> Walk:
        """The walk, when the next page is at a place further on; the last page may have had fewer rows than places."""
        return evolve(self, read_to=max(self.read_to, cursor.position), overlaps=overlaps)


@frozen(kw_only=True)
class Step(Generic[T]):
    """What a page means for the walk."""

    fresh: Sequence[T]
    """Its rows that were not seen before."""
    back_to: int | None
    """Where to read on, if rows may stand unread before the page."""
    walk: Walk


def _has(pages: tuple[frozenset[str], ...], key: str | None) -> bool:
    return key is not None and any(key in page for page in pages)


def _latest(pages: tuple[frozenset[str], ...]) -> tuple[frozenset[str], ...]:
    kept, index = 0, len(pages)
    while index and kept < _REMEMBERED:
        index -= 1
        kept += len(pages[index])
    return tuple(page for page in pages[index:] if page)


def _trusted_total(cursor: Cursor, rows: FetchedRows[T], taken: int) -> int | None:
    """The answer's `total`; None where the rows contradict it: some servers put the number of the page's rows there."""
    total = rows.pagination.total
    if total is None or not (total or taken) or (taken and total < cursor.position + taken):
        return None
    return total
