"""The documentation site builds without a warning, and every link of it leads somewhere, in a real browser too."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from tests.docs import site
from tests.docs.blocks import GUIDES, README
from tests.fakes import browser as browsers
from tests.fakes.browser import Browser
from trudy.dialer import Dialer

LINKS = "[...document.querySelectorAll('a[href]')].map(link => link.href)"
ANCHORS = "[...document.querySelectorAll('[id]')].map(element => element.id)"
LOADED = "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', () => done()))"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return site.build(tmp_path_factory.mktemp("site"))


def test_each_page_has_the_guide_above_the_reference(pages: list[Path]) -> None:
    by_name = {page.stem: page.read_text() for page in pages}
    for guide in GUIDES:
        title = guide.read_text().splitlines()[0].removeprefix("# ")
        assert f">{title}</h1>" in by_name["trudy" if guide == README else guide.parent.name]


def test_a_class_is_shown_with_what_it_inherits_from_one_that_no_page_shows(pages: list[Path]) -> None:
    text = next(page for page in pages if page.name == "dialer.html").read_text()
    methods = [name for name in dir(Dialer) if not name.startswith("_")]
    assert [name for name in methods if f'id="Dialer.{name}"' not in text] == []


def test_a_dead_link_fails_the_build(pages: list[Path], tmp_path: Path) -> None:
    page = tmp_path / "trudy.html"
    page.write_text('<a href="nowhere.html">x</a> <a href="#nothing">y</a> <a href="https://elsewhere.example">z</a>')
    assert set(site.dead_links(page)) == {"nowhere.html", "#nothing", "https://elsewhere.example"}
    assert not list(site.dead_links(pages[0]))


@pytest.mark.skipif(browsers.BINARY is None, reason="no Chromium here; Debian's package `chromium` has one")
def test_every_link_in_a_browser(pages: list[Path], tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.size(1280, 900)
        start = next(page for page in pages if page.name == "trudy.html")
        waiting, links, anchors = [start.as_uri()], set[str](), dict[str, set[str]]()
        while waiting:
            url = waiting.pop()
            browser.send("Page.navigate", {"url": url})
            browser.evaluate(LOADED)
            assert browser.evaluate("location.href") == url
            anchors[url] = {*browser.evaluate(ANCHORS)}
            found = {link for link in browser.evaluate(LINKS) if link.startswith("file:")}
            links |= found
            waiting += sorted({urldefrag(link).url for link in found} - {*anchors} - {*waiting})
        # The index only sends its reader on to the first page.
        assert {page.as_uri() for page in pages if page.name != "index.html"} <= {*anchors}
        targets = [urldefrag(link) for link in links]
        assert [
            target for target in targets if target.fragment and unquote(target.fragment) not in anchors[target.url]
        ] == []
        faults = [event for event in browser.events if event["method"] == "Runtime.exceptionThrown"]
        assert not faults
