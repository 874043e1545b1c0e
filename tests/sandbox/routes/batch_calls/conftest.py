from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sandbox.routes.batch_calls.batches import MONDAY
from trudy.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=0, start=MONDAY, rate_limit=None)


@pytest.fixture
def agent_id(api: Any) -> str:
    return asyncio.run(api.agent())["id"]
