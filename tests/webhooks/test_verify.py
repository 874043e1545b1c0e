"""A delivery is taken only with a good signature: headers, secrets, signed bodies, and what is no JSON."""

from __future__ import annotations

import contextlib
import hmac
import json
import statistics
import time
import timeit
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.fakes.clock import NOON
from tests.webhooks.checking import BODY, SORTED, check, refuse
from tests.webhooks.samples import FLAT, NESTED, OTHER, SECRET, pack, signed
from trudy.errors import ConfigurationError, TrudyError
from trudy.webhooks import (
    BadPayloadError,
    BadSignatureError,
    CallEnded,
    MissingHeaderError,
    StaleTimestampError,
    WebhookVerificationError,
    unwrap,
)
from trudy.webhooks.strict_json import MAX_DEPTH
from trudy.webhooks.verify import MAX_BODY, MAX_SORTED_BODY, MAX_SORTED_MARKS

MIB = 1024 * 1024
FORGED = [
    b"[" * MIB,
    b"[" * (MIB // 2) + b"]" * (MIB // 2),
    b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
    b"[" + b"{}," * 300_000 + b"{}]",
    b'{"event": "call.ended", "data": "' + b"x" * 1_000_000 + b'"}',
    b'{"a": ' + b"[" * 600 + b"]" * 600 + b', "b": "' + b"x" * 1_000_000 + b'"}',
    b"[" * 65_000 + b"]" * 65_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"a": ' + b"[" * 200 + b"]" * 200 + b', "b": "' + b"x" * 120_000 + b'"}',
    b'{"a": ' * 200 + b"1" + b"}" * 200 + b" " * 120_000,
    b"[" * 16_000 + b"]" * 16_000,
    b"[" + b"[]," * 10_000 + b"[" * 600 + b"]" * 600 + b', "' + b"x" * 90_000 + b'"]',
]


def test_documented_signature() -> None:
    event = check()
    assert isinstance(event, CallEnded)
    assert event.signature_form == "raw"


def test_known_vector() -> None:
    # Computed with `printf '%s' '1700000000.{"event":"x"}' | openssl dgst -sha256 -hmac whsec_test`.
    signature = "332db6eb98751d218da10bd89e81ba421029f17447c481788ffc4b6fa408fd56"
    headers = {"x-truedy-timestamp": "1700000000", "x-truedy-signature": signature}
    assert unwrap(b'{"event":"x"}', headers, secret="whsec_test", now=1_700_000_000).name == "x"


def test_errors_are_a_family_of_ours() -> None:
    for kind in (MissingHeaderError, StaleTimestampError, BadSignatureError, BadPayloadError):
        assert issubclass(kind, WebhookVerificationError)
    assert issubclass(WebhookVerificationError, TrudyError)


