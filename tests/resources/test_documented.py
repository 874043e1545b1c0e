"""What is documented closed is checked before anything is sent: members of objects, and words to filter by."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pytest

from tests.fakes.wire import Wire, envelope, rows
from tests.resources.test_operations import OPERATIONS, OPERATIONS_WITHOUT_METHOD, endpoint_for, method_of
from trudy import AsyncTrudyClient, InvalidArgumentError
from trudy.models import BatchContactInput, CallSettings, CallStatus, InactivityMessage
from trudy.resources._documented import _LISTS, _OBJECTS

pytestmark = pytest.mark.anyio

OPEN = {
    "variables": "names of the caller's own prompt",
    "custom_fields": "values of the caller's own",
    "metadata": "values of the caller's own",
    "definition": "three documented forms, and the voice provider's own",
    "mapping_config": "the headings of the caller's own file",
}
REQUIRED = {"agent_id": "a", "phone_number": "+14155552671", "name": "N", "voice_id": "v", "system_prompt": "p"}
NAMES = sorted(OPERATIONS.keys() - OPERATIONS_WITHOUT_METHOD.keys())


def hints(name: str, client: AsyncTrudyClient) -> dict[str, Any]:
    method = method_of(client, endpoint_for(OPERATIONS[name]).name)
    return {n: p.annotation for n, p in inspect.signature(method).parameters.items() if n not in ("options", "self")}


async def test_every_argument_that_is_an_object_is_closed_or_known_to_be_open(client: AsyncTrudyClient) -> None:
    found = {
        argument
        for name in NAMES
        for argument, hint in hints(name, client).items()
        if any(word in str(hint) for word in ("Mapping", "Param", "Dict", "Settings", "ContactItem"))
    }
    assert found == OPEN.keys() | _OBJECTS.keys()


OBJECTS = [
    ("create_call", "call_settings", {"recording_enable": True}, "recording_enabled"),
    ("create_agent", "greeting_settings", {"first_speeker": "agent"}, "first_speaker"),
    ("create_agent", "vad_settings", {"turn_endpoint_dealy": "1s"}, "turn_endpoint_delay"),
    ("create_agent", "inactivity_messages", [{"duration": "3s", "mesage": "hi"}], "message"),
    ("update_agent", "greeting_settings", {"Text": "Hi"}, "text"),
    ("update_agent", "vad_settings", {"frame_activation_treshold": 1}, "frame_activation_threshold"),
    ("update_agent", "inactivity_messages", [{"endBehaviour": "x"}], "endBehavior"),
    ("create_batch_call", "contacts", [{"phone_number": "+14155552671", "frist_name": "A"}], "first_name"),
    ("add_batch_call_contacts", "contacts", [{"phone_numbers": "+14155552671"}], "phone_number"),
]


@pytest.mark.parametrize(("name", "argument", "value", "nearest"), OBJECTS)
async def test_an_unknown_member_names_the_nearest(
    client: AsyncTrudyClient, wire: Wire, name: str, argument: str, value: Any, nearest: str
) -> None:
    method = method_of(client, endpoint_for(OPERATIONS[name]).name)
    needed = {n: v for n, v in REQUIRED.items() if n in hints(name, client)}
    if name.startswith("update"):
        needed = {"agent_id": "a"}
    if name == "add_batch_call_contacts":
        needed = {"batch_call_id": "b"}
    with pytest.raises(InvalidArgumentError, match=f"did you mean '{nearest}'") as caught:
        await method(**needed, **{argument: value})
    assert caught.value.argument == argument
    assert wire.sent == []


def test_each_closed_argument_was_tried() -> None:
    assert {argument for _, argument, _, _ in OBJECTS} == _OBJECTS.keys()


@pytest.mark.parametrize("value", ["on", 1, ["recording_enabled"], {1: True}, InactivityMessage()])
async def test_what_is_no_object_is_refused(client: AsyncTrudyClient, wire: Wire, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="call_settings"):
        await client.calls.create(agent_id="a", phone_number="+14155552671", call_settings=value)
    assert wire.sent == []


@pytest.mark.parametrize("argument", sorted(_LISTS))
@pytest.mark.parametrize("value", ["x", {"duration": "3s"}, [1]])
async def test_what_is_no_list_of_objects_is_refused(
    client: AsyncTrudyClient, wire: Wire, argument: str, value: Any
) -> None:
    method: Any = client.agents.update if argument == "inactivity_messages" else client.batch_calls.add_contacts
    with pytest.raises(InvalidArgumentError, match=argument):
        await method("a", **{argument: value})
    assert wire.sent == []


async def test_an_undocumented_member_goes_through_extra_and_extra_body(client: AsyncTrudyClient, wire: Wire) -> None:
    settings: list[Any] = [CallSettings(recording_enabled=True, extra={"new": 1}), {"recording_enabled": True}]
    for number, each in enumerate(settings):
        wire.answer(envelope({"id": f"c{number}", "status": "queued"}))
        await client.calls.create(
            agent_id="a",
            phone_number="+14155552671",
            call_settings=each,
            extra_body={} if each is settings[0] else {"call_settings": {"recording_enabled": True, "new": 1}},
        )
        assert wire.last.body["call_settings"] == {"recording_enabled": True, "new": 1}
    wire.answer(envelope({"added_count": 1}))
    await client.batch_calls.add_contacts("b", [BatchContactInput(phone_number="+14155552671", extra={"new": 1})])
    assert wire.last.body["contacts"] == [{"phone_number": "+14155552671", "new": 1}]


async def test_other_spellings_of_a_member_are_sent_as_the_documented_one(client: AsyncTrudyClient, wire: Wire) -> None:
    messages: Any = [{"duration": "3s", "message": "hi", "end_behavior": "END_BEHAVIOR_UNSPECIFIED"}]
    await client.agents.update("a", inactivity_messages=messages)
    assert wire.last.body["inactivity_messages"][0]["endBehavior"] == "END_BEHAVIOR_UNSPECIFIED"


async def test_the_error_shows_no_number_and_no_secret(client: AsyncTrudyClient) -> None:
    keys = ("+14155552671", "Bearer abcdefghijklmnopqrstuvwx", "x" * 5_000, "a\nb")
    for key in keys:
        settings: Any = {key: True}
        with pytest.raises(InvalidArgumentError) as caught:
            await client.calls.create(agent_id="a", phone_number="+14155552671", call_settings=settings)
        assert key not in str(caught.value)
        assert len(str(caught.value)) < 500


FILTERS = [
    ("list_calls", "status", "complete", "completed"),
    ("list_calls", "direction", "outbond", "outbound"),
    ("list_agents", "status", "activ", "active"),
    ("list_batch_calls", "status", "complete", "completed"),
    ("list_batch_call_contacts", "status", "complete", "completed"),
    ("list_contacts", "last_call_outcome", "voice_mail", "voicemail"),
    ("list_contact_folders", "sort_by", "names", "name"),
    ("list_contact_folders", "order", "des", "desc"),
    ("search_phone_numbers", "phone_number_type", "locall", "local"),
]


@pytest.mark.parametrize(("name", "argument", "word", "nearest"), FILTERS)
async def test_an_unknown_word_to_filter_by_names_the_nearest(
    client: AsyncTrudyClient, wire: Wire, name: str, argument: str, word: str, nearest: str
) -> None:
    method = method_of(client, endpoint_for(OPERATIONS[name]).name)
    needed = {"batch_call_id": "b"} if name == "list_batch_call_contacts" else {}
    with pytest.raises(InvalidArgumentError, match=f"did you mean '{nearest}'") as caught:
        await method(**needed, **{argument: word})
    assert caught.value.argument == argument
    assert wire.sent == []
    wire.answer(rows())
    await method(**needed, **{argument: nearest})
    sent: Mapping[str, Any] = wire.last.body if name == "search_phone_numbers" else wire.last.query
    assert sent[argument] == nearest


async def test_every_word_to_filter_by_was_tried(client: AsyncTrudyClient) -> None:
    texts = {"name", "search", "page", "limit", "offset", "page_size", "country_code", "locality", "area_code"}
    texts |= {"administrative_area", "api_key", "created_after", "created_before"}
    lists = [name for name in NAMES if OPERATIONS[name].pages]
    found = {
        (name, argument)
        for name in lists
        for argument in hints(name, client)
        if not argument.endswith("_id") and argument not in texts
    }
    assert found == {(name, argument) for name, argument, _, _ in FILTERS}


@pytest.mark.parametrize("word", ["ended", "in-progress", "In Progress", CallStatus.RINGING, CallStatus("brand_new")])
async def test_spellings_of_servers_pass_as_they_are(client: AsyncTrudyClient, wire: Wire, word: str) -> None:
    wire.answer(rows())
    await client.calls.list(status=word)
    assert wire.last.query["status"] == str(word)


async def test_an_undocumented_word_goes_through_extra_query(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(rows())
    await client.calls.list(extra_query={"status": "brand_new"})
    assert wire.last.query["status"] == "brand_new"


SHAPES = [
    *(("create_call", "variables", value) for value in ([1], "x", 5)),
    *(("create_contact", "custom_fields", value) for value in ([], "x")),
    *(("update_agent", "recording_enabled", value) for value in ("false", "no", 0, 1.0)),
    ("create_call", "call_settings", {"recording_enabled": "no"}),
    ("create_call", "call_settings", CallSettings(recording_enabled=cast("bool", 1))),
    *(("update_agent", "greeting_settings", {"uninterruptible": value}) for value in ("true", 1)),
    *(("create_batch_call", "retry_failed", value) for value in ("yes", 1)),
    *(("update_agent", "tools", value) for value in ("t1", 5, [1], [None], {"t1": True})),
    *(("create_batch_call", "phone_number_ids", value) for value in ("p1", [["p1"]])),
]


@pytest.mark.parametrize(("name", "argument", "value"), SHAPES)
async def test_what_has_another_shape_than_is_documented_is_refused(
    client: AsyncTrudyClient, wire: Wire, name: str, argument: str, value: Any
) -> None:
    method = method_of(client, endpoint_for(OPERATIONS[name]).name)
    ids = ("x",) if name.startswith("update") else ()
    needed = {} if ids else {n: v for n, v in REQUIRED.items() if n in hints(name, client)}
    with pytest.raises(InvalidArgumentError, match=argument) as caught:
        await method(*ids, **{**needed, argument: value})
    assert caught.value.argument == argument
    assert wire.sent == []


@pytest.mark.parametrize("value", [True, False, None, np.bool_(True)])
async def test_what_is_true_or_false_is_sent(client: AsyncTrudyClient, wire: Wire, value: Any) -> None:
    await client.agents.update("x", recording_enabled=value)
    assert wire.last.body == {"recording_enabled": None if value is None else bool(value)}
