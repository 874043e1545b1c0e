"""Creates and reads batches in tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from trudy._fictional_numbers import is_geographic

MONDAY = datetime(2025, 6, 16, 14, tzinfo=UTC).timestamp()
DAILY = {"working_days": [1, 2, 3, 4, 5, 6, 7]}


def people(*numbers: str) -> list[dict[str, str]]:
    return [{"phone_number": number} for number in numbers]


def fictional_ending(count: int) -> list[str]:
    """So many answered numbers, ten to an area code."""
    areas = [area for area in map(str, range(200, 1000)) if is_geographic(area)]
    return [f"+1{areas[index // 10]}555010{index % 10}" for index in range(count)]


async def create(api: Any, agent_id: str, *numbers: str, **members: Any) -> dict[str, Any]:
    body = {"name": "June", "agent_id": agent_id, "contacts": people(*numbers)} | members
    answer = await api("POST", "/batch-calls", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def start(api: Any, batch: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await api("POST", f"/batch-calls/{batch['id']}/schedule", body or None)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def get(api: Any, batch: dict[str, Any]) -> dict[str, Any]:
    return (await api("GET", f"/batch-calls/{batch['id']}")).json()["data"]


async def contacts(api: Any, batch: dict[str, Any], query: str = "limit=100") -> list[dict[str, Any]]:
    return (await api("GET", f"/batch-calls/{batch['id']}/contacts?{query}")).json()["data"]
