"""Builds the documentation: a page for each room, its guide above its API reference.

    python -m tests.docs.site DIRECTORY

Any warning of pdoc and any link that leads nowhere is an error.
"""

from __future__ import annotations

import html
import os
import re
import sys
import warnings
from collections.abc import Container, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pdoc

from tests.docs.blocks import GUIDES, README, ROOT

LAZY: Final = ("trudy", "trudy.dialer", "trudy.models", "trudy.webhooks", "trudy.sandbox", "trudy.testing")
"""Packages whose names load when first used: pdoc sees only what is there."""
PAGES: Final = (
    "trudy",
    "trudy.models",
    "trudy.resources",
    "trudy.pipeline",
    "trudy.rate_limit",
    "trudy.transport",
    "trudy.bridge",
    "trudy.dialer",
    "trudy.webhooks",
    "trudy.sandbox",
    "trudy.testing",
    "trudy.cli",
    r"!trudy\.(models|pipeline|rate_limit|transport|bridge|cli)\.",
    r"!trudy(\.\w+)*\._\w+",
)
OUTSIDE: Final = ("https://docs.truedy.ai", "https://pdoc.dev", "https://keepachangelog.com", "https://semver.org")
"""Hosts that may be linked; nothing is fetched from them here."""
_OWN_MEMBERS: Final = pdoc.doc.Class.own_members.func
_LINK = re.compile(r'\b(?:href|src)="([^"]*)"')
_TO_A_FILE = re.compile(r'<a href="([^":#]+\.\w+)">(.*?)</a>')
_MEMBER = re.compile(r'<a href="#(\w+\.\w+)">(.*?)</a>')
_ID = re.compile(r'\bid="([^"]*)"')


class DeadLinkError(Exception):
    """A link of the site leads nowhere."""


def build(directory: Path) -> list[Path]:
    """Write the site, and return its pages.

    Raises:
        Warning: pdoc could not read something, such as an annotation.
        DeadLinkError: a link leads nowhere.
    """
    modules = [import_module(name) for name in LAZY]
    shown = {id(getattr(module, name)) for module in modules for name in module.__all__}
    pdoc.doc.Class.own_members = property(lambda cls: _members(cls, shown))  # type: ignore[assignment]
    pdoc.render.configure(show_source=False, search=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc(*PAGES, output_directory=directory)
    pages = sorted(directory.rglob("*.html"))
    for page in pages:
        page.write_text(_with_links_to_pages(page, directory))
    dead = [f"{page.relative_to(directory)}: {link}" for page in pages for link in dead_links(page)]
    if dead:
        raise DeadLinkError("\n".join(dead))
    return pages


def _members(cls: pdoc.doc.Class, shown: Container[int]) -> list[pdoc.doc.Doc[Any]]:
    """Its own members, and what it inherits from a class of ours that no page shows."""
    hidden = {
        (base.__module__, base.__qualname__)
        for base in cls.obj.__mro__
        if base.__module__.startswith("trudy.") and id(base) not in shown
    }
    inherited = [member for base, members in cls.inherited_members.items() if base in hidden for member in members]
    return [*_OWN_MEMBERS(cls), *inherited]


def _with_links_to_pages(page: Path, directory: Path) -> str:
    """The page, where a link to a guide's file leads to the guide's page."""
    source = README.parent if page.name == "trudy.html" else ROOT / page.relative_to(directory).with_suffix("")

    def rewritten(match: re.Match[str]) -> str:
        target, _, fragment = match[1].partition("#")
        guide = Path(os.path.normpath(source / target)) if target.endswith("README.md") else None
        if guide not in GUIDES:
            return match[0]
        own = directory / ("trudy.html" if guide == README else guide.parent.relative_to(ROOT).with_suffix(".html"))
        link = os.path.relpath(own, page.parent) + (f"#{fragment}" if fragment else "")
        return match[0].replace(match[1], link)

    text = page.read_text()
    anchors = set(_ID.findall(text))
    # pdoc links a docstring's word to a member of that name, and gives inherited members no anchor of their own.
    text = _MEMBER.sub(lambda match: match[0] if match[1] in anchors else match[2], text)
    text = _LINK.sub(rewritten, text)
    # Files of the checkout, such as a module that a guide names, are no pages of the site.
    return _TO_A_FILE.sub(lambda match: match[2] if (source / match[1]).is_file() else match[0], text)


def dead_links(page: Path) -> Iterator[str]:
    """The links of a page that lead nowhere, as they stand there."""
    text = page.read_text()
    anchors: dict[Path, set[str]] = {}  # to find those of a large page takes longer than all else
    for link in {html.unescape(link) for link in _LINK.findall(text)}:
        if link.startswith(("https://", "http://")):
            if not link.startswith(OUTSIDE):
                yield link
            continue
        if link.startswith("data:") or "${" in link:  # in the script of the search
            continue
        target, _, fragment = link.partition("#")
        there = (page.parent / target) if target else page
        if fragment and there not in anchors and there.is_file():
            anchors[there] = {html.unescape(anchor) for anchor in _ID.findall(there.read_text())}
        if not there.is_file() or (fragment and fragment not in anchors[there]):
            yield link


if __name__ == "__main__":
    try:
        for built in build(Path(sys.argv[1])):
            print(built)
    except (DeadLinkError, Warning) as fault:
        sys.exit(f"{type(fault).__name__}: {fault}")
