from __future__ import annotations

from uuid import UUID

import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.ids import Ids


def test_a_seed_gives_the_same_each_time_and_none_something_new() -> None:
    assert [Ids(7).new("call"), Ids(7).token("key")] == [Ids(7).new("call"), Ids(7).token("key")]
    assert Ids(7).new("call") != Ids(8).new("call")
    assert Ids().new("call") != Ids().new("call")


def test_each_kind_has_an_order_of_its_own() -> None:
    quiet, busy = Ids(7), Ids(7)
    for _ in range(5):
        busy.new("request")
    assert quiet.new("call") == busy.new("call")
    assert len({busy.new("call") for _ in range(100)}) == 100
    assert UUID(busy.new("call")).version == 4


def story(seed: int | None) -> list[str]:
    """Every id, key and secret that a user of a sandbox meets."""
    sandbox = Sandbox(speed=0, start=1_750_000_020.0, seed=seed, rate_limit=None)
    met = [sandbox.api_key, sandbox.webhook_secret, sandbox.control_token, sandbox.new_api_key()]
    with sandbox.client() as client:
        voice = client.voices.import_(name="V", provider_voice_id="p")
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        folder = client.contacts.folders.create(name="Spring")
        contact = client.contacts.create(phone_number="+14155550101", folder_id=folder.id)
        tool = client.tools.create(name="find", definition={"modelToolName": "find"})
        base = client.knowledge_bases.create(name="Prices")
        source = client.knowledge_bases.sources.add_web(base.id, name="Page", urls=["https://example.com"])
        batch = client.batch_calls.create(name="Spring", agent_id=agent.id, contacts=[{"phone_number": "+14155550102"}])
        (person,) = client.batch_calls.list_contacts(batch.id)
        talk = client.webrtc.create_call(agent_id=agent.id)
        sandbox.advance(minutes=5)
        recording = client.calls.get_recording(call.id).recording_url
        made = (voice, agent, call, folder, contact, tool, base, source, batch)
        request_ids = [row.meta.request_id for row in made]
    return [
        *met,
        *(row.id for row in made),
        person.contact_id or "",
        *map(str, (talk.call_id, talk.join_url, recording, *request_ids)),
    ]


def test_all_that_a_seeded_sandbox_hands_out_stays_the_same_from_start_to_start() -> None:
    first = story(5)
    assert len(set(first)) == len(first)
    assert first == story(5)
    assert set(first).isdisjoint(story(6))


def test_without_a_seed_nothing_is_the_same_twice() -> None:
    assert set(story(None)).isdisjoint(story(None))


def test_a_given_key_and_a_given_secret() -> None:
    sandbox = Sandbox(api_key="truedy_mine", webhook_secret="whsec_mine")
    assert (sandbox.api_key, sandbox.webhook_secret) == ("truedy_mine", "whsec_mine")
    with sandbox.client(api_key="truedy_mine") as client:
        assert len(client.agents.list().data) == 0


@pytest.mark.parametrize("text", ["", "two words", "zwölf", "line\nbreak", "tab\tbed"])
@pytest.mark.parametrize("option", ["api_key", "webhook_secret"])
def test_what_no_header_carries_is_refused(option: str, text: str) -> None:
    with pytest.raises(ValueError, match=option):
        Sandbox(**{option: text})
