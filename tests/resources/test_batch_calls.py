from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, time

import httpx
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.passing import as_time_goes_by
from tests.fakes.wire import Wire, envelope, refusal, rows
from trudy import (
    APITimeoutError,
    AsyncTrudyClient,
    InvalidArgumentError,
    RateLimitError,
    ServerError,
    TrudyClient,
    TrudyError,
    ValidationError,
    WaitTimeoutError,
)
from trudy.models import AddedContacts, BatchContactInput, BatchStatus, BatchStatusChange, Contact

pytestmark = pytest.mark.anyio
Use = Callable[[AsyncTrudyClient], Awaitable[object]]

ADA = {"phone_number": "+14155552671", "first_name": "Ada"}


def numbers(count: int) -> Iterator[dict[str, object]]:
    return ({"phone_number": f"+1415555{n:04d}"} for n in range(count))


@pytest.mark.parametrize(
    ("use", "method", "path", "body"),
    [
        (lambda c: c.batch_calls.get("b/1"), "GET", "/batch-calls/b%2F1", None),
        (lambda c: c.batch_calls.delete("b1"), "DELETE", "/batch-calls/b1", None),
        (lambda c: c.batch_calls.pause("b1"), "POST", "/batch-calls/b1/pause", None),
        (lambda c: c.batch_calls.resume("b1"), "POST", "/batch-calls/b1/resume", None),
        (lambda c: c.batch_calls.schedule("b1"), "POST", "/batch-calls/b1/schedule", {}),
        (
            lambda c: c.batch_calls.schedule(
                "b1", scheduled_at=datetime(2027, 1, 15, 9, tzinfo=UTC), timezone="America/New_York"
            ),
            "POST",
            "/batch-calls/b1/schedule",
            {"scheduled_at": "2027-01-15T09:00:00Z", "timezone": "America/New_York"},
        ),
        (
            lambda c: c.batch_calls.schedule("b1", scheduled_at=None),
            "POST",
            "/batch-calls/b1/schedule",
            {"scheduled_at": None},
        ),
        (lambda c: c.batch_calls.bulk_delete(["a", "b"]), "POST", "/batch-calls/bulk-delete", {"ids": ["a", "b"]}),
        (lambda c: c.batch_calls.get_analytics("b1"), "GET", "/batch-calls/b1/analytics", None),
        (
            lambda c: c.batch_calls.update("b1", name="N", scheduled_at=None, end_time=time(17, 30)),
            "PATCH",
            "/batch-calls/b1",
            {"name": "N", "scheduled_at": None, "end_time": "17:30"},
        ),
        (
            lambda c: c.batch_calls.update("b1", working_days=range(1, 6)),
            "PATCH",
            "/batch-calls/b1",
            {"working_days": [1, 2, 3, 4, 5]},
        ),
        (
            lambda c: c.batch_calls.create(
                name="N",
                agent_id="a",
                contacts=[ADA, BatchContactInput(phone_number="+14155552672", custom_fields={"n": 1})],
                schedule_type="scheduled",
                scheduled_at="2027-01-15T09:00:00Z",
                start_time="09:00",
                working_days=[1, 5],
                max_concurrent_calls=3,
                retry_failed=False,
            ),
            "POST",
            "/batch-calls",
            {
                "name": "N",
                "agent_id": "a",
                "contacts": [ADA, {"phone_number": "+14155552672", "custom_fields": {"n": 1}}],
                "schedule_type": "scheduled",
                "scheduled_at": "2027-01-15T09:00:00Z",
                "start_time": "09:00",
                "working_days": [1, 5],
                "max_concurrent_calls": 3,
                "retry_failed": False,
            },
        ),
    ],
)
async def test_what_goes_over_the_wire(
    client: AsyncTrudyClient, wire: Wire, use: Use, method: str, path: str, body: object
) -> None:
    await use(client)
    assert (wire.last.method, wire.last.path, wire.last.body) == (method, path, body)
    assert ("x-idempotency-key" in wire.last.headers) == (path == "/batch-calls")


@pytest.mark.parametrize(
    ("start", "end", "sent"),
    [
        ("09:00", "24:00", ("09:00", "24:00")),
        (time(9), time(0), ("09:00", "00:00")),
        ("22:00", "06:00", ("22:00", "06:00")),
    ],
)
async def test_hours_may_end_at_midnight_or_run_into_the_next_day(
    client: AsyncTrudyClient, wire: Wire, start: time | str, end: time | str, sent: tuple[str, str]
) -> None:
    await client.batch_calls.create(name="N", agent_id="a", start_time=start, end_time=end)
    assert (wire.last.body["start_time"], wire.last.body["end_time"]) == sent


