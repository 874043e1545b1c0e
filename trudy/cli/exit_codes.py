"""Exit codes of `trudy`, each with its meaning."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class ExitCode(IntEnum):
    """How a command ended. Scripts rely on these numbers."""

    DONE = 0
    USAGE = 1
    EXTRA_MISSING = 2
    PAUSED = 3
    BREAKER = 4
    STORE_BUSY = 5
    NOT_FOUND = 6
    NOT_ALLOWED = 7
    REFUSED = 8
    RATE_LIMIT = 9
    NO_ANSWER = 10
    OUTCOME_UNKNOWN = 11
    NOT_IN_TIME = 12
    FAULT = 70
    INTERRUPTED = 130
    PIPE_CLOSED = 141


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.USAGE: "wrong usage, a bad file, or not confirmed; nothing was sent",
    ExitCode.EXTRA_MISSING: "a Python package is missing; the message says which extra to install",
    ExitCode.PAUSED: "the campaign is paused or held",
    ExitCode.BREAKER: "the campaign was stopped by its breaker",
    ExitCode.STORE_BUSY: "another process runs this campaign",
    ExitCode.NOT_FOUND: "there is no such object (404)",
    ExitCode.NOT_ALLOWED: "no key or a wrong one, a bad setting, no permission, no credits (401, 402, 403)",
    ExitCode.REFUSED: "the server refused the request (other 4xx)",
    ExitCode.RATE_LIMIT: "over the rate limit for longer than the command may wait (429)",
    ExitCode.NO_ANSWER: "no answer, or a fault of the server (5xx); try again later",
    ExitCode.OUTCOME_UNKNOWN: "a call may or may not have been placed; look before you repeat it",
    ExitCode.NOT_IN_TIME: "waited in vain; what was waited for may still come",
    ExitCode.FAULT: "a fault of this program; please report it",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C",
    ExitCode.PIPE_CLOSED: "the reader of the output went away",
}
"""What each code says, in the order of the guide and of `trudy --help`."""
