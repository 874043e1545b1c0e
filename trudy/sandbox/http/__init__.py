"""HTTP in and out: the application, the ways to it, and what every request goes through.

The ways: `in_process` without a socket, `server` behind a port; `connection` is what the application sees of either.
`app` names the paths. Each API request passes `api_endpoint`: `rate_limit`, the key, `idempotency`, then a handler of
the routes, by the types of `handler`. `contract` reads the API document and checks requests by `schema` and
`multipart`; `problems` are the refusals, `wire` writes bodies. `recordings` is the origin of the audio. `control`
serves `/_sandbox/`, which shows a `snapshot`, with `redaction`, of what `records` kept.
"""
