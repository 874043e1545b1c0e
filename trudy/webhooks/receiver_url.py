"""The URL of a receiver to which commands post events: checked before anything is sent."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from trudy._masking import mask_text, one_line
from trudy.errors import InvalidArgumentError

TIMEOUT: Final = 10.0
"""Seconds a receiver may take to answer, as on the early server: one slower than this loses events."""
_NO_URL: Final = "URL must begin with http:// or https:// and name a host, and hold no control character"


@frozen(kw_only=True)
class ReceiverURL:
    """Where to post events. `label` is the URL without the values of its query: for output and logs."""

    url: str = field(repr=False)
    label: str
    is_loopback: bool


def receiver_url(url: str, *, remote: bool = False) -> ReceiverURL:
    """Check the URL of a receiver.

    Args:
        url: the receiver's URL.
        remote: allow one on another machine, whose handlers run for events that are only made up.

    Raises:
        InvalidArgumentError: it is no URL, holds a user or password, or names another machine that is not allowed.
    """
    import httpx

    from trudy.transport.tls_and_proxy import is_loopback

    try:
        # `urlsplit` refuses a port out of range and a broken host, which httpx lets pass.
        _ = urlsplit(url).port
        read = httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise InvalidArgumentError(_NO_URL, argument="url") from None
    if read.scheme not in ("http", "https") or not read.host:
        raise InvalidArgumentError(_NO_URL, argument="url")
    if read.userinfo:
        raise InvalidArgumentError("URL must hold no user and no password", argument="url")
    loopback = is_loopback(read.host)
    if not loopback and not remote:
        raise InvalidArgumentError(
            f"{one_line(read.host)} is another machine, and its handlers would run; pass --remote to allow that",
            argument="url",
        )
    query = mask_text(f"?{read.query.decode()}") if read.query else ""
    label = f"{read.copy_with(query=None, fragment=None)}{query}"
    return ReceiverURL(url=url, label=one_line(label), is_loopback=loopback)
