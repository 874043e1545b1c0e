"""What holds for every test: no setting of the machine leaks in, and generated cases are the same each time."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell makes its background jobs ignore Ctrl-C, and the processes that the tests interrupt would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Time limits on single cases would measure the machine, which may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the soak out, unless `-m` asks for it."""
    if "soak" not in config.getoption("markexpr"):
        skip = pytest.mark.skip(reason="minutes of random stress; run with -m soak")
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(skip)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that a client reads is empty, unless a test fills it."""
    for name in os.environ:
        if name.startswith(("TRUDY_", "TRUEDY_")) or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
