from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.http.recordings import LINK_SECONDS, SignedLinks

pytestmark = pytest.mark.asyncio


@pytest.fixture
def recorded(sandbox: Sandbox, api: Any) -> Any:
    async def record() -> tuple[str, str]:
        call = await api.call()
        sandbox.advance(minutes=1)
        data = (await api("GET", f"/calls/{call['id']}/recording")).json()["data"]
        assert (data["call_id"], data["format"], data["duration_seconds"]) == (call["id"], "mp3", 24)
        return call["id"], data["recording_url"]

    return record


async def test_the_link_leads_to_another_host_without_a_key(sandbox: Sandbox, api: Any, recorded: Any) -> None:
    _, url = await recorded()
    assert urlsplit(url).netloc != urlsplit(sandbox.base_url).netloc
    audio = await api("GET", url)
    assert (audio.status_code, audio.headers["content-type"]) == (200, "audio/mpeg")
    assert audio.headers["content-length"] == str(len(audio.content)) == "24012"
    sandbox.assert_no_key_left_the_host()
    assert [request.status for request in sandbox.media_requests] == [200]
    assert not [request for request in sandbox.requests if "recordings" in request.path]


async def test_a_link_expires_and_a_new_one_is_good(sandbox: Sandbox, api: Any, recorded: Any) -> None:
    call_id, url = await recorded()
    sandbox.advance(seconds=LINK_SECONDS)
    assert (await api("GET", url)).status_code == 200
    sandbox.advance(seconds=2)
    expired = await api("GET", url)
    assert (expired.status_code, expired.headers["content-type"]) == (403, "application/xml")
    fresh = (await api("GET", f"/calls/{call_id}/recording")).json()["data"]["recording_url"]
    assert fresh != url
    assert (await api("GET", fresh)).status_code == 200


async def test_forged_links_stay_shut(sandbox: Sandbox, api: Any, recorded: Any) -> None:
    _, url = await recorded()
    for forged in (url[:-1] + ("0" if url[-1] != "0" else "1"), url.split("?")[0], url.replace("expires=", "expires=9"),
                   url.split("signature=")[0] + "signature=%C3%A9", url.replace("expires=", "expires=x")):  # fmt: skip
        assert (await api("GET", forged)).status_code == 403
    assert (await api("GET", url.replace("/recordings/", "/recordings/no"))).status_code == 404
    assert (await api("POST", url)).status_code == 404


@pytest.mark.parametrize("place", ["authorization", "x-other", "query", "cookie"])
async def test_a_key_that_comes_along_is_noticed(sandbox: Sandbox, api: Any, recorded: Any, place: str) -> None:
    _, url = await recorded()
    if place == "query":
        await api("GET", url + f"&key={sandbox.api_key}")
    else:
        await api("GET", url, headers={place: sandbox.api_key})
    with pytest.raises(AssertionError, match="credential") as caught:
        sandbox.assert_no_key_left_the_host()
    assert sandbox.api_key not in str(caught.value)


async def test_a_key_sent_to_any_path_there_is_noticed(sandbox: Sandbox, api: Any) -> None:
    answer = await api("GET", "http://recordings.sandbox.localhost/api/public/v1/agents",
                       headers={"Authorization": f"Bearer {sandbox.api_key}"})  # fmt: skip
    assert answer.status_code == 404
    with pytest.raises(AssertionError, match="credential"):
        sandbox.assert_no_key_left_the_host()


async def test_the_api_host_serves_no_recordings(sandbox: Sandbox, api: Any, recorded: Any) -> None:
    _, url = await recorded()
    assert (await api("GET", url.replace("recordings.sandbox", "sandbox"))).status_code == 404


async def test_downloads_can_go_wrong(sandbox: Sandbox, api: Any, recorded: Any) -> None:
    _, url = await recorded()
    sandbox.fail_next(path="/recordings/*", status=403)
    sandbox.fail_next(path="/recordings/*", truncate=True)
    sandbox.fail_next(path="/recordings/*", reset="before")
    assert (await api("GET", url)).status_code == 403
    with pytest.raises(httpx.RemoteProtocolError):
        await api("GET", url)
    with pytest.raises(httpx.ReadError):
        await api("GET", url)
    assert (await api("GET", url)).status_code == 200
    assert [request.status for request in sandbox.media_requests] == [403, 200, None, 200]


async def test_links_of_one_sandbox_do_not_open_another() -> None:
    path, _, query = SignedLinks("one").sign("c", now=0).partition("?")
    assert path == "/recordings/c.mp3"
    assert not SignedLinks("other").opens("c", query, now=0)
