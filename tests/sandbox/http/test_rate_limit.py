from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.http.rate_limit import RequestLimit

NOON = 1_750_000_020.0


def test_windows_are_clock_minutes() -> None:
    limiter = RequestLimit(limit=2, window=60)
    assert [limiter.admit(moment) for moment in (119.0, 119.5, 119.9, 120.0, 120.1, 179.9, 180.0)] == [
        True, True, False, True, True, False, True,
    ]  # fmt: skip
    assert limiter.ends_at(119.0) == limiter.ends_at(60.0) == 120.0
    assert [(w.start, w.admitted, w.refused, w.total) for w in limiter.windows()] == [
        (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), 2, 1, 3),
        (datetime(1970, 1, 1, 0, 2, tzinfo=UTC), 2, 1, 3),
        (datetime(1970, 1, 1, 0, 3, tzinfo=UTC), 1, 0, 1),
    ]


def test_without_a_limit_it_counts_all_the_same() -> None:
    limiter = RequestLimit(limit=None, window=1.0)
    assert all(limiter.admit(7.5) for _ in range(500))
    assert [window.total for window in limiter.windows()] == [500]


@pytest.mark.parametrize("options", [{"limit": -1, "window": 60}, {"limit": 1, "window": 0}])
def test_nonsense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        RequestLimit(**options)


@pytest.mark.asyncio
async def test_the_refusal_says_limit_and_end_of_the_window(api_of: Any) -> None:
    sandbox = Sandbox(speed=0, start=NOON, rate_limit=2)
    api = api_of(sandbox)
    assert [(await api("GET", "/agents")).status_code for _ in range(3)] == [200, 200, 429]
    sandbox.advance(seconds=10)
    answer = await api("GET", "/agents")
    assert answer.status_code == 429
    assert answer.json()["error"] == {
        "code": "rate_limit_exceeded",
        "message": "Rate limit exceeded",
        "details": {"limit": 2, "reset_at": "2025-06-15T15:08:00.000000Z"},
    }
    assert answer.json()["meta"]["ts"] == "2025-06-15T15:07:10.000000Z"
    assert not [name for name in answer.headers if "rate" in name or name == "retry-after"]
    sandbox.advance(seconds=50)
    assert (await api("GET", "/agents")).status_code == 200
    assert [(window.admitted, window.refused) for window in sandbox.requests_per_window()] == [(2, 2), (1, 0)]


@pytest.mark.asyncio
async def test_it_counts_before_it_looks_at_the_key(api_of: Any) -> None:
    sandbox = Sandbox(speed=0, start=NOON, rate_limit=1)
    api = api_of(sandbox)
    assert (await api("GET", "/agents", headers={"Authorization": "Bearer wrong"})).status_code == 401
    assert (await api("GET", "/agents")).status_code == 429


@pytest.mark.asyncio
@pytest.mark.parametrize(("real_time", "wait"), [(False, 60.0), (True, 0.001)])
async def test_reset_at_is_in_the_callers_time(real_time: bool, wait: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trudy.sandbox.clock.monotonic", lambda: 0.0)
    sandbox = Sandbox(speed=60_000, start=1_750_000_020.0 - 20 - 20, rate_limit=1)
    async with sandbox.http_client(real_time=real_time) as client:
        url, headers = sandbox.base_url + "/agents", {"Authorization": f"Bearer {sandbox.api_key}"}
        await client.get(url, headers=headers)
        body = (await client.get(url, headers=headers)).json()
    told, now = (datetime.fromisoformat(text) for text in (body["error"]["details"]["reset_at"], body["meta"]["ts"]))
    left = sandbox.world.limiter.ends_at(sandbox.clock.time()) - sandbox.clock.time()
    assert (told - now).total_seconds() == pytest.approx(left * wait / 60.0, abs=2e-6)
