"""Forged deliveries: real ones, changed in ways that a receiver must notice."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from tests.fakes.clock import NOON
from tests.webhooks.samples import BATCH, FLAT, NESTED, OTHER, pack, signed

Forgery: TypeAlias = tuple[bytes, dict[str, str]]
_HEX: Final = "0123456789abcdef"
_STAMP: Final = "X-Truedy-Timestamp"
_MARK: Final = "X-Truedy-Signature"


def forgeries(seed: int, count: int) -> Iterator[Forgery]:
    """Variants of deliveries, half of them signed over the sorted form; none of them says what was signed."""
    chance = random.Random(seed)
    originals: list[Forgery] = []
    for value in (NESTED, FLAT, BATCH):
        body = pack(value)
        originals += [(body, signed(body)), (body, signed(body, over=_sorted(value)))]
    made = 0
    while made < count:
        original = chance.choice(originals)
        forged = chance.choice(_WAYS)(chance, *original)
        if not _says_the_same(forged, original):
            made += 1
            yield forged


def _says_the_same(forged: Forgery, original: Forgery) -> bool:
    """Whether it is the original, or a re-serialisation of one that is signed over the sorted form."""
    if forged == original:
        return True
    body, headers = original
    if forged[1] != headers or headers == signed(body):
        return False
    try:
        return _sorted(json.loads(forged[0], object_pairs_hook=_unique)) == _sorted(json.loads(body))
    except ValueError:
        return False


def _sorted(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key comes twice")
    return dict(pairs)


def _flip(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    at = chance.randrange(len(body))
    return body[:at] + bytes((body[at] ^ (1 << chance.randrange(8)),)) + body[at + 1 :], headers


def _splice(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    middle = chance.choice((b"", b"0", b'"', b",", b"{}", b"null", b" ", body[start:end] * 2, chance.randbytes(4)))
    return body[:start] + middle + body[end:], headers


def _append(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    return body + chance.choice((b"{}", b"\x00", b"x", body, b",")), headers


def _edit(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    """Put another value at a random place; the result is valid JSON."""
    value: Any = json.loads(body)
    node, key = chance.choice(list(_places(value)))
    node[key] = chance.choice((None, True, 0, -1, "", "x", [], {}, "+14155550199", _other(node[key])))
    return pack(value), headers


def _add(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    value: Any = json.loads(body)
    node = chance.choice([value, value["data"]])
    node[chance.choice(("id", "x", "call_id", "event_id", ""))] = chance.choice(("evt_x", None, 1, {}))
    return pack(value), headers


def _double(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    """Repeat a key with another value: readers that take the first one see another event."""
    return b'{"event":"call.failed",' + body[1:], headers


def _resign(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    return body, signed(body, secret=chance.choice((OTHER, " ", "whsec_", headers[_MARK], headers[_STAMP])))


def _spoil_mark(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    mark = list(headers[_MARK])
    match chance.randrange(5):
        case 0:
            at = chance.randrange(64)
            mark[at] = chance.choice(_HEX.replace(mark[at], ""))
        case 1:
            del mark[chance.randrange(64) :]
        case 2:
            mark.append(chance.choice(_HEX))
        case 3:
            mark = list("".join(mark).upper()) if any(c.isalpha() for c in mark) else ["0"]
        case _:
            mark = [chance.choice(_HEX) for _ in range(64)]
    return body, {**headers, _MARK: "".join(mark)}


def _move_time(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    moved = int(NOON) + chance.choice((-1, 1)) * chance.randrange(1, 400)
    spelled = chance.choice((str(moved), f"0{int(NOON)}", f"{int(NOON)}0", "2027-01-15T08:00:00Z"))
    return body, {**headers, _STAMP: spelled}


def _stale(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    """Sign correctly, with a time long ago or in the future."""
    return body, signed(body, at=NOON + chance.choice((-301, 61, -86_400, 86_400)) * chance.randrange(1, 50))


def _cross(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    """The headers of another delivery."""
    other = pack({**json.loads(body), "timestamp": chance.random()})
    return body, signed(other)


def _strip(chance: random.Random, body: bytes, headers: dict[str, str]) -> Forgery:
    return body, {name: value for name, value in headers.items() if name != chance.choice((_STAMP, _MARK))}


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


def _other(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else value + 1 if isinstance(value, int | float) else None


_WAYS: Final[tuple[Callable[[random.Random, bytes, dict[str, str]], Forgery], ...]] = (
    _flip, _flip, _flip, _splice, _splice, _append, _edit, _edit, _add, _double, _resign, _spoil_mark, _spoil_mark,
    _move_time, _stale, _cross, _strip,
)  # fmt: skip
