"""Values of other libraries work, or the error names the argument and nothing is sent."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pandas as pd
import pytest
from fastapi import UploadFile

from tests.fakes.wire import Wire, envelope
from trudy import AsyncTrudyClient, InvalidArgumentError

pytestmark = pytest.mark.anyio
NUMBER = "+14155552671"
Use = Callable[[AsyncTrudyClient, Any], Awaitable[object]]


async def create(client: AsyncTrudyClient, **arguments: Any) -> None:
    await client.calls.create(**{"agent_id": "a", "phone_number": NUMBER, **arguments})


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (np.int64(3), 3),
        (np.uint8(3), 3),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (pd.Timestamp("2026-03-01T10:00:00.123456789Z"), "2026-03-01T10:00:00.123456Z"),
        (pd.Timestamp("2026-03-01T10:00:00", tz="America/New_York"), "2026-03-01T15:00:00Z"),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00Z"),
        (pd.Timedelta(seconds=3), "3s"),
    ],
)
async def test_scalars_of_numpy_and_pandas(client: AsyncTrudyClient, wire: Wire, value: object, sent: object) -> None:
    wire.answer(envelope({"id": "c", "status": "queued"}))
    await create(client, variables={"a": value, "in": [{"b": value}]})
    assert wire.last.body["variables"] == {"a": sent, "in": [{"b": sent}]}


@pytest.mark.parametrize(
    "value",
    [
        pd.NaT,
        pd.NA,
        float("nan"),
        np.nan,
        np.float32("inf"),
        np.array([1, 2]),
        np.array(1j),
        np.longdouble(1),
        np.datetime64("2026-03-01"),
        pd.Timestamp("2026-03-01"),
        pd.Series([1]),
        pd.DataFrame({"a": [1]}),
        Decimal(1),
        {1, 2},
        b"x",
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_json_cannot_hold(client: AsyncTrudyClient, wire: Wire, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match="variables") as caught:
        await create(client, variables={"a": [value]})
    assert caught.value.argument == "variables"
    assert wire.sent == []


TIMES: dict[str, Use] = {
    "scheduled_at": lambda client, value: client.batch_calls.schedule("b", scheduled_at=value),
    "created_after": lambda client, value: client.calls.list(created_after=value),
    "created_before": lambda client, value: client.calls.list(created_before=value),
}


@pytest.mark.parametrize("value", [pd.NaT, pd.Timestamp("2026-03-01"), np.datetime64("2026-03-01"), object()])
@pytest.mark.parametrize("argument", sorted(TIMES))
async def test_what_is_no_time(client: AsyncTrudyClient, wire: Wire, argument: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=argument) as caught:
        await TIMES[argument](client, value)
    assert caught.value.argument == argument
    assert wire.sent == []


FRAME = pd.DataFrame({"phone": [14155552671, 14155552672], "other": [14155552671.0, None]})
DAMAGED: list[Any] = [
    14155552671,
    FRAME.loc[0, "phone"],
    FRAME.loc[0, "other"],
    14155552671.0,
    "1.41555E+10",
    "1.41555267E10",
    "1,41555E+10",
    "14155552671.0",
    "+14155552671.0",
]


NUMBERS: dict[str, Use] = {
    "call": lambda client, value: create(client, phone_number=value),
    "from_number": lambda client, value: create(client, from_number=value),
    "contact": lambda client, value: client.contacts.create(phone_number=value),
    "batch": lambda client, value: client.batch_calls.add_contacts("b", [{"phone_number": value}]),
    "purchase": lambda client, value: client.telephony.numbers.purchase(value),
}


@pytest.mark.parametrize("value", DAMAGED, ids=repr)
@pytest.mark.parametrize("use", NUMBERS.values(), ids=list(NUMBERS))
async def test_a_number_that_a_table_damaged(client: AsyncTrudyClient, wire: Wire, use: Use, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="read the column as text") as caught:
        await use(client, value)
    assert "14155552671" not in str(caught.value)
    assert wire.sent == []


@pytest.mark.parametrize("value", [FRAME.loc[1, "other"], pd.NaT, pd.NA, float("nan")], ids=repr)
async def test_a_number_of_an_empty_cell(client: AsyncTrudyClient, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="the cell is empty"):
        await create(client, phone_number=value)


@pytest.mark.parametrize("value", ["(415) 555-2671", "4155552671", "0044 20 7946 0123", "", "+1 415 555 2671"])
async def test_a_national_spelling_names_the_way(client: AsyncTrudyClient, value: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"trudy\.phone\.to_e164"):
        await create(client, phone_number=value)


async def test_an_upload_of_fastapi(client: AsyncTrudyClient, wire: Wire) -> None:
    file: Any = UploadFile(io.BytesIO(b"phone\r\n+14155552671\r\n"), filename="people.csv")
    wire.answer(envelope({"imported": 1}))
    await client.contacts.import_file(file)
    assert b"+14155552671" in wire.last.body
    assert b'filename="people.csv"' in wire.last.body


async def test_a_file_that_is_read_by_await(client: AsyncTrudyClient, wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"phone\r\n+14155552671\r\n")
    async with await anyio.open_file(path, "rb") as file:
        opened: Any = file
        with pytest.raises(InvalidArgumentError, match="read by await") as caught:
            await client.contacts.import_file(opened)
    assert caught.value.argument == "file"
    assert wire.sent == []


BIG = 10**5000
MISSING = [pd.NaT, np.datetime64("NaT"), np.timedelta64("NaT"), BIG, -BIG]
TAKES_IT: dict[str, Use] = {
    "variables": lambda c, v: create(c, variables={"a": [{"b": v}]}),
    "call_settings": lambda c, v: create(c, call_settings={"max_duration": v}),
    "extra_body": lambda c, v: create(c, extra_body={"a": v}),
    "scheduled_at": lambda c, v: c.batch_calls.schedule("b", scheduled_at=v),
    "metadata": lambda c, v: c.contacts.create(phone_number=NUMBER, metadata={"a": v}),
    "definition": lambda c, v: c.tools.create(name="T", definition={"a": v}),
    "created_after": lambda c, v: c.calls.find(phone_number=NUMBER, created_after=v),
    "limit": lambda c, v: c.calls.list(limit=v),
    "deadline": lambda c, v: c.calls.get("c", deadline=v),
    "max_wait": lambda c, v: c.calls.wait("c", max_wait=v),
}


@pytest.mark.parametrize("value", MISSING, ids=["pandas NaT", "NumPy time", "NumPy duration", "large", "small"])
@pytest.mark.parametrize("argument", TAKES_IT)
async def test_what_is_no_time_and_no_number(client: AsyncTrudyClient, wire: Wire, argument: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await TAKES_IT[argument](client, value)
    assert caught.value.argument == argument
    assert not wire.sent


async def test_a_search_by_a_number_that_no_server_shows(client: AsyncTrudyClient) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await client.calls.find(variables={"a": -BIG})
    assert caught.value.argument == "variables"
