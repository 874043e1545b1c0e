from __future__ import annotations

import pytest

from trudy._masking import mask_text
from trudy.errors import TrudyError
from trudy.sandbox import Sandbox
from trudy.sandbox.domain.new_call import as_texts


def test_template_values_become_text_as_in_json() -> None:
    given = {"text": "None", "nothing": None, "yes": True, "no": False, "n": 1.5, "list": [1, None, "ä"]}
    texts = {"text": "None", "nothing": "", "yes": "true", "no": "false", "n": "1.5", "list": '[1, null, "ä"]'}
    assert as_texts(given) == texts


def test_the_refusal_of_a_number_names_the_accepted_ones_and_no_mask_hides_them(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        with pytest.raises(TrudyError) as raised:
            client.calls.create(agent_id=agent.id, phone_number="+14155551234")
    reason = str(raised.value.details["reason"])
    assert "+1 AAA 555 01NN" in reason
    assert "7946 0NNN" in reason
    assert reason in str(raised.value)
    assert mask_text(reason) == reason
