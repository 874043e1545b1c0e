# Generated from trudy/resources/voices.py by `python -m trudy.codegen`; change the source, never this file.
"""`client.voices`: the voices that agents speak with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from trudy.bridge import SyncResource, bind
from trudy.models import Deleted, Voice
from trudy.options import NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import Page
from trudy.resources._uploads import FileSource
from trudy.resources._waiting import OnSeen
from trudy.resources.voices import AsyncVoices


class Voices(SyncResource[AsyncVoices]):
    """Voices: list, import, clone, change and delete them."""

    def list(self, **options: Unpack[RequestOptions]) -> Page[Voice]:
        """List voices. `GET /voices`

        Returns:
            All of them; iterate over it.
        """
        return Page(self._bridge.run(bind(self._async.list, **options)), self._bridge.run)

    def get(self, voice_id: str, **options: Unpack[RequestOptions]) -> Voice:
        """Read one voice. `GET /voices/{voice_id}`

        Raises:
            NotFoundError: no such voice, or not yours.
        """
        return self._bridge.run(bind(self._async.get, voice_id, **options))

    def import_(
        self,
        *,
        name: str,
        provider_voice_id: str,
        provider: str | NotGiven = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> Voice:
        """Import a voice of a provider. `POST /voices`

        Args:
            name: what it is called here.
            provider_voice_id: its id at the provider.
            provider: `"elevenlabs"` if left out.

        Raises:
            ValidationError: the server refused a member, or the provider does not know the voice.
            ProviderError: the provider failed.
        """
        return self._bridge.run(
            bind(self._async.import_, name=name, provider_voice_id=provider_voice_id, provider=provider, **options)
        )

    def clone(self, *, name: str, files: Sequence[FileSource], **options: Unpack[RequestOptions]) -> Voice:
        """Make a voice from recordings of it. `POST /voices/clone`

        Never sent twice by itself.

        Args:
            name: 1 to 100 characters.
            files: audio files, at least one, each at most 50 MB: a path, a file open for reading bytes, or a pair of
                file name and bytes.

        Returns:
            The voice in `training`; `wait` waits until it can be used.

        Raises:
            InvalidArgumentError: a file or an argument is bad; nothing was sent.
            OSError: a file cannot be read.
        """
        return self._bridge.run(bind(self._async.clone, name=name, files=files, **options))

    def update(
        self,
        voice_id: str,
        *,
        name: str | NotGiven | None = NOT_GIVEN,
        description: str | NotGiven | None = NOT_GIVEN,
        **options: Unpack[RequestOptions],
    ) -> Voice:
        """Change a voice; only what is given changes, `None` clears. `PATCH /voices/{voice_id}`

        Known from an early server only.

        Args:
            voice_id: the voice.
            name: 1 to 100 characters.
            description: at most 500 characters.

        Raises:
            NotFoundError: no such voice, or not yours.
        """
        return self._bridge.run(bind(self._async.update, voice_id, name=name, description=description, **options))

    def delete(self, voice_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a voice. `DELETE /voices/{voice_id}`

        Known from an early server only.

        Raises:
            NotFoundError: no such voice, or not yours.
        """
        return self._bridge.run(bind(self._async.delete, voice_id, **options))

    def wait(
        self,
        voice_id: str,
        *,
        max_wait: float = 1800.0,
        poll_interval: float | None = None,
        progress: OnSeen[Voice] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Voice:
        """Wait until a voice has been trained. Polls `GET /voices/{voice_id}`, or `GET /voices` for many

        Args:
            voice_id: the voice.
            max_wait: seconds to wait.
            poll_interval: seconds before the second look, 2 unless told; it grows by half each time, to 15 seconds.
            progress: called, or awaited, with the voice each time that it has been read.

        Returns:
            The voice, `active` or `failed`.

        Raises:
            WaitTimeoutError: it took longer; `.last` is the voice as last seen.
        """
        return self._bridge.run(
            bind(
                self._async.wait, voice_id, max_wait=max_wait, poll_interval=poll_interval, progress=progress, **options
            )
        )
