"""Tells PyInstaller, by the entry point `pyinstaller40`, where this package's hook is."""

from __future__ import annotations

from pathlib import Path


def hook_directories() -> list[str]:
    """Where PyInstaller looks for `hook-trudy.py`."""
    return [str(Path(__file__).parent)]
