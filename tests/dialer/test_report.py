"""The report as a page: everything in one file, safe, and readable on a phone, a desk and in the dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dialer.conftest import Night, numbers_ending
from tests.fakes import browser as browsers
from tests.fakes.browser import Browser
from trudy.dialer import Breaker, Hours, Mix, Plan, Policy

pytestmark = pytest.mark.anyio

ONCE = Policy(
    hours=Hours.always(),
    gap=0,
    price=1.0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1),
)

LOADED = (
    "new Promise(done => document.readyState === 'complete' ? done(true) : addEventListener('load', () => done(true)))"
)
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
EMPTY = "[...document.querySelectorAll('svg')].filter(svg => !svg.querySelector('.bar')?.getBBox().width).length"
SMALLEST = (
    "Math.min(...[...document.querySelectorAll('svg text')]"
    ".map(text => text.getBoundingClientRect().height).filter(height => height))"
)
BRIGHTNESS = "getComputedStyle(document.body).backgroundColor"


async def campaign(night: Night) -> Plan:
    """One whose calls end in every way, with rows that are not called."""
    await night.dialer.dnc.add("+12135550105")
    numbers = [*numbers_ending(0, 10, 20, 30, 70, 1, 2), "+12135550105", "+12125550100", "nonsense"]
    return await night.plan(numbers, ONCE)


async def test_one_file_without_a_script_or_a_number(night: Night) -> None:
    plan = await campaign(night)
    path = night.folder / "report.html"
    await night.dialer.report(plan.campaign, path)
    assert "Nobody was called yet" in path.read_text(), "of a plan"
    found = await night.dialer.rehearse(plan, mix=Mix(answered=0.5, voicemail=0.2))
    await night.dialer.run(plan, confirm=plan.hash)
    await night.dialer.report(plan.campaign, path, rehearsal=found)
    text = path.read_text()
    assert "<script" not in text
    assert not re.findall(r"(?:src|href)=|url\(|@import|https?:", text), "it opens offline"
    assert not re.search(r"\+?1?[0-9]{3}55501[0-9]{2}", text)
    assert "The rehearsal" in text
    assert text.count("<svg") == 10, "five of the campaign, five of the rehearsal"
    assert "on the do-not-call list" in text
    assert not list(night.folder.glob("*.part"))


async def test_a_hostile_cell_is_text(night: Night) -> None:
    plan = await campaign(night)
    await night.dialer.pause(plan.campaign, "<script>alert(1)</script>")
    path = night.folder / "report.html"
    await night.dialer.report(plan.campaign, path)
    assert "<script" not in path.read_text()
    assert "&lt;script&gt;" in path.read_text()


async def test_held_rows_are_listed_with_why(night: Night) -> None:
    first = numbers_ending(0, 1)[0]
    plan = await night.plan(numbers_ending(0, 1), ONCE, only_to=[{"phone": first}])
    await night.dialer.run(plan, confirm=plan.hash)
    path = night.folder / "report.html"
    await night.dialer.report(plan.campaign, path)
    text = path.read_text()
    assert "only some numbers are called for now" in text
    assert "<td>waiting</td>" in text


@pytest.mark.skipif(browsers.BINARY is None, reason="no Chromium here; Debian's package `chromium` has one")
async def test_it_is_readable_everywhere(night: Night, tmp_path: Path) -> None:
    plan = await campaign(night)
    found = await night.dialer.rehearse(plan, mix=Mix(answered=0.5, voicemail=0.2))
    await night.dialer.run(plan, confirm=plan.hash)
    path = night.folder / "report.html"
    await night.dialer.report(plan.campaign, path, rehearsal=found)
    with Browser(tmp_path / "profile") as browser:
        grounds: set[str] = set()
        for width, scheme in ((360, "light"), (1280, "light"), (360, "dark"), (1280, "dark")):
            browser.size(width, 900, scheme=scheme)
            browser.send("Page.navigate", {"url": path.as_uri()})
            browser.evaluate(LOADED)
            assert browser.evaluate("document.querySelectorAll('svg').length") == 10
            assert browser.evaluate(WIDER) <= 0, (width, scheme)
            assert browser.evaluate(EMPTY) == 0, (width, scheme)
            assert browser.evaluate(SMALLEST) >= 10, (width, scheme)
            grounds.add(browser.evaluate(BRIGHTNESS))
        assert len(grounds) == 2, "dark is dark"
