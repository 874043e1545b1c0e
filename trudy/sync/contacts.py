# Generated from trudy/resources/contacts.py by `python -m trudy.codegen`; change the source, never this file.
"""`client.contacts`: people to call, their folders, and the import of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Unpack

from trudy._lazy import made_once
from trudy.bridge import SyncResource, bind
from trudy.models import CallOutcomeName, Contact, ContactFolder, ContactImportResult, Deleted
from trudy.options import JSON, NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, Page
from trudy.resources._uploads import FileSource
from trudy.resources.contacts import AsyncContactFolders, AsyncContacts


class Contacts(SyncResource[AsyncContacts]):
    """Contacts: make, read, change and delete them, or import them from a file."""

    @made_once
    def folders(self) -> ContactFolders:
        """Folders of contacts."""
        from trudy.sync.contacts import ContactFolders

        return ContactFolders(self._async.folders, self._bridge)

    def list(
        self,
        *,
        folder_id: str | None = None,
        search: str | None = None,
        last_call_outcome: CallOutcomeName | None = None,
        page: int | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> Page[Contact]:
        """List contacts. `GET /contacts`

        Contacts may be deleted while you iterate, if the server sends the total. Without it, contacts that move to a
        page that was read already are left out.

        Args:
            folder_id: only contacts of this folder.
            search: only contacts in which this text is found.
            last_call_outcome: only contacts whose last call ended so.
            page: exactly the page with this number, from 1, of `limit` contacts (`page_size` if that is left out).
            limit: at most so many contacts, 1 to 100; all of them by default.
            offset: leave out so many at the start; not together with `page`.
            page_size: contacts a request when iterating over all, 1 to 100.

        Returns:
            Contacts page by page; iterate over it for all of them.
        """
        return Page(
            self._bridge.run(
                bind(
                    self._async.list,
                    folder_id=folder_id,
                    search=search,
                    last_call_outcome=last_call_outcome,
                    page=page,
                    limit=limit,
                    offset=offset,
                    page_size=page_size,
                    **options,
                )
            ),
            self._bridge.run,
        )

    def create(
        self,
        *,
        phone_number: str,
        folder_id: str | NotGiven | None = NOT_GIVEN,
        first_name: str | NotGiven | None = NOT_GIVEN,
        last_name: str | NotGiven | None = NOT_GIVEN,
        email: str | NotGiven | None = NOT_GIVEN,
        company_name: str | NotGiven | None = NOT_GIVEN,
        industry: str | NotGiven | None = NOT_GIVEN,
        location: str | NotGiven | None = NOT_GIVEN,
        pin_code: str | NotGiven | None = NOT_GIVEN,
        keywords: str | Sequence[str] | NotGiven | None = NOT_GIVEN,
        custom_fields: Mapping[str, JSON] | NotGiven | None = NOT_GIVEN,
        metadata: Mapping[str, JSON] | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> Contact:
        """Make a contact. `POST /contacts`

        Args:
            phone_number: E.164, such as `+14155550123`.
            folder_id: where it goes; servers of before 2026-03 need it, later ones have a default folder.
            first_name: at most 100 characters.
            last_name: at most 100 characters.
            email: an address.
            company_name: this and the next four: servers of before 2026-03.
            industry: free text.
            location: free text.
            pin_code: free text.
            keywords: a list, or comma-separated text, as which it is sent.
            custom_fields: values of your own; servers of 2026-03 and later.
            metadata: the same for servers of before 2026-03.

        Raises:
            InvalidArgumentError: an argument is bad; nothing was sent.
            ValidationError: the server refused a member.
        """
        return self._bridge.run(
            bind(
                self._async.create,
                phone_number=phone_number,
                folder_id=folder_id,
                first_name=first_name,
                last_name=last_name,
                email=email,
                company_name=company_name,
                industry=industry,
                location=location,
                pin_code=pin_code,
                keywords=keywords,
                custom_fields=custom_fields,
                metadata=metadata,
                **options,
            )
        )

    def get(self, contact_id: str, **options: Unpack[RequestOptions]) -> Contact:
        """Read one contact. `GET /contacts/{contact_id}`

        Raises:
            NotFoundError: no such contact, or not yours.
        """
        return self._bridge.run(bind(self._async.get, contact_id, **options))

    def update(
        self,
        contact_id: str,
        *,
        phone_number: str | NotGiven | None = NOT_GIVEN,
        folder_id: str | NotGiven | None = NOT_GIVEN,
        first_name: str | NotGiven | None = NOT_GIVEN,
        last_name: str | NotGiven | None = NOT_GIVEN,
        email: str | NotGiven | None = NOT_GIVEN,
        company_name: str | NotGiven | None = NOT_GIVEN,
        industry: str | NotGiven | None = NOT_GIVEN,
        location: str | NotGiven | None = NOT_GIVEN,
        pin_code: str | NotGiven | None = NOT_GIVEN,
        keywords: str | Sequence[str] | NotGiven | None = NOT_GIVEN,
        custom_fields: Mapping[str, JSON] | NotGiven | None = NOT_GIVEN,
        metadata: Mapping[str, JSON] | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> Contact:
        """Change a contact; only what is given changes, `None` clears. `PATCH /contacts/{contact_id}`

        The arguments are those of `create`.

        Raises:
            NotFoundError: no such contact, or not yours.
            ValidationError: the server refused a member.
        """
        return self._bridge.run(
            bind(
                self._async.update,
                contact_id,
                phone_number=phone_number,
                folder_id=folder_id,
                first_name=first_name,
                last_name=last_name,
                email=email,
                company_name=company_name,
                industry=industry,
                location=location,
                pin_code=pin_code,
                keywords=keywords,
                custom_fields=custom_fields,
                metadata=metadata,
                **options,
            )
        )

    def delete(self, contact_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a contact. `DELETE /contacts/{contact_id}`

        Raises:
            NotFoundError: no such contact, or not yours.
        """
        return self._bridge.run(bind(self._async.delete, contact_id, **options))

    def import_file(
        self,
        file: FileSource,
        *,
        folder_id: str | None = None,
        overwrite_existing: bool | None = None,
        filename: str | None = None,
        mapping_config: Mapping[str, str] | None = None,
        form: Literal["multipart", "json"] = "multipart",
        **options: Unpack[RequestOptions],
    ) -> ContactImportResult:
        """Import contacts from a CSV or XLSX file. `POST /contacts/import`

        The file is checked before it is sent: at most 50 MB; CSV in UTF-8 with a column `phone` or `phone_number` in
        its first line and at least one row; to Truedy's own host, none of the numbers that only a sandbox answers; an
        XLSX file must be one, and only the server looks at its columns. Never sent twice by itself.

        Args:
            file: a path, a file open for reading bytes, bytes, or a pair of file name and bytes.
            folder_id: where the contacts go; a default folder if left out, which `form="json"` does not know.
            overwrite_existing: whether contacts that are there are changed; not with `form="json"`.
            filename: the name to send, where it should differ from the file's own.
            mapping_config: which member each column fills, such as `{"Mobile": "phone_number"}`; only with
                `form="json"`.
            form: `"json"` sends the file as servers of before 2026-03 want it.

        Returns:
            How many are new, changed, left alone and refused, and which rows were refused.

        Raises:
            InvalidArgumentError: the file or an argument is bad; nothing was sent.
            OSError: the file cannot be read.
        """
        return self._bridge.run(
            bind(
                self._async.import_file,
                file,
                folder_id=folder_id,
                overwrite_existing=overwrite_existing,
                filename=filename,
                mapping_config=mapping_config,
                form=form,
                **options,
            )
        )


