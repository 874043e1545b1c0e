# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy tools`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="tools",
    summary="Tools: make, read, change and delete them.",
    operations=(
        ApiCommand(
            name="tools.list",
            summary="List tools.",
            endpoint="GET /tools",
            result="pages",
            model="Tool",
            arguments=(
                ApiArgument(name="name", kind="text", help="Only tools whose name contains this text."),
                ApiArgument(
                    name="limit", kind="whole", help="At most so many tools, 1 to 100; all of them by default."
                ),
                ApiArgument(name="offset", kind="whole", help="Leave out so many at the start."),
                ApiArgument(
                    name="page_size",
                    kind="whole",
                    help="Tools a request when iterating over all, 1 to 100.",
                    default="100",
                ),
            ),
        ),
        ApiCommand(
            name="tools.create",
            summary="Make a tool.",
            endpoint="POST /tools",
            result="one",
            model="Tool",
            arguments=(
                ApiArgument(
                    name="name",
                    kind="text",
                    help="1 to 255 characters; may be left out only where the definition has a modelToolName.",
                ),
                ApiArgument(
                    name="definition",
                    kind="object",
                    help="What it does.",
                    model="HttpTool",
                    members=(
                        ApiArgument(name="url", kind="text", help="Where the request goes, with https://."),
                        ApiArgument(
                            name="method",
                            kind="word",
                            help="The HTTP verb.",
                            words=("GET", "POST", "PUT", "PATCH", "DELETE"),
                        ),
                        ApiArgument(
                            name="name",
                            kind="text",
                            help="What the agent calls it: 1 to 64 letters, digits, _ and -; the server makes it from the tool's name.",
                        ),
                        ApiArgument(name="description", kind="text", help="Tells the agent when to use it."),
                        ApiArgument(
                            name="parameters",
                            kind="json",
                            help="What it sends: filled in by the agent, or the same each time.",
                        ),
                        ApiArgument(name="security", kind="json", help="requirements httpSecurityOptions, as it is."),
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
            name="tools.get",
            summary="Read one tool.",
            endpoint="GET /tools/{tool_id}",
            result="one",
            model="Tool",
            arguments=(
                ApiArgument(
                    name="tool_id", kind="text", help="The id of the tool.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="tools.update",
            summary="Change a tool; only what is given changes.",
            about=("",),
            endpoint="PATCH /tools/{tool_id}",
            result="one",
            model="Tool",
            arguments=(
                ApiArgument(
                    name="tool_id", kind="text", help="The id of the tool.", is_positional=True, is_required=True
                ),
                ApiArgument(
                    name="name",
                    kind="text",
                    help="1 to 255 characters; may be left out only where the definition has a modelToolName.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="definition",
                    kind="object",
                    help="What it does.",
                    is_nullable=True,
                    model="HttpTool",
                    members=(
                        ApiArgument(name="url", kind="text", help="Where the request goes, with https://."),
                        ApiArgument(
                            name="method",
                            kind="word",
                            help="The HTTP verb.",
                            words=("GET", "POST", "PUT", "PATCH", "DELETE"),
                        ),
                        ApiArgument(
                            name="name",
                            kind="text",
                            help="What the agent calls it: 1 to 64 letters, digits, _ and -; the server makes it from the tool's name.",
                        ),
                        ApiArgument(name="description", kind="text", help="Tells the agent when to use it."),
                        ApiArgument(
                            name="parameters",
                            kind="json",
                            help="What it sends: filled in by the agent, or the same each time.",
                        ),
                        ApiArgument(name="security", kind="json", help="requirements httpSecurityOptions, as it is."),
                    ),
                ),
            ),
        ),
        ApiCommand(
            name="tools.delete",
            summary="Delete a tool.",
            endpoint="DELETE /tools/{tool_id}",
            result="one",
            model="Deleted",
            arguments=(
                ApiArgument(
                    name="tool_id", kind="text", help="The id of the tool.", is_positional=True, is_required=True
                ),
            ),
        ),
    ),
)
