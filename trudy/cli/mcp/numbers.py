"""The file of numbers that may be called: one a line, in any spelling."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from trudy import _checks
from trudy.errors import InvalidArgumentError
from trudy.phone import to_e164

_BETWEEN_CELLS: Final = re.compile(r"[,;\t]")
_PUNCTUATION: Final = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")


def numbers_in(path: Path, region: str | None) -> frozenset[str]:
    """The numbers of a file in E.164: the first cell of each line, without empty lines and those that begin with #.

    Args:
        path: the file. It is read once: whoever can write to it later adds nothing.
        region: the country of numbers without a country code.

    Raises:
        InvalidArgumentError: it cannot be read, holds no number, or a line is none; the error names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise _unusable(f"cannot read the numbers in {path}: {error.strerror or type(error).__name__}") from None
    except ValueError:
        raise _unusable(f"cannot read the numbers in {path}: it is no text in UTF-8") from None
    found: set[str] = set()
    is_first = True
    for at, line in enumerate(lines, 1):
        cell = _BETWEEN_CELLS.split(line, maxsplit=1)[0].strip().strip("\"'").strip()
        if not cell or cell.startswith("#"):
            continue
        is_header = is_first and not any(letter.isdigit() for letter in cell)
        is_first = False
        if is_header:
            continue
        try:
            found.add(e164_of(cell, region))
        except InvalidArgumentError as error:
            raise _unusable(f"{path}, line {at}: {error.message}") from None
    if not found:
        raise _unusable(f"{path} holds no phone number")
    return frozenset(found)


def e164_of(number: str, region: str | None) -> str:
    """A number in E.164. Without the extra `phone` it must have its country code.

    Raises:
        InvalidArgumentError: it is no number.
        ConfigurationError: a region is given, and the extra `phone` is not installed.
    """
    if region is not None or find_spec("phonenumbers") is not None:
        return to_e164(number, region=region)
    plain = _PUNCTUATION.sub("", number)
    if "(0)" in number.replace(" ", ""):
        raise InvalidArgumentError("number has a (0), which is not dialed from abroad", argument="number")
    _checks.e164(plain, "number")
    return plain


def _unusable(why: str) -> InvalidArgumentError:
    return InvalidArgumentError(why, argument="only_to")
