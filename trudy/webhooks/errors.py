"""Why a delivery is not trusted.

    WebhookVerificationError         base; catch this one
    ├── MissingHeaderError           a header is missing: this is no delivery of Truedy
    ├── StaleTimestampError          too old, too far in the future, or no time at all
    ├── BadSignatureError            not signed with any of the secrets, or changed on the way
    └── BadPayloadError              too large, or authentic but no event

None holds the secret, the signature or the body.
"""

from __future__ import annotations

from trudy.errors import TrudyError


class WebhookVerificationError(TrudyError):
    """A delivery was refused; `code` says why in one word."""

    default_code = "webhook_verification_error"


class MissingHeaderError(WebhookVerificationError):
    """The timestamp or the signature header is missing. Answer 401."""

    default_code = "missing_header"


class StaleTimestampError(WebhookVerificationError):
    """The timestamp header is older or further ahead than tolerated, or is no time. Answer 401."""

    default_code = "stale_timestamp"


class BadSignatureError(WebhookVerificationError):
    """The signature fits none of the secrets. Answer 401."""

    default_code = "bad_signature"


class BadPayloadError(WebhookVerificationError):
    """The body is too large, or is signed but not an event in JSON. Answer 400."""

    default_code = "bad_payload"
