"""Reads forms with files: `multipart/form-data` (RFC 7578)."""

from __future__ import annotations

import re
from collections.abc import Collection
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any

from attrs import field, frozen

from trudy.sandbox.http import problems

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_DISPOSITION = re.compile(rb"^content-disposition:[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)


@frozen
class FormFile:
    """A file in a form."""

    filename: str
    content: bytes = field(repr=False)


def read_form(content_type: str, body: bytes, *, booleans: Collection[str] = ()) -> dict[str, Any]:
    """The fields of a form by name: text, a `FormFile`, or a boolean if named in `booleans`; raises 400 for others."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise problems.bad_request("The form has no boundary")
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise problems.bad_request("The form does not end")
    form = dict(_read_part(part) for part in parts[1:-1])
    for name in booleans:
        if isinstance(text := form.get(name), str):
            form[name] = _BOOLEANS.get(text.lower(), text)
    return form


def as_json(form: Any) -> dict[str, Any]:
    """The fields as a schema checks them: a file is a text, its name."""
    return {name: value.filename if isinstance(value, FormFile) else value for name, value in form.items()}


def _read_part(part: bytes) -> tuple[str, Any]:
    head, separator, content = part.partition(b"\r\n\r\n")
    found = _DISPOSITION.search(head.replace(b"\r\n", b"\n"))
    if not separator or found is None:
        raise problems.bad_request("A part of the form has no Content-Disposition")
    disposition = Message()
    disposition["Content-Disposition"] = found[1].decode("utf-8", "replace")
    name, filename = (disposition.get_param(key, header="content-disposition") for key in ("name", "filename"))
    if not isinstance(name, str):
        raise problems.bad_request("A part of the form has no name")
    if filename is not None:
        return name, FormFile(collapse_rfc2231_value(filename), content)
    return name, content.decode("utf-8", "replace")
