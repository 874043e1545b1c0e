"""The phone numbers kept for fiction: a sandbox answers them, and no person can be reached by them."""

from __future__ import annotations

import re

_FICTIONAL = re.compile(r"\+1([2-9][0-9]{2})55501([0-9]{2})|\+442079460[0-9]([0-9]{2})")
# Valid in form, but of no area: service codes, toll-free and premium numbers.
_NOT_GEOGRAPHIC = re.compile(
    r"5(?:00|2[12]|33|44|66|77|88)|6(?:00|22|33|44|55|77|88)|7[01]0|8(?:00|33|44|55|66|77|88)|900"
)


def fictional_ending(number: str) -> int | None:
    """The last two digits of `+1 AAA 555 01NN`, AAA being the area code of a place, or of `+44 20 7946 0NNN`.

    None for any other number, which may belong to somebody.
    """
    match = _FICTIONAL.fullmatch(number)
    if match is None or (match[1] is not None and not is_geographic(match[1])):
        return None
    return int(match[2] or match[3])


def is_geographic(area_code: str) -> bool:
    """Whether a North American area code can belong to a place, by its form: which codes are in use changes."""
    n11 = area_code[1:] == "11"
    return area_code[0] in "23456789" and area_code[1] != "9" and not n11 and not _NOT_GEOGRAPHIC.fullmatch(area_code)
