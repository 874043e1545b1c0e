from __future__ import annotations

import pytest

from tests.fakes.answers import Script, answer, request_for, success
from trudy.pipeline.redirect import RedirectStep, redirect_target
from trudy.request import RetryClass

URL = "https://api.test/v1/things"


@pytest.mark.parametrize(
    ("status", "location", "target"),
    [
        (307, "/v1/things/", "https://api.test/v1/things/"),
        (308, "https://api.test/v1/things/", "https://api.test/v1/things/"),
        (307, "https://api.test:443/v1/x", "https://api.test:443/v1/x"),
        (307, "http://api.test/v1/things/", None),
        (307, "https://api.test:444/v1/things/", None),
        (307, "https://evil.test/v1/things/", None),
        (307, "//evil.test/", None),
        (307, "https://api.test@evil.test/", None),
        (307, "https://[broken", None),
        (301, "/v1/things/", None),
        (302, "/v1/things/", None),
        (303, "/v1/things/", None),
        (200, "/v1/things/", None),
    ],
)
def test_where_a_redirect_may_lead(status: int, location: str, target: str | None) -> None:
    assert redirect_target(URL, answer(status, None, location=location)) == target


def test_a_redirect_that_leads_nowhere() -> None:
    assert redirect_target(URL, answer(307)) is None


@pytest.mark.anyio
async def test_the_same_request_goes_to_the_new_place() -> None:
    script = Script(answer(307, None, location="/v1/things/"), success())
    request = request_for("POST", RetryClass.KEYED)
    assert (await RedirectStep()(request, script)).status == 200
    assert script.requests[1].url == "https://api.test/v1/things/"
    assert (script.requests[1].method, script.requests[1].body) == (request.method, request.body)
    assert script.requests[1].headers == request.headers


@pytest.mark.anyio
async def test_a_circle_ends() -> None:
    script = Script(answer(307, None, location="/v1/things"))
    assert (await RedirectStep()(request_for(), script)).status == 307
    assert len(script.requests) == 4
