from __future__ import annotations

import pytest

from trudy._masking import mask_text
from trudy.errors import TrudyError
from trudy.sandbox import Sandbox
from trudy.sandbox.domain.new_call import as_texts


def test_template_values_are_texts_as_json_writes_them() -> None:
    given = {"text": "None", "nothing": None, "yes": True, "no": False, "n": 1.5, "list": [1, None, "ä"]}
    texts = {"text": "None", "nothing": "", "yes": "true", "no": "false", "n": "1.5", "list": '[1, null, "ä"]'}
    assert as_texts(given) == texts


def test_a_refused_number_is_told_which_are_called_and_the_client_shows_it_whole(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        with pytest.raises(TrudyError) as raised:
            client.calls.create(agent_id=agent.id, phone_number="+14155551234")
    reason = str(raised.value.details["reason"])
    assert "+1 AAA 555 01NN" in reason
    assert "7946 0NNN" in reason
    assert reason in str(raised.value)
    assert mask_text(reason) == reason
