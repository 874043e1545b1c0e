# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy batch-calls`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="batch_calls",
    summary="Campaigns that the server dials by itself: make, fill, start, pause, follow.",
    operations=(
        ApiCommand(
            name="batch_calls.list",
            summary="List batches.",
            endpoint="GET /batch-calls",
            result="pages",
            model="BatchCall",
            arguments=(
                ApiArgument(name="agent_id", kind="text", help="Only batches of this agent."),
                ApiArgument(
                    name="status",
                    kind="word",
                    help="Only batches in this state.",
                    words=("draft", "scheduled", "active", "paused", "completed", "failed", "cancelled"),
                ),
                ApiArgument(
                    name="limit", kind="whole", help="At most so many batches, 1 to 100; all of them by default."
                ),
                ApiArgument(name="offset", kind="whole", help="Leave out so many at the start."),
                ApiArgument(
                    name="page_size",
                    kind="whole",
                    help="Batches a request when iterating over all, 1 to 100.",
                    default="100",
                ),
            ),
        ),
        ApiCommand(
            name="batch_calls.create",
            summary="Make a batch; it dials nobody before schedule.",
            endpoint="POST /batch-calls",
            result="one",
            model="BatchCall",
            arguments=(
                ApiArgument(name="name", kind="text", help="1 to 255 characters.", is_required=True),
                ApiArgument(name="agent_id", kind="text", help="The agent that speaks.", is_required=True),
                ApiArgument(
                    name="phone_number_ids",
                    kind="ids",
                    help="Numbers to call from; those of the agent if left out.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="phone_rotation_strategy",
                    kind="word",
                    help="How these take turns; at random if left out.",
                    words=("random", "sequential", "round_robin"),
                ),
                ApiArgument(
                    name="contact_source",
                    kind="word",
                    help="Where the people come from; csv if left out.",
                    words=("csv", "folder", "manual"),
                ),
                ApiArgument(
                    name="contact_folder_id",
                    kind="text",
                    help="A folder of contacts, for the source folder.",
                    is_nullable=True,
                ),
                ApiArgument(name="contact_ids", kind="ids", help="Stored contacts.", is_nullable=True),
                ApiArgument(
                    name="contacts",
                    kind="contacts",
                    help="People to call; more of them, and from any iterable, by add-contacts.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="schedule_type", kind="word", help="immediate if left out.", words=("immediate", "scheduled")
                ),
                ApiArgument(
                    name="scheduled_at", kind="instant", help="When it starts, for scheduled.", is_nullable=True
                ),
                ApiArgument(
                    name="timezone",
                    kind="text",
                    help="IANA, such as America/New_York, for the hours and days below; UTC if left out.",
                ),
                ApiArgument(
                    name="start_time", kind="text", help="No call before this time of day; HH:MM.", is_nullable=True
                ),
                ApiArgument(
                    name="end_time",
                    kind="text",
                    help="No call after this time of day. 00:00 and 24:00 are the end of the day; an end before the start is on the next day.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="working_days",
                    kind="wholes",
                    help="1 for Monday to 7 for Sunday; Monday to Friday if left out.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="max_concurrent_calls",
                    kind="whole",
                    help="Calls at the same time, 1 to 100; 10 if left out.",
                    is_nullable=True,
                ),
                ApiArgument(name="max_calls_per_day", kind="whole", help="At least 1.", is_nullable=True),
                ApiArgument(
                    name="retry_failed", kind="flag", help="Whether failed calls are placed again.", is_nullable=True
                ),
                ApiArgument(name="max_retry_attempts", kind="whole", help="How often, 0 to 3.", is_nullable=True),
                ApiArgument(
                    name="idempotency_key",
                    kind="text",
                    help="A key of your own for this create; made by itself if left out.",
                ),
            ),
        ),
        ApiCommand(
            name="batch_calls.get",
            summary="Read one batch.",
            endpoint="GET /batch-calls/{batch_call_id}",
            result="one",
            model="BatchCall",
            arguments=(
                ApiArgument(
                    name="batch_call_id", kind="text", help="The id of the batch.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="batch_calls.update",
            summary="Change a batch that is a draft, scheduled or paused.",
            about=(
                "Only what is given changes. With a new schedule the server sets new times for the contacts that are not complete.",
            ),
            endpoint="PATCH /batch-calls/{batch_call_id}",
            result="one",
            model="BatchCall",
            arguments=(
                ApiArgument(
                    name="batch_call_id", kind="text", help="The id of the batch.", is_positional=True, is_required=True
                ),
                ApiArgument(name="name", kind="text", help="1 to 255 characters.", is_nullable=True),
                ApiArgument(
                    name="phone_number_ids",
                    kind="ids",
                    help="Numbers to call from; those of the agent if left out.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="phone_rotation_strategy",
                    kind="word",
                    help="How these take turns; at random if left out.",
                    words=("random", "sequential", "round_robin"),
                ),
                ApiArgument(
                    name="scheduled_at", kind="instant", help="When it starts, for scheduled.", is_nullable=True
                ),
                ApiArgument(
                    name="start_time", kind="text", help="No call before this time of day; HH:MM.", is_nullable=True
                ),
                ApiArgument(
                    name="end_time",
                    kind="text",
                    help="No call after this time of day. 00:00 and 24:00 are the end of the day; an end before the start is on the next day.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="working_days",
                    kind="wholes",
                    help="1 for Monday to 7 for Sunday; Monday to Friday if left out.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="max_concurrent_calls",
                    kind="whole",
                    help="Calls at the same time, 1 to 100; 10 if left out.",
                    is_nullable=True,
                ),
                ApiArgument(name="max_calls_per_day", kind="whole", help="At least 1.", is_nullable=True),
                ApiArgument(
                    name="retry_failed", kind="flag", help="Whether failed calls are placed again.", is_nullable=True
                ),
                ApiArgument(name="max_retry_attempts", kind="whole", help="How often, 0 to 3.", is_nullable=True),
            ),
        ),
        ApiCommand(
            name="batch_calls.delete",
            summary="Delete a batch that is a draft, failed or cancelled.",
            endpoint="DELETE /batch-calls/{batch_call_id}",
            result="one",
            model="Deleted",
            arguments=(
                ApiArgument(
                    name="batch_call_id", kind="text", help="The id of the batch.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="batch_calls.bulk_delete",
            summary="Delete several batches; the result says which are gone and which are not.",
            endpoint="POST /batch-calls/bulk-delete",
            result="one",
            model="BulkDeleteResult",
            arguments=(ApiArgument(name="ids", kind="ids", help="Their ids.", is_positional=True, is_required=True),),
        ),
        ApiCommand(
            name="batch_calls.schedule",
            summary="Start a batch, now or at a time.",
            about=(
                "It dials on its working_days only, between start_time and end_time in its --timezone. If working_days was left out, those are Monday to Friday: a batch started on a Saturday waits for Monday.",
                "Never sent twice by itself: after an error without an answer, read the batch before you start it again.",
            ),
            endpoint="POST /batch-calls/{batch_call_id}/schedule",
            result="one",
            model="BatchStatusChange",
            arguments=(
                ApiArgument(
                    name="batch_call_id", kind="text", help="The batch, a draft.", is_positional=True, is_required=True
                ),
                ApiArgument(
                    name="scheduled_at", kind="instant", help="When it starts; now if left out.", is_nullable=True
                ),
                ApiArgument(name="timezone", kind="text", help="IANA, such as America/New_York."),
            ),
        ),
        ApiCommand(
            name="batch_calls.pause",
            summary="Pause a batch that is active or scheduled.",
            endpoint="POST /batch-calls/{batch_call_id}/pause",
            result="one",
            model="BatchStatusChange",
            arguments=(
                ApiArgument(
                    name="batch_call_id", kind="text", help="The id of the batch.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="batch_calls.resume",
            summary="Let a paused batch go on.",
            about=("It is scheduled then where its start is still ahead, else active.",),
            endpoint="POST /batch-calls/{batch_call_id}/resume",
            result="one",
            model="BatchStatusChange",
            arguments=(
                ApiArgument(
                    name="batch_call_id", kind="text", help="The id of the batch.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="batch_calls.list_contacts",
            summary="List the people of a batch, and how far their calls are.",
            endpoint="GET /batch-calls/{batch_call_id}/contacts",
            result="pages",
            model="BatchContact",
            arguments=(
                ApiArgument(name="batch_call_id", kind="text", help="The batch.", is_positional=True, is_required=True),
                ApiArgument(name="status", kind="text", help="Only contacts in this state, such as pending."),
                ApiArgument(
                    name="limit", kind="whole", help="At most so many contacts, 1 to 100; all of them by default."
                ),
                ApiArgument(name="offset", kind="whole", help="Leave out so many at the start."),
                ApiArgument(
                    name="page_size",
                    kind="whole",
                    help="Contacts a request when iterating over all, 1 to 100.",
                    default="100",
                ),
            ),
        ),
        ApiCommand(
            name="batch_calls.add_contacts",
            summary="Add people to a batch, however many.",
            about=(
                "One request a chunk. A list is checked as a whole before anything is sent. --deadline bounds all of it.",
            ),
            endpoint="POST /batch-calls/{batch_call_id}/contacts",
            result="one",
            model="AddedContacts",
            arguments=(
                ApiArgument(name="batch_call_id", kind="text", help="The batch.", is_positional=True, is_required=True),
                ApiArgument(
                    name="contacts",
                    kind="contacts",
                    help="People with a phone_number in E.164.",
                    is_positional=True,
                    is_required=True,
                ),
                ApiArgument(name="chunk_size", kind="whole", help="Contacts a request, 1 to 10000.", default="500"),
            ),
            reports=True,
        ),
        ApiCommand(
            name="batch_calls.get_analytics",
            summary="Read the figures of a batch.",
            about=(
                "Experimental: the API names this and shows neither path nor answer; both may change with any release.",
            ),
            endpoint="GET /batch-calls/{batch_call_id}/analytics",
            result="one",
            model="BatchAnalytics",
            arguments=(
                ApiArgument(
                    name="batch_call_id", kind="text", help="The id of the batch.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="batch_calls.wait",
            summary="Wait until a batch is completed, failed or cancelled.",
            endpoint="GET /batch-calls/{batch_call_id}",
            result="one",
            model="BatchCall",
            arguments=(
                ApiArgument(name="batch_call_id", kind="text", help="The batch.", is_positional=True, is_required=True),
                ApiArgument(
                    name="max_wait",
                    kind="seconds",
                    help="Seconds to wait; a day unless told. A paused batch waits until somebody resumes it.",
                    default="86400 s",
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
