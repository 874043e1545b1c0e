"""The MCP server, asked by the official client, in memory and over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, Tool

from tests.cli.running import trudy
from tests.docs.blocks import blocks_of, guide
from trudy import AsyncTrudyClient, InvalidArgumentError
from trudy.cli.mcp.calling import place_call, plan_call
from trudy.cli.mcp.guard import CallGuard, CallRefusedError
from trudy.cli.mcp.server import McpSettings, make_server
from trudy.sandbox import Sandbox

ADA = "+14155550100"
BO = "+14155550101"
CALLS = ("plan_call", "place_call")


class Served:
    """A server over a sandbox, and a client of it."""

    def __init__(self, sandbox: Sandbox, trudy: AsyncTrudyClient, client: Client, agent: str) -> None:
        self.sandbox = sandbox
        self.trudy = trudy
        self.client = client
        self.agent = agent

    async def call(self, tool: str, **arguments: object) -> CallToolResult:
        found = await self.client.call_tool(tool, arguments)
        assert isinstance(found, CallToolResult)
        return found

    async def data(self, tool: str, **arguments: object) -> dict[str, Any]:
        found = await self.call(tool, **arguments)
        assert not found.is_error, text_of(found)
        assert isinstance(found.structured_content, dict)
        return found.structured_content

    async def refusal(self, tool: str, **arguments: object) -> str:
        found = await self.call(tool, **arguments)
        assert found.is_error, text_of(found)
        return text_of(found)

    async def tools(self) -> dict[str, Tool]:
        return {tool.name: tool for tool in (await self.client.list_tools()).tools}


def text_of(found: CallToolResult) -> str:
    return "".join(getattr(content, "text", "") for content in found.content)


@asynccontextmanager
async def serving(
    *numbers: str, most: int = 2, show_numbers: bool = False, mode: str = "auto"
) -> AsyncIterator[Served]:
    sandbox = Sandbox(seed=1, speed=0, rate_limit=None)
    async with sandbox.async_client() as trudy_client:
        agent = await trudy_client.agents.create(
            name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Say hello to {{ name }}. Call +1 212 555 0100."
        )
        guard = None
        if numbers:
            guard = CallGuard(numbers=frozenset(numbers), most=most, secret=b"x", monotonic=sandbox.clock.monotonic)
        server = make_server(trudy_client, McpSettings(guard=guard, show_numbers=show_numbers))
        async with Client(server, mode=mode, raise_exceptions=True) as client:
            yield Served(sandbox, trudy_client, client, agent.id)


@pytest.mark.asyncio
async def test_it_only_reads_by_default() -> None:
    async with serving() as served:
        tools = await served.tools()
        assert len(tools) >= 25
        assert not tools.keys() & set(CALLS)
        for tool in tools.values():
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert tool.annotations.destructive_hint is False
            assert tool.annotations.idempotent_hint
            assert "GET /" in (tool.description or "") or tool.name == "telephony_numbers_search"
            assert tool.input_schema["additionalProperties"] is False
        for name in CALLS:
            assert "trudy mcp --allow-call --only-to FILE" in await served.refusal(name, plan_hash="x")
        assert not served.sandbox.placed_calls


@pytest.mark.asyncio
async def test_every_reading_tool_reads() -> None:
    async with serving(ADA) as served:
        made = await served.trudy.calls.create(agent_id=served.agent, phone_number=ADA)
        served.sandbox.clock.advance(seconds=600)
        folder = await served.trudy.contacts.folders.create(name="F")
        contact = await served.trudy.contacts.create(folder_id=folder.id, phone_number=BO, first_name="Bo")
        base = await served.trudy.knowledge_bases.create(name="K")
        source = await served.trudy.knowledge_bases.sources.add_web(base.id, name="W", urls=["https://a.test"])
        batch = await served.trudy.batch_calls.create(name="B", agent_id=served.agent)
        tool = await served.trudy.tools.create(
            name="t", definition={"http": {"url": "https://a.test", "method": "GET"}}
        )
        ids = {
            "agent_id": served.agent,
            "call_id": made.id,
            "contact_id": contact.id,
            "kb_id": base.id,
            "source_id": source.id,
            "batch_call_id": batch.id,
            "tool_id": tool.id,
            "voice_id": served.sandbox.voices[0].id,
        }
        before = [request for request in served.sandbox.requests if request.method != "GET"]
        for name, offered in (await served.tools()).items():
            if name not in (*CALLS, "batch_calls_get_analytics"):
                needed = ["agent_id"] if name == "calls_find" else offered.input_schema["required"]
                await served.data(name, **{one: ids[one] for one in needed})
        after = [request for request in served.sandbox.requests if request.method != "GET"]
        assert [request.path for request in after[len(before) :]] == ["/telephony/numbers/search"]


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_both_eras_of_the_protocol(mode: str) -> None:
    async with serving(mode=mode) as served:
        found = await served.data("agents_list")
        assert [agent["name"] for agent in found["items"]] == ["Ada"]
        assert (found["count"], found["total"]) == (1, 1)


@pytest.mark.asyncio
async def test_numbers_are_masked_unless_the_person_who_starts_it_asks_for_them() -> None:
    async with serving() as served:
        shown = await served.call("agents_get", agent_id=served.agent)
        assert "+1212***0100" in text_of(shown)
        assert "212 555 0100" not in text_of(shown) + str(shown.structured_content)
    async with serving(show_numbers=True) as served:
        assert "+1 212 555 0100" in text_of(await served.call("agents_get", agent_id=served.agent))


@pytest.mark.asyncio
async def test_bad_arguments_and_answers_that_are_errors() -> None:
    async with serving() as served:
        assert "'agent_id' is a required property" in await served.refusal("agents_get")
        assert "status must be one of active, draft" in await served.refusal("agents_list", status="asleep")
        assert "limit must be a whole number from 1 to 100" in await served.refusal("agents_list", limit=101)
        assert "limit must be a whole number from 1 to 100" in await served.refusal("agents_list", limit="5")
        assert "agent_id must be a text" in await served.refusal("agents_get", agent_id=["x"])
        assert "call_id must be a text that is not empty" in await served.refusal("calls_get", call_id="")
        unexpected = await served.refusal("agents_list", phone="+14155550100")
        assert "were unexpected" in unexpected or "was unexpected" in unexpected
        assert (await served.refusal("calls_get", call_id="nobody")).startswith("404 not_found")
        assert await served.refusal("calls_find") == "give something to find a call by"
        assert "created_after" in await served.refusal("calls_list", created_after="yesterday")
        assert await served.refusal("agents_delete", agent_id=served.agent) == "There is no tool 'agents_delete'."


@pytest.mark.asyncio
async def test_a_call_in_two_steps() -> None:
    async with serving(ADA, most=3) as served:
        tools = await served.tools()
        assert tools.keys() >= set(CALLS)
        plan, place = (tools[name].annotations for name in CALLS)
        assert plan is not None
        assert place is not None
        assert (plan.read_only_hint, plan.destructive_hint) == (True, False)
        assert (place.read_only_hint, place.destructive_hint, place.idempotent_hint) == (False, True, False)
        planned = await served.data(
            "plan_call", agent_id=served.agent, phone_number="+1 (415) 555-0100", variables={"x": "y"}
        )
        assert planned["phone_number"] == ADA
        assert planned["would"] == f"Call {ADA} now, with the agent Ada. A person's phone rings."
        assert planned["missing_variables"] == ["name"]
        assert planned["calls_left"] == 3
        assert not served.sandbox.placed_calls
        done = await served.data("place_call", plan_hash=planned["plan_hash"])
        assert done["calls_left"] == 2
        assert done["call"]["phone_number"] == "+1415***0100"
        assert [call.to for call in served.sandbox.placed_calls] == [ADA]
        assert "carried out already" in await served.refusal("place_call", plan_hash=planned["plan_hash"])
        assert len(served.sandbox.placed_calls) == 1


@pytest.mark.asyncio
async def test_what_no_call_is_placed_for() -> None:
    async with serving(ADA, most=1) as served:
        refused = {
            "is not in the file": {"phone_number": BO},
            "country code": {"phone_number": "4155550100"},
            "from_number +1415***0101 is no number of this agent": {"phone_number": ADA, "from_number": BO},
            "404 not_found": {"phone_number": ADA, "agent_id": "00000000-0000-4000-8000-000000000000"},
            "phone_number must be a text": {"phone_number": 14155550100},
            "variables must be an object": {"phone_number": ADA, "variables": "x"},
        }
        for words, arguments in refused.items():
            assert words in await served.refusal("plan_call", **{"agent_id": served.agent, **arguments})
        assert "no plan with this plan_hash" in await served.refusal("place_call", plan_hash="0" * 24)
        assert "'plan_hash' is a required property" in await served.refusal("place_call")
        assert not served.sandbox.placed_calls


@pytest.mark.asyncio
async def test_the_count_holds_over_the_life_of_the_process() -> None:
    async with serving(ADA, BO, most=1) as served:
        plans = [await served.data("plan_call", agent_id=served.agent, phone_number=one) for one in (ADA, BO)]
        await served.data("place_call", plan_hash=plans[0]["plan_hash"])
        assert "--max-calls" in await served.refusal("place_call", plan_hash=plans[1]["plan_hash"])
        assert "--max-calls" in await served.refusal("plan_call", agent_id=served.agent, phone_number=BO)
        assert len(served.sandbox.placed_calls) == 1


@pytest.mark.asyncio
async def test_an_agent_without_a_number_cannot_call() -> None:
    async with serving(ADA) as served:
        for number in (await served.trudy.telephony.list_agent_numbers(served.agent)).outbound:
            assert number.id is not None
            await served.trudy.telephony.numbers.unassign(number_id=number.id, assignment_type="outbound")
        refused = await served.refusal("plan_call", agent_id=served.agent, phone_number=ADA)
        assert refused == "The agent Ada has no number to call from."


@pytest.mark.asyncio
async def test_a_number_whose_call_may_have_been_placed_is_called_no_more() -> None:
    async with serving(ADA, BO) as served:
        served.sandbox.clock.speed = 1_000
        served.sandbox.faults.add(path="/calls", method="POST", reset="before")
        planned = await served.data("plan_call", agent_id=served.agent, phone_number=ADA)
        refused = await served.refusal("place_call", plan_hash=planned["plan_hash"])
        assert "Do not place it again" in refused
        assert "Nobody knows" in await served.refusal("plan_call", agent_id=served.agent, phone_number=ADA)
        await served.data("plan_call", agent_id=served.agent, phone_number=BO)


@pytest.mark.asyncio
async def test_a_call_that_is_cancelled_under_way_is_in_doubt() -> None:
    async with serving(ADA) as served:
        served.sandbox.faults.add(path="/calls", method="POST", delay=60)
        guard = CallGuard(numbers=frozenset({ADA}), most=2, secret=b"x", monotonic=served.sandbox.clock.monotonic)
        arguments = {"agent_id": served.agent, "phone_number": ADA}
        planned = await plan_call(served.trudy, guard, arguments, None)
        placing = asyncio.create_task(place_call(served.trudy, guard, {"plan_hash": planned["plan_hash"]}))
        await asyncio.to_thread(served.sandbox.clock.wait_for_sleepers)
        placing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await placing
        with pytest.raises(CallRefusedError, match="Nobody knows"):
            await plan_call(served.trudy, guard, arguments, None)


@pytest.mark.asyncio
async def test_a_number_kept_for_fiction_is_not_planned_for_real() -> None:
    guard = CallGuard(numbers=frozenset({ADA}), most=2, secret=b"x", monotonic=lambda: 0.0)
    async with AsyncTrudyClient("k", base_url="https://api.truedy.ai/api/public/v1") as client:
        with pytest.raises(InvalidArgumentError, match="kept for fiction"):
            await plan_call(client, guard, {"agent_id": "a", "phone_number": ADA}, None)


@pytest.mark.asyncio
async def test_long_texts_are_cut_in_lists_only() -> None:
    async with serving() as served:
        await served.trudy.agents.update(served.agent, system_prompt="word " * 1_000)
        (row,) = (await served.data("agents_list"))["items"]
        assert row["system_prompt"].endswith("(5,000 characters; read the object itself for all)")
        assert len(row["system_prompt"]) < 400
        assert len((await served.data("agents_get", agent_id=served.agent))["system_prompt"]) == 5_000


@pytest.mark.asyncio
async def test_a_call_that_the_server_refused_counts_and_may_be_planned_again() -> None:
    async with serving(ADA, most=2) as served:
        served.sandbox.payment_required = "insufficient_credits"
        planned = await served.data("plan_call", agent_id=served.agent, phone_number=ADA)
        assert "402" in await served.refusal("place_call", plan_hash=planned["plan_hash"])
        assert (await served.data("plan_call", agent_id=served.agent, phone_number=ADA))["calls_left"] == 1


@pytest.mark.asyncio
async def test_over_standard_input_and_output(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_text(f"phone\n{ADA}\n")
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "trudy", "mcp", "--allow-call", "--only-to", str(tmp_path / "numbers.txt"), "--max-calls", "1"],
        env=dict(os.environ),
    )
    with (tmp_path / "errors").open("w") as errors:
        async with Client(stdio_client(server, errlog=errors)) as client:
            assert client.instructions is not None
            assert "Calls: at most 1 call, to 1 number only" in client.instructions
            found = await client.call_tool("voices_list", {})
            assert isinstance(found, CallToolResult)
            assert len(found.structured_content["items"]) == 2
            refused = await client.call_tool("plan_call", {"agent_id": "x", "phone_number": BO})
            assert isinstance(refused, CallToolResult)
            assert refused.is_error
    told = (tmp_path / "errors").read_text()
    assert "at most 1 call, to 1 number only" in told
    assert ADA not in told


def test_ctrl_c_ends_it_while_nothing_comes_in(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "trudy", "mcp"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        hello = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
        process.stdin.write(f"{hello}\n")
        process.stdin.flush()
        assert '"id":1' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--allow-call"], 1, "--allow-call needs --only-to FILE and --max-calls N"),
        (["--allow-call", "--max-calls", "1"], 1, "--allow-call needs"),
        (["--allow-call", "--only-to", "numbers.txt"], 1, "--allow-call needs"),
        (["--only-to", "numbers.txt"], 1, "allow no call by themselves"),
        (["--max-calls", "1"], 1, "allow no call by themselves"),
        (["--allow-call", "--only-to", "numbers.txt", "--max-calls", "0"], 1, "--max-calls"),
        (["--allow-call", "--only-to", "not-there.txt", "--max-calls", "1"], 1, "cannot read the numbers"),
        (["--allow-call", "--only-to", "empty.txt", "--max-calls", "1"], 1, "holds no phone number"),
        (["--dry-run"], 1, "no dry run"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_what_it_does_not_start_with(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numbers.txt").write_text(ADA)
    (tmp_path / "empty.txt").write_text("")
    done = trudy("mcp", *arguments)
    assert done.code == code, done.err
    assert words in done.err


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from trudy.cli.mcp import command

    monkeypatch.setattr(command, "find_spec", lambda name: None)
    done = trudy("mcp")
    assert done.code == 2
    assert "pip install 'trudy-python-sdk[cli,mcp]'" in done.err


def test_the_guide_shows_settings_that_start_it(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trudy.cli.mcp import command

    started: list[McpSettings] = []

    def serve(client: AsyncTrudyClient, settings: McpSettings) -> None:
        asyncio.run(client.aclose())
        started.append(settings)

    monkeypatch.setattr(command, "_serve", serve)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numbers.txt").write_text(ADA)
    blocks = [block for block in blocks_of(guide("cli")) if block.language == "json"]
    for block in blocks:
        server = json.loads(block.source)["mcpServers"]["truedy"]
        assert server["command"] == "trudy"
        assert trudy(*server["args"]).code == 0
    reads, calls = started
    assert reads.guard is None
    assert calls.guard is not None
    assert calls.guard.allowance == "at most 3 calls, to 1 number only"
