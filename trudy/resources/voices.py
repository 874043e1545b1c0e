"""`client.voices`: the voices that agents speak with."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final, Unpack

from trudy import _checks
from trudy.errors import InvalidArgumentError
from trudy.models import Deleted, Voice
from trudy.options import NOT_GIVEN, NotGiven, RequestOptions
from trudy.pagination import AsyncPager
from trudy.request import Endpoint, Request, RetryClass
from trudy.resources._base import Resource, body_of
from trudy.resources._shared_poller import SharedPoller
from trudy.resources._uploads import MEGABYTE, FileSource, off_loop, read_upload
from trudy.resources._waiting import OnSeen, Waiting

LIST: Final = Endpoint(name="voices.list", method="GET", path="/voices", paging="none")
IMPORT: Final = Endpoint(name="voices.import_", method="POST", path="/voices", retry=RetryClass.ONCE)
CLONE: Final = Endpoint(
    name="voices.clone", method="POST", path="/voices/clone", retry=RetryClass.ONCE, read_timeout=180.0
)
GET: Final = Endpoint(name="voices.get", method="GET", path="/voices/{voice_id}")
UPDATE: Final = Endpoint(name="voices.update", method="PATCH", path="/voices/{voice_id}")
DELETE: Final = Endpoint(name="voices.delete", method="DELETE", path="/voices/{voice_id}")

LARGEST_RECORDING: Final = 50 * MEGABYTE
"""The API documents no limit for these files; this is the one for documents."""
AUDIO_TYPES: Final[Mapping[str, str]] = {
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".aac": "audio/aac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".webm": "audio/webm",
}
"""Content types, by the ending of the file's name."""


class AsyncVoices(Resource):
    """Voices: list, import, clone, change and delete them."""

    def list(self, **options: Unpack[RequestOptions]) -> AsyncPager[Voice]:
        """List voices. `GET /voices`

        Returns:
            All of them; iterate over it.
        """
        return self._list(LIST, Voice, options)

    async def get(self, voice_id: str, **options: Unpack[RequestOptions]) -> Voice:
        """Read one voice. `GET /voices/{voice_id}`

        Raises:
            NotFoundError: no such voice, or not yours.
        """
        return await self._core.fetch(self._build(GET, options, ids={"voice_id": voice_id}), Voice)

    async def import_(
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
        for argument, value in (("name", name), ("provider_voice_id", provider_voice_id)):
            _checks.non_empty(value, argument)
        members = body_of(name=name, provider=provider, provider_voice_id=provider_voice_id)
        return await self._core.fetch(self._build(IMPORT, options, body=members), Voice)

    async def clone(self, *, name: str, files: Sequence[FileSource], **options: Unpack[RequestOptions]) -> Voice:
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
        _checks.non_empty(name, "name")
        _checks.no_longer_than(name, 100, "name")
        if isinstance(files, str | bytes) or not files:
            raise InvalidArgumentError("files must be a list of at least one audio file", argument="files")

        def request() -> Request:
            recordings = [_recording(file, f"files[{index}]") for index, file in enumerate(files)]
            return self._build(CLONE, options, body={"name": name, "files": recordings})

        return await self._core.fetch(await off_loop(tuple(files), request), Voice)

    async def update(
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
        members = body_of(name=name, description=description)
        if members.get("name") is not None:
            _checks.non_empty(name, "name")
        _checks.no_longer_than(name, 100, "name")
        _checks.no_longer_than(description, 500, "description")
        return await self._core.fetch(self._build(UPDATE, options, ids={"voice_id": voice_id}, body=members), Voice)

    async def delete(self, voice_id: str, **options: Unpack[RequestOptions]) -> Deleted:
        """Delete a voice. `DELETE /voices/{voice_id}`

        Known from an early server only.

        Raises:
            NotFoundError: no such voice, or not yours.
        """
        return await self._delete(DELETE, options, {"voice_id": voice_id})

    async def wait(
        self,
        voice_id: str,
        *,
        max_wait: float = 1_800.0,
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
        return await self._waiting().until_final(voice_id, max_wait, poll_interval, None, options, progress)

    def _waiting(self) -> Waiting[Voice]:
        async def newest(number: int, options: RequestOptions) -> tuple[Sequence[Voice], bool]:
            page = await self.list(**options)
            return page.data, False

        return Waiting(
            poller=self._core.shared("voices", lambda: SharedPoller[Voice](self._core.clock)),
            clock=self._core.clock,
            settings=self._settings,
            get=self.get,
            newest=newest,
            is_final=lambda voice: voice.status.is_final,
            describe=lambda voice: voice.status_word,
            noun="voice",
        )


def _recording(file: FileSource, argument: str) -> Mapping[str, str]:
    upload = read_upload(file, argument, most=LARGEST_RECORDING)
    content_type = AUDIO_TYPES.get(PurePath(upload.filename).suffix.lower())
    if content_type is None:
        raise InvalidArgumentError(
            f"{argument} must have a name that ends in {', '.join(AUDIO_TYPES)}; name bytes by a pair", argument="files"
        )
    return {"filename": upload.filename, "data": b64encode(upload.data).decode(), "content_type": content_type}
