"""`client.knowledge_bases`: what agents can look up, and the documents and web pages it comes from."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final, Unpack
from urllib.parse import urlsplit

from trudy import _checks
from trudy._lazy import made_once
from trudy.errors import InvalidArgumentError, NotFoundError
from trudy.models import Deleted, KnowledgeBase, KnowledgeSource
from trudy.options import MAX_WAIT, NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, AsyncPager
from trudy.request import Endpoint, Request, RetryClass
from trudy.resources._base import Resource, body_of
from trudy.resources._shared_poller import SharedPoller
from trudy.resources._uploads import MEGABYTE, FileSource, off_loop, read_upload
from trudy.resources._waiting import OnSeen, Waiting

LIST: Final = Endpoint(name="knowledge_bases.list", method="GET", path="/knowledge-bases", paging="offset")
CREATE: Final = Endpoint(name="knowledge_bases.create", method="POST", path="/knowledge-bases", retry=RetryClass.ONCE)
GET: Final = Endpoint(name="knowledge_bases.get", method="GET", path="/knowledge-bases/{kb_id}")
UPDATE: Final = Endpoint(name="knowledge_bases.update", method="PATCH", path="/knowledge-bases/{kb_id}")
DELETE: Final = Endpoint(name="knowledge_bases.delete", method="DELETE", path="/knowledge-bases/{kb_id}")
LIST_SOURCES: Final = Endpoint(
    name="knowledge_bases.sources.list", method="GET", path="/knowledge-bases/{kb_id}/sources", paging="none"
)
GET_SOURCE: Final = Endpoint(
    name="knowledge_bases.sources.get", method="GET", path="/knowledge-bases/{kb_id}/sources/{source_id}"
)
DELETE_SOURCE: Final = Endpoint(
    name="knowledge_bases.sources.delete", method="DELETE", path="/knowledge-bases/{kb_id}/sources/{source_id}"
)
ADD_DOCUMENT: Final = Endpoint(
    name="knowledge_bases.sources.add_document",
    method="POST",
    path="/knowledge-bases/{kb_id}/sources/document",
    retry=RetryClass.ONCE,
    read_timeout=180.0,
)
ADD_WEB: Final = Endpoint(
    name="knowledge_bases.sources.add_web",
    method="POST",
    path="/knowledge-bases/{kb_id}/sources/web",
    retry=RetryClass.ONCE,
)

LARGEST_DOCUMENT: Final = 50 * MEGABYTE
DOCUMENT_TYPES: Final[Mapping[str, str]] = {
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".md": "text/markdown",
}
"""What the API takes, by the ending of the file's name."""


