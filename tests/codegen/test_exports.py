"""The list of lazily loaded names, made of what type checkers read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from trudy._exports import EXPORTS
from trudy.codegen.exports import PACKAGES, exports_source
from trudy.codegen.methods import CodegenError


def package(root: Path, block: str) -> Path:
    (root / "trudy" / "models").mkdir(parents=True)
    (root / "trudy" / "models" / "__init__.py").write_text("")
    (root / "trudy" / "__init__.py").write_text(
        f"from typing import TYPE_CHECKING\nfrom os import path\nif TYPE_CHECKING:\n{block}\nelse:\n    import sys\n"
    )
    return root / "trudy"


def test_names_and_modules(tmp_path: Path) -> None:
    block = "    from trudy.errors import TrudyError as TrudyError\n    from trudy import models as models"
    source = exports_source(package(tmp_path, block))
    assert source is not None
    made: dict[str, object] = {}
    exec(source, made)  # noqa: S102  # the text was written just now
    assert made["EXPORTS"] == {
        "trudy": {"TrudyError": "trudy.errors", "models": "trudy.models"},
        "trudy.models": {},
    }


@pytest.mark.parametrize(
    "block",
    [
        "    from trudy.errors import TrudyError",
        "    import trudy.errors",
        "    from .errors import TrudyError as TrudyError",
    ],
)
def test_what_a_type_checker_would_not_offer_to_others_is_refused(tmp_path: Path, block: str) -> None:
    with pytest.raises(CodegenError, match=r"__init__\.py, line 4"):
        exports_source(package(tmp_path, block))


def test_no_package_no_file(tmp_path: Path) -> None:
    assert exports_source(tmp_path / "trudy") is None


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_is_where_the_list_says(name: str) -> None:
    loaded = import_module(name)
    modules = {one for one, home in EXPORTS[name].items() if home == f"{name}.{one}"}
    assert loaded.__all__ == sorted(EXPORTS[name].keys() - modules)
    for one in EXPORTS[name]:
        assert getattr(loaded, one) is not None
        assert one in dir(loaded)


def test_a_star_import_gives_every_name() -> None:
    found: dict[str, object] = {}
    exec("from trudy.webhooks import *", found)  # noqa: S102  # the only place for a star
    assert found.keys() >= EXPORTS["trudy.webhooks"].keys()


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("absent", ["Klient", "_private", "__wrapped__"])
def test_a_name_that_is_not_there(name: str, absent: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{absent}'"):
        getattr(import_module(name), absent)


def test_a_submodule_is_loaded_when_asked_for() -> None:
    import trudy

    assert trudy.errors is import_module("trudy.errors")
