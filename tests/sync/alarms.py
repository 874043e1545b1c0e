"""A stress of the sync client: a signal handler raises at a random moment of each call, thousands of times.

Run as a program against a server that answers `POST /calls`: `python -m tests.sync.alarms BACKEND CALLS SEED`. Prints
what was lost, as JSON. A module of its own, since an alarm needs a process of its own.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import signal
import sys
import time
from types import FrameType

import trudy


class SoftTimeLimitExceeded(Exception):  # noqa: N818
    """As Celery's, which is an Exception."""


class Stop(BaseException):
    """Passes `except Exception`."""


KINDS = (SoftTimeLimitExceeded, Stop, SystemExit, KeyboardInterrupt, LookupError, TimeoutError)


class Keys(logging.Handler):
    """Collects the idempotency keys that are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self.found.update(re.findall(r"key ([\w-]+)", record.getMessage()))


class Alarms:
    """Sets one alarm for each call, and notes what was raised."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.raised: BaseException | None = None
        self.in_call = False
        """Whether it struck before the call returned."""
        signal.signal(signal.SIGALRM, self._on_alarm)

    def set(self, longest: float) -> None:
        self.raised = None
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, self._random.uniform(0, longest)))

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        self.raised = self._random.choice(KINDS)("the alarm")
        self.in_call = False
        while frame is not None and not self.in_call:
            self.in_call = frame.f_globals.get("__name__", "").startswith("trudy.")
            frame = frame.f_back
        raise self.raised


def main(backend: str, calls: int, seed: int) -> dict[str, object]:
    keys = Keys()
    logging.getLogger("trudy").addHandler(keys)
    logging.getLogger("trudy").propagate = False
    alarms = Alarms(seed)
    told: set[str] = set()
    lost, changed, fired, outside, longest_call = 0, 0, 0, 0, 0.0
    client = make(backend)
    for number in range(20):
        place(client, f"warm-{number}", told)
    started = time.perf_counter()
    for number in range(50):
        place(client, f"measured-{number}", told)
    longest = 1.5 * (time.perf_counter() - started) / 50
    for number in range(calls):
        if number % 10 == 0:  # connects and resolves again
            client.close()
            client = make(backend)
        caught: BaseException | None = None
        started = time.perf_counter()
        try:
            alarms.set(longest)
            try:
                place(client, f"alarmed-{number}", told)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except BaseException as error:
            caught = error
        longest_call = max(longest_call, time.perf_counter() - started)
        fired += alarms.raised is not None
        lost += alarms.raised is not None and caught is None and alarms.in_call
        if alarms.raised is not None and not alarms.in_call:
            told.add(f"alarmed-{number}")  # before or after the call: the library had nothing to tell
            outside += 1
        changed += caught is not alarms.raised and caught is not None
        if caught is not None and caught is not alarms.raised:
            print("changed", repr(caught), repr(alarms.raised), file=sys.stderr)
    place(client, "last", told)
    client.close()
    return {
        "fired": fired,
        "lost": lost,
        "changed": changed,
        "outside": outside,
        "longest": round(longest_call, 3),
        "keys": sorted(told | keys.found),
    }


def make(backend: str) -> trudy.TrudyClient:
    return trudy.TrudyClient("a-key", base_url=os.environ["TEST_URL"], http_backend=backend, rate_limit=False)  # type: ignore[arg-type]


def place(client: trudy.TrudyClient, key: str, told: set[str]) -> None:
    call = client.calls.create(agent_id="a-1", phone_number="+14155550123", idempotency_key=key)
    if call.id:
        told.add(key)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
