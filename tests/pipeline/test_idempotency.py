from __future__ import annotations

import uuid
from typing import Any

import pytest

from trudy import InvalidArgumentError
from trudy.pipeline.core import key_for
from trudy.request import Endpoint, RetryClass


def endpoint(retry: RetryClass) -> Endpoint:
    return Endpoint(name="things.create", method="POST", path="/things", retry=retry)


@pytest.mark.parametrize("retry", [RetryClass.KEYED, RetryClass.RECONCILE])
def test_a_new_uuid_for_each_create(retry: RetryClass) -> None:
    first, second = (key_for(endpoint(retry), None) for _ in range(2))
    assert first != second
    assert uuid.UUID(first).version == 4


@pytest.mark.parametrize("retry", [RetryClass.REPEAT, RetryClass.ONCE])
def test_no_key_where_the_server_knows_none(retry: RetryClass) -> None:
    assert key_for(endpoint(retry), None) is None
    with pytest.raises(InvalidArgumentError, match="knows no idempotency key"):
        key_for(endpoint(retry), "mine")


def test_the_callers_own_key() -> None:
    assert key_for(endpoint(RetryClass.KEYED), "order-7") == "order-7"


@pytest.mark.parametrize("bad", ["", "a b", "a\n", "é", "x" * 256, 7, uuid.UUID(int=7), b"a"])
def test_a_key_that_no_header_can_hold_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="idempotency_key must be") as caught:
        key_for(endpoint(RetryClass.KEYED), bad)
    assert caught.value.argument == "idempotency_key"
