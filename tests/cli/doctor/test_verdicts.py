"""What facts mean, in tables."""

from __future__ import annotations

import pytest

from trudy.cli.doctor import verdicts
from trudy.cli.doctor.diagnosis import Diagnosis, exit_code, failed, fine
from trudy.cli.doctor.verdicts import AgentLines, TLSFacts
from trudy.cli.exit_codes import ExitCode

DAY = 86_400.0
ADA = AgentLines(id="agt_1", name="Ada", outbound=0)


@pytest.mark.parametrize(
    ("offset", "uncertainty", "verdict", "words"),
    [
        (0.0, 0.1, "ok", "within 0.1 s"),
        (-4.9, 0.0, "ok", "within 4.9 s"),
        (5.5, 1.0, "ok", "within 6.5 s"),
        (5.5, 0.1, "warning", "5.5 s behind the server"),
        (-299.0, 0.1, "warning", "299.0 s ahead of the server"),
        (300.0, 0.1, "warning", "300.0 s behind the server"),
        (90_000.0, 0.1, "warning", "90,000.0 s behind the server"),
    ],
)
def test_clocks(offset: float, uncertainty: float, verdict: str, words: str) -> None:
    found = verdicts.of_clock(offset, uncertainty)
    assert (found.verdict, words in found.found) == (verdict, True)
    assert bool(found.advice) == (verdict != "ok")
    assert ("Signatures" in found.advice) == (abs(offset) >= verdicts.TOLERATED_SKEW)


@pytest.mark.parametrize(
    ("left", "verdict"), [(None, "ok"), (90 * DAY, "ok"), (14 * DAY, "ok"), (13.9 * DAY, "warning"), (0.0, "warning")]
)
def test_certificates(left: float | None, verdict: str) -> None:
    found = verdicts.of_tls(TLSFacts(version="TLSv1.3", issuer="A. Nyone", seconds_left=left))
    assert found.verdict == verdict
    assert found.found.startswith("TLSv1.3, certificate of A. Nyone")


@pytest.mark.parametrize(
    ("limit", "used", "words"),
    [(None, 1, "not reached (1 request sent)"), (None, 2, "2 requests sent"), (100, 3, "100 requests a minute")],
)
def test_rate_limits(limit: int | None, used: int, words: str) -> None:
    assert words in verdicts.of_rate_limit(limit, used).found


@pytest.mark.parametrize(
    ("agents", "chosen", "verdict", "words"),
    [
        ([], False, "failed", "there is no agent"),
        ([ADA], True, "failed", "Ada has no number to call from"),
        ([ADA], False, "failed", "the agent has no number to call from"),
        ([ADA, ADA], False, "failed", "the 2 newest agents have no number to call from"),
        ([ADA, AgentLines(id="agt_2", name="", outbound=1)], False, "ok", "agt_2 has 1 number to call from"),
        ([AgentLines(id="agt_2", name="Bo", outbound=2)], True, "ok", "Bo has 2 numbers to call from"),
    ],
)
def test_agents(agents: list[AgentLines], chosen: bool, verdict: str, words: str) -> None:
    found = verdicts.of_agents(agents, chosen=chosen)
    assert (found.verdict, found.found) == (verdict, words)


@pytest.mark.parametrize(
    ("status", "is_local", "is_https", "verdict", "code"),
    [
        (400, False, True, "ok", 0),
        (401, False, True, "ok", 0),
        (403, False, False, "warning", 0),
        (401, True, False, "warning", 0),
        (200, False, True, "failed", 7),
        (204, True, False, "failed", 7),
        (301, False, True, "failed", 10),
        (404, False, True, "failed", 10),
        (405, True, True, "failed", 10),
        (500, False, True, "failed", 10),
        (502, False, True, "failed", 10),
    ],
)
def test_receivers(status: int, is_local: bool, is_https: bool, verdict: str, code: int) -> None:
    found = verdicts.of_receiver(status, host="hooks.example.test", is_local=is_local, is_https=is_https)
    assert (found.verdict, found.code) == (verdict, code)
    assert str(status) in found.found
    assert bool(found.advice) == (verdict != "ok")


def test_the_first_failure_decides_the_exit_code() -> None:
    good = fine("a", "b")
    assert exit_code([good]) is ExitCode.DONE
    bad = [failed("a", "b", "c", ExitCode.NO_ANSWER), failed("a", "b", "c", ExitCode.NOT_ALLOWED)]
    assert exit_code([good, *bad]) is ExitCode.NO_ANSWER


def test_nothing_secret_and_no_forged_line_is_shown() -> None:
    found = Diagnosis(check="a", verdict="failed", found="+14155550123 truedy_abcdef\nok", advice="\x1b[2J")
    assert found.found == "+1415***0123 ***\\nok"
    assert found.advice == "\\x1b[2J"
