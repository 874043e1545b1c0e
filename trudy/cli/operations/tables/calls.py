# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy calls`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="calls",
    summary="Calls: place them, wait for their end, read transcript and recording.",
    operations=(
        ApiCommand(
            name="calls.list",
            summary="List calls.",
            endpoint="GET /calls",
            result="pages",
            model="Call",
            arguments=(
                ApiArgument(
                    name="status",
                    kind="text",
                    help="Only calls in this state, such as completed.",
                    words=(
                        "created",
                        "queued",
                        "ringing",
                        "in_progress",
                        "completed",
                        "failed",
                        "cancelled",
                        "no_answer",
                        "busy",
                        "voicemail",
                    ),
                ),
                ApiArgument(
                    name="direction",
                    kind="word",
                    help="Only outbound or only inbound calls.",
                    words=("outbound", "inbound"),
                ),
                ApiArgument(name="agent_id", kind="text", help="Only calls of this agent."),
                ApiArgument(
                    name="created_after",
                    kind="instant",
                    help="Only calls made after this time; an older server may ignore it.",
                ),
                ApiArgument(
                    name="created_before",
                    kind="instant",
                    help="Only calls made before this time; an older server may ignore it.",
                ),
                ApiArgument(
                    name="limit", kind="whole", help="At most so many calls, 1 to 100; all of them by default."
                ),
                ApiArgument(name="offset", kind="whole", help="Leave out so many at the start."),
                ApiArgument(
                    name="page_size",
                    kind="whole",
                    help="Calls a request when iterating over all, 1 to 100.",
                    default="100",
                ),
            ),
        ),
        ApiCommand(
            name="calls.get",
            summary="Read one call.",
            endpoint="GET /calls/{call_id}",
            result="one",
            model="Call",
            arguments=(
                ApiArgument(
                    name="call_id", kind="text", help="The id of the call.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="calls.create",
            summary="Have an agent call a person.",
            about=(
                "A phone rings, so the request is not repeated where the first may have had an effect, unless --on-unknown says so. When no answer comes, this looks for the call among the newest ones, and returns it if it is there.",
            ),
            endpoint="POST /calls",
            result="one",
            model="Call",
            arguments=(
                ApiArgument(name="agent_id", kind="text", help="The agent that speaks.", is_required=True),
                ApiArgument(
                    name="phone_number",
                    kind="text",
                    help="Whom to call, in E.164, such as +14155550123.",
                    is_required=True,
                ),
                ApiArgument(
                    name="from_number",
                    kind="text",
                    help="The number to call from, one of the agent's outbound numbers; the server picks if left out.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="variables",
                    kind="mapping",
                    help="Values for the {{variables}} of the agent's prompt.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="call_settings",
                    kind="object",
                    help="Recording, transcription, greeting and durations of this call.",
                    is_nullable=True,
                    model="CallSettings",
                    members=(
                        ApiArgument(name="recording_enabled", kind="flag", help="The server's default is true."),
                        ApiArgument(name="transcription_enabled", kind="flag", help="The server's default is true."),
                        ApiArgument(name="greeting", kind="prose", help="In place of the agent's."),
                        ApiArgument(name="max_duration", kind="duration", help="Longest call, such as 3600s."),
                        ApiArgument(name="join_timeout", kind="duration", help="How long it may ring, such as 30s."),
                    ),
                ),
                ApiArgument(name="direction", kind="word", help="Always outbound.", words=("outbound",)),
                ApiArgument(
                    name="idempotency_key",
                    kind="text",
                    help="A key of your own for this call; made by itself if left out.",
                ),
                ApiArgument(
                    name="on_unknown",
                    kind="word",
                    help="When the request was sent and no answer came: reconcile looks for the call, retry sends it again with the same key, raise raises at once.",
                    words=("reconcile", "retry", "raise"),
                    default="reconcile",
                ),
                ApiArgument(
                    name="reconcile_timeout", kind="seconds", help="Seconds to look for the call.", default="30 s"
                ),
            ),
        ),
        ApiCommand(
            name="calls.find",
            summary="Find calls by what was asked for when they were placed, such as one of which no answer came.",
            about=(
                "Numbers are compared in any spelling. A row that does not show what is asked for may match all the same. But a row that shows variables must show all those asked for, and without a number asked for it must show them.",
            ),
            endpoint="GET /calls",
            result="one",
            model="Call",
            arguments=(
                ApiArgument(name="phone_number", kind="text", help="The number called, in E.164."),
                ApiArgument(name="agent_id", kind="text", help="The agent that speaks."),
                ApiArgument(name="from_number", kind="text", help="The number that calls, in E.164."),
                ApiArgument(name="trudy_ref", kind="text", help="The text that the variable trudy_ref was given."),
                ApiArgument(
                    name="variables",
                    kind="mapping",
                    help="Variables given when the call was placed, all or some of them.",
                ),
                ApiArgument(
                    name="created_after",
                    kind="instant",
                    help="Only calls made at this time of the server's clock or later; pages beyond are not read.",
                ),
                ApiArgument(name="created_before", kind="instant", help="Only calls made at this time or before."),
                ApiArgument(name="limit", kind="whole", help="At most so many calls."),
            ),
        ),
        ApiCommand(
            name="calls.get_transcript",
            summary="Read what was said.",
            endpoint="GET /calls/{call_id}/transcript",
            result="one",
            model="Transcript",
            arguments=(
                ApiArgument(
                    name="call_id", kind="text", help="The id of the call.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="calls.get_recording",
            summary="Read the facts of the recording, with a signed link that soon expires.",
            endpoint="GET /calls/{call_id}/recording",
            result="one",
            model="Recording",
            arguments=(
                ApiArgument(
                    name="call_id", kind="text", help="The id of the call.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="calls.download_recording",
            summary="Save a recording, in constant memory.",
            about=("The key is never sent to the link's host. A link that has expired is asked for once more.",),
            endpoint="GET /calls/{call_id}/recording",
            result="one",
            model="Recording",
            arguments=(
                ApiArgument(name="call_id", kind="text", help="Whose recording.", is_positional=True, is_required=True),
                ApiArgument(
                    name="to",
                    kind="path",
                    help="A path, written under another name and renamed at the end. Links are followed, and the mode of a file that is there is kept.",
                    is_required=True,
                ),
                ApiArgument(
                    name="max_bytes", kind="whole", help="The most bytes to save, decompressed: 1 GiB by default."
                ),
            ),
            reports=True,
        ),
        ApiCommand(
            name="calls.delete",
            summary="Delete a call that has ended.",
            endpoint="DELETE /calls/{call_id}",
            result="one",
            model="Deleted",
            arguments=(
                ApiArgument(
                    name="call_id", kind="text", help="The id of the call.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="calls.bulk_delete",
            summary="Delete several calls; the result says which are gone and which are not.",
            endpoint="POST /calls/bulk-delete",
            result="one",
            model="BulkDeleteResult",
            arguments=(ApiArgument(name="ids", kind="ids", help="Their ids.", is_positional=True, is_required=True),),
        ),
        ApiCommand(
            name="calls.wait",
            summary="Wait until a call has ended.",
            endpoint="GET /calls/{call_id}",
            result="one",
            model="Call",
            arguments=(
                ApiArgument(name="call_id", kind="text", help="The call.", is_positional=True, is_required=True),
                ApiArgument(
                    name="max_wait", kind="seconds", help="Seconds to wait; some calls never end.", default="600 s"
                ),
                ApiArgument(
                    name="poll_interval",
                    kind="seconds",
                    help="Seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.",
                ),
            ),
            reports=True,
        ),
        ApiCommand(
            name="calls.watch",
            summary="Follow a call: gives it as it is now, then after each change, until it has ended.",
            endpoint="",
            result="steps",
            model="Call",
            arguments=(
                ApiArgument(name="call_id", kind="text", help="The call.", is_positional=True, is_required=True),
                ApiArgument(
                    name="max_wait",
                    kind="seconds",
                    help="Seconds from the first step to the end of the call.",
                    default="600 s",
                ),
                ApiArgument(
                    name="poll_interval",
                    kind="seconds",
                    help="Seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.",
                ),
            ),
        ),
        ApiCommand(
            name="calls.wait_for_transcript",
            summary="Wait until the transcript is there, some seconds after the end.",
            about=(
                "Until then the server says 404, 409, null, or that nothing was said; a call that nobody answered never gets one.",
            ),
            endpoint="GET /calls/{call_id}/transcript",
            result="one",
            model="Transcript",
            arguments=(
                ApiArgument(
                    name="call_id",
                    kind="text",
                    help="The call; it may still be under way.",
                    is_positional=True,
                    is_required=True,
                ),
                ApiArgument(name="max_wait", kind="seconds", help="Seconds to wait.", default="600 s"),
                ApiArgument(
                    name="poll_interval",
                    kind="seconds",
                    help="Seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.",
                ),
            ),
            reports=True,
        ),
        ApiCommand(
            name="calls.wait_for_recording",
            summary="Wait until the recording is there, some seconds after the end.",
            about=(
                "Until then the server says 404, 409, null, or gives no link; a call that is not recorded never gets one. What is returned are its facts, with a signed link that soon expires; download-recording saves it.",
            ),
            endpoint="GET /calls/{call_id}/recording",
            result="one",
            model="Recording",
            arguments=(
                ApiArgument(
                    name="call_id",
                    kind="text",
                    help="The call; it may still be under way.",
                    is_positional=True,
                    is_required=True,
                ),
                ApiArgument(name="max_wait", kind="seconds", help="Seconds to wait.", default="600 s"),
                ApiArgument(
                    name="poll_interval",
                    kind="seconds",
                    help="Seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.",
                ),
            ),
            reports=True,
        ),
        ApiCommand(
            name="calls.create_and_wait",
            summary="Have an agent call a person, and wait until the call has ended.",
            endpoint="",
            result="one",
            model="Call",
            arguments=(
                ApiArgument(name="agent_id", kind="text", help="The agent that speaks.", is_required=True),
                ApiArgument(
                    name="phone_number",
                    kind="text",
                    help="Whom to call, in E.164, such as +14155550123.",
                    is_required=True,
                ),
                ApiArgument(
                    name="from_number",
                    kind="text",
                    help="The number to call from, one of the agent's outbound numbers; the server picks if left out.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="variables",
                    kind="mapping",
                    help="Values for the {{variables}} of the agent's prompt.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="call_settings",
                    kind="object",
                    help="Recording, transcription, greeting and durations of this call.",
                    is_nullable=True,
                    model="CallSettings",
                    members=(
                        ApiArgument(name="recording_enabled", kind="flag", help="The server's default is true."),
                        ApiArgument(name="transcription_enabled", kind="flag", help="The server's default is true."),
                        ApiArgument(name="greeting", kind="prose", help="In place of the agent's."),
                        ApiArgument(name="max_duration", kind="duration", help="Longest call, such as 3600s."),
                        ApiArgument(name="join_timeout", kind="duration", help="How long it may ring, such as 30s."),
                    ),
                ),
                ApiArgument(name="direction", kind="word", help="Always outbound.", words=("outbound",)),
                ApiArgument(
                    name="idempotency_key",
                    kind="text",
                    help="A key of your own for this call; made by itself if left out.",
                ),
                ApiArgument(
                    name="on_unknown",
                    kind="word",
                    help="When the request was sent and no answer came: reconcile looks for the call, retry sends it again with the same key, raise raises at once.",
                    words=("reconcile", "retry", "raise"),
                    default="reconcile",
                ),
                ApiArgument(
                    name="reconcile_timeout", kind="seconds", help="Seconds to look for the call.", default="30 s"
                ),
                ApiArgument(
                    name="max_wait", kind="seconds", help="Seconds to wait; some calls never end.", default="600 s"
                ),
                ApiArgument(
                    name="poll_interval",
                    kind="seconds",
                    help="Seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.",
                ),
            ),
            reports=True,
        ),
    ),
)
