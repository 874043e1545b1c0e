# noqa: N999  # PyInstaller finds hooks by this form of name
"""Adds to a frozen app what this package reads: modules loaded when first used, the API document, pages, zones."""
# pyright: reportMissingImports=false, reportMissingModuleSource=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from importlib.util import find_spec

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

_NOT_AT_RUN_TIME = ("trudy.codegen", "trudy._pyinstaller", "trudy.testing.plugin")


def _is_needed(name: str) -> bool:
    return not name.startswith(_NOT_AT_RUN_TIME)


hiddenimports = collect_submodules("trudy", filter=_is_needed, on_error="ignore")
datas = collect_data_files("trudy", excludes=["**/README.md"])
if find_spec("tzdata") is not None:
    hiddenimports += collect_submodules("tzdata")
    datas += collect_data_files("tzdata")
