"""Every interleaving of the placing protocol: two rows, two workers, two crashes. `python -m tests.dialer.explorer`.

What may follow from what comes from `trudy.dialer.states`, so that a change there changes what is explored. Around it
stand the workers (pick, claim, send, record), the network and the server (a request is on its way, refused, lost, or
placed, perhaps after its answer was given up), the sweep, time, and crashes. A phone that rings twice is shown with
the shortest way to it. Nothing is drawn by chance, and nothing is left out.

Workers are alike, and so are rows: a state says how many are where, not which. An attempt of which nothing can come
any more is dropped. That keeps the number of states small without leaving any of them out.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import product
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from attrs import field, frozen

from trudy.dialer.states import (
    RINGING,
    AttemptState,
    Happening,
    ImpossibleError,
    RowState,
    attempt_after,
    row_after,
)

WORKERS: Final = 2
CRASHES: Final = 2

Server: TypeAlias = Literal["nothing", "on its way", "talks", "over", "refused", "dropped"]
Holder: TypeAlias = Literal["", "unrecorded", "claimed", "sent", "placed", "refused", "not_sent", "unknown"]
"""What the worker of an attempt is about to do: "" for none, the four last to record that answer."""
_WAITING: Final = RowState.WAITING.value
_INTENT: Final = AttemptState.INTENT.value
_TIMED: Final = (_INTENT, AttemptState.UNKNOWN.value)
"""Attempts for which it matters how late it is."""
FRESH: Final = 0
PAST_SEND_BY: Final = 1
PAST_ALL: Final = 2
"""Where time stands for an attempt: it may be sent, it no more may, the server can no longer place it either."""


class Attempt(NamedTuple):
    """An attempt: as the store has it ("" where it has none), as the server has it, and who works on it."""

    state: str
    time: int
    server: Server
    holder: Holder
    is_durable: bool


class Row(NamedTuple):
    """A row, how often its phone rang, how many workers have picked it, and its attempts, oldest first."""

    state: str
    rung: int
    picked: int
    attempts: tuple[Attempt, ...]


class State(NamedTuple):
    """Everything at one moment."""

    rows: tuple[Row, ...]
    crashes: int


@frozen(kw_only=True)
class Protocol:
    """What is explored. The defaults are the true protocol with rows that are held.

    Attributes:
        redial: dial again where a call was not found.
        same_number: both rows are of one number, as in two campaigns; then it must not ring twice at a time.
        looks_may_miss: a list that lags may not show a call which was placed.
        ringing: attempts beside which the unique index lets no other be, for a number.
        row_after, attempt_after: what follows from what.
        intent_first, is_durable, is_guarded, has_send_by: False for a mutant.
    """

    redial: bool = False
    same_number: bool = False
    looks_may_miss: bool = False
    ringing: frozenset[AttemptState] = RINGING
    row_after: Callable[..., RowState] = row_after
    attempt_after: Callable[[AttemptState, Happening], AttemptState] = attempt_after
    intent_first: bool = True
    is_durable: bool = True
    is_guarded: bool = True
    has_send_by: bool = True
    rows: Mapping[tuple[str, str], str] = field(init=False, repr=False)
    attempts: Mapping[tuple[str, str], str] = field(init=False, repr=False)

    @rows.default
    def _rows(self) -> dict[tuple[str, str], str]:
        """What follows for a row, as a table: what is not in it is impossible."""
        table: dict[tuple[str, str], str] = {}
        for state, happening in product(RowState, get_args(Happening)):
            again = self.redial and happening == "given_up"
            with suppress(ImpossibleError):
                table[state.value, happening] = self.row_after(state, happening, again=again).value
        return table

    @attempts.default
    def _attempts(self) -> dict[tuple[str, str], str]:
        """The same for an attempt."""
        table: dict[tuple[str, str], str] = {}
        for state, happening in product(AttemptState, get_args(Happening)):
            with suppress(ImpossibleError):
                table[state.value, happening] = self.attempt_after(state, happening).value
        return table


@frozen
class Explored:
    """What came of it: how many states there are, what was done, and the way to a double ring, if any."""

    states: int
    steps: frozenset[str]
    counterexample: tuple[str, ...] | None = field(repr=False)


def explore(protocol: Protocol, *, canonical: bool = True) -> Explored:
    """Visit every state. `canonical=False` tells rows apart, for a trace that names them."""
    start = State((Row(_WAITING, 0, 0, ()),) * 2, CRASHES)
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    steps = set[str]()
    known: _Known = {}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for label, rows, crashes in _steps(protocol, state, known):
            after = State(tuple(sorted(rows)) if canonical else rows, crashes)
            steps.add(label)
            if after in came_from:
                continue
            came_from[after] = (state, label)
            if _rings_twice(protocol, after):
                return Explored(len(came_from), _without_numbers(steps), _way(came_from, after))
            queue.append(after)
    return Explored(len(came_from), _without_numbers(steps), None)


def _without_numbers(steps: set[str]) -> frozenset[str]:
    return frozenset(re.sub(r"^row \d: | \(attempt \d\)$", "", step) for step in steps)


def _rings_twice(protocol: Protocol, state: State) -> bool:
    if protocol.same_number:
        return sum(attempt.server == "talks" for row in state.rows for attempt in row.attempts) > 1
    return any(row.rung > 1 for row in state.rows)


def _way(came_from: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    labels: list[str] = []
    while (before := came_from[state]) is not None:
        state, label = before
        labels.append(label)
    return tuple(reversed(labels))


_Known: TypeAlias = dict[tuple[int, Row, bool, bool], tuple[tuple[str, Row], ...]]
"""What a row can come to, by its place, itself, whether a worker is free, and whether its number is being called."""


def _steps(protocol: Protocol, state: State, known: _Known) -> Iterator[tuple[str, tuple[Row, ...], int]]:
    is_free = sum(row.picked + sum(each.holder != "" for each in row.attempts) for row in state.rows) < WORKERS
    for index, row in enumerate(state.rows):
        others = state.rows if protocol.same_number else (row,)
        is_ringing = any(attempt.state in protocol.ringing for other in others for attempt in other.attempts)
        key = (index, row, is_free, is_ringing)
        if key not in known:
            known[key] = tuple(
                (f"row {index + 1}: {label}", _tidied(protocol, after))
                for label, after in _row_steps(protocol, row, is_free=is_free, is_ringing=is_ringing)
            )
        for label, after in known[key]:
            yield label, _with_row(state.rows, index, after), state.crashes
    if state.crashes:
        for label, rows in _crashes(state.rows):
            yield label, tuple(_tidied(protocol, row) for row in rows), state.crashes - 1


def _row_steps(protocol: Protocol, row: Row, *, is_free: bool, is_ringing: bool) -> Iterator[tuple[str, Row]]:
    if is_free and row.state == _WAITING:
        yield "a worker picks it", row._replace(picked=row.picked + 1)
    if row.picked:
        left = row._replace(picked=row.picked - 1)
        if protocol.intent_first:
            yield _claimed(protocol, left, is_ringing=is_ringing)
        else:
            sent = Attempt("", FRESH, "on its way", "unrecorded", is_durable=True)
            yield "a worker sends the request", left._replace(attempts=(*row.attempts, sent))
    for number, attempt in enumerate(row.attempts):
        is_last = number == len(row.attempts) - 1
        for label, after in (
            *_worker_steps(protocol, row, attempt),
            *_server_steps(row, attempt),
            *_sweep_steps(protocol, row, attempt, is_last=is_last),
        ):
            kept, moved = after
            attempts = (*row.attempts[:number], moved, *row.attempts[number + 1 :])
            yield f"{label} (attempt {number + 1})", kept._replace(attempts=attempts)


def _claimed(protocol: Protocol, row: Row, *, is_ringing: bool) -> tuple[str, Row]:
    """T1: one transaction that finds the row waiting and the number free, or does nothing."""
    following = protocol.rows.get((row.state if protocol.is_guarded else _WAITING, "claimed"))
    if following is None or (is_ringing and protocol.is_guarded):
        return "a claim misses", row
    intent = Attempt(_INTENT, FRESH, "nothing", "claimed", protocol.is_durable)
    return "a worker commits an intent", row._replace(state=following, attempts=(*row.attempts, intent))


_Moves: TypeAlias = Iterator[tuple[str, tuple[Row, Attempt]]]


def _worker_steps(protocol: Protocol, row: Row, attempt: Attempt) -> _Moves:
    """The worker that has the attempt goes on: it sends, hears or not, and records (T2)."""
    match attempt.holder:
        case "unrecorded":
            following = protocol.rows.get((row.state, "claimed"))
            if following is not None:
                recorded = attempt._replace(state=_INTENT, holder="sent")
                yield "the worker commits the intent", (row._replace(state=following), recorded)
        case "claimed":
            if attempt.time == FRESH or not protocol.has_send_by:
                yield "the worker sends the request", (row, attempt._replace(server="on its way", holder="sent"))
                yield "nothing can be sent", (row, attempt._replace(holder="not_sent"))
            else:
                yield "it is too late to send", (row, attempt._replace(holder="not_sent"))
        case "sent":
            if attempt.server in ("talks", "over"):
                yield "the answer says placed", (row, attempt._replace(holder="placed"))
            elif attempt.server == "refused":
                yield "the answer says refused", (row, attempt._replace(holder="refused"))
                yield "the answer says 429", (row, attempt._replace(holder="not_sent"))
            yield "no answer comes", (row, attempt._replace(holder="unknown"))
        case "placed" | "refused" | "not_sent" | "unknown" as answer:
            yield f"the worker records {answer}", _moved(protocol, row, attempt._replace(holder=""), answer)
        case "":
            pass


def _server_steps(row: Row, attempt: Attempt) -> _Moves:
    """Network, server and time."""
    if attempt.server == "on its way":
        yield "the server places the call", (row._replace(rung=row.rung + 1), attempt._replace(server="talks"))
        yield "the server refuses", (row, attempt._replace(server="refused"))
        yield "the request is lost", (row, attempt._replace(server="dropped"))
    elif attempt.server == "talks":
        yield "the call is over", (row, attempt._replace(server="over"))
    if attempt.time == FRESH:
        yield "send_by passes", (row, attempt._replace(time=PAST_SEND_BY))
    elif attempt.time == PAST_SEND_BY and attempt.server != "on its way":
        yield "the server can no longer place it", (row, attempt._replace(time=PAST_ALL))


def _sweep_steps(protocol: Protocol, row: Row, attempt: Attempt, *, is_last: bool) -> _Moves:
    """Whoever is alive looks for the attempts of all, whether their workers still live or not (T2 and T3)."""
    is_there = attempt.server in ("talks", "over")
    if is_there and is_last and _can(protocol, attempt, "found"):
        yield "a sweep finds the call", _moved(protocol, row, attempt, "found")
    if attempt.time == PAST_ALL and (not is_there or protocol.looks_may_miss) and _can(protocol, attempt, "given_up"):
        yield "a sweep gives the call up", _moved(protocol, row, attempt, "given_up")
    if attempt.server == "over" and _can(protocol, attempt, "ended"):
        yield "a sweep sees the end", _moved(protocol, row, attempt, "ended")
        yield "a sweep takes it for lost", _moved(protocol, row, attempt, "lost")


def _moved(protocol: Protocol, row: Row, attempt: Attempt, happening: Happening) -> tuple[Row, Attempt]:
    """One transaction: both move, or neither where something else was first."""
    row_follows = protocol.rows.get((row.state, happening))
    follows = protocol.attempts.get((attempt.state, happening))
    if row_follows is None or follows is None:
        return row, attempt
    return row._replace(state=row_follows), attempt._replace(state=follows)


def _can(protocol: Protocol, attempt: Attempt, happening: Happening) -> bool:
    return (attempt.state, happening) in protocol.attempts


def _crashes(rows: tuple[Row, ...]) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """A process dies, or the power goes: then a commit that had not reached the disk was never made."""
    for index, row in enumerate(rows):
        if row.picked:
            left = row._replace(picked=row.picked - 1)
            yield f"row {index + 1}: the worker that picked it dies", _with_row(rows, index, left)
        for number, attempt in enumerate(row.attempts):
            if attempt.holder:
                attempts = (*row.attempts[:number], attempt._replace(holder=""), *row.attempts[number + 1 :])
                left = row._replace(attempts=attempts)
                yield f"row {index + 1}: the worker dies (attempt {number + 1})", _with_row(rows, index, left)
    if any(row.picked or row.attempts for row in rows):
        yield "the power goes", tuple(map(_without_power, rows))


def _without_power(row: Row) -> Row:
    forgotten = any(not attempt.is_durable for attempt in row.attempts)
    attempts = tuple(
        attempt._replace(holder="") if attempt.is_durable else attempt._replace(state="", holder="", is_durable=True)
        for attempt in row.attempts
    )
    return row._replace(state=_WAITING if forgotten else row.state, picked=0, attempts=attempts)


def _with_row(rows: tuple[Row, ...], index: int, row: Row) -> tuple[Row, ...]:
    return (*rows[:index], row, *rows[index + 1 :])


def _tidied(protocol: Protocol, row: Row) -> Row:
    attempts = (each for each in row.attempts if not _is_past(protocol, each))
    return row._replace(attempts=tuple(map(_timeless, attempts)))


def _timeless(attempt: Attempt) -> Attempt:
    """Without the time, where it no longer matters."""
    is_timed = attempt.state in _TIMED or attempt.holder == "claimed" or attempt.server == "on its way"
    return attempt if is_timed or attempt.time == PAST_ALL else attempt._replace(time=PAST_ALL)


def _is_past(protocol: Protocol, attempt: Attempt) -> bool:
    """Whether nothing can come of it: nobody works on it, no request is under way, and no sweep cares."""
    if attempt.holder or attempt.server in ("on its way", "talks"):
        return False
    if attempt.state == AttemptState.UNRESOLVED:
        return attempt.server != "over"
    return not any((attempt.state, each) in protocol.attempts for each in ("found", "given_up", "ended", "lost"))


MUTANTS: Final = {
    "intent after send": Protocol(intent_first=False),
    "intent not durable": Protocol(is_durable=False),
    "claim without guard": Protocol(is_guarded=False),
    "redial without send_by": Protocol(redial=True, has_send_by=False),
}
TRUE: Final = {
    "hold": Protocol(),
    "hold, looks may miss": Protocol(looks_may_miss=True),
    "redial": Protocol(redial=True),
    "hold, one number": Protocol(same_number=True),
    "redial, one number": Protocol(redial=True, same_number=True),
}


def told(name: str, explored: Explored) -> str:
    """A line for a protocol, and the way to its double ring, if it has one."""
    way = explored.counterexample
    verdict = "nobody rung twice" if way is None else f"rings twice after {len(way)} steps"
    return "\n".join([f"{name}: {explored.states:,} states, {verdict}", *(f"    {step}" for step in way or ())])


if __name__ == "__main__":
    for each, protocol in TRUE.items():
        print(told(each, explore(protocol)))
    for each, protocol in MUTANTS.items():
        print(told(each, explore(protocol, canonical=False)))
