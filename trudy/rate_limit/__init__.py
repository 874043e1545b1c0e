"""Which of the requests that share a credential may be sent now, and when the others may.

    protocol.py           RateLimiter, Permit, RateLimitFacts: what the client asks, and what a limiter is told
    in_process.py         the limiter of this process as a RateLimiter: tickets, their queue, and the wait for a turn
    limiter.py            WindowLimiter: a ticket may go, or wait until; holds the one lock
      window.py           when windows open and close: grid, guard, reset_at, back-off (with a drawing)
      budget.py           how many requests a window takes: the limit, other users of it, a limit that was raised
      server_clock.py     the offset of the server's clock
    registry.py           one limiter for each credential
    postgres.py           PostgresRateLimiter: one limit for a fleet; waiters, and the thread that asks for them
      fleet_round.py      what a process notes and asks for in one transaction, and what comes back
      fleet.py            what the fleet knows of the limit and its windows, and what a request does to them
      postgres_tables.py  the tables, and the one transaction that changes them

All but in_process.py and the two of PostgreSQL is pure: no I/O, no event loop, no clock of its own.

.. include:: README.md
"""
