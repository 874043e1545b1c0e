"""The options in force: the client's, then those of `with_options`, then those of one method call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from attrs import evolve, field, frozen

from trudy import _checks
from trudy._parse import is_finite, is_positive
from trudy.errors import InvalidArgumentError
from trudy.options import (
    JSON,
    MAX_RATE_LIMIT_WAIT,
    MAX_RETRIES,
    AdmissionLane,
    BeforeSend,
    Lane,
    QueryValue,
    RequestOptions,
    Timeout,
)

_NAMES = frozenset(RequestOptions.__annotations__)
_LANES = get_args(Lane)
_SET_BY_CLIENT = frozenset(("authorization", "x-idempotency-key", "content-length", "transfer-encoding", "host"))


@frozen(kw_only=True)
class Settings:
    """Resolved options. `timeout` is None until somebody sets one, so that an endpoint may have its own default."""

    timeout: Timeout | None = None
    max_retries: int = MAX_RETRIES
    deadline: float | None = None
    max_rate_limit_wait: float = MAX_RATE_LIMIT_WAIT
    lane: AdmissionLane = "interactive"
    """Callers set a `Lane`; look-ups for lost calls use `"reconcile"`."""
    before_send: BeforeSend | None = field(default=None, repr=False)
    extra_headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    extra_query: Mapping[str, QueryValue] = field(factory=dict[str, QueryValue], repr=False)
    extra_body: Mapping[str, JSON] = field(factory=dict[str, JSON], repr=False)

    def merged(self, options: RequestOptions) -> Settings:
        """These settings with some replaced; extra headers, query and body members are added to those there."""
        if not options:
            return self
        changes = dict(cast(Mapping[str, object], options))
        unknown = changes.keys() - _NAMES
        if unknown:
            raise TypeError(f"unknown option {min(unknown)!r}; there are {', '.join(sorted(_NAMES))}")
        if "timeout" in options:
            if changes["timeout"] is None:
                raise InvalidArgumentError("timeout must be seconds or a Timeout", argument="timeout")
            changes["timeout"] = Timeout.of(options["timeout"])
        for name in ("extra_headers", "extra_query", "extra_body"):
            if name in changes:
                changes[name] = {**getattr(self, name), **check_mapping(changes[name], name)}
        _check(changes)
        return evolve(self, **changes)  # type: ignore[arg-type]


def _check(changes: Mapping[str, object]) -> None:
    _checks.whole(changes.get("max_retries", 0), 0, None, "max_retries")
    deadline = changes.get("deadline")
    if deadline is not None and not is_positive(deadline):
        raise InvalidArgumentError("deadline must be a positive number of seconds or None", argument="deadline")
    wait = changes.get("max_rate_limit_wait", 0)
    if not is_finite(wait) or wait < 0:
        raise InvalidArgumentError(
            "max_rate_limit_wait must be a number of seconds, 0 or more", argument="max_rate_limit_wait"
        )
    _checks.one_of(changes.get("lane", "bulk"), _LANES, "lane")
    _checks.callable_or_none(changes.get("before_send"), "before_send")
    check_headers(changes.get("extra_headers", {}), "extra_headers")


def check_headers(headers: object, argument: str) -> None:
    """Refuse headers that would break the request's framing, or send another credential."""
    for name, value in check_mapping(headers, argument).items():
        _check_header(name, value, argument)


def _check_header(name: object, value: object, argument: str) -> None:
    if not isinstance(name, str):
        raise InvalidArgumentError(f"{argument} has a name that is no string", argument=argument)
    if not isinstance(value, str) or not value.isascii() or not (value.isprintable() or not value):
        raise InvalidArgumentError(f"{argument}[{name!r}] must be printable ASCII text", argument=argument)
    if not name or not all(letter.isalnum() or letter in "-_" for letter in name) or not name.isascii():
        raise InvalidArgumentError(f"{argument} has a name that no header can have", argument=argument)
    if name.lower() in _SET_BY_CLIENT:
        raise InvalidArgumentError(f"{argument} may not set {name}; the client does", argument=argument)


def check_mapping(value: object, name: str) -> Mapping[str, object]:
    """The value, if it is a mapping."""
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"{name} must be a mapping", argument=name)
    return cast(Mapping[str, object], value)
