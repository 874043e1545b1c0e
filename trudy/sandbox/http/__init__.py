"""HTTP in and out: the application, the ways to it, and what every request goes through.

in_process.py         the way without a socket: an httpx transport around the application
server.py             the way behind a port
connection.py         what the application sees of either
app.py                which handler serves which path
  api_endpoint.py     what every request of the API goes through, whatever its path
    rate_limit.py     the limit of requests, counted before the key is looked at
    idempotency.py    keyed creates get their first answer again
    handler.py        what handlers are given, and what they give
  contract.py         what the API document says of each operation
    schema.py         a value checked against it
    multipart.py      forms with files
  problems.py         the documented refusals
  wire.py             answers as bytes
recordings.py         the audio, on an origin of its own
control.py            `/_sandbox/`, for people and for tests in other languages
  snapshot.py         what it shows
  redaction.py        without whole numbers and secrets
records.py            what tests ask about the requests that came
"""
