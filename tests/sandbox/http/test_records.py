from __future__ import annotations

from attrs import evolve

from trudy.sandbox.http.records import KEPT_BYTES, KEPT_REQUESTS, Arrival, ArrivalLog

ARRIVAL = Arrival("POST", "/calls", b"", (), b"", 0.0, "0", 201)


def test_old_requests_are_forgotten_when_there_are_too_many() -> None:
    log = ArrivalLog()
    for number in range(KEPT_REQUESTS + 3):
        log.append(evolve(ARRIVAL, request_id=str(number)))
    assert len(log) == KEPT_REQUESTS
    assert next(iter(log)).request_id == "3"
    assert next(reversed(log)).request_id == str(KEPT_REQUESTS + 2)


def test_old_requests_are_forgotten_when_their_bodies_are_too_large() -> None:
    log, body = ArrivalLog(), bytes(KEPT_BYTES // 4)
    for number in range(6):
        log.append(evolve(ARRIVAL, request_id=str(number), body=body))
    assert [arrival.request_id for arrival in log] == ["2", "3", "4", "5"]
    log.append(evolve(ARRIVAL, request_id="vast", body=bytes(KEPT_BYTES + 1)))
    assert [arrival.request_id for arrival in log] == ["vast"]
    log.append(evolve(ARRIVAL, request_id="next"))
    assert [arrival.request_id for arrival in log] == ["next"]
    for number in range(4):
        log.append(evolve(ARRIVAL, request_id=str(number), body=body))
    assert len(log) == 5
