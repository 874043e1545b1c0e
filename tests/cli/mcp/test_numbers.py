from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from trudy import InvalidArgumentError
from trudy.cli.mcp import numbers
from trudy.cli.mcp.numbers import e164_of, numbers_in

EXPECTED = frozenset({"+14155550100", "+442079460123"})


@pytest.fixture(params=[True, False], ids=["with phonenumbers", "without"])
def phonenumbers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        monkeypatch.setattr(numbers, "find_spec", lambda name: None)
    assert importlib.util.find_spec("phonenumbers") is not None
    return bool(request.param)


@pytest.mark.parametrize(
    "text",
    [
        "+14155550100\n+442079460123\n",
        "\ufeff+1 (415) 555-0100\r\n\r\n# a note\r\n  +44 20 7946 0123  \r\n",
        'phone,name\n+1-415-555-0100,Ada\n"+44 20 7946 0123",Bo\n',
        "+1.415.555.0100;Ada\n+44\u00a02079460123\tBo\n+14155550100",
    ],
)
@pytest.mark.usefixtures("phonenumbers")
def test_numbers_in_any_spelling(text: str, tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_text(text, encoding="utf-8")
    assert numbers_in(tmp_path / "numbers.txt", None) == EXPECTED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no phone number"),
        ("# nobody\n\n", "holds no phone number"),
        ("phone,name\n", "holds no phone number"),
        ("+14155550100\n4155550100\n", "line 2: number"),
        ("+14155550100\nAda\n", "line 2: number"),
        ("+14155550100\n1.41555E+10\n", "line 2: number"),
        ("+123456789012345678\n", "line 1: number"),
        ("+44 (0)20 7946 0123 ext. 5\n", "line 1: number"),
    ],
)
@pytest.mark.usefixtures("phonenumbers")
def test_files_that_allow_nothing_for_certain(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_text(text)
    with pytest.raises(InvalidArgumentError, match=words) as caught:
        numbers_in(tmp_path / "numbers.txt", None)
    assert "4155550100" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name in ("bytes", "not-there", "."):
        with pytest.raises(InvalidArgumentError, match="cannot read the numbers"):
            numbers_in(tmp_path / name, None)


def test_national_spellings_need_a_region() -> None:
    assert e164_of("(415) 555-0100", "US") == "+14155550100"
    with pytest.raises(InvalidArgumentError, match="country code"):
        e164_of("(415) 555-0100", None)


def test_a_zero_that_is_not_dialed_is_refused_where_nothing_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "find_spec", lambda name: None)
    with pytest.raises(InvalidArgumentError, match=r"\(0\)"):
        e164_of("+44 (0) 20 7946 0123", None)
