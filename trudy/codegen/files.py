"""Which generated file comes from which, and what is stale."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from trudy.codegen.commands import TABLES, tables
from trudy.codegen.exports import EXPORTS_FILE, exports_source
from trudy.codegen.methods import CodegenError
from trudy.codegen.module import translate

_HEADER = "# Generated from {source} by `python -m trudy.codegen`; change the source, never this file.\n"
_FIRST_PARTY = 'lint.isort.known-first-party = ["trudy"]'  # ruff would look for the files, which may not exist yet
_PACKAGES = {
    "sync": '"""The client without an event loop: the async client\'s namespaces, a file a resource."""\n',
    "dialer/sync": '"""The dialer without an event loop."""\n',
}
_FOLDERS = (*_PACKAGES, TABLES)
"""The directories with generated files only, and the docstrings of their packages."""


def generated(package: Path) -> dict[Path, str]:
    """Every generated file with its text, as it should be. `package` is the directory `trudy/`."""

    def read(module: str) -> str:
        return package.parent.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")

    files: dict[Path, str] = {}
    for source in sources(package):
        name = source.relative_to(package.parent).as_posix()
        text = translate(source.read_text(encoding="utf-8"), name, read)
        target = _home(package, source)
        files[target / source.name] = _HEADER.format(source=name) + text
        about = _PACKAGES[target.relative_to(package).as_posix()]
        files[target / "__init__.py"] = _HEADER.format(source="nothing else") + about
    sync = {path: text for path, text in files.items() if path.parent == package / "sync"}
    for path, text in tables(package, sync).items():
        files[path] = _HEADER.format(source="trudy/sync/") + text
    exports = exports_source(package)
    if exports is not None:
        files[package / EXPORTS_FILE] = _HEADER.format(source="the packages' `__init__` files") + exports
    return {path: _formatted(text, path) for path, text in files.items()}


def sources(package: Path) -> Iterable[Path]:
    """The client, the public modules of `resources/`, and those of the dialer that do I/O."""
    return (
        package / "client.py",
        *sorted(path for path in (package / "resources").glob("*.py") if not path.name.startswith("_")),
        package / "dialer" / "dialer.py",
        package / "dialer" / "do_not_call.py",
    )


def _home(package: Path, source: Path) -> Path:
    return package / "dialer" / "sync" if source.parent.name == "dialer" else package / "sync"


def stale(files: Mapping[Path, str], package: Path) -> list[Path]:
    """Files that are missing, differ, or have no source any more."""
    there = {path for name in _FOLDERS for path in (package / name).glob("*.py")} | {*package.glob(EXPORTS_FILE)}
    differ = [path for path, text in files.items() if path not in there or path.read_text(encoding="utf-8") != text]
    return [*differ, *(there - files.keys())]


def write(files: Mapping[Path, str], package: Path) -> None:
    """Write these files, and delete generated ones that are not among them."""
    for path in stale(files, package):
        if path in files:
            path.parent.mkdir(exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
        else:
            path.unlink()


def _formatted(text: str, path: Path) -> str:
    text = _ruff(text, path, "check", "--select", "I", "--fix", "--quiet", "--config", _FIRST_PARTY)
    return _ruff(text, path, "format", "--quiet")


def _ruff(text: str, path: Path, *command: str) -> str:
    done = subprocess.run(  # noqa: S603  # this interpreter, these arguments
        [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise CodegenError(f"ruff, of the extra `dev`, is needed to format {path.name}: {done.stderr.strip()}")
    return done.stdout
