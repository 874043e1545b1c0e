"""Which clients share a gate, and for how long."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from functools import partial

import pytest

from trudy.options import RateLimit
from trudy.rate_limit.limiter import Wait
from trudy.rate_limit.registry import GateRegistry, gate_for, gates

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


def test_the_same_key_at_the_same_address_shares_a_gate() -> None:
    registry = GateRegistry()
    gate = registry.gate_for(URL, KEY, None, None)
    assert gate is not None
    assert registry.gate_for(URL + "/", KEY, None, RateLimit(5)) is gate
    assert registry.gate_for(URL, KEY + "x", None, None) is not gate
    assert registry.gate_for("https://other.example/v1", KEY, None, None) is not gate


def test_switched_off_there_is_no_gate() -> None:
    assert GateRegistry().gate_for(URL, KEY, "group", False) is None


def test_the_lowest_explicit_limit_holds_for_all() -> None:
    registry = GateRegistry()
    gate = registry.gate_for(URL, KEY, None, RateLimit(50))
    for limit, then in ((None, 50), (RateLimit(20), 20), (RateLimit(80), 20)):
        assert registry.gate_for(URL, KEY, None, limit) is gate
        assert gate is not None
        assert gate.status(0).limit == then


def test_a_group_is_a_gate_whatever_the_keys() -> None:
    registry = GateRegistry()
    gate = registry.gate_for(URL, KEY, "one organisation", None)
    assert registry.gate_for(URL, "another key", "one organisation", None) is gate
    assert registry.gate_for(URL, KEY, "another organisation", None) is not gate
    assert registry.gate_for(URL, KEY, None, None) is not gate


@pytest.mark.parametrize("make", [lambda: lambda: "t", Source, Slotted, lambda: partial(str, "t")])
def test_a_callable_counts_as_itself(make: Callable[[], Callable[[], str]]) -> None:
    registry = GateRegistry()
    mine, yours = make(), make()
    gate = registry.gate_for(URL, mine, None, None)
    assert registry.gate_for(URL, mine, None, None) is gate
    assert registry.gate_for(URL, yours, None, None) is not gate
    assert registry.gate_for("https://other.example/v1", mine, None, None) is not gate


def test_a_bound_method_counts_as_its_object_and_function() -> None:
    registry = GateRegistry()
    source = Source()
    gate = registry.gate_for(URL, source.token, None, None)
    assert registry.gate_for(URL, source.token, None, None) is gate
    assert registry.gate_for(URL, source.other, None, None) is not gate
    assert registry.gate_for(URL, Source().token, None, None) is not gate


def test_a_gate_lives_as_long_as_somebody_holds_it_and_the_callable_is_not_kept() -> None:
    registry = GateRegistry()
    source = Source()
    gate = registry.gate_for(URL, source, None, None)
    assert gate is not None
    gone = weakref.ref(source)
    del source
    gc.collect()
    assert gone() is None
    dead = weakref.ref(gate)
    del gate
    gc.collect()
    assert dead() is None
    assert len(registry._gates) == 0


def test_a_new_callable_at_the_address_of_a_dead_one_gets_no_strangers_gate() -> None:
    registry = GateRegistry()
    held = [registry.gate_for(URL, Source(), None, None) for _ in range(200)]
    assert len({id(gate) for gate in held}) == 200


def test_no_plain_key_is_kept() -> None:
    registry = GateRegistry()
    gate = registry.gate_for(URL, KEY, None, None)
    assert gate is not None
    seen: set[int] = set()
    todo: list[object] = [registry.__dict__, list(registry._gates.items()), gate.__dict__]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        assert thing != KEY
        if isinstance(thing, dict | list | tuple):
            todo.extend(gc.get_referents(thing))


def test_the_process_has_one_registry() -> None:
    gate = gate_for(URL, KEY, "test of the registry", None)
    assert gates.gate_for(URL, KEY, "test of the registry", None) is gate


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_gets_free_locks_and_an_empty_line() -> None:
    # A process of its own: the test runner's threads must not be forked.
    script = """
import os, sys
from trudy.options import RateLimit
from trudy.rate_limit.limiter import Go, Wait
from trudy.rate_limit.registry import gate_for, gates
gate = gate_for("https://api.example", "key", None, RateLimit(1))
first, second = (gate.join("interactive", lambda: None) for _ in range(2))
assert isinstance(gate.poll(first, 1e9), Go) and isinstance(gate.poll(second, 1e9), Wait)
gates._lock.acquire()
gate._lock.acquire()
child = os.fork()
if child == 0:
    assert gate_for("https://api.example", "key", None, None) is gate
    assert gate.status(1e9).waiting == 0
    assert isinstance(gate.poll(gate.join("interactive", lambda: None), 1e9 + 60), Go)
    os._exit(7)
gate._lock.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert gate.status(1e9).waiting == 1
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_many_threads_find_the_same_gate() -> None:
    from concurrent.futures import ThreadPoolExecutor

    registry = GateRegistry()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: registry.gate_for(URL, KEY, None, RateLimit(1)), range(200)))
    gate = found[0]
    assert gate is not None
    assert all(other is gate for other in found)
    ticket = gate.join("interactive", lambda: None)
    gate.poll(ticket, 0.0)
    assert isinstance(gate.poll(gate.join("interactive", lambda: None), 0.0), Wait)
