"""Many machines that dial from one store, in PostgreSQL with Procrastinate. Needs the extra `dialer-postgres`.

A job is a turn at a shard of a campaign, never a row, and nothing relies on a job to be run once, or at all: what may
be dialed stands in the tables of the store, and a claim asks them.

    entry           how a campaign is given to the workers, and a process becomes one
    fleet_worker    one process that dials with others
    jobs            the jobs in Procrastinate's tables, those that are missing put in
    keeper          each second: which workers are alive, which jobs are missing, which campaigns are over
    supervisor      runs Procrastinate, again and again, and frees the jobs of workers that died
    fleet_sweep     the one sweep of all workers, the breaker after it, and the amnesia guard before anything is claimed
    listener        hears from PostgreSQL that something has changed
    command         `python -m trudy.dialer worker`
    demo            `python -m trudy.dialer demo --workers 3`
"""
