"""Signed events: `of_things` says what is told of calls, batches and voices and writes it, `outbox` when and how often,
`sender` sends it to URLs and routers.
"""
