"""`trudy calls download`: the command, and what a person sees of it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TextIO, cast

import typer
from attrs import evolve

from trudy.cli.calls.downloads import Downloads, DownloadTally, SavedFile, calls_since
from trudy.cli.calls.journal import Kind, journal_of
from trudy.cli.connection import open_client
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import failure_of
from trudy.cli.groups import single
from trudy.cli.output import show
from trudy.cli.shell import Shell, shell_of
from trudy.cli.times import instant_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from trudy.errors import TrudyError

app = single()
_KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    "both": ("recording", "transcript"),
    "recordings": ("recording",),
    "transcripts": ("transcript",),
}


@app.command()
def download(
    context: typer.Context,
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder; it is made if it is not there.")],
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Calls made since then: 90m, 1d, 2w, or 2026-06-01.")
    ] = "1d",
    only: Annotated[Literal["both", "recordings", "transcripts"], typer.Option(help="What to save.")] = "both",
    agent: Annotated[str | None, typer.Option(metavar="ID", help="Only calls of this agent.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Save transcripts as text, not as JSON.")] = False,
) -> int:
    """Save recordings and transcripts, each once; run it again to go on."""
    shell = shell_of(context)
    # What is told meanwhile, a long wait too, stands above the line that moves.
    with _progress_of(shell) as (above, on_change), open_client(above) as client:
        pages = calls_since(client, instant_of(since, "--since", client.clock.time()), agent_id=agent)
        if shell.dry_run:
            next(pages, None)  # shows the first request, and ends there
        to.mkdir(parents=True, exist_ok=True)
        with journal_of(to) as journal:
            downloads = Downloads(
                client=client,
                folder=to,
                journal=journal,
                kinds=_KINDS[only],
                as_text=text,
                on_saved=lambda file: _tell(shell, file),
                on_failed=lambda call_id, error: _tell_failed(above, call_id, error),
                on_change=on_change,
            )
            try:
                tally = downloads.save_all(pages)
            except KeyboardInterrupt:
                above.say(f"\nstopped; {_summary(downloads.tally, to)}. Run it again to go on.")
                return ExitCode.INTERRUPTED
    shell.say(_summary(tally, to))
    if tally.failure is not None:
        shell.say(f"{tally.failed:,} could not be saved; run it again for those.")
        return failure_of(tally.failure).code
    return ExitCode.DONE


def _tell(shell: Shell, file: SavedFile) -> None:
    if not shell.shows_tables:
        show(shell, {"call_id": file.call_id, "kind": file.kind, "file": str(file.path), "bytes": file.size})


def _tell_failed(shell: Shell, call_id: str, error: TrudyError) -> None:
    shell.say(f"call {call_id}: {error}")


def _summary(tally: DownloadTally, folder: Path) -> str:
    parts = [
        f"{tally.recordings:,} recordings and {tally.transcripts:,} transcripts saved in {folder} ({_size(tally)})"
        if tally.recordings or tally.transcripts
        else f"nothing new for {folder}"
    ]
    if tally.known:
        parts.append(f"files there already: {tally.known:,}")
    if tally.missing:
        parts.append(f"not on the server, or not yet: {tally.missing:,}")
    if tally.going:
        parts.append(f"calls that are not over: {tally.going:,}")
    return "; ".join(parts)


@contextmanager
def _progress_of(shell: Shell) -> Generator[tuple[Shell, Callable[[DownloadTally], None]]]:
    """A line that is drawn over itself while it goes on, and a shell whose lines stand above it; nothing off a
    terminal."""
    if not shell.shows_tables:
        yield shell, lambda tally: None
        return
    from rich.console import Console
    from rich.file_proxy import FileProxy
    from rich.live import Live
    from rich.text import Text

    terminal = shell.terminal
    console = Console(file=terminal.err, width=terminal.width, force_terminal=True, no_color=not terminal.has_colour)
    with Live(console=console, refresh_per_second=5, transient=True) as live:
        above = evolve(shell, terminal=evolve(terminal, err=cast("TextIO", FileProxy(console, terminal.err))))
        yield above, lambda tally: live.update(Text(_line(tally), no_wrap=True, overflow="ellipsis"))


def _line(tally: DownloadTally) -> str:
    return (
        f"{tally.calls:,} calls, {tally.recordings:,} recordings and {tally.transcripts:,} transcripts saved,"
        f" {_size(tally)}"
    )


def _size(tally: DownloadTally) -> str:
    return f"{tally.size / 1e6:,.1f} MB"
