"""An operation leaves nothing to the garbage collector, so that pages are freed one by one."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from trudy.bridge import Bridge
from trudy.bridge.loop import PrivateLoop


class Thing:
    """Can be referred to weakly."""


async def echo(thing: Thing) -> Thing:
    return thing


async def fail(thing: Thing) -> Thing:
    raise ValueError


async def nothing() -> None:
    return


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge()
    made.run(nothing)  # what the first call leaves for the others is no garbage
    gc.collect()
    gc.disable()
    yield made
    gc.enable()
    made.close(nothing)


def test_what_a_call_was_given_and_gave_is_freed_with_its_last_reference(bridge: Bridge) -> None:
    thing = Thing()
    watched = weakref.ref(thing)
    assert bridge.run(echo, thing) is thing
    del thing
    assert watched() is None


def test_what_a_call_that_failed_was_given_is_freed_too(bridge: Bridge) -> None:
    thing = Thing()
    watched = weakref.ref(thing)
    try:
        bridge.run(fail, thing)
    except ValueError:
        pass
    else:
        pytest.fail("it should have failed")
    del thing
    assert watched() is None


def test_a_loop_whose_sockets_the_collector_took_first_is_freed_in_silence() -> None:
    loop = PrivateLoop()
    for end in (loop._ssock, loop._csock):  # type: ignore[attr-defined]
        end.close()
    loop.__del__()
