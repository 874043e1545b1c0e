# Generated from trudy/resources/webrtc.py by `python -m trudy.codegen`; change the source, never this file.
"""`client.webrtc`: calls from a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from trudy.bridge import SyncResource, bind
from trudy.models import WebRTCCall
from trudy.options import JSON, NOT_GIVEN, NotGiven, RequestOptions
from trudy.resources.webrtc import AsyncWebRTC


class WebRTC(SyncResource[AsyncWebRTC]):
    """Calls from a browser."""

    def create_call(
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
        return self._bridge.run(bind(self._async.create_call, agent_id=agent_id, variables=variables, **options))
