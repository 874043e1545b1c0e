"""The inspector page, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import browser as browsers
from tests.fakes.browser import Browser
from trudy import TrudyClient, ValidationError
from trudy.sandbox import Sandbox, SandboxServer

PAGE = files("trudy.sandbox.http").joinpath("inspector.html").read_text()
needs_chromium = pytest.mark.skipif(
    browsers.BINARY is None, reason="no Chromium here; Debian's package `chromium` has one"
)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=0, start=1_750_161_000.0)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with sandbox.serve() as server:
        yield server


@pytest.fixture
def client(server: SandboxServer) -> Iterator[TrudyClient]:
    with server.client() as client:
        yield client


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as browser:
        browser.size(1440, 960)
        yield browser


def open_page(browser: Browser, server: SandboxServer) -> None:
    browser.send("Page.navigate", {"url": server.inspector_url})
    browser.until("document.querySelector('#dot.live')")


def make_life(sandbox: Sandbox, client: TrudyClient) -> Any:
    agent = client.agents.create(name="Ada <b>", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
    client.calls.create(agent_id=agent.id, phone_number="+14155550100", variables={"name": "Bo"})
    sandbox.advance(seconds=8)
    client.calls.create(agent_id=agent.id, phone_number="+12125550120")
    with pytest.raises(ValidationError):
        client.calls.create(agent_id=agent.id, phone_number="+12125550140")
    batch = client.batch_calls.create(
        name="Spring check-ups",
        agent_id=agent.id,
        contact_source="manual",
        contacts=[{"phone_number": f"+1332555010{lane}"} for lane in range(8)] + [{"phone_number": "+13325550110"}],
    )
    client.batch_calls.schedule(batch.id)
    sandbox.faults.add(path="/agents*", probability=0.1, status=502)
    return agent


@needs_chromium
def test_it_shows_what_there_is_and_masks_it(
    browser: Browser, server: SandboxServer, sandbox: Sandbox, client: TrudyClient, tmp_path: Path
) -> None:
    make_life(sandbox, client)
    open_page(browser, server)
    text = browser.text()
    for shown in ("+1415***0100", "in progress", "queued", "Spring check-ups", "422", "/agents* 10 %", "Ada <b>"):
        assert shown in text
    for secret in ("4155550100", sandbox.api_key, sandbox.control_token):
        assert secret not in text
    assert browser.evaluate("document.querySelectorAll('#calls tr').length") == 11
    pictures = Path(os.environ.get("SCREENSHOTS", tmp_path))
    for scheme in ("light", "dark"):
        browser.size(1440, 960, scheme=scheme)
        assert browser.screenshot(pictures / f"inspector-{scheme}.png").startswith(b"\x89PNG")


@needs_chromium
def test_a_request_opens_with_its_body_and_stays_open(
    browser: Browser, server: SandboxServer, sandbox: Sandbox, client: TrudyClient, tmp_path: Path
) -> None:
    agent = make_life(sandbox, client)
    open_page(browser, server)
    browser.evaluate(
        "[...document.querySelectorAll('#requests tr.row')].find(r => r.innerText.includes('422')).click()"
    )
    detail = browser.until("document.querySelector('#requests .detail')?.innerText")
    assert '"phone_number": "+1212***0140"' in detail
    assert "authorization: ***" in detail
    assert "2125550140" not in detail
    client.agents.get(agent.id)
    browser.until("document.querySelector('#requests tr').innerText.includes('GET')")
    assert '"phone_number": "+1212***0140"' in browser.evaluate("document.querySelector('#requests .detail').innerText")
    browser.screenshot(Path(os.environ.get("SCREENSHOTS", tmp_path)) / "inspector-open.png")


@needs_chromium
def test_it_is_live_and_steps_the_clock(
    browser: Browser, server: SandboxServer, sandbox: Sandbox, client: TrudyClient
) -> None:
    open_page(browser, server)
    assert "No request yet" in browser.text()
    make_life(sandbox, client)
    browser.until("document.querySelector('#calls').innerText.includes('in progress')")
    assert browser.evaluate("document.getElementById('time').textContent") == "11:50:08"
    browser.evaluate("document.getElementById('minute').click()")
    browser.until("document.getElementById('time').textContent === '11:51:08'")
    assert sandbox.clock.monotonic() == 68
    browser.until("document.querySelector('#calls').innerText.includes('completed')")
    browser.evaluate(
        "{const s = document.getElementById('speed'); s.value = '60'; s.dispatchEvent(new Event('change'))}"
    )
    browser.until("document.getElementById('time').textContent > '11:51:20'")
    assert sandbox.clock.speed == 60


@needs_chromium
def test_nothing_is_fetched_from_elsewhere_and_nothing_fails(
    browser: Browser, server: SandboxServer, sandbox: Sandbox, client: TrudyClient
) -> None:
    client.agents.create(
        name="<img src=x onerror=document.title=1>", voice_id=sandbox.voices[0].id, system_prompt="</script>"
    )
    open_page(browser, server)
    browser.until("document.querySelector('#requests tr')")
    messages = [event["params"] for event in browser.events if event["method"] == "Network.requestWillBeSent"]
    urls = {message["request"]["url"] for message in messages}
    assert urls
    assert all(url.startswith((f"http://127.0.0.1:{server.port}/_sandbox/", "data:")) for url in urls)
    assert not any(sandbox.control_token in message["request"]["url"] for message in messages)
    faults = [event for event in browser.events if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    assert faults == []
    assert browser.evaluate("document.title") == "Trudy sandbox"
    assert browser.evaluate("location.href") == f"{server.control_url}/"


@needs_chromium
def test_without_the_token_it_asks_for_it(browser: Browser, server: SandboxServer, sandbox: Sandbox) -> None:
    browser.send("Page.navigate", {"url": f"{server.control_url}/"})
    browser.until("!document.getElementById('gate').hidden")

    def enter(token: str) -> None:
        browser.evaluate(
            f"document.getElementById('token').value = '{token}'; document.getElementById('entry').requestSubmit()"
        )

    enter("control_wrong")
    browser.until("document.getElementById('why').textContent.includes('does not open')")
    enter(sandbox.control_token)
    browser.until("document.querySelector('#dot.live') && !document.getElementById('page').hidden")


@needs_chromium
def test_a_narrow_window_needs_no_sideways_scrolling(
    browser: Browser, server: SandboxServer, sandbox: Sandbox, client: TrudyClient
) -> None:
    make_life(sandbox, client)
    open_page(browser, server)
    for width in (360, 800, 1440):
        browser.size(width, 800)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_names_no_other_place() -> None:
    addresses = [line for line in PAGE.splitlines() if "http" in line.replace("http://www.w3.org/2000/svg", "")]
    assert addresses == []
    assert "innerHTML" not in PAGE