class AsyncKnowledgeBases(Resource):
    """Knowledge bases: make, fill, read, change and delete them."""

    @made_once
    def sources(self) -> AsyncKnowledgeSources:
        """The documents and web pages in a knowledge base."""
        return AsyncKnowledgeSources(self._core, self._settings)

    def list(
        self,
        *,
        name: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> AsyncPager[KnowledgeBase]:
        """List knowledge bases. `GET /knowledge-bases`

        Args:
            name: only knowledge bases whose name contains this text.
            limit: at most so many, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: knowledge bases a request when iterating over all, 1 to 100.

        Returns:
            Knowledge bases page by page; iterate over it for all of them.
        """
        return self._list(
            LIST, KnowledgeBase, options, query={"name": name}, limit=limit, offset=offset, page_size=page_size
        )

    async def create(
        self,
        *,
        name: str,
        description: str | NotGiven | None = NOT_GIVEN,
        file_content: str | NotGiven | None = NOT_GIVEN,
        file_name: str | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> KnowledgeBase:
        """Make a knowledge base, empty; then add sources. `POST /knowledge-bases`

        Args:
            name: 1 to 255 characters.
            description: at most 1000 characters.
            file_content: the text of a first document, as one page of 2026-04 has it; prefer `sources.add_document`.
            file_name: what that document is called.

        Raises:
            ValidationError: the server refused a member.
        """
        members = body_of(name=name, description=description, file_content=file_content, file_name=file_name)
        _check({"name": name, **members})
        return await self._core.fetch(self._build(CREATE, options, body=members), KnowledgeBase)

    async def get(self, kb_id: str, **options: Unpack[RequestOptions]) -> KnowledgeBase:
        """Read one knowledge base. `GET /knowledge-bases/{kb_id}`

        Raises:
            NotFoundError: no such knowledge base, or not yours.
        """
        return await self._core.fetch(self._build(GET, options, ids={"kb_id": kb_id}), KnowledgeBase)

    async def update(
        self,
        kb_id: str,
        *,
        name: str | NotGiven | None = NOT_GIVEN,
        description: str | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> KnowledgeBase:
        """Change a knowledge base; only what is given changes, `None` clears. `PATCH /knowledge-bases/{kb_id}`

        Raises:
            NotFoundError: no such knowledge base, or not yours.
            ValidationError: the server refused a member.
        """
        members = body_of(name=name, description=description)
        _check({argument: value for argument, value in members.items() if value is not None})
        return await self._core.fetch(self._build(UPDATE, options, ids={"kb_id": kb_id}, body=members), KnowledgeBase)

    async def delete(self, kb_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a knowledge base, and its sources. `DELETE /knowledge-bases/{kb_id}`

        Raises:
            NotFoundError: no such knowledge base, or not yours.
        """
        return await self._delete(DELETE, options, {"kb_id": kb_id})

    async def wait(
        self,
        kb_id: str,
        *,
        max_wait: float = MAX_WAIT,
        poll_interval: float | None = None,
        progress: OnSeen[KnowledgeBase] | None = None,
        **options: Unpack[RequestOptions],
    ) -> KnowledgeBase:
        """Wait until a knowledge base and its sources have been read. Polls `GET /knowledge-bases/{kb_id}` and sources

        Args:
            kb_id: the knowledge base.
            max_wait: seconds to wait.
            poll_interval: seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.
            progress: called, or awaited, with the knowledge base each time that it has been read.

        Returns:
            The knowledge base, `ready` or `failed`; a source of it may have failed all the same.

        Raises:
            WaitTimeoutError: it took longer; `.last` is the knowledge base as last seen.
        """
        return await self._waiting().until_final(kb_id, max_wait, poll_interval, None, options, progress)

    def _waiting(self) -> Waiting[KnowledgeBase]:
        reading: set[str] = set()

        async def get(kb_id: str, /, **options: Unpack[RequestOptions]) -> KnowledgeBase:
            base = await self.get(kb_id, **options)
            reading.clear()
            if base.status.is_final:
                reading.update(await self._sources_being_read(kb_id, options))
            return base

        async def newest(number: int, options: RequestOptions) -> tuple[Sequence[KnowledgeBase], bool]:
            return (), False  # rows of a list do not show the state of their sources

        return Waiting(
            poller=self._core.shared("knowledge_bases", lambda: SharedPoller[KnowledgeBase](self._core.clock)),
            clock=self._core.clock,
            settings=self._settings,
            get=get,
            newest=newest,
            is_final=lambda base: base.status.is_final and not reading,
            describe=lambda base: f"{base.status_word}, with {len(reading)} sources being read",
            noun="kb",
        )

    async def _sources_being_read(self, kb_id: str, options: RequestOptions) -> Sequence[str]:
        try:
            return [s.id async for s in self.sources.list(kb_id, **options) if s.status and not s.status.is_final]
        except NotFoundError:
            return ()  # the path is not documented: a server may not have it


class AsyncKnowledgeSources(Resource):
    """Sources of a knowledge base: add, list, read and delete them. Only the paths for adding are documented."""

    def list(self, kb_id: str, **options: Unpack[RequestOptions]) -> AsyncPager[KnowledgeSource]:
        """List the sources of a knowledge base. `GET /knowledge-bases/{kb_id}/sources`

        Returns:
            All of them; iterate over it.
        """
        return self._list(LIST_SOURCES, KnowledgeSource, options, ids={"kb_id": kb_id})

    async def get(self, kb_id: str, source_id: str, **options: Unpack[RequestOptions]) -> KnowledgeSource:
        """Read one source. `GET /knowledge-bases/{kb_id}/sources/{source_id}`

        Raises:
            NotFoundError: no such knowledge base or source, or not yours.
        """
        request = self._build(GET_SOURCE, options, ids={"kb_id": kb_id, "source_id": source_id})
        return await self._core.fetch(request, KnowledgeSource)

    async def delete(self, kb_id: str, source_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete one source. `DELETE /knowledge-bases/{kb_id}/sources/{source_id}`

        Raises:
            NotFoundError: no such knowledge base or source, or not yours.
        """
        return await self._delete(DELETE_SOURCE, options, {"kb_id": kb_id, "source_id": source_id})

    async def add_document(
        self,
        kb_id: str,
        file: FileSource,
        *,
        name: str | None = None,
        description: str | NotGiven | None = NOT_GIVEN,
        filename: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> KnowledgeSource:
        """Add a document. `POST /knowledge-bases/{kb_id}/sources/document`

        PDF, TXT, DOCX or MD, told apart by the ending of the file's name, at most 50 MB. Never sent twice by itself.

        Args:
            kb_id: the knowledge base.
            file: a path, a file open for reading bytes, bytes, or a pair of file name and bytes.
            name: what the source is called; the file's name if left out.
            description: free text.
            filename: what the file is called, where that should differ from its own name, or it has none.

        Returns:
            The source; it is read some time after, for which `knowledge_bases.wait` waits.

        Raises:
            InvalidArgumentError: the file or an argument is bad; nothing was sent.
            OSError: the file cannot be read.
        """
        if name is not None:
            _checks.non_empty(name, "name")

        def request() -> Request:
            upload = read_upload(file, "file", most=LARGEST_DOCUMENT, filename=filename)
            content_type = DOCUMENT_TYPES.get(PurePath(upload.filename).suffix.lower())
            if content_type is None:
                raise InvalidArgumentError(
                    f"the file's name must end in {', '.join(DOCUMENT_TYPES)}; give it by filename=", argument="file"
                )
            document = {
                "filename": upload.filename,
                "content_type": content_type,
                "data": b64encode(upload.data).decode(),
            }
            members = body_of(name=name or upload.filename, description=description, file=document)
            return self._build(ADD_DOCUMENT, options, ids={"kb_id": kb_id}, body=members)

        return await self._core.fetch(await off_loop((file,), request), KnowledgeSource)

    async def add_web(
        self,
        kb_id: str,
        *,
        name: str,
        urls: Sequence[str],
        description: str | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> KnowledgeSource:
        """Add public web pages. `POST /knowledge-bases/{kb_id}/sources/web`

        Args:
            kb_id: the knowledge base.
            name: what the source is called.
            urls: the pages, at least one.
            description: free text.

        Returns:
            The source; it is read some time after, for which `knowledge_bases.wait` waits.

        Raises:
            ValidationError: the server refused a member.
        """
        _checks.non_empty(name, "name")
        _checks.identifiers(urls, "urls")
        for index, url in enumerate(urls):
            if not url.startswith(("https://", "http://")) or not urlsplit(url).hostname:
                raise InvalidArgumentError(f"urls[{index}] must be an https:// or http:// address", argument="urls")
        members = body_of(name=name, description=description, urls=[*urls])
        return await self._core.fetch(
            self._build(ADD_WEB, options, ids={"kb_id": kb_id}, body=members), KnowledgeSource
        )


def _check(members: Mapping[str, object]) -> None:
    if "name" in members:
        _checks.non_empty(members["name"], "name")
    _checks.no_longer_than(members.get("name"), 255, "name")
    _checks.no_longer_than(members.get("description"), 1000, "description")
