"""`_exports.py`: which module each lazily loaded name comes from, read from a package's `if TYPE_CHECKING:` imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from trudy.codegen.methods import CodegenError

PACKAGES: Final = ("trudy", "trudy.dialer", "trudy.models", "trudy.testing", "trudy.webhooks")
"""Packages whose names are loaded when first used."""

EXPORTS_FILE: Final = "_exports.py"

_DOCSTRING: Final = '"""Where the lazily loaded names of each package stand."""'


def exports_source(package: Path) -> str | None:
    """The text of `_exports.py`; None where the directory `trudy/` holds none of the packages."""
    tables: dict[str, dict[str, str]] = {}
    for name in PACKAGES:
        path = package.parent.joinpath(*name.split("."), "__init__.py")
        if path.exists():
            tables[name] = dict(sorted(_homes(path, package.parent)))
    if not tables:
        return None
    return (
        f"{_DOCSTRING}\n\nfrom __future__ import annotations\n\nfrom collections.abc import Mapping\n"
        f"from typing import Final\n\nEXPORTS: Final[Mapping[str, Mapping[str, str]]] = {tables!r}\n"
    )


def _homes(path: Path, root: Path) -> Iterator[tuple[str, str]]:
    """Each name of the block, and the module it comes from."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.body:
                yield from _imported(statement, path, root)


def _imported(statement: ast.stmt, path: Path, root: Path) -> Iterator[tuple[str, str]]:
    if not isinstance(statement, ast.ImportFrom) or statement.module is None or statement.level:
        raise CodegenError(f"{path.name}, line {statement.lineno}: under TYPE_CHECKING only `from ... import` is read")
    for alias in statement.names:
        if alias.asname != alias.name:
            # Type checkers take only `import x as x` for a name that the package exports.
            raise CodegenError(f"{path.name}, line {statement.lineno}: write `{alias.name} as {alias.name}`")
        inner = root.joinpath(*statement.module.split("."), alias.name)
        is_module = inner.is_dir() or inner.with_suffix(".py").exists()
        yield alias.name, f"{statement.module}.{alias.name}" if is_module else statement.module
