"""Writing and checking `sync/`, and the files that are committed."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import trudy
from trudy.codegen.__main__ import main
from trudy.codegen.files import generated, sources, stale
from trudy.codegen.words import PHRASES, is_async_name, sync_name

PACKAGE = Path(trudy.__file__).parent
FOLDERS = (PACKAGE / "sync", PACKAGE / "dialer" / "sync")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the sources, without `sync/`."""
    copy = tmp_path / "trudy"
    for path in (*sources(PACKAGE), PACKAGE / "dialer" / "control.py"):
        target = copy / path.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    return copy


def test_the_committed_files_are_fresh() -> None:
    assert stale(generated(PACKAGE), PACKAGE) == []


def test_what_is_written_does_not_depend_on_what_was_there(package: Path) -> None:
    first = generated(package)
    assert main(["--package", str(package)]) == 0
    assert generated(package) == first
    assert {path.relative_to(package): text for path, text in first.items()} == {
        path.relative_to(PACKAGE): path.read_text() for folder in FOLDERS for path in folder.glob("*.py")
    }


def test_check_names_what_is_stale_and_writes_nothing(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--package", str(package)]) == 0
    assert main(["--package", str(package), "--check"]) == 0
    capsys.readouterr()
    (package / "sync" / "agents.py").write_text("# edited by hand\n")
    (package / "sync" / "calls.py").unlink()
    (package / "sync" / "gone.py").write_text("")

    assert main(["--package", str(package), "--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"stale: trudy/sync/{name}.py; run python -m trudy.codegen" for name in ("agents", "calls", "gone")
    ]
    assert (package / "sync" / "agents.py").read_text() == "# edited by hand\n"

    assert main(["--package", str(package)]) == 0
    assert main(["--package", str(package), "--check"]) == 0
    assert not (package / "sync" / "gone.py").exists()


def test_a_source_that_cannot_be_translated_is_named(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (package / "resources" / "odd.py").write_text("class AsyncOdd:\n    @staticmethod\n    def make() -> int: ...\n")
    assert main(["--package", str(package)]) == 2
    assert "AsyncOdd.make" in capsys.readouterr().err


def test_without_ruff_it_says_what_is_missing(
    package: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ruff.py").write_text("import sys\nsys.exit('No module named ruff')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert main(["--package", str(package)]) == 2
    assert "ruff, of the extra `dev`, is needed" in capsys.readouterr().err


def test_every_phrase_of_the_sync_client_still_has_its_sentence_in_the_async_one() -> None:
    text = "".join(path.read_text() for path in sources(PACKAGE))
    words = re.sub(r"\s+", " ", text)
    assert [phrase for phrase in PHRASES if phrase not in words] == []


def async_classes() -> Iterator[tuple[type, type]]:
    for path in sources(PACKAGE):
        module = import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
        sync = "trudy.dialer.sync" if path.parent.name == "dialer" else "trudy.sync"
        for cls in vars(module).values():
            if inspect.isclass(cls) and cls.__module__ == module.__name__ and is_async_name(cls.__name__):
                yield cls, getattr(import_module(f"{sync}.{path.stem}"), sync_name(cls.__name__))


RENAMED = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}


def public(cls: type) -> dict[str, object]:
    return {
        RENAMED.get(name, name): member
        for each in cls.__mro__
        if each.__module__.startswith("trudy.")
        for name, member in vars(each).items()
        if (not name.startswith("_") or name in RENAMED or name in RENAMED.values())
        and (callable(member) or isinstance(member, property))
    }


@pytest.mark.parametrize(("ours", "theirs"), [pytest.param(a, s, id=s.__name__) for a, s in async_classes()])
def test_each_method_has_its_siblings_parameters_and_docstring(ours: type, theirs: type) -> None:
    asynchronous, synchronous = public(ours), public(theirs)
    assert list(synchronous) == list(asynchronous)
    for name, member in asynchronous.items():
        twin = synchronous[name]
        assert bool(inspect.getdoc(twin)) == bool(inspect.getdoc(member)), name
        if callable(member):
            assert callable(twin)
            assert not inspect.iscoroutinefunction(twin)
            assert _parameters(twin) == _parameters(member), name


IN_SYNC = {"method": "Callable[P, T]", "client": "TrudyClient"}
"""Annotations of parameters that are others in the sync client."""


def _parameters(function: object) -> list[inspect.Parameter]:
    assert callable(function)
    return [
        parameter.replace(annotation=IN_SYNC.get(parameter.name, parameter.annotation))
        for parameter in inspect.signature(function).parameters.values()
    ]


def test_generated_docstrings_do_not_speak_of_await() -> None:
    text = "".join(path.read_text() for folder in FOLDERS for path in folder.glob("*.py"))
    assert re.findall(r"\bawait \w+[.(]|\basync (?:for|with|def)\b|\baclose\(\)", text) == []
