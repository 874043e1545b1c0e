"""Under `python -bb` a comparison of text with bytes is an error: nothing on the way of a request makes one."""

from __future__ import annotations

import subprocess
import sys

APP = """
import io
from trudy.sandbox import Sandbox

sandbox = Sandbox(speed=0, rate_limit=None)
with sandbox.serve() as server:
    for client in (sandbox.client(), server.client()):
        with client:
            agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
            call = client.calls.create(agent_id=agent.id, phone_number="+14155550192")
            folder = client.contacts.folders.create(name="Spring")
            client.contacts.import_file(("people.csv", b"phone_number\\n+14155550101\\n"), folder_id=folder.id)
            sandbox.advance(minutes=5)
            client.calls.download_recording(call.id, to=io.BytesIO())
            sandbox.fail_next(path="/agents", reset="connect")
            client.agents.list()
print(len(sandbox.placed_calls))
"""


def test_no_text_is_compared_with_bytes() -> None:
    done = subprocess.run([sys.executable, "-bb", "-c", APP], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("2\n", 0), done.stderr
