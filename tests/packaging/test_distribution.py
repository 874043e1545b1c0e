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

path, speed = sys.argv[1:]
with Sandbox(speed=float(speed), placeholders=True).serve() as server:
    os.environ["TRUDY_BASE_URL"] = server.base_url
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
    here = {str(path.relative_to(ROOT)) for path in (ROOT / "trudy").rglob("*.*") if path.is_file()}
    # The generator of trudy/sync serves nobody but the developers.
    published = {name for name in here if not name.endswith(".pyc") and not name.startswith("trudy/codegen/")}
    assert {name for name in names if name.startswith("trudy/")} == published
    assert {"trudy/py.typed", "trudy/sync/client.py", "trudy/openapi.json"} < names
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
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    wheel = built / f"{NAME}-py3-none-any.whl"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", f"{wheel}[sandbox]"], check=True)

    sync, asynchronous = [block.source for block in blocks_of(README) if "YOUR_API_KEY" in block.source]
    # The first shows a call at once, the second waits for its end.
    assert run(python, sync, speed=0) == ["Ada active", "Support active", "Support active", "queued"]
    assert run(python, asynchronous, speed=60) == ["Support active", "Support active", "completed"]


def run(python: Path, snippet: str, *, speed: float) -> list[str]:
    """What a snippet prints, run where only what was installed can be imported."""
    path = python.parents[2] / "snippet.py"
    path.write_text(snippet)
    done = subprocess.run(
        # -I leaves out the working directory and the caller's settings.
        [python, "-I", "-W", "error", "-c", RUN_IN_SANDBOX, path, str(speed)],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()
