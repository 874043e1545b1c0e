from __future__ import annotations

from typing import Any

import httpx
import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.http.contract import document


@pytest.mark.asyncio
async def test_the_document_names_this_sandbox_and_needs_no_key(sandbox: Sandbox, api: Any) -> None:
    answer = await api("GET", "/openapi.json", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.json() == document() | {"servers": [{"url": sandbox.base_url}]}
    assert sandbox.requests == []


def test_over_a_port_it_names_the_port() -> None:
    with Sandbox().serve() as server:
        answer = httpx.get(f"{server.base_url}/openapi.json")
        assert answer.json()["servers"] == [{"url": server.base_url}]
