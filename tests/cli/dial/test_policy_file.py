"""Policies in TOML: every key, its default, and errors that name it."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path

import pytest
from attrs import fields

from trudy.cli.dial.policy_file import TEMPLATE, policy_from, read_policy
from trudy.dialer import Attempts, Breaker, Hours, Policy, RetryAfter
from trudy.errors import InvalidArgumentError

EXAMPLES = re.sub(r"(?m)^#(?=\S)", "", TEMPLATE.read_text())
"""The template with its examples in use."""


def test_the_template_has_the_defaults() -> None:
    assert read_policy(TEMPLATE) == Policy()


def test_an_empty_file_has_the_defaults() -> None:
    assert policy_from("", "policy.toml") == Policy()


def test_the_template_shows_every_key() -> None:
    shown = set(re.findall(r"(?m)^([a-z_0-9]+) =", EXAMPLES)) | set(re.findall(r"(?m)^\[([a-z_]+)", EXAMPLES))
    assert shown >= {each.name for kind in (Policy, Hours, Attempts, Breaker) for each in fields(kind)} - {"by_region"}
    assert {each.name for each in fields(RetryAfter)} <= set(re.findall(r"\b[a-z]+(?= =)", EXAMPLES))
    assert "[hours.by_region.US-FL]" in EXAMPLES


def test_the_examples_of_the_template_are_a_policy() -> None:
    assert policy_from(EXAMPLES, "policy.toml") == Policy(
        hours=Hours(by_region={"US-FL": Hours(end=time(17))}),
        max_calls=5000,
        price=0.25,
        max_spend=500.0,
        countries=frozenset(("US", "CA")),
        retry={
            "busy": RetryAfter(seconds=3600, most=2),
            "voicemail": RetryAfter(seconds=86400, most=2),
            "failed": None,
        },
        caller_ids={"+14155550100": 200},
    )


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ('start = "09:30"', Hours(start=time(9, 30))),
        ('end = "24:00"', Hours(end=None)),
        ("end = 21:00:00\ndays = [1, 7]", Hours(end=time(21), days=frozenset((1, 7)))),
        ("anytime = true", Hours.always()),
    ],
)
def test_hours(text: str, hours: Hours) -> None:
    assert policy_from(f"[hours]\n{text}", "policy.toml").hours == hours


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("max_lives = 3", "max_lives", "did you mean max_live?"),
        ("colour = 3", "colour", "there are hours, max_live"),
        ("max_live = '3'", "max_live", "must be a whole number"),
        ("max_live = true", "max_live", "must be a whole number"),
        ("gap = nan", "gap", "must be from 0 to 3600"),
        ("gap = true", "gap", "must be from 0 to 3600"),
        ("max_spend = 3", "price", "max_spend needs price"),
        ("hours = 3", "hours", "must be a table, as in [hours]"),
        ("hours.start = 9", "hours.start", 'as in 09:30:00 or "09:30"'),
        ("hours.start = '9 am'", "hours.start", "09:30"),
        ("hours.start = '24:00'", "hours.start", "09:30"),
        ("hours.start = 1979-05-27T07:32:00Z", "hours.start", "time of day"),
        ("hours.end = 09:00:00", "hours.end", "later than hours.start"),
        ("hours.days = [0]", "hours.days", "from 1 to 7"),
        ("hours.days = 3", "hours.days", "must be days"),
        ("hours.holidays = 1", "hours.holidays", "must be bool"),
        ("hours.hollidays = true", "hours.hollidays", "did you mean holidays?"),
        ("hours.by_region.Florida.end = 17:00:00", "hours.by_region", "ISO 3166"),
        ("hours.by_region = 3", "hours.by_region", "must be a table"),
        ("hours.by_region.US-FL = 3", "hours.by_region.US-FL", "must be a table"),
        ("hours.by_region.US-FL.days = [9]", "hours.by_region.US-FL.days", "from 1 to 7"),
        ("hours.by_region.US-FL.end = 09:00:00", "hours.by_region.US-FL.end", "later"),
        ("attempts.a_day = 0", "attempts.a_day", "1 or more"),
        ("attempts = []", "attempts", "must be a table"),
        ("attempts.a_week = 0", "attempts.a_week", "is no key"),
        ("breaker.failed_share = 30", "breaker.failed_share", "from 0 to 1"),
        ("retry.busi = false", "retry.busi", "did you mean busy?"),
        ("retry.busy = true", "retry.busy", "must be false or a table"),
        ("retry.busy = 3600", "retry.busy", "must be false or a table"),
        ("retry.busy.seconds = -1", "retry.busy.seconds", "must be from 0"),
        ("retry.busy.most = 0", "retry.busy.most", "1 or more"),
        ("retry.busy.after = 0", "retry.busy.after", "is no key"),
        ("countries = 'US'", "countries", "ISO 3166-1"),
        ("countries = ['usa']", "countries", "ISO 3166-1"),
        ("kinds = ['mobil']", "kinds", "did you mean 'mobile'?"),
        ("on_unresolved = 'drop'", "on_unresolved", "hold, redial"),
        ("unresolved_after = 0", "unresolved_after", "must be from 1"),
    ],
)
def test_a_bad_value_is_refused_by_its_key(text: str, key: str, said: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        policy_from(text, "careful.toml")
    assert caught.value.message.startswith("careful.toml: ")
    assert caught.value.argument == key
    assert key in caught.value.message
    assert said in caught.value.message


@pytest.mark.parametrize("text", ['caller_ids."+14155550100" = 0', 'caller_ids."4155550100" = 5'])
def test_a_bad_caller_id_is_named_masked(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"caller_ids") as caught:
        policy_from(text, "policy.toml")
    assert "***0100" in caught.value.message
    assert "55501" not in caught.value.message


def test_what_is_no_toml_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("max_live = 10\ngap = \n")
    with pytest.raises(InvalidArgumentError, match=r"policy\.toml: this is no TOML: .*line 2"):
        read_policy(path)


@pytest.mark.parametrize("content", [None, b"max_live = \xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "policy.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match=r"policy\.toml: (No such file|this is no text)"):
        read_policy(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="directory"):
        read_policy(tmp_path)
