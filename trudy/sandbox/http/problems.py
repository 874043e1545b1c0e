"""The documented refusals, as exceptions that hold the whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

PaymentReason = Literal["trial_not_started", "trial_expired", "subscription_inactive", "insufficient_credits"]
PAYMENT_REASONS: tuple[PaymentReason, ...] = get_args(PaymentReason)

CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    402: "payment_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    422: "validation_error",
    429: "rate_limit_exceeded",
    500: "internal_error",
    502: "provider_error",
}

_PAYMENT_MESSAGES: Mapping[PaymentReason, str] = {
    "trial_not_started": "Start your trial to use the API",
    "trial_expired": "Your trial has expired",
    "subscription_inactive": "Your subscription is not active",
    "insufficient_credits": "Insufficient credits",
}


class Problem(Exception):  # noqa: N818  # not an error of this program but an answer of it
    """An answer that is a refusal.

    Attributes:
        detail: the `detail` that FastAPI would send instead (quirk `fastapi_detail`); None if it sends no other form.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        detail: object = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or CODES.get(status, "internal_error" if status >= 500 else "bad_request")
        self.details: Mapping[str, Any] = details or {}
        self.headers: Mapping[str, str] = headers or {}
        self.detail = detail


def bad_request(message: str) -> Problem:
    return Problem(400, message)


def unauthorized() -> Problem:
    return Problem(401, "Invalid or missing API key")


def payment_required(reason: PaymentReason) -> Problem:
    details: dict[str, Any] = {"reason": reason}
    if reason == "insufficient_credits":
        details |= {"required": 1.0, "balance": 0.25}
    else:
        details["redirect_url"] = "https://app.truedy.ai/billing"
    return Problem(402, _PAYMENT_MESSAGES[reason], details=details)


def forbidden() -> Problem:
    return Problem(403, "Your IP address is not on this key's list")


def not_found(what: str) -> Problem:
    return Problem(404, f"{what} not found")


def unknown_path() -> Problem:
    return Problem(404, "No such path", detail="Not Found")


def method_not_allowed(allowed: list[str]) -> Problem:
    return Problem(405, "Method not allowed", headers={"Allow": ", ".join(allowed)}, detail="Method Not Allowed")


def invalid(field: str, reason: str, *, value: object = None, where: str = "body") -> Problem:
    """The 422 for one member of the body or the query."""
    kind = "missing" if reason == "is required" else "value_error"
    return Problem(
        422,
        f"Invalid {field}: {reason}",
        details={"field": field, "reason": reason},
        detail=[{"type": kind, "loc": [where, *map(_step, field.split("."))], "msg": reason, "input": value}],
    )


def _step(name: str) -> str | int:
    return int(name) if name.isdecimal() else name


def no_outbound_number() -> Problem:
    return Problem(422, "The agent has no outbound phone number", code="no_phone_number_configured")


def rate_limited(limit: int, reset_at: str) -> Problem:
    return Problem(429, "Rate limit exceeded", details={"limit": limit, "reset_at": reset_at})


def internal_error() -> Problem:
    return Problem(500, "Something went wrong on our side")
