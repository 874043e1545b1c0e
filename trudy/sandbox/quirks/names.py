"""The names of all quirks, and what each does.

Several quirks that exclude each other may be switched on: they then take turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

QUIRKS: Mapping[str, str] = {
    # Errors
    "error_early_form": "errors hold request_id and ts inside `error`, and have no `meta`; a 500 no details, ts null",
    "fastapi_detail": "schema faults, unknown paths and wrong methods answer {'detail': ...}",
    "wrapped_errors": "errors come as {'detail': {'error': {...}}}",
    "octet_stream_errors": "413 and 5xx bodies are JSON sent as application/octet-stream",
    "html_errors": "413 and 5xx bodies are a proxy's HTML page",
    "empty_errors": "413 and 5xx have no body",
    "no_request_id": "5xx answers have no X-Request-ID header",
    "hidden_server_faults": "a 500 to a GET arrives as a 422 validation_error",
    "provider_details": "502 provider errors carry provider, httpStatus 503 and retry_after",
    "create_500_after": "every second create with an idempotency key answers 500 although it happened",
    # Rate limit and clock
    "sliding_reset_at": "reset_at of a 429 is 60 s from now, whenever the window ends",
    "naive_reset_at": "reset_at carries no zone",
    "offset_reset_at": "reset_at ends in +00:00",
    "no_reset_at": "a 429 has no reset_at",
    "past_reset_at": "reset_at lies an hour in the past",
    "far_reset_at": "reset_at lies in the year 9999",
    "several_counters": "there are three server processes, and each counts requests on its own",
    # Idempotency and creates
    "key_over_headers": "an idempotency key counts only with the same headers, except Authorization and User-Agent",
    "creates_answer_200": "creates answer 200, their replays 201",
    "slow_creates": "creates take 20 s on the sandbox's clock, POST /calls 150 s",
    # Data
    "naive_timestamps": "time stamps carry no zone",
    "offset_timestamps": "time stamps end in +00:00",
    "odd_fractions": "time stamps have 0 to 6 digits after the second, by turns",
    "meta_timestamp": "the envelope's time is `meta.timestamp`",
    "prefixed_ids": "ids are agt_..., call_..., batch_...; both forms are understood",
    "string_numbers": "numbers in data arrive as text",
    "newer_defaults": "agents have by default a temperature of 0.7, and their calls are recorded",
    "unknown_members": "objects have members that no page knows",
    "empty_forms": "what is empty comes as null, {} or [], by turns",
    "early_number_names": "calls have `phone_number` only, not `to`, `from`, `to_number` and `from_number`",
    "guide_status_words": "in-progress, ended and cancelled; batches are `running`",
    "dashboard_status_words": "calls nobody answered are no_answer or busy, those that met a machine voicemail",
    # Lists
    "has_more_for_ever": "has_more is true on every page, the empty one included",
    "shifting_rows": "a row is inserted before each further page, so that the last row of a page comes again",
    "lagging_calls": "a call is in no list until 10 s after it was placed",
    "bad_rows": "every fourth row of a list has no id, the first one included",
    # Deletes, redirects, connections
    "delete_no_content": "deletes answer 204",
    "delete_success": "deletes answer {'success': true}",
    "delete_contact_id": "deletes answer {'contact_id': ..., 'deleted': true}, whatever was deleted",
    "slash_redirects": "/agents redirects to /agents/ with 307 and no body, /agents/{id}/ to /agents/{id}",
    "idle_drops": "a connection idle for 75 s is dropped at its next request, before anything is sent",
    # Calls
    "stuck_calls": "every second call stays queued or in progress for ever",
    "accepted_but_failed": "every third call has failed already when it is created",
    "null_until_ready": "a transcript or recording that is not there yet is null in a 200, not a 404",
    "transcript_roles": "transcript turns are {role, text, timespan}",
    "transcript_text": "transcript turns are bare texts",
    "transcript_provider_roles": "transcript turns have roles such as MESSAGE_ROLE_USER; those of tools have no text",
    "calls_without_variables": "calls show no variables",
    "provider_call_id": "calls show their id at the voice provider as `ultravox_call_id`",
    "recording_type": "a recording's content type does not fit its `format`",
    # Webhooks
    "webhook_early_headers": "deliveries carry X-Trudy-Timestamp and X-Trudy-Signature",
    "webhook_iso_timestamp": "the signed timestamp is ISO 8601",
    "webhook_sorted_signature": "the signature is over the JSON with sorted keys, not over the bytes sent",
    "webhook_flat": "`data` is flat: {call_id, status, ...}",
    "webhook_snake_case": "the provider's event in `data` is in snake_case",
    "webhook_provider_ids": "events name calls and agents by the voice provider's ids, not by those of the API",
    "webhook_inner_data": "duration_seconds, cost_usd and end_reason are in `data.data`, and nowhere else",
    "webhook_event_id": "events have a top-level id",
    "webhook_call_completed": "call.ended is named call.completed",
}
"""The quirks that `Sandbox(quirks=...)` switches on, and what each does."""

ALL = "all"
"""Stands for all names."""

PROXY_BODIES = ("octet_stream_errors", "html_errors", "empty_errors")
RESET_TIMES = (
    "sliding_reset_at",
    "naive_reset_at",
    "offset_reset_at",
    "no_reset_at",
    "past_reset_at",
    "far_reset_at",
)
ZONES = ("naive_timestamps", "offset_timestamps")
DELETES = ("delete_no_content", "delete_success", "delete_contact_id")
TURN_FORMS = ("transcript_roles", "transcript_text", "transcript_provider_roles")


def read_names(names: Iterable[str]) -> frozenset[str]:
    """Check names of quirks, and replace `all` by all of them.

    Raises:
        ValueError: there is no quirk of that name.
    """
    if isinstance(names, str):
        raise ValueError("quirks must be several names, such as {'naive_timestamps'}, and not one text")
    wanted = frozenset(names)
    if unknown := wanted - QUIRKS.keys() - {ALL}:
        raise ValueError(f"unknown quirk {', '.join(sorted(unknown))}; there are {', '.join(QUIRKS)}")
    return frozenset(QUIRKS) if ALL in wanted else wanted


class Turns:
    """Lets quirks that exclude each other take turns. Not thread-safe by itself."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._counts: dict[str, int] = {}

    def count(self, what: str) -> int:
        """How often this method was called with `what` before."""
        count = self._counts.get(what, 0)
        self._counts[what] = count + 1
        return count

    def pick(self, choices: tuple[str, ...]) -> str | None:
        """The quirk of these whose turn it is; None if none is switched on."""
        active = [name for name in choices if name in self._names]
        return active[self.count(choices[0]) % len(active)] if active else None
