"""What is published: its files, and that it works where nothing else is installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.docs.blocks import README, ROOT, blocks_of
from trudy import __version__

pytestmark = [pytest.mark.installs, pytest.mark.timeout(300)]

NAME = f"trudy_python_sdk-{__version__}"
RUN_IN_SANDBOX = """
import os, pathlib, sys
from trudy.sandbox import Sandbox

with Sandbox(speed=60, placeholders=True).serve() as server:
    os.environ["TRUDY_BASE_URL"] = server.base_url
    for path in sys.argv[1:]:
        exec(compile(pathlib.Path(path).read_text(), path, "exec"), {"__name__": "quick_start"})
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the sdist."""
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(directory), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return directory


def test_wheel_holds_the_package_alone(built: Path) -> None:
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        metadata = Parser().parsestr(wheel.read(f"{NAME}.dist-info/METADATA").decode())
    assert {name.split("/")[0] for name in names} == {"trudy", f"{NAME}.dist-info"}
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "trudy").rglob("*.py")}
    assert {name for name in names if name.startswith("trudy/")} == sources | {"trudy/py.typed"}
    assert f"{NAME}.dist-info/licenses/LICENSE" in names
    assert (metadata["Name"], metadata["Version"]) == ("trudy-python-sdk", __version__)
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", ">=3.11")


def test_sdist_holds_the_project(built: Path) -> None:
    with tarfile.open(built / f"{NAME}.tar.gz") as sdist:
        top = {Path(name).parts[1] for name in sdist.getnames()}
    assert top - {"PKG-INFO", ".gitignore"} == {
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "noxfile.py",
        "trudy",
        "tests",
        "examples",
    }


def test_quick_start_in_an_empty_environment(built: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    wheel = built / f"{NAME}-py3-none-any.whl"
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{wheel}[sandbox]"], check=True)

    snippets = [block.source for block in blocks_of(README) if "YOUR_API_KEY" in block.source]
    assert len(snippets) == 2, "the quick start is one block sync and one async"
    paths = [tmp_path / f"snippet_{number}.py" for number in range(len(snippets))]
    for path, snippet in zip(paths, snippets, strict=True):
        path.write_text(snippet)
    # -I leaves out the working directory and the caller's settings, so that only what was installed can be imported.
    done = subprocess.run(
        [python, "-I", "-W", "error", "-c", RUN_IN_SANDBOX, *paths],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Ada active",
        "Support active",
        "queued",
        "Ada active",
        "Support active",
        "completed",
    ]
