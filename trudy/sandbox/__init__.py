"""A local Truedy to develop and test against: it needs no account, costs nothing and rings no phone.

    from trudy.sandbox import Sandbox

    sandbox = Sandbox(speed=60)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = await client.calls.create(agent_id=agent.id, phone_number="+14155550100")

To serve it over HTTP: `python -m trudy.sandbox`. `trudy.sandbox.domain.outcome_by_number` has the table of phone
numbers and the outcomes that they force.

The files:

    sandbox.py         the class above, which users hold
    world.py           the parts of one sandbox: rows, clock, ids, rate limit, faults, quirks, events
    clock.py           a clock that can be sped up, stepped and stopped
    jumping_clock.py   a clock that jumps ahead while all tasks wait
    command.py         the command that serves a sandbox, and its options
    assertions.py      assertions about the calls that were placed and the requests that came
    ids.py             ids of new objects
    placeholders.py    the objects that the examples on Truedy's SDK page name
    http/              receives requests and sends answers
    routes/            handles requests, one file for each resource
    domain/            what calls, campaigns and the other objects do over time
    faults/            errors and broken connections that a test asks for
    quirks/            behaviours of real servers that no page documents
    events/            webhook events: what they say, and how they are sent

.. include:: README.md
"""

from __future__ import annotations

from importlib.util import find_spec

for _name in ("jsonschema", "starlette", "uvicorn"):
    if find_spec(_name) is None:
        raise ModuleNotFoundError(
            f"trudy.sandbox needs {_name}, of the extra `sandbox`: pip install 'trudy-python-sdk[sandbox]'", name=_name
        )

from trudy.sandbox.clock import SandboxClock  # noqa: E402  # after the check that its dependencies are there
from trudy.sandbox.domain.lifecycle import PlacedCall  # noqa: E402
from trudy.sandbox.domain.outcome_by_number import Outcome, outcome_of  # noqa: E402
from trudy.sandbox.domain.voices import SandboxVoice  # noqa: E402
from trudy.sandbox.faults.rules import FaultRule  # noqa: E402
from trudy.sandbox.http.rate_limit import WindowCount  # noqa: E402
from trudy.sandbox.http.records import RecordedRequest  # noqa: E402
from trudy.sandbox.http.server import SandboxServer  # noqa: E402
from trudy.sandbox.jumping_clock import JumpingClock  # noqa: E402
from trudy.sandbox.quirks.names import QUIRKS  # noqa: E402
from trudy.sandbox.sandbox import Sandbox  # noqa: E402

__all__ = [
    "QUIRKS",
    "FaultRule",
    "JumpingClock",
    "Outcome",
    "PlacedCall",
    "RecordedRequest",
    "Sandbox",
    "SandboxClock",
    "SandboxServer",
    "SandboxVoice",
    "WindowCount",
    "outcome_of",
]
