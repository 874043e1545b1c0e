"""Checks values against a schema of the API document. A fault is told in a few words, which repeat no value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen
from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError

E164 = r"^\+[1-9]\d{1,14}$"
TIME_OF_DAY = r"^\d{2}:\d{2}$"

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "array": "a list",
    "object": "an object",
}
_PATTERNS = {E164: "must be in E.164 form, such as +14155550100", TIME_OF_DAY: "must be a time of day such as 09:30"}
_FORMAT_REASONS = {
    "date-time": "must be an ISO 8601 time",
    "email": "must be an e-mail address",
    "uri": "must be an absolute URL",
}
_formats = FormatChecker(formats=())


@frozen
class SchemaFault:
    """The first fault of a value.

    Attributes:
        field: the place of the fault, such as `contacts.3.phone_number`; empty for the value as a whole.
    """

    field: str
    reason: str
    value: object


class Check:
    """The check against one schema, which is compiled once."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = _Validator(schema, format_checker=_formats)

    def fault(self, value: object) -> SchemaFault | None:
        """The first fault of `value`, in the order of the schema's members; None if it has none."""
        error: ValidationError | None = next(self._validator.iter_errors(value), None)
        if error is None:
            return None
        error = _innermost(error)
        path = [str(step) for step in error.absolute_path]
        if error.validator == "required":
            required: Any = error.validator_value
            present: Any = error.instance
            path.append(next(name for name in required if name not in present))
        return SchemaFault(".".join(path), _reason(error), error.instance)


def _innermost(error: ValidationError) -> ValidationError:
    """For a choice (`anyOf`) of which nothing fits, the fault of the branch that has the value's type."""
    while error.context:
        meant = [inner for inner in error.context if inner.validator != "type" or len(inner.relative_path)]
        error = (meant or error.context)[0]
    return error


def _reason(error: ValidationError) -> str:
    schema: Any = error.schema
    limit: Any = error.validator_value
    instance: Any = error.instance
    match error.validator:
        case "required":
            return "is required"
        case "type" if instance is None:
            return "must not be null"
        case "type":
            names = [limit] if isinstance(limit, str) else limit
            return "must be " + " or ".join(_TYPES[name] for name in names if name != "null")
        case "enum":
            return "must be one of " + ", ".join(word for word in limit if word is not None)
        case "pattern":
            return _PATTERNS.get(limit, f"must match {limit}")
        case "format":
            return _FORMAT_REASONS[limit]
        case "minimum" | "maximum" if "minimum" in schema and "maximum" in schema:
            return f"must be between {schema['minimum']} and {schema['maximum']}"
        case "minimum":
            return f"must be {limit} or more"
        case "maximum":
            return f"must be {limit} or less"
        case "minLength" if limit == 1:
            return "must not be empty"
        case "minItems" | "minLength":
            return f"must have at least {_counted(error)}"
        case "maxItems" | "maxLength":
            return f"must have at most {_counted(error)}"
        case _:
            return "is not valid"


def _counted(error: ValidationError) -> str:
    limit, what = error.validator_value, "item" if str(error.validator).endswith("Items") else "character"
    return f"{limit} {what}" if limit == 1 else f"{limit} {what}s"


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # JSON Schema has JavaScript's patterns, in which `\d` is 0 to 9 only and `$` is the very end.
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern, re.ASCII)


def _pattern(_: Any, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _compiled(pattern).search(value):
        yield ValidationError("pattern")


_extend: Callable[..., Any] = validators.extend  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_Validator = _extend(
    Draft202012Validator,
    validators={"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


@_formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    # A time without a zone is valid, and taken as UTC.
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


@_formats.checks("email")
def _is_email(value: object) -> bool:
    return not isinstance(value, str) or bool(_EMAIL.fullmatch(value))


@_formats.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)
