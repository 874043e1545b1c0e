"""A real terminal for tests: a program in a window of tmux, whose screen is read and whose keys are pressed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from shlex import join
from tempfile import TemporaryDirectory

from attrs import frozen

PATIENCE = 60.0
"""Real seconds that a test waits for the screen to show something; it does in a few unless something hangs."""
_LOOK_EVERY = 0.05


@frozen
class Window:
    """A window with one program, and `exit=` and its code below once it has ended."""

    socket: str

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", self.socket, *arguments],  # noqa: S607  # whichever tmux there is
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def screen(self, *, with_colours: bool = False) -> str:
        """What the window shows now, and what was scrolled out of it."""
        return self.tmux("capture-pane", "-p", "-J", "-S", "-", *(["-e"] if with_colours else []))

    def visible(self) -> list[str]:
        """The lines that a person sees."""
        return self.tmux("capture-pane", "-p").splitlines()

    def wait_for(self, text: str) -> str:
        """The screen, once it shows a text; AssertionError where it never does."""
        return self.wait_until(lambda: text in self.screen(), f"{text!r} on the screen")

    def wait_until(self, is_so: Callable[[], bool], what: str) -> str:
        """The screen, once something is so; AssertionError where it never is."""
        until = time.monotonic() + PATIENCE
        while not is_so():
            if time.monotonic() > until:
                raise AssertionError(f"there is no {what}:\n{self.screen()}")
            time.sleep(_LOOK_EVERY)
        return self.screen()

    def press(self, *keys: str) -> None:
        """Press keys, such as `y`, `Enter` or `C-c`."""
        self.tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-x", str(width), "-y", str(height))


@contextmanager
def window(
    command: Sequence[str], *, width: int = 80, height: int = 24, environment: Mapping[str, str] | None = None
) -> Iterator[Window]:
    """Run a command in a window of its own, which is closed at the end of the block, the command with it."""
    script = f'{join(command)}; echo "exit=$?"; exec cat'
    with TemporaryDirectory(prefix="trudy-tmux-") as folder:
        found = Window(f"{folder}/socket")
        subprocess.run(
            # Without the settings of the user.
            [
                *("tmux", "-u", "-f", "/dev/null", "-S", found.socket),
                *("new-session", "-d", "-x", str(width), "-y", str(height), script),
            ],
            check=True,
            env={**os.environ, "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", **(environment or {})},
        )
        try:
            yield found
        finally:
            found.tmux("kill-server")