class TestHeaders:
    @pytest.mark.parametrize(
        "shape",
        [
            dict,
            lambda headers: list(headers.items()),
            lambda headers: iter(tuple(headers.items())),
            lambda headers: {name.lower(): value for name, value in headers.items()},
            lambda headers: {name.upper(): value for name, value in headers.items()},
            lambda headers: [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            lambda headers: {name.replace("Truedy", "Trudy"): value for name, value in headers.items()},
            lambda headers: {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()},
            lambda headers: {name: [value] for name, value in headers.items()},
        ],
        ids=["dict", "pairs", "iterator", "lower", "upper", "bytes", "early server", "environ", "lists"],
    )
    def test_shapes(self, shape: Callable[[dict[str, str]], Iterable[Any]]) -> None:
        assert check(headers=shape({"Host": "example.test", **signed(BODY), "X-Truedy-Something": "else"}))

    def test_documented_name_wins(self) -> None:
        old = {name.replace("Truedy", "Trudy"): "0" for name in signed(BODY)}
        assert check(headers={**old, **signed(BODY)})

    @pytest.mark.parametrize("missing", ["X-Truedy-Timestamp", "X-Truedy-Signature"])
    def test_missing(self, missing: str) -> None:
        headers = signed(BODY)
        del headers[missing]
        assert refuse(MissingHeaderError, headers=headers) == "missing_header"

    def test_a_header_that_comes_twice_is_refused(self) -> None:
        pairs = list(signed(BODY).items())
        refuse(StaleTimestampError, headers=[*pairs, pairs[0]])
        refuse(BadSignatureError, headers=[*pairs, pairs[1]])


class TestSignature:
    def test_sorted_form(self) -> None:
        event = check(headers=signed(BODY, over=SORTED))
        assert event.signature_form == "sorted"
        assert event.call_id == check().call_id

    def test_strict_takes_the_raw_form_only(self) -> None:
        assert check(strict=True).signature_form == "raw"
        refuse(BadSignatureError, headers=signed(BODY, over=SORTED), strict=True)

    def test_duplicate_keys_are_refused_in_the_sorted_form(self) -> None:
        doubled = b'{"event":"call.failed",' + BODY[1:]
        assert json.loads(doubled) == NESTED
        refuse(BadSignatureError, doubled, signed(doubled, over=SORTED))
        inside = BODY.replace(b'"callId":', b'"callId":"x","callId":')
        refuse(BadSignatureError, inside, signed(inside, over=SORTED))

    def test_duplicate_keys_in_a_body_that_was_signed_as_it_is(self) -> None:
        doubled = b'{"event":"call.failed",' + BODY[1:]
        assert check(doubled).name == "call.ended"

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda good: "",
            lambda good: good.upper(),
            lambda good: "sha256=" + good,
            lambda good: good + " ",
            lambda good: good[:-1],
            lambda good: good[:-1] + ("0" if good[-1] != "0" else "1"),
            lambda good: "ä" + good[1:],
            lambda good: "\ud800" + good[1:],
        ],
    )
    def test_other_signatures(self, spoil: Callable[[str], str]) -> None:
        headers = signed(BODY)
        refuse(BadSignatureError, headers={**headers, "X-Truedy-Signature": spoil(headers["X-Truedy-Signature"])})

    @pytest.mark.parametrize("mark", ["", "g" * 64, "A" * 64, "0" * 63, "0" * 65, "\N{FULLWIDTH DIGIT ONE}" * 64])
    def test_nothing_is_parsed_for_a_mark_that_no_signature_looks_like(
        self, mark: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[bytes] = []

        def reads(body: bytes, **_: object) -> object:
            read.append(body)
            return {}

        monkeypatch.setattr("trudy.webhooks.verify.read_json", reads)
        refuse(BadSignatureError, headers={**signed(BODY), "X-Truedy-Signature": mark})
        assert not read
        refuse(BadSignatureError, headers={**signed(BODY), "X-Truedy-Signature": "0" * 64})
        assert read == [BODY]

    def test_the_sorted_form_of_the_largest_body_that_has_one(self) -> None:
        def sorted_body(filler: int, values: int = 0) -> bytes:
            event = {"event": "call.ended", "data": {"filler": "x" * filler, "values": [1] * values}}
            return json.dumps(event, sort_keys=True).encode()

        most = MAX_SORTED_BODY - len(sorted_body(0))
        shuffled = json.dumps(dict(reversed(json.loads(sorted_body(most)).items()))).encode()
        assert shuffled != sorted_body(most)
        assert len(shuffled) == MAX_SORTED_BODY
        assert check(shuffled, signed(shuffled, over=sorted_body(most))).signature_form == "sorted"
        for body in (sorted_body(most + 10), sorted_body(0, MAX_SORTED_MARKS)):
            assert check(body).signature_form == "raw"
            tight = body.replace(b": ", b":")
            refuse(BadSignatureError, tight, signed(tight, over=body))

    @pytest.mark.parametrize("body", FORGED, ids=range(len(FORGED)))
    def test_a_large_forgery_is_not_parsed(self, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        def reads(*_: object, **__: object) -> object:
            raise AssertionError("parsed")

        monkeypatch.setattr("trudy.webhooks.verify.read_json", reads)
        refuse(BadSignatureError, body, signed(BODY))

    @pytest.mark.parametrize("body", FORGED, ids=range(len(FORGED)))
    def test_a_large_forgery_costs_at_most_three_times_its_hmac(self, body: bytes) -> None:
        headers = {**signed(BODY), "X-Truedy-Signature": "0" * 64}
        key, message = SECRET.encode(), b"1." + body

        def forge() -> None:
            with contextlib.suppress(BadSignatureError):
                unwrap(body, headers, secret=SECRET, now=NOON)

        def cost(run: Callable[[], object]) -> float:
            return timeit.timeit(run, timer=time.thread_time, number=1)

        # The two costs of a round are compared, as the machine runs faster or slower from one moment to the next; the
        # median leaves out those rounds in which that happened, or a clock was wrong, between one cost and the other.
        ratios: list[float] = []
        for _ in range(301):
            hmac_alone = cost(lambda: hmac.digest(key, message, "sha256"))
            ratios.append(cost(forge) / hmac_alone)
        assert statistics.median(ratios) < 3

    def test_compares_in_constant_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        compared: list[tuple[bytes, bytes]] = []

        def compare(one: bytes, other: bytes) -> bool:
            compared.append((one, other))
            return False

        monkeypatch.setattr("trudy.webhooks.verify.hmac.compare_digest", compare)
        headers = signed(BODY)
        refuse(BadSignatureError, headers=headers, strict=True)
        assert compared == [(headers["X-Truedy-Signature"].encode(),) * 2]


class TestSecrets:
    def test_several(self) -> None:
        for secret in (SECRET, OTHER):
            assert check(headers=signed(BODY, secret=secret), secret=[OTHER, SECRET])
            assert check(headers=signed(BODY, secret=secret, over=SORTED), secret=(OTHER, SECRET))
        refuse(BadSignatureError, headers=signed(BODY, secret="whsec_third"), secret=[OTHER, SECRET])

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", f" {OTHER}, {SECRET}\n,")
        assert check(secret=None)
        refuse(BadSignatureError, headers=signed(BODY, secret="whsec_third"), secret=None)

    @pytest.mark.parametrize("secret", ["", " ", [], [""], f"{SECRET}\n", [SECRET, ""], b"bytes", [b"bytes"], "\ud800"])
    def test_no_secret(self, secret: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            check(secret=secret)
        assert SECRET not in str(caught.value)

    def test_none_anywhere(self) -> None:
        with pytest.raises(ConfigurationError, match="TRUDY_WEBHOOK_SECRET"):
            check(secret=None)

    def test_a_comma_in_a_given_secret_is_part_of_it(self) -> None:
        both = f"{SECRET},{OTHER}"
        assert check(headers=signed(BODY, secret=both), secret=both)
        refuse(BadSignatureError, secret=both)


class TestBody:
    def test_size_limit_comes_first(self) -> None:
        assert refuse(BadPayloadError, b" " * (MAX_BODY + 1), {}) == "bad_payload"

    def test_largest_body(self) -> None:
        body = BODY + b" " * (MAX_BODY - len(BODY))
        assert check(body)

    @pytest.mark.parametrize("body", ["{}", {"event": "call.ended"}, None, 5])
    def test_parsed_or_decoded_bodies_are_a_type_error(self, body: Any) -> None:
        with pytest.raises(TypeError, match="raw bytes"):
            unwrap(body, signed(BODY), secret=SECRET, now=NOON)

    @pytest.mark.parametrize("kind", [bytearray, memoryview])
    def test_other_bytes(self, kind: Any) -> None:
        assert check(headers=signed(BODY)) == unwrap(kind(BODY), signed(BODY), secret=SECRET, now=NOON)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"call.ended"',
            b"5",
            b"{}",
            b'{"event":5}',
            b'{"event":""}',
            b'{"event":null,"data":{}}',
            b'{"event":"call.ended"',
            b'{"event":"call.ended"} x',
            b'{"event":"call.\xff"}',
            BODY.decode().encode("utf-16"),
            b"\xef\xbb\xbf" + BODY,
            b'{"event":"x","data":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
            b'{"event":"x","data":' + b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1) + b"}",
            b'{"event":"x","data":{"n":' + b"9" * 10_000 + b"}}",
        ],
        ids=lambda body: f"{body[:24]!r}",
    )
    def test_signed_but_no_event(self, body: bytes) -> None:
        refuse(BadPayloadError, body, signed(body))
        # Unsigned, it is first of all a forgery.
        refuse(BadSignatureError, body, signed(body, secret=OTHER))

    def test_depth_that_is_allowed(self) -> None:
        depth = MAX_DEPTH - 1
        body = b'{"event":"x","data":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        assert check(body).name == "x"

    def test_what_python_reads_beyond_json_is_kept(self) -> None:
        event = check(b'{"event":"call.ended","data":{"call":{"callId":"c","costUsd":NaN}}}')
        assert event.call_id == "c"
        assert event.cost_usd is None


def test_flat_body_with_all_checks() -> None:
    assert check(pack(FLAT)).id == "evt_01hx"
