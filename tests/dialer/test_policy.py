"""Hours in every zone, daylight saving and holidays; caps, breaker and what follows an outcome."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy import InvalidArgumentError
from trudy.dialer import policy_json
from trudy.dialer.policy import Attempts, Breaker, Hours, OutcomeWord, Policy, RetryAfter, is_holiday

NEW_YORK, CHICAGO, LOS_ANGELES = "America/New_York", "America/Chicago", "America/Los_Angeles"


def at(zone: str, text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def opening(moment: float, *zones: str, hours: Hours | None = None, region: str | None = None) -> str | None:
    found = (hours or Hours()).opens(zones, country="US", region=region, moment=moment)
    return None if found is None else datetime.fromtimestamp(found, UTC).isoformat()


def test_on_weekdays_from_ten_to_six() -> None:
    assert opening(at(NEW_YORK, "2026-06-05 09:59:59"), NEW_YORK) == "2026-06-05T14:00:00+00:00"
    assert opening(at(NEW_YORK, "2026-06-05 17:59:59"), NEW_YORK) == "2026-06-05T21:59:59+00:00"
    assert opening(at(NEW_YORK, "2026-06-05 18:00:00"), NEW_YORK) == "2026-06-08T14:00:00+00:00"


def test_in_every_zone_the_number_may_lie_in() -> None:
    moment = at(NEW_YORK, "2026-06-05 10:00:00")
    assert opening(moment, NEW_YORK, LOS_ANGELES) == "2026-06-05T17:00:00+00:00"
    evening = at(NEW_YORK, "2026-06-05 18:30:00")
    assert opening(evening, LOS_ANGELES) == "2026-06-05T22:30:00+00:00"
    assert opening(evening, NEW_YORK, LOS_ANGELES) == "2026-06-08T17:00:00+00:00"


def test_an_unknown_zone_never_opens_and_neither_do_zones_without_a_common_hour() -> None:
    moment = at(NEW_YORK, "2026-06-05 12:00:00")
    assert opening(moment) is None
    assert opening(moment, NEW_YORK, "Asia/Tokyo") is None


def test_holidays_of_the_country_and_of_the_state() -> None:
    assert opening(at(NEW_YORK, "2026-12-25 11:00"), NEW_YORK) == "2026-12-28T15:00:00+00:00"
    assert (
        opening(at(NEW_YORK, "2026-12-25 11:00"), NEW_YORK, hours=Hours(holidays=True)) == "2026-12-25T16:00:00+00:00"
    )
    patriots = date(2026, 4, 20)
    assert is_holiday(patriots, "US", "US-MA")
    assert not is_holiday(patriots, "US", "US-CA")
    assert not is_holiday(patriots, "US", None)
    assert not is_holiday(patriots, None, None)
    assert not is_holiday(patriots, "ZZ", None)
    assert is_holiday(date(2026, 12, 25), "US", "US-NOWHERE")


def test_daylight_saving_both_ways() -> None:
    """On the Monday after, ten o'clock is ten o'clock on the wall."""
    assert opening(at(NEW_YORK, "2026-03-06 19:00"), NEW_YORK) == "2026-03-09T14:00:00+00:00"
    assert opening(at(NEW_YORK, "2026-10-30 19:00"), NEW_YORK) == "2026-11-02T15:00:00+00:00"


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        # On 2026-03-08 two o'clock is three: from one to four are two hours.
        ("2026-03-08T05:59:59+00:00", "2026-03-08T06:00:00+00:00"),
        ("2026-03-08T07:30:00+00:00", "2026-03-08T07:30:00+00:00"),
        ("2026-03-08T08:00:00+00:00", "2026-03-09T05:00:00+00:00"),
        # On 2026-11-01 one o'clock comes twice: from one to four are four hours.
        ("2026-11-01T04:59:59+00:00", "2026-11-01T05:00:00+00:00"),
        ("2026-11-01T06:30:00+00:00", "2026-11-01T06:30:00+00:00"),
        ("2026-11-01T08:59:59+00:00", "2026-11-01T08:59:59+00:00"),
        ("2026-11-01T09:00:00+00:00", "2026-11-02T06:00:00+00:00"),
    ],
)
def test_hours_in_which_clocks_change(moment: str, opens: str) -> None:
    hours = Hours(start=time(1), end=time(4), days=frozenset(range(1, 8)), holidays=True)
    assert opening(datetime.fromisoformat(moment).timestamp(), NEW_YORK, hours=hours) == opens


def test_a_zone_that_changes_its_clock_beside_one_that_does_not() -> None:
    """Los Angeles and Phoenix open together in summer, an hour apart in winter."""
    assert opening(at(LOS_ANGELES, "2026-06-05 09:00"), LOS_ANGELES, "America/Phoenix") == "2026-06-05T17:00:00+00:00"
    assert opening(at(LOS_ANGELES, "2026-12-04 08:00"), LOS_ANGELES, "America/Phoenix") == "2026-12-04T18:00:00+00:00"


def test_named_choices() -> None:
    sunday = at(NEW_YORK, "2026-06-07 08:00")
    assert opening(sunday, NEW_YORK, hours=Hours.us_federal()) == "2026-06-07T12:00:00+00:00"
    assert opening(sunday, hours=Hours.always()) == "2026-06-07T12:00:00+00:00"
    florida = Hours(by_region={"US-FL": Hours(end=time(12)), "GB": Hours(start=time(8))})
    assert (
        opening(at(NEW_YORK, "2026-06-05 12:00"), NEW_YORK, hours=florida, region="US-FL")
        == "2026-06-08T14:00:00+00:00"
    )
    assert opening(at(NEW_YORK, "2026-06-05 12:00"), NEW_YORK, hours=florida) == "2026-06-05T16:00:00+00:00"


@given(
    moment=st.floats(1.7e9, 2.1e9),
    zones=st.sets(st.sampled_from([NEW_YORK, CHICAGO, LOS_ANGELES, "America/Phoenix", "Europe/London"]), min_size=1),
)
def test_an_opening_is_inside_the_hours_of_each_zone(moment: float, zones: set[str]) -> None:
    hours = Hours()
    found = hours.opens(zones, country="US", region=None, moment=moment)
    assert found is not None or {"Europe/London", LOS_ANGELES} <= zones or {"Europe/London", "America/Phoenix"} <= zones
    if found is not None:
        assert found >= moment
        for zone in zones:
            local = datetime.fromtimestamp(found, ZoneInfo(zone))
            assert time(10) <= local.time() < time(18)
            assert local.isoweekday() <= 5
            assert not is_holiday(local.date(), "US", None)


@pytest.mark.parametrize(
    ("members", "argument"),
    [
        ({"max_live": 0}, "max_live"),
        ({"gap": -1}, "gap"),
        ({"max_calls": 0}, "max_calls"),
        ({"max_spend": 5}, "price"),
        ({"retry": {"bussy": None}}, "retry"),
        ({"caller_ids": {"415": 3}}, "caller_ids"),
        ({"caller_ids": {"+14155550100": 0}}, "caller_ids"),
        ({"kinds": frozenset({"landline"})}, "kinds"),
        ({"on_unresolved": "ring"}, "on_unresolved"),
        ({"unresolved_after": 0}, "unresolved_after"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_by_name(members: dict[str, object], argument: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Policy(**members)  # type: ignore[arg-type]
    assert caught.value.argument == argument


def test_hours_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="later"):
        Hours(start=time(18), end=time(10))
    with pytest.raises(InvalidArgumentError, match=r"hours\.days"):
        Hours(days=frozenset({0}))


def test_what_follows_an_outcome() -> None:
    policy = Policy(retry={"busy": RetryAfter(seconds=600, most=2), "no_answer": None})
    assert policy.retry_after("busy") == RetryAfter(seconds=600, most=2)
    assert policy.retry_after("no_answer") is None
    assert policy.retry_after("failed") == RetryAfter()
    for final in ("answered", "voicemail", "opted_out", "unknown"):
        assert Policy().retry_after(final) is None


def test_whom_one_may_call() -> None:
    policy = Policy()
    assert policy.may_call(country="US", kind="mobile", default_country="US") is None
    assert policy.may_call(country="CA", kind="mobile", default_country="US") == "country"
    assert policy.may_call(country="US", kind="premium", default_country="US") == "kind_premium"
    assert Policy(countries=frozenset({"CA"})).may_call(country="CA", kind="mobile", default_country="US") is None
    for kind in ("toll_free", "premium", "shared_cost", "short", "emergency", "unknown"):
        assert kind not in policy.kinds


def ends(*outcomes: OutcomeWord, seconds: float = 60.0) -> list[tuple[OutcomeWord, float | None]]:
    return [(outcome, seconds) for outcome in outcomes]


def test_the_breaker() -> None:
    breaker = Breaker()
    assert breaker.trips(ends(*["failed"] * 49)) is None
    assert breaker.trips(ends(*["failed"] * 14, *["answered"] * 36)) is None
    assert breaker.trips(ends(*["failed"] * 15, *["answered"] * 35)) == "15 of the last 50 attempts failed"
    assert breaker.trips(ends(*["answered"] * 19, seconds=4)) is None
    assert breaker.trips(ends(*["answered"] * 20, seconds=4)) == "20 calls in a row ended within 5 s"
    assert breaker.trips(ends(*["answered"] * 20, seconds=5)) is None


POLICIES = st.builds(
    Policy,
    hours=st.sampled_from([Hours(), Hours.us_federal(), Hours.always(), Hours(by_region={"US-FL": Hours(end=None)})]),
    max_live=st.integers(1, 100),
    attempts=st.builds(Attempts, a_day=st.integers(1, 3), in_30_days=st.integers(1, 9)),
    retry=st.dictionaries(st.sampled_from(["busy", "failed"]), st.none() | st.just(RetryAfter(seconds=60, most=2))),
    countries=st.none() | st.frozensets(st.sampled_from(["US", "CA"])),
    caller_ids=st.just({"+14155550100": 50}),
    price=st.just(0.5),
    max_spend=st.none() | st.just(100.0),
)


@given(POLICIES)
def test_a_policy_survives_the_store(policy: Policy) -> None:
    assert policy_json.from_json(policy_json.to_json(policy)) == policy
