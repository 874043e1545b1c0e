"""Checks of errors of the transport."""

from __future__ import annotations

import pickle

from trudy.errors import APIConnectionError


def assert_no_secret(error: APIConnectionError) -> None:
    shown = f"{error} {error!r} {error.details} {error.__dict__}"
    assert "secret" not in shown
    assert "phone" not in shown
    assert error.__cause__ is None
    assert error.__context__ is None
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301
