"""`client.webrtc`: calls from a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final, Unpack
from urllib.parse import urlsplit

from trudy import _checks
from trudy.errors import ResponseDecodeError
from trudy.models import WebRTCCall
from trudy.options import JSON, NOT_GIVEN, NotGiven, RequestOptions
from trudy.request import Endpoint, RetryClass
from trudy.resources._base import Resource, body_of

CREATE_CALL: Final = Endpoint(name="webrtc.create_call", method="POST", path="/webrtc/call", retry=RetryClass.ONCE)

_HOST_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?")


class AsyncWebRTC(Resource):
    """Calls from a browser."""

    async def create_call(
        self,
        *,
        agent_id: str,
        variables: Mapping[str, JSON] | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> WebRTCCall:
        """Make a call that a browser joins. `POST /webrtc/call`

        The join URL is good for one browser, and soon expires. Never sent twice by itself, though after a
        `ProviderError` you may try again.

        Args:
            agent_id: the agent that speaks.
            variables: values for the `{{variables}}` of the agent's prompt.

        Returns:
            Where the browser joins.

        Raises:
            AuthenticationError: the key is bad, or the agent is another organisation's.
            NotFoundError: no such agent, or it is not active.
            ProviderError: the voice provider failed.
            ResponseDecodeError: the host of the join URL is malformed; `details` has `call_id` and `host`.
        """
        _checks.non_empty(agent_id, "agent_id")
        request = self._build(CREATE_CALL, options, body=body_of(agent_id=agent_id, variables=variables))
        call = await self._core.fetch(request, WebRTCCall)
        host = _host(call.join_url)
        if _is_host(host):
            return call
        raise ResponseDecodeError(
            f"no browser can join this call: the host of its join URL is malformed ({host!r})",
            details={"call_id": call.call_id, "host": host},
            request_id=None if call.meta is None else call.meta.request_id,
            attempts=request.progress.attempts,
            method=request.method,
            path=request.path,
        )


def _host(url: str) -> str:
    """The host of a URL, with what stands in place of its port if that is no port; empty where there is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    try:
        _ = parts.port
    except ValueError:
        return parts.netloc.rpartition("@")[2]
    return parts.hostname or ""


def _is_host(host: str) -> bool:
    if _HOST_NAME.fullmatch(host) and len(host) <= 253:
        return True
    try:
        return bool(ip_address(host))
    except ValueError:
        return False
