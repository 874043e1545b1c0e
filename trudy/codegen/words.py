"""Translates names, annotations and docstrings into those of the sync client."""

from __future__ import annotations

import ast
import re
from typing import Final, TypeVar

N = TypeVar("N", bound=ast.AST)

_NAMES: Final = {
    "AsyncPager": "Page",
    "AsyncPage": "Page",
    "AsyncIterator": "Iterator",
    "Dialer": "SyncDialer",
    "DoNotCall": "SyncDoNotCall",
}
"""Names that do not follow the rule, such as those of the dialer, where the async class has the plain name."""
_CODE: Final = (
    (re.compile(r"\bawait (?=\w+[.(])"), ""),
    (re.compile(r"\basync (?=(?:for|with)\b)"), ""),
    (re.compile(r"\baclose\b"), "close"),
)
PHRASES: Final = {
    "The Truedy API for asyncio and trio.": "The Truedy API for code without an event loop.",
    "from any event loop and any thread": "from any thread",
    "an `httpx.AsyncClient` (or `httpx2.AsyncClient`) of your own, which stays yours to close and on its event loop, or"
    " a function that makes one, called once for each event loop. With httpx 0.28 prefer the function: its pool loses"
    " connections to cancelled requests, and then the client can be replaced.": "a function that makes an"
    " `httpx.AsyncClient` (or `httpx2.AsyncClient`), called once for each\n        of the client's own event loops.",
}
"""Sentences of the async client, and what the sync client says in their place."""


def sync_name(name: str) -> str:
    """The sync name: `Calls` for `AsyncCalls`."""
    return _NAMES.get(name, name.removeprefix("Async"))


def is_async_name(name: str) -> bool:
    """Whether a name of the async client has another name in the sync one."""
    return name in _NAMES or re.match(r"Async[A-Z]", name) is not None


def sync_text(text: str) -> str:
    """A docstring, or a message, of the async client in the words of the sync one."""
    for phrase, replacement in PHRASES.items():
        text = re.sub(r"\s+".join(map(re.escape, phrase.split())), replacement.replace("\\", r"\\"), text)
    for pattern, replacement in _CODE:
        text = pattern.sub(replacement, text)
    return re.sub(r"(?<!\.)\b(?:Async[A-Z]\w*|Dialer|DoNotCall)\b", lambda match: sync_name(match.group()), text)


def sync_tree(node: N) -> N:
    """An annotation in the sync client: `Callable[P, Awaitable[T]]` becomes a plain function."""
    translated: N = _Translator().visit(node)
    return ast.fix_missing_locations(translated)


class _Translator(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(sync_name(node.id), node.ctx) if is_async_name(node.id) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Awaitable":
            return self._visited(node.slice)
        return self.generic_visit(node)

    def _visited(self, node: ast.AST) -> ast.AST:
        visited: ast.AST = self.visit(node)
        return visited
