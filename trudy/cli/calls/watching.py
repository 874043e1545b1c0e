"""A call that a person follows: its status as it changes, then what was said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from textwrap import wrap
from typing import TYPE_CHECKING, Final

import typer
from attrs import define

from trudy._masking import one_line
from trudy.cli.exit_codes import ExitCode
from trudy.cli.output import STYLES
from trudy.errors import WaitTimeoutError
from trudy.models import CallEnding

if TYPE_CHECKING:
    from trudy import TrudyClient
    from trudy.cli.shell import Shell
    from trudy.models import Call, Transcript

TRANSCRIPT_WAIT: Final = 60.0
"""Seconds to wait for the transcript of a call that is over: it is there within some, and some calls never get one."""
_NOTHING_SAID: Final = frozenset((CallEnding.NO_ANSWER, CallEnding.BUSY, CallEnding.REFUSED, CallEnding.FAILED))
_NARROWEST: Final = 20
"""Columns that a text has at least, however narrow the terminal is."""


def watch(shell: Shell, client: TrudyClient, call: Call, *, max_wait: float) -> ExitCode:
    """Show a call until it is over, then its transcript. Ctrl-C ends the watching, not the call.

    Raises:
        WaitTimeoutError: the call was not over in time.
    """
    shown = _FollowedCall(shell, client)
    try:
        for seen in client.calls.watch(call.id, max_wait=max_wait):
            shown.status(seen)
            if seen.transcript is not None:
                shown.transcript(seen.transcript)
            call = seen
        if call.outcome not in _NOTHING_SAID:
            _show_transcript(shell, client, call, shown)
    except KeyboardInterrupt:
        shell.say(f"\nno longer watching; the call goes on. Where it stands:\n  trudy calls get {call.id}")
        return ExitCode.INTERRUPTED
    shown.end(call)
    return ExitCode.DONE


def _show_transcript(shell: Shell, client: TrudyClient, call: Call, shown: _FollowedCall) -> None:
    try:
        client.calls.wait_for_transcript(call.id, max_wait=TRANSCRIPT_WAIT, progress=shown.transcript)
    except WaitTimeoutError:
        shell.say(f"the transcript is not there yet; later:\n  trudy calls transcript {call.id}")


def transcript_lines(transcript: Transcript, width: int, *, first: int = 0) -> list[str]:
    """What was said, from a turn on, wrapped below who said it."""
    lines: list[str] = []
    for turn in transcript.turns[first:]:
        start = f"{one_line(turn.speaker or '')[:8]:<8}  "
        text = wrap(one_line(turn.text), max(_NARROWEST, width - len(start))) or [""]
        lines += [f"{start if not index else ' ' * len(start)}{line}" for index, line in enumerate(text)]
    return lines


@define
class _FollowedCall:
    """What was shown of a call, so that nothing is shown twice."""

    _shell: Shell
    _client: TrudyClient
    _status: str = ""
    _turns: int = 0

    def status(self, call: Call) -> None:
        """The status, if it is another one."""
        word = call.status_word or "unknown"
        if word == self._status:
            return
        self._status = word
        at = datetime.fromtimestamp(self._client.clock.time(), UTC)
        if self._shell.shows_tables:
            at = at.astimezone()
            after = f" after {call.duration_seconds:g} s" if call.status.is_final and call.duration_seconds else ""
            reason = f": {call.end_reason}" if call.status.is_final and call.end_reason else ""
            self._write_styled(f"{at:%H:%M:%S}  ", one_line(word.replace("_", " ") + after + reason), STYLES.get(word))
        else:
            self._write_json({"event": "status", "id": call.id, "at": at.isoformat(), "status": word})

    def transcript(self, transcript: Transcript) -> None:
        """The turns that were not there before."""
        if self._shell.shows_tables:
            if not self._turns and transcript.turns:
                self._write("")
            for line in transcript_lines(transcript, self._shell.terminal.width, first=self._turns):
                self._write(line)
        else:
            for turn in transcript.turns[self._turns :]:
                self._write_json(
                    {"event": "turn", "speaker": turn.speaker, "text": turn.text, "timestamp": turn.timestamp}
                )
        self._turns = max(self._turns, len(transcript.turns))

    def end(self, call: Call) -> None:
        """The whole call, for programs."""
        if not self._shell.shows_tables:
            self._write_json({"event": "result", "call": call.to_dict()})

    def _write_styled(self, start: str, text: str, style: str | None) -> None:
        colour = style if self._shell.terminal.has_colour else None
        self._write(f"{start}{text if colour is None else typer.style(text, fg=colour)}")

    def _write_json(self, line: dict[str, object]) -> None:
        self._write(json.dumps(line))

    def _write(self, line: str) -> None:
        self._shell.terminal.out.write(f"{line}\n")
        self._shell.terminal.out.flush()
