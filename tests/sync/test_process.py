"""What only a whole process can show: Ctrl-C, forks, clients dropped without close, and how the interpreter ends."""

from __future__ import annotations

import os
import signal

import pytest

from tests.fakes.loopback import Loopback, Silence
from tests.sync.conftest import Scripts

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

LOOPS = {
    "no loop": "main()",
    "asyncio": "asyncio.run(as_coroutine())",
    "trio": "import trio; trio.run(as_coroutine)",
}


@pytest.mark.parametrize("start", LOOPS.values(), ids=LOOPS)
def test_ctrl_c_during_a_call(scripts: Scripts, server: Loopback, start: str) -> None:
    server.script.append(Silence())
    text = f"""
        def main():
            try:
                client.agents.get("a-1")
            except KeyboardInterrupt as error:
                say("interrupted", traceback.extract_tb(error.__traceback__)[0].name)
            say(client.agents.get("a-2").name)
        async def as_coroutine():
            main()
        try:
            {start}
        except KeyboardInterrupt:
            pass  # asyncio.run gives its own after the loop
        say(client.agents.get("a-3").name)
        client.close()
    """
    with scripts.running(text) as process:
        server.wait(lambda: len(server.seen) == 1, 60)
        process.send_signal(signal.SIGINT)
        assert scripts.lines(process) == ["interrupted main", "Ada", "Ada"]
    assert [seen.target for seen in server.seen] == ["/agents/a-1", "/agents/a-2", "/agents/a-3"]


def test_ctrl_c_during_a_call_made_by_a_hook(scripts: Scripts, server: Loopback) -> None:
    server.script.append(Silence())
    text = """
        def hook(event):
            if isinstance(event, trudy.RequestStarted):
                client.agents.get("a-1")
        try:
            make(hooks=[hook]).agents.get("a-2")
        except KeyboardInterrupt:
            say("interrupted")
        say(client.agents.get("a-3").name)
    """
    with scripts.running(text) as process:
        server.wait(lambda: len(server.seen) == 1, 60)
        process.send_signal(signal.SIGINT)
        assert scripts.lines(process) == ["interrupted", "Ada"]
    assert [seen.target for seen in server.seen] == ["/agents/a-1", "/agents/a-3"]


@needs_fork
def test_a_fork_with_the_client_used_before_and_after_in_parent_and_child(scripts: Scripts, server: Loopback) -> None:
    assert scripts.run("""
        say(client.agents.get("before").name)
        child = os.fork()
        if not child:
            say(client.agents.get("child").name)
            client.close()
            del client
            gc.collect()
            sys.exit()
        say(os.waitpid(child, 0)[1], client.agents.get("parent").name)
        child = os.fork()
        if not child:
            del client
            gc.collect()
            sys.exit()
        say(os.waitpid(child, 0)[1], client.agents.get("parent").name)
        client.close()
    """) == ["Ada", "Ada", "0 Ada", "0 Ada"]
    assert [seen.connection for seen in server.seen] == [1, 2, 1, 1]


@needs_fork
def test_a_fork_from_inside_a_running_loop(scripts: Scripts, server: Loopback) -> None:
    assert scripts.run("""
        async def main():
            say(client.agents.get("before").name)
            child = os.fork()
            if not child:
                say(client.agents.get("child").name)
                os._exit(0)
            say(os.waitpid(child, 0)[1], client.agents.get("parent").name)
        asyncio.run(main())
    """) == ["Ada", "Ada", "0 Ada"]
    assert [seen.connection for seen in server.seen] == [1, 2, 1]


@needs_fork
def test_multiprocessing_with_the_client_used_before_and_after(scripts: Scripts, server: Loopback) -> None:
    assert scripts.run("""
        import multiprocessing
        def name(_):
            return client.agents.get("child").name
        say(client.agents.get("before").name)
        context = multiprocessing.get_context("fork")
        with context.Pool(3) as pool:
            say(set(pool.map(name, range(30), chunksize=1)))
            pool.close()
            pool.join()
        say(client.agents.get("after").name)
        client.close()
    """) == ["Ada", "{'Ada'}", "Ada"]
    assert len({seen.connection for seen in server.seen if seen.target.endswith("child")} & {1}) == 0
    assert [seen.connection for seen in server.seen if not seen.target.endswith("child")] == [1, 1]


def test_multiprocessing_spawn_makes_its_own_client(scripts: Scripts) -> None:
    assert scripts.run("""
        import multiprocessing, pickle
        say(client.agents.get("before").name)
        try:
            multiprocessing.get_context("spawn").Process(target=print, args=(client,)).start()
        except TypeError as error:
            say("make one where it is needed" in str(error))
        say(client.agents.get("after").name)
    """) == ["Ada", "True", "Ada"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")  # noqa: PTH112
def test_200_clients_dropped_without_close_leave_no_thread_and_no_descriptor(
    scripts: Scripts, server: Loopback
) -> None:
    lines = scripts.run("""
        def count():
            return threading.active_count(), len(os.listdir("/proc/self/fd"))
        client.agents.get("a-1")
        before = count()
        for number in range(200):
            make(http_backend="aiohttp" if number % 4 == 0 else "httpx").agents.get("a-1")
        gc.collect()
        say(before == count(), threading.active_count())
    """)
    assert lines == ["True 1"]
    assert len(server.seen) == 201


def test_exit_with_calls_in_flight(scripts: Scripts, server: Loopback) -> None:
    server.script.extend([Silence()] * 3)
    text = """
        for _ in range(3):
            threading.Thread(target=client.agents.get, args=("a-1",), daemon=True).start()
        say(sys.stdin.readline().strip())
    """
    with scripts.running(text) as process:
        server.wait(lambda: len(server.seen) == 3)
        assert scripts.lines(process, "the end\n") == ["the end"]


@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
def test_exit_without_close_is_quiet(scripts: Scripts, backend: str) -> None:
    assert scripts.run(f"""
        client = make(http_backend={backend!r})
        say(client.agents.get("a-1").name)
    """) == ["Ada"]


def test_calls_from_atexit(scripts: Scripts, server: Loopback) -> None:
    assert scripts.run("""
        def last(which):
            say(which.agents.get("a-1").name)
            which.close()
        atexit.register(last, client)
        atexit.register(last, make(http_backend="aiohttp"))
        atexit.register(lambda: last(make()))
        say("the end")
    """) == ["the end", "Ada", "Ada", "Ada"]
    assert len(server.seen) == 3


def test_a_client_that_was_not_closed_says_so_once(scripts: Scripts) -> None:
    assert scripts.run("""
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            client.agents.get("a-1")
            view = client.with_options(max_retries=0)
            view.agents.get("a-1")
            del client, view
            gc.collect()
        say([(one.category.__name__, "unclosed Trudy client" in str(one.message)) for one in caught])
    """) == ["[('ResourceWarning', True)]"]