async def test_lists_filter_and_page(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(rows("a", "b", has_more=True, total=4), rows("b", "c", has_more=False, total=4))
    found = [batch.id async for batch in client.batch_calls.list(agent_id="x", status="active", page_size=2)]
    assert found == ["a", "b", "c"]
    assert [sent.query for sent in wire.sent] == [
        {"agent_id": "x", "status": "active", "limit": "2", "offset": "0"},
        {"agent_id": "x", "status": "active", "limit": "2", "offset": "2"},
    ]


async def test_contacts_without_a_stored_contact_are_all_listed(client: AsyncTrudyClient, wire: Wire) -> None:
    people = [{"phone_number": f"+1415555000{n}", "call_status": "pending", "contact_id": None} for n in range(3)]
    wire.answer(envelope(people[:2], has_more=True), envelope(people[2:], has_more=False))
    found = [c.phone_number async for c in client.batch_calls.list_contacts("b1", status="pending", page_size=2)]
    assert found == [person["phone_number"] for person in people]
    assert wire.sent[0].path == "/batch-calls/b1/contacts"


@pytest.mark.parametrize(
    ("use", "argument"),
    [
        (lambda c: c.batch_calls.create(name="", agent_id="a"), "name"),
        (lambda c: c.batch_calls.create(name="N", agent_id=" "), "agent_id"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", contact_source="folder"), "contact_folder_id"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", schedule_type="scheduled"), "scheduled_at"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", schedule_type="soon"), "schedule_type"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", start_time="24:00"), "start_time"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", end_time="9:00"), "end_time"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", end_time="24:01"), "end_time"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", start_time=time(9, 0, 30)), "start_time"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", end_time=time(17, 0, 0, 1)), "end_time"),
        (lambda c: c.batch_calls.update("b", start_time=time(9, tzinfo=UTC)), "start_time"),
        (lambda c: c.batch_calls.update("b", end_time=time(17, 0, 59)), "end_time"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", working_days=[]), "working_days"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", working_days=[1, 1]), "working_days"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", working_days=[0]), "working_days"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", max_concurrent_calls=101), "max_concurrent_calls"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", max_calls_per_day=0), "max_calls_per_day"),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", max_retry_attempts=4), "max_retry_attempts"),
        (
            lambda c: c.batch_calls.create(name="N", agent_id="a", contacts=[ADA, {"phone_number": "0415"}]),
            "contacts[1].phone_number",
        ),
        (lambda c: c.batch_calls.create(name="N", agent_id="a", contacts="+14155552671"), "contacts"),
        (lambda c: c.batch_calls.update("b", name=""), "name"),
        (lambda c: c.batch_calls.bulk_delete([]), "ids"),
        (lambda c: c.batch_calls.bulk_delete("b1"), "ids"),
        (lambda c: c.batch_calls.bulk_delete(["b1", ""]), "ids[1]"),
        (lambda c: c.batch_calls.add_contacts("b1", [ADA], chunk_size=0), "chunk_size"),
        (lambda c: c.batch_calls.add_contacts("", [ADA]), "batch_call_id"),
        (lambda c: c.batch_calls.add_contacts("b1", [ADA, 7]), "contacts"),
        (lambda c: c.batch_calls.add_contacts("b1", 7), "contacts"),
        (lambda c: c.batch_calls.add_contacts("b1", ADA), "contacts"),
        (lambda c: c.batch_calls.wait("", max_wait=1), "batch_call_id"),
    ],
)
async def test_bad_arguments_are_refused_before_anything_is_sent(
    client: AsyncTrudyClient, wire: Wire, use: Use, argument: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await use(client)
    assert caught.value.argument == argument
    assert wire.sent == []


async def test_numbers_kept_for_fiction_are_refused_on_the_real_host(wire: Wire) -> None:
    async with AsyncTrudyClient("truedy_0123456789abcdef", rate_limit=False) as real:
        with pytest.raises(InvalidArgumentError, match="kept for fiction"):
            await real.batch_calls.add_contacts("b1", [{"phone_number": "+14155550123"}])
    assert wire.sent == []


def added(count: int, failed: int = 0) -> httpx.Response:
    return envelope({"added_count": count, "failed_count": failed}, 201)


async def test_contacts_go_in_chunks_and_the_sums_come_back(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(added(3), added(2, 1), added(1))
    result = await client.batch_calls.add_contacts("b1", numbers(7), chunk_size=3)
    assert (result.added_count, result.failed_count, result.answered, result.in_doubt) == (6, 1, 7, 0)
    assert [len(sent.body["contacts"]) for sent in wire.sent] == [3, 3, 1]
    assert [row["phone_number"] for sent in wire.sent for row in sent.body["contacts"]] == [
        row["phone_number"] for row in numbers(7)
    ]
    assert result.to_dict() == {"added_count": 6, "failed_count": 1, "answered": 7, "in_doubt": 0}


async def test_progress_is_called_after_each_chunk(client: AsyncTrudyClient, wire: Wire) -> None:
    seen: list[tuple[int, int]] = []

    async def progress(so_far: AddedContacts) -> None:
        seen.append((so_far.answered, so_far.failed_count))

    wire.answer(added(3), added(2, 1), added(1))
    await client.batch_calls.add_contacts("b1", numbers(7), chunk_size=3, progress=progress)
    assert seen == [(3, 0), (6, 1), (7, 1)]
    with pytest.raises(InvalidArgumentError, match="progress"):
        await client.batch_calls.add_contacts("b1", numbers(7), progress=5)  # type: ignore[arg-type]


async def test_no_contact_is_no_request(client: AsyncTrudyClient, wire: Wire) -> None:
    assert await client.batch_calls.add_contacts("b1", iter(())) == AddedContacts()
    assert wire.sent == []


async def test_contacts_come_from_an_asynchronous_iterable(client: AsyncTrudyClient, wire: Wire) -> None:
    async def people() -> AsyncIterator[Contact]:
        yield Contact(id="1", phone_number="+14155552671", first_name="Ada", custom_fields={"k": "v"})
        yield Contact(id="2", phone_number="+14155552672")

    wire.answer(added(2))
    await client.batch_calls.add_contacts("b1", people())
    assert wire.last.body == {
        "contacts": [
            {"phone_number": "+14155552671", "first_name": "Ada", "custom_fields": {"k": "v"}},
            {"phone_number": "+14155552672"},
        ]
    }


async def test_contacts_come_from_a_list_of_this_client(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope([{"id": "1", "phone": "+14155552671"}], page=1, limit=100, total=1, pages=1), added(1))
    result = await client.batch_calls.add_contacts("b1", client.contacts.list(folder_id="f"))
    assert result.added_count == 1
    assert [sent.path for sent in wire.sent] == ["/contacts", "/batch-calls/b1/contacts"]


def test_contacts_come_from_a_list_of_the_sync_client(wire: Wire) -> None:
    wire.answer(
        envelope([{"id": "1", "phone": "+14155552671"}], page=1, limit=1, total=2, pages=2),
        envelope([{"id": "2", "phone": "+14155552672"}], page=2, limit=1, total=2, pages=2),
        added(2),
    )
    with TrudyClient("truedy_0123456789abcdef", base_url="https://api.test/api/public/v1") as client:
        result = client.batch_calls.add_contacts("b1", client.contacts.list(page_size=1))
    assert result.added_count == 2


@pytest.mark.parametrize(
    ("fault", "kind", "in_doubt"),
    [
        (refusal(422, "validation_error"), ValidationError, 0),
        (refusal(500, "internal_error"), ServerError, 2),
        (httpx.ReadTimeout("slow"), APITimeoutError, 2),
    ],
)
async def test_an_error_midway_carries_what_was_accepted(
    client: AsyncTrudyClient, wire: Wire, fault: httpx.Response | Exception, kind: type[TrudyError], in_doubt: int
) -> None:
    wire.answer(added(2), fault)
    with pytest.raises(kind) as caught:
        await client.batch_calls.add_contacts("b1", numbers(6), chunk_size=2)
    partial = caught.value.partial
    assert isinstance(partial, AddedContacts)
    assert (partial.added_count, partial.answered, partial.in_doubt) == (2, 2, in_doubt)
    assert not caught.value.retryable
    assert len(wire.sent) == 2  # a POST without a key is not repeated


@pytest.mark.parametrize(("before", "retryable"), [([], True), ([added(2)], False)])
async def test_adding_contacts_again_is_safe_only_while_none_was_added(
    client: AsyncTrudyClient, wire: Wire, before: list[httpx.Response], *, retryable: bool
) -> None:
    wire.answer(*before, refusal(429, "rate_limit_exceeded"))
    with pytest.raises(RateLimitError) as caught:
        await client.batch_calls.add_contacts("b1", numbers(4), chunk_size=2, max_rate_limit_wait=0)
    assert caught.value.retryable is retryable


async def test_a_bad_contact_midway_carries_what_was_accepted(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(added(2))

    def people() -> Iterator[dict[str, object]]:
        yield from numbers(3)
        yield {"phone_number": "nobody"}

    with pytest.raises(InvalidArgumentError) as caught:
        await client.batch_calls.add_contacts("b1", people(), chunk_size=2)
    assert caught.value.argument == "contacts[3].phone_number"
    assert isinstance(caught.value.partial, AddedContacts)
    assert caught.value.partial.answered == 2


async def test_an_error_of_the_callers_own_notes_what_was_accepted(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(added(2))

    def people() -> Iterator[dict[str, object]]:
        yield from numbers(2)
        raise LookupError("the file ends here")

    with pytest.raises(LookupError) as caught:
        await client.batch_calls.add_contacts("b1", people(), chunk_size=2)
    assert caught.value.__notes__ == ["the server had answered for the first 2 contacts"]


async def test_a_deadline_bounds_all_chunks_together(client: AsyncTrudyClient, wire: Wire, clock: FakeClock) -> None:
    def slowly() -> Iterator[dict[str, object]]:
        for person in numbers(6):
            clock.advance(4)
            yield person

    wire.answer(added(2))
    with pytest.raises(TrudyError) as caught:
        await client.batch_calls.add_contacts("b1", slowly(), chunk_size=2, deadline=20)
    assert isinstance(caught.value, APITimeoutError)
    assert isinstance(caught.value.partial, AddedContacts)
    assert caught.value.partial.answered == 4


@pytest.mark.parametrize(
    "use",
    [lambda c: c.batch_calls.schedule("b1"), lambda c: c.batch_calls.pause("b1"), lambda c: c.batch_calls.resume("b1")],
)
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (envelope({"batch_id": "b1", "status": "active"}), "active"),
        (envelope({"status": "active"}, 201), "active"),
        (envelope({"success": True}), ""),
        (envelope({}), ""),
        (envelope(None), ""),
        (httpx.Response(204), ""),
    ],
)
async def test_no_success_is_an_error_once_a_batch_was_started_or_stopped(
    client: AsyncTrudyClient, wire: Wire, use: Use, answer: httpx.Response, status: str
) -> None:
    wire.answer(answer)
    change = await use(client)
    assert isinstance(change, BatchStatusChange)
    assert (change.id, change.status.value) == ("b1", status)


async def test_a_batch_is_waited_for(client: AsyncTrudyClient, wire: Wire, clock: FakeClock) -> None:
    wire.answer(*(envelope({"id": "b1", "status": word}) for word in ("scheduled", "running", "paused", "completed")))
    batch = await as_time_goes_by(clock, lambda: client.batch_calls.wait("b1"))
    assert batch.status is BatchStatus.COMPLETED
    assert [sent.path for sent in wire.sent] == ["/batch-calls/b1"] * 4


async def test_a_wait_for_a_batch_that_does_not_end_ends(
    client: AsyncTrudyClient, wire: Wire, clock: FakeClock
) -> None:
    wire.answer(envelope({"id": "b1", "status": "paused"}))
    with pytest.raises(WaitTimeoutError) as caught:
        await as_time_goes_by(clock, lambda: client.batch_calls.wait("b1", max_wait=60))
    assert getattr(caught.value.last, "status", None) is BatchStatus.PAUSED


async def test_an_error_midway_leaves_no_list_of_this_client_open(client: AsyncTrudyClient, wire: Wire) -> None:
    page = envelope(list(numbers_with_ids(2)), page=1, limit=2, total=4, pages=2)
    wire.answer(page, added(1), refusal(422, "validation_error"))
    with pytest.raises(ValidationError) as caught:
        await client.batch_calls.add_contacts("b1", client.contacts.list(page_size=2), chunk_size=1)
    assert isinstance(caught.value.partial, AddedContacts)
    assert caught.value.partial.answered == 1
    del caught
    gc.collect()


def numbers_with_ids(count: int) -> Iterator[dict[str, object]]:
    return ({"id": str(n), **person} for n, person in enumerate(numbers(count)))
