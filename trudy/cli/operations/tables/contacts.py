# Generated from trudy/sync/ by `python -m trudy.codegen`; change the source, never this file.
"""`trudy contacts`."""

from __future__ import annotations

from typing import Final

from trudy.cli.operations.api_command import ApiArgument, ApiCommand, ApiGroup

GROUP: Final = ApiGroup(
    name="contacts",
    summary="Contacts: make, read, change and delete them, or import them from a file.",
    operations=(
        ApiCommand(
            name="contacts.list",
            summary="List contacts.",
            about=(
                "Contacts may be deleted while you iterate, if the server sends the total. Without it, contacts that move to a page that was read already are left out.",
            ),
            endpoint="GET /contacts",
            result="pages",
            model="Contact",
            arguments=(
                ApiArgument(name="folder_id", kind="text", help="Only contacts of this folder."),
                ApiArgument(name="search", kind="text", help="Only contacts in which this text is found."),
                ApiArgument(
                    name="last_call_outcome",
                    kind="word",
                    help="Only contacts whose last call ended so.",
                    words=("contacted", "voicemail", "no_answer", "escalated", "interested", "not_interested"),
                ),
                ApiArgument(
                    name="page",
                    kind="whole",
                    help="Exactly the page with this number, from 1, of --limit contacts (--page-size if that is left out).",
                ),
                ApiArgument(
                    name="limit", kind="whole", help="At most so many contacts, 1 to 100; all of them by default."
                ),
                ApiArgument(
                    name="offset", kind="whole", help="Leave out so many at the start; not together with --page."
                ),
                ApiArgument(
                    name="page_size",
                    kind="whole",
                    help="Contacts a request when iterating over all, 1 to 100.",
                    default="100",
                ),
            ),
        ),
        ApiCommand(
            name="contacts.create",
            summary="Make a contact.",
            endpoint="POST /contacts",
            result="one",
            model="Contact",
            arguments=(
                ApiArgument(name="phone_number", kind="text", help="E.164, such as +14155550123.", is_required=True),
                ApiArgument(
                    name="folder_id",
                    kind="text",
                    help="Where it goes; servers of before 2026-03 need it, later ones have a default folder.",
                    is_nullable=True,
                ),
                ApiArgument(name="first_name", kind="text", help="At most 100 characters.", is_nullable=True),
                ApiArgument(name="last_name", kind="text", help="At most 100 characters.", is_nullable=True),
                ApiArgument(name="email", kind="text", help="An address.", is_nullable=True),
                ApiArgument(
                    name="company_name",
                    kind="text",
                    help="This and the next four: servers of before 2026-03.",
                    is_nullable=True,
                ),
                ApiArgument(name="industry", kind="text", help="Free text.", is_nullable=True),
                ApiArgument(name="location", kind="text", help="Free text.", is_nullable=True),
                ApiArgument(name="pin_code", kind="text", help="Free text.", is_nullable=True),
                ApiArgument(name="keywords", kind="texts", help="One or more words.", is_nullable=True),
                ApiArgument(
                    name="custom_fields",
                    kind="mapping",
                    help="Values of your own; servers of 2026-03 and later.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="metadata", kind="mapping", help="The same for servers of before 2026-03.", is_nullable=True
                ),
            ),
        ),
        ApiCommand(
            name="contacts.get",
            summary="Read one contact.",
            endpoint="GET /contacts/{contact_id}",
            result="one",
            model="Contact",
            arguments=(
                ApiArgument(
                    name="contact_id", kind="text", help="The id of the contact.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="contacts.update",
            summary="Change a contact; only what is given changes.",
            about=("",),
            endpoint="PATCH /contacts/{contact_id}",
            result="one",
            model="Contact",
            arguments=(
                ApiArgument(
                    name="contact_id", kind="text", help="The id of the contact.", is_positional=True, is_required=True
                ),
                ApiArgument(name="phone_number", kind="text", help="E.164, such as +14155550123.", is_nullable=True),
                ApiArgument(
                    name="folder_id",
                    kind="text",
                    help="Where it goes; servers of before 2026-03 need it, later ones have a default folder.",
                    is_nullable=True,
                ),
                ApiArgument(name="first_name", kind="text", help="At most 100 characters.", is_nullable=True),
                ApiArgument(name="last_name", kind="text", help="At most 100 characters.", is_nullable=True),
                ApiArgument(name="email", kind="text", help="An address.", is_nullable=True),
                ApiArgument(
                    name="company_name",
                    kind="text",
                    help="This and the next four: servers of before 2026-03.",
                    is_nullable=True,
                ),
                ApiArgument(name="industry", kind="text", help="Free text.", is_nullable=True),
                ApiArgument(name="location", kind="text", help="Free text.", is_nullable=True),
                ApiArgument(name="pin_code", kind="text", help="Free text.", is_nullable=True),
                ApiArgument(name="keywords", kind="texts", help="One or more words.", is_nullable=True),
                ApiArgument(
                    name="custom_fields",
                    kind="mapping",
                    help="Values of your own; servers of 2026-03 and later.",
                    is_nullable=True,
                ),
                ApiArgument(
                    name="metadata", kind="mapping", help="The same for servers of before 2026-03.", is_nullable=True
                ),
            ),
        ),
        ApiCommand(
            name="contacts.delete",
            summary="Delete a contact.",
            endpoint="DELETE /contacts/{contact_id}",
            result="one",
            model="Deleted",
            arguments=(
                ApiArgument(
                    name="contact_id", kind="text", help="The id of the contact.", is_positional=True, is_required=True
                ),
            ),
        ),
        ApiCommand(
            name="contacts.import_file",
            summary="Import contacts from a CSV or XLSX file.",
            about=(
                "The file is checked before it is sent: at most 50 MB; CSV in UTF-8 with a column phone or phone_number in its first line and at least one row; to Truedy's own host, none of the numbers that only a sandbox answers; an XLSX file must be one, and only the server looks at its columns. Never sent twice by itself.",
            ),
            endpoint="POST /contacts/import",
            result="one",
            model="ContactImportResult",
            arguments=(
                ApiArgument(name="file", kind="path", help="A file.", is_positional=True, is_required=True),
                ApiArgument(
                    name="folder_id",
                    kind="text",
                    help="Where the contacts go; a default folder if left out, which --form json does not know.",
                ),
                ApiArgument(
                    name="overwrite_existing",
                    kind="flag",
                    help="Whether contacts that are there are changed; not with --form json.",
                ),
                ApiArgument(
                    name="filename", kind="text", help="The name to send, where it should differ from the file's own."
                ),
                ApiArgument(
                    name="mapping_config",
                    kind="mapping",
                    help='Which member each column fills, such as {"Mobile": "phone_number"}; only with --form json.',
                ),
                ApiArgument(
                    name="form",
                    kind="word",
                    help="json sends the file as servers of before 2026-03 want it.",
                    words=("multipart", "json"),
                    default="multipart",
                ),
            ),
        ),
    ),
    inner=(
        ApiGroup(
            name="contacts.folders",
            summary="Folders of contacts: list, make and delete them.",
            operations=(
                ApiCommand(
                    name="contacts.folders.list",
                    summary="List folders.",
                    endpoint="GET /contacts/folders",
                    result="pages",
                    model="ContactFolder",
                    arguments=(
                        ApiArgument(
                            name="sort_by",
                            kind="word",
                            help="By what; created_at if left out.",
                            words=("name", "created_at", "contact_count"),
                        ),
                        ApiArgument(name="order", kind="word", help="desc if left out.", words=("asc", "desc")),
                        ApiArgument(
                            name="limit",
                            kind="whole",
                            help="At most so many folders, 1 to 100; all of them by default.",
                        ),
                        ApiArgument(name="offset", kind="whole", help="Leave out so many at the start."),
                        ApiArgument(
                            name="page_size",
                            kind="whole",
                            help="Folders a request when iterating over all, 1 to 100.",
                            default="100",
                        ),
                    ),
                ),
                ApiCommand(
                    name="contacts.folders.create",
                    summary="Make a folder.",
                    endpoint="POST /contacts/folders",
                    result="one",
                    model="ContactFolder",
                    arguments=(
                        ApiArgument(name="name", kind="text", help="Not empty.", is_required=True),
                        ApiArgument(name="description", kind="text", help="Free text.", is_nullable=True),
                    ),
                ),
                ApiCommand(
                    name="contacts.folders.delete",
                    summary="Delete a folder, and the contacts in it.",
                    endpoint="DELETE /contacts/folders/{folder_id}",
                    result="one",
                    model="Deleted",
                    arguments=(
                        ApiArgument(
                            name="folder_id",
                            kind="text",
                            help="The id of the folder.",
                            is_positional=True,
                            is_required=True,
                        ),
                    ),
                ),
            ),
        ),
    ),
)
