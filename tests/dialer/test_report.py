"""The report as a page: everything in one file, safe, and readable on a phone, a desk and in the dark."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from html import unescape
from pathlib import Path

import pytest
from attrs import evolve

from tests.dialer.conftest import START, Night, numbers_ending
from tests.fakes import browser as browsers
from tests.fakes.browser import Browser
from trudy.dialer import Attempts, Breaker, DueRow, Final, Hours, Mix, Plan, Policy, RetryAfter, Skip, charts, rehearsal
from trudy.dialer import report as reports
from trudy.dialer.export import AttemptRow, HeldRow
from trudy.dialer.records import HELD_UNTIL, CampaignRecord
from trudy.dialer.sql_store import SqlStore
from trudy.errors import InvalidArgumentError
from trudy.sandbox import JumpingClock

pytestmark = pytest.mark.anyio

ONCE = Policy(
    hours=Hours.always(),
    gap=0,
    price=1.0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1),
)

RATIO = r"""
(() => {
  const parts = color => color.match(/[\d.]+/g).slice(0, 3).map(Number)
  const linear = c => c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4
  const light = color => parts(color).map(linear)
    .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0)
  const ground = light(getComputedStyle(document.body).backgroundColor)
  const ratio = color => (Math.max(light(color), ground) + 0.05) / (Math.min(light(color), ground) + 0.05)
  const least = (selector, name) =>
    Math.min(...[...document.querySelectorAll(selector)].map(each => ratio(getComputedStyle(each)[name])))
  return [least('p, th, td, figcaption', 'color'), least('svg text', 'fill'), least('svg .bar', 'fill')]
})()
"""
"""The least contrast of text, of text in charts and of bars against the page."""
BROKEN = r"""
[...document.querySelectorAll('.held td, th.part, td.n, table th')].filter(each => {
  const range = document.createRange(), words = node => [...node.data.matchAll(/\S+/g)]
  return [...each.childNodes].filter(node => node.nodeType === 3).some(node => words(node).some(word => {
    range.setStart(node, word.index)
    range.setEnd(node, word.index + word[0].length)
    return range.getClientRects().length > 1
  }))
}).map(each => each.innerText)
"""
"""Cells in which a word or number is broken over two lines."""
COVERED = """
[...document.querySelectorAll('svg')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()])
  const edge = svg.getBoundingClientRect()
  return boxes.flatMap(([words, box], index) => [
    ...(box.left < edge.left - 2 || box.right > edge.right + 2 || box.bottom > edge.bottom + 2 ? [words] : []),
    ...boxes.slice(index + 1).filter(([, other]) => box.left < other.right && other.left < box.right
      && box.top + 3 < other.bottom && other.top + 3 < box.bottom).map(([others]) => words + '|' + others)])
})
"""
"""Texts of a chart that leave it, or cover each other."""
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
    assert "<svg" not in path.read_text()
    found = await night.dialer.rehearse(plan, mix=Mix(answered=0.5, voicemail=0.2))
    await night.dialer.report(plan.campaign, path, rehearsal=found)
    assert path.read_text().count("<svg") == 5, "of a plan and its rehearsal"
    await night.dialer.run(plan, confirm=plan.hash)
    await night.dialer.report(plan.campaign, path, rehearsal=found)
    text = path.read_text()
    assert "<script" not in text
    assert not re.findall(r"(?:src|href)=|url\(|@import|https?:", text), "it opens offline"
    assert not re.search(r"\+?1?[0-9]{3}55501[0-9]{2}", text)
    assert text.count("<svg") == 10, "five of the campaign, five of the rehearsal"
    assert "The rehearsal" in text
    assert re.findall(r"<figcaption>(\w+)", text) == ["Campaign", "Rehearsal"] * 5
    assert "on the do-not-call list" in text
    assert not list(night.folder.glob(".*.part"))


def cells(text: str, name: str) -> list[str]:
    """What stands beside a name in the table of numbers."""
    row = re.search(rf"<tr><th[^>]*>(?:<i[^>]*></i>)?{name}</th>(.*?)</tr>", text)
    return [] if row is None else [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row[1])]


async def test_the_numbers_are_those_of_the_run_and_of_the_rehearsal(night: Night) -> None:
    plan = await campaign(night)
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    await night.dialer.run(plan, confirm=plan.hash)
    path = night.folder / "report.html"
    await night.dialer.report(plan.campaign, path, rehearsal=found)
    text = path.read_text()
    made = len(night.sandbox.placed_calls)
    assert cells(text, "calls") == [str(made), "7"]
    assert cells(text, "answered")[1] == "7 (100%)"
    assert cells(text, "contacts reached")[1] == "7 (100%)"
    assert cells(text, "rows") == ["10", "10"]
    assert cells(text, "suppressed") == cells(text, "rejected") == cells(text, "duplicate") == ["1", "1"]
    assert cells(text, "cost")[1] == "7.00 to 7.00"
    assert cells(text, "requests") == ["-", str(found.requests)]
    assert cells(text, "state") == ["done", "done"]
    results = await night.dialer.to_polars(plan.campaign, rows="attempts")
    for outcome in ("no answer", "busy", "voicemail"):
        count = sum(each == outcome.replace(" ", "_") for each in results["outcome"])
        assert cells(text, outcome)[0].split()[0] == str(count)


def kept(text: str) -> dict[str, list[str]]:
    """What stands under "What the policy kept from being dialed"."""
    part = text.partition("kept from being dialed")[2].partition("<h2>")[0]
    found = re.findall(r"<bdi>(.*?)</bdi></td>(.*?)</tr>", part)
    return {unescape(name): re.findall(r"<td[^>]*>(.*?)</td>", counts) for name, counts in found}


async def test_who_was_not_called_is_told_with_why(night: Night) -> None:
    """By a hook, by the server and by the policy, beside the rehearsal; who was called and is done is not."""
    policy = evolve(ONCE, retry={"no_answer": RetryAfter(seconds=60, most=9)}, attempts=Attempts(a_day=2, in_30_days=2))
    plan = await night.plan([*numbers_ending(1, 2, 3, 10, 40), "nonsense"], policy)
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))

    async def leave_out(row: DueRow) -> Skip | None:
        return Skip("<b>sold</b>") if row.line == 3 else None

    await night.dialer.run(
        plan,
        confirm=plan.hash,
        should_dial=leave_out,
        on_outcome=lambda result: None if result.outcome == "no_answer" else Final("agreed"),
    )
    path = night.folder / "report.html"
    await night.dialer.report(plan.campaign, path, rehearsal=found)
    assert kept(path.read_text()) == {
        "done: <b>sold</b>": ["1", "0"],
        "done: no attempts are left": ["1", "0"],
        "done: refused by the server: validation error": ["1", "0"],
        "rejected: no number": ["1", "1"],
    }


async def test_times_of_another_year_say_so(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    await reports.write_report(
        Made(made_up(2, 300 * 86_400.0), {}), "x", path, rehearsal=None, now=START + 300 * 86_400, limit=None
    )
    (first,), (last,) = cells(path.read_text(), "first call"), cells(path.read_text(), "last call")
    assert ("2026" in first, "2027" in last, "1 Apr 2027" in path.read_text().replace("\xa0", " ")) == (
        True,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("count", "of", "told"),
    [
        (0, 0, "0"),
        (0, 9, "0 (0%)"),
        (1, 201, "1 (<1%)"),
        (1, 100, "1 (1%)"),
        (999, 1_000, "999 (>99%)"),
        (9, 9, "9 (100%)"),
    ],
)
def test_a_small_share_is_not_told_as_none(count: int, of: int, told: str) -> None:
    assert reports.share_told(count, of) == told


async def test_a_few_of_many_waits_are_shown(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await night.plan(numbers_ending(1, 2), evolve(ONCE, hours=Hours(), max_live=1))
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0, talk_seconds=1_800))
    assert len(found.waits) == 2
    monkeypatch.setattr(reports, "MOST_WAITS", 1)
    monkeypatch.setattr(rehearsal, "_MOST_WAITS", 1)
    path = night.folder / "report.html"
    await night.dialer.report(plan.campaign, path, rehearsal=found)
    assert "and 1 more, in" in path.read_text()
    assert "and 1 times more" in found.summary()
    assert found.summary().count("waits ") == 1


async def test_during_a_run(night: Night) -> None:
    plan = await night.plan(numbers_ending(0, 10, 20), ONCE)
    path = night.folder / "report.html"
    seen: list[list[str]] = []

    async def look(row: DueRow) -> None:
        await night.dialer.report(plan.campaign, path)
        seen.append(cells(path.read_text(), "calls") + cells(path.read_text(), "open"))

    await night.dialer.run(plan, confirm=plan.hash, should_dial=look)
    assert seen == [["0"], ["1", "1 (100%)"], ["2", "2 (100%)"]]


async def test_what_a_person_must_settle_comes_first(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_HELD", 2)
    numbers = numbers_ending(10, 11, 12)
    plan = await night.plan(numbers, ONCE)
    for row, reason in ((1, "hours"), (2, "zone_unknown")):
        await night.dialer.store.postpone(row, HELD_UNTIL if row == 2 else night.dialer.now() + 60, reason)
    with sqlite3.connect(night.folder / "leads.db") as connection:
        connection.execute("UPDATE rows SET state = 'unresolved', reason = 'unresolved' WHERE id = 3")
    path = night.folder / "report.html"
    await night.dialer.report(plan.campaign, path)
    rows = re.findall(r"<tr><td>(\d)</td><td>(\S+)</td>", path.read_text())
    assert [line for line, _ in rows] == ["3", "2"]
    assert all("***" in number for _, number in rows)
    assert "and 1 more" in path.read_text()


async def test_a_rehearsal_of_another_plan_is_said_to_be_one(night: Night) -> None:
    first, second = await night.plan(numbers_ending(0), ONCE), await night.plan(numbers_ending(1, 2), ONCE)
    found = await night.dialer.rehearse(first, mix=Mix(answered=1.0))
    path = night.folder / "report.html"
    for plan, is_other in ((first, False), (second, True)):
        await night.dialer.report(plan.campaign, path, rehearsal=found)
        assert ("of another plan" in path.read_text()) is is_other


@pytest.mark.parametrize("path", ["", 3, None, b"report.html"])
async def test_a_path_must_be_one(night: Night, path: object) -> None:
    plan = await night.plan(numbers_ending(0), ONCE)
    with pytest.raises(InvalidArgumentError, match="path"):
        await night.dialer.report(plan.campaign, path)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="rehearsal"):
        await night.dialer.report(plan.campaign, night.folder / "a.html", rehearsal=path or "x")  # type: ignore[arg-type]


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


HELD = [
    HeldRow(line=line, phone_number="+14155550123", state="unresolved" if line % 2 else "waiting", reason=reason)
    for line, reason in enumerate(("unresolved", "zone_unknown", "only_to", "hours_never", "odd") * 9, 99_990)
]
CAMPAIGN = CampaignRecord(
    id="3f2b8c1e-7d1a-4a52-9a3e-0b1c2d3e4f50",
    plan_hash="ab" * 32,
    agent_id="agent_" + "with_a_very_long_name" * 6,
    policy=ONCE,
    consent={},
    region="US",
    longest_call=3600.0,
    state="paused",
    reason="the breaker: 31 % failed; " + "unbreakable" * 8,
    created_at=START,
    live=7,
    dialed=0,
    reserved=0.0,
    spent=0.0,
)


class Made(SqlStore):
    """A store of made-up figures."""

    def __init__(self, made: Sequence[AttemptRow], rows: Mapping[str, int]) -> None:
        super().__init__(None, clock=JumpingClock())
        self._made, self._rows = made, rows

    async def campaign(self, campaign: str) -> CampaignRecord:
        return CAMPAIGN

    async def reasons(self, campaign: str) -> Mapping[str, int]:
        return self._rows

    async def uncalled(self, campaign: str) -> Mapping[str, int]:
        return UNCALLED if self._rows else {}

    async def held(self, campaign: str, most: int) -> Sequence[HeldRow]:
        return HELD if self._rows else ()

    async def export_attempts(self, campaign: str) -> AsyncIterator[AttemptRow]:
        for attempt in self._made:
            yield attempt


def made_up(count: int, every: float) -> list[AttemptRow]:
    outcomes = [*charts.OUTCOMES[:7], None]
    zones = ("America/North_Dakota/New_Salem", "America/Argentina/ComodRivadavia", "Europe/Berlin", "", "Asia/Tokyo")
    return [
        AttemptRow(
            line=index // 3,
            phone_number="+14155550123",
            attempt=str(index),
            n=index % 3 + 1,
            state="ended" if outcomes[index * 5 % 8] else "placed",
            outcome=outcomes[index * 5 % 8],
            error=None,
            zones=zones[index % 5],
            from_number=None,
            call_id=str(index),
            intent_at=START + index * every,
            started_at=START + index * every,
            ended_at=None,
            duration_seconds=float(index % 2500),
            cost=1_234.5,
            price=1.0,
        )
        for index in range(count)
    ]


UNCALLED = {"\u202eof a hook, " + "unbreakable" * 30: 12_345, "refused by the server: validation_error": 1}
ROWS = {"done: final": 1_234_567, "waiting: hours": 98_765, "rejected: scientific_notation": 4, "unresolved": 45}


@pytest.mark.skipif(browsers.BINARY is None, reason="no Chromium here; Debian's package `chromium` has one")
async def test_it_is_readable_everywhere(night: Night, tmp_path: Path) -> None:
    """Each page at 360 pixels and on a desk, in light and in the dark, and on paper."""
    plan = await campaign(night)
    found = await night.dialer.rehearse(plan, mix=Mix(answered=0.5, voicemail=0.2))
    pages = {
        "plan": (Made([], ROWS), None, 0),
        "plan and rehearsal": (Made([], ROWS), found, 5),
        "one call": (Made(made_up(1, 1.0), {"done: final": 1}), None, 5),
        "an hour": (Made(made_up(60, 7.0), ROWS), found, 10),
        "three days": (Made(made_up(3_000, 80.0), ROWS), None, 5),
        "a season": (Made(made_up(3_000, 4_000.0), ROWS), found, 10),
        "nothing": (Made([], {}), None, 0),
    }
    with Browser(tmp_path / "profile") as browser:
        for name, (store, rehearsal, figures) in pages.items():
            path = tmp_path / f"{name}.html"
            await reports.write_report(store, "x", path, rehearsal=rehearsal, now=START, limit=100)
            browser.send("Page.navigate", {"url": path.as_uri()})
            browser.evaluate(LOADED)
            grounds: set[str] = set()
            for width, scheme in ((360, "light"), (1280, "light"), (360, "dark"), (1280, "dark")):
                browser.size(width, 900, scheme=scheme)
                where = (name, width, scheme)
                assert browser.evaluate("document.querySelectorAll('svg').length") == figures, where
                assert browser.evaluate(WIDER) <= 0, where
                assert browser.evaluate(BROKEN) == [], where
                text, ticks, bars = browser.evaluate(RATIO)
                assert text >= 4.5, where
                if figures:
                    assert browser.evaluate(EMPTY) == 0, where
                    assert browser.evaluate(COVERED) == [], where
                    assert browser.evaluate(SMALLEST) >= 10, where
                    assert ticks >= 4.5, where
                    assert bars >= 3, where
                grounds.add(browser.evaluate(BRIGHTNESS))
            assert len(grounds) == 2, "dark is dark"
            browser.send("Emulation.setEmulatedMedia", {"media": "print"})
            browser.size(700, 900, scheme="dark")
            browser.send("Emulation.setEmulatedMedia", {"media": "print", "features": []})
            assert browser.evaluate(BRIGHTNESS) == "rgb(255, 255, 255)", "no ink for a dark page"
            assert browser.evaluate(WIDER) <= 0, "on paper"
            assert browser.events == [each for each in browser.events if each.get("method") != "Log.entryAdded"]
            browser.send("Emulation.setEmulatedMedia", {"media": ""})
