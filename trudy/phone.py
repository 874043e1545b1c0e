"""Phone numbers as people write them, made into the E.164 that calls need. The extra `phone` brings what it takes.

from trudy.phone import to_e164

client.calls.create(agent_id=agent.id, phone_number=to_e164("(415) 555-0123", region="US"))
"""

from __future__ import annotations

from trudy import _checks
from trudy.errors import ConfigurationError, InvalidArgumentError

__all__ = ["to_e164"]


def to_e164(number: str, *, region: str | None = None) -> str:
    """A number in any spelling as E.164, such as `+14155550123`.

    It says whether the number can be one of its country, by length and prefix, not whether anybody has it.

    Args:
        number: the number as it is written, such as `(415) 555-0123`, `0044 20 7946 0123` or `+44 20 7946 0123`.
        region: the country that a number without a country code is in: two letters, such as `"US"`.

    Raises:
        InvalidArgumentError: it is no number, too short or too long, has an extension, or needs a region. An int or
            float, as tables make of numbers, is refused: its leading zeros and perhaps digits are lost.
        ConfigurationError: the extra is not installed.
    """
    try:
        import phonenumbers
    except ImportError:
        raise ConfigurationError("to_e164() needs phonenumbers: pip install 'trudy-python-sdk[phone]'") from None
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidArgumentError("region must be two capital letters of a country, such as 'US'", argument="region")
    _checks.phone_text(number, "number")
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException as fault:
        needs_region = fault.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and region is None
        why = "has no country code: pass region=, such as 'US'" if needs_region else "is no phone number"
        raise InvalidArgumentError(f"number {why}", argument="number") from None
    if parsed.extension:
        raise InvalidArgumentError("number has an extension, which E.164 has no place for", argument="number")
    if not phonenumbers.is_possible_number(parsed):
        raise InvalidArgumentError("number is too short or too long for its country", argument="number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
