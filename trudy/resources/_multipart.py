"""Writes a multipart form (RFC 7578) whole, so that a retry sends the same bytes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trudy.pipeline.core import Content
    from trudy.resources._uploads import Upload


def multipart(fields: Mapping[str, str], name: str, upload: Upload, content_type: str) -> Content:
    """A form of some fields and one file."""
    boundary = f"trudy-{secrets.token_hex(16)}"
    while boundary.encode() in upload.data:
        boundary = f"trudy-{secrets.token_hex(16)}"
    parts: list[bytes] = []
    for field, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field)}"\r\n\r\n'
        parts += [head.encode(), value.encode(), b"\r\n"]
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(upload.filename)}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    parts += [head.encode(), upload.data, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _quoted(text: str) -> str:
    """As browsers do: what would end the name is percent-encoded, the rest is UTF-8."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
