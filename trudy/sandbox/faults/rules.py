"""Faults switched on by a test: which requests they hit, and what they do to the answers."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Unpack, get_args

from attrs import define, field, frozen

from trudy.sandbox.faults.options import FaultOptions, Reset, checked
from trudy.sandbox.http.contract import BASE_PATH
from trudy.sandbox.http.problems import Problem

BODILESS = frozenset({204, 304})
"""Statuses whose answers have no body."""
LONGEST_SECONDS = 1_000_000_000
"""The longest delay, and the largest error of a clock: about 31 years, so that every time remains a date."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?![ \t])[\t\x20-\x7e\x80-\xff]*(?<![ \t])")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_FRAMING = ("content-length", "transfer-encoding", "connection")


@frozen(kw_only=True)
class Fault:
    """What goes wrong with one answer.

    Attributes:
        status: answer with this status in place of the real one.
        effect: carry the request out although `status` hides it. Without `status` it is always carried out, except
            with `reset="connect"` or `"before"`.
        effect_after: carry the request out so many seconds of the sandbox's clock later, when its answer is lost.
        code, message, details: members of the documented error body that goes with `status`.
        body: these bytes in place of any JSON body.
        headers: added to the answer's headers, or replacing those of the same name.
        reset: drop the connection: `connect` before anything was sent, `before` or `after` the request was carried
            out. Over a socket `connect` is the same as `before`, as the sandbox sees no request before it is connected.
        delay: seconds of the sandbox's clock before the answer is sent.
        truncate: send half of the body, then drop the connection.
        broken: send half of the body as if that were all.
        drip: seconds of the sandbox's clock between two pieces of the body.
        skew: seconds by which the server's clock in this answer is ahead; negative if it is behind.
    """

    status: int | None = None
    effect: bool = False
    effect_after: float = 0.0
    code: str | None = None
    message: str = "A fault that a test asked for"
    details: Mapping[str, Any] | None = None
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(factory=dict[str, str])
    reset: Reset | None = None
    delay: float = 0.0
    truncate: bool = False
    broken: bool = False
    drip: float = 0.0
    skew: float = 0.0

    def __attrs_post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status must be between 200 and 599")
        if self.status in BODILESS and (self.body or self.truncate or self.broken or self.drip):
            raise ValueError(f"an answer with status {self.status} has no body")
        if self.reset is not None and self.reset not in get_args(Reset):
            raise ValueError(f"reset must be one of {', '.join(get_args(Reset))}")
        if self.effect_after and self.status is None and self.reset in (None, "connect"):
            raise ValueError("effect_after is for an answer that is lost by reset, or hidden by status")
        for name in ("delay", "drip", "effect_after"):
            if not 0 <= getattr(self, name) <= LONGEST_SECONDS:
                raise ValueError(f"{name} must be a number of seconds between 0 and {LONGEST_SECONDS:,}")
        if not abs(self.skew) <= LONGEST_SECONDS:
            raise ValueError(f"skew must be a number of seconds, {LONGEST_SECONDS:,} at most either way")
        for name, value in self.headers.items():
            _check_header(name, value)
        _json([self.code, self.message, self.details], "code, message and details")

    @property
    def is_none(self) -> bool:
        """Whether nothing goes wrong."""
        spoils = self.truncate or self.broken or self.delay or self.drip or self.skew
        return self.status is None and self.body is None and self.reset is None and not self.headers and not spoils

    @property
    def has_effect(self) -> bool:
        """Whether the request is carried out before it is answered."""
        if self.effect_after:
            return False
        if self.reset is not None:
            return self.reset == "after"
        return self.effect or self.status is None

    def problem(self) -> Problem | None:
        """The refusal that is sent in place of the real answer; None if there is none."""
        if self.status is None:
            return None
        return Problem(self.status, self.message, code=self.code, details=self.details)

    def spoil(self, body: bytes, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        """An answer's body and headers with this fault applied."""
        changed = body if self.body is None else self.body
        own = {name.lower(): value for name, value in self.headers.items()}
        return changed[: len(changed) // 2] if self.broken else changed, {**headers, **own}


def _check_header(name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a header")
    if name.lower() in _FRAMING:
        raise ValueError(f"the server sets {name} itself; `truncate` and `broken` make it wrong")
    if not _HEADER_VALUE.fullmatch(value):
        raise ValueError(f"the header {name} must be latin-1 without control characters, and without space around it")


def _json(value: object, what: str) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise ValueError(f"{what} must be values that JSON has") from None


def _bytes(body: bytes | str | Mapping[str, Any]) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else _json(body, "body")


NO_FAULT = Fault()


@define(eq=False)
class FaultRule:
    """A fault and the requests it hits.

    Attributes:
        id: counts the rules of a sandbox, from 1.
        method: such as `POST`, in capitals; None matches all.
        path: below the base URL, such as `/calls`; `*` stands for any text; None matches all.
        nth: only this one of the matching requests is hit, counted from 1.
        probability: the probability that a matching request is hit.
        remaining: how many more requests will be hit; None for any number.
        seen: how many requests have matched.
        hits: how many were hit.
    """

    id: int
    method: str | None
    path: str | None
    fault: Fault
    nth: int | None
    probability: float | None
    remaining: int | None
    chance: random.Random = field(repr=False)
    seen: int = 0
    hits: int = 0

    def __attrs_post_init__(self) -> None:
        for name, value in (("nth", self.nth), ("times", self.remaining)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        if self.method is not None and self.method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(_METHODS)}")
        if self.path is not None and (not self.path.startswith(("/", "*")) or self.path.startswith(BASE_PATH)):
            raise ValueError("path is what follows the base URL, such as /calls or /calls/*")
        if self.fault.is_none:
            raise ValueError("a fault must say what goes wrong, such as status, reset or delay")

    @property
    def is_spent(self) -> bool:
        """Whether it will hit no more requests."""
        return self.remaining == 0 or (self.nth is not None and self.seen >= self.nth)

    def fits(self, method: str, path: str) -> bool:
        """Whether a request with this method and path matches."""
        return (self.method is None or self.method == method) and (self.path is None or fnmatchcase(path, self.path))

    def meets(self) -> bool:
        """Count a matching request; returns whether it is hit."""
        self.seen += 1
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.probability is not None and self.chance.random() >= self.probability:
            return False
        self.hits += 1
        if self.remaining is not None:
            self.remaining -= 1
        return True


class FaultTable:
    """The rules of a sandbox, in order. The first one that hits a request counts, and the later ones do not see it."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._rules: list[FaultRule] = []
        self._made = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rules)

    @property
    def rules(self) -> tuple[FaultRule, ...]:
        """The rules that may still hit requests, in order."""
        return tuple(self._rules)

    def add(self, **options: Unpack[FaultOptions]) -> FaultRule:
        """Make requests fail from now on: those with a valid key, below the rate limit.

        Args:
            nth, probability: which of the matching requests are hit, as for `FaultRule`; chance follows the sandbox's
                seed, so that each run hits the same ones.
            times: how many requests are hit at most; any number if left out.
            options: all others are as for `Sandbox.fail_next`.

        Raises:
            TypeError: there is no such option, or its value is of another type.
            ValueError: a value makes no sense, such as a number out of range.
        """
        given = checked(options)
        method: str | None = given.pop("method", None)
        path, nth, probability, times = (given.pop(name, None) for name in ("path", "nth", "probability", "times"))
        if content_type := given.pop("content_type", None):
            given["headers"] = {**given.get("headers", {}), "Content-Type": content_type}
        if (body := given.pop("body", None)) is not None:
            given["body"] = _bytes(body)
        fault = Fault(**given)
        with self._lock:
            order = self._made + 1
            rule = FaultRule(
                id=order,
                method=None if method is None else method.upper(),
                path=path,
                fault=fault,
                nth=nth,
                probability=probability,
                remaining=times,
                # Seeded, so that each run with the same seed hits the same requests.
                chance=random.Random(f"{self._seed}:{order}"),  # noqa: S311
            )
            self._made = order
            self._rules.append(rule)
        return rule

    def remove(self, rule: FaultRule) -> None:
        """Remove a rule; does nothing if it was removed before."""
        with self._lock:
            self._rules = [other for other in self._rules if other is not rule]

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules = []

    def take(self, method: str, path: str, *, connecting: bool | None = False) -> Fault:
        """The fault that hits this request; `NO_FAULT` if none does.

        Args:
            connecting: True for faults that prevent a connection, False for the others, None for all.
        """
        if not self._rules:
            return NO_FAULT
        with self._lock:
            for rule in self._rules:
                is_asked = connecting is None or (rule.fault.reset == "connect") is connecting
                if is_asked and rule.fits(method, path):
                    met = rule.meets()
                    if rule.is_spent:
                        self._rules = [other for other in self._rules if other is not rule]
                    if met:
                        return rule.fault
        return NO_FAULT
