# Generated from trudy/resources/agents.py by `python -m trudy.codegen`; change the source, never this file.
"""`client.agents`: the voices and instructions that speak on a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack

from trudy.bridge import SyncResource, bind
from trudy.models import Agent, Deleted, GreetingSettingsParam, InactivityMessagesParam, TestCall, VADSettingsParam
from trudy.options import NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import PAGE_SIZE, Page
from trudy.resources.agents import AsyncAgents


class Agents(SyncResource[AsyncAgents]):
    """Agents: make, read, change and delete them."""

    def list(
        self,
        *,
        status: Literal["active", "draft", "creating", "failed"] | None = None,
        name: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = PAGE_SIZE,
        **options: Unpack[RequestOptions],
    ) -> Page[Agent]:
        """List agents. `GET /agents`

        Args:
            status: only agents in this state.
            name: only agents whose name contains this text, upper and lower case alike.
            limit: at most so many agents, 1 to 100; all of them by default.
            offset: leave out so many at the start.
            page_size: agents a request when iterating over all, 1 to 100.

        Returns:
            Agents page by page; iterate over it for all of them.
        """
        return Page(
            self._bridge.run(
                bind(
                    self._async.list,
                    status=status,
                    name=name,
                    limit=limit,
                    offset=offset,
                    page_size=page_size,
                    **options,
                )
            ),
            self._bridge.run,
        )

    def get(self, agent_id: str, **options: Unpack[RequestOptions]) -> Agent:
        """Read one agent. `GET /agents/{agent_id}`

        Raises:
            NotFoundError: no such agent, or not yours.
        """
        return self._bridge.run(bind(self._async.get, agent_id, **options))

    def create(
        self,
        *,
        name: str,
        voice_id: str,
        system_prompt: str,
        description: str | NotGiven | None = NOT_GIVEN,
        greeting: str | NotGiven | None = NOT_GIVEN,
        model: str | NotGiven = NOT_GIVEN,
        tools: Sequence[str] | NotGiven | None = NOT_GIVEN,
        knowledge_bases: Sequence[str] | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        recording_enabled: bool | NotGiven | None = NOT_GIVEN,
        language_hint: str | NotGiven | None = NOT_GIVEN,
        join_timeout: str | NotGiven | None = NOT_GIVEN,
        max_duration: str | NotGiven | None = NOT_GIVEN,
        template_id: str | NotGiven | None = NOT_GIVEN,
        call_template_name: str | NotGiven | None = NOT_GIVEN,
        greeting_settings: GreetingSettingsParam | NotGiven | None = NOT_GIVEN,
        inactivity_messages: InactivityMessagesParam | NotGiven | None = NOT_GIVEN,
        time_exceeded_message: str | NotGiven | None = NOT_GIVEN,
        initial_output_medium: Literal["MESSAGE_MEDIUM_VOICE", "MESSAGE_MEDIUM_TEXT", "MESSAGE_MEDIUM_UNSPECIFIED"]
        | NotGiven
        | None = NOT_GIVEN,
        vad_settings: VADSettingsParam | NotGiven | None = NOT_GIVEN,
        idempotency_key: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Agent:
        """Make an agent. `POST /agents`

        Args:
            name: 1 to 255 characters.
            voice_id: the voice it speaks with.
            system_prompt: its instructions; `{{variable}}` is filled in at each call.
            description: at most 1000 characters.
            greeting: what it says first.
            model: the language model; the server's default if left out.
            tools: ids of tools it may use.
            knowledge_bases: ids of knowledge bases, at most one.
            temperature: 0 to 1.
            recording_enabled: whether its calls are recorded.
            language_hint: BCP-47, such as `en-US`.
            join_timeout: how long to wait for the person, such as `"30s"`.
            max_duration: the longest call, such as `"3600s"`.
            template_id: a template to start from.
            call_template_name: the name of a call template.
            greeting_settings: who speaks first, and how.
            inactivity_messages: what it says into silence.
            time_exceeded_message: what it says when the longest duration is reached.
            initial_output_medium: voice or text.
            vad_settings: when it takes a turn as ended.
            idempotency_key: a key of your own for this create; made by itself if left out.

        Raises:
            InvalidArgumentError: an argument is bad; nothing was sent.
            ValidationError: the server refused a member.
        """
        return self._bridge.run(
            bind(
                self._async.create,
                name=name,
                voice_id=voice_id,
                system_prompt=system_prompt,
                description=description,
                greeting=greeting,
                model=model,
                tools=tools,
                knowledge_bases=knowledge_bases,
                temperature=temperature,
                recording_enabled=recording_enabled,
                language_hint=language_hint,
                join_timeout=join_timeout,
                max_duration=max_duration,
                template_id=template_id,
                call_template_name=call_template_name,
                greeting_settings=greeting_settings,
                inactivity_messages=inactivity_messages,
                time_exceeded_message=time_exceeded_message,
                initial_output_medium=initial_output_medium,
                vad_settings=vad_settings,
                idempotency_key=idempotency_key,
                **options,
            )
        )

    def update(
        self,
        agent_id: str,
        *,
        name: str | NotGiven | None = NOT_GIVEN,
        voice_id: str | NotGiven | None = NOT_GIVEN,
        system_prompt: str | NotGiven | None = NOT_GIVEN,
        description: str | NotGiven | None = NOT_GIVEN,
        greeting: str | NotGiven | None = NOT_GIVEN,
        model: str | NotGiven | None = NOT_GIVEN,
        tools: Sequence[str] | NotGiven | None = NOT_GIVEN,
        knowledge_bases: Sequence[str] | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        recording_enabled: bool | NotGiven | None = NOT_GIVEN,
        language_hint: str | NotGiven | None = NOT_GIVEN,
        join_timeout: str | NotGiven | None = NOT_GIVEN,
        max_duration: str | NotGiven | None = NOT_GIVEN,
        template_id: str | NotGiven | None = NOT_GIVEN,
        call_template_name: str | NotGiven | None = NOT_GIVEN,
        greeting_settings: GreetingSettingsParam | NotGiven | None = NOT_GIVEN,
        inactivity_messages: InactivityMessagesParam | NotGiven | None = NOT_GIVEN,
        time_exceeded_message: str | NotGiven | None = NOT_GIVEN,
        initial_output_medium: Literal["MESSAGE_MEDIUM_VOICE", "MESSAGE_MEDIUM_TEXT", "MESSAGE_MEDIUM_UNSPECIFIED"]
        | NotGiven
        | None = NOT_GIVEN,
        vad_settings: VADSettingsParam | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> Agent:
        """Change an agent; only what is given changes, `None` clears. `PUT /agents/{agent_id}`

        The arguments are those of `create`.

        Raises:
            NotFoundError: no such agent, or not yours.
            ValidationError: the server refused a member.
        """
        return self._bridge.run(
            bind(
                self._async.update,
                agent_id,
                name=name,
                voice_id=voice_id,
                system_prompt=system_prompt,
                description=description,
                greeting=greeting,
                model=model,
                tools=tools,
                knowledge_bases=knowledge_bases,
                temperature=temperature,
                recording_enabled=recording_enabled,
                language_hint=language_hint,
                join_timeout=join_timeout,
                max_duration=max_duration,
                template_id=template_id,
                call_template_name=call_template_name,
                greeting_settings=greeting_settings,
                inactivity_messages=inactivity_messages,
                time_exceeded_message=time_exceeded_message,
                initial_output_medium=initial_output_medium,
                vad_settings=vad_settings,
                **options,
            )
        )

    def delete(self, agent_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete an agent. `DELETE /agents/{agent_id}`

        Raises:
            NotFoundError: no such agent, or not yours.
        """
        return self._bridge.run(bind(self._async.delete, agent_id, **options))

    def create_test_call(self, agent_id: str, **options: Unpack[RequestOptions]) -> TestCall:
        """Make a call to try an agent from a browser; no phone rings. `POST /agents/{agent_id}/test-call`

        The body's members are not documented; `extra_body` sends what your server knows.

        Returns:
            Where the browser joins, once and soon.

        Raises:
            NotFoundError: no such agent, or not yours.
            PaymentRequiredError: trial, subscription or credits.
        """
        return self._bridge.run(bind(self._async.create_test_call, agent_id, **options))
