"""Faults switched on by a test: which request they meet, and what happens to its answer."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

from attrs import define, field, frozen

from trudy.sandbox.problems import Problem

Reset = Literal["connect", "before", "after"]


@frozen(kw_only=True)
class Fault:
    """What goes wrong with one answer.

    Attributes:
        status: answer with this status in place of the real one.
        effect: whether the request is carried out although `status` hides it; without a `status` it always is, but
            for `reset="connect"` and `"before"`.
        code, message, details: of the documented error body that goes with `status`.
        body: these bytes in place of any JSON body.
        headers: added to the answer's; `Content-Type` replaces its.
        reset: drop the connection: `connect` before anything was sent (in process only), `before` or `after` the
            request was carried out.
        delay: seconds on the sandbox's clock before the answer goes out.
        truncate: send half of the body, then drop the connection.
        drip: seconds on the sandbox's clock between two pieces of the body.
    """

    status: int | None = None
    effect: bool = False
    code: str | None = None
    message: str = "A fault asked for"
    details: Mapping[str, Any] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(factory=dict[str, str])
    reset: Reset | None = None
    delay: float = 0.0
    truncate: bool = False
    drip: float = 0.0

    @property
    def has_effect(self) -> bool:
        """Whether the request is carried out."""
        if self.reset is not None:
            return self.reset == "after"
        return self.effect or self.status is None

    def problem(self) -> Problem | None:
        """The refusal that goes out in place of the real answer."""
        if self.status is None:
            return None
        return Problem(self.status, self.message, code=self.code, details=self.details)


NO_FAULT = Fault()


@define(eq=False)
class FaultRule:
    """A fault and the requests it meets.

    Attributes:
        method: such as `POST`; None meets all.
        path: below the base URL, such as `/calls`; `*` stands for any text; None meets all.
        remaining: how many more requests it will meet.
        hits: how many it met.
    """

    method: str | None
    path: str | None
    fault: Fault
    remaining: int
    hits: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Whether a request of that kind is met next."""
        return (
            self.remaining > 0
            and (self.method is None or self.method == method)
            and (self.path is None or fnmatchcase(path, self.path))
        )


class FaultTable:
    """The rules of a sandbox, in order; the first that meets a request counts. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []

    def add(self, rule: FaultRule) -> None:
        """Put a rule behind the others."""
        self._rules.append(rule)

    def take(self, method: str, path: str, *, connecting: bool = False) -> Fault:
        """The fault that meets this request; `connecting` asks for those that prevent a connection, and only those."""
        for rule in self._rules:
            if (rule.fault.reset == "connect") is connecting and rule.meets(method, path):
                rule.remaining -= 1
                rule.hits += 1
                if not rule.remaining:
                    self._rules.remove(rule)
                return rule.fault
        return NO_FAULT
