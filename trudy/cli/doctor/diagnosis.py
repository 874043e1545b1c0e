"""What a check found: how it went, in words, and what to do."""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import field, frozen

from trudy._masking import mask_text, one_line
from trudy.cli.exit_codes import ExitCode

Verdict: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


def _clean(text: str) -> str:
    return one_line(mask_text(text))


@frozen(kw_only=True)
class Diagnosis:
    """What one check found.

    Attributes:
        check: what was looked at, in a word or two.
        verdict: how it is; `skipped` where it could not be looked at.
        found: what was found.
        advice: what to do; empty where there is nothing to do.
        code: the exit code of a command that meets this; 0 unless it failed.
    """

    check: str
    verdict: Verdict
    found: str = field(converter=_clean)
    advice: str = field(default="", converter=_clean)
    code: ExitCode = ExitCode.DONE


def fine(check: str, found: str) -> Diagnosis:
    return Diagnosis(check=check, verdict="ok", found=found)


def doubtful(check: str, found: str, advice: str) -> Diagnosis:
    return Diagnosis(check=check, verdict="warning", found=found, advice=advice)


def failed(check: str, found: str, advice: str, code: ExitCode) -> Diagnosis:
    return Diagnosis(check=check, verdict="failed", found=found, advice=advice, code=code)


def skipped(check: str, why: str, advice: str = "") -> Diagnosis:
    return Diagnosis(check=check, verdict="skipped", found=why, advice=advice)


def exit_code(found: list[Diagnosis]) -> ExitCode:
    """The code of the first check that failed: what a command would end with."""
    return next((one.code for one in found if one.verdict == "failed"), ExitCode.DONE)
