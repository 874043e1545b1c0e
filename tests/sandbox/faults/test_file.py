from __future__ import annotations

from pathlib import Path

import pytest

from trudy.sandbox.faults.file import FaultFileError, load_faults
from trudy.sandbox.faults.rules import FaultTable

EVERYTHING = """
[[fault]]
method = "POST"
path = "/calls"
nth = 2
reset = "after"

[[fault]]
path = "/agents*"
probability = 0.25
times = 3
status = 502
effect = true
code = "provider_error"
message = "Oh"
details = { httpStatus = 503 }
body = "<html>"
headers = { X-Proxy = "p" }
content_type = "text/html"
delay = 1.5
truncate = true
broken = true
drip = 2
skew = -60
"""


def read(folder: Path, text: str) -> FaultTable:
    (folder / "faults.toml").write_text(text)
    table = FaultTable()
    load_faults(table, folder / "faults.toml")
    return table


def test_all_options(tmp_path: Path) -> None:
    first, second = read(tmp_path, EVERYTHING).rules
    assert (first.method, first.path, first.nth, first.fault.reset) == ("POST", "/calls", 2, "after")
    fault = second.fault
    assert (second.path, second.probability, second.remaining) == ("/agents*", 0.25, 3)
    assert (fault.status, fault.effect, fault.code, fault.message) == (502, True, "provider_error", "Oh")
    assert (fault.details, fault.body) == ({"httpStatus": 503}, b"<html>")
    assert fault.headers == {"X-Proxy": "p", "Content-Type": "text/html"}
    assert (fault.delay, fault.truncate, fault.broken, fault.drip, fault.skew) == (1.5, True, True, 2, -60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "there is no fault in it; each begins with [[fault]]"),
        ("fault = 1", "there is no fault in it; each begins with [[fault]]"),
        ("seed = 1\n[[fault]]\nstatus = 500", "there is no 'seed'; each fault begins with [[fault]]"),
        (
            "[[fault]]\nstatus = 500\n[[fault]]\nstatis = 1",
            "fault 2: there is no 'statis'; there are method, path, nth",
        ),
        ("[[fault]]\nstatus = '500'", "fault 1: status must be a whole number"),
        ("[[fault]]\nnth = true", "fault 1: nth must be a whole number"),
        ("[[fault]]\ndelay = '1s'", "fault 1: delay must be a number of seconds"),
        ("[[fault]]\nheaders = { A = 1 }", "fault 1: headers must be a table of texts"),
        ("[[fault]]\nstatus = 99", "fault 1: status must be between 200 and 599"),
        ("[[fault]]\nreset = 'soon'", "fault 1: reset must be one of connect, before, after"),
        ("[[fault]]\npath = '/agents'", "fault 1: a fault must say what goes wrong"),
        ("[[fault]]\nbody = { a = 2026-01-01 }", "fault 1: body must be values that JSON has"),
        ("[[fault]]\nstatus = 500\nprobability = 2", "fault 1: probability must be between 0 and 1"),
        ("[[fault]", "Expected ']]'"),
        ("fault = [1]", "fault 1: a fault is a table of names and values"),
    ],
)
def test_the_error_names_the_faulty_rule(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "faults.toml").write_text(text)
    table = FaultTable()
    with pytest.raises(FaultFileError) as raised:
        load_faults(table, tmp_path / "faults.toml")
    assert str(raised.value).startswith(str(tmp_path / "faults.toml"))
    assert expected in str(raised.value)
    assert len(table) == 0


def test_methods_may_be_written_small_and_bodies_be_tables(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, "[[fault]]\nmethod = 'post'\nbody = { a = 1 }\n").rules
    assert (rule.method, rule.fault.body) == ("POST", b'{"a": 1}')


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FaultFileError, match="No such file"):
        load_faults(FaultTable(), tmp_path / "none.toml")
