"""What a sync client takes for `http_client`."""

from __future__ import annotations

from trudy.errors import InvalidArgumentError


def refuse_ready_client(http_client: object) -> None:
    """A ready async client stays on one event loop; a sync client has one for each call at the same time.

    Raises:
        InvalidArgumentError: it is neither None nor a function.
    """
    if http_client is not None and not callable(http_client):
        raise InvalidArgumentError(
            f"http_client of a sync client must be a function that makes an httpx.AsyncClient, called once for each of"
            f" its event loops, not a ready {type(http_client).__name__}",
            argument="http_client",
        )
