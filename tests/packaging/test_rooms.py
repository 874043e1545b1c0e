"""The order of the rooms: a module imports from those before its own, never from those after it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import trudy

PACKAGE = Path(trudy.__file__).parent
ROOMS = (
    "_version _parse _hidden _masking _unreported_calls _fictional_numbers _hours _exports clock event_source hooks",
    "_concurrency _lazy",
    "_answer_facts",
    "errors options request raw",
    "_checks _settings",
    "models",
    "phone _call_matching _call_claims _tables",
    "bridge",
    "rate_limit",
    "transport",
    "pipeline",
    "_cursors _walk pagination",
    "resources",
    "webhooks",
    "_environment",
    "client",
    "otel",
    "sync",
    "sandbox",
    "dialer",
    "testing",
    "cli",
    "codegen _pyinstaller",
)
"""From the ground up; those of one line may import each other."""
LEVEL = {name: level for level, names in enumerate(ROOMS) for name in names.split()}
FILES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    # Programs stand above everything, and the first file of the package below.
    if path.name != "__main__.py" and path != PACKAGE / "__init__.py"
]


def room_of(path: Path) -> str:
    """The first folder or file below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Each module of the package that a file imports, when it is loaded or later, with the line."""
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.ImportFrom) and child.module is not None:
                names = [child.module] if child.module != "trudy" else [_home(alias.name) for alias in child.names]
                yield from ((child.lineno, name) for name in names)
            elif isinstance(child, ast.Import):
                yield from ((child.lineno, alias.name) for alias in child.names)
            waiting.append(child)


def _home(name: str) -> str:
    """The module of what `from trudy import name` gives."""
    return f"trudy.{name}" if name in LEVEL else str(getattr(trudy, name).__module__)


def test_every_room_has_its_place() -> None:
    rooms = {room_of(path) for path in FILES}
    assert rooms == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_order_of_the_rooms(path: Path) -> None:
    own = room_of(path)
    upward = [
        f"line {line}: {name}"
        for line, name in imports_of(path)
        if name.startswith("trudy.") and LEVEL[name.split(".")[1]] > LEVEL[own]
    ]
    assert not upward


def test_every_class_name_means_one_thing() -> None:
    classes: dict[str, set[str]] = {}
    aliases: dict[str, set[str]] = {}
    names: set[str] = set()
    for path in FILES:
        if room_of(path) not in ("sync", "codegen"):
            for node in ast.parse(path.read_text()).body:
                place = str(path.relative_to(PACKAGE))
                if isinstance(node, ast.ClassDef):
                    names.add(node.name)
                    classes.setdefault(node.name.lstrip("_"), set()).add(place)
                elif isinstance(node, ast.Assign | ast.AnnAssign):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    for name in (target.id for target in targets if isinstance(target, ast.Name)):
                        aliases.setdefault(name, set()).add(place)
    assert {name: files for name, files in classes.items() if len(files) > 1} == {}
    assert {name: files for name, files in aliases.items() if name in names} == {}


def test_no_file_is_too_long_to_be_read_at_a_time() -> None:
    root = PACKAGE.parent
    generated = "# Generated from "
    long = {
        path.relative_to(root).as_posix(): lines
        for folder in ("trudy", "tests", "examples")
        for path in (root / folder).rglob("*.py")
        if not (text := path.read_text()).startswith(generated) and (lines := text.count("\n")) > 420
    }
    assert long == {}
