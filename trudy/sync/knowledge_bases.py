# Generated from trudy/resources/knowledge_bases.py by `python -m trudy.codegen`; change the source, never this file.
"""`client.knowledge_bases`: what agents can look up, and the documents and web pages it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from trudy._lazy import made_once
from trudy.bridge import SyncResource, bind
from trudy.models import Deleted, KnowledgeBase, KnowledgeSource
from trudy.options import MAX_WAIT, NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, Page
from trudy.resources._uploads import FileSource
from trudy.resources._waiting import OnSeen
from trudy.resources.knowledge_bases import AsyncKnowledgeBases, AsyncKnowledgeSources


class KnowledgeBases(SyncResource[AsyncKnowledgeBases]):
    """Knowledge bases: make, fill, read, change and delete them."""

    @made_once
    def sources(self) -> KnowledgeSources:
        """The documents and web pages in a knowledge base."""
        from trudy.sync.knowledge_bases import KnowledgeSources

        return KnowledgeSources(self._async.sources, self._bridge)

    def list(
        self,
        *,
        name: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> Page[KnowledgeBase]:
        """List knowledge bases. `GET /knowledge-bases`

        Args:
            name: only knowledge bases whose name contains this text.
            limit: at most so many, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: knowledge bases a request when iterating over all, 1 to 100.

        Returns:
            Knowledge bases page by page; iterate over it for all of them.
        """
        return Page(
            self._bridge.run(
                bind(self._async.list, name=name, limit=limit, offset=offset, page_size=page_size, **options)
            ),
            self._bridge.run,
        )

    def create(
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
        return self._bridge.run(
            bind(
                self._async.create,
                name=name,
                description=description,
                file_content=file_content,
                file_name=file_name,
                **options,
            )
        )

    def get(self, kb_id: str, **options: Unpack[RequestOptions]) -> KnowledgeBase:
        """Read one knowledge base. `GET /knowledge-bases/{kb_id}`

        Raises:
            NotFoundError: no such knowledge base, or not yours.
        """
        return self._bridge.run(bind(self._async.get, kb_id, **options))

    def update(
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
        return self._bridge.run(bind(self._async.update, kb_id, name=name, description=description, **options))

    def delete(self, kb_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a knowledge base, and its sources. `DELETE /knowledge-bases/{kb_id}`

        Raises:
            NotFoundError: no such knowledge base, or not yours.
        """
        return self._bridge.run(bind(self._async.delete, kb_id, **options))

    def wait(
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
        return self._bridge.run(
            bind(self._async.wait, kb_id, max_wait=max_wait, poll_interval=poll_interval, progress=progress, **options)
        )


class KnowledgeSources(SyncResource[AsyncKnowledgeSources]):
    """Sources of a knowledge base: add, list, read and delete them. Only the paths for adding are documented."""

    def list(self, kb_id: str, **options: Unpack[RequestOptions]) -> Page[KnowledgeSource]:
        """List the sources of a knowledge base. `GET /knowledge-bases/{kb_id}/sources`

        Returns:
            All of them; iterate over it.
        """
        return Page(self._bridge.run(bind(self._async.list, kb_id, **options)), self._bridge.run)

    def get(self, kb_id: str, source_id: str, **options: Unpack[RequestOptions]) -> KnowledgeSource:
        """Read one source. `GET /knowledge-bases/{kb_id}/sources/{source_id}`

        Raises:
            NotFoundError: no such knowledge base or source, or not yours.
        """
        return self._bridge.run(bind(self._async.get, kb_id, source_id, **options))

    def delete(self, kb_id: str, source_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete one source. `DELETE /knowledge-bases/{kb_id}/sources/{source_id}`

        Raises:
            NotFoundError: no such knowledge base or source, or not yours.
        """
        return self._bridge.run(bind(self._async.delete, kb_id, source_id, **options))

    def add_document(
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
        return self._bridge.run(
            bind(
                self._async.add_document, kb_id, file, name=name, description=description, filename=filename, **options
            )
        )

    def add_web(
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
        return self._bridge.run(
            bind(self._async.add_web, kb_id, name=name, urls=urls, description=description, **options)
        )
