"""What travels through the pipeline."""

from __future__ import annotations

import attrs

from tests.fakes.answers import request_for
from trudy.request import Request, RetryClass


def test_a_header_set_replaces_those_of_its_name_and_leaves_everything_else() -> None:
    async def look(request: object, failure: object) -> None:
        del request, failure

    async def emit(event: object) -> None:
        del event

    request = attrs.evolve(
        request_for("POST", RetryClass.KEYED, emit=emit),
        reconcile=look,
        headers=(("accept", "a"), ("X-B", "b"), ("ACCEPT", "c")),
    )
    changed = request.with_header("Accept", "d")
    assert changed.headers == (("X-B", "b"), ("Accept", "d"))
    for attribute in attrs.fields(Request):
        if attribute.name != "_headers":
            assert getattr(changed, attribute.name) is getattr(request, attribute.name), attribute.name
            assert getattr(changed, attribute.name) is not None, f"{attribute.name} tells nothing here"
