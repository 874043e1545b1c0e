"""Requests that schemathesis makes up from the API document, good ones and bad ones: no answer is a surprise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import cycle

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, checks

from trudy.sandbox import Sandbox, SandboxServer
from trudy.sandbox.http.contract import document

pytestmark = pytest.mark.timeout(60)

schema = schemathesis.openapi.from_dict(document())
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


class Target:
    """A sandbox behind a port, and something of each kind in it."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.headers = {"Authorization": f"Bearer {server.sandbox.api_key}"}
        self.session = requests.Session()
        self._http = httpx.Client(base_url=server.base_url, headers=self.headers)
        self._turns = cycle((True, False))

    def made(self, path_parameters: dict[str, str]) -> dict[str, str]:
        """Every second time, ids of things that are there in place of those made up."""
        if not path_parameters or not next(self._turns):
            return path_parameters
        # Made anew each time, since the request before may have deleted them.
        ids = Made(self._http)
        return {name: getattr(ids, name) for name in path_parameters}

    def close(self) -> None:
        self.session.close()
        self._http.close()


class Made:
    """The id of one thing of each kind, made when asked for."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def _make(self, path: str, **body: object) -> str:
        answer = self._http.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"]

    @cached_property
    def voice_id(self) -> str:
        return self._make("/voices", name="v", provider_voice_id="p")

    @cached_property
    def agent_id(self) -> str:
        return self._make("/agents", name="a", voice_id=self.voice_id, system_prompt="x")

    @cached_property
    def number_id(self) -> str:
        agent = self._http.get(f"/agents/{self.agent_id}").json()["data"]
        return agent["outbound_phone_numbers"][0]["id"]

    @cached_property
    def kb_id(self) -> str:
        return self._make("/knowledge-bases", name="k")

    @cached_property
    def source_id(self) -> str:
        return self._make(f"/knowledge-bases/{self.kb_id}/sources/web", name="s", urls=["https://a.test"])

    @cached_property
    def tool_id(self) -> str:
        return self._make("/tools", name="t")

    @cached_property
    def folder_id(self) -> str:
        return self._make("/contacts/folders", name="f")

    @cached_property
    def contact_id(self) -> str:
        return self._make("/contacts", phone_number="+14155550100")

    @cached_property
    def call_id(self) -> str:
        return self._make("/calls", agent_id=self.agent_id, phone_number="+14155550100")

    @cached_property
    def batch_call_id(self) -> str:
        contacts = [{"phone_number": "+14155550100"}]
        return self._make("/batch-calls", name="b", agent_id=self.agent_id, contacts=contacts)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with Sandbox(rate_limit=None, experimental=True).serve() as server:
        target = Target(server)
        yield target
        target.close()


@schema.parametrize()
@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_server_error_and_no_undocumented_answer(case: Case, target: Target) -> None:
    case.path_parameters = target.made(case.path_parameters)
    answer = case.call(base_url=target.server.base_url, headers=target.headers, session=target.session)
    case.validate_response(answer, checks=CHECKS)
