"""Walks one warm `calls.get`, and one that waits out a 429, and prints the files of the package on the way.

python -m tests.bench.trace
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any

from attrs import define, field

import trudy
from trudy.sandbox import Sandbox

PACKAGE = Path(trudy.__file__).parent


@define
class Walk:
    """The files that were entered, in order, with the functions that were called in each."""

    files: dict[str, list[str]] = field(factory=dict[str, list[str]])
    moves: int = 0
    _here: str = ""

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or not path.is_relative_to(PACKAGE) or path.is_relative_to(PACKAGE / "sandbox"):
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


async def walked(action: Callable[[], Awaitable[object]]) -> Walk:
    """What an action passes through."""
    walk = Walk()
    sys.setprofile(walk)
    try:
        await action()
    finally:
        sys.setprofile(None)
    return walk


async def both() -> tuple[Walk, Walk]:
    """The walk of a warm `calls.get`, and that of one whose first attempt met a 429."""
    sandbox = Sandbox(speed=600)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = await client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        await client.calls.get(call.id)
        warm = await walked(lambda: client.calls.get(call.id))
        sandbox.fail_next(method="GET", path="/calls/*", status=429)
        refused = await walked(lambda: client.calls.get(call.id))
    return warm, refused


def main() -> None:
    """Print both walks."""
    warm, refused = asyncio.run(both())
    print("a warm calls.get:", warm.shown(), sep="\n")
    print("\nthe same, with a 429 waited out:", refused.shown(), sep="\n")


if __name__ == "__main__":
    main()
