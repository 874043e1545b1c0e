"""One process of a fleet: `python -m tests.rate_limit.fleet_process BASE_URL KEY POSTGRES_URL LIMIT WINDOW TASKS`.

A limit of 0 is learned. It asks until it is killed, and says so once the limiter has refused it a place.
"""

from __future__ import annotations

import sys

import anyio

import trudy
from trudy.rate_limit.postgres import PostgresRateLimiter


async def main() -> None:
    base_url, key, postgres_url, limit, window, tasks = sys.argv[1:]
    rate_limit = trudy.RateLimit(int(limit), window=float(window)) if int(limit) else None
    limiter = PostgresRateLimiter(postgres_url, rate_limit=rate_limit)
    patience = 600 if rate_limit else 5

    async def ask() -> None:
        while True:
            try:
                await client.agents.list(limit=1)
            except trudy.RateLimitError as error:
                print("full", error.limit, flush=True)
                return

    client = trudy.AsyncTrudyClient(key, base_url=base_url, rate_limiter=limiter, max_rate_limit_wait=patience)
    async with client, anyio.create_task_group() as group:
        print("ready", flush=True)
        for _ in range(int(tasks)):
            group.start_soon(ask)
    limiter.close()


if __name__ == "__main__":
    anyio.run(main)
