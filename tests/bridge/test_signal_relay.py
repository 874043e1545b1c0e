"""What signal handlers raise, Ctrl-C first, by real signals to real processes."""

from __future__ import annotations

import textwrap

import pytest

from tests.bridge.conftest import Script


def test_ctrl_c_cleans_up_raises_in_the_callers_line_and_the_next_call_answers(script: Script) -> None:
    assert script("""
        import traceback
        try:
            bridge.run(hang, 0.05)  # here
        except KeyboardInterrupt as error:
            frames = traceback.extract_tb(error.__traceback__)
            say("interrupted", [frame.filename for frame in frames][0], len(frames))
            say(repr(error.__cause__), repr(error.__context__))
        say(bridge.run(answer))
        say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """) == ["cleaned up", "interrupted <string> 2", "None None", "answered", "True"]


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


def test_ctrl_c_is_raised_even_if_the_call_succeeds_in_that_moment(script: Script) -> None:
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


def test_a_second_ctrl_c_does_not_wait_for_the_clean_up(script: Script) -> None:
    assert script("""
        started = time.monotonic()
        try:
            bridge.run(hang_for_ever)
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


PLACES = {
    "as the call is made": """
        def place():
            strike()
            return answer()
    """,
    "in its first step": """
        async def place():
            strike()
            return await answer()
    """,
    "where everything is caught": """
        async def place():
            try:
                strike()
            except BaseException:
                return "swallowed"
            return "went on"
    """,
    "in a callback of the loop": """
        async def place():
            asyncio.get_running_loop().call_soon(strike)
            await asyncio.sleep(3600)
    """,
    "while a name is resolved": """
        import socket
        def getaddrinfo(*args):
            strike()
            return []
        socket.getaddrinfo = getaddrinfo
        async def place():
            try:
                await asyncio.get_running_loop().getaddrinfo("localhost", 80)
            except Exception:
                return "swallowed"
    """,
    "as the task is made": """
        from trudy.bridge.loop import PrivateLoop
        make = PrivateLoop.create_task
        def create_task(self, *args, **kwargs):
            PrivateLoop.create_task = make
            strike()
            return make(self, *args, **kwargs)
        PrivateLoop.create_task = create_task
        async def place():
            await asyncio.sleep(3600)
    """,
    "as the task ends": """
        async def place():
            asyncio.current_task().add_done_callback(lambda _: strike())
            return "lost"
    """,
    "as the loop is given back": """
        from trudy.bridge.private_loops import PrivateLoops
        give_back = PrivateLoops.give_back
        def striking(self, loop, *, usable):
            PrivateLoops.give_back = give_back
            strike()
            give_back(self, loop, usable=usable)
        PrivateLoops.give_back = striking
        place = answer
    """,
    "while the loop waits": """
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        async def place():
            await asyncio.sleep(3600)
    """,
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_what_a_handler_raises_reaches_the_caller_unchanged(script: Script, place: str) -> None:
    kinds = ["Exception", "BaseException", "SystemExit", "KeyboardInterrupt", "TimeoutError", "asyncio.CancelledError"]
    lines = script(f"""
def strike():
    signal.raise_signal(signal.SIGALRM)
def on_alarm(number, frame):
    raise raised
signal.signal(signal.SIGALRM, on_alarm)
def prepare():
{textwrap.indent(textwrap.dedent(place), "    ")}
    return place
for kind in ({", ".join(kinds)}):
    class Limit(kind):
        pass
    raised = Limit("soft", 1)
    try:
        say(bridge.run(prepare()))
    except BaseException as error:
        say(error is raised, error.args, error.__cause__, error.__context__)
    say(bridge.run(answer), signal.getsignal(signal.SIGALRM) is on_alarm)
""")
    assert lines == ["True ('soft', 1) None None", "answered True"] * len(kinds)


def test_a_handler_that_middleware_sets_during_the_call_is_relayed_too(script: Script) -> None:
    assert script("""
        raised = LookupError("mine")
        def on_alarm(number, frame):
            raise raised
        async def place():
            before = signal.signal(signal.SIGALRM, on_alarm)
            await asyncio.sleep(0)
            try:
                asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGALRM)
                await asyncio.sleep(3600)
            finally:
                signal.signal(signal.SIGALRM, before)
        try:
            bridge.run(place)
        except LookupError as error:
            say(error is raised)
        say(bridge.run(answer), signal.getsignal(signal.SIGALRM) is signal.SIG_DFL)
    """) == ["True", "answered True"]


def test_a_handler_set_during_the_call_stays_set_and_one_taken_then_still_works_later(script: Script) -> None:
    assert script("""
        def first(number, frame):
            raise LookupError("first")
        def second(number, frame):
            say("second")
        signal.signal(signal.SIGALRM, first)
        async def place():
            kept.append(signal.signal(signal.SIGALRM, second))
            await asyncio.sleep(0)
        kept = []
        bridge.run(place)
        say(signal.getsignal(signal.SIGALRM) is second)
        signal.signal(signal.SIGALRM, kept[0])
        try:
            signal.raise_signal(signal.SIGALRM)
        except LookupError as error:
            say(error)
    """) == ["True", "first"]


def test_a_handler_that_sets_another_is_followed(script: Script) -> None:
    assert script("""
        def once(number, frame):
            signal.signal(signal.SIGALRM, then)
        def then(number, frame):
            raise LookupError("then")
        signal.signal(signal.SIGALRM, once)
        async def place():
            signal.raise_signal(signal.SIGALRM)
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGALRM)
            await asyncio.sleep(3600)
        try:
            bridge.run(place)
        except LookupError as error:
            say(error)
        say(signal.getsignal(signal.SIGALRM) is then)
    """) == ["then", "True"]


def test_a_handler_is_called_with_the_frame_that_was_interrupted(script: Script) -> None:
    assert script("""
        signal.signal(signal.SIGALRM, lambda number, frame: say(number == signal.SIGALRM, frame.f_code.co_name))
        async def place():
            signal.raise_signal(signal.SIGALRM)
            return "went on"
        say(bridge.run(place))
    """) == ["True place", "went on"]


def test_a_call_that_swallows_its_cancellation_is_given_up(script: Script) -> None:
    assert script("""
        import trudy.bridge.execution
        trudy.bridge.execution.CANCELLED_GRACE = 0.05
        def on_alarm(number, frame):
            raise LookupError("alarm")
        signal.signal(signal.SIGALRM, on_alarm)
        async def stubborn():
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGALRM)
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    say("no")
        try:
            bridge.run(stubborn)
        except LookupError as error:
            say(error)
        say(bridge.run(answer))
    """) == ["no", "alarm", "answered"]


def test_in_another_thread_nothing_is_relayed(script: Script) -> None:
    assert script("""
        def on_alarm(number, frame):
            raise LookupError("alarm")
        signal.signal(signal.SIGALRM, on_alarm)
        async def look():
            return signal.getsignal(signal.SIGALRM) is on_alarm
        thread = threading.Thread(target=lambda: say(bridge.run(look)))
        thread.start()
        thread.join()
        say(bridge.run(look))
    """) == ["True", "False"]


def test_frames_of_the_bridge_show_no_argument(script: Script) -> None:
    assert script("""
        import traceback
        async def breaks(number, *, key):
            del number, key
            raise LookupError
        async def hangs(number, *, key):
            del number, key
            await hang()
        for function in (breaks, hangs):
            try:
                bridge.run(function, "secret-1", key="secret-2")
            except BaseException as error:
                shown = traceback.TracebackException.from_exception(error, capture_locals=True)
                say(type(error).__name__, [frame.name for frame in shown.stack if "secret" in str(frame.locals)])
    """) == ["LookupError []", "cleaned up", "KeyboardInterrupt []"]
