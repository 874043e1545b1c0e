# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""Options that every operation takes."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument

OPTIONS: Final = (
    ApiArgument(name="timeout", kind="seconds", help="Seconds for each phase of one attempt."),
    ApiArgument(name="max_retries", kind="whole", help="How often a fault is tried again (2)."),
    ApiArgument(name="deadline", kind="seconds", help="Seconds for the whole operation, waits and retries included."),
    ApiArgument(
        name="max_rate_limit_wait", kind="seconds", help="The longest wait for a rate window, in seconds (120)."
    ),
    ApiArgument(
        name="lane",
        kind="word",
        help="interactive (default) goes before bulk when the rate limit makes requests wait.",
        words=("interactive", "bulk"),
    ),
    ApiArgument(name="extra_headers", kind="mapping", help="Headers to add; they win over those of the command."),
    ApiArgument(name="extra_query", kind="mapping", help="Query parameters to add."),
    ApiArgument(
        name="extra_body", kind="mapping", help="Members to add to a JSON body; a request without a body is left alone."
    ),
)
