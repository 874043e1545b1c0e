"""What the project's files promise about themselves."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.docs.blocks import ROOT
from trudy import __version__

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Every file under version control."""
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607  # whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.splitlines()


def test_top_level(tracked: list[str]) -> None:
    names = {name.split("/")[0] for name in tracked}
    assert {name for name in names if not name.startswith(".")} == {
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "noxfile.py",
        "trudy",
        "tests",
        "examples",
    }


def test_the_version_is_in_one_file_only(tracked: list[str]) -> None:
    assert "version" in PROJECT["dynamic"]
    assert "version" not in PROJECT
    spelled = re.compile(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])")
    places = [name for name in tracked if spelled.search((ROOT / name).read_text(errors="replace"))]
    assert [name for name in places if name != "CHANGELOG.md"] == ["trudy/_version.py"]


def test_core_dependencies() -> None:
    assert {re.split(r"[^\w-]", requirement)[0] for requirement in PROJECT["dependencies"]} == {
        "httpx",
        "anyio",
        "attrs",
        "cattrs",
    }


PARTS = sorted(EXTRAS.keys() - {"bench", "dev"})
FOR_USERS = [*PROJECT["dependencies"], *(requirement for part in PARTS for requirement in EXTRAS[part])]


@pytest.mark.parametrize("requirement", FOR_USERS)
def test_a_users_dependency_has_a_lower_bound_and_no_upper(requirement: str) -> None:
    assert re.fullmatch(r"[\w-]+>=[\d.]+", requirement)


def test_the_dev_extra_has_all_other_extras() -> None:
    assert f"trudy-python-sdk[{','.join(PARTS)}]" in EXTRAS["dev"]