class ContactFolders(SyncResource[AsyncContactFolders]):
    """Folders of contacts: list, make and delete them."""

    def list(
        self,
        *,
        sort_by: Literal["name", "created_at", "contact_count"] | None = None,
        order: Literal["asc", "desc"] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> Page[ContactFolder]:
        """List folders. `GET /contacts/folders`

        Args:
            sort_by: by what; `"created_at"` if left out.
            order: `"desc"` if left out.
            limit: at most so many folders, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: folders a request when iterating over all, 1 to 100.

        Returns:
            Folders page by page; iterate over it for all of them. Servers of before 2026-03 give all at once.
        """
        return Page(
            self._bridge.run(
                bind(
                    self._async.list,
                    sort_by=sort_by,
                    order=order,
                    limit=limit,
                    offset=offset,
                    page_size=page_size,
                    **options,
                )
            ),
            self._bridge.run,
        )

    def create(
        self, *, name: str, description: str | NotGiven | None = NOT_GIVEN, **options: Unpack[RequestOptions]
    ) -> ContactFolder:
        """Make a folder. `POST /contacts/folders`

        Args:
            name: not empty.
            description: free text.

        Raises:
            ValidationError: the server refused a member.
        """
        return self._bridge.run(bind(self._async.create, name=name, description=description, **options))

    def delete(self, folder_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a folder, and the contacts in it. `DELETE /contacts/folders/{folder_id}`

        Raises:
            NotFoundError: no such folder, or not yours.
        """
        return self._bridge.run(bind(self._async.delete, folder_id, **options))
