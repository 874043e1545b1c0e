"""Walks one warm `calls.get`, and one that waits out a 429, and prints the files of the package on the way.

python -m tests.bench.trace
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any

from attrs import define, field

import trudy
from trudy.sandbox import JumpingClock, Sandbox

PACKAGE = Path(trudy.__file__).parent


@define
class Walk:
    """The files that were entered, in order, with the functions that were called in each."""

    files: dict[str, list[str]] = field(factory=dict[str, list[str]])
    moves: int = 0
    _here: str = ""

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or not _is_ours(path):
            return
        if _is_beneath_the_sandbox(frame):
            return
        name = str(path.relative_to(PACKAGE))
        self.moves += name != self._here
        self._here = name
        functions = self.files.setdefault(name, [])
        if frame.f_code.co_qualname not in functions:
            functions.append(frame.f_code.co_qualname)

    def shown(self) -> str:
        """A line for each file, in the order in which a reader meets them."""
        lines = [f"  {name:36} {', '.join(functions)}" for name, functions in self.files.items()]
        return "\n".join([f"{len(self.files)} files, {self.moves} moves between them", *lines])


def _is_ours(path: Path) -> bool:
    return path.is_relative_to(PACKAGE) and not path.is_relative_to(PACKAGE / "sandbox")


def _is_beneath_the_sandbox(frame: FrameType) -> bool:
    """Whether it is the sandbox's own use of the package; what runs on its loop is not."""
    caller = frame.f_back
    while caller is not None and caller.f_code.co_name != "run_forever":
        if Path(caller.f_code.co_filename).is_relative_to(PACKAGE / "sandbox"):
            return True
        caller = caller.f_back
    return False


async def walked(action: Callable[[], Awaitable[object]]) -> Walk:
    """What an action passes through."""
    walk = Walk()
    sys.setprofile(walk)
    try:
        await action()
    finally:
        sys.setprofile(None)
    return walk


def walk_of(*, refused: bool) -> Walk:
    """The walk of a warm `calls.get`; `refused`: the one whose first attempt meets a 429, and waits it out."""
    # A minute has just begun, so that the wait is a whole window, which the clock jumps over.
    clock = JumpingClock(start=1_780_675_200.25)
    return clock.run(_walk_in(clock, refused=refused))


async def _walk_in(clock: JumpingClock, *, refused: bool) -> Walk:
    # Three requests are what goes before.
    sandbox = Sandbox(clock=clock, rate_limit=3 if refused else None)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = await client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        await client.calls.get(call.id)
        return await walked(lambda: client.calls.get(call.id))


def main() -> None:
    """Print both walks."""
    print("a warm calls.get:", walk_of(refused=False).shown(), sep="\n")
    print("\nthe same, with a 429 waited out:", walk_of(refused=True).shown(), sep="\n")


if __name__ == "__main__":
    main()
