from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy._masking import mask_phone, mask_text, one_line


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+14155550123", "+1415***0123"),
        ("+442079460123", "+4420***0123"),
        ("14155550123", "1415***0123"),
        ("(415) 555-0123", "415***0123"),
        ("+123456789", "+12***6789"),
        ("12345678", "1***5678"),
        ("5550123", "***0123"),
        ("555012", "***"),
        ("12", "***"),
        ("", "***"),
    ],
)
def test_a_number(number: str, masked: str) -> None:
    assert mask_phone(number) == masked


@pytest.mark.parametrize(
    "text",
    [
        "GET /agents/7d0c2b1e-0000-4000-8000-000000000001",
        "at 2027-01-15T12:00:00.123456Z",
        "2027-01-15 12:00",
        "2027-01-15T08:01:17.050000+00:00",
        "2027-01-15T08:01:17.050000",
        "on 2027-01-15.",
        "9999-12-31T23:59:59.999999Z",
        "2100-01-01T00:00:00Z",
        "attempt 3 2026-11-23T16:36:45Z failed",
        "request 12345 - 2026-11-23 16:36:45",
        "error 404 (2026-11-23T16:36:45.123456Z)",
        "call 7 12345678-1234-1234-1234-123456789012",
        "limit 100 507f1f77bcf86cd799439011",
        "limit 100, wait 60.5 s",
        "00000000-0000-0000-0000-000000000001",
        "batch_00000000-0000-0000-0000-000000000001",
        "507f1f77bcf86cd799439011",
        "PN01234567890123456789012345678901",
        "what? a & b",
        "123488576 bytes",
        "1048576 bytes",
        "the body has 104857600 bytes, at most 33554432 bytes are read",
        "at most 100 (1048576 bytes)",
        "12345678 B of 1234567 KiB",
        "4000000000 bytes in 12345678 ms",
        "(12345678 chars)",
        "read 1048576 of 33554432 bytes, 12345678 rows",
        "1048576/33554432 bytes",
        "took 1234567.25 ms, 0.12345678 seconds",
        "line 1 column 1234567 (char 1234567)",
        "Content-Length: 1048576",
        "limit=10000000 offset=1234567",
        "192.168.100.200",
        "no answer from 192.168.100.200:8443 in time",
        "10.0.0.1 and 172.16.254.100",
    ],
)
def test_what_is_no_number_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "secret",
    [
        "truedy_abcdEFGH1234",
        "whsec_abcdef123456",
        "Bearer abc.def",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
    ],
)
def test_secrets_vanish(secret: str) -> None:
    masked = mask_text(f"sent {secret} there")
    assert secret.split()[-1] not in masked
    assert masked.endswith(" there")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/calls?to=%2B1&token=s3cr3t\nX", "/calls?***\nX"),
        ("see https://x.test/a?b=c.", "see https://x.test/a?***"),
        ("?name=John Smith&token=s3cr3t", "?*** Smith&***"),
        ("to=%2B14155550123", "to=+1415***0123"),
        ("to=%2b1%20%28415%29%20555%2d0123", "to=+1415***0123"),
        ("+44 (0)20 7946 0123", "+4402***0123"),
        ("call-14155550123", "call-1415***0123"),
        ("number14155550123", "number1415***0123"),
        ("+14155550123,+14155550124", "+1415***0123,+1415***0124"),
        ("14155550123 14155550124", "1415***0124"),
        ("4155-55-0123", "415***0123"),
        ("+1-2026-11-23-45", "+1202***2345"),
        ("+2026-11-23", "+2***1123"),
        ("415 555 0123 2026-11-23T16:36:45Z", "415***0123 2026-11-23T16:36:45Z"),
        ("+1 415 12345678-1234-1234-1234", "+1415***1234"),
        ("2027-01-15T12:00:00.14155550123", "2027-01-15T12:00:00.1415***0123"),
        ("+14155550123 bytes", "+1415***0123 bytes"),
        ("4155550123 chars", "415***0123 chars"),
        ("4155550123 of 33554432 bytes", "415***0123 of 33554432 bytes"),
        ("+1415555012 of 12345678 rows", "+141***5012 of 12345678 rows"),
        ("limit=14155550123", "limit=1415***0123"),
        ("port 14155550123", "port 1415***0123"),
        ("415 555 0123, 12345678 bytes", "415***0123, 12345678 bytes"),
        ("415.555.0123", "415***0123"),
        ("+1.23.45.67.89.01", "+1234***8901"),
        ("01.23.45.67.89", "012***6789"),
    ],
)
def test_a_number_or_a_query_in_a_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_one_line_stays_one() -> None:
    assert one_line("a\r\n\x00\x85\u2029\u202eb") == r"a\r\n\x00\x85\u2029\u202eb"
    assert one_line(r"Zoë \n 東京 🙂") == r"Zoë \n 東京 🙂"


around = st.text(alphabet=" ,.:;\"'()[]{}=/_-?&%+#\n\tabcxyzABCXYZé–", max_size=12)


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str]:
    """A number in E.164, and the same as somebody may write it: with marks between groups of digits, encoded, bare."""
    number = draw(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
    gaps = st.sampled_from(["", "", " ", "  ", "-", ".", " (", ") ", "\u00a0", "\u2011", "%20", "%2D"])
    free = draw(st.booleans()) or len(number) < 11
    first = draw(st.sampled_from(["+", "%2B", "%2b"] if free else [""]))
    digits = [draw(gaps) + digit if free else digit for digit in number[1:]]
    return number, first + "".join(digits)


@given(spelled(), around, around)
def test_of_a_number_no_seven_digits_in_a_row_survive(number: tuple[str, str], before: str, after: str) -> None:
    plain, written = number
    left = re.sub(r"[^0-9*]", "", unquote(mask_text(before + written + after)))
    assert not any(plain[at : at + 7] in left for at in range(1, len(plain) - 6))


@given(spelled(), st.sampled_from([" ", "  ", " - ", " (", ". "]))
def test_a_number_is_masked_and_the_time_after_it_is_not(number: tuple[str, str], between: str) -> None:
    plain, written = number
    time = "2100-10-20T16:36:45.123456Z"
    masked = mask_text(written + between + time)
    assert masked.endswith(between + time)
    left = re.sub(r"[^0-9*]", "", unquote(masked.removesuffix(time)))
    assert not any(plain[at : at + 7] in left for at in range(1, len(plain) - 6))
