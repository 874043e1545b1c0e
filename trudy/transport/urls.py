"""What is read out of a URL. Each takes the request, not the text, so that no traceback shows a signed link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from trudy.errors import APIConnectionError

if TYPE_CHECKING:
    from trudy.transport.backend import FileRequest, Outgoing
    from trudy.transport.streamed import Streamed


def origin_of(request: Outgoing) -> str:
    """`https://host:port`, as the request's URL spells it."""
    ends = [end for mark in "/?#" if (end := request.url.find(mark, 8)) != -1]
    return request.url[: min(ends, default=None)]


def path_of(request: Outgoing) -> str:
    """The path of a URL, for errors."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(request.url).path or "/"
    except ValueError:
        return "/"


def resolve(request: FileRequest, answer: Streamed) -> FileRequest:
    """The request for where the answer redirects to."""
    from urllib.parse import urljoin

    try:
        return evolve(request, url=urljoin(request.url, answer.redirect_to))
    except ValueError:
        pass
    raise APIConnectionError("a redirect leads to no URL", method="GET", path=path_of(request))
