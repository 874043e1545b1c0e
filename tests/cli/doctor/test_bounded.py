from __future__ import annotations

import threading

import pytest

from trudy.cli.doctor.bounded import within


def test_what_a_function_gives_or_raises() -> None:
    assert within(10, lambda: 3) == 3
    with pytest.raises(KeyError):
        within(10, lambda: {}["x"])


def test_an_error_of_the_function_keeps_its_words_even_if_it_is_a_timeout() -> None:
    def late() -> None:
        raise TimeoutError("of the socket")

    with pytest.raises(TimeoutError, match="of the socket"):
        within(10, late)


def test_what_hangs_is_left_behind() -> None:
    release = threading.Event()
    ended = threading.Event()

    def hang() -> None:
        release.wait()
        ended.set()

    try:
        with pytest.raises(TimeoutError, match=r"nothing within 0\.01 s"):
            within(0.01, hang)
        assert not ended.is_set()
    finally:
        release.set()
    assert ended.wait(10)
