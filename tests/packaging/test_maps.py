"""Each folder's `__init__` docstring is a map of its files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import trudy

PACKAGE = Path(trudy.__file__).parent
NOT_DRAWN = {"sync", "migrations", "tables", "versions", "_pyinstaller"}
"""`sync` and the tables of commands mirror `resources`, file by file; migrations are numbered."""
FOLDERS = sorted(
    path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE and path.parent.name not in NOT_DRAWN
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(PACKAGE).as_posix())
def test_each_map_has_a_line_for_each_file_and_no_other(folder: Path) -> None:
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    drawn = re.findall(r"^ *([a-z_]+)(?:\.py|/)?(?:, __main__\.py)? {2,}\S", text, flags=re.MULTILINE)
    files = {path.stem for path in folder.glob("*.py")}
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert sorted(drawn) == sorted((files | folders) - {"__init__", "__main__"})
