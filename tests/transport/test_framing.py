"""Where an answer ends, compared with h11."""

from __future__ import annotations

import sys
from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.transport.framing import MOST_HEAD_BYTES, Framing

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BODIES = st.binary(max_size=40)
CHUNKS = st.lists(st.binary(min_size=1, max_size=20), max_size=4)
EXTENSIONS = st.sampled_from(["", ";a", ";a=b", " "])
NAMES = st.sampled_from(["Content-Length", "content-length", "CONTENT-LENGTH"])


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """What a proper server sends, in every form that ends before the connection does."""
    interim = b"".join(
        draw(
            st.lists(
                st.sampled_from([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\n"]), max_size=2
            )
        )
    )
    status = draw(st.sampled_from([200, 201, 204, 304, 404, 500]))
    head = f"HTTP/1.1 {status}{draw(st.sampled_from([' OK', ' ', '']))}\r\nX: y\r\n"
    if status in (204, 304):
        return interim + head.encode() + b"\r\n"
    if draw(st.booleans()):
        body = draw(BODIES)
        return interim + f"{head}{draw(NAMES)}:{draw(st.sampled_from(['', ' ']))}{len(body)}\r\n\r\n".encode() + body
    lines = [f"{head}Transfer-Encoding: {draw(st.sampled_from(['chunked', 'Chunked']))}\r\n\r\n".encode()]
    for chunk in draw(CHUNKS):
        lines += [f"{len(chunk):x}{draw(EXTENSIONS)}\r\n".encode(), chunk, b"\r\n"]
    return interim + b"".join(lines) + b"0\r\n" + draw(st.sampled_from([b"", b"T: u\r\n"])) + b"\r\n"


def _h11_end(data: bytes) -> int | None:
    """How many bytes h11 takes for the answer; None if it finds no end."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return None
        if event is h11.NEED_DATA:
            return None
        if isinstance(event, h11.EndOfMessage):
            return len(data) - len(connection.trailing_data[0])


def _follow(data: bytes, cuts: list[int]) -> tuple[Framing, int]:
    framing = Framing()
    framing.sent(b"GET / HTTP/1.1\r\n\r\n")
    ends = sorted({*(cut % (len(data) + 1) for cut in cuts), 0, len(data)})
    belonging = sum(framing.received(data[start:end]) for start, end in pairwise(ends))
    return framing, belonging


@given(
    answers(),
    st.lists(st.integers(0, 500), max_size=6),
    st.sampled_from([b"", b"\r\n", b"H", b"HTTP/1.1 200 OK\r\n\r\n"]),
)
def test_the_end_is_where_h11_sees_it(answer: bytes, cuts: list[int], surplus: bytes) -> None:
    assert _h11_end(answer + surplus) == len(answer)
    framing, belonging = _follow(answer + surplus, cuts)
    assert belonging == len(answer)
    assert framing.is_clean is not bool(surplus)
    framing.sent(b"GET / HTTP/1.1\r\n\r\n")
    assert not framing.is_clean


@given(answers(), st.integers(0, 500), st.sampled_from([b"", b"\n", b"\r", b"0", b":", b";", b"x", b"\x00", b" "]))
def test_a_broken_answer_is_never_clean_where_h11_disagrees(answer: bytes, place: int, put: bytes) -> None:
    place %= len(answer)
    broken = answer[:place] + put + answer[place + 1 :]
    framing, _ = _follow(broken, [])
    if framing.is_clean:
        assert _h11_end(broken) in (None, len(broken))


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: two",
        "Content-Length: -1",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "X: y",
    ],
)
def test_what_leaves_the_end_open_is_never_clean(head: str) -> None:
    framing, _ = _follow(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{{}}".encode(), [])
    assert not framing.is_clean


def test_an_answer_to_head_has_no_body() -> None:
    framing = Framing()
    framing.sent(b"HEAD / HTTP/1.1\r\n\r\n")
    framing.received(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
    assert framing.is_clean


@pytest.mark.parametrize("piece", [b"X: y\r\n", b"x" * 1000, b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_heads_have_a_bound(piece: bytes) -> None:
    framing, _ = _follow(b"HTTP/1.1 200 OK\r\n" if piece.startswith(b"X") else b"", [])
    for _ in range(MOST_HEAD_BYTES // len(piece) * 2):
        assert not framing.is_clean
        framing.received(piece)
    assert framing.is_head_too_large


def test_many_small_chunks_have_no_bound() -> None:
    framing, _ = _follow(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", [])
    for _ in range(20):
        framing.received(b"1;extension\r\nx\r\n" * 5000)
    framing.received(b"0\r\n\r\n")
    assert framing.is_clean


def test_once_broken_it_stays_broken() -> None:
    framing, _ = _follow(b"HTTP/1.1 204 No Content\r\n\r\n", [])
    framing.spoil()
    framing.sent(b"GET / HTTP/1.1\r\n\r\n")
    framing.received(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert not framing.is_clean


@pytest.mark.parametrize("size", [1, 16, 100])
def test_many_small_chunks_cost_few_steps(size: int) -> None:
    """In Python each line of code is slow, and a hostile server may send a chunk for each byte."""
    chunks = 5_000
    data = HEAD + (f"{size:x}\r\n".encode() + b"x" * size + b"\r\n") * chunks + b"0\r\n\r\n"
    framing = Framing()
    framing.sent(b"GET ")
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        for start in range(0, len(data), 65536):
            framing.received(data[start : start + 65536])
    finally:
        sys.setprofile(None)
    assert framing.is_clean
    assert calls < 8 * chunks
