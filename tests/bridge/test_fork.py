"""A forked child has loops of its own, and leaves the parent's alone."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

Script = Callable[[str], list[str]]


def test_a_child_runs_calls_on_loops_of_its_own_and_the_parent_goes_on(script: Script) -> None:
    assert script("""
        import gc
        loop = bridge.run(answer, asyncio.get_running_loop and 1) and bridge._pool._idle[-1]
        child = os.fork()
        if not child:
            say(bridge.run(answer), bridge._pool._idle[-1] is loop)
            async def closing(): pass
            bridge.close(closing)
            del bridge, loop
            gc.collect()
            sys.exit()
        say(os.waitpid(child, 0)[1], bridge.run(answer), bridge._pool._idle[-1] is loop)
    """) == ["answered False", "0 answered True"]


def test_a_child_that_frees_everything_takes_nothing_out_of_the_shared_epoll(script: Script) -> None:
    assert script("""
        import gc, socket
        here, there = socket.socketpair()
        streams = []
        async def open_stream():
            streams.append(await asyncio.open_connection(sock=here))
        async def read():
            return await asyncio.wait_for(streams[0][0].read(4), 60)
        bridge.run(open_stream)
        child = os.fork()
        if not child:
            loop = bridge._pool._idle
            streams[0][1].transport.abort()
            streams.clear()
            del bridge, loop
            import trudy.bridge.private_loops
            trudy.bridge.private_loops._parked.clear()
            gc.collect()
            os._exit(0)
        os.waitpid(child, 0)
        threading.Timer(0.1, there.send, (b"ping",)).start()
        say(bridge.run(read))
    """) == ["b'ping'"]


def test_a_fork_while_other_threads_are_in_a_call(script: Script) -> None:
    assert script("""
        started, go_on = threading.Event(), threading.Event()
        async def hold():
            started.set()
            go_on.wait(30)
            await asyncio.sleep(0.01)
            say("other thread ended")
        thread = threading.Thread(target=bridge.run, args=(hold,))
        thread.start()
        started.wait(30)
        child = os.fork()
        if not child:
            say("child", bridge.run(answer))
            sys.exit()
        say(os.waitpid(child, 0)[1])
        go_on.set()
        thread.join()
        say("parent", bridge.run(answer))
    """) == ["child answered", "0", "other thread ended", "parent answered"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(script: Script, method: str) -> None:
    assert script(f"""
        import multiprocessing
        bridge.run(answer)
        context = multiprocessing.get_context({method!r})
        from operator import add
        with context.Pool(1) as pool:
            say(pool.apply(add, (1, 2)))
        say(bridge.run(answer))
    """) == ["3", "answered"]


def test_ctrl_c_in_a_child_forked_from_a_callback(script: Script) -> None:
    assert script("""
        async def outer():
            child = os.fork()
            if not child:
                try:
                    bridge.run(hang)
                except KeyboardInterrupt:
                    say("interrupted", bridge.run(answer))
                os._exit(0)
            say(os.waitpid(child, 0)[1])
            return await answer()
        say(bridge.run(outer))
    """) == ["cleaned up", "interrupted answered", "0", "answered"]
