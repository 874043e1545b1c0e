# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy agents`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="agents",
    summary="Agents: make, read, change and delete them.",
    operations=(
        ApiCommand(
            name="agents.list",
            summary="List agents.",
            endpoint="GET /agents",
            result="pages",
            model="Agent",
            arguments=(
                ApiArgument(
                    name="status",
                    kind="word",
                    help="Only agents in this state.",
                    words=("active", "draft", "creating", "failed"),
                ),
                ApiArgument(
                    name="name",
                    kind="text",
                    help="Only agents whose name contains this text, upper and lower case alike.",
                ),
                ApiArgument(
                    name="limit", kind="whole", help="At most so many agents, 1 to 100; all of them by default."
                ),
                ApiArgument(name="offset", kind="whole", help="Leave out so many at the start."),
                ApiArgument(
                    name="page_size",
                    kind="whole",
                    help="Agents a request when iterating over all, 1 to 100.",
                    default="100",
                ),
            ),
        ),
        ApiCommand(
            name="agents.get",
            summary="Read one agent.",
            endpoint="GET /agents/{agent_id}",
            result="one",
            model="Agent",
            arguments=(
                ApiArgument(
                    name="agent_id", kind="text", help="The id of the agent.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="agents.create",
            summary="Make an agent.",
            endpoint="POST /agents",
            result="one",
            model="Agent",
            arguments=(
                ApiArgument(name="name", kind="text", help="1 to 255 characters.", is_required=True),
                ApiArgument(name="voice_id", kind="text", help="The voice it speaks with.", is_required=True),
                ApiArgument(
                    name="system_prompt",
                    kind="prose",
                    help="Its instructions; {{variable}} is filled in at each call.",
                    is_required=True,
                ),
                ApiArgument(name="description", kind="text", help="At most 1000 characters.", is_nullable=True),
                ApiArgument(name="greeting", kind="prose", help="What it says first.", is_nullable=True),
                ApiArgument(name="model", kind="text", help="The language model; the server's default if left out."),
                ApiArgument(name="tools", kind="ids", help="Ids of tools it may use.", is_nullable=True),
                ApiArgument(
                    name="knowledge_bases", kind="ids", help="Ids of knowledge bases, at most one.", is_nullable=True
                ),
                ApiArgument(name="temperature", kind="number", help="0 to 1.", is_nullable=True),
                ApiArgument(
                    name="recording_enabled", kind="flag", help="Whether its calls are recorded.", is_nullable=True
                ),
                ApiArgument(name="language_hint", kind="text", help="BCP-47, such as en-US.", is_nullable=True),
                ApiArgument(
                    name="join_timeout",
                    kind="duration",
                    help="How long to wait for the person, such as 30s.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="max_duration", kind="duration", help="The longest call, such as 3600s.", is_nullable=True
                ),
                ApiArgument(name="template_id", kind="text", help="A template to start from.", is_nullable=True),
                ApiArgument(
                    name="call_template_name", kind="text", help="The name of a call template.", is_nullable=True
                ),
                ApiArgument(
                    name="greeting_settings",
                    kind="object",
                    help="Who speaks first, and how.",
                    is_nullable=True,
                    model="GreetingSettings",
                    members=(
                        ApiArgument(
                            name="first_speaker",
                            kind="text",
                            help="Who speaks first; the server's default is agent.",
                            words=("agent", "user"),
                        ),
                        ApiArgument(name="text", kind="prose", help="The words of the greeting."),
                        ApiArgument(
                            name="prompt",
                            kind="prose",
                            help="Instructions to make the greeting from, in place of text.",
                        ),
                        ApiArgument(name="delay", kind="duration", help="Before the greeting, such as 1s."),
                        ApiArgument(
                            name="uninterruptible",
                            kind="flag",
                            help="Whether the greeting goes on when the other side speaks; the server's default is false.",
                        ),
                        ApiArgument(
                            name="fallback_delay",
                            kind="duration",
                            help="How long to wait for a user who should speak first.",
                        ),
                        ApiArgument(name="fallback_text", kind="prose", help="The words after fallback_delay."),
                        ApiArgument(
                            name="fallback_prompt",
                            kind="prose",
                            help="Instructions to make the words after fallback_delay from.",
                        ),
                    ),
                ),
                ApiArgument(
                    name="inactivity_messages", kind="objects", help="What it says into silence.", is_nullable=True
                ),
                ApiArgument(
                    name="time_exceeded_message",
                    kind="prose",
                    help="What it says when the longest duration is reached.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="initial_output_medium",
                    kind="word",
                    help="Voice or text.",
                    is_nullable=True,
                    words=("MESSAGE_MEDIUM_VOICE", "MESSAGE_MEDIUM_TEXT", "MESSAGE_MEDIUM_UNSPECIFIED"),
                ),
                ApiArgument(
                    name="vad_settings",
                    kind="object",
                    help="When it takes a turn as ended.",
                    is_nullable=True,
                    model="VADSettings",
                    members=(
                        ApiArgument(
                            name="turn_endpoint_delay", kind="duration", help="Silence that ends a turn, such as 0.4s."
                        ),
                        ApiArgument(
                            name="minimum_turn_duration", kind="duration", help="Shortest speech that counts as a turn."
                        ),
                        ApiArgument(
                            name="minimum_interruption_duration",
                            kind="duration",
                            help="Shortest speech that interrupts the agent.",
                        ),
                        ApiArgument(
                            name="frame_activation_threshold",
                            kind="number",
                            help="How sure the detector must be that a frame is speech, 0 to 1.",
                        ),
                    ),
                ),
                ApiArgument(
                    name="idempotency_key",
                    kind="text",
                    help="A key of your own for this create; made by itself if left out.",
                ),
            ),
        ),
        ApiCommand(
            name="agents.update",
            summary="Change an agent; only what is given changes.",
            about=("",),
            endpoint="PUT /agents/{agent_id}",
            result="one",
            model="Agent",
            arguments=(
                ApiArgument(
                    name="agent_id", kind="text", help="The id of the agent.", is_positional=True, is_required=True
                ),
                ApiArgument(name="name", kind="text", help="1 to 255 characters.", is_nullable=True),
                ApiArgument(name="voice_id", kind="text", help="The voice it speaks with.", is_nullable=True),
                ApiArgument(
                    name="system_prompt",
                    kind="prose",
                    help="Its instructions; {{variable}} is filled in at each call.",
                    is_nullable=True,
                ),
                ApiArgument(name="description", kind="text", help="At most 1000 characters.", is_nullable=True),
                ApiArgument(name="greeting", kind="prose", help="What it says first.", is_nullable=True),
                ApiArgument(
                    name="model",
                    kind="text",
                    help="The language model; the server's default if left out.",
                    is_nullable=True,
                ),
                ApiArgument(name="tools", kind="ids", help="Ids of tools it may use.", is_nullable=True),
                ApiArgument(
                    name="knowledge_bases", kind="ids", help="Ids of knowledge bases, at most one.", is_nullable=True
                ),
                ApiArgument(name="temperature", kind="number", help="0 to 1.", is_nullable=True),
                ApiArgument(
                    name="recording_enabled", kind="flag", help="Whether its calls are recorded.", is_nullable=True
                ),
                ApiArgument(name="language_hint", kind="text", help="BCP-47, such as en-US.", is_nullable=True),
                ApiArgument(
                    name="join_timeout",
                    kind="duration",
                    help="How long to wait for the person, such as 30s.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="max_duration", kind="duration", help="The longest call, such as 3600s.", is_nullable=True
                ),
                ApiArgument(name="template_id", kind="text", help="A template to start from.", is_nullable=True),
                ApiArgument(
                    name="call_template_name", kind="text", help="The name of a call template.", is_nullable=True
                ),
                ApiArgument(
                    name="greeting_settings",
                    kind="object",
                    help="Who speaks first, and how.",
                    is_nullable=True,
                    model="GreetingSettings",
                    members=(
                        ApiArgument(
                            name="first_speaker",
                            kind="text",
                            help="Who speaks first; the server's default is agent.",
                            words=("agent", "user"),
                        ),
                        ApiArgument(name="text", kind="prose", help="The words of the greeting."),
                        ApiArgument(
                            name="prompt",
                            kind="prose",
                            help="Instructions to make the greeting from, in place of text.",
                        ),
                        ApiArgument(name="delay", kind="duration", help="Before the greeting, such as 1s."),
                        ApiArgument(
                            name="uninterruptible",
                            kind="flag",
                            help="Whether the greeting goes on when the other side speaks; the server's default is false.",
                        ),
                        ApiArgument(
                            name="fallback_delay",
                            kind="duration",
                            help="How long to wait for a user who should speak first.",
                        ),
                        ApiArgument(name="fallback_text", kind="prose", help="The words after fallback_delay."),
                        ApiArgument(
                            name="fallback_prompt",
                            kind="prose",
                            help="Instructions to make the words after fallback_delay from.",
                        ),
                    ),
                ),
                ApiArgument(
                    name="inactivity_messages", kind="objects", help="What it says into silence.", is_nullable=True
                ),
                ApiArgument(
                    name="time_exceeded_message",
                    kind="prose",
                    help="What it says when the longest duration is reached.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="initial_output_medium",
                    kind="word",
                    help="Voice or text.",
                    is_nullable=True,
                    words=("MESSAGE_MEDIUM_VOICE", "MESSAGE_MEDIUM_TEXT", "MESSAGE_MEDIUM_UNSPECIFIED"),
                ),
                ApiArgument(
                    name="vad_settings",
                    kind="object",
                    help="When it takes a turn as ended.",
                    is_nullable=True,
                    model="VADSettings",
                    members=(
                        ApiArgument(
                            name="turn_endpoint_delay", kind="duration", help="Silence that ends a turn, such as 0.4s."
                        ),
                        ApiArgument(
                            name="minimum_turn_duration", kind="duration", help="Shortest speech that counts as a turn."
                        ),
                        ApiArgument(
                            name="minimum_interruption_duration",
                            kind="duration",
                            help="Shortest speech that interrupts the agent.",
                        ),
                        ApiArgument(
                            name="frame_activation_threshold",
                            kind="number",
                            help="How sure the detector must be that a frame is speech, 0 to 1.",
                        ),
                    ),
                ),
            ),
        ),
        ApiCommand(
            name="agents.delete",
            summary="Delete an agent.",
            endpoint="DELETE /agents/{agent_id}",
            result="one",
            model="Deleted",
            arguments=(
                ApiArgument(
                    name="agent_id", kind="text", help="The id of the agent.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="agents.create_test_call",
            summary="Make a call to try an agent from a browser; no phone rings.",
            about=("The body's members are not documented; --extra-body sends what your server knows.",),
            endpoint="POST /agents/{agent_id}/test-call",
            result="one",
            model="TestCall",
            arguments=(
                ApiArgument(
                    name="agent_id", kind="text", help="The id of the agent.", is_positional=True, is_required=True
                ),
            ),
        ),
    ),
)
