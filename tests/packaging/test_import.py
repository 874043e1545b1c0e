"""Importing is cheap: nothing large is loaded before the first request."""

from __future__ import annotations

import subprocess
import sys

import pytest

import trudy

HEAVY = {"httpx", "httpcore", "aiohttp", "anyio", "cattrs", "starlette", "uvicorn", "ssl"}
CONSTRUCT = "client = trudy.AsyncTrudyClient('key'); client.agents; client.calls"


def loaded_by(code: str) -> set[str]:
    """Every module loaded in a new interpreter that runs `code`."""
    command = [
        sys.executable,
        "-I",
        "-c",
        f"{code}\nimport sys; print(*sys.modules, flush=True)\nimport os; os._exit(0)",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_but_the_list_of_names() -> None:
    before = loaded_by("from __future__ import annotations; from importlib import import_module; import typing")
    assert loaded_by("import trudy") - before <= {
        "trudy",
        "trudy._lazy",
        "trudy._exports",
        "trudy._concurrency",
        "trudy._concurrency.fork",
    }


@pytest.mark.parametrize("code", ["trudy.AsyncTrudyClient, trudy.TrudyError, trudy.Timeout", CONSTRUCT])
def test_client_loads_no_http_library(code: str) -> None:
    assert not loaded_by(f"import trudy; {code}") & (HEAVY | {"asyncio"})


def test_sync_client_loads_no_http_library() -> None:
    code = CONSTRUCT.replace("AsyncTrudyClient", "TrudyClient")
    assert not loaded_by(f"import trudy; {code}") & HEAVY


def test_core_loads_no_optional_part() -> None:
    optional = {"trudy.sandbox", "trudy.testing", "trudy.webhooks", "trudy.dialer", "trudy.cli", "trudy.codegen"}
    assert not loaded_by("import trudy; [getattr(trudy, name) for name in trudy.__all__]") & optional


def test_every_public_name_is_there() -> None:
    for name in trudy.__all__:
        assert getattr(trudy, name) is not None
        assert name in dir(trudy)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Klient'"):
        trudy.Klient  # noqa: B018  # type: ignore[attr-defined]  # looking it up is the test
