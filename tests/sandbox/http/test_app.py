from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("GET", "/voices/clone", "Voice"),
        ("DELETE", "/calls/bulk-delete", "Call"),
        ("GET", "/contacts/import", "Contact"),
        ("DELETE", "/telephony/numbers/search", "Number"),
        ("GET", "/knowledge-bases/x/sources/web", "Knowledge base"),
    ],
)
async def test_a_name_in_a_path_may_be_an_id_as_well(api: Any, method: str, path: str, what: str) -> None:
    answer = await api(method, path)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, f"{what} not found")


async def test_such_an_id_is_looked_up_beside_the_other_parameters(api: Any) -> None:
    base = (await api("POST", "/knowledge-bases", {"name": "x"})).json()["data"]
    answer = await api("GET", f"/knowledge-bases/{base['id']}/sources/web")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Source not found")


async def test_what_no_path_has_is_405(api: Any) -> None:
    answer = await api("PUT", "/voices/clone", {})
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, PATCH, POST")


async def test_sandboxes_share_no_state(api_of: Any) -> None:
    first, second = api_of(Sandbox(speed=0)), api_of(Sandbox(speed=0))
    await first.agent()
    assert (await second("GET", "/agents")).json()["data"] == []
