"""Ctrl-C, by a real signal to a real process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Script = Callable[[str], list[str]]


def test_it_cleans_up_raises_in_the_callers_line_and_the_next_call_answers(script: Script) -> None:
    assert script("""
        import traceback
        try:
            bridge.run(hang, 0.05)  # here
        except KeyboardInterrupt as error:
            frames = traceback.extract_tb(error.__traceback__)
            say("interrupted", [frame.filename for frame in frames][0], len(frames))
            say(repr(error.__cause__), error.__suppress_context__)
        say(bridge.run(answer))
        say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """) == ["cleaned up", "interrupted <string> 3", "None True", "answered", "True"]


def test_an_error_of_the_clean_up_is_shown_as_the_cause(script: Script) -> None:
    assert script("""
        async def breaks():
            try:
                await hang()
            finally:
                raise LookupError("while cleaning up")
        try:
            bridge.run(breaks)
        except KeyboardInterrupt as error:
            say(repr(error.__cause__))
        say(bridge.run(answer))
    """) == ["cleaned up", "LookupError('while cleaning up')", "answered"]


def test_it_is_raised_even_if_the_call_succeeds_in_that_moment(script: Script) -> None:
    assert script("""
        async def quick():
            os.kill(os.getpid(), signal.SIGINT)
            return "lost"
        async def stubborn():
            try:
                await hang()
            except asyncio.CancelledError:
                return "lost"
        for function in (quick, stubborn):
            try:
                say(bridge.run(function))
            except KeyboardInterrupt:
                say("interrupted")
        say(bridge.run(answer))
    """) == ["interrupted", "cleaned up", "interrupted", "answered"]


def test_a_second_one_does_not_wait_for_the_clean_up(script: Script) -> None:
    assert script("""
        async def never_done():
            try:
                await hang()
            finally:
                asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
                await asyncio.Event().wait()
        started = time.monotonic()
        try:
            bridge.run(never_done)
        except KeyboardInterrupt:
            say("interrupted", time.monotonic() - started < 5)
        say(bridge.run(answer))
    """) == ["cleaned up", "interrupted True", "answered"]


def test_a_handler_of_the_callers_stays_in_place(script: Script) -> None:
    assert script("""
        signal.signal(signal.SIGINT, lambda *_: say("mine"))
        async def goes_on():
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)
            return "answered"
        say(bridge.run(goes_on))
    """) == ["mine", "answered"]


LOOPS = {
    "asyncio": "asyncio.run(main())",
    "trio": "import trio; trio.run(main)",
    "anyio on trio": "import anyio; anyio.run(main, backend='trio')",
}


@pytest.mark.parametrize("start", LOOPS.values(), ids=LOOPS)
def test_inside_a_running_loop_it_ends_the_call_and_the_next_one_answers(script: Script, start: str) -> None:
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


def test_inside_a_running_loop_a_second_one_does_not_wait(script: Script) -> None:
    assert script("""
        async def never_done():
            try:
                await hang()
            finally:
                asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
                await asyncio.Event().wait()
        async def main():
            bridge.run(never_done)
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


def test_a_call_made_by_a_callback_of_another_call_ends_too(script: Script) -> None:
    assert script("""
        async def outer():
            bridge.run(middle)
        async def middle():
            bridge.run(hang)
        try:
            bridge.run(outer)
        except KeyboardInterrupt:
            say("interrupted")
        say(bridge.run(answer))
    """) == ["cleaned up", "interrupted", "answered"]
