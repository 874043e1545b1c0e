"""Who of all that share a credential may send now, and when the others may.

    protocol.py          RateLimiter, Permit, RateLimitFacts: what the client asks, and what a limiter is told
    in_process.py        the limiter of this process behind that protocol: tickets, their queue, and the task that waits
    limiter.py           WindowLimiter: tickets in, "go" or "wait until" out; the one lock
      window.py          when windows open and close: grid, guard, reset_at, back-off (with a drawing)
      budget.py          how many requests a window takes: the limit, neighbours, a limit that was raised
      server_clock.py    where the server's clock stands
    registry.py          one limiter for each credential

All but in_process.py is pure: no I/O, no event loop, no clock of its own.

.. include:: README.md
"""
