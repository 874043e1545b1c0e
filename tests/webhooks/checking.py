"""Deliveries that are checked, and those that are refused without telling a secret."""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.clock import NOON
from tests.webhooks.samples import NESTED, NUMBER, SECRET, pack, signed
from trudy.webhooks import (
    WebhookVerificationError,
    unwrap,
)

BODY = pack(NESTED)
SORTED = json.dumps(NESTED, sort_keys=True).encode()


def check(body: bytes = BODY, headers: Any = None, **options: Any) -> Any:
    return unwrap(body, signed(body) if headers is None else headers, **{"secret": SECRET, "now": NOON, **options})


def refuse(expected: type[WebhookVerificationError], body: bytes = BODY, headers: Any = None, **options: Any) -> str:
    with pytest.raises(WebhookVerificationError) as caught:
        check(body, headers, **options)
    error = caught.value
    assert type(error) is expected
    shown = "".join(traceback.format_exception(error)) + repr(vars(error))
    told = [str(error), repr(error), repr(vars(error)), repr(error.args), str(error.__cause__), str(error.__context__)]
    assert error.__cause__ is None
    assert error.__context__ is None
    given = headers if isinstance(headers, Mapping) else signed(body)
    for secret in (SECRET, NUMBER, given.get("X-Truedy-Signature", SECRET)):
        assert secret not in shown or not secret
        assert not any(secret in text for text in told if secret)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - it was pickled here
    return error.code
