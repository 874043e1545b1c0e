"""Which clients share a limiter, and for how long."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from functools import partial

import pytest

from tests.fakes.clock import FakeClock
from trudy.clock import SystemClock
from trudy.options import RateLimit
from trudy.rate_limit.in_process import Wait
from trudy.rate_limit.registry import LimiterRegistry, limiter_for, limiters

URL = "https://api.example/v1"
KEY = "truedy_0123456789abcdef"


class Source:
    def token(self) -> str:
        return "t"

    def other(self) -> str:
        return "o"

    def __call__(self) -> str:
        return "c"


class Slotted:
    __slots__ = ()

    def __call__(self) -> str:
        return "s"


def test_the_same_key_at_the_same_address_shares_a_limiter() -> None:
    registry = LimiterRegistry()
    limiter = registry.limiter_for(URL, KEY, None, None)
    assert limiter is not None
    assert registry.limiter_for(URL + "/", KEY, None, RateLimit(5)) is limiter
    assert registry.limiter_for(URL, KEY + "x", None, None) is not limiter
    assert registry.limiter_for("https://other.example/v1", KEY, None, None) is not limiter


def test_switched_off_there_is_no_limiter() -> None:
    assert LimiterRegistry().limiter_for(URL, KEY, "group", False) is None


def test_the_lowest_explicit_limit_holds_for_all() -> None:
    registry = LimiterRegistry()
    limiter = registry.limiter_for(URL, KEY, None, RateLimit(50))
    for limit, then in ((None, 50), (RateLimit(20), 20), (RateLimit(80), 20)):
        assert registry.limiter_for(URL, KEY, None, limit) is limiter
        assert limiter is not None
        assert limiter.status(0).limit == then


def test_a_group_is_a_limiter_whatever_the_keys() -> None:
    registry = LimiterRegistry()
    limiter = registry.limiter_for(URL, KEY, "one organisation", None)
    assert registry.limiter_for(URL, "another key", "one organisation", None) is limiter
    assert registry.limiter_for(URL, KEY, "another organisation", None) is not limiter
    assert registry.limiter_for(URL, KEY, None, None) is not limiter


@pytest.mark.parametrize("make", [lambda: lambda: "t", Source, Slotted, lambda: partial(str, "t")])
def test_a_callable_counts_as_itself(make: Callable[[], Callable[[], str]]) -> None:
    registry = LimiterRegistry()
    mine, yours = make(), make()
    limiter = registry.limiter_for(URL, mine, None, None)
    assert registry.limiter_for(URL, mine, None, None) is limiter
    assert registry.limiter_for(URL, yours, None, None) is not limiter
    assert registry.limiter_for("https://other.example/v1", mine, None, None) is not limiter


def test_a_bound_method_counts_as_its_object_and_function() -> None:
    registry = LimiterRegistry()
    source = Source()
    limiter = registry.limiter_for(URL, source.token, None, None)
    assert registry.limiter_for(URL, source.token, None, None) is limiter
    assert registry.limiter_for(URL, source.other, None, None) is not limiter
    assert registry.limiter_for(URL, Source().token, None, None) is not limiter


def test_a_limiter_lives_as_long_as_somebody_holds_it_and_the_callable_is_not_kept() -> None:
    registry = LimiterRegistry()
    source = Source()
    limiter = registry.limiter_for(URL, source, None, None)
    assert limiter is not None
    gone = weakref.ref(source)
    del source
    gc.collect()
    assert gone() is None
    dead = weakref.ref(limiter)
    del limiter
    gc.collect()
    assert dead() is None
    assert len(registry._limiters) == 0


def test_a_new_callable_at_the_address_of_a_dead_one_gets_no_strangers_limiter() -> None:
    registry = LimiterRegistry()
    held = [registry.limiter_for(URL, Source(), None, None) for _ in range(200)]
    assert len({id(limiter) for limiter in held}) == 200


def test_no_plain_key_is_kept() -> None:
    registry = LimiterRegistry()
    limiter = registry.limiter_for(URL, KEY, None, None)
    assert limiter is not None
    seen: set[int] = set()
    todo: list[object] = [registry.__dict__, list(registry._limiters.items()), limiter.__dict__]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        assert thing != KEY
        if isinstance(thing, dict | list | tuple):
            todo.extend(gc.get_referents(thing))


def test_the_process_has_one_registry() -> None:
    limiter = limiter_for(URL, KEY, "test of the registry", None)
    assert limiters.limiter_for(URL, KEY, "test of the registry", None) is limiter


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_gets_free_locks_and_an_empty_queue() -> None:
    # A process of its own: the test runner's threads must not be forked.
    script = """
import os, sys
from trudy.options import RateLimit
from trudy.rate_limit.in_process import Go, Wait
from trudy.rate_limit.registry import limiter_for, limiters
limiter = limiter_for("https://api.example", "key", None, RateLimit(1))
first, second = (limiter.join("interactive", lambda: None) for _ in range(2))
assert isinstance(limiter.poll(first, 1e9), Go) and isinstance(limiter.poll(second, 1e9), Wait)
limiters._lock.acquire()
limiter._lock.acquire()
child = os.fork()
if child == 0:
    assert limiter_for("https://api.example", "key", None, None) is limiter
    assert limiter.status(1e9).waiting == 0
    assert isinstance(limiter.poll(limiter.join("interactive", lambda: None), 1e9 + 61), Go)
    os._exit(7)
limiter._lock.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert limiter.status(1e9).waiting == 1
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_many_threads_find_the_same_limiter() -> None:
    from concurrent.futures import ThreadPoolExecutor

    registry = LimiterRegistry()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: registry.limiter_for(URL, KEY, None, RateLimit(1)), range(200)))
    limiter = found[0]
    assert limiter is not None
    assert all(other is limiter for other in found)
    ticket = limiter.join("interactive", lambda: None)
    limiter.poll(ticket, 0.0)
    assert isinstance(limiter.poll(limiter.join("interactive", lambda: None), 0.0), Wait)


def test_clients_with_different_clocks_share_no_limiter() -> None:
    registry, sandbox, other = LimiterRegistry(), FakeClock(), FakeClock()
    limiter = registry.limiter_for(URL, KEY, None, None, SystemClock())
    assert registry.limiter_for(URL, KEY, None, None, SystemClock()) is limiter
    in_sandbox = registry.limiter_for(URL, KEY, "group", None, sandbox)
    assert registry.limiter_for(URL, KEY, None, None, sandbox) is not limiter
    assert registry.limiter_for(URL, KEY, "group", None, sandbox) is in_sandbox
    assert registry.limiter_for(URL, KEY, "group", None, other) is not in_sandbox
