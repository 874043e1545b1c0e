from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox.http.schema import E164, TIME_OF_DAY, Check


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        ({"type": "string"}, 1, "must be a string"),
        ({"type": ["string", "null"]}, 1, "must be a string"),
        ({"type": ["array", "string"]}, 1, "must be a list or a string"),
        ({"type": "string"}, None, "must not be null"),
        ({"type": "integer"}, 1.0, "must be an integer"),
        ({"type": "integer"}, True, "must be an integer"),
        ({"type": "number"}, True, "must be a number"),
        ({"type": "boolean"}, 1, "must be a boolean"),
        ({"minLength": 1}, "", "must not be empty"),
        ({"minLength": 3}, "ab", "must have at least 3 characters"),
        ({"maxLength": 1}, "ab", "must have at most 1 character"),
        ({"minItems": 1}, [], "must have at least 1 item"),
        ({"maxItems": 1}, [1, 2], "must have at most 1 item"),
        ({"minimum": 0, "maximum": 1}, 2, "must be between 0 and 1"),
        ({"minimum": 1}, 0, "must be 1 or more"),
        ({"maximum": 1}, 2, "must be 1 or less"),
        ({"enum": ["a", "b", None]}, "c", "must be one of a, b"),
        ({"pattern": "^[ab]+$"}, "c", "must match ^[ab]+$"),
        ({"pattern": E164}, "+0", "must be in E.164 form, such as +14155550100"),
        ({"pattern": TIME_OF_DAY}, "9", "must be a time of day such as 09:30"),
        ({"format": "date-time"}, "soon", "must be an ISO 8601 time"),
        ({"format": "email"}, "me", "must be an e-mail address"),
        ({"format": "uri"}, "a.test/x", "must be an absolute URL"),
        ({"format": "uri"}, "http://[", "must be an absolute URL"),
        ({"not": {}}, 1, "is not valid"),
    ],
)
def test_reasons(schema: dict[str, Any], value: object, reason: str) -> None:
    fault = Check(schema).fault(value)
    assert fault is not None
    assert (fault.field, fault.reason, fault.value) == ("", reason, value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"format": "date-time"}, "2025-06-15T15:07:00Z"),
        ({"format": "date-time"}, "2025-06-15T15:07:00"),
        ({"format": "date-time"}, "2025-06-15T15:07:00.123+02:00"),
        ({"format": "date-time"}, None),
        ({"format": "email"}, "a@b.test"),
        ({"format": "uri"}, "https://a.test/x?y"),
        ({"pattern": E164}, "+14155550100"),
        ({"pattern": "b"}, "abc"),
    ],
)
def test_what_is_allowed(schema: dict[str, Any], value: object) -> None:
    assert Check(schema).fault(value) is None


@pytest.mark.parametrize("value", ["+14155550100\n", "+1415555\u0661", "x+14155550100"])
def test_patterns_are_read_as_javascript_reads_them(value: str) -> None:
    assert Check({"type": "string", "pattern": E164}).fault(value) is not None


def test_the_first_fault_by_the_order_of_members() -> None:
    check = Check(
        {
            "properties": {
                "a": {"type": "string"},
                "list": {"items": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}},
            },
            "required": ["b", "c"],
        }
    )

    def place(value: object) -> str:
        fault = check.fault(value)
        assert fault is not None
        return fault.field

    assert place({"a": 1, "list": [{}]}) == "a"
    assert place({"list": [{"n": 1}, {"n": "x"}]}) == "list.1.n"
    assert place({"list": [{"n": 1}, {}]}) == "list.1.n"
    assert place({"b": 1}) == "c"


def test_the_fault_of_a_choice_is_that_of_the_branch_with_the_values_type() -> None:
    branch = {"type": "object", "properties": {"n": {"type": "integer"}}}
    check = Check({"properties": {"x": {"anyOf": [branch, {"type": "null"}]}}})
    inner, outer = check.fault({"x": {"n": "1"}}), check.fault({"x": []})
    assert inner is not None
    assert outer is not None
    assert (inner.field, inner.reason) == ("x.n", "must be an integer")
    assert (outer.field, outer.reason) == ("x", "must be an object")
    assert check.fault({"x": None}) is None


def test_no_reason_repeats_the_value() -> None:
    for schema in ({"type": "integer"}, {"pattern": E164}, {"maxLength": 3}, {"enum": ["a"]}, {"format": "email"}):
        fault = Check(schema).fault("secret")
        assert fault is not None
        assert "secret" not in fault.reason
