"""Every operation through the SDK: what one does with it, what the server refuses, and that nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import pytest

import trudy
from trudy import TrudyClient
from trudy.models import HttpTool
from trudy.sandbox import Sandbox
from trudy.sandbox.http.contract import operations

MONDAY = datetime(2025, 6, 16, 14, 0, 20, tzinfo=UTC).timestamp()
"""Not where a minute begins: there a client waits until it is sure of that, and this clock stands still."""
NUMBERS = ["+14155550100", "+14155550101"]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=0, start=MONDAY, rate_limit=None, experimental=True)


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[TrudyClient]:
    with sandbox.client(max_retries=0) as client:
        yield client


@pytest.fixture
def agent_id(client: TrudyClient, sandbox: Sandbox) -> str:
    return client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.").id


def used(sandbox: Sandbox, *prefixes: str) -> tuple[set[str], set[str]]:
    """The operations below these paths that were asked for, and all there are."""
    below = [found for found in operations() if found.path.startswith(prefixes)]
    patterns = [(found, re.compile(re.sub(r"{\w+}", "[^/]+", found.path))) for found in below]
    asked = {
        found.id
        for request in sandbox.requests
        for found, pattern in patterns
        if found.method == request.method and pattern.fullmatch(request.path)
    }
    return asked, {found.id for found in below}


def test_agents_and_browser_calls(sandbox: Sandbox, client: TrudyClient, agent_id: str) -> None:
    assert client.agents.update(agent_id, description="d").description == "d"
    assert [agent.id for agent in client.agents.list(name="ad")] == [agent_id]
    link = client.agents.create_test_call(agent_id)
    assert sandbox.join_call(link.join_url or "").id == link.call_id
    call = client.webrtc.create_call(agent_id=agent_id, variables={"name": "Bo"})
    assert client.calls.get(call.call_id).direction == "webrtc"
    assert call.agent_name == "Ada"
    with pytest.raises(trudy.NotFoundError):
        client.agents.create(name="x", voice_id="nobody", system_prompt="x")
    with pytest.raises(trudy.NotFoundError):
        client.webrtc.create_call(agent_id="nobody")
    assert client.agents.delete(agent_id).deleted
    with pytest.raises(trudy.NotFoundError):
        client.agents.get(agent_id)
    asked, known = used(sandbox, "/agents", "/webrtc")
    # The other verb for an update has no method.
    assert asked == known - {"patch_agent"}


def test_calls(sandbox: Sandbox, client: TrudyClient, agent_id: str) -> None:
    calls = [client.calls.create(agent_id=agent_id, phone_number=number) for number in NUMBERS]
    with pytest.raises(trudy.ValidationError, match="still in flight"):
        client.calls.delete(calls[0].id)
    sandbox.advance(minutes=1)
    assert [call.id for call in client.calls.list(status="completed")] == [call.id for call in reversed(calls)]
    assert client.calls.get_transcript(calls[0].id).text
    assert client.calls.get_recording(calls[0].id).format == "mp3"
    assert client.calls.get(calls[0].id).duration_seconds == 24
    assert client.calls.delete(calls[0].id).deleted
    result = client.calls.bulk_delete([calls[1].id, "nobody"])
    assert (result.deleted_ids, result.failed_ids) == ((calls[1].id,), ("nobody",))
    asked, known = used(sandbox, "/calls")
    assert asked == known


def test_batch_calls(sandbox: Sandbox, client: TrudyClient, agent_id: str) -> None:
    batch = client.batch_calls.create(
        name="June",
        agent_id=agent_id,
        contacts=[{"phone_number": NUMBERS[0], "first_name": "Bo"}],
        timezone="America/New_York",
        start_time=time(9),
        end_time="17:00",
        max_concurrent_calls=1,
    )
    assert batch.status == "draft"
    added = client.batch_calls.add_contacts(batch.id, [{"phone_number": number} for number in NUMBERS], chunk_size=1)
    assert (added.added_count, added.failed_count) == (1, 1)
    assert client.batch_calls.update(batch.id, name="July").name == "July"
    assert client.batch_calls.schedule(batch.id).status == "scheduled"
    assert client.batch_calls.pause(batch.id).status == "paused"
    with pytest.raises(trudy.ValidationError, match="is paused"):
        client.batch_calls.pause(batch.id)
    assert client.batch_calls.resume(batch.id).status == "active"
    with pytest.raises(trudy.ValidationError, match="is active"):
        client.batch_calls.delete(batch.id)
    sandbox.advance(minutes=5)
    done = client.batch_calls.wait(batch.id)
    assert (done.status, done.completed, done.total_contacts) == ("completed", 2, 2)
    people = list(client.batch_calls.list_contacts(batch.id))
    assert [(person.phone_number, person.call_status) for person in people] == [
        (number, "completed") for number in NUMBERS
    ]
    assert client.calls.get(people[0].call_id or "").metadata == {
        "campaign_id": batch.id,
        "contact_id": people[0].contact_id,
    }
    assert client.batch_calls.get_analytics(batch.id).extra["calls"] == 2
    assert [row.id for row in client.batch_calls.list(status="completed")] == [batch.id]
    with pytest.raises(trudy.NotFoundError):
        client.batch_calls.create(name="x", agent_id="nobody")
    drafts = [client.batch_calls.create(name="x", agent_id=agent_id).id for _ in range(2)]
    assert client.batch_calls.delete(drafts[0]).deleted
    assert client.batch_calls.bulk_delete([drafts[1], batch.id]).failed_ids == (batch.id,)
    asked, known = used(sandbox, "/batch-calls")
    assert asked == known


def test_contacts(sandbox: Sandbox, client: TrudyClient) -> None:
    folder = client.contacts.folders.create(name="Leads", description="d")
    contact = client.contacts.create(phone_number=NUMBERS[0], folder_id=folder.id, first_name="Ann")
    assert client.contacts.update(contact.id, last_name="Lee").name == "Ann Lee"
    result = client.contacts.import_file(
        b"phone,name\n+14155550101,Bo\n4155,Cy\n", folder_id=folder.id, filename="a.csv"
    )
    assert (result.imported, result.errors) == (1, 1)
    mapped = client.contacts.import_file(
        b"Tel,Ort\n+14155550102,Ulm\n",
        folder_id=folder.id,
        filename="b.csv",
        mapping_config={"Tel": "phone_number"},
        form="json",
    )
    assert (mapped.imported, mapped.errors) == (1, 0)
    assert len(list(client.contacts.list(folder_id=folder.id, page_size=1))) == 3
    assert client.contacts.get(contact.id).phone_number == NUMBERS[0]
    assert [row.contact_count for row in client.contacts.folders.list()] == [3]
    with pytest.raises(trudy.NotFoundError, match="Folder"):
        client.contacts.create(phone_number=NUMBERS[0], folder_id="nobody")
    assert client.contacts.delete(contact.id).deleted
    assert client.contacts.folders.delete(folder.id).deleted
    assert list(client.contacts.list()) == []
    asked, known = used(sandbox, "/contacts")
    assert asked == known


def test_tools(sandbox: Sandbox, client: TrudyClient) -> None:
    built = client.tools.create(name="look_up", definition=HttpTool(url="https://a.test/orders", method="POST"))
    plain = client.tools.create(definition={"modelToolName": "other", "http": {"url": "https://a.test"}})
    assert [(tool.name, tool.url, tool.method) for tool in client.tools.list()] == [
        ("other", "https://a.test", "GET"),
        ("look_up", "https://a.test/orders", "POST"),
    ]
    assert client.tools.update(plain.id, name="renamed").name == "renamed"
    assert client.tools.get(built.id).definition == built.definition
    with pytest.raises(trudy.ValidationError, match=r"definition\.http\.url"):
        client.tools.create(name="x", definition={"http": {}})
    assert client.tools.delete(built.id).deleted
    asked, known = used(sandbox, "/tools")
    assert asked == known


def test_knowledge_bases(sandbox: Sandbox, client: TrudyClient) -> None:
    base = client.knowledge_bases.create(name="Prices")
    document = client.knowledge_bases.sources.add_document(base.id, ("a.txt", b"All prices"), name="Doc")
    web = client.knowledge_bases.sources.add_web(base.id, name="Site", urls=["https://a.test"])
    assert client.knowledge_bases.get(base.id).status == "processing"
    sandbox.advance(seconds=5)
    assert client.knowledge_bases.wait(base.id).status == "ready"
    assert [source.id for source in client.knowledge_bases.sources.list(base.id)] == [document.id, web.id]
    assert client.knowledge_bases.sources.get(base.id, web.id).status == "ready"
    assert client.knowledge_bases.update(base.id, description="d").description == "d"
    assert [row.id for row in client.knowledge_bases.list(name="price")] == [base.id]
    assert client.knowledge_bases.sources.delete(base.id, web.id).deleted
    assert client.knowledge_bases.delete(base.id).deleted
    with pytest.raises(trudy.NotFoundError, match="Knowledge base"):
        client.knowledge_bases.sources.add_web(base.id, name="x", urls=["https://a.test"])
    asked, known = used(sandbox, "/knowledge-bases")
    assert asked == known


def test_voices(sandbox: Sandbox, client: TrudyClient) -> None:
    imported = client.voices.import_(name="Eleven", provider_voice_id="p")
    clone = client.voices.clone(name="Me", files=[("me.wav", b"RIFF")])
    assert clone.status == "training"
    with pytest.raises(trudy.ValidationError, match="not trained"):
        client.agents.create(name="x", voice_id=clone.id, system_prompt="x")
    sandbox.advance(minutes=1)
    assert client.voices.wait(clone.id).status == "active"
    assert [voice.name for voice in client.voices.list()] == ["Ava", "Noah", "Eleven", "Me"]
    assert client.voices.update(clone.id, name="You").name == "You"
    assert client.voices.get(imported.id).provider == "elevenlabs"
    assert client.voices.delete(imported.id).deleted
    with pytest.raises(trudy.NotFoundError):
        client.voices.get(imported.id)
    asked, known = used(sandbox, "/voices")
    assert asked == known


def test_telephony(sandbox: Sandbox, client: TrudyClient, agent_id: str) -> None:
    telephony = client.telephony
    found = list(telephony.numbers.search(area_code="415", page_size=30))
    assert len({number.phone_number for number in found}) == 100
    bought = telephony.numbers.purchase(found[0].phone_number)
    with pytest.raises(trudy.ValidationError, match="not available"):
        telephony.numbers.purchase(found[0].phone_number)
    brought = telephony.numbers.import_("+4915112345678", provider_type="telnyx", api_key="KEY-secret")
    number_id = bought.id or ""
    assert telephony.numbers.assign(number_id, agent_id=agent_id, assignment_type="inbound").agent_id == agent_id
    assert [row.id for row in telephony.list_agent_numbers(agent_id).inbound] == [number_id]
    assert telephony.numbers.unassign(number_id, assignment_type="inbound").agent_id is None
    with pytest.raises(trudy.ValidationError, match="serves no agent"):
        telephony.numbers.unassign(number_id, assignment_type="inbound")
    assert telephony.get_agent_webhook_url(agent_id).webhook_url.startswith("http")
    assert [row.provider_type for row in telephony.list_credentials()] == ["telnyx"]
    assert telephony.numbers.delete(brought.id or "").deleted
    assert len(list(telephony.numbers.list())) == 2
    asked, known = used(sandbox, "/telephony")
    assert asked == known


@pytest.mark.parametrize("namespace", ["batch_calls", "knowledge_bases", "voices", "agents"])
def test_without_credit_nothing_is_made(sandbox: Sandbox, client: TrudyClient, agent_id: str, namespace: str) -> None:
    sandbox.payment_required = "insufficient_credits"
    creates: dict[str, Any] = {
        "batch_calls": lambda: client.batch_calls.create(name="x", agent_id=agent_id),
        "knowledge_bases": lambda: client.knowledge_bases.create(name="x"),
        "voices": lambda: client.voices.clone(name="x", files=[("a.wav", b"RIFF")]),
        "agents": lambda: client.agents.create_test_call(agent_id),
    }
    with pytest.raises(trudy.PaymentRequiredError):
        creates[namespace]()


def test_the_prefixes_above_are_complete() -> None:
    prefixes = {found.path.split("/")[1] for found in operations()}
    assert prefixes == {
        "agents",
        "webrtc",
        "calls",
        "batch-calls",
        "contacts",
        "tools",
        "knowledge-bases",
        "voices",
        "telephony",
    }


def test_a_create_that_found_no_connection_is_proven_unsent_and_goes_out_again() -> None:
    sandbox = Sandbox(speed=600, rate_limit=None)
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        sandbox.fail_next(path="/calls", reset="connect")
        call = client.calls.create(agent_id=agent.id, phone_number=NUMBERS[0])
        assert [placed.id for placed in sandbox.placed_calls] == [call.id]
        sandbox.fail_next(path="/calls", reset="connect")
        with pytest.raises(trudy.APIConnectionError) as caught:
            client.calls.create(agent_id=agent.id, phone_number=NUMBERS[0], max_retries=0)
        assert not caught.value.request_sent
    assert len(sandbox.placed_calls) == 1
