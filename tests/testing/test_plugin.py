from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from trudy import AsyncTrudyClient, ConfigurationError, TrudyClient
from trudy.sandbox import JumpingClock, Sandbox, SandboxServer
from trudy.testing import make_delivery
from trudy.webhooks import WebhookRouter

pytest_only = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def run(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    return subprocess.run([*pytest_only, *options], cwd=folder, capture_output=True, text=True, check=False)


def new_agent(sandbox: Sandbox) -> dict[str, str]:
    return {"name": "Ada", "voice_id": sandbox.voices[0].id, "system_prompt": "Be kind."}


def test_pytest_finds_the_plugin_by_itself() -> None:
    (point,) = entry_points(group="pytest11", name="trudy")
    assert point.value == "trudy.testing.plugin"


@pytest.mark.parametrize("round_", [1, 2])
def test_each_test_has_a_sandbox_of_its_own(trudy_client: TrudyClient, trudy_sandbox: Sandbox, round_: int) -> None:
    assert isinstance(trudy_client, TrudyClient)
    trudy_client.agents.create(**new_agent(trudy_sandbox))
    assert [agent.name for agent in trudy_client.agents.list()] == ["Ada"]
    assert len(trudy_sandbox.requests) == 2


@pytest.mark.asyncio
async def test_the_async_client_under_pytest_asyncio(async_trudy_client: AsyncTrudyClient, trudy_sandbox: Any) -> None:
    agent = await async_trudy_client.agents.create(**new_agent(trudy_sandbox))
    assert (await async_trudy_client.agents.get(agent.id)).name == "Ada"


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.anyio
async def test_the_async_client_under_anyio(async_trudy_client: AsyncTrudyClient, trudy_sandbox: Sandbox) -> None:
    agent = await async_trudy_client.agents.create(**new_agent(trudy_sandbox))
    call = await async_trudy_client.calls.create(agent_id=agent.id, phone_number="+14155550100")
    trudy_sandbox.advance(minutes=1)
    assert (await async_trudy_client.calls.get(call.id)).status.is_final


ROUTER = WebhookRouter()
"""An app's, made when its module is imported."""
HEARD: list[Any] = []
ROUTER.on_call_over(lambda event: HEARD.append(event.call_id))


@pytest.mark.trudy_sandbox(speed=0)
@pytest.mark.parametrize("round_", [1, 2])
def test_a_router_without_a_secret_accepts_each_tests_sandbox(
    trudy_client: TrudyClient, trudy_sandbox: Sandbox, round_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUDY_WEBHOOK_SECRET", raising=False)
    made = make_delivery("call.ended", secret="whsec_before")
    with pytest.raises(ConfigurationError, match="TRUDY_WEBHOOK_SECRET"):
        # The sandbox of the round before has been let go with its secret.
        ROUTER.handle_blocking("POST", made.headers, made.body)
    trudy_sandbox.connect(ROUTER)
    agent = trudy_client.agents.create(**new_agent(trudy_sandbox))
    call = trudy_client.calls.create(agent_id=agent.id, phone_number="+14155550110")
    trudy_sandbox.advance(minutes=5)
    trudy_sandbox.webhooks.deliver()
    assert HEARD[-1] == call.id
    assert all(one.is_accepted for one in trudy_sandbox.webhooks.deliveries)


def test_the_async_client_leaves_nothing_behind(tmp_path: Path) -> None:
    source = (
        "import gc, pytest\n"
        "@pytest.mark.asyncio\n"
        "async def test_it(async_trudy_client):\n"
        "    assert not [agent async for agent in async_trudy_client.agents.list()]\n"
        "def test_after():\n"
        "    gc.collect()\n"
    )
    result = run(tmp_path, source, "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
    assert result.returncode == 0, result.stdout
    assert "2 passed" in result.stdout


@pytest.mark.trudy_sandbox(speed=0, start=1_750_000_000.0)
class TestOptions:
    def test_a_marker_sets_them(self, trudy_sandbox: Sandbox) -> None:
        assert (trudy_sandbox.clock.speed, trudy_sandbox.clock.time()) == (0, 1_750_000_000.0)

    @pytest.mark.trudy_sandbox(start=1_000_000_000.0)
    def test_the_nearest_marker_wins(self, trudy_sandbox: Sandbox) -> None:
        assert (trudy_sandbox.clock.speed, trudy_sandbox.clock.time()) == (0, 1_000_000_000.0)


class TestOverride:
    @pytest.fixture
    def trudy_sandbox_options(self) -> dict[str, Any]:
        return {"speed": 7, "start": 5.0}

    @pytest.mark.trudy_sandbox(start=0.0)
    def test_the_fixture_is_the_base_of_the_markers(self, trudy_sandbox: Sandbox) -> None:
        assert trudy_sandbox.clock.speed == 7
        assert trudy_sandbox.clock.time() < 5.0


def test_the_fixtures_work_where_pytest_was_started_inside_a_running_loop(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "def test_it(async_trudy_client, trudy_client):\n    assert trudy_client.agents is not None\n"
    )
    code = (
        "import asyncio, pytest\n"
        "async def cell():\n"
        "    return pytest.main(['-q', '-p', 'no:cacheprovider', '-W', 'ignore:TrudyClient was called'])\n"
        "print(int(asyncio.run(cell())))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["0"], done.stdout


def test_a_marker_without_names_is_refused(tmp_path: Path) -> None:
    source = "import pytest\n@pytest.mark.trudy_sandbox(0)\ndef test_it(trudy_sandbox): ...\n"
    result = run(tmp_path, source, "--strict-markers")
    assert result.returncode != 0
    assert "the marker trudy_sandbox takes keyword arguments only" in result.stdout + result.stderr


def test_the_server_serves_another_process(trudy_sandbox_server: SandboxServer, trudy_sandbox: Sandbox) -> None:
    script = "import trudy\nwith trudy.TrudyClient() as client: client.agents.list()"
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=trudy_sandbox_server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(trudy_sandbox.requests) == 1


def test_without_a_fixture_nothing_is_imported(tmp_path: Path) -> None:
    source = (
        "import sys\n"
        "def test_it():\n"
        "    ours = ('trudy', 'httpx', 'cattrs', 'starlette')\n"
        "    loaded = {name for name in sys.modules if name.split('.')[0] in ours}\n"
        "    light = {'trudy', 'trudy._exports', 'trudy._lazy', 'trudy._concurrency', 'trudy._concurrency.fork'}\n"
        "    assert loaded <= light | {'trudy.testing', 'trudy.testing.plugin'}\n"
    )
    (tmp_path / "test_it.py").write_text(source)
    result = subprocess.run(
        [*pytest_only, "-p", "trudy.testing.plugin"],
        cwd=tmp_path,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # other plugins load httpx
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_setting_up_takes_less_than_five_milliseconds_each() -> None:
    def once() -> float:
        begin = time.perf_counter()
        sandbox = Sandbox(speed=60)
        with sandbox.client():
            pass
        loop = asyncio.new_event_loop()
        loop.run_until_complete(sandbox.async_client().aclose())
        loop.close()
        return time.perf_counter() - begin

    once()
    gc.collect()
    # The best of many: what the code costs, not what the machine was busy with.
    assert min(once() for _ in range(30)) < 0.005


def test_a_jumping_clock_takes_the_sandbox_along(trudy_jumping_clock: JumpingClock, trudy_sandbox: Sandbox) -> None:
    assert trudy_sandbox.clock is trudy_jumping_clock

    async def main() -> str:
        async with trudy_sandbox.async_client() as client:
            agent = await client.agents.create(name="Ada", voice_id=trudy_sandbox.voices[0].id, system_prompt="x")
            call = await client.calls.create_and_wait(agent_id=agent.id, phone_number="+14155550100")
            return str(call.status)

    assert trudy_jumping_clock.run(main()) == "completed"
