"""The PostgreSQL that tests and the demo start."""

from __future__ import annotations

import threading

import psycopg

from trudy.dialer.throwaway_postgres import postgres_server


def test_it_outlives_the_thread_that_started_it_again() -> None:
    with postgres_server() as server:
        server.stop()
        thread = threading.Thread(target=server.start)
        thread.start()
        thread.join()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
