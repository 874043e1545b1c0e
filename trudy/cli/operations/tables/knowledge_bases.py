# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy knowledge-bases`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="knowledge_bases",
    summary="Knowledge bases: make, fill, read, change and delete them.",
    operations=(
        ApiCommand(
            name="knowledge_bases.list",
            summary="List knowledge bases.",
            endpoint="GET /knowledge-bases",
            result="pages",
            model="KnowledgeBase",
            arguments=(
                ApiArgument(name="name", kind="text", help="Only knowledge bases whose name contains this text."),
                ApiArgument(name="limit", kind="whole", help="At most so many, 1 to 100; all of them by default."),
                ApiArgument(name="offset", kind="whole", help="Leave out so many at the start."),
                ApiArgument(
                    name="page_size",
                    kind="whole",
                    help="Knowledge bases a request when iterating over all, 1 to 100.",
                    default="100",
                ),
            ),
        ),
        ApiCommand(
            name="knowledge_bases.create",
            summary="Make a knowledge base, empty; then add sources.",
            endpoint="POST /knowledge-bases",
            result="one",
            model="KnowledgeBase",
            arguments=(
                ApiArgument(name="name", kind="text", help="1 to 255 characters.", is_required=True),
                ApiArgument(name="description", kind="text", help="At most 1000 characters.", is_nullable=True),
                ApiArgument(
                    name="file_content",
                    kind="prose",
                    help="The text of a first document, as one page of 2026-04 has it; prefer sources add-document.",
                    is_nullable=True,
                ),
                ApiArgument(name="file_name", kind="text", help="What that document is called.", is_nullable=True),
            ),
        ),
        ApiCommand(
            name="knowledge_bases.get",
            summary="Read one knowledge base.",
            endpoint="GET /knowledge-bases/{kb_id}",
            result="one",
            model="KnowledgeBase",
            arguments=(
                ApiArgument(
                    name="kb_id",
                    kind="text",
                    help="The id of the knowledge base.",
                    is_positional=True,
                    is_required=True,
                ),
            ),
        ),
        ApiCommand(
            name="knowledge_bases.update",
            summary="Change a knowledge base; only what is given changes.",
            endpoint="PATCH /knowledge-bases/{kb_id}",
            result="one",
            model="KnowledgeBase",
            arguments=(
                ApiArgument(
                    name="kb_id",
                    kind="text",
                    help="The id of the knowledge base.",
                    is_positional=True,
                    is_required=True,
                ),
                ApiArgument(name="name", kind="text", help="1 to 255 characters.", is_nullable=True),
                ApiArgument(name="description", kind="text", help="At most 1000 characters.", is_nullable=True),
            ),
        ),
        ApiCommand(
            name="knowledge_bases.delete",
            summary="Delete a knowledge base, and its sources.",
            endpoint="DELETE /knowledge-bases/{kb_id}",
            result="one",
            model="Deleted",
            arguments=(
                ApiArgument(
                    name="kb_id",
                    kind="text",
                    help="The id of the knowledge base.",
                    is_positional=True,
                    is_required=True,
                ),
            ),
        ),
        ApiCommand(
            name="knowledge_bases.wait",
            summary="Wait until a knowledge base and its sources have been read.",
            endpoint="GET /knowledge-bases/{kb_id}",
            result="one",
            model="KnowledgeBase",
            arguments=(
                ApiArgument(
                    name="kb_id", kind="text", help="The knowledge base.", is_positional=True, is_required=True
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
    ),
    inner=(
        ApiGroup(
            name="knowledge_bases.sources",
            summary="Sources of a knowledge base: add, list, read and delete them.",
            operations=(
                ApiCommand(
                    name="knowledge_bases.sources.list",
                    summary="List the sources of a knowledge base.",
                    endpoint="GET /knowledge-bases/{kb_id}/sources",
                    result="pages",
                    model="KnowledgeSource",
                    arguments=(
                        ApiArgument(
                            name="kb_id",
                            kind="text",
                            help="The id of the knowledge base.",
                            is_positional=True,
                            is_required=True,
                        ),
                    ),
                ),
                ApiCommand(
                    name="knowledge_bases.sources.get",
                    summary="Read one source.",
                    endpoint="GET /knowledge-bases/{kb_id}/sources/{source_id}",
                    result="one",
                    model="KnowledgeSource",
                    arguments=(
                        ApiArgument(
                            name="kb_id",
                            kind="text",
                            help="The id of the knowledge base.",
                            is_positional=True,
                            is_required=True,
                        ),
                        ApiArgument(
                            name="source_id",
                            kind="text",
                            help="The id of the source.",
                            is_positional=True,
                            is_required=True,
                        ),
                    ),
                ),
                ApiCommand(
                    name="knowledge_bases.sources.delete",
                    summary="Delete one source.",
                    endpoint="DELETE /knowledge-bases/{kb_id}/sources/{source_id}",
                    result="one",
                    model="Deleted",
                    arguments=(
                        ApiArgument(
                            name="kb_id",
                            kind="text",
                            help="The id of the knowledge base.",
                            is_positional=True,
                            is_required=True,
                        ),
                        ApiArgument(
                            name="source_id",
                            kind="text",
                            help="The id of the source.",
                            is_positional=True,
                            is_required=True,
                        ),
                    ),
                ),
                ApiCommand(
                    name="knowledge_bases.sources.add_document",
                    summary="Add a document.",
                    about=(
                        "PDF, TXT, DOCX or MD, told apart by the ending of the file's name, at most 50 MB. Never sent twice by itself.",
                    ),
                    endpoint="POST /knowledge-bases/{kb_id}/sources/document",
                    result="one",
                    model="KnowledgeSource",
                    arguments=(
                        ApiArgument(
                            name="kb_id", kind="text", help="The knowledge base.", is_positional=True, is_required=True
                        ),
                        ApiArgument(name="file", kind="path", help="A file.", is_positional=True, is_required=True),
                        ApiArgument(
                            name="name", kind="text", help="What the source is called; the file's name if left out."
                        ),
                        ApiArgument(name="description", kind="text", help="Free text.", is_nullable=True),
                        ApiArgument(
                            name="filename",
                            kind="text",
                            help="What the file is called, where that should differ from its own name, or it has none.",
                        ),
                    ),
                ),
                ApiCommand(
                    name="knowledge_bases.sources.add_web",
                    summary="Add public web pages.",
                    endpoint="POST /knowledge-bases/{kb_id}/sources/web",
                    result="one",
                    model="KnowledgeSource",
                    arguments=(
                        ApiArgument(
                            name="kb_id", kind="text", help="The knowledge base.", is_positional=True, is_required=True
                        ),
                        ApiArgument(name="name", kind="text", help="What the source is called.", is_required=True),
                        ApiArgument(name="urls", kind="texts", help="The pages, at least one.", is_required=True),
                        ApiArgument(name="description", kind="text", help="Free text.", is_nullable=True),
                    ),
                ),
            ),
        ),
    ),
)
