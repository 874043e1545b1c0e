from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.http.idempotency import KEPT_SECONDS, IdempotencyStore, StoredAnswer

KEY = {"X-Idempotency-Key": "k1"}


def agent_body(sandbox: Sandbox, name: str = "Ada") -> dict[str, str]:
    return {"name": name, "voice_id": sandbox.voices[0].id, "system_prompt": "x"}


@pytest.mark.asyncio
async def test_a_repeat_gets_the_first_answer(sandbox: Sandbox, api: Any) -> None:
    first = await api("POST", "/agents", agent_body(sandbox), headers=KEY)
    sandbox.advance(hours=1)
    second = await api("POST", "/agents", agent_body(sandbox), headers=KEY)
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["x-request-id"] == first.headers["x-request-id"]
    assert (await api("GET", "/agents")).json()["pagination"]["total"] == 1


@pytest.mark.asyncio
async def test_another_body_key_or_path_is_executed(sandbox: Sandbox, api: Any) -> None:
    await api("POST", "/agents", agent_body(sandbox), headers=KEY)
    assert (await api("POST", "/agents", agent_body(sandbox, "Eve"), headers=KEY)).status_code == 201
    await api("POST", "/agents", agent_body(sandbox), headers={"X-Idempotency-Key": "k2"})
    await api("POST", "/agents", agent_body(sandbox))
    await api("POST", "/agents", agent_body(sandbox))
    assert (await api("GET", "/agents")).json()["pagination"]["total"] == 5


@pytest.mark.asyncio
async def test_only_success_is_stored(sandbox: Sandbox, api: Any) -> None:
    sandbox.payment_required = "trial_expired"
    assert (await api("POST", "/agents", agent_body(sandbox), headers=KEY)).status_code == 402
    sandbox.payment_required = None
    assert (await api("POST", "/agents", agent_body(sandbox), headers=KEY)).status_code == 201


@pytest.mark.asyncio
async def test_other_endpoints_do_not_know_the_header(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    path = f"/agents/{agent['id']}"
    first = await api("PUT", path, {"name": "Eve"}, headers=KEY)
    second = await api("PUT", path, {"name": "Eve"}, headers=KEY)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_parallel_repeats_through_many_loops_place_one_call(sandbox: Sandbox, api: Any) -> None:
    agent = asyncio.run(api.agent())
    body = {"agent_id": agent["id"], "phone_number": "+14155550100"}
    ids: list[str] = []

    def create() -> None:
        ids.append(asyncio.run(api("POST", "/calls", body, headers=KEY)).json()["data"]["id"])

    threads = [threading.Thread(target=create) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(ids), len(set(ids))) == (16, 1)
    sandbox.assert_no_number_dialed_twice()


def test_answers_are_known_from_their_end_for_a_day() -> None:
    store = IdempotencyStore()
    answer = StoredAnswer(201, b"{}", "r", known_from=100.0)
    store.keep("k", "POST", "/calls", b"x", answer)

    def find(now: float) -> StoredAnswer | None:
        return store.find("k", "POST", "/calls", b"x", now=now)

    assert find(99.9) is None
    assert find(100.0) is answer
    assert find(100.0 + KEPT_SECONDS - 1) is answer
    assert find(100.0 + KEPT_SECONDS) is None


def test_old_answers_are_forgotten() -> None:
    store = IdempotencyStore()
    for day in range(5):
        store.keep(str(day), "POST", "/calls", b"x", StoredAnswer(201, b"{}", "r", known_from=day * KEPT_SECONDS))
    assert len(store._answers) == 1
