from __future__ import annotations

import pytest

from trudy.sandbox.http import handler


def test_the_documented_defaults() -> None:
    assert handler.slice_of({}) == (50, 0)
    assert handler.slice_of({"limit": 7, "offset": 3}) == (7, 3)


@pytest.mark.parametrize(("total", "has_more"), [(0, False), (9, False), (10, False), (11, True)])
def test_there_is_more_behind_the_page(total: int, has_more: bool) -> None:
    assert handler.by_offset(total, 5, 5) == {"total": total, "limit": 5, "offset": 5, "has_more": has_more}


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (5, 1), (6, 2)])
def test_the_last_page_may_be_short(total: int, pages: int) -> None:
    assert handler.by_page(total, 5, 2) == {"page": 2, "limit": 5, "total": total, "pages": pages}
