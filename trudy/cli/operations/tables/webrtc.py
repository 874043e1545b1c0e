# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy webrtc`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="webrtc",
    summary="Calls from a browser.",
    operations=(
        ApiCommand(
            name="webrtc.create_call",
            summary="Make a call that a browser joins.",
            about=(
                "The join URL is good for one browser, and soon expires. Never sent twice by itself, though after a ProviderError you may try again.",
            ),
            endpoint="POST /webrtc/call",
            result="one",
            model="WebRTCCall",
            arguments=(
                ApiArgument(name="agent_id", kind="text", help="The agent that speaks.", is_required=True),
                ApiArgument(
                    name="variables",
                    kind="mapping",
                    help="Values for the {{variables}} of the agent's prompt.",
                    is_nullable=True,
                ),
            ),
        ),
    ),
)
