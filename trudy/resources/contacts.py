"""`client.contacts`: people to call, their folders, and the import of files."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Unpack

from trudy import _checks
from trudy._lazy import made_once
from trudy.errors import InvalidArgumentError
from trudy.models import CallOutcomeName, Contact, ContactFolder, ContactImportResult, Deleted
from trudy.options import JSON, NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, AsyncPager
from trudy.request import Endpoint, Request, RetryClass
from trudy.resources._base import Resource, body_of
from trudy.resources._contact_file import PHONE_COLUMNS, check_contact_file
from trudy.resources._uploads import MEGABYTE, FileSource, multipart, off_loop, read_upload

LIST: Final = Endpoint(name="contacts.list", method="GET", path="/contacts", paging="page")
CREATE: Final = Endpoint(name="contacts.create", method="POST", path="/contacts", retry=RetryClass.ONCE)
IMPORT_FILE: Final = Endpoint(
    name="contacts.import_file",
    method="POST",
    path="/contacts/import",
    retry=RetryClass.ONCE,
    read_timeout=180.0,
)
LIST_FOLDERS: Final = Endpoint(name="contacts.folders.list", method="GET", path="/contacts/folders", paging="offset")
CREATE_FOLDER: Final = Endpoint(
    name="contacts.folders.create", method="POST", path="/contacts/folders", retry=RetryClass.ONCE
)
DELETE_FOLDER: Final = Endpoint(name="contacts.folders.delete", method="DELETE", path="/contacts/folders/{folder_id}")
GET: Final = Endpoint(name="contacts.get", method="GET", path="/contacts/{contact_id}")
UPDATE: Final = Endpoint(name="contacts.update", method="PATCH", path="/contacts/{contact_id}")
DELETE: Final = Endpoint(name="contacts.delete", method="DELETE", path="/contacts/{contact_id}")

LARGEST_IMPORT: Final = 50 * MEGABYTE
"""The API documents no limit for this file; this is the one for documents."""


class AsyncContacts(Resource):
    """Contacts: make, read, change and delete them, or import them from a file."""

    @made_once
    def folders(self) -> AsyncContactFolders:
        """Folders of contacts."""
        return AsyncContactFolders(self._core, self._settings)

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
    ) -> AsyncPager[Contact]:
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
        if page is not None:
            _checks.whole(page, 1, None, "page")
            if offset is not None:
                raise InvalidArgumentError("page and offset both say where to begin; give one", argument="offset")
            limit = page_size if limit is None else limit
            offset = (page - 1) * limit
        return self._list(
            LIST,
            Contact,
            options,
            query={"folder_id": folder_id, "search": search, "last_call_outcome": last_call_outcome},
            limit=limit,
            offset=offset,
            page_size=page_size,
        )

    async def create(
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
        members = body_of(
            phone_number=phone_number,
            folder_id=folder_id,
            first_name=first_name,
            last_name=last_name,
            email=email,
            company_name=company_name,
            industry=industry,
            location=location,
            pin_code=pin_code,
            keywords=_keywords(keywords),
            custom_fields=custom_fields,
            metadata=metadata,
        )
        self._check({"phone_number": phone_number, **members})
        return await self._core.fetch(self._build(CREATE, options, body=members), Contact)

    async def get(self, contact_id: str, **options: Unpack[RequestOptions]) -> Contact:
        """Read one contact. `GET /contacts/{contact_id}`

        Raises:
            NotFoundError: no such contact, or not yours.
        """
        return await self._core.fetch(self._build(GET, options, ids={"contact_id": contact_id}), Contact)

    async def update(
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
        members = body_of(
            phone_number=phone_number,
            folder_id=folder_id,
            first_name=first_name,
            last_name=last_name,
            email=email,
            company_name=company_name,
            industry=industry,
            location=location,
            pin_code=pin_code,
            keywords=_keywords(keywords),
            custom_fields=custom_fields,
            metadata=metadata,
        )
        self._check({name: value for name, value in members.items() if value is not None})
        request = self._build(UPDATE, options, ids={"contact_id": contact_id}, body=members)
        return await self._core.fetch(request, Contact)

    async def delete(self, contact_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a contact. `DELETE /contacts/{contact_id}`

        Raises:
            NotFoundError: no such contact, or not yours.
        """
        return await self._delete(DELETE, options, {"contact_id": contact_id})

    async def import_file(
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
        _checks.one_of(form, ("multipart", "json"), "form")
        if folder_id is not None or form == "json":
            _checks.non_empty(folder_id, "folder_id")
        if form == "json" and overwrite_existing is not None:
            raise InvalidArgumentError('overwrite_existing has no place in form="json"', argument="overwrite_existing")
        if form == "multipart" and mapping_config is not None:
            raise InvalidArgumentError('mapping_config needs form="json"', argument="mapping_config")
        mapped = _mapped(mapping_config)

        def request() -> Request:
            read = read_upload(file, "file", most=LARGEST_IMPORT, filename=filename)
            upload, content_type = check_contact_file(read, mapped, base_url=self._core.base_url)
            if form == "multipart":
                fields = {} if folder_id is None else {"folder_id": folder_id}
                if overwrite_existing is not None:
                    fields["overwrite_existing"] = json.dumps(overwrite_existing)
                return self._build(IMPORT_FILE, options, content=multipart(fields, "file", upload, content_type))
            members: dict[str, Any] = {
                "folder_id": folder_id,
                "base64_file": b64encode(upload.data).decode(),
                "filename": upload.filename,
            }
            if mapping_config is not None:
                members["mapping_config"] = dict(mapping_config)
            return self._build(IMPORT_FILE, options, body=members)

        return await self._core.fetch(await off_loop((file,), request), ContactImportResult)

    def _check(self, members: Mapping[str, object]) -> None:
        if "phone_number" in members:
            _checks.dialable(members["phone_number"], self._core.base_url, "phone_number")
        if members.get("folder_id") is not None:
            _checks.non_empty(members["folder_id"], "folder_id")
        for argument in ("first_name", "last_name"):
            _checks.no_longer_than(members.get(argument), 100, argument)


class AsyncContactFolders(Resource):
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
    ) -> AsyncPager[ContactFolder]:
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
        if sort_by is not None:
            _checks.one_of(sort_by, ("name", "created_at", "contact_count"), "sort_by")
        if order is not None:
            _checks.one_of(order, ("asc", "desc"), "order")
        return self._list(
            LIST_FOLDERS,
            ContactFolder,
            options,
            query={"sort_by": sort_by, "order": order},
            limit=limit,
            offset=offset,
            page_size=page_size,
        )

    async def create(
        self,
        *,
        name: str,
        description: str | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> ContactFolder:
        """Make a folder. `POST /contacts/folders`

        Args:
            name: not empty.
            description: free text.

        Raises:
            ValidationError: the server refused a member.
        """
        _checks.non_empty(name, "name")
        members = body_of(name=name, description=description)
        return await self._core.fetch(self._build(CREATE_FOLDER, options, body=members), ContactFolder)

    async def delete(self, folder_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a folder, and the contacts in it. `DELETE /contacts/folders/{folder_id}`

        Raises:
            NotFoundError: no such folder, or not yours.
        """
        return await self._delete(DELETE_FOLDER, options, {"folder_id": folder_id})


def _keywords(value: str | Sequence[str] | NotGiven | None) -> str | NotGiven | None:
    if value is None or isinstance(value, str | NotGiven):
        return value
    return ",".join(value)


def _mapped(mapping: Mapping[str, str] | None) -> frozenset[str]:
    """The headings that a mapping says are numbers."""
    return frozenset(heading for heading, member in (mapping or {}).items() if member in PHONE_COLUMNS)
