"""The root command: global options, help, what is loaded, and how it ends."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from tests.cli.running import trudy
from tests.docs.blocks import guide, table_after
from trudy import __version__
from trudy.cli.exit_codes import MEANINGS, ExitCode
from trudy.cli.main import main
from trudy.cli.shell import Terminal

HEAVY = {
    "aiohttp",
    "anyio",
    "asyncio",
    "cattrs",
    "httpx",
    "pydantic",
    "rich",
    "sqlalchemy",
    "ssl",
    "starlette",
    "trudy.client",
    "trudy.dialer",
    "trudy.models",
    "trudy.resources",
    "trudy.sandbox",
    "trudy.sync",
    "trudy.webhooks",
}
"""What costs too much to be loaded for a page of help."""


def loaded_by(*arguments: str) -> set[str]:
    """The modules of a process that has run these arguments."""
    code = f"import sys; from trudy.cli.main import main; main({arguments!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: trudy" in done.stdout
    return set(done.stderr.split())


def test_help_loads_no_more_than_it_shows() -> None:
    loaded = loaded_by("--help")
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("trudy.")} <= {
        "trudy._concurrency",
        "trudy._concurrency.fork",
        "trudy._exports",
        "trudy._lazy",
        "trudy.cli",
        "trudy.cli.app",
        "trudy.cli.exit_codes",
        "trudy.cli.groups",
        "trudy.cli.main",
        "trudy.cli.operations",
        "trudy.cli.operations.tables",
        "trudy.cli.shell",
        "trudy.cli.wrapping",
    }


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "trudy", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"trudy {__version__}\n"


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from trudy.cli.main import main; sys.exit(main(['--help']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (ExitCode.EXTRA_MISSING, "")
    assert "pip install 'trudy-python-sdk[cli]'" in done.stderr


def test_every_exit_code_has_its_line_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(MEANINGS) == set(ExitCode)
    assert trudy("--help").code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {meaning}" in shown


def test_every_exit_code_has_its_line_in_the_guide() -> None:
    assert table_after(guide("cli"), "code") == [[str(code.value), meaning] for code, meaning in MEANINGS.items()]


def test_no_command_is_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert trudy().code == 0
    assert "Usage: trudy" in capsys.readouterr().out


def test_a_misspelt_command_is_answered_by_the_nearest() -> None:
    ran = trudy("reqest")
    assert ran.code == ExitCode.USAGE
    assert "Did you mean 'request'?" in ran.err
    assert len(ran.err.splitlines()) == 2


def test_without_a_key_it_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRUDY_API_KEY", "TRUEDY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    ran = trudy("request", "GET", "/agents")
    assert ran.code == ExitCode.NOT_ALLOWED
    assert "TRUDY_API_KEY" in ran.err
    assert "trudy login" in ran.err


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = (
        "import sys; from trudy.cli import app\nfrom trudy.cli.main import main\n"
        "def write(*_, **__):\n    while True: sys.stdout.write('x' * 65536)\n"
        "app.app.registered_commands.clear(); app.app.command('pour')(lambda: write())\n"
        "sys.exit(main(['pour']))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == ExitCode.PIPE_CLOSED


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["calls", "--help"], ["agents", "get", "a1", "--dry-run"]]
)
def test_output_that_nobody_reads_is_no_error(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "trudy", *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert done.returncode == ExitCode.PIPE_CLOSED
    assert done.stderr.replace("dry run: nothing was sent\n", "") == ""


def test_help_names_arguments_as_people_type_them_and_ranges_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, usage in (
        (("dial", "run"), "Usage: trudy dial run [OPTIONS] FILE\n"),
        (("calls", "get"), "Usage: trudy calls get [OPTIONS] CALL_ID...\n"),
        (("dial", "dnc", "add"), "Usage: trudy dial dnc add [OPTIONS] NUMBER...\n"),
    ):
        assert trudy(*arguments, "--help").code == 0
        shown = capsys.readouterr().out
        assert shown.startswith(usage)
        assert "<" not in shown
    assert trudy("events", "list", "--help").code == 0
    assert "1 to 2000]" in capsys.readouterr().out


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_closed_stream_is_no_fault(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service, or a shell's `>&-`, starts it so."""
    arguments = ["calls", "create", "--agent-id", "a1", "--phone-number", "+14155550100"]
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None if name == closed else io.StringIO())
    assert main(["--help"]) == ExitCode.DONE
    assert main(["agents", "get", "a1", "--dry-run"]) == ExitCode.DONE
    assert main(arguments) == ExitCode.USAGE
    assert main(["calls", "gt"]) == ExitCode.USAGE


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_letters_that_the_output_cannot_show_end_nothing(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    terminal = Terminal.of_process()
    terminal.out.write("愛 \ud83d\n")  # a half of a pair, as JSON may have
    terminal.out.flush()
    assert written.getvalue().decode(encoding).startswith("愛" if encoding == "utf-8" else "\\u611b")
