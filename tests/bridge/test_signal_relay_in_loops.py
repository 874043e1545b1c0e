"""What signal handlers raise, in calls where a loop already runs in the thread."""

from __future__ import annotations

import pytest

from tests.bridge.conftest import Script

LOOPS = {
    "asyncio": "asyncio.run(main())",
    "trio": "import trio; trio.run(main)",
    "anyio on trio": "import anyio; anyio.run(main, backend='trio')",
}


@pytest.mark.parametrize("start", LOOPS.values(), ids=LOOPS)
def test_inside_a_running_loop_ctrl_c_ends_the_call_and_the_next_one_answers(script: Script, start: str) -> None:
    assert script(f"""
        async def main():
            try:
                bridge.run(hang, 0.05)
            except KeyboardInterrupt:
                say("interrupted")
            say(bridge.run(answer))
            raise KeyboardInterrupt
        try:
            {start}
        except KeyboardInterrupt:
            say("and so the loop")
    """) == ["cleaned up", "interrupted", "answered", "and so the loop"]


def test_inside_a_running_loop_a_signal_that_does_not_end_the_wait_is_heard(script: Script) -> None:
    assert script("""
        async def hang_where_signals_arrive():
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            await hang()
        async def main():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                bridge.run(hang_where_signals_arrive)
            except KeyboardInterrupt:
                say("interrupted")
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            say("and so the loop")
    """) == ["cleaned up", "interrupted", "and so the loop"]


def test_inside_a_running_loop_in_a_task_that_is_not_the_main_one(script: Script) -> None:
    assert script("""
        async def main():
            await asyncio.gather(asyncio.create_task(child()), asyncio.sleep(60))
        async def child():
            try:
                bridge.run(hang)
            except KeyboardInterrupt:
                say("interrupted")
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            say("and so the loop")
        say(bridge.run(answer))
    """) == ["cleaned up", "interrupted", "and so the loop", "answered"]


def test_inside_a_running_loop_a_second_ctrl_c_does_not_wait(script: Script) -> None:
    assert script("""
        async def main():
            bridge.run(hang_for_ever)
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            say("interrupted")
        say(bridge.run(answer))
    """) == ["cleaned up", "interrupted", "answered"]


def test_a_server_that_ends_in_its_own_time_keeps_the_call(script: Script) -> None:
    assert script("""
        async def goes_on():
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.05)
            return "answered"
        async def main():
            signal.signal(signal.SIGINT, lambda *_: say("will stop"))
            say(bridge.run(goes_on))
        asyncio.run(main())
    """) == ["will stop", "answered"]


@pytest.mark.parametrize("start", LOOPS.values(), ids=LOOPS)
def test_inside_a_running_loop_what_a_handler_raises_reaches_the_caller(script: Script, start: str) -> None:
    assert script(f"""
        class Limit(Exception):
            pass
        def on_alarm(number, frame):
            raise Limit
        signal.signal(signal.SIGALRM, on_alarm)
        async def place():
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGALRM)
            await asyncio.sleep(3600)
        async def main():
            try:
                bridge.run(place)
            except Limit:
                say("limit")
            say(bridge.run(answer))
        {start}
    """) == ["limit", "answered"]
