# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy voices`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="voices",
    summary="Voices: list, import, clone, change and delete them.",
    operations=(
        ApiCommand(name="voices.list", summary="List voices.", endpoint="GET /voices", result="pages", model="Voice"),
        ApiCommand(
            name="voices.get",
            summary="Read one voice.",
            endpoint="GET /voices/{voice_id}",
            result="one",
            model="Voice",
            arguments=(
                ApiArgument(
                    name="voice_id", kind="text", help="The id of the voice.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="voices.import_",
            summary="Import a voice of a provider.",
            endpoint="POST /voices",
            result="one",
            model="Voice",
            arguments=(
                ApiArgument(name="name", kind="text", help="What it is called here.", is_required=True),
                ApiArgument(name="provider_voice_id", kind="text", help="Its id at the provider.", is_required=True),
                ApiArgument(name="provider", kind="text", help="elevenlabs if left out."),
            ),
        ),
        ApiCommand(
            name="voices.clone",
            summary="Make a voice from recordings of it.",
            about=("Never sent twice by itself.",),
            endpoint="POST /voices/clone",
            result="one",
            model="Voice",
            arguments=(
                ApiArgument(name="name", kind="text", help="1 to 100 characters.", is_required=True),
                ApiArgument(
                    name="files", kind="paths", help="Audio files, at least one, each at most 50 MB.", is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="voices.update",
            summary="Change a voice; only what is given changes.",
            about=("Known from an early server only.",),
            endpoint="PATCH /voices/{voice_id}",
            result="one",
            model="Voice",
            arguments=(
                ApiArgument(name="voice_id", kind="text", help="The voice.", is_positional=True, is_required=True),
                ApiArgument(name="name", kind="text", help="1 to 100 characters.", is_nullable=True),
                ApiArgument(name="description", kind="text", help="At most 500 characters.", is_nullable=True),
            ),
        ),
        ApiCommand(
            name="voices.delete",
            summary="Delete a voice.",
            about=("Known from an early server only.",),
            endpoint="DELETE /voices/{voice_id}",
            result="one",
            model="Deleted",
            arguments=(
                ApiArgument(
                    name="voice_id", kind="text", help="The id of the voice.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="voices.wait",
            summary="Wait until a voice has been trained.",
            endpoint="GET /voices/{voice_id}",
            result="one",
            model="Voice",
            arguments=(
                ApiArgument(name="voice_id", kind="text", help="The voice.", is_positional=True, is_required=True),
                ApiArgument(name="max_wait", kind="seconds", help="Seconds to wait.", default="1800 s"),
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
